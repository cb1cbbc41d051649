//! A state in memory, for tests, tools and the simulator. It behaves like the node's store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Changes, StateView, TransientKey};
use registry_core::crypto::Hash;
use registry_core::mmr::Position;
use registry_core::record::{Entry, RecordKey, StoreError};
use registry_core::status::{Bits, StatusList, keyframe};

/// All records, Merkle mountain ranges, transient leaves and tree nodes after one height.
#[derive(Debug, Clone, Default)]
pub struct MemoryState {
    entries: BTreeMap<(RecordKey, u64), Entry>,
    heads: BTreeMap<RecordKey, u64>,
    status_rows: BTreeMap<(RecordKey, u64), Vec<u8>>,
    mmr_nodes: BTreeMap<(Hash, Position), Hash>,
    transient: BTreeMap<Vec<u8>, Vec<u8>>,
    tree_nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryState {
    /// Applies the changes of the next block.
    pub fn commit(&mut self, changes: &Changes) {
        for entry in &changes.entries {
            let (key, version) = (entry.record.record_key(), entry.record.version);
            self.heads.insert(key.clone(), version);
            self.entries.insert((key, version), entry.clone());
        }
        for (key, version, row) in &changes.status_rows {
            self.status_rows.insert((key.clone(), *version), row.clone());
        }
        for (range, at, node) in &changes.mmr_nodes {
            self.mmr_nodes.insert((*range, *at), *node);
        }
        for (key, value) in &changes.transient {
            match value {
                Some(value) => self.transient.insert(key.bytes(), value.clone()),
                None => self.transient.remove(&key.bytes()),
            };
        }
        self.tree_nodes.extend(changes.tree_nodes.iter().cloned());
        for key in &changes.stale_tree_nodes {
            self.tree_nodes.remove(key);
        }
    }

    /// Returns one version of a record.
    pub fn version(&self, key: &RecordKey, version: u64) -> Option<&Entry> {
        self.entries.get(&(key.clone(), version))
    }
}

impl StateView for MemoryState {
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let version = self.heads.get(key);
        Ok(version.and_then(|version| self.version(key, *version)).cloned())
    }

    fn mmr_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError> {
        Ok(self.mmr_nodes.get(&(*range, at)).copied())
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.transient.get(&key.bytes()).cloned())
    }

    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError> {
        let before = time_ms.to_be_bytes().to_vec();
        let keys = self.transient.range(..before).take(limit);
        keys.map(|(bytes, _)| {
            TransientKey::from_bytes(bytes)
                .ok_or_else(|| StoreError::new("a transient key is malformed"))
        })
        .collect()
    }

    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        let list: StatusList = entry.value()?;
        let (key, version) = (entry.record.record_key(), entry.record.version);
        let rows = self.status_rows.range((key.clone(), keyframe(version))..=(key, version));
        let mut array = list.zeros();
        for (_, row) in rows {
            array.apply(row).map_err(StoreError::new)?;
        }
        Ok(Arc::new(array))
    }

    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tree_nodes.get(key).cloned())
    }
}
