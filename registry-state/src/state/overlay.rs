//! The writes of a block, kept apart from the stored state until the block is decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry_core::codec::{self, Bytes, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::did::DidValue;
use registry_core::governance::ScheduledChanges;
use registry_core::limits::BLOCK_STATUS_BYTES_MAX;
use registry_core::mmr::{Mmr, Position, peaks};
use registry_core::record::{Entry, Kind, Record, RecordKey, StoreError, value_hash};
use registry_core::status::{Bits, Run, StatusList, keyframe};

use super::effect::{ApplyError, Change, Effect, Opened};
use super::transient::TransientKey;
use super::tree;
use super::view::{HISTORY, StateView};

/// Everything that one block adds to the store, to be written in one atomic batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// New record versions, ascending by key. Each becomes the newest version of its record.
    pub entries: Vec<Entry>,
    /// Changes of status list arrays as (list, version, delta row) for each new version of a list.
    pub status_rows: Vec<(RecordKey, u64, Vec<u8>)>,
    /// New nodes of Merkle mountain ranges as (range id, position, hash).
    pub mmr_nodes: Vec<(Hash, Position, Hash)>,
    /// Transient leaves with their new value; `None` deletes the leaf.
    pub transient: Vec<(TransientKey, Option<Vec<u8>>)>,
    /// New nodes of the state tree as (storage key, bytes).
    pub tree_nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Storage keys of the tree nodes that the state of this height no longer contains.
    pub stale_tree_nodes: Vec<Vec<u8>>,
}

impl Changes {
    /// Returns the new version of a record, if the block changes the record.
    pub fn entry(&self, key: &RecordKey) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| {
            (entry.record.kind, &entry.record.key).cmp(&(key.kind, &key.key))
        });
        self.entries.get(at.ok()?)
    }
}

/// A status list whose entries this block changes.
pub(crate) struct OpenList {
    /// Value of the list. Its root is computed when the block ends.
    pub(crate) list: StatusList,
    /// Array with the changes so far.
    pub(crate) array: Bits,
    before: Arc<Bits>,
    salt: FixedBytes<16>,
    at: WriteContext,
}

/// A stored state together with the writes of one block.
pub struct Overlay<'a> {
    view: &'a dyn StateView,
    entries: BTreeMap<RecordKey, Entry>,
    open_lists: BTreeMap<RecordKey, OpenList>,
    array_bytes: usize,
    mmr_nodes: Vec<(Hash, Position, Hash)>,
    transient: BTreeMap<TransientKey, Option<Vec<u8>>>,
}

impl<'a> Overlay<'a> {
    /// Starts with no writes over a stored state.
    pub fn new(view: &'a dyn StateView) -> Self {
        let (entries, open_lists, array_bytes) = Default::default();
        let (mmr_nodes, transient) = Default::default();
        Self { view, entries, open_lists, array_bytes, mmr_nodes, transient }
    }

