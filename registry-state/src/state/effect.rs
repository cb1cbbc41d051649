//! The effect of an operation on the state, and the reasons why it has none.

use std::sync::Arc;

use registry_core::code::Refusal;
use registry_core::record::{PartId, PartWrite, RecordKey, StoreError, Timed};
use registry_core::status::{Bits, EntryChanges};

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

/// What an applied operation writes: one record version, seldom a second one beside it, and
/// transient leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect<'a> {
    /// Key of the record.
    pub key: RecordKey,
    /// Change of the record.
    pub change: Change<'a>,
    /// Further records that the operation writes, with their new parts. They have no receipt of
    /// their own.
    pub beside: Vec<(RecordKey, Vec<PartWrite>)>,
    /// Transient leaves that the operation sets, with their values.
    pub transient: Vec<(TransientKey, Vec<u8>)>,
    /// Size in bytes of the status array that the block must hold for this operation; 0 if it needs
    /// none or the block holds it already.
    pub array_bytes: usize,
}

impl<'a> Effect<'a> {
    /// Returns an effect that writes these parts and nothing else.
    pub fn parts(key: RecordKey, parts: Vec<PartWrite>) -> Self {
        let (beside, transient) = Default::default();
        Self { key, change: Change::Parts(parts), beside, transient, array_bytes: 0 }
    }
}

/// Change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// These parts of the record get new values.
    Parts(Vec<PartWrite>),
    /// Entries of a status list change. The root of the array is computed when the block ends.
    Entries {
        /// The array as stored; `None` if an earlier operation of this block changed entries.
        opened: Option<Arc<Bits>>,
        /// New values of entries.
        changes: &'a EntryChanges,
    },
}

/// Returns the only part of a value that is not divided.
pub fn whole(value: Vec<u8>) -> Vec<PartWrite> {
    vec![PartWrite::set(PartId::WHOLE, value)]
}

/// Returns the only part of a value that records the times of blocks.
pub fn timed(value: &impl Timed) -> Vec<PartWrite> {
    vec![PartWrite::timed(PartId::WHOLE, value)]
}
