//! The effect of an operation on the state, and the reasons why it has none.

use std::sync::Arc;

use registry_core::code::Refusal;
use registry_core::record::{RecordKey, StoreError};
use registry_core::status::{Bits, EntryChanges, StatusList};

use super::TransientKey;

/// Reason why an operation was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A rule refuses the operation.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The block has no room for the operation. It may fit into the next block.
    #[error("the block has no room for the operation")]
    Full,
    /// The store failed, so nothing is known about the operation.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an applied operation writes: one record version, and transient leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect<'a> {
    /// Key of the record.
    pub key: RecordKey,
    /// Change of the record.
    pub change: Change<'a>,
    /// Transient leaves that the operation sets, with their values.
    pub transient: Vec<(TransientKey, Vec<u8>)>,
    /// Size in bytes of the status array that the block must hold for this operation; 0 if it needs
    /// none or the block holds it already.
    pub array_bytes: usize,
}

impl<'a> Effect<'a> {
    /// Returns an effect that writes a new value and nothing else.
    pub fn value(key: RecordKey, value: Vec<u8>) -> Self {
        Self { key, change: Change::Value(value), transient: Vec::new(), array_bytes: 0 }
    }
}

/// Change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// The next version of the record has this canonical value.
    Value(Vec<u8>),
    /// Entries of a status list change. All such changes of one block make one version, whose value
    /// is known when the block ends.
    Entries {
        /// The list as stored; `None` if an earlier operation of this block changed its entries.
        opened: Option<Box<Opened>>,
        /// New values of entries.
        changes: &'a EntryChanges,
    },
}

/// A stored status list with its array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Value of the list's newest version.
    pub list: StatusList,
    /// Array whose root this value holds.
    pub array: Arc<Bits>,
}
