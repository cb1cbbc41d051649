//! Read access to the state after one height, which each store implements.

use std::sync::Arc;

use registry_core::crypto::Hash;
use registry_core::governance::ScheduledChanges;
use registry_core::mmr::Position;
use registry_core::record::{Entry, Part, PartId, RecordKey, StoreError};
use registry_core::status::Bits;

use super::TransientKey;

/// Id of the Merkle mountain range of the block history. The range of a record's versions has the
/// record's tree key as id.
pub const HISTORY: Hash = Hash::ZERO;

/// Read access to the state after one height.
pub trait StateView {
    /// Returns the newest version of a record.
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;
    /// Returns one part of the newest version of a record. A store can read it without the rest.
    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        Ok(self.head(key)?.and_then(|entry| entry.part(id).cloned()))
    }
    /// Returns a node of the Merkle mountain range with id `range`.
    fn mmr_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError>;
    /// Returns the value of a transient leaf.
    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError>;
    /// Returns the first `limit` transient keys, in storage order, that expired before `time_ms`
    /// (Unix time in milliseconds).
    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError>;
    /// Returns the array of a status list at the version in `entry`, which may be the newest or an
    /// older one.
    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError>;
    /// Returns a node of the state tree by its storage key.
    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Returns the scheduled changes: the approved proposals whose height has not come.
pub fn scheduled_changes(view: &dyn StateView) -> Result<ScheduledChanges, StoreError> {
    let leaf = view.transient(&TransientKey::scheduled_changes())?;
    ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
}
