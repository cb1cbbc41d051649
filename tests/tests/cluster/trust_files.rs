//! Tests of the import and export of rights.

use std::collections::BTreeSet;

use registry_core::codec::base64url;
use registry_tests::cluster::{Localnet, command};
use serde_json::{Value, json};

use super::trust::{Party, Right, check};

/// Number of leading columns of an export that describe a right and its conditions.
const COLUMNS: usize = 10;

/// Imports a text. Returns exit code and report.
fn import(party: &Party<'_>, text: &str, more: &[&str]) -> (i32, Value) {
    let file = party.network.path("import");
    std::fs::write(&file, text).expect("written");
    let path = file.display().to_string();
    let arguments = ["trust", "import", &path, "--keys", &party.keys];
    let (code, report, errors) = party.network.idem(1, &[&arguments[..], more].concat());
    assert!(report["rows"].is_array(), "{errors}");
    let counts = ["granted", "exists", "refused", "skipped"].map(|name| {
        let rows = report["rows"].as_array().expect("rows");
        let count = rows.iter().filter(|row| row["outcome"] == name).count();
        assert_eq!(report[name], count, "{report}");
        count
    });
    assert_eq!(code, i32::from(counts[2] > 0), "{report} {errors}");
    assert_eq!(counts.iter().sum::<usize>(), report["rows"].as_array().map_or(0, Vec::len));
    (code, report)
}

fn outcomes(report: &Value) -> Vec<&str> {
    let rows = report["rows"].as_array().expect("rows");
    rows.iter().map(|row| row["outcome"].as_str().expect("an outcome")).collect()
}

/// Waits until all nodes have the grants of an import.
async fn settled(network: &Localnet) {
    let height = network.nodes[1].client.height().await.expect("a height");
    super::trust::settled(network, &json!({ "height": height })).await;
}

