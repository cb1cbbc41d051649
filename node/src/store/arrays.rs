//! A cache of the newest arrays of status lists. The next change of a list and most readers need
//! them. Everything in the cache can be read again from the rows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry_core::record::RecordKey;
use registry_core::status::Bits;

use crate::limits::ARRAY_CACHE_BYTES_MAX;

/// Memory that an entry takes in addition to its array, in bytes.
const OVERHEAD_BYTES: usize = 256;

/// One array for each of the lists used last. Their total size is bounded.
#[derive(Default)]
pub struct ArrayCache(Mutex<Arrays>);

#[derive(Default)]
struct Arrays {
    by_list: BTreeMap<RecordKey, Cached>,
    /// Lists in order of their last use, oldest first.
    by_use: BTreeMap<u64, RecordKey>,
    uses: u64,
    bytes: usize,
}

struct Cached {
    version: u64,
    array: Arc<Bits>,
    used: u64,
}

fn cost(array: &Bits) -> usize {
    array.bytes().len().saturating_add(OVERHEAD_BYTES)
}

impl ArrayCache {
    /// The newest version of a list in the cache, with its array.
    pub fn newest(&self, list: &RecordKey) -> Option<(u64, Arc<Bits>)> {
        let mut arrays = self.lock();
        let (version, array) = arrays.take(list)?;
        arrays.put(list, version, Arc::clone(&array));
        Some((version, array))
    }

    /// Keeps the array of a version, unless the cache has a newer one.
    pub fn keep(&self, list: &RecordKey, version: u64, array: Arc<Bits>) {
        let mut arrays = self.lock();
        match arrays.take(list) {
            Some((newer, array)) if newer > version => arrays.put(list, newer, array),
            _ => arrays.put(list, version, array),
        }
    }

    /// Removes all arrays.
    pub fn clear(&self) {
        *self.lock() = Arrays::default();
    }

    fn lock(&self) -> MutexGuard<'_, Arrays> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrays {
    fn take(&mut self, list: &RecordKey) -> Option<(u64, Arc<Bits>)> {
        let Cached { version, array, used } = self.by_list.remove(list)?;
        self.by_use.remove(&used);
        self.bytes = self.bytes.saturating_sub(cost(&array));
        Some((version, array))
    }

    /// Adds an array as the one used last, and drops others until all fit.
    fn put(&mut self, list: &RecordKey, version: u64, array: Arc<Bits>) {
        self.uses = self.uses.saturating_add(1);
        self.bytes = self.bytes.saturating_add(cost(&array));
        self.by_use.insert(self.uses, list.clone());
        self.by_list.insert(list.clone(), Cached { version, array, used: self.uses });
        while self.bytes > ARRAY_CACHE_BYTES_MAX {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.take(&oldest);
        }
    }
}

impl fmt::Debug for ArrayCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrays = self.lock();
        write!(f, "{} arrays of {} bytes", arrays.by_list.len(), arrays.bytes)
    }
}

/// The copy of a store starts with an empty cache.
impl Clone for ArrayCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use registry_core::id::ListId;
    use registry_core::limits::STATUS_BITS_MAX;

    use super::*;

    fn list(number: u8) -> RecordKey {
        RecordKey::status(&ListId([number; 20]))
    }

    fn largest() -> Arc<Bits> {
        Arc::new(Bits::zero(STATUS_BITS_MAX, 1))
    }

    #[test]
    fn the_newest_version_of_a_list_stays() {
        let cache = ArrayCache::default();
        assert_eq!(cache.newest(&list(1)), None);
        let (old, new) = (Arc::new(Bits::zero(8, 1)), Arc::new(Bits::zero(9, 1)));
        cache.keep(&list(1), 5, Arc::clone(&new));
        cache.keep(&list(1), 4, Arc::clone(&old));
        assert_eq!(cache.newest(&list(1)), Some((5, new)));
        cache.keep(&list(1), 6, Arc::clone(&old));
        assert_eq!(cache.newest(&list(1)), Some((6, old)));
        cache.clear();
        assert_eq!(cache.newest(&list(1)), None);
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let cache = ArrayCache::default();
        let room = ARRAY_CACHE_BYTES_MAX / cost(&largest());
        let room = u8::try_from(room).expect("fewer lists than numbers");
        for number in 0..room {
            cache.keep(&list(number), 1, largest());
        }
        assert!(cache.newest(&list(0)).is_some());
        cache.keep(&list(room), 1, largest());
        let left: Vec<u8> =
            (0..=room).filter(|number| cache.newest(&list(*number)).is_some()).collect();
        assert_eq!(left.len(), usize::from(room));
        assert!(!left.contains(&1), "the first that nobody asked for again");
        assert!(cache.lock().bytes <= ARRAY_CACHE_BYTES_MAX);
    }
}
