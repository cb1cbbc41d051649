//! Which entries of a list the operations set that name them one by one.

use anyhow::{Result, anyhow};
use registry_core::status::{EntryChanges, Scattered};

/// Entries of each list.
pub(super) const ENTRIES: u64 = 1 << 20;
/// Scattered entries of one operation; all of them end up below its limit of bytes.
pub(super) const SCATTERED: u64 = 30_000;

/// Sets entries that stand anywhere; other numbers are other entries.
pub(super) fn scattered(numbers: std::ops::Range<u64>) -> Result<EntryChanges> {
    let mut indexes: Vec<u64> = numbers.map(place).collect();
    indexes.sort_unstable();
    let scattered = Scattered::new(1, indexes);
    scattered.map(EntryChanges::Entries).ok_or_else(|| anyhow!("entries that repeat"))
}

/// Permutes the indexes of a list: odd factors and shifts to the right can be undone.
fn place(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b1) % ENTRIES;
    let mixed = (mixed ^ mixed >> 9).wrapping_mul(0x85eb_ca6b) % ENTRIES;
    mixed ^ mixed >> 11
}
