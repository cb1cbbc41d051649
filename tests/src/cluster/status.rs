//! Status lists: the operations that create and change them, and their state on a node.

use registry_core::codec;
use registry_core::id::ListId;
use registry_core::operation::{Action, Guard};
use registry_core::status::{
    Delegate, EntryChanges, StatusClose, StatusCreate, StatusPurpose, StatusSet,
};
use registry_core::time::TimeMs;
use serde_json::json;

use super::{Client, Signed, Wallet};

/// State of a list on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListState {
    /// Newest version.
    pub version: u64,
    /// Merkle root of the entries.
    pub root: String,
    /// Packed entries.
    pub array: Vec<u8>,
}

impl Wallet {
    /// Creates a new list and returns its id.
    pub fn status_create(
        &self,
        purpose: StatusPurpose,
        bits: u8,
        length: u64,
        delegates: Vec<Delegate>,
    ) -> (ListId, Signed) {
        let create = StatusCreate {
            purpose,
            bits,
            length,
            uri: None,
            valid_from: None,
            valid_until: None,
            delegates,
            messages: Vec::new(),
        };
        let signed = self.act(Guard::Absent, None, Action::StatusCreate(Box::new(create)));
        (ListId::of_create(&signed.operation), signed)
    }

    /// Sets entries of a list.
    pub fn status_set(&self, list: ListId, changes: EntryChanges, until_ms: u64) -> Signed {
        let action = Action::StatusSet(StatusSet { list, changes });
        self.act(Guard::Nothing, Some(until_ms), action)
    }

    /// Closes a list.
    pub fn status_close(&self, list: ListId) -> Signed {
        self.act(Guard::Nothing, None, Action::StatusClose(StatusClose { list }))
    }
}

impl Client {
    /// Time of the newest block.
    pub async fn head_time_ms(&self) -> u64 {
        let status = self.status().await.expect("a status");
        let time = status["time"].as_str().and_then(TimeMs::from_text);
        time.expect("a time").0
    }

    /// A list with its entries, read once the node has reached `min_height`.
    pub async fn list(&self, list: ListId, min_height: u64) -> ListState {
        let params = json!({ "list": list, "array": true, "minHeight": min_height });
        let answer = self.call("status_getList", params).await.expect("a list");
        let text = |field: &str| answer[field].as_str().expect("a text");
        ListState {
            version: answer["version"].as_u64().expect("a version"),
            root: text("root").to_owned(),
            array: codec::from_base64url(text("array")).expect("base64url"),
        }
    }
}
