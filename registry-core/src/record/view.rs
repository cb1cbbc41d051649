//! Reading records as of one moment: what rules, queries and verifiers are written against.

use super::{Entry, RecordKey};

/// The records as they were at one moment.
pub trait RecordView {
    /// The version of a record in force then.
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;
}

/// The store failed or holds what it cannot hold. The node stops; nothing is decided on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be read: {reason}")]
pub struct StoreError {
    /// What the store said.
    pub reason: String,
}

impl StoreError {
    /// An error with the store's words.
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}
