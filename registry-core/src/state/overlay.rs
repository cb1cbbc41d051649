//! What a block writes, kept apart from the stored state until the block is decided.

use std::collections::BTreeMap;

use super::{HISTORY, StateView, StoreError, TransientKey, tree};
use crate::codec::{Bytes, FixedBytes};
use crate::crypto::Hash;
use crate::did::DidValue;
use crate::range::{Position, Range, peaks};
use crate::record::{Entry, Record, RecordKey, value_hash};

/// Everything that one block adds to the store, ready for one atomic batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// New record versions; each becomes the head of its record.
    pub entries: Vec<Entry>,
    /// New nodes of ranges: range, position, hash.
    pub range_nodes: Vec<(Hash, Position, Hash)>,
    /// Transient leaves written (some) and deleted (none).
    pub transient: Vec<(TransientKey, Option<Vec<u8>>)>,
    /// New nodes of the state tree: storage key, bytes.
    pub tree_nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Tree nodes that only older heights still need.
    pub stale_tree_nodes: Vec<Vec<u8>>,
}

/// A stored state with one block's writes on top.
pub struct Overlay<'a> {
    view: &'a dyn StateView,
    entries: BTreeMap<RecordKey, Entry>,
    range_nodes: Vec<(Hash, Position, Hash)>,
    transient: BTreeMap<TransientKey, Option<Vec<u8>>>,
}

impl<'a> Overlay<'a> {
    /// Nothing written yet.
    pub fn new(view: &'a dyn StateView) -> Self {
        let (entries, range_nodes, transient) = Default::default();
        Self { view, entries, range_nodes, transient }
    }

    /// The newest version of a record, this block's included.
    pub fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        match self.entries.get(key) {
            Some(entry) => Ok(Some(entry.clone())),
            None => self.view.head(key),
        }
    }

    /// Whether this block wrote the record.
    pub fn changed(&self, key: &RecordKey) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a DID's head.
    pub fn did_value(&self, head: &Entry) -> Result<DidValue, StoreError> {
        DidValue::from_own_bytes(&head.value.0).map_err(StoreError::new)
    }

    /// A transient leaf, this block's writes included.
    pub fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        match self.transient.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.transient(key),
        }
    }

    /// Writes (some) or deletes (none) a transient leaf.
    pub fn set_transient(&mut self, key: TransientKey, value: Option<Vec<u8>>) {
        self.transient.insert(key, value);
    }

    /// Deletes what expired before `time_ms`, oldest first, at most `limit` leaves.
    pub fn expire(&mut self, time_ms: u64, limit: usize) -> Result<(), StoreError> {
        for key in self.view.expired(time_ms, limit)? {
            self.transient.insert(key, None);
        }
        Ok(())
    }

    /// Writes the next version of a record and hands out the record.
    pub fn write(
        &mut self,
        key: &RecordKey,
        value: Vec<u8>,
        salt: FixedBytes<16>,
        at: WriteContext,
    ) -> Result<Record, StoreError> {
        let head = self.head(key)?;
        let version = head.as_ref().map_or(1, |head| head.record.version.saturating_add(1));
        let versions = match &head {
            Some(head) => {
                self.append(key.tree_key(), version.saturating_sub(2), &head.record.hash())?
            }
            None => Range::default().root(),
        };
        let record = Record {
            kind: key.kind,
            key: key.key.clone(),
            version,
            versions,
            height: at.height,
            time: at.time_ms,
            operation: at.operation,
            value: value_hash(&salt, &value),
        };
        let entry = Entry { record: record.clone(), salt, value: Bytes(value) };
        self.entries.insert(key.clone(), entry);
        Ok(record)
    }

    /// Appends the previous block to the history of `count` blocks and hands out the new root.
    pub fn append_history(&mut self, count: u64, block: &Hash) -> Result<Hash, StoreError> {
        self.append(HISTORY, count, block)
    }

    fn append(&mut self, range: Hash, count: u64, value: &Hash) -> Result<Hash, StoreError> {
        let mut stored = Vec::new();
        for at in peaks(count) {
            let node = self.view.range_node(&range, at)?;
            stored.push(node.ok_or_else(|| {
                StoreError::new(format!("range {range} lacks its node at {at:?}"))
            })?);
        }
        let wrong = || StoreError::new(format!("range {range} has a wrong number of peaks"));
        let mut grown = Range::from_peaks(count, stored).ok_or_else(wrong)?;
        let new = grown.append(value);
        self.range_nodes.extend(new.into_iter().map(|(at, node)| (range, at, node)));
        Ok(grown.root())
    }

    /// Writes the state tree of `height` and hands out its root and all changes.
    pub fn finish(self, height: u64) -> Result<(Hash, Changes), StoreError> {
        let mut leaves: BTreeMap<Hash, Option<Vec<u8>>> = BTreeMap::new();
        for (key, entry) in &self.entries {
            leaves.insert(key.tree_key(), Some(entry.record.hash().0.to_vec()));
        }
        for (key, value) in &self.transient {
            leaves.insert(key.tree_key(), value.clone());
        }
        let update = tree::update(self.view, height, leaves)?;
        let changes = Changes {
            entries: self.entries.into_values().collect(),
            range_nodes: self.range_nodes,
            transient: self.transient.into_iter().collect(),
            tree_nodes: update.nodes,
            stale_tree_nodes: update.stale,
        };
        Ok((update.root, changes))
    }
}

/// Where and by what a record version is written.
#[derive(Debug, Clone, Copy)]
pub struct WriteContext {
    /// Block height.
    pub height: u64,
    /// Block time in ms.
    pub time_ms: u64,
    /// Operation id; zero for genesis itself.
    pub operation: Hash,
}
