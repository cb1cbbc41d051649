//! The typed ledger over any [`Read`]: blocks, records, receipts and the consensus log.

use std::sync::Arc;

use registry_core::block::{Block, Header, Receipt};
use registry_core::certificate::Certificate;
use registry_core::crypto::Hash;
use registry_core::index::{Index, Listed, Listing};
use registry_core::mmr::Position;
use registry_core::record::{Entry, Kind, Part, PartId, RecordKey, RecordView, StoreError};
use registry_core::status::{Bits, StatusList, keyframe};
use registry_state::state::{StateView, TransientKey};
use serde::de::DeserializeOwned;

use super::entries::{self, read};
use super::{Column, Read};

/// Version of the store's layout. A store with another version is refused.
pub const FORMAT_VERSION: u64 = 11;

pub(super) const META_FORMAT: &[u8] = b"format";
pub(super) const META_HEAD: &[u8] = b"head";
pub(super) const META_GUARD: &[u8] = b"guard";
pub(super) const META_CHAIN: &[u8] = b"chain";

/// The newest block of the chain with its certificate. The genesis block has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Header of the block.
    pub header: Header,
    /// Certificate of the block; `None` for genesis.
    pub certificate: Option<Certificate>,
}

/// Typed reads over a store.
pub struct Ledger<'a, R: ?Sized>(pub &'a R);

pub(super) fn height_key(height: u64) -> [u8; 8] {
    height.to_be_bytes()
}

pub(super) fn keyed(prefix: &[u8], number: u64) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}

pub(super) fn range_key(range: &Hash, at: Position) -> Vec<u8> {
    [&range.0[..], &[at.level], &at.index.to_be_bytes()].concat()
}

impl<R: Read + ?Sized> Ledger<'_, R> {
    fn value<T: DeserializeOwned>(
        &self,
        column: Column,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        self.0.get(column, key)?.map(|bytes| read(&bytes)).transpose()
    }

    /// Chain id of the store; `None` if it is new. Fails if the store has another format.
    pub fn chain(&self) -> Result<Option<Hash>, StoreError> {
        match self.value::<u64>(Column::Meta, META_FORMAT)? {
            None => Ok(None),
            Some(FORMAT_VERSION) => self.value(Column::Meta, META_CHAIN),
            Some(other) => Err(StoreError::new(format!(
                "the data directory has format {other}, this version reads format \
                 {FORMAT_VERSION}; use the version that wrote it, or sync into a new directory"
            ))),
        }
    }

    /// The newest block; `None` if the store is new.
    pub fn head(&self) -> Result<Option<Committed>, StoreError> {
        let Some(header) = self.value::<Header>(Column::Meta, META_HEAD)? else { return Ok(None) };
        let certificate = self.certificate(header.height)?;
        Ok(Some(Committed { header, certificate }))
    }

    /// The block of a height.
    pub fn block(&self, height: u64) -> Result<Option<Block>, StoreError> {
        self.value(Column::Blocks, &height_key(height))
    }

    /// The certificate of a height.
    pub fn certificate(&self, height: u64) -> Result<Option<Certificate>, StoreError> {
        self.value(Column::Certificates, &height_key(height))
    }

    /// The receipt of an applied operation.
    pub fn receipt(&self, operation: &Hash) -> Result<Option<Receipt>, StoreError> {
        self.value(Column::Receipts, &operation.0)
    }

    /// The newest version of a record; `None` if there is no such record.
    pub fn newest(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.entry_in(Column::Heads, &key.storage_key())
    }

    /// One version of a record. The newest version is read first: if a commit moves it to the
    /// earlier versions between the two reads, the second read finds it there.
    pub fn version(&self, key: &RecordKey, version: u64) -> Result<Option<Entry>, StoreError> {
        match self.newest(key)? {
            Some(newest) if newest.record.version == version => Ok(Some(newest)),
            Some(newest) if newest.record.version > version => self.earlier(key, version),
            _ => Ok(None),
        }
    }

    /// The records of a listing after the cursor `after`, in order. A cursor is a key that an
    /// earlier call returned.
    pub fn listed(
        &self,
        listing: &Listing,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let column = index_column(listing.index);
        let rows = self.0.scan(column, &listing.from(after), &listing.to(), limit)?;
        let malformed = || StoreError::new(format!("a row of {} is malformed", column.name()));
        rows.into_iter()
            .map(|(cursor, value)| {
                let record = listing.record(&cursor, &value).ok_or_else(malformed)?;
                Ok(Listed { cursor, record, value })
            })
            .collect()
    }

    /// The newest versions of all records of a kind, in order of their keys. It is meant for kinds
    /// with few records.
    pub fn heads_of(&self, kind: Kind) -> Result<Vec<Entry>, StoreError> {
        let number = kind.number();
        let rows =
            self.0.scan(Column::Heads, &[number], &[number.saturating_add(1)], usize::MAX)?;
        rows.into_iter().map(|(_, row)| entries::whole(self.0, &row)).collect()
    }

    fn entry_in(&self, column: Column, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.0.get(column, key)?.map(|row| entries::whole(self.0, &row)).transpose()
    }

    /// One part of the newest version of a record; `None` if there is no such record or part.
    fn newest_part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        let key = key.storage_key();
        let Some(row) = self.0.get(Column::Heads, &key)? else { return Ok(None) };
        entries::part(self.0, &key, &row, id)
    }

    /// Reads a version that is not the newest.
    fn earlier(&self, key: &RecordKey, version: u64) -> Result<Option<Entry>, StoreError> {
        self.entry_in(Column::Entries, &keyed(&key.storage_key(), version))
    }

    /// The version of a record that was the newest at `time_ms`, found by binary search.
    pub fn version_at(&self, key: &RecordKey, time_ms: u64) -> Result<Option<Entry>, StoreError> {
        let Some(newest) = self.newest(key)? else { return Ok(None) };
        if newest.record.time <= time_ms {
            return Ok(Some(newest));
        }
        let (mut low, mut high) = (0, newest.record.version - 1);
        let mut found = None;
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let entry = self.earlier(key, middle)?;
            let entry = entry.ok_or_else(|| StoreError::new(format!("no version {middle}")))?;
            if entry.record.time <= time_ms {
                low = middle;
                found = Some(entry);
            } else {
                high = middle - 1;
            }
        }
        Ok(found)
    }

    /// The encoded signing guard, which names the last message that this validator signed.
    pub fn guard(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(Column::Meta, META_GUARD)
    }

    /// Entries of the consensus log of a height with their sequence numbers, in ascending order.
    pub fn wal(&self, height: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let rows = self.0.scan(
            Column::Wal,
            &height_key(height),
            &height_key(height.saturating_add(1)),
            usize::MAX,
        )?;
        rows.into_iter()
            .map(|(key, value)| {
                let sequence = key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
                let sequence = sequence.ok_or_else(|| StoreError::new("a short log key"))?;
                Ok((sequence, value))
            })
            .collect()
    }

    /// A block that was executed but not decided.
    pub fn candidate(&self, height: u64, value: &Hash) -> Result<Option<Block>, StoreError> {
        self.value(Column::Candidates, &candidate_key(height, value))
    }
}

