//! Tests that clients with the records prepare the same operations as a node.

use std::cell::RefCell;
use std::sync::Arc;

use registry_core::codec::FixedBytes;
use registry_core::governance::ScheduledChanges;
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::status::Bits;
use registry_state::state::TransientKey;
use rpc::prepare::{LedgerView, Prepare, Records, agent, facts, schema, status, trust};
use rpc::service::Reader;
use serde_json::{Value, json};

use crate::common::client::with_members;
use crate::common::ledger::Ledger;
use crate::common::rights::Registry;

const SCHEMA: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#;

/// Records of a ledger, with the list of those that were read.
struct Noted<'l> {
    ledger: &'l Ledger,
    read: RefCell<Vec<RecordKey>>,
}

impl RecordView for Noted<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.read.borrow_mut().push(key.clone());
        self.ledger.newest(key)
    }
}

impl Records for Noted<'_> {
    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        self.ledger.status_array(entry)
    }

    fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        let leaf = self.ledger.transient(&TransientKey::scheduled_changes())?;
        ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
    }
}

/// Prepares an operation here and at the node, and compares both.
async fn compare<P: Prepare>(registry: &Registry, author: usize, params: Value) {
    let method = facts::<P>().and_then(|facts| facts.prepare).expect("a method");
    let salt = FixedBytes([7; 16]);
    let salted = with_members(registry.by(author, params), json!({ "salt": salt }));
    let params: P = serde_json::from_value(salted).expect("parameters");
    let asked = serde_json::to_value(&params).expect("JSON");
    let answer = registry.server.call(method, asked).await.expect("prepared");
    let ledger = &*registry.server.ledger;
    let (records, head) = (Noted { ledger, read: RefCell::default() }, ledger.head());
    let needed = params.records_needed();
    let view = LedgerView {
        records: &records,
        network: ledger.network(),
        chain: Reader::chain(ledger),
        height: head.height,
        time_ms: head.time_ms,
        live_ms: head.time_ms - head.halted_ms,
        salt: FixedBytes([8; 16]),
    };
    let draft = params.prepare(&view).expect("prepared");
    assert_eq!(draft.operation.action.facts().name, P::ACTION);
    assert_eq!(serde_json::to_value(draft.answer()).expect("JSON"), answer, "{method}");
    let read = records.read.borrow();
    assert!(needed.iter().all(|key| read.contains(key)), "{method}");
}

#[tokio::test]
async fn who_has_the_records_prepares_what_a_node_prepares() {
    let registry = Registry::seeded().await;
    let (held, new) = (registry.right(0, 1, "degrees/*"), registry.right(0, 3, "degrees/bachelor"));
    // Both places find the parent of a grant whose grantor is not the authority.
    compare::<trust::Grant>(&registry, 1, new.clone()).await;
    compare::<trust::Change>(&registry, 0, held.clone()).await;
    compare::<trust::Suspend>(&registry, 0, held.clone()).await;
    compare::<trust::Revoke>(&registry, 0, held).await;
    compare::<trust::Recognise>(&registry, 0, new).await;
    let delegate = json!({
        "agent": registry.dids[3], "actions": ["write", "read"], "resources": ["mail/*"],
        "validUntil": "2033-11-14T00:00:00Z",
    });
    compare::<agent::Delegate>(&registry, 0, delegate).await;
    compare::<schema::Publish>(&registry, 0, json!({ "content": SCHEMA })).await;
    let list = json!({ "purpose": "revocation", "length": 131_072 });
    compare::<status::Create>(&registry, 0, list).await;
}
