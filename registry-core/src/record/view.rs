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

    /// Returns a version of a record by its number; `None` if there is no such version. The default
    /// is for views that have the newest versions alone, as rules do.
    fn version(&self, _key: &RecordKey, _number: u64) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }

    /// Returns the records of the block up to which the question knows the ledger; `None` if that
    /// is the last block at or before the moment (docs/protocol/records.md, section "Moment and
    /// knowledge").
    fn known(&self) -> Option<&dyn RecordView> {
        None
    }
}

/// Records at one moment, in the light of what has become known since.
#[derive(Clone, Copy)]
pub struct Hindsight<'v> {
    /// Records at the moment that a question is about.
    pub moment: &'v dyn RecordView,
    /// Records of the block up to which the question knows the ledger.
    pub known: &'v dyn RecordView,
}

impl RecordView for Hindsight<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.moment.entry(key)
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        self.moment.part(key, id)
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        self.moment.version(key, number)
    }

    fn known(&self) -> Option<&dyn RecordView> {
        Some(self.known)
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
