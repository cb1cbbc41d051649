//! Reading records as of one moment. Rules, queries and verifiers are written against this view.

use super::{Entry, RecordKey};

/// Records as they were at one moment.
pub trait RecordView {
    /// Returns the version of a record in force at that moment; `None` if there was none.
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;
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
