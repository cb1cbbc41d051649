//! The RocksDB implementation of the store. Each column is a column family; the write-ahead log is
//! synced on demand.

use std::path::Path;
use std::sync::Arc;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRecoveryMode, DataBlockIndexType, Direction, IteratorMode, Options, ReadOptions, WriteBatch,
    WriteOptions,
};

use super::{ArrayCache, Column, Pair, Read, Row, Store, StoreError};
use crate::floor::FloorFile;

/// Size of a column's write buffer in bytes. It is small because a block has at most a few MiB.
const WRITE_BUFFER_BYTES: usize = 16 << 20;
/// Size in bytes of the write-ahead log at which write buffers are flushed. It bounds the replay at
/// start.
const WAL_BYTES_MAX: u64 = 128 << 20;
/// Bits per key of the bloom filters. Ten give about 1 % false positives.
const BLOOM_BITS: f64 = 10.0;
/// Share of deletions, in a window of rows or in a whole table, from which on RocksDB merges a
/// table with the data that it deletes. Without it, deleted logs, candidates and tree nodes would
/// stay on disk for a long time.
const DELETIONS_RATIO: f64 = 0.25;
const DELETIONS_WINDOW_ROWS: usize = 1_000;
const DELETIONS_WINDOW_MAX: usize = 250;
/// Block size in bytes of columns with past data. Larger blocks compress better, but reading a row
/// from them takes longer.
const PAST_BLOCK_BYTES: usize = 16 << 10;
/// Block size in bytes of columns with present data. Their rows are read by hash, so usually one
/// row of a block is needed and the others only take space in the cache. A row has about 600 bytes.
const PRESENT_BLOCK_BYTES: usize = 2 << 10;

/// An open database, with the floor file of a validator.
pub struct RocksStore {
    view: RocksView,
    floor: Option<FloorFile>,
    /// True if anything was written since the last sync.
    unsynced: bool,
}

/// A reader of the database for any thread. Past rows never change, so readers need no snapshot:
/// they ignore record versions above the head that they started with.
#[derive(Clone)]
pub struct RocksView {
    db: Arc<DB>,
    arrays: Arc<ArrayCache>,
}

fn database_options() -> Options {
    let mut database = Options::default();
    database.create_if_missing(true);
    database.create_missing_column_families(true);
    // RocksDB's default silently stops at a damaged record and drops the acknowledged writes behind
    // it.
    database.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    database.set_max_total_wal_size(WAL_BYTES_MAX);
    database.set_keep_log_file_num(4);
    database
}

/// True for columns that grow for ever and are seldom read again, so that their size matters most.
fn is_past(column: Column) -> bool {
    use Column::{Arrays, Blocks, Certificates, Entries, Receipts};
    matches!(column, Blocks | Certificates | Receipts | Entries | Arrays)
}

fn column_options(column: Column, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    table.set_bloom_filter(BLOOM_BITS, false);
    if is_past(column) {
        table.set_block_size(PAST_BLOCK_BYTES);
        options.set_compression_type(DBCompressionType::Zstd);
    } else {
        table.set_block_size(PRESENT_BLOCK_BYTES);
        options.set_compression_type(DBCompressionType::Lz4);
    }
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.add_compact_on_deletion_collector_factory(
        DELETIONS_WINDOW_ROWS,
        DELETIONS_WINDOW_MAX,
        DELETIONS_RATIO,
    );
    options
}

impl RocksStore {
    /// Opens the database in `path` or creates it. RocksDB locks it, so a second process cannot
    /// open it. `floor` is the floor file of a validator, `None` for a follower.
    pub fn open(
        path: &Path,
        cache_bytes: usize,
        floor: Option<FloorFile>,
    ) -> Result<Self, StoreError> {
        // Readers on several threads share this cache without a lock. With 0 RocksDB estimates the
        // usual block size itself.
        let cache = Cache::new_hyper_clock_cache(cache_bytes, 0);
        let columns = Column::ALL.map(|column| {
            ColumnFamilyDescriptor::new(column.name(), column_options(column, &cache))
        });
        let database = database_options();
        let db = DB::open_cf_descriptors(&database, path, columns).map_err(StoreError::new)?;
        // An earlier process may have ended before it synced its last writes.
        let view = RocksView { db: Arc::new(db), arrays: Arc::default() };
        Ok(Self { view, floor, unsynced: true })
    }

    /// A reader of the database for other threads.
    pub fn view(&self) -> RocksView {
        self.view.clone()
    }
}

fn family(db: &DB, column: Column) -> Result<&ColumnFamily, StoreError> {
    let missing = || StoreError::new(format!("column family {} is missing", column.name()));
    db.cf_handle(column.name()).ok_or_else(missing)
}

fn until(to: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(to.to_vec());
    options
}

impl Read for RocksView {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(family(&self.db, column)?, key).map_err(StoreError::new)
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let rows = self.db.iterator_cf_opt(family(&self.db, column)?, until(to), mode);
        let pairs = rows.take(limit).map(|row| row.map(|(key, value)| (key.into(), value.into())));
        pairs.collect::<Result<_, _>>().map_err(StoreError::new)
    }

    fn arrays(&self) -> &ArrayCache {
        &self.arrays
    }
}

impl Read for RocksStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.view.get(column, key)
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.view.scan(column, from, to, limit)
    }

    fn arrays(&self) -> &ArrayCache {
        self.view.arrays()
    }
}

impl Store for RocksStore {
    fn write(&mut self, rows: Vec<Row>, sync: bool) -> Result<(), StoreError> {
        if rows.is_empty() && !(sync && self.unsynced) {
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        for Row { column, key, value } in rows {
            let family = family(&self.view.db, column)?;
            match value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.view.db.write_opt(batch, &options).map_err(StoreError::new)?;
        self.unsynced = !sync;
        Ok(())
    }

    fn raise_floor(&mut self, height: u64) -> Result<(), StoreError> {
        match &mut self.floor {
            Some(floor) => floor.raise(height).map_err(StoreError::new),
            None => Ok(()),
        }
    }
}
