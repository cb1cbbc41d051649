//! Storage: a small key-value trait with columns, its RocksDB and in-memory implementations, and
//! the typed ledger on top. The layout is each node's own and not part of the protocol.

mod arrays;
mod commit;
mod entries;
mod ledger;
mod memory;
mod rocks;
#[cfg(test)]
mod tests;

pub use arrays::ArrayCache;
pub use commit::{candidate_row, certificate_row, commit_rows, genesis_rows, guard_row, wal_row};
pub use ledger::{Committed, FORMAT_VERSION, Ledger};
pub use memory::MemoryStore;
pub use registry_core::record::StoreError;
pub use rocks::{RocksStore, RocksView};

/// The column families of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Format version, head height, guard.
    Meta,
    /// Height → block.
    Blocks,
    /// Height → certificate. A larger certificate may replace it until the next commit.
    Certificates,
    /// Operation id → receipt.
    Receipts,
    /// Record key → entry of its newest version.
    Heads,
    /// Record key and version → entry of an earlier version.
    Entries,
    /// Record key, part and number → value of a large part, which several versions share.
    Parts,
    /// Key of a status list and version → delta row of its array.
    Arrays,
    /// Issuer and id of a status list → its own URI, or empty.
    Lists,
    /// Names of a right in three orders → key of its record.
    Rights,
    /// Publisher, kind, id or name of a schema or credential type → key of its record.
    Schemas,
    /// Merkle mountain range, level and index → hash.
    Ranges,
    /// Transient key → value, in order of expiry.
    Transient,
    /// Tree node key → node.
    Tree,
    /// Height from which on a tree node is stale, and the node's key → empty.
    StaleTree,
    /// Height and sequence → entry of the consensus log.
    Wal,
    /// Height and hash → block that was executed but not yet decided.
    Candidates,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 17] = [
        Self::Meta,
        Self::Blocks,
        Self::Certificates,
        Self::Receipts,
        Self::Heads,
        Self::Entries,
        Self::Parts,
        Self::Arrays,
        Self::Lists,
        Self::Rights,
        Self::Schemas,
        Self::Ranges,
        Self::Transient,
        Self::Tree,
        Self::StaleTree,
        Self::Wal,
        Self::Candidates,
    ];

    /// The column family's name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Blocks => "blocks",
            Self::Certificates => "certificates",
            Self::Receipts => "receipts",
            Self::Heads => "heads",
            Self::Entries => "entries",
            Self::Parts => "parts",
            Self::Arrays => "arrays",
            Self::Lists => "lists",
            Self::Rights => "rights",
            Self::Schemas => "schemas",
            Self::Ranges => "ranges",
            Self::Transient => "transient",
            Self::Tree => "tree",
            Self::StaleTree => "stale_tree",
            Self::Wal => "wal",
            Self::Candidates => "candidates",
        }
    }
}

/// One write of a batch: a value to store, or a key to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Column of the row.
    pub column: Column,
    /// Key of the row.
    pub key: Vec<u8>,
    /// Value to store; `None` deletes the key.
    pub value: Option<Vec<u8>>,
}

impl Row {
    /// Makes a row that stores a value.
    pub fn put(column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self { column, key: key.into(), value: Some(value.into()) }
    }

    /// Makes a row that deletes a key.
    pub fn delete(column: Column, key: impl Into<Vec<u8>>) -> Self {
        Self { column, key: key.into(), value: None }
    }
}

/// Key and value of one row.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Reads from a store.
pub trait Read {
    /// The value of a key, or `None` if the key is absent.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Rows with `from ≤ key < to`, ascending, at most `limit`.
    fn scan(
        &self,
        column: Column,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError>;

    /// Cache of status list arrays that were read or computed recently.
    fn arrays(&self) -> &ArrayCache;
}

/// The disk of a node: atomic batches, and the height floor. The floor is a file of its own, so
/// that it outlives the database.
pub trait Store: Read {
    /// Writes all rows or none. If `sync` is true, it returns only when these and all earlier
    /// writes would survive a power cut.
    fn write(&mut self, rows: Vec<Row>, sync: bool) -> Result<(), StoreError>;

    /// Raises the height floor to at least `height`. When it returns, the new floor is durable.
    fn raise_floor(&mut self, height: u64) -> Result<(), StoreError>;
}

/// Writes and syncs rows, and returns the proof of it that releases signed messages. No other
/// function makes such a proof.
pub fn write_synced(store: &mut dyn Store, rows: Vec<Row>) -> Result<ordering::Synced, StoreError> {
    store.write(rows, true)?;
    Ok(ordering::Synced::after_fsync())
}
