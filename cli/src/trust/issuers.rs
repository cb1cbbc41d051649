//! Reads lists of issuers in the form of EBSI's Trusted Issuers Registry. It does not verify the
//! credentials in them.

use registry_core::codec::from_base64url;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, TrustKey};
use registry_core::trust::Conditions;
use serde::Deserialize;
use serde_json::Value;

use super::row::{Row, Verdict, Wanted, name, shown};
use crate::exit::{Failure, warn};
use crate::time::time_ms;

/// An issuer with its accreditations, one for each attribute.
#[derive(Debug, Deserialize)]
struct Issuer {
    did: String,
    /// Attributes of the issuer. A page of issuers omits them or has a link in their place.
    attributes: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    #[serde(default)]
    hash: Option<String>,
    /// Credential as a JWT; empty until the issuer has registered it.
    #[serde(default)]
    body: Option<String>,
    issuer_type: IssuerType,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum IssuerType {
    #[serde(rename = "RootTAO")]
    RootTao,
    #[serde(rename = "TAO")]
    Tao,
    #[serde(rename = "TI")]
    Issuer,
    Revoked,
}

/// Content of the credential of an attribute.
#[derive(Debug)]
struct Accreditation {
    /// Most specific type of each entry of `accreditedFor`.
    types: Vec<String>,
    valid_from: Option<u64>,
    valid_until: Option<u64>,
}

/// Reads a row for each type for which an issuer is accredited. Each row asks for the right from
/// `authority` to perform `action` on the type.
pub(super) fn read(
    bytes: &[u8],
    authority: &Did,
    action: &ActionName,
) -> Result<Vec<Row>, Failure> {
    let remedy = "give an array of issuers, or an object with that array as items";
    let wrong = |message: String| Failure::usage_with(message, remedy);
    let list: Value = serde_json::from_slice(bytes)
        .map_err(|error| wrong(format!("not a JSON list of issuers: {error}")))?;
    if let Some(next) = next_page(&list) {
        let next = shown(next);
        warn(format!("the file is one page of a list that goes on at {next}: import that too"));
    }
    let list = match list {
        Value::Object(mut members) => members.remove("items").unwrap_or_default(),
        other => other,
    };
    let Value::Array(items) = list else {
        return Err(wrong("no list of issuers".to_owned()));
    };
    let list = List { authority, action };
    Ok(items.into_iter().flat_map(|item| list.issuer(item)).collect())
}

/// Returns the link to the next page of the list, if there is one. The last page may name itself as
/// the next.
fn next_page(list: &Value) -> Option<&str> {
    let next = list["links"]["next"].as_str().filter(|next| !next.is_empty())?;
    let items = list["items"].as_array().map_or(0, Vec::len);
    let all = list["total"].as_u64().and_then(|total| usize::try_from(total).ok());
    let is_whole = items == 0 || all.is_some_and(|all| items >= all);
    let is_last = [&list["self"], &list["links"]["self"]].iter().any(|own| *own == next);
    (!is_whole && !is_last).then_some(next)
}

struct List<'l> {
    authority: &'l Did,
    action: &'l ActionName,
}

impl List<'_> {
    fn issuer(&self, item: Value) -> Vec<Row> {
        let did = item["did"].as_str().unwrap_or_default().to_owned();
        let one = |verdict| vec![self.row(&did, "", Err(verdict))];
        let issuer: Issuer = match serde_json::from_value(item) {
            Ok(issuer) => issuer,
            Err(error) => return one(unread("issuer", &error)),
        };
        match issuer.attributes {
            Some(Value::Array(attributes)) if attributes.is_empty() => {
                one(Verdict::skipped("accredited for nothing"))
            }
            Some(Value::Array(attributes)) => {
                let rows = |attribute| self.attribute(&issuer.did, attribute);
                attributes.into_iter().flat_map(rows).collect()
            }
            None | Some(Value::String(_)) => {
                let detail = "its attributes are not in the file: add what the registry has at \
                    its href";
                one(Verdict::refused(detail))
            }
            Some(_) => one(Verdict::refused("no issuer: attributes is no array")),
        }
    }

    fn attribute(&self, did: &str, attribute: Value) -> Vec<Row> {
        let one = |verdict| vec![self.row(did, "", Err(verdict))];
        let attribute: Attribute = match serde_json::from_value(attribute) {
            Ok(attribute) => attribute,
            Err(error) => return one(unread("attribute", &error)),
        };
        let revoked = matches!(attribute.issuer_type, IssuerType::Revoked);
        let revocation = || Verdict::skipped("revoked in the list");
        let Some(body) = attribute.body.as_deref().filter(|body| !body.is_empty()) else {
            let reserved = || Verdict::skipped("no credential is registered for it");
            return one(if revoked { revocation() } else { reserved() });
        };
        let accreditation = match accreditation(body, did) {
            Ok(accreditation) if accreditation.types.is_empty() => {
                return one(Verdict::skipped("accredited for nothing"));
            }
            Ok(accreditation) => accreditation,
            Err(_) if revoked => return one(revocation()),
            Err(detail) => return one(Verdict::refused(detail)),
        };
        let conditions = Conditions {
            valid_from: accreditation.valid_from,
            valid_until: accreditation.valid_until,
            max_depth: attribute.issuer_type.depth(),
            evidence: attribute.hash.as_deref().and_then(hash),
            ..Conditions::default()
        };
        let read = |kind: &String| match revoked {
            true => Err(revocation()),
            false => self.wanted(did, kind, conditions.clone()),
        };
        accreditation.types.iter().map(|kind| self.row(did, kind, read(kind))).collect()
    }

    fn wanted(&self, did: &str, kind: &str, conditions: Conditions) -> Result<Wanted, Verdict> {
        let (resource, entity) = (name("resource", kind)?, name("entity", did)?);
        let (authority, action) = (self.authority.clone(), self.action.clone());
        let key = TrustKey { authority, action, resource, entity };
        Ok(Wanted { key, conditions, parent: None, grantor: None })
    }

    fn row(&self, did: &str, kind: &str, read: Result<Wanted, Verdict>) -> Row {
        Row::new([did, &self.action.to_string(), kind], read)
    }
}

