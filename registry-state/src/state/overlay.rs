//! What a block writes, kept apart from the stored state until the block is decided.

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

/// Everything that one block adds to the store, ready for one atomic batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// New record versions, ascending by key; each becomes the head of its record.
    pub entries: Vec<Entry>,
    /// What the array of a status list becomes in its new version: list, version, delta row.
    pub status_rows: Vec<(RecordKey, u64, Vec<u8>)>,
    /// New nodes of ranges: range, position, hash.
    pub mmr_nodes: Vec<(Hash, Position, Hash)>,
    /// Transient leaves written (some) and deleted (none).
    pub transient: Vec<(TransientKey, Option<Vec<u8>>)>,
    /// New nodes of the state tree: storage key, bytes.
    pub tree_nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Tree nodes that only older heights still need.
    pub stale_tree_nodes: Vec<Vec<u8>>,
}

impl Changes {
    /// The new version of a record.
    pub fn entry(&self, key: &RecordKey) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| {
            (entry.record.kind, &entry.record.key).cmp(&(key.kind, &key.key))
        });
        self.entries.get(at.ok()?)
    }
}

/// A status list of which this block changes entries.
pub(crate) struct OpenList {
    /// Its value, but for the root.
    pub(crate) list: StatusList,
    /// Its array by now.
    pub(crate) array: Bits,
    before: Arc<Bits>,
    salt: FixedBytes<16>,
    at: WriteContext,
}

/// A stored state with one block's writes on top.
pub struct Overlay<'a> {
    view: &'a dyn StateView,
    entries: BTreeMap<RecordKey, Entry>,
    open_lists: BTreeMap<RecordKey, OpenList>,
    array_bytes: usize,
    mmr_nodes: Vec<(Hash, Position, Hash)>,
    transient: BTreeMap<TransientKey, Option<Vec<u8>>>,
}

impl<'a> Overlay<'a> {
    /// Nothing written yet.
    pub fn new(view: &'a dyn StateView) -> Self {
        let (entries, open_lists, array_bytes) = Default::default();
        let (mmr_nodes, transient) = Default::default();
        Self { view, entries, open_lists, array_bytes, mmr_nodes, transient }
    }

    /// The newest version of a record, this block's included; of a status list whose entries change
    /// in this block the one before, since the new one is written when the block ends.
    pub fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        match self.entries.get(key) {
            Some(entry) => Ok(Some(entry.clone())),
            None => self.view.head(key),
        }
    }

    /// Whether this block changes the record.
    pub fn changed(&self, key: &RecordKey) -> bool {
        self.entries.contains_key(key) || self.open_lists.contains_key(key)
    }

    /// A status list of which this block changes entries.
    pub(crate) fn open_list(&self, key: &RecordKey) -> Option<&OpenList> {
        self.open_lists.get(key)
    }

    /// The stored array of a status list at its head.
    pub(crate) fn status_array(&self, head: &Entry) -> Result<Arc<Bits>, StoreError> {
        self.view.status_array(head)
    }

    /// The bytes of a list's array, if the block has room for one more of them.
    pub(crate) fn room_for_array(&self, list: &StatusList) -> Result<usize, ApplyError> {
        let bytes = list.array_bytes();
        if self.array_bytes.saturating_add(bytes) > BLOCK_STATUS_BYTES_MAX {
            return Err(ApplyError::Full);
        }
        Ok(bytes)
    }

    /// The value of a DID's head.
    pub fn did_value(&self, head: &Entry) -> Result<DidValue, StoreError> {
        head.value()
    }

    /// A transient leaf, this block's writes included.
    pub fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        match self.transient.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.transient(key),
        }
    }

    /// The approved changes of governance that wait.
    pub(crate) fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        let leaf = self.transient(&TransientKey::scheduled_changes())?;
        ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
    }

    /// The node of the history above the block of `height`, of those stored.
    pub(crate) fn history_node(&self, height: u64) -> Result<Option<Hash>, StoreError> {
        self.view.mmr_node(&HISTORY, Position { level: 0, index: height })
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

    /// Does what an operation was found to do.
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

    /// Appends the previous block to the history of `count` blocks and hands out the new root.
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

    /// Writes the versions of the open lists, each with the root of its array, and hands out the
    /// delta rows of all lists that the block changes.
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

    /// The delta row of a new version with the array of the version before it.
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

    /// Writes the state tree of `height` and hands out its root and all changes.
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
