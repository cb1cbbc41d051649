//! Tests of marked keys end to end: a theft of the control set, and the rotation that undoes it.

use registry_core::did::document::{KeyCodec, Multikey};
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use crate::common::client::{Server, with_members};
use crate::common::people::{Person, member, public};

const EPOCH: &str = "1970-01-01T00:00:00Z";

fn now(server: &Server) -> String {
    TimeMs(server.ledger.head().time_ms).millis()
}

/// A server with the DID of an issuer.
struct Theft {
    server: Server,
    owner: Person,
    did: String,
}

impl Theft {
    async fn new() -> Self {
        let (server, owner) = (Server::start().await, Person::new(1));
        let did = server.register(owner).await;
        Self { server, owner, did }
    }

    /// Answers whether the key of a method counts for a signature of a time.
    async fn counts(&self, method: &str, issued_at: &str, at: Option<&str>) -> bool {
        let question = json!({
            "issuer": self.did,
            "verificationMethod": format!("{}#{method}", self.did),
            "credentialType": "degrees/bachelor",
            "issuedAt": issued_at,
            "authority": self.did,
            "at": at,
        });
        let answer = self.server.call("registry_decide", question).await.expect("an answer");
        let step = answer["steps"].as_array().expect("steps").iter();
        let step = step.filter(|step| step["step"] == "key").collect::<Vec<_>>();
        step[0]["ok"].as_bool().expect("a verdict")
    }

    async fn marked(&self, options: Value) -> Value {
        let params = json!({ "did": self.did, "resolutionOptions": options });
        let result = self.server.call("did_resolve", params).await.expect("a result");
        result["didDocumentMetadata"]["markedKeys"].clone()
    }

    fn rotation(&self, more: Value) -> Value {
        let sets = self.owner.rotated().sets();
        let revealed = [member(&self.owner.next())];
        with_members(json!({ "did": self.did, "revealed": revealed, "sets": sets }), more)
    }
}

#[tokio::test]
async fn a_rotation_with_marks_undoes_a_theft_of_the_control_set() {
    let theft = Theft::new().await;
    let Theft { server, owner, did } = &theft;
    let honest_time = now(server);
    let thief = public(&Person::new(2).control()).to_string();
    let mut document = owner.document_json();
    document["verificationMethod"][0]["revoked"] = json!(EPOCH);
    document["verificationMethod"][1]["publicKeyMultibase"] = json!(thief);
    document["assertionMethod"] = json!(["key-1", "idle"]);
    server.act("Update", json!({ "did": did, "document": document }), &owner.control()).await;
    let stolen_time = now(server);
    assert!(!theft.counts("key-1", &honest_time, None).await, "the thief's mark works so far");
    assert!(theft.counts("idle", &stolen_time, None).await, "and so does its key");
    let honest = public(&owner.control()).to_string();
    assert_eq!(theft.marked(json!({})).await, json!([{ "key": honest, "revoked": EPOCH }]));

    let more = json!({
        "document": owner.document_json(),
        "marks": [{ "key": thief, "revoked": EPOCH }],
    });
    let prepared = server.act("Rotate", theft.rotation(more), &owner.next()).await;
    let explanation = prepared["explanation"].as_str().expect("text");
    assert!(explanation.contains("document and marked keys of"), "{explanation}");
    assert!(theft.counts("key-1", &honest_time, None).await);
    assert!(!theft.counts("idle", &stolen_time, None).await);
    assert!(theft.counts("idle", &stolen_time, Some(&stolen_time)).await, "as it was known then");
    let marks = json!([{ "key": thief, "revoked": EPOCH }]);
    assert_eq!(theft.marked(json!({})).await, marks);
    assert_eq!(theft.marked(json!({ "versionId": 1 })).await, Value::Null);
    let history = server.call("did_history", json!({ "did": did })).await.expect("a page");
    assert_eq!(history["versions"][0]["value"]["active"]["marks"], marks);
    assert_eq!(history["versions"][2]["value"]["active"].get("marks"), None);
}

#[tokio::test]
async fn marks_are_given_in_any_order_and_in_any_spelling_of_a_point() {
    let theft = Theft::new().await;
    let raw = |tag: u8| [&[tag], &[7; 32][..]].concat();
    let [even, odd] = [2, 3].map(|tag| Multikey::new(KeyCodec::P256, &raw(tag)).to_string());
    let ed25519 = public(&theft.owner.control()).to_string();
    let later = "1970-01-01T00:00:09Z";
    let marks = json!([
        { "key": odd, "revoked": later },
        { "key": ed25519, "revoked": later },
        { "key": even, "revoked": EPOCH },
    ]);
    let rotation = theft.rotation(json!({ "marks": marks }));
    theft.server.act("Rotate", rotation, &theft.owner.next()).await;
    let expected = json!([
        { "key": even, "revoked": EPOCH },
        { "key": ed25519, "revoked": later },
    ]);
    assert_eq!(theft.marked(json!({})).await, expected);
}

#[tokio::test]
async fn a_mark_that_breaks_a_rule_is_refused_by_its_place() {
    let theft = Theft::new().await;
    let key = public(&theft.owner.control()).to_string();
    let marks = json!([{ "key": key, "revoked": "1970-01-01T00:00:00.500Z" }]);
    let rotation = theft.rotation(json!({ "marks": marks }));
    let (name, field) = theft.server.fault("did_prepareRotate", rotation).await;
    assert_eq!((name.as_str(), field.as_str()), ("MARKS_INVALID", "marks/0/revoked"));
    let sets = theft.owner.rotated().sets();
    let document = theft.owner.document_json();
    let recover = json!({ "did": theft.did, "sets": sets, "document": document, "marks": marks });
    let (name, _) = theft.server.fault("did_prepareRecover", recover).await;
    assert_eq!(name, "MARKS_INVALID");
    let pair = Multikey::new(KeyCodec::Bls12381G1G2, &[0x87; 144]).to_string();
    let rotation = theft.rotation(json!({ "marks": [{ "key": pair, "revoked": EPOCH }] }));
    let refused = theft.server.call("did_prepareRotate", rotation).await.expect_err("refused");
    assert!(refused.message().contains("one point"), "{refused:?}");
}

#[tokio::test]
async fn a_recovery_with_marks_replaces_them_at_its_completion() {
    let theft = Theft::new().await;
    let Theft { server, owner, did } = &theft;
    let key = public(&Person::new(2).control()).to_string();
    let marks = json!([{ "key": key, "revoked": EPOCH }]);
    let (sets, document) = (owner.rotated().sets(), owner.document_json());
    let recover = json!({ "did": did, "sets": sets, "document": document, "marks": marks });
    server.act("Recover", recover, &owner.recovery()).await;
    assert_eq!(theft.marked(json!({})).await, Value::Null);
    server.ledger.commit_after(crate::common::DELAY_MS);
    server.perform("did_prepareRecoverComplete", json!({ "did": did }), &owner.control()).await;
    assert_eq!(theft.marked(json!({})).await, marks);
}