fn unread(what: &str, error: &serde_json::Error) -> Verdict {
    Verdict::refused(format!("no {what}: {}", shown(&error.to_string())))
}

impl IssuerType {
    /// Returns the number of further grants that may follow: a root accredits accrediting
    /// organisations, these accredit issuers, and issuers accredit nobody.
    fn depth(self) -> Option<u8> {
        match self {
            Self::RootTao => Some(2),
            Self::Tao => Some(1),
            Self::Issuer | Self::Revoked => None,
        }
    }
}

/// Parses 32 bytes in hex, with or without `0x`. Returns `None` for other forms.
fn hash(text: &str) -> Option<Hash> {
    text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase().parse().ok()
}

/// Reads the payload of a credential about `did`. It does not verify the signature.
fn accreditation(token: &str, did: &str) -> Result<Accreditation, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts.as_slice() else {
        return Err("body is no JWT of three parts".to_owned());
    };
    let payload = from_base64url(payload).ok_or("the payload of the JWT is not base64url")?;
    let payload: Value = serde_json::from_slice(&payload)
        .map_err(|error| format!("the payload of the JWT is not JSON: {error}"))?;
    // In version 1 the credential is a claim of the JWT, in version 2 it is the payload itself.
    let credential = payload.get("vc").unwrap_or(&payload);
    let mut types: Vec<String> = Vec::new();
    for subject in one_or_many(&credential["credentialSubject"]) {
        if let Some(id) = subject["id"].as_str().filter(|id| *id != did) {
            return Err(format!("the credential is about {:?}", shown(id)));
        }
        for accredited in one_or_many(&subject["accreditedFor"]) {
            let last = one_or_many(&accredited["types"]).last();
            let kind = last.and_then(Value::as_str).ok_or("accreditedFor has no types")?;
            if !types.iter().any(|other| other == kind) {
                types.push(kind.to_owned());
            }
        }
    }
    let valid_from = time(credential, ["validFrom", "issuanceDate"], &payload["nbf"])?;
    let valid_until = time(credential, ["validUntil", "expirationDate"], &payload["exp"])?;
    Ok(Accreditation { types, valid_from, valid_until })
}

