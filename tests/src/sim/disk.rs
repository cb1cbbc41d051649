//! A node's disk: memory that forgets what was not synced, and that fails at a chosen write.

use node::store::{ArrayCache, Column, MemoryStore, Pair, Read, Row, Store, StoreError};

/// Where the power goes off.
#[derive(Debug, Clone, Copy)]
pub struct PowerCut {
    /// Writes from now on that still succeed.
    pub writes: u64,
    /// Whether the failing write still reaches the disk, of which the node hears nothing.
    pub lands: bool,
}

/// The disk of one node. Raising the floor counts as a write.
#[derive(Debug, Default)]
pub struct Disk {
    store: MemoryStore,
    writes: u64,
    cut: Option<PowerCut>,
    off: bool,
}

impl Disk {
    /// Writes seen so far.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Arms a power cut.
    pub fn cut_at(&mut self, cut: PowerCut) {
        self.cut = Some(cut);
    }

    /// Takes an armed power cut back.
    pub fn disarm(&mut self) {
        self.cut = None;
    }

    /// Whether the power went off.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// Power comes back: the oldest `kept` unsynced batches survived.
    pub fn power_on(&mut self, kept: usize) {
        self.store.crash_keeping(kept);
        self.off = false;
        self.cut = None;
    }

    /// Batches that a crash would lose.
    pub fn unsynced(&self) -> usize {
        self.store.unsynced()
    }

    /// Whether the database is new or lost.
    pub fn is_empty(&self) -> bool {
        !matches!(self.store.scan(Column::Meta, &[], &[u8::MAX], 1), Ok(rows) if !rows.is_empty())
    }

    /// The height floor.
    pub fn floor(&self) -> u64 {
        self.store.floor()
    }

    /// Loses the database and keeps the floor.
    pub fn lose_data(&mut self) {
        self.store.lose_data();
    }

    /// Runs one write unless the power goes off before it.
    fn attempt(
        &mut self,
        write: impl FnOnce(&mut MemoryStore) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let dark = || StoreError::new("the power is off");
        if self.off {
            return Err(dark());
        }
        self.writes += 1;
        match &mut self.cut {
            Some(PowerCut { writes: 0, lands }) => {
                self.off = true;
                if *lands {
                    write(&mut self.store)?;
                }
                Err(dark())
            }
            Some(cut) => {
                cut.writes -= 1;
                write(&mut self.store)
            }
            None => write(&mut self.store),
        }
    }
}

impl Read for Disk {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(column, key)
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.store.scan(column, from, to, limit)
    }

    fn arrays(&self) -> &ArrayCache {
        self.store.arrays()
    }
}

impl Store for Disk {
    fn write(&mut self, rows: Vec<Row>, sync: bool) -> Result<(), StoreError> {
        self.attempt(|store| store.write(rows, sync))
    }

    fn raise_floor(&mut self, height: u64) -> Result<(), StoreError> {
        if height <= self.store.floor() {
            return Ok(());
        }
        self.attempt(|store| store.raise_floor(height))
    }
}
