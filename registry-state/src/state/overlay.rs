//! The writes of a block, kept apart from the stored state until the block is decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry_core::codec::{self, Bytes, FixedBytes};
use registry_core::cost;
use registry_core::crypto::Hash;
use registry_core::governance::ScheduledChanges;
use registry_core::limits::BLOCK_STATUS_BYTES_MAX;
use registry_core::mmr::{Mmr, Position, peaks};
use registry_core::record::{
    Entry, Kind, Part, PartId, PartWrite, Record, RecordKey, StoreError, value_hash,
};
use registry_core::status::{Bits, Run, StatusList, keyframe};

use super::effect::{ApplyError, Change, Effect};
use super::meter::{Meter, entry_bytes};
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

/// Array of a status list whose entries this block changes.
pub(crate) struct OpenList {
    /// Array with the changes so far.
    pub(crate) array: Bits,
    before: Arc<Bits>,
}

/// A stored state together with the writes of one block.
pub struct Overlay<'a> {
    view: &'a dyn StateView,
    entries: BTreeMap<RecordKey, Entry>,
    open_lists: BTreeMap<RecordKey, OpenList>,
    array_bytes: usize,
    mmr_nodes: Vec<(Hash, Position, Hash)>,
    transient: BTreeMap<TransientKey, Option<Vec<u8>>>,
    meter: Meter,
}

impl<'a> Overlay<'a> {
    /// Starts with no writes over a stored state.
    pub fn new(view: &'a dyn StateView) -> Self {
        let (entries, open_lists, array_bytes) = Default::default();
        let (mmr_nodes, transient, meter) = Default::default();
        Self { view, entries, open_lists, array_bytes, mmr_nodes, transient, meter }
    }