    /// Returns the newest version of a record, including the writes of this block. A status list
    /// whose entries change in this block still has its previous version: the new one is written
    /// when the block ends.
    pub fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        match self.entries.get(key) {
            Some(entry) => Ok(Some(entry.clone())),
            None => self.view.head(key),
        }
    }

    /// Returns true if this block changes the record.
    pub fn changed(&self, key: &RecordKey) -> bool {
        self.entries.contains_key(key) || self.open_lists.contains_key(key)
    }

    /// Returns a status list if this block changes its entries.
    pub(crate) fn open_list(&self, key: &RecordKey) -> Option<&OpenList> {
        self.open_lists.get(key)
    }

    /// Returns the stored array of a status list at the version in `head`.
    pub(crate) fn status_array(&self, head: &Entry) -> Result<Arc<Bits>, StoreError> {
        self.view.status_array(head)
    }

    /// Returns the size of the list's array in bytes. Fails with [`ApplyError::Full`] if the block
    /// has no room for this array beside those that it holds already.
    pub(crate) fn room_for_array(&self, list: &StatusList) -> Result<usize, ApplyError> {
        let bytes = list.array_bytes();
        if self.array_bytes.saturating_add(bytes) > BLOCK_STATUS_BYTES_MAX {
            return Err(ApplyError::Full);
        }
        Ok(bytes)
    }

    /// Returns the value in a DID's newest version.
    pub fn did_value(&self, head: &Entry) -> Result<DidValue, StoreError> {
        head.value()
    }

    /// Returns the value of a transient leaf, including the writes of this block.
    pub fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        match self.transient.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.transient(key),
        }
    }

    /// Returns the scheduled changes, including the writes of this block.
    pub(crate) fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        let leaf = self.transient(&TransientKey::scheduled_changes())?;
        ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
    }

    /// Returns the stored node of the block history that is the leaf of the block at `height`.
    pub(crate) fn history_node(&self, height: u64) -> Result<Option<Hash>, StoreError> {
        self.view.mmr_node(&HISTORY, Position { level: 0, index: height })
    }

    /// Sets a transient leaf, or deletes it if `value` is `None`.
    pub fn set_transient(&mut self, key: TransientKey, value: Option<Vec<u8>>) {
        self.transient.insert(key, value);
    }

    /// Deletes leaves that expired before `time_ms` (Unix time in milliseconds), oldest first and
    /// at most `limit` of them.
    pub fn expire(&mut self, time_ms: u64, limit: usize) -> Result<(), StoreError> {
        for key in self.view.expired(time_ms, limit)? {
            self.transient.insert(key, None);
        }
        Ok(())
    }

    /// Writes the effect of an operation.
    pub(crate) fn apply(
        &mut self,
        effect: Effect<'_>,
        salt: FixedBytes<16>,
        at: WriteContext,
    ) -> Result<(), StoreError> {
        let Effect { key, change, transient, array_bytes } = effect;
        self.array_bytes = self.array_bytes.saturating_add(array_bytes);
        match change {
            Change::Value(value) => {
                self.write(&key, value, salt, at)?;
            }
            Change::Entries { opened, changes } => {
                if let Some(opened) = opened {
                    let Opened { list, array: before } = *opened;
                    let array = Bits::clone(&before);
                    self.open_lists.insert(key.clone(), OpenList { list, array, before, salt, at });
                }
                let open = self.open_lists.get_mut(&key);
                let open = open.ok_or_else(|| StoreError::new("a list is not open"))?;
                for Run { start, length, value, .. } in changes.runs() {
                    open.array.fill(start, length, value);
                }
                (open.salt, open.at) = (salt, at);
            }
        }
        for (key, value) in transient {
            self.set_transient(key, Some(value));
        }
        Ok(())
    }

    /// Writes the next version of a record and returns that version.
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
            None => Mmr::default().root(),
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

    /// Appends the previous block to the history, which holds `count` blocks, and returns its new
    /// root.
    pub fn append_history(&mut self, count: u64, block: &Hash) -> Result<Hash, StoreError> {
        self.append(HISTORY, count, block)
    }

    fn append(&mut self, range: Hash, count: u64, value: &Hash) -> Result<Hash, StoreError> {
        let mut stored = Vec::new();
        for at in peaks(count) {
            let node = self.view.mmr_node(&range, at)?;
            stored.push(node.ok_or_else(|| {
                StoreError::new(format!("range {range} lacks its node at {at:?}"))
            })?);
        }
        let wrong = || StoreError::new(format!("range {range} has a wrong number of peaks"));
        let mut grown = Mmr::from_peaks(count, stored).ok_or_else(wrong)?;
        let new = grown.append(value);
        self.mmr_nodes.extend(new.into_iter().map(|(at, node)| (range, at, node)));
        Ok(grown.root())
    }

    /// Writes the new versions of the open lists with the roots of their arrays. Returns the delta
    /// rows of all lists that the block changes.
    fn close_lists(&mut self) -> Result<Vec<(RecordKey, u64, Vec<u8>)>, StoreError> {
        let mut rows = Vec::new();
        for (key, entry) in self.entries.iter().filter(|(key, _)| key.kind == Kind::Status) {
            rows.push((key.clone(), entry.record.version, self.unchanged_row(key, entry)?));
        }
        for (key, open) in std::mem::take(&mut self.open_lists) {
            let OpenList { mut list, array, before, salt, at } = open;
            list.root = array.root();
            let version = self.write(&key, codec::encode(&list), salt, at)?.version;
            rows.push((key, version, array.row(version, &before)));
        }
        Ok(rows)
    }

    /// Returns the delta row of a new version whose array is the same as before.
    fn unchanged_row(&self, key: &RecordKey, entry: &Entry) -> Result<Vec<u8>, StoreError> {
        let version = entry.record.version;
        if keyframe(version) != version {
            return Ok(Vec::new());
        }
        match self.view.head(key)? {
            Some(before) => {
                let array = self.view.status_array(&before)?;
                Ok(array.row(version, &array))
            }
            None => Ok(Vec::new()),
        }
    }

    /// Writes the state tree of `height`. Returns its root and everything that the block changes.
    pub fn finish(mut self, height: u64) -> Result<(Hash, Changes), StoreError> {
        let status_rows = self.close_lists()?;
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
            status_rows,
            mmr_nodes: self.mmr_nodes,
            transient: self.transient.into_iter().collect(),
            tree_nodes: update.nodes,
            stale_tree_nodes: update.stale,
        };
        Ok((update.root, changes))
    }
}

/// Origin of a record version: the block and the operation that write it.
#[derive(Debug, Clone, Copy)]
pub struct WriteContext {
    /// Height of the block.
    pub height: u64,
    /// Block time, as Unix time in milliseconds.
    pub time_ms: u64,
    /// Id of the operation; zero for the records that genesis itself writes.
    pub operation: Hash,
}
