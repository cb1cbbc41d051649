//! Tests that clients with the records prepare the same operations as a node.

use registry_core::codec::FixedBytes;
use registry_core::governance::ScheduledChanges;
use registry_state::state::TransientKey;
use rpc::prepare::client::{Fetched, Missing, Preparation};
use rpc::prepare::{Draft, Prepare, agent, facts, schema, status, trust};
use rpc::service::Reader;
use serde_json::{Value, json};

use crate::common::client::with_members;
use crate::common::ledger::Ledger;
use crate::common::rights::Registry;

const SCHEMA: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#;

/// Prepares an operation as a client does that fetches what the preparation asks for. Returns also
/// how often it fetched.
fn prepare_alone(ledger: &Ledger, method: &str, params: Value) -> (Result<Value, String>, usize) {
    let Value::Object(params) = params else { panic!("no object: {params}") };
    let preparation = Preparation::of(method, params).expect("parameters");
    let (mut fetched, head) = (Fetched::default(), ledger.head());
    fetched.set_block(head.height, head.time_ms);
    let mut missing = preparation.records_needed();
    for fetches in 1.. {
        for missing in missing {
            match missing {
                Missing::Record(key) => {
                    let entry = ledger.newest(&key).expect("readable");
                    fetched.add(key, entry);
                }
                Missing::ScheduledChanges => {
                    let leaf = ledger.transient(&TransientKey::scheduled_changes());
                    let leaf = leaf.expect("readable");
                    let scheduled = ScheduledChanges::from_leaf(leaf.as_deref());
                    fetched.add_scheduled(scheduled.expect("changes"));
                }
            }
        }
        let view = fetched.ledger(ledger.network(), Reader::chain(ledger), FixedBytes([8; 16]));
        let prepared = preparation.prepare(&view);
        missing = fetched.take_missing();
        if missing.is_empty() {
            let answer = |draft: Draft| serde_json::to_value(draft.answer()).expect("JSON");
            return (prepared.map(answer).map_err(|error| error.to_string()), fetches);
        }
    }
    unreachable!("the ledger has finitely many records")
}

/// Prepares an operation here and at the node, and compares both. Returns how often records were
/// fetched for it here.
async fn compare<P: Prepare>(registry: &Registry, author: usize, params: Value) -> usize {
    let method = facts::<P>().and_then(|facts| facts.prepare).expect("a method");
    let salt = json!({ "salt": FixedBytes([7; 16]) });
    let params = with_members(registry.by(author, params), salt);
    let answer = registry.server.call(method, params.clone()).await.expect("prepared");
    let (alone, fetches) = prepare_alone(&registry.server.ledger, method, params);
    assert_eq!(alone.expect("prepared"), answer, "{method}");
    fetches
}

#[tokio::test]
async fn who_has_the_records_prepares_what_a_node_prepares() {
    let registry = Registry::seeded().await;
    let (held, new) = (registry.right(0, 1, "degrees/*"), registry.right(0, 3, "degrees/bachelor"));
    // Both places find the parent of a grant whose grantor is not the authority.
    let fetches = compare::<trust::Grant>(&registry, 1, new.clone()).await;
    assert!(fetches <= 2, "the grant is found with {fetches} fetches");
    assert_eq!(compare::<trust::Change>(&registry, 0, held.clone()).await, 1);
    assert_eq!(compare::<trust::Suspend>(&registry, 0, held.clone()).await, 1);
    assert_eq!(compare::<trust::Revoke>(&registry, 0, held).await, 1);
    assert_eq!(compare::<trust::Recognise>(&registry, 0, new).await, 1);
    let delegate = json!({
        "agent": registry.dids[3], "actions": ["write", "read"], "resources": ["mail/*"],
        "validUntil": "2033-11-14T00:00:00Z",
    });
    assert_eq!(compare::<agent::Delegate>(&registry, 0, delegate).await, 1);
    let schema = json!({ "content": SCHEMA });
    assert_eq!(compare::<schema::Publish>(&registry, 0, schema).await, 1);
    let list = json!({ "purpose": "revocation", "length": 131_072 });
    assert_eq!(compare::<status::Create>(&registry, 0, list).await, 1);
}

#[tokio::test]
async fn who_has_the_records_refuses_what_a_node_refuses() {
    let registry = Registry::seeded().await;
    let right = registry.right(0, 3, "degrees/bachelor");
    for (method, author, params) in [
        // The author holds no right that it could pass on.
        ("trust_prepareGrant", 3, right.clone()),
        ("trust_prepareRevoke", 0, right),
        ("agent_prepareSuspend", 0, json!({ "agent": registry.dids[3] })),
        ("schema_prepareWithdraw", 0, json!({ "schema": "a".repeat(32) })),
        ("governance_prepareApprove", 0, json!({ "proposal": "00".repeat(32) })),
    ] {
        let params = registry.by(author, params);
        let answer = registry.server.call(method, params.clone()).await.expect_err("refused");
        let alone = prepare_alone(&registry.server.ledger, method, params).0;
        let alone = alone.expect_err("refused");
        // The text of a refusal is "code NAME: field: detail"; the node gives the field apart.
        let parts: Vec<_> = alone.splitn(3, ": ").collect();
        let [code, field, detail] = parts[..] else { panic!("{method}: {alone}") };
        let name = code.split(' ').next_back().unwrap_or_default();
        let said = answer.message();
        assert!(said.starts_with(name) && said.contains(detail), "{method}: {said} is not {alone}");
        let about = answer.data().map_or("", |data| data.get());
        assert!(about.contains(&format!("\"field\":\"{field}\"")), "{method}: {about}");
    }
}

#[test]
fn a_method_is_named_by_the_table_and_takes_its_own_parameters_only() {
    let error = |method: &str, params: Value| {
        let Value::Object(params) = params else { panic!("no object") };
        Preparation::of(method, params).err().expect("an error").to_string()
    };
    assert_eq!(error("trust_list", json!({})), "trust_list prepares no operation");
    let wrong = error("status_prepareClose", json!({ "autor": 1 }));
    assert!(wrong.starts_with("status_prepareClose: unknown field `autor`"), "{wrong}");
}