    /// Returns the meter of the operation that is checked or applied.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Returns the newest version of a record, including the writes of this block. The root of an
    /// array whose entries change in this block is not known before the block ends; until then
    /// [`Hash::ZERO`] stands in its place.
    pub fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.meter.entry(key, || match self.entries.get(key) {
            Some(entry) => Ok(Some(entry.clone())),
            None => self.view.head(key),
        })
    }

    /// Returns one part of that version, without reading the others.
    pub fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        self.meter.part(key, id, || match self.entries.get(key) {
            Some(entry) => Ok(entry.part(id).cloned()),
            None => self.view.part(key, id),
        })
    }

    /// Returns true if this block changes the record.
    pub fn changed(&self, key: &RecordKey) -> bool {
        self.entries.contains_key(key)
    }

    /// Returns true if this block changes a part of a record that existed before it.
    pub(crate) fn changed_part(&self, key: &RecordKey, id: PartId) -> Result<bool, StoreError> {
        let Some(entry) = self.entries.get(key) else { return Ok(false) };
        let number = |part: &Part| part.number;
        let length = |part: &Option<Part>| part.as_ref().map_or(0, |part| part.value.0.len());
        let before = self.meter.read(|| self.view.part(key, id), length)?;
        Ok(before.is_some_and(|before| entry.part(id).map(number) != Some(before.number)))
    }

    /// Returns the array of a status list if this block changes its entries.
    pub(crate) fn open_list(&self, key: &RecordKey) -> Option<&OpenList> {
        self.open_lists.get(key)
    }

    /// Returns the array that a status list had before this block. All entries of a list that this
    /// block creates were zero.
    pub(crate) fn status_array(
        &self,
        key: &RecordKey,
        list: &StatusList,
    ) -> Result<Arc<Bits>, StoreError> {
        let length = |entry: &Option<Entry>| entry.as_ref().map_or(0, entry_bytes);
        match self.meter.read(|| self.view.head(key), length)? {
            Some(stored) => self.view.status_array(&stored),
            None => Ok(Arc::new(list.zeros())),
        }
    }

    /// Returns the size of the list's array in bytes, and pays for the array before it is read.
    /// Fails with [`ApplyError::Full`] if the block has no room for this array beside those that it
    /// holds already.
    pub(crate) fn room_for_array(
        &self,
        key: &RecordKey,
        list: &StatusList,
    ) -> Result<usize, ApplyError> {
        let bytes = list.array_bytes();
        if self.array_bytes.saturating_add(bytes) > BLOCK_STATUS_BYTES_MAX {
            return Err(ApplyError::Full);
        }
        // The array is rebuilt from the keyframe of the version before this block.
        let stored = self.next_number(key)?.saturating_sub(1);
        let rows = match stored {
            0 => 0,
            stored => stored.saturating_sub(keyframe(stored)).saturating_add(1),
        };
        self.meter.pay(cost::of_array(bytes, rows))?;
        self.meter.covers(1, u64::try_from(bytes).unwrap_or(u64::MAX));
        Ok(bytes)
    }

    /// Returns the number of the version that this block makes of a record.
    fn next_number(&self, key: &RecordKey) -> Result<u64, StoreError> {
        let version = self.head(key)?.map_or(0, |head| head.record.version);
        Ok(if self.changed(key) { version } else { version.saturating_add(1) })
    }

    /// Pays for what the effect of an operation writes.
    pub(crate) fn pay_for(&self, effect: &Effect<'_>) -> Result<(), StoreError> {
        let own = match &effect.change {
            Change::Parts(parts) => written_bytes(parts),
            Change::Entries { .. } => ARRAY_PART_BYTES,
        };
        let beside = effect.beside.iter().map(|(key, parts)| (key, written_bytes(parts)));
        for (key, bytes) in [(&effect.key, own)].into_iter().chain(beside) {
            let number = self.next_number(key)?;
            let version = (!self.changed(key)).then_some(number);
            self.meter.pay(cost::of_write(version, bytes))?;
            let nodes = u64::from(u64::BITS.saturating_sub(number.leading_zeros()));
            self.meter.covers(nodes, nodes.saturating_mul(32));
        }
        for _ in &effect.transient {
            self.meter.pay(cost::LEAF)?;
        }
        Ok(())
    }

    /// Returns the value of a transient leaf, including the writes of this block.
    pub fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.meter.leaf(key, || match self.transient.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.transient(key),
        })
    }

    /// Returns the scheduled changes, including the writes of this block.
    pub(crate) fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        let leaf = self.transient(&TransientKey::scheduled_changes())?;
        ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
    }

    /// Returns the stored node of the block history that is the leaf of the block at `height`.
    pub(crate) fn history_node(&self, height: u64) -> Result<Option<Hash>, StoreError> {
        let read = || self.view.mmr_node(&HISTORY, Position { level: 0, index: height });
        self.meter.read(read, |node| node.map_or(0, |node| node.0.len()))
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
        let Effect { key, change, beside, transient, array_bytes } = effect;
        self.array_bytes = self.array_bytes.saturating_add(array_bytes);
        match change {
            Change::Parts(parts) => self.write(&key, parts, salt, at)?,
            Change::Entries { opened, changes } => {
                if let Some(before) = opened {
                    let array = Bits::clone(&before);
                    self.open_lists.insert(key.clone(), OpenList { array, before });
                }
                let open = self.open_lists.get_mut(&key);
                let open = open.ok_or_else(|| StoreError::new("a list is not open"))?;
                for Run { start, length, value, .. } in changes.runs() {
                    open.array.fill(start, length, value);
                }
                let later = PartWrite::set(PartId::ARRAY, codec::encode(&Hash::ZERO));
                self.write(&key, vec![later], salt, at)?;
            }
        }
        for (key, parts) in beside {
            self.write(&key, parts, salt, at)?;
        }
        for (key, value) in transient {
            self.set_transient(key, Some(value));
        }
        Ok(())
    }

    /// Writes parts of a record. All writes of one block make one version of the record, and each
    /// raises the number of the parts that it writes.
    pub fn write(
        &mut self,
        key: &RecordKey,
        writes: Vec<PartWrite>,
        salt: FixedBytes<16>,
        at: WriteContext,
    ) -> Result<(), StoreError> {
        let (record, mut parts) = match self.entries.remove(key) {
            Some(Entry { record, parts }) => (record, parts),
            None => self.next_version(key)?,
        };
        for write in writes {
            write_part(&mut parts, write, &salt);
        }
        let WriteContext { height, time_ms: time, operation } = at;
        let record = Record { height, time, operation, value: value_hash(&parts), ..record };
        self.entries.insert(key.clone(), Entry { record, parts });
        Ok(())
    }

    /// Returns the next version of a record, with the parts of the present one.
    fn next_version(&mut self, key: &RecordKey) -> Result<(Record, Vec<Part>), StoreError> {
        if let Some(Entry { record, parts }) = self.head(key)? {
            let earlier = record.version.saturating_sub(1);
            let versions = self.append(key.tree_key(), earlier, &record.hash())?;
            let version = record.version.saturating_add(1);
            return Ok((Record { version, versions, ..record }, parts));
        }
        let record = Record {
            kind: key.kind,
            key: key.key.clone(),
            version: 1,
            versions: Mmr::default().root(),
            height: 0,
            time: 0,
            operation: Hash::ZERO,
            value: Hash::ZERO,
        };
        Ok((record, Vec::new()))
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

    /// Sets the roots of the arrays whose entries changed. Returns the delta rows of all lists that
    /// the block changes.
    fn close_lists(&mut self) -> Result<Vec<(RecordKey, u64, Vec<u8>)>, StoreError> {
        let mut rows = Vec::new();
        let open_lists = std::mem::take(&mut self.open_lists);
        for (key, OpenList { array, before }) in &open_lists {
            let entry = self.entries.get_mut(key);
            let Entry { record, parts } =
                entry.ok_or_else(|| StoreError::new("an open list without a version"))?;
            let root = parts.iter_mut().filter(|part| part.id == PartId::ARRAY);
            root.for_each(|part| part.value = Bytes(codec::encode(&array.root())));
            record.value = value_hash(parts);
            rows.push((key.clone(), record.version, array.row(record.version, before)));
        }
        for (key, entry) in self.entries.iter().filter(|(key, _)| key.kind == Kind::Status) {
            if !open_lists.contains_key(key) {
                rows.push((key.clone(), entry.record.version, self.unchanged_row(key, entry)?));
            }
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

/// Length of the part of a status list that holds the root of the array.
const ARRAY_PART_BYTES: usize = 34;

fn written_bytes(parts: &[PartWrite]) -> usize {
    parts.iter().map(PartWrite::bytes).fold(0, usize::saturating_add)
}

/// Sets or removes one part among others that ascend by id.
fn write_part(parts: &mut Vec<Part>, write: PartWrite, salt: &FixedBytes<16>) {
    let at = parts.partition_point(|part| part.id < write.id);
    let number = match parts.get(at) {
        Some(present) if present.id == write.id => parts.remove(at).number,
        Some(_) | None => 0,
    };
    if let Some(part) = write.written(number.saturating_add(1), salt) {
        parts.insert(at, part);
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
