//! Entries that each operation with scattered entries sets.

use anyhow::{Result, anyhow};
use registry_core::status::{EntryChanges, Scattered};

/// Number of entries of each list.
pub(super) const ENTRIES: u64 = 1 << 20;
/// Number of scattered entries that one operation sets. That many stay below the size limit of an
/// operation.
pub(super) const SCATTERED: u64 = 30_000;

/// Creates changes that set scattered entries. Different numbers give different entries.
pub(super) fn scattered(numbers: std::ops::Range<u64>) -> Result<EntryChanges> {
    let mut indexes: Vec<u64> = numbers.map(place).collect();
    indexes.sort_unstable();
    let scattered = Scattered::new(1, indexes);
    scattered.map(EntryChanges::Entries).ok_or_else(|| anyhow!("entries that repeat"))
}

/// Permutes the indexes of a list. Multiplication by odd factors and XOR with the value shifted to
/// the right are both reversible, so no two numbers give the same index.
fn place(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b1) % ENTRIES;
    let mixed = (mixed ^ mixed >> 9).wrapping_mul(0x85eb_ca6b) % ENTRIES;
    mixed ^ mixed >> 11
}
