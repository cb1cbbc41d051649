//! Reading records as of one moment. Rules, queries and verifiers are written against this view.

use super::{Entry, Part, PartId, RecordKey};

/// Records as they were at one moment.
pub trait RecordView {
    /// Returns the version of a record in force at that moment; `None` if there was none.
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;

    /// Returns one part of that version; `None` if there was no such record, or it had no such
    /// part. A store can read a part without the rest of the record.
    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        Ok(self.entry(key)?.and_then(|entry| entry.part(id).cloned()))
    }
}

/// The store failed or is damaged. A node that meets this error stops and decides nothing by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be read: {reason}")]
pub struct StoreError {
    /// Error text of the store.
    pub reason: String,
}

impl StoreError {
    /// Makes an error with the store's error text.
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}
