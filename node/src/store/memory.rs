//! In-memory replacement for the database. Like a real disk after a power cut, it loses everything
//! that was not synced.

use std::collections::BTreeMap;

use super::{ArrayCache, Column, Pair, Read, Row, Store, StoreError};

type Key = (Column, Vec<u8>);

/// Values that a batch replaced, so that it can be undone.
type Undo = Vec<(Key, Option<Vec<u8>>)>;

/// Rows in memory, with the information to undo the batches that were not synced.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    rows: BTreeMap<Key, Vec<u8>>,
    unsynced: Vec<Undo>,
    floor: u64,
    arrays: ArrayCache,
}

impl MemoryStore {
    /// Undoes everything that was not synced.
    pub fn crash(&mut self) {
        self.crash_keeping(0);
    }

    /// Undoes what was not synced except for the oldest `batches`. The operating system may have
    /// written some batches by itself, and it keeps their order.
    pub fn crash_keeping(&mut self, batches: usize) {
        let kept = batches.min(self.unsynced.len());
        for undo in self.unsynced.split_off(kept).into_iter().rev() {
            for (key, value) in undo.into_iter().rev() {
                self.put(key, value);
            }
        }
        self.unsynced.clear();
        self.arrays.clear();
    }

    /// Number of batches that a crash would undo.
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// The height floor.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Deletes the database. The height floor is a file of its own and stays.
    pub fn lose_data(&mut self) {
        self.rows.clear();
        self.unsynced.clear();
        self.arrays.clear();
    }

    fn put(&mut self, key: Key, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match value {
            Some(value) => self.rows.insert(key, value),
            None => self.rows.remove(&key),
        }
    }
}

impl Read for MemoryStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(&(column, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let rows = self.rows.range((column, from.to_vec())..(column, to.to_vec()));
        Ok(rows.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn arrays(&self) -> &ArrayCache {
        &self.arrays
    }
}

impl Store for MemoryStore {
    fn write(&mut self, rows: Vec<Row>, sync: bool) -> Result<(), StoreError> {
        let mut undo = Vec::new();
        for Row { column, key, value } in rows {
            let before = self.put((column, key.clone()), value);
            undo.push(((column, key), before));
        }
        if sync {
            self.unsynced.clear();
        } else {
            self.unsynced.push(undo);
        }
        Ok(())
    }

    fn raise_floor(&mut self, height: u64) -> Result<(), StoreError> {
        self.floor = self.floor.max(height);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: u8, value: u8) -> Vec<Row> {
        vec![Row::put(Column::Meta, [key], [value])]
    }

    fn value(store: &MemoryStore, key: u8) -> Option<Vec<u8>> {
        store.get(Column::Meta, &[key]).expect("memory")
    }

    #[test]
    fn a_crash_takes_back_what_was_not_synced() {
        let mut store = MemoryStore::default();
        store.write(row(1, 1), true).expect("memory");
        store.write(row(1, 2), false).expect("memory");
        store.write(row(2, 2), false).expect("memory");
        let mut kept = store.clone();
        store.crash();
        assert_eq!((value(&store, 1), value(&store, 2)), (Some(vec![1]), None));
        kept.crash_keeping(1);
        assert_eq!((value(&kept, 1), value(&kept, 2)), (Some(vec![2]), None));
    }

    #[test]
    fn a_sync_covers_earlier_writes() {
        let mut store = MemoryStore::default();
        store.write(row(1, 1), false).expect("memory");
        store.write(Vec::new(), true).expect("memory");
        store.crash();
        assert_eq!(value(&store, 1), Some(vec![1]));
    }
}
