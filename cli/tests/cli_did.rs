//! Tests of `idem did` against the real rules. The binary talks to a ledger in memory that executes
//! each operation in a block of its own.

mod ledger;
#[path = "cli_did/marks.rs"]
mod marks;

use std::path::PathBuf;
use std::process::Output;

use ledger::{Answers, Ledger};
use registry_core::agent::AgentDelegate;
use registry_core::codec::{self, FixedBytes};
use registry_core::crypto::PublicKey;
use registry_core::did::{DidValue, Member, NextSet};
use registry_core::names::{Resource, TrustKey};
use registry_core::operation::{Action, Guard, Operation, SignedOperation};
use registry_core::trust::{Conditions, TrustGrant};
use serde_json::{Value, json};
use tokio::process::Command;

const DONE: i32 = 0;
const REFUSED: i32 = 1;
const USAGE: i32 = 2;

/// Last block time of operations that tests sign by files.
const UNTIL_MS: u64 = 1_900_000_000_000;

/// A ledger, and a directory for the files of one test.
struct Setup {
    ledger: Ledger,
    directory: tempfile::TempDir,
}

impl Setup {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { ledger: Ledger::start().await, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `idem --json did …` with the key file `keys`, unless `arguments` name another one.
    async fn did(&self, arguments: &[&str]) -> Output {
        let keys = self.path("keys").display().to_string();
        let mut line = [&["did"], arguments].concat();
        if !arguments.contains(&"--keys")
            && !["resolve", "history", "marks"].contains(&arguments[0])
        {
            line.extend(["--keys", &keys]);
        }
        self.idem(&line).await
    }

    async fn idem(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idem"));
        command.env_clear().arg("--home").arg(self.path("home"));
        command.args(["--rpc", &self.ledger.url(), "--json"]).args(arguments);
        command.stdin(std::process::Stdio::null()).output().await.expect("idem runs")
    }

    /// Writes an operation without signatures to a file.
    fn unsigned(&self, author: &str, endorser: Option<&str>, action: Action) -> String {
        let chain = self.keys()["dids"][0]["chain"].as_str().expect("a chain").to_owned();
        let chain = chain.parse().expect("a hash");
        let author = Some(author.parse().expect("a DID"));
        let endorser = endorser.map(|did| did.parse().expect("a DID"));
        let (guard, salt, until) = (Guard::Absent, FixedBytes([7; 16]), Some(UNTIL_MS));
        let body = Operation { chain, author, endorser, guard, until, salt, action }.body();
        let envelope = codec::base64url(&SignedOperation::new(body, Vec::new()).bytes());
        let path = self.path("operation.json");
        std::fs::write(&path, json!({ "envelope": envelope }).to_string()).expect("written");
        path.display().to_string()
    }

    /// Signs the operation of a file with `arguments`, and returns the role of each signature in
    /// it.
    async fn sign(&self, file: &str, arguments: &[&str]) -> Vec<String> {
        let output = self.idem(&[&["operation", "sign", file], arguments].concat()).await;
        assert_eq!(output.status.code(), Some(DONE), "{arguments:?}: {}", stderr(&output));
        let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let signatures = shown["signatures"].as_array().expect("signatures").iter();
        signatures.map(|signature| text(&signature["role"])).collect()
    }

    async fn done(&self, arguments: &[&str]) -> Value {
        let output = self.did(arguments).await;
        assert_eq!(output.status.code(), Some(DONE), "{arguments:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
    }

    /// Makes a key in a key file for the next set of a board, and returns its commitment.
    async fn commitment(&self, keys: &str) -> String {
        let output = self.idem(&["keys", "commitment", "--keys", keys]).await;
        assert_eq!(output.status.code(), Some(DONE), "{}", stderr(&output));
        let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        text(&made["commitment"])
    }

    async fn fails(&self, arguments: &[&str], code: i32, reason: &str) {
        let output = self.did(arguments).await;
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(reason), "{reason:?} is not in:\n{stderr}");
        assert!(output.stdout.is_empty());
    }

