//! Merkle mountain ranges: append-only lists whose root proves every earlier entry
//! (docs/protocol/records.md). They serve the versions of a record, the history of blocks, and the
//! roots of a block's operations and receipts.
//!
//! The node at (level, index) covers the leaves from `index · 2^level` up to, not including,
//! `(index + 1) · 2^level`. The root hashes the number of leaves and the peaks, left to right.

use serde::{Deserialize, Serialize};

use crate::crypto::{Hash, Purpose};

/// Position of a node in its Merkle mountain range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Height of the node above the leaves, which have level 0.
    pub level: u8,
    /// Number of nodes to the left on the same level.
    pub index: u64,
}

/// Returns the positions of the peaks over `count` leaves, left to right, which is highest first.
pub fn peaks(count: u64) -> impl Iterator<Item = Position> {
    (0..u64::BITS).rev().filter(move |level| count >> level & 1 == 1).map(move |level| {
        let before = count.checked_shr(level.saturating_add(1)).unwrap_or(0);
        Position { level: u8::try_from(level).unwrap_or(u8::MAX), index: before.saturating_mul(2) }
    })
}

/// Returns the leaf hash of an entry.
pub fn leaf(value: &Hash) -> Hash {
    Hash::of(Purpose::MmrLeaf, &[&value.0])
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    Hash::of(Purpose::MmrNode, &[&left.0, &right.0])
}

/// The growing end of a Merkle mountain range. Its leaf count and peaks suffice to append entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mmr {
    count: u64,
    /// Peaks from left to right, one for each one bit of `count`.
    peaks: Vec<Hash>,
}

impl Mmr {
    /// Continues a Merkle mountain range of `count` leaves from its peaks, left to right. Returns
    /// `None` if their number does not match `count`.
    pub fn from_peaks(count: u64, peaks: Vec<Hash>) -> Option<Self> {
        let expected = usize::try_from(count.count_ones()).ok()?;
        (peaks.len() == expected).then_some(Self { count, peaks })
    }

    /// Returns the number of leaves so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the root. It commits to the count, so lists of different length never share a root.
    pub fn root(&self) -> Hash {
        let peaks: Vec<u8> = self.peaks.iter().flat_map(|peak| peak.0).collect();
        Hash::of(Purpose::MmrRoot, &[&self.count.to_be_bytes(), &peaks])
    }

    /// Appends an entry and returns the new nodes, the leaf first.
    pub fn append(&mut self, value: &Hash) -> Vec<(Position, Hash)> {
        let mut node = leaf(value);
        let mut position = Position { level: 0, index: self.count };
        let mut new = vec![(position, node)];
        while position.index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = parent(&left, &node);
            position =
                Position { level: position.level.saturating_add(1), index: position.index >> 1 };
            new.push((position, node));
        }
        self.peaks.push(node);
        self.count = self.count.saturating_add(1);
        new
    }
}

/// Returns the root over a complete list of entries.
pub fn root_of(values: impl IntoIterator<Item = Hash>) -> Hash {
    let mut range = Mmr::default();
    for value in values {
        range.append(&value);
    }
    range.root()
}

/// Proof that an entry is at one place in a Merkle mountain range with a known root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeProof {
    /// Number of leaves.
    pub count: u64,
    /// Index of the entry, from 0.
    pub index: u64,
    /// Siblings on the way from the leaf up to its peak.
    pub siblings: Vec<Hash>,
    /// The other peaks, left to right.
    pub peaks: Vec<Hash>,
}

/// Returns the peak above leaf `index` among the peaks over `count` leaves.
fn peak_above(count: u64, index: u64) -> Option<Position> {
    peaks(count).find(|peak| index >> peak.level == peak.index)
}

/// Builds the proof for leaf `index` of `count` leaves. `node` reads stored nodes. Returns `None`
/// if a node is missing or there is no such leaf.
pub fn prove(
    count: u64,
    index: u64,
    mut node: impl FnMut(Position) -> Option<Hash>,
) -> Option<RangeProof> {
    let own = peak_above(count, index)?;
    let siblings = (0..own.level)
        .map(|level| node(Position { level, index: index >> level ^ 1 }))
        .collect::<Option<Vec<_>>>()?;
    let peaks = peaks(count).filter(|peak| *peak != own).map(node).collect::<Option<Vec<_>>>()?;
    Some(RangeProof { count, index, siblings, peaks })
}

impl RangeProof {
    /// Returns the root that follows if the entry `value` is at `index`. Returns `None` if the
    /// proof has a wrong shape. The caller compares the root with the known one.
    pub fn root(&self, value: &Hash) -> Option<Hash> {
        let own = peak_above(self.count, self.index)?;
        if self.siblings.len() != usize::from(own.level) {
            return None;
        }
        let mut node = leaf(value);
        for (level, sibling) in self.siblings.iter().enumerate() {
            let right = self.index >> level & 1 == 1;
            node = if right { parent(sibling, &node) } else { parent(&node, sibling) };
        }
        let place = peaks(self.count).position(|peak| peak == own)?;
        let mut peaks = self.peaks.clone();
        if place > peaks.len() {
            return None;
        }
        peaks.insert(place, node);
        Mmr::from_peaks(self.count, peaks).map(|range| range.root())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn value(n: u64) -> Hash {
        Hash::of(Purpose::Record, &[&n.to_be_bytes()])
    }

    #[test]
    fn every_leaf_of_every_small_range_is_proven_and_nothing_else() {
        let mut range = Mmr::default();
        let mut nodes = BTreeMap::new();
        let mut roots = vec![range.root()];
        for count in 1..=33u64 {
            nodes.extend(range.append(&value(count - 1)));
            assert!(!roots.contains(&range.root()));
            roots.push(range.root());
            assert_eq!(range.root(), root_of((0..count).map(value)));
            for index in 0..count {
                let proof = prove(count, index, |at| nodes.get(&at).copied()).expect("provable");
                assert_eq!(proof.root(&value(index)), Some(range.root()));
                assert_ne!(proof.root(&value(index + 1)), Some(range.root()));
                let moved = RangeProof { index: (index + 1) % count, ..proof.clone() };
                assert!(count == 1 || moved.root(&value(index)) != Some(range.root()));
                let longer = RangeProof { count: count + 1, ..proof };
                assert_ne!(longer.root(&value(index)), Some(range.root()));
            }
            assert_eq!(prove(count, count, |at| nodes.get(&at).copied()), None);
        }
    }

    #[test]
    fn a_range_is_rebuilt_from_stored_peaks() {
        let mut whole = Mmr::default();
        let mut nodes = BTreeMap::new();
        for count in 0..100u64 {
            let stored = peaks(count).map(|at| nodes[&at]).collect();
            let mut rebuilt = Mmr::from_peaks(count, stored).expect("right number of peaks");
            assert_eq!(rebuilt.root(), whole.root());
            rebuilt.append(&value(count));
            nodes.extend(whole.append(&value(count)));
            assert_eq!(rebuilt, whole);
        }
    }
}