fn export(party: &Party<'_>, node: usize) -> String {
    let url = party.network.description["nodes"][node]["rpc"].as_str().expect("a URL");
    let output = command()
        .args(["--rpc", url, "trust", "export", "--authority", &party.did, "--format", "csv"])
        .output()
        .expect("idem runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Imports a table in which single rows are wrong, as the authority and as its accreditor.
pub(crate) async fn imports(authority: &Party<'_>, accreditor: &Party<'_>) {
    let (root, other) = (&authority.did, &accreditor.did);
    let text = format!(
        "\u{feff}entity,authority,action,resource,valid_from,valid_until,assurance\r\n\
         did:web:one.example,{root},issue,licences/pilot,,2099-01-01T00:00:00Z,high\r\n\
         \"did:web:two.example\",{root},issue,\"licences/pilot\",2026-01-01T00:00:00Z,,\r\n\
         did:web:three.example,{other},issue,licences/pilot,,,\r\n\
         did:web:four.example,{root},issue,licences/pilot,,soon,\r\n\
         did:web:five.example,{root},issue,x,2030-01-01T00:00:00Z,2029-01-01T00:00:00Z,\r\n\
         {root},{root},issue,licences/pilot,,,\r\n\
         did:web:six.example,{root},issue,licences/pilot,,2020-01-01T00:00:00Z,\r\n\
         did:web:one.example,{root},issue,licences/pilot,,,\r\n"
    );
    let (_, report) = import(authority, &text, &[]);
    let expected = ["granted", "granted", "skipped", "refused", "refused", "refused"];
    assert_eq!(outcomes(&report)[..6], expected, "{report}");
    assert_eq!(outcomes(&report)[6..], ["skipped", "refused"], "{report}");
    let twice = "the same right as row 1 with other conditions (valid_until, assurance)";
    let detail = report["rows"][7]["detail"].as_str().expect("a detail");
    assert!(detail.starts_with(twice), "{report}");
    assert!(report["rows"][0]["operation"].is_string(), "{report}");
    let codes: Vec<_> = (3..6).map(|row| report["rows"][row]["code"].as_i64()).collect();
    assert_eq!(codes, [Some(1024), Some(1024), Some(2039)], "{report}");
    assert_eq!(report["rows"][5]["name"], "TRUST_CYCLE", "{report}");
    let (_, again) = import(authority, &text, &[]);
    assert_eq!((&again["granted"], &again["exists"]), (&0.into(), &2.into()), "{again}");
    let (_, any) = import(authority, &text, &["--any-authority"]);
    assert_eq!(any["rows"][2]["outcome"], "refused", "{any}");
    settled(authority.network).await;
    let pilot =
        Right { authority: root, resource: "licences/pilot", entity: "did:web:one.example" };
    assert_eq!(check(authority.network, pilot, &[]).await, (true, "active".to_owned()));

    // The accreditor grants under the authority, from the right that it holds.
    let text = format!(
        "authority,entity,action,resource\n\
         {root},did:web:one.example,issue,degrees/master\n\
         {root},did:web:one.example,issue,licences/pilot\n"
    );
    let (_, report) = import(accreditor, &text, &["--authority", root]);
    assert_eq!(outcomes(&report), ["granted", "refused"], "{report}");
    settled(authority.network).await;
    let master = Right { resource: "degrees/master", ..pilot };
    assert_eq!(check(authority.network, master, &[]).await, (true, "active".to_owned()));
}

fn attribute(issuer: &str, kind: &str, types: [&str; 2]) -> Value {
    let payload = json!({
        "nbf": 1_767_225_600, "exp": 4_070_908_800_u64,
        "vc": { "credentialSubject": { "id": issuer,
            "accreditedFor": [{ "schemaId": "https://schemas.example/1", "types": types }] } },
    });
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let body = format!("{}.{}.{}", part(&json!({ "alg": "ES256" })), part(&payload), "AAAA");
    json!({ "hash": "ab".repeat(32), "body": body, "issuerType": kind, "tao": "did:ebsi:zTao",
        "rootTao": "did:ebsi:zRoot" })
}

/// Imports a list of issuers in EBSI's form.
pub(crate) async fn imports_issuers(party: &Party<'_>) {
    let issuer =
        |did: &str, kind, types| json!({ "did": did, "attributes": [attribute(did, kind, types)] });
    let list = json!({ "items": [
        issuer("did:ebsi:zUniversity", "TI", ["VerifiableCredential", "Diploma"]),
        issuer("did:ebsi:zMinistry", "TAO", ["VerifiableAccreditation", "Diploma"]),
        issuer("did:ebsi:zGone", "Revoked", ["VerifiableCredential", "Diploma"]),
    ]});
    let (code, report) = import(party, &list.to_string(), &[]);
    assert_eq!((code, outcomes(&report)), (0, vec!["granted", "granted", "skipped"]), "{report}");
    let (_, again) = import(party, &list.to_string(), &[]);
    assert_eq!(outcomes(&again), ["exists", "exists", "skipped"], "{again}");
    settled(party.network).await;
    let page = party.network.done(3, &["trust", "list", "--authority", &party.did]);
    let grants: Vec<_> = page["rights"].as_array().expect("rights").iter().collect();
    assert_eq!(grants.len(), 2, "{page}");
    for right in grants {
        let grant = &right["grants"][0];
        let depth = u64::from(right["entity"] == "did:ebsi:zMinistry");
        assert_eq!((&right["resource"], &grant["maxDepth"]), (&"Diploma".into(), &depth.into()));
        assert_eq!(grant["evidence"], "ab".repeat(32), "{grant}");
        assert_eq!(grant["validFrom"], "2026-01-01T00:00:00.000Z", "{grant}");
    }
    let university =
        Right { authority: &party.did, resource: "Diploma", entity: "did:ebsi:zUniversity" };
    assert_eq!(check(party.network, university, &[]).await, (true, "active".to_owned()));
}

/// Returns the rights of a table that are in force and that the authority itself has granted.
fn own_rights(text: &str) -> BTreeSet<String> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at = |name: &str| header.iter().position(|column| *column == name).expect("a column");
    let (grantor, status) = (at("grantor"), at("status"));
    let own = lines.filter(|cells| cells[grantor].is_empty() && cells[status] == "active");
    own.map(|cells| cells[1..COLUMNS].join(",")).collect()
}

/// Checks that exported rights exist already if they are imported again, and that another authority
/// can import the same rights for itself.
pub(crate) async fn goes_round(authority: &Party<'_>, second: &Party<'_>) {
    let text = export(authority, 3);
    let statuses: Vec<_> =
        text.lines().skip(1).filter_map(|line| line.rsplit(',').nth(1)).collect();
    assert!(statuses.contains(&"revoked") && statuses.contains(&"active"), "{text}");
    let (code, report) = import(authority, &text, &[]);
    assert_eq!((code, &report["granted"]), (0, &0.into()), "{report}");
    let moved = text.replace(&authority.did, &second.did);
    let kept = own_rights(&export(second, 0));
    let (code, report) = import(second, &moved, &[]);
    let rights = own_rights(&text);
    assert_eq!((code, &report["granted"]), (0, &rights.len().into()), "{report}");
    assert!(rights.len() > 2, "{rights:?}");
    settled(authority.network).await;
    let gained: BTreeSet<_> = own_rights(&export(second, 2)).difference(&kept).cloned().collect();
    assert_eq!(gained, rights);
    let json = authority.network.done(0, &["trust", "export", "--authority", &authority.did]);
    let grants = json["rights"].as_array().expect("rights").iter();
    let count: usize = grants.map(|right| right["grants"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(count, text.lines().count() - 1, "{json}");
}
