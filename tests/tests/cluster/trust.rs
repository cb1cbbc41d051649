//! Tests of `idem trust` as scripts call it: written at one node, asked at the others, now and for
//! the past.

use std::time::Duration;

use http::StatusCode;
use registry_tests::cluster::{Localnet, check_equal_chains, wait_for_height};
use serde_json::{Value, json};

use super::trust_files;

const LIMIT: Duration = Duration::from_secs(20);

/// A DID that writes, with its key file.
pub(crate) struct Party<'a> {
    pub(crate) network: &'a Localnet,
    pub(crate) keys: String,
    pub(crate) did: String,
}

/// A right in the form of the command line.
#[derive(Clone, Copy)]
pub(crate) struct Right<'r> {
    pub(crate) authority: &'r str,
    pub(crate) resource: &'r str,
    pub(crate) entity: &'r str,
}

impl<'r> Right<'r> {
    pub(crate) fn arguments(&self) -> [&'r str; 8] {
        let Self { authority, resource, entity } = *self;
        let action = "issue";
        ["--authority", authority, "--action", action, "--resource", resource, "--entity", entity]
    }
}

impl<'a> Party<'a> {
    pub(crate) fn new(network: &'a Localnet, name: &str) -> Self {
        let keys = network.path(name).display().to_string();
        let made = network.done(0, &["did", "create", "--keys", &keys]);
        Self { network, keys, did: made["did"].as_str().expect("a DID").to_owned() }
    }

    fn write(&self, command: &str, right: Right<'_>, more: &[&str]) -> (i32, Value, String) {
        let right = right.arguments();
        let head = ["trust", command, "--keys", &self.keys];
        self.network.idem(0, &[&head[..], &right, more].concat())
    }

    /// Runs a write that succeeds, and returns when all nodes have the result.
    async fn written(&self, command: &str, right: Right<'_>, more: &[&str]) -> Value {
        let (code, json, errors) = self.write(command, right, more);
        assert_eq!(code, 0, "{command} {more:?}: {errors}");
        let mut members: Vec<_> = json.as_object().expect("an object").keys().collect();
        members.sort();
        assert_eq!(members, ["height", "operation", "right"]);
        let Right { authority, resource, entity } = right;
        let named = json!({ "authority": authority, "action": "issue", "resource": resource,
            "entity": entity });
        assert_eq!(json["right"], named);
        settled(self.network, &json).await;
        json
    }

    fn refused(&self, command: &str, right: Right<'_>, more: &[&str], words: &str) {
        let (code, json, errors) = self.write(command, right, more);
        assert_eq!((code, json), (1, Value::Null), "{command} {more:?}: {errors}");
        assert!(errors.contains(words), "{command} {more:?}: {errors}");
    }
}

/// Waits until all nodes have the block of a write.
pub(crate) async fn settled(network: &Localnet, written: &Value) {
    let height = written["height"].as_u64().expect("a height");
    wait_for_height(&network.clients(), height, LIMIT).await;
}

/// Asks a question at every node. The answers must be the same except for height and time.
fn ask(network: &Localnet, command: &str, right: Right<'_>, at: &[&str]) -> Value {
    let arguments = [&["trust", command][..], &right.arguments(), at].concat();
    let answers = (0..network.nodes.len()).map(|node| {
        let mut answer = network.done(node, &arguments);
        assert!(answer["height"].take().is_u64());
        (answer["time"].take(), answer)
    });
    let mut answers: Vec<(Value, Value)> = answers.collect();
    for (_, other) in &answers {
        assert_eq!(*other, answers[0].1, "nodes differ");
    }
    let (time, mut answer) = answers.remove(0);
    answer["time"] = time;
    answer
}

/// Asks `check` at every node, and the same question by TRQP at one of them. Returns true if the
/// entity has the right, and the status.
pub(crate) async fn check(network: &Localnet, right: Right<'_>, at: &[&str]) -> (bool, String) {
    let answer = ask(network, "check", right, at);
    let Right { authority, resource, entity } = right;
    let mut question = json!({ "authority_id": authority, "entity_id": entity, "action": "issue",
        "resource": resource });
    if let [_, time] = at {
        question["context"] = json!({ "time": time });
    }
    let node = &network.nodes[2].client;
    let reply = node.post("/authorization", &question).await.expect("an answer");
    let (status, body) = (reply.status(), reply.into_body());
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    let trqp: Value = serde_json::from_slice(&body).expect("JSON");
    for member in ["authorized", "status", "validUntil", "suspendedAt", "revokedAt", "assurance"] {
        assert_eq!(trqp[member], answer[member], "{member}: {trqp} {answer}");
    }
    let state = answer["status"].as_str().expect("a status").to_owned();
    (answer["authorized"] == true, state)
}

/// Returns grantor and entity of the broken link, and who can correct it.
fn broken(network: &Localnet, right: Right<'_>) -> [String; 3] {
    let answer = ask(network, "explain", right, &[]);
    let steps = answer["steps"].as_array().expect("steps");
    let (last, before) = steps.split_last().expect("a step");
    assert!(last["ok"] == false && before.iter().all(|step| step["ok"] == true), "{answer}");
    [&last["grantor"], &last["entity"], &answer["mender"]]
        .map(|value| value.as_str().unwrap_or_default().to_owned())
}

