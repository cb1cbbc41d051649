//! The disk of a simulated node: memory that loses everything that was not synced, and that fails
//! at a chosen write.

use node::store::{ArrayCache, Column, MemoryStore, Pair, Read, Row, Store, StoreError};

/// The moment at which the power of a node fails.
#[derive(Debug, Clone, Copy)]
pub struct PowerCut {
    /// Number of writes from now on that still succeed.
    pub writes: u64,
    /// True if the failing write still reaches the disk, although the node does not learn of it.
    pub lands: bool,
}

/// The disk of one node. Raising the height floor counts as a write.
#[derive(Debug, Default)]
pub struct Disk {
    store: MemoryStore,
    writes: u64,
    cut: Option<PowerCut>,
    off: bool,
}

impl Disk {
    /// Number of writes so far.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Schedules a power failure.
    pub fn cut_at(&mut self, cut: PowerCut) {
        self.cut = Some(cut);
    }

    /// Cancels a scheduled power failure.
    pub fn disarm(&mut self) {
        self.cut = None;
    }

    /// True if the power has failed.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// Switches the power on again. The oldest `kept` unsynced batches have survived.
    pub fn power_on(&mut self, kept: usize) {
        self.store.crash_keeping(kept);
        self.off = false;
        self.cut = None;
    }

    /// Number of batches that a crash would lose.
    pub fn unsynced(&self) -> usize {
        self.store.unsynced()
    }

    /// True if the database is new or lost.
    pub fn is_empty(&self) -> bool {
        !matches!(self.store.scan(Column::Meta, &[], &[u8::MAX], 1), Ok(rows) if !rows.is_empty())
    }

    /// The height floor.
    pub fn floor(&self) -> u64 {
        self.store.floor()
    }

    /// Deletes the database and keeps the height floor.
    pub fn lose_data(&mut self) {
        self.store.lose_data();
    }

    /// Runs one write unless the power fails before it.
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