pub(super) fn candidate_key(height: u64, value: &Hash) -> Vec<u8> {
    [&height_key(height)[..], &value.0].concat()
}

impl<R: Read + ?Sized> RecordView for Ledger<'_, R> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.newest(key)
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        self.newest_part(key, id)
    }
}

impl<R: Read + ?Sized> StateView for Ledger<'_, R> {
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.newest(key)
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        self.newest_part(key, id)
    }

    fn mmr_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError> {
        self.value(Column::Ranges, &range_key(range, at))
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(Column::Transient, &key.bytes())
    }

    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError> {
        let rows = self.0.scan(Column::Transient, &[], &time_ms.to_be_bytes(), limit)?;
        let wrong = || StoreError::new("a transient key is malformed");
        rows.into_iter().map(|(key, _)| TransientKey::from_bytes(&key).ok_or_else(wrong)).collect()
    }

    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        let (key, version) = (entry.record.record_key(), entry.record.version);
        let cached = self.0.arrays().newest(&key);
        if let Some((_, array)) = cached.as_ref().filter(|(cached, _)| *cached == version) {
            return Ok(Arc::clone(array));
        }
        let whole = keyframe(version);
        let (mut array, from) = match cached {
            Some((cached, array)) if (whole..version).contains(&cached) => {
                (array, cached.saturating_add(1))
            }
            _ => {
                let list: StatusList = entry.value()?;
                (Arc::new(list.zeros()), whole)
            }
        };
        for version in from..=version {
            let row = self.0.get(Column::Arrays, &keyed(&key.storage_key(), version))?;
            let missing = || StoreError::new(format!("no array of version {version} of a list"));
            let row = row.ok_or_else(missing)?;
            Arc::make_mut(&mut array).apply(&row).map_err(StoreError::new)?;
        }
        self.0.arrays().keep(&key, version, Arc::clone(&array));
        Ok(array)
    }

    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(Column::Tree, key)
    }
}

/// Column with the rows of an index. For proposals the records themselves serve as the index.
pub(super) fn index_column(index: Index) -> Column {
    match index {
        Index::Lists => Column::Lists,
        Index::Rights => Column::Rights,
        Index::Schemas => Column::Schemas,
        Index::Proposals => Column::Heads,
    }
}
