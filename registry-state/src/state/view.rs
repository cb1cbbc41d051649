//! What a store answers about the state after one height.

use std::sync::Arc;

use registry_core::crypto::Hash;
use registry_core::governance::ScheduledChanges;
use registry_core::mmr::Position;
use registry_core::record::{Entry, RecordKey, StoreError};
use registry_core::status::Bits;

use super::TransientKey;

/// Range id of the block history; the ranges of records go by their tree key.
pub const HISTORY: Hash = Hash::ZERO;

/// Read access to the state after one height.
pub trait StateView {
    /// The newest version of a record.
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;
    /// A node of a range.
    fn mmr_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError>;
    /// The value of a transient leaf.
    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError>;
    /// The first `limit` transient keys, in storage order, that expired before `time_ms`.
    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError>;
    /// The array of a status list at the version in `entry`, be it the head or an older one.
    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError>;
    /// A node of the state tree by its storage key.
    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
}

/// The approved changes that wait.
pub fn scheduled_changes(view: &dyn StateView) -> Result<ScheduledChanges, StoreError> {
    let leaf = view.transient(&TransientKey::scheduled_changes())?;
    ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
}