    /// Returns the content of the plain key file.
    fn keys(&self) -> Value {
        let bytes = std::fs::read(self.path("keys")).expect("a key file");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")["keys"].clone()
    }

    /// Checks that the keys in the key file are those in the ledger's state of the DID.
    fn assert_parts_agree(&self, did: &str) {
        let Some(DidValue::Active(state)) = self.ledger.value(did) else { panic!("{did}") };
        let keys = self.keys();
        let entry = keys["dids"].as_array().and_then(|dids| dids.last()).expect("a DID");
        let current = &entry["parts"]["current"];
        assert_eq!(entry.get("pending"), None);
        let members = |name: &str| -> Vec<Member> {
            serde_json::from_value::<Vec<_>>(current[name].clone())
                .expect("keys")
                .into_iter()
                .map(Member::Key)
                .collect()
        };
        assert_eq!(members("control"), state.sets.control.members);
        let next: Vec<PublicKey> = serde_json::from_value(current["next"].clone()).expect("keys");
        let commitments: Vec<_> = next.iter().map(NextSet::commitment).collect();
        assert_eq!(commitments, state.sets.next.commitments);
        let recovery = state.sets.recovery.map(|recovery| recovery.keys.members);
        assert_eq!(members("recovery"), recovery.unwrap_or_default());
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_did_lives_from_create_to_deactivate() {
    let setup = Setup::new().await;
    let created =
        setup.done(&["create", "--suite", "p256", "--recovery", "--recovery-delay", "3s"]).await;
    assert_eq!(created.as_object().map(|fields| fields.len()), Some(3));
    let did = text(&created["did"]);
    assert_eq!(created["height"], 1);
    setup.assert_parts_agree(&did);

    let resolved = setup.done(&["resolve", &did]).await;
    let mut document = resolved["didDocument"].clone();
    let key = format!("{did}#key-1");
    assert_eq!(document["verificationMethod"][0]["id"], key);
    for relationship in ["authentication", "assertionMethod", "capabilityInvocation"] {
        assert_eq!(document[relationship], json!([key]));
    }
    document["alsoKnownAs"] = json!(["https://example.org/"]);
    let edited = setup.path("document.json");
    std::fs::write(&edited, document.to_string()).expect("written");
    setup.done(&["update", "--document", &edited.display().to_string()]).await;
    assert_eq!(setup.done(&["resolve", &did]).await["didDocument"], document);
    setup.assert_parts_agree(&did);

    let before = setup.keys();
    setup.done(&["rotate", "--suite", "secp256k1"]).await;
    setup.assert_parts_agree(&did);
    let after = setup.keys();
    let part = |keys: &Value, name: &str| keys["dids"][0]["parts"]["current"][name].clone();
    assert_eq!(part(&before, "next"), part(&after, "control"), "the revealed keys take control");
    assert_eq!(setup.done(&["resolve", &did]).await["didDocument"], document);

    setup.done(&["deactivate"]).await;
    assert_eq!(setup.ledger.value(&did), Some(DidValue::Deactivated));
    let document = edited.display().to_string();
    setup.fails(&["update", "--document", &document], REFUSED, "2004 DID_DEACTIVATED").await;
    setup.done(&["resolve", &did]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_is_cancelled_vetoed_and_completed() {
    let setup = Setup::new().await;
    let create = ["create", "--recovery", "--recovery-delay", "3s"];
    let did = text(&setup.done(&create).await["did"]);
    setup.fails(&["recover", "--complete"], REFUSED, "2009 RECOVERY_NOT_PENDING").await;
    setup.done(&["recover"]).await;
    setup.fails(&["recover"], REFUSED, "2008 RECOVERY_PENDING").await;
    setup.assert_parts_agree(&did);
    setup.done(&["recover", "--cancel"]).await;

    setup.done(&["recover"]).await;
    setup.done(&["rotate"]).await;
    setup.assert_parts_agree(&did);
    setup.fails(&["recover"], REFUSED, "2013 RECOVERY_TOO_SOON").await;
    setup.ledger.advance(3);

    setup.done(&["recover"]).await;
    setup.fails(&["recover", "--complete"], REFUSED, "2010 RECOVERY_NOT_MATURE").await;
    setup.ledger.advance(3);
    setup.fails(&["rotate"], REFUSED, "2011 RECOVERY_MATURE").await;
    setup.done(&["recover", "--complete"]).await;
    setup.assert_parts_agree(&did);
    setup.done(&["rotate"]).await;
    setup.assert_parts_agree(&did);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_did_of_a_file_acts_unless_one_is_named() {
    let setup = Setup::new().await;
    let first = text(&setup.done(&["create"]).await["did"]);
    let second = text(&setup.done(&["create"]).await["did"]);
    assert_ne!(first, second);
    assert_eq!(setup.done(&["rotate"]).await["did"], second);
    assert_eq!(setup.done(&["rotate", "--did", &first]).await["did"], first);
    assert_eq!(setup.keys()["dids"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_the_keys_signs_nothing() {
    let setup = Setup::new().await;
    let did = text(&setup.done(&["create"]).await["did"]);
    let stranger = setup.path("stranger").display().to_string();
    setup.done(&["create", "--keys", &stranger]).await;
    let missing = setup.path("missing").display().to_string();
    setup.fails(&["rotate", "--keys", &missing], USAGE, "missing does not exist").await;
    assert!(!setup.path("missing").exists());
    let rotate = ["rotate", "--keys", &stranger, "--did", &did];
    setup.fails(&rotate, USAGE, "can sign for 0 members of the set, 1 are needed").await;
    let unknown = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
    setup.fails(&["rotate", "--did", unknown], REFUSED, "2003 DID_NOT_FOUND").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_files_control_a_did_together() {
    let setup = Setup::new().await;
    let mut line = vec!["create".to_owned(), "--control-threshold".to_owned(), "2".to_owned()];
    let paths: Vec<String> =
        ["a", "b", "c"].map(|name| setup.path(name).display().to_string()).into();
    let mut owners = Vec::new();
    for path in &paths {
        owners.push(text(&setup.done(&["create", "--keys", path]).await["did"]));
    }
    // One member is a key of the first file, the others are the DIDs of the other two.
    let bytes = std::fs::read(&paths[0]).expect("a key file");
    let file: Value = serde_json::from_slice(&bytes).expect("JSON");
    owners[0] = text(&file["keys"]["pool"][0]["publicKeyMultibase"]);
    for owner in &owners {
        line.extend(["--control-member".to_owned(), owner.clone()]);
    }
    let unnamed: Vec<&str> = line.iter().map(String::as_str).collect();
    let unnamed = [&unnamed[..], &["--keys", &paths[0]]].concat();
    setup.fails(&unnamed, USAGE, "the next set of several members must be named").await;
    for path in &paths {
        line.extend(["--next-member".to_owned(), setup.commitment(path).await]);
    }
    line.extend(["--next-threshold".to_owned(), "2".to_owned()]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    setup.fails(&[&line[..], &["--keys", &paths[0]]].concat(), USAGE, "2 are needed").await;
    let together = ["--keys", &paths[0], "--cosigner-keys", &paths[2]];
    let did = text(&setup.done(&[&line[..], &together].concat()).await["did"]);
    let document = setup.path("document.json");
    std::fs::write(&document, "{}").expect("written");
    let document = document.display().to_string();
    let update = ["update", "--did", &did, "--document", &document];
    setup.fails(&[&update[..], &["--keys", &paths[1]]].concat(), USAGE, "1 members").await;
    let others = ["--keys", &paths[1], "--cosigner-keys", &paths[2]];
    assert_eq!(setup.done(&[&update[..], &others].concat()).await["did"], did);

    let next = [setup.commitment(&paths[1]).await, setup.commitment(&paths[2]).await];
    let rotate = ["rotate", "--did", &did];
    let unnamed = [&rotate[..], &others].concat();
    setup.fails(&unnamed, USAGE, "the next set of several members must be named").await;
    let rotate = [&rotate[..], &["--next-member", &next[0], "--next-member", &next[1]]].concat();
    setup.fails(&[&rotate[..], &["--keys", &paths[1]]].concat(), USAGE, "2 are needed").await;
    assert_eq!(setup.done(&[&rotate[..], &others].concat()).await["did"], did);
    let Some(DidValue::Active(state)) = setup.ledger.value(&did) else { panic!("{did}") };
    let keys = state.sets.control.members.iter().all(|member| matches!(member, Member::Key(_)));
    assert!(keys && state.sets.control.threshold == 2, "the revealed keys take control");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_at_hand_tell_which_party_signs() {
    let setup = Setup::new().await;
    let names = ["keys", "b", "c"];
    let [a, b, c] = names.map(|name| setup.path(name).display().to_string());
    let mut line = vec!["create", "--keys", &a, "--cosigner-keys", &b, "--control-threshold", "2"];
    let mut owners = Vec::new();
    for path in [&a, &b, &c] {
        owners.push(text(&setup.done(&["create", "--keys", path]).await["did"]));
    }
    line.extend(owners.iter().flat_map(|owner| ["--control-member", owner.as_str()]));
    let commitment = setup.commitment(&a).await;
    line.extend(["--next-member", &commitment]);
    let board = text(&setup.done(&line).await["did"]);
    let resource: Resource = "mail/x".parse().expect("a resource");
    let key = TrustKey {
        authority: board.parse().expect("a DID"),
        action: "issue".parse().expect("a name"),
        resource: resource.clone(),
        entity: owners[2].parse().expect("an entity"),
    };
    let grant = TrustGrant { key, parent: None, conditions: Conditions::default() };
    let grant = Action::TrustGrant(Box::new(grant));
    let file = setup.unsigned(&board, None, grant.clone());
    let stranger = setup.path("stranger").display().to_string();
    let outsider = text(&setup.done(&["create", "--keys", &stranger]).await["did"]);
    let output = setup.idem(&["operation", "sign", &file, "--keys", &stranger]).await;
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(stderr(&output).contains("none of the keys at hand"), "{}", stderr(&output));
    assert_eq!(setup.sign(&file, &["--keys", &b]).await, ["control"]);
    assert_eq!(setup.sign(&file, &["--keys", &c]).await, ["control", "control"]);
    let sign = ["operation", "sign", &file, "--keys", &stranger, "--endorser", &outsider];
    let output = setup.idem(&sign).await;
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(stderr(&output).contains("names no endorser"), "{}", stderr(&output));

    let file = setup.unsigned(&board, Some(&outsider), grant);
    assert_eq!(setup.sign(&file, &["--keys", &b]).await, ["control"]);
    assert_eq!(setup.sign(&file, &["--keys", &stranger]).await, ["control", "endorser"]);
    let named = ["--keys", &stranger, "--endorser", &outsider, "--did", &outsider];
    assert_eq!(setup.sign(&file, &named).await, ["control", "endorser"]);
    let other = ["--keys", &c, "--endorser", &owners[2]];
    let output = setup.idem(&[&["operation", "sign", &file], &other[..]].concat()).await;
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(stderr(&output).contains(&format!("names {outsider} as")), "{}", stderr(&output));

    let delegate = AgentDelegate {
        agent: owners[2].parse().expect("a DID"),
        beneath: None,
        actions: vec!["send".parse().expect("a name")],
        resources: vec![resource],
        valid_from: None,
        valid_until: 1_900_000_000_000,
        max_depth: None,
    };
    let delegate = Action::AgentDelegate(Box::new(delegate));
    let file = setup.unsigned(&owners[1], None, delegate.clone());
    assert_eq!(setup.sign(&file, &["--keys", &b]).await, ["author"]);
    assert_eq!(setup.sign(&file, &["--keys", &c]).await, ["author", "consent"]);
    let late = setup.idem(&["operation", "sign", &file, "--keys", &b, "--until", "2h"]).await;
    assert_eq!(late.status.code(), Some(USAGE));
    assert!(stderr(&late).contains("--until cannot change"), "{}", stderr(&late));
    let file = setup.unsigned(&owners[1], None, delegate);
    assert_eq!(setup.sign(&file, &["--keys", &b, "--by-control"]).await, ["control"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gives_its_operation_an_end() {
    let setup = Setup::new().await;
    setup.done(&["create", "--until", "2h"]).await;
    setup.done(&["rotate", "--until", "2h"]).await;
    let past = ["rotate", "--until", "2027-01-01T00:00:00Z"];
    setup.fails(&past, REFUSED, "2017 UNTIL_PASSED").await;
    let soon = ["rotate", "--until", "soon"];
    setup.fails(&soon, USAGE, "must be RFC 3339, or a number with s, m, h or d").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_outcome_is_found_out_by_the_next_command() {
    for answers in [Answers::LostAfterCommit, Answers::LostBeforeCommit] {
        let setup = Setup::new().await;
        setup.ledger.answer(answers);
        setup.fails(&["create"], REFUSED, "3001 TIMEOUT").await;
        let did = text(&setup.keys()["dids"][0]["did"]);
        let committed = answers == Answers::LostAfterCommit;
        assert_eq!(setup.ledger.value(&did).is_some(), committed);
        assert!(setup.keys()["dids"][0].get("pending").is_some());

        setup.ledger.answer(Answers::All);
        assert_eq!(setup.done(&["rotate"]).await["did"], did);
        setup.assert_parts_agree(&did);

        setup.ledger.answer(answers);
        setup.fails(&["rotate"], REFUSED, "3001 TIMEOUT").await;
        setup.ledger.answer(Answers::All);
        setup.done(&["rotate"]).await;
        setup.assert_parts_agree(&did);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_operation_is_not_sent_and_names_its_code() {
    let setup = Setup::new().await;
    let services: Vec<Value> = (0..32)
        .map(|index| {
            let path = "x".repeat(450);
            json!({ "id": format!("s{index}"), "type": "T",
                "serviceEndpoint": [format!("https://example.org/{path}"),
                    format!("https://example.com/{path}")] })
        })
        .collect();
    let document = setup.path("document.json");
    std::fs::write(&document, json!({ "service": services }).to_string()).expect("written");
    let document = document.display().to_string();
    let create = ["create", "--document", &document];
    setup.fails(&create, USAGE, "1001 OPERATION_TOO_LARGE").await;
    assert!(!setup.path("keys").exists());
    setup.fails(&["create", "--recovery", "--recovery-delay", "91d"], USAGE, "1014").await;
    setup.fails(&["create", "--recovery", "--recovery-delay", "1s"], REFUSED, "1014").await;
    assert_eq!(setup.keys()["dids"], json!([]), "a refused DID is forgotten");
    assert_eq!(setup.keys()["pool"].as_array().map(Vec::len), Some(4), "its keys are not");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_takes_whole_documents_and_names_what_it_refuses() {
    let setup = Setup::new().await;
    let key = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    let good = json!({ "id": "did:web:example.org",
        "verificationMethod": [{ "id": "did:web:example.org#k", "type": "Multikey",
            "controller": "did:web:example.org", "publicKeyMultibase": key }],
        "authentication": ["did:web:example.org#k"] });
    let mut bad = good.clone();
    bad["name"] = "me".into();
    let documents = setup.path("documents.json");
    std::fs::write(&documents, json!([good, bad]).to_string()).expect("written");
    let output = setup.did(&["import", &documents.display().to_string()]).await;
    assert_eq!(output.status.code(), Some(USAGE), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 of 2 documents were refused"));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let did = text(&report["imported"][0]["did"]);
    assert_eq!(report["imported"][0]["id"], "did:web:example.org");
    assert_eq!(report["imported"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["refused"][0]["index"], 1);
    assert_eq!(report["refused"][0]["refusals"][0]["path"], "/name");
    let document = setup.done(&["resolve", &did]).await["didDocument"].clone();
    assert_eq!(document["alsoKnownAs"], json!(["did:web:example.org"]));
    assert_eq!(document["authentication"], json!([format!("{did}#k")]));
    setup.done(&["rotate"]).await;
    setup.assert_parts_agree(&did);
}

#[tokio::test(flavor = "multi_thread")]
async fn published_documents_are_registered_or_listed_with_path_and_rule() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let root = std::env::var_os("IDEM_VECTORS").map_or_else(|| default.into(), PathBuf::from);
    let Ok(folder) = std::fs::read_dir(root.join("did-documents")) else {
        eprintln!("SKIPPED: no did-documents in IDEM_VECTORS or ../shared/vectors");
        return;
    };
    let paths = folder.map(|entry| entry.expect("an entry").path().display().to_string());
    let files: Vec<String> = paths.collect();
    let mut arguments = vec!["import"];
    arguments.extend(files.iter().map(String::as_str));
    let setup = Setup::new().await;
    let output = setup.did(&arguments).await;
    assert_eq!(output.status.code(), Some(USAGE), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = |name: &str| report[name].as_array().cloned().expect("a list");
    let (imported, refused) = (list("imported"), list("refused"));
    assert_eq!(imported.len() + refused.len(), 46);
    assert!(imported.len() >= 9, "{}", imported.len());
    for document in &imported {
        assert!(setup.ledger.value(&text(&document["did"])).is_some());
    }
    for reason in refused.iter().flat_map(|document| document["refusals"].as_array()).flatten() {
        assert!(reason["path"].is_string() && !text(&reason["rule"]).is_empty(), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_its_hash_does_not_cover_is_not_signed_for() {
    let setup = Setup::new().await;
    setup.done(&["create"]).await;
    setup.ledger.answer(Answers::ForgedValue);
    setup.fails(&["rotate"], 3, "a value that its record does not commit to").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_built_from_the_records_alone() {
    // The ledger has no method that prepares an operation.
    let setup = Setup::new().await;
    let did = text(&setup.done(&["create"]).await["did"]);
    let keys = setup.path("keys").display().to_string();
    let right = ["--action", "issue", "--resource", "degrees/a", "--entity", "did:web:x.example"];
    let grant = [&["trust", "grant", "--keys", &keys][..], &right].concat();
    assert_eq!(setup.idem(&grant).await.status.code(), Some(DONE));
    let again = setup.idem(&grant).await;
    assert_eq!(again.status.code(), Some(REFUSED), "{}", stderr(&again));
    let file = setup.path("close.json").display().to_string();
    let params = json!({ "author": did, "name": "none" }).to_string();
    let prepare = ["operation", "prepare", "schema_prepareWithdrawType", &file];
    let unknown = setup.idem(&[&prepare[..], &["--params", &params]].concat()).await;
    assert!(stderr(&unknown).contains("CREDENTIAL_TYPE_NOT_FOUND"), "{}", stderr(&unknown));
    let revoke = [&["trust", "revoke", "--keys", &keys][..], &right].concat();
    setup.ledger.answer(Answers::ForgedRecords);
    let forged = setup.idem(&revoke).await;
    assert!(stderr(&forged).contains("a value that its record does not commit to"));
    setup.ledger.answer(Answers::All);
    assert_eq!(setup.idem(&revoke).await.status.code(), Some(DONE));
}
