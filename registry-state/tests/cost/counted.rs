//! A state that counts what is read from it.

use std::cell::Cell;
use std::sync::Arc;

use registry_core::crypto::Hash;
use registry_core::mmr::Position;
use registry_core::record::{Entry, Part, PartId, RecordKey, StoreError};
use registry_core::status::Bits;
use registry_state::state::{MemoryState, StateView, TransientKey};

/// A state with the number of reads and of bytes that they gave.
pub(crate) struct Counted<'s> {
    state: &'s MemoryState,
    reads: Cell<u64>,
    bytes: Cell<u64>,
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("small")
}

impl<'s> Counted<'s> {
    pub(crate) fn new(state: &'s MemoryState) -> Self {
        Self { state, reads: Cell::new(0), bytes: Cell::new(0) }
    }

    pub(crate) fn reset(&self) {
        self.reads.set(0);
        self.bytes.set(0);
    }

    /// Returns the number of reads and of bytes since the last reset.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.reads.get(), self.bytes.get())
    }

    fn count(&self, bytes: usize) {
        self.reads.set(self.reads.get() + 1);
        self.bytes.set(self.bytes.get() + length(bytes));
    }
}

impl StateView for Counted<'_> {
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let entry = self.state.head(key)?;
        let parts = entry.iter().flat_map(|entry| &entry.parts);
        self.count(parts.map(|part| part.value.0.len()).sum());
        Ok(entry)
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        let part = self.state.part(key, id)?;
        self.count(part.as_ref().map_or(0, |part| part.value.0.len()));
        Ok(part)
    }

    fn mmr_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError> {
        self.count(32);
        self.state.mmr_node(range, at)
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        let leaf = self.state.transient(key)?;
        self.count(leaf.as_ref().map_or(0, Vec::len));
        Ok(leaf)
    }

    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError> {
        self.state.expired(time_ms, limit)
    }

    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        let array = self.state.status_array(entry)?;
        self.count(array.bytes().len());
        Ok(array)
    }

    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.state.tree_node(key)
    }
}