/// Returns the time of the newest block that a question saw.
fn now(network: &Localnet, right: Right<'_>) -> String {
    ask(network, "check", right, &[])["time"].as_str().expect("a time").to_owned()
}

/// Grants rights from authority to accreditor to issuer, and suspends, resumes and revokes them.
async fn accredits(authority: &Party<'_>, accreditor: &Party<'_>, issuer: &Party<'_>) {
    let network = authority.network;
    let root = authority.did.as_str();
    let right = |resource, entity| Right { authority: root, resource, entity };
    let pattern = right("degrees/*", &accreditor.did);
    let degree = right("degrees/bachelor", &issuer.did);
    assert_eq!(check(network, degree, &[]).await, (false, "unknown".to_owned()));
    let before = now(network, degree);

    issuer.refused("grant", degree, &[], "TRUST_PARENT");
    authority.written("grant", pattern, &["--max-depth", "1", "--assurance", "high"]).await;
    accreditor.refused("grant", degree, &["--max-depth", "1"], "2037 TRUST_DEPTH");
    let beyond = right("diplomas", &issuer.did);
    accreditor.refused("grant", beyond, &[], "TRUST_PARENT");
    let until = ["--valid-until", "2099-01-01T00:00:00Z", "--assurance", "low"];
    accreditor.written("grant", degree, &until).await;
    accreditor.refused("grant", degree, &[], "2033 TRUST_EXISTS");
    assert_eq!(check(network, degree, &[]).await, (true, "active".to_owned()));
    assert_eq!(check(network, degree, &["--at", &before]).await, (false, "unknown".to_owned()));
    let chain = ask(network, "chain", degree, &[]);
    let entities: Vec<_> = chain["chain"].as_array().expect("links").iter().collect();
    assert_eq!(entities.len(), 2, "{chain}");
    assert_eq!(chain["chain"][1]["parent"]["resource"], "degrees/*", "{chain}");
    assert_eq!(chain["assurance"], "low", "{chain}");
    let granted = now(network, degree);

    authority.written("suspend", pattern, &[]).await;
    assert_eq!(check(network, degree, &[]).await, (false, "suspended".to_owned()));
    let fault = [root, &accreditor.did, root].map(str::to_owned);
    assert_eq!(broken(network, degree), fault);
    assert_eq!(check(network, degree, &["--at", &granted]).await, (true, "active".to_owned()));
    let suspended = now(network, degree);
    accreditor.refused("change", degree, &[], "2036 TRUST_PARENT_NOT_LIVE");
    authority.written("resume", pattern, &[]).await;
    assert_eq!(check(network, degree, &[]).await, (true, "active".to_owned()));
    accreditor.written("change", degree, &["--assurance", "substantial"]).await;
    let changed = ask(network, "check", degree, &[]);
    assert_eq!(
        (&changed["assurance"], &changed["validUntil"]),
        (&"substantial".into(), &Value::Null)
    );

    accreditor.written("revoke", degree, &[]).await;
    assert_eq!(check(network, degree, &[]).await, (false, "revoked".to_owned()));
    let mender = accreditor.did.clone();
    assert_eq!(broken(network, degree), [mender.clone(), issuer.did.clone(), mender]);
    let at = ["--at", &suspended];
    assert_eq!(check(network, degree, &at).await, (false, "suspended".to_owned()));
    accreditor.refused("resume", degree, &[], "2040 TRUST_STATUS");
}

async fn recognises(authority: &Party<'_>) {
    let network = authority.network;
    let other = "did:web:authority.example";
    let right = Right { authority: &authority.did, resource: "degrees/*", entity: other };
    let asked = Right { resource: "degrees/master", ..right };
    let recognized = || ask(network, "recognised", asked, &[])["recognized"] == true;
    assert!(!recognized());
    authority.refused("derecognise", right, &[], "2032 TRUST_NOT_FOUND");
    let checkpoint = network.path("checkpoint.json");
    let hash = "07".repeat(32);
    let block = json!({ "chain": hash, "height": 9, "header": hash, "validators": hash });
    std::fs::write(&checkpoint, block.to_string()).expect("written");
    let path = checkpoint.display().to_string();
    let more = ["--terms", "https://terms.example/x", "--checkpoint", &path];
    authority.written("recognise", right, &more).await;
    assert!(recognized());
    let list = network.done(1, &["trust", "list", "--entity", other]);
    assert_eq!(list["rights"][0]["recognition"]["network"], block, "{list}");
    authority.written("derecognise", right, &[]).await;
    assert!(!recognized());
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_keep_the_outside_contract() {
    let network = Localnet::start(4, 0).await;
    let [authority, accreditor, issuer, second] =
        ["authority", "accreditor", "issuer", "second"].map(|name| Party::new(&network, name));
    accredits(&authority, &accreditor, &issuer).await;
    recognises(&authority).await;
    trust_files::imports(&authority, &accreditor).await;
    trust_files::imports_issuers(&second).await;
    trust_files::goes_round(&authority, &second).await;
    let height = check_equal_chains(&network.clients(), LIMIT).await;
    println!("trust: {} nodes agree up to height {height}", network.nodes.len());
}
