//! What an operation does to the state, and why it may not.

use std::sync::Arc;

use registry_core::code::Refusal;
use registry_core::record::{RecordKey, StoreError};
use registry_core::status::{Bits, EntryChanges, StatusList};

use super::TransientKey;

/// Why an operation was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The block has no room for it; it may fit the next one.
    #[error("the block has no room for the operation")]
    Full,
    /// The store failed; nothing is known about the operation.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an applied operation writes: one record version, and transient leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect<'a> {
    /// The record.
    pub key: RecordKey,
    /// What becomes of it.
    pub change: Change<'a>,
    /// Leaves set beside it.
    pub transient: Vec<(TransientKey, Vec<u8>)>,
    /// Bytes of the status array that the block has to hold for it, if it holds it not yet.
    pub array_bytes: usize,
}

impl<'a> Effect<'a> {
    /// A new value and nothing else.
    pub fn value(key: RecordKey, value: Vec<u8>) -> Self {
        Self { key, change: Change::Value(value), transient: Vec::new(), array_bytes: 0 }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// The next version has this canonical value.
    Value(Vec<u8>),
    /// Entries of a status list change. All such changes of one block are one version, whose value
    /// is known when the block ends.
    Entries {
        /// The list as stored; none where this block changed entries of it before.
        opened: Option<Box<Opened>>,
        /// Which entries get which value.
        changes: &'a EntryChanges,
    },
}

/// A status list with its array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The value of its head.
    pub list: StatusList,
    /// The array that this value commits to.
    pub array: Arc<Bits>,
}