/// Returns the first time that the credential states, in Unix milliseconds. If it states none,
/// returns the time of the claim, which is in seconds.
fn time(credential: &Value, members: [&str; 2], claim: &Value) -> Result<Option<u64>, String> {
    for member in members {
        match &credential[member] {
            Value::Null => {}
            Value::String(text) => {
                let read = time_ms(text).map(Some);
                return read.map_err(|_| format!("{member} {:?} is no time in UTC", shown(text)));
            }
            other => return Err(format!("{member} {} is no time", shown(&other.to_string()))),
        }
    }
    match claim {
        Value::Null => Ok(None),
        claim => {
            let time_ms = claim.as_u64().and_then(|seconds| seconds.checked_mul(1_000));
            let wrong = || format!("{} is no time in seconds", shown(&claim.to_string()));
            time_ms.map(Some).ok_or_else(wrong)
        }
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

#[cfg(test)]
mod tests {
    use registry_core::codec::base64url;
    use serde_json::json;

    use super::*;
    use crate::trust::row::{RowOutcome, State};

    const A: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
    const UNIVERSITY: &str = "did:ebsi:zUniversity";

    fn token(payload: &Value) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        format!("{}.{}.{}", part(&json!({ "alg": "ES256" })), part(payload), base64url(&[7; 64]))
    }

    fn accredited(kind: &str) -> Value {
        json!({ "schemaId": "https://e.example/s", "types": ["VerifiableCredential", kind] })
    }

    /// Returns a credential of version 1 for these types.
    fn credential(kinds: &[&str]) -> Value {
        let accredited: Vec<Value> = kinds.iter().map(|kind| accredited(kind)).collect();
        json!({
            "iss": "did:ebsi:zTao",
            "vc": {
                "issuanceDate": "2026-01-01T00:00:00Z",
                "expirationDate": "2031-01-01T00:00:00Z",
                "credentialSubject": { "id": UNIVERSITY, "accreditedFor": accredited },
            },
        })
    }

    fn attribute(kind: &str, payload: &Value) -> Value {
        json!({ "hash": "0xAB".to_owned() + &"cd".repeat(31), "body": token(payload),
            "issuerType": kind, "tao": "did:ebsi:zTao", "rootTao": "did:ebsi:zRoot" })
    }

    fn rows(list: &Value) -> Vec<Row> {
        let (authority, action) = (A.parse().expect("a DID"), "issue".parse().expect("a name"));
        read(list.to_string().as_bytes(), &authority, &action).expect("a list")
    }

    /// Returns the rows of one issuer with these attributes.
    fn of(attributes: &[Value]) -> Vec<Row> {
        rows(&json!([{ "did": UNIVERSITY, "attributes": attributes }]))
    }

    fn verdict(row: &Row) -> (RowOutcome, &str) {
        match &row.state {
            State::Done(verdict) => {
                (verdict.outcome, verdict.detail.as_deref().unwrap_or_default())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_type_of_an_accreditation_is_a_grant() {
        let rows = of(&[attribute("TI", &credential(&["Diploma", "Transcript", "Diploma"]))]);
        let wanted: Vec<&Wanted> = rows.iter().filter_map(Row::wanted).collect();
        let resources: Vec<_> = wanted.iter().map(|w| w.key.resource.to_string()).collect();
        assert_eq!(resources, ["Diploma", "Transcript"]);
        let conditions = &wanted[0].conditions;
        assert_eq!(conditions.valid_from, Some(1_767_225_600_000));
        assert_eq!(conditions.valid_until, Some(1_924_992_000_000));
        assert_eq!(
            conditions.evidence.map(|hash| hash.to_string()).as_deref().map(str::len),
            Some(64)
        );
        assert_eq!(conditions.max_depth, None);
        assert_eq!(wanted[0].key.entity.to_string(), UNIVERSITY);
        assert_eq!(wanted[0].key.authority.to_string(), A);
        for (kind, depth) in [("TAO", 1), ("RootTAO", 2)] {
            let rows = of(&[attribute(kind, &credential(&["Diploma"]))]);
            assert_eq!(rows[0].wanted().and_then(|w| w.conditions.max_depth), Some(depth));
        }
    }

    #[test]
    fn credentials_of_both_versions_are_read() {
        let second = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "validFrom": "2026-01-01T00:00:00Z",
            "exp": 1_924_992_000,
            "credentialSubject": [{ "id": UNIVERSITY, "accreditedFor": accredited("Diploma") }],
        });
        let claims = json!({
            "nbf": 1_767_225_600,
            "vc": {
                "expirationDate": "2031-01-01T00:00:00Z",
                "credentialSubject": { "accreditedFor": [accredited("Diploma")] },
            },
        });
        let list = json!({ "items": [{ "did": UNIVERSITY, "attributes":
            [attribute("TI", &second), attribute("TI", &claims)] }], "total": 1 });
        let rows = rows(&list);
        assert_eq!(rows.len(), 2);
        for row in &rows {
            let conditions = &row.wanted().unwrap_or_else(|| panic!("{row:?}")).conditions;
            assert_eq!(conditions.valid_from, Some(1_767_225_600_000));
            assert_eq!(conditions.valid_until, Some(1_924_992_000_000));
        }
    }

    #[test]
    fn what_is_revoked_or_empty_is_skipped() {
        let mut reserved = attribute("TI", &Value::Null);
        reserved["body"] = "".into();
        let revoked = attribute("Revoked", &credential(&["A", "B"]));
        let mut broken = attribute("Revoked", &Value::Null);
        broken["body"] = "x".into();
        let list = json!([
            { "did": UNIVERSITY, "attributes": [revoked, broken] },
            { "did": UNIVERSITY, "attributes": [reserved, attribute("TI", &credential(&[]))] },
            { "did": UNIVERSITY, "attributes": [] },
        ]);
        let rows = rows(&list);
        let details: Vec<_> = rows.iter().map(verdict).collect();
        let skipped = |detail| (RowOutcome::Skipped, detail);
        let revoked = skipped("revoked in the list");
        let nothing = skipped("accredited for nothing");
        let reserved = skipped("no credential is registered for it");
        assert_eq!(details, [revoked, revoked, revoked, reserved, nothing, nothing]);
        assert_eq!((rows[1].resource.as_str(), rows[1].entity.as_str()), ("B", UNIVERSITY));
    }

    #[test]
    fn what_a_page_of_issuers_leaves_out_is_told() {
        let page = json!({
            "self": "https://e.example/issuers?page=1", "total": 3,
            "links": { "next": "https://e.example/issuers?page=2" },
            "items": [
                { "did": UNIVERSITY, "href": "https://e.example/issuers/u" },
                { "did": UNIVERSITY, "attributes": "https://e.example/issuers/u/attributes" },
            ],
        });
        for row in rows(&page) {
            let (outcome, detail) = verdict(&row);
            assert!(detail.contains("attributes are not in the file"), "{detail}");
            assert_eq!(outcome, RowOutcome::Refused);
        }
        assert_eq!(next_page(&page), Some("https://e.example/issuers?page=2"));
        for (member, value) in [
            ("total", json!(2)),
            ("self", page["links"]["next"].clone()),
            ("links", json!({ "next": "" })),
            ("links", Value::Null),
        ] {
            let mut last = page.clone();
            last[member] = value;
            assert_eq!(next_page(&last), None, "{member}");
        }
    }

    #[test]
    fn hostile_entries_spoil_no_other() {
        let good = attribute("TI", &credential(&["Diploma"]));
        let with = |member: &str, value: Value| {
            let mut attribute = good.clone();
            attribute[member] = value;
            attribute
        };
        let mut about_another = credential(&["Diploma"]);
        about_another["vc"]["credentialSubject"]["id"] = "did:ebsi:zOther".into();
        let mut late = credential(&["Diploma"]);
        late["vc"]["expirationDate"] = "soon".into();
        let mut odd = credential(&["Diploma"]);
        odd["vc"]["expirationDate"] = json!({});
        let mut claim = json!({ "vc": credential(&["Diploma"])["vc"] });
        claim["vc"]["expirationDate"] = Value::Null;
        claim["exp"] = u64::MAX.into();
        let mut untyped = credential(&["Diploma"]);
        untyped["vc"]["credentialSubject"]["accreditedFor"][0]["types"] = json!([]);
        for (bad, words) in [
            (with("issuerType", "King".into()), "King"),
            (with("issuerType", Value::Null), "no attribute"),
            (with("body", "a.b".into()), "three parts"),
            (with("body", "a.!.c".into()), "base64url"),
            (with("body", format!("a.{}.c", base64url(b"{")).into()), "not JSON"),
            (
                with("body", format!("a.{}.c", base64url("[".repeat(200_000).as_bytes())).into()),
                "JSON",
            ),
            (attribute("TI", &about_another), "zOther"),
            (attribute("TI", &late), "expirationDate"),
            (attribute("TI", &odd), "expirationDate"),
            (attribute("TI", &claim), "seconds"),
            (attribute("TI", &untyped), "no types"),
            (attribute("TI", &credential(&["A type"])), "resource"),
            (attribute("TI", &credential(&[&"x".repeat(1 << 20)])), "resource"),
        ] {
            let rows = of(&[bad, good.clone()]);
            assert_eq!(rows.len(), 2);
            let (outcome, detail) = verdict(&rows[0]);
            assert!(outcome == RowOutcome::Refused && detail.contains(words), "{words}: {detail}");
            assert!(detail.len() < 1_000, "{words}: {} bytes", detail.len());
            assert!(rows[1].wanted().is_some(), "{words}");
        }
        let rows = rows(&json!([7, null, { "did": 5 }, { "did": "x", "attributes": {} }]));
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| verdict(row).0 == RowOutcome::Refused));
    }

    #[test]
    fn evidence_is_32_bytes_of_hex_or_none() {
        for (text, is_hash) in [("ab", false), ("", false), (&"zz".repeat(32), false)] {
            assert_eq!(hash(text).is_some(), is_hash, "{text}");
        }
        assert_eq!(hash(&"AB".repeat(32)), hash(&format!("0x{}", "ab".repeat(32))));
        assert!(hash(&"AB".repeat(32)).is_some());
    }

    #[test]
    fn other_json_is_refused_as_a_whole() {
        let (authority, action) = (A.parse().expect("a DID"), "issue".parse().expect("a name"));
        for text in ["{}", "{\"items\":{}}", "[", "{\"items\":[]} x"] {
            assert!(read(text.as_bytes(), &authority, &action).is_err(), "{text}");
        }
        assert!(rows(&json!([])).is_empty());
    }
}
