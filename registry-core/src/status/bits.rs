//! The array of a status list, and the Merkle root over it (docs/protocol/status.md, section "The
//! array"). Entries are packed from the least significant bit up.

use super::delta::{self, DeltaError};
use crate::crypto::{Hash, Purpose};
use crate::limits::STATUS_ARRAY_BYTES_MAX;

/// Number of bytes of a Merkle leaf. The last leaf is padded with zeros.
const LEAF_BYTES: usize = 512;

static ZERO_LEAF: [u8; LEAF_BYTES] = [0; LEAF_BYTES];

/// The entries of a status list. Writes to entries beyond the end have no effect. The bits after
/// the last entry are zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    /// Bits of each entry: 1, 2, 4 or 8.
    width: u8,
    bytes: Vec<u8>,
}

/// Range of bytes that contains some entries, with the bits of its first and last byte that belong
/// to them.
struct Span {
    first: usize,
    last: usize,
    first_mask: u8,
    last_mask: u8,
}

impl Bits {
    /// Makes `length` entries of `width` bits that are all zero.
    pub fn zero(length: u64, width: u8) -> Self {
        Self { width, bytes: vec![0; array_bytes(length, width)] }
    }

    /// Returns the number of bits of each entry.
    pub fn width(&self) -> u8 {
        self.width
    }

    /// Returns the array. Entry 0 is in the lowest bits of byte 0.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the value of an entry; `None` past the end of the array.
    pub fn get(&self, index: u64) -> Option<u8> {
        let span = self.span(index, 1)?;
        let byte = self.bytes.get(span.first)? & span.first_mask & span.last_mask;
        Some(byte >> span.first_mask.trailing_zeros())
    }

    /// Returns the number of entries that are not zero.
    pub fn count_set(&self) -> u64 {
        let low = self.pattern(1);
        let set = |byte: &u8| {
            // Shifting and combining the bits sets the lowest bit of every entry that is not zero.
            let folded = [1u8, 2, 4].iter().take_while(|shift| **shift < self.width);
            let folded = folded.fold(*byte, |byte, shift| byte | byte >> shift);
            u64::from((folded & low).count_ones())
        };
        self.bytes.iter().map(set).sum()
    }

    /// Sets `length` entries from `start` to one value. Nothing changes if they extend past the end
    /// of the array.
    pub fn fill(&mut self, start: u64, length: u64, value: u8) {
        let pattern = self.pattern(value);
        let Some(Span { first, last, first_mask, last_mask }) = self.span(start, length) else {
            return;
        };
        match self.bytes.get_mut(first..=last) {
            Some([only]) => blend(only, pattern, first_mask & last_mask),
            Some([head, middle @ .., tail]) => {
                blend(head, pattern, first_mask);
                middle.fill(pattern);
                blend(tail, pattern, last_mask);
            }
            _ => {}
        }
    }

    /// True if `length` entries from `start` all have this value.
    pub fn is_filled(&self, start: u64, length: u64, value: u8) -> bool {
        let pattern = self.pattern(value);
        let Some(Span { first, last, first_mask, last_mask }) = self.span(start, length) else {
            return length == 0;
        };
        match self.bytes.get(first..=last) {
            Some([only]) => (only ^ pattern) & first_mask & last_mask == 0,
            Some([head, middle @ .., tail]) => {
                // The loop does not stop early, so that the compiler can compare many bytes at
                // once.
                let differs = middle.iter().fold(0, |differs, byte| differs | (byte ^ pattern));
                (head ^ pattern) & first_mask | differs | (tail ^ pattern) & last_mask == 0
            }
            _ => false,
        }
    }

    /// Applies the delta row of the next version. Fails if the row does not fit the array.
    pub fn apply(&mut self, row: &[u8]) -> Result<(), DeltaError> {
        delta::apply(&mut self.bytes, row)
    }

    /// Returns the delta row of the version that has this array, where `before` is the array of the
    /// version before it.
    pub fn row(&self, version: u64, before: &Self) -> Vec<u8> {
        if delta::keyframe(version) == version {
            delta::encode(&Self { bytes: vec![0; self.bytes.len()], ..*self }.bytes, &self.bytes)
        } else {
            delta::encode(&before.bytes, &self.bytes)
        }
    }

    /// Computes the Merkle root of the array.
    pub fn root(&self) -> Hash {
        let leaf = Purpose::StatusLeaf.hasher();
        let mut zeros = zero_nodes();
        let mut zero = zeros.next().unwrap_or_default();
        let hash = |bytes: &[u8]| {
            if ZERO_LEAF.starts_with(bytes) {
                return zero;
            }
            let mut hasher = leaf.clone();
            let padding = ZERO_LEAF.get(bytes.len()..).unwrap_or_default();
            Hash(*hasher.update(bytes).update(padding).finalize().as_bytes())
        };
        let mut level: Vec<Hash> = self.bytes.chunks(LEAF_BYTES).map(hash).collect();
        while level.len() > 1 {
            let above = zeros.next().unwrap_or_default();
            let join = |pair: &[Hash]| match pair {
                [left, right] if *left == zero && *right == zero => above,
                [left, right] => node(left, right),
                [left] if *left == zero => above,
                [left] => node(left, &zero),
                _ => above,
            };
            level = level.chunks(2).map(join).collect();
            zero = above;
        }
        level.first().copied().unwrap_or(zero)
    }

    /// Repeats the value in every place of a byte.
    fn pattern(&self, value: u8) -> u8 {
        let places = match self.width {
            1 => 0xff,
            2 => 0x55,
            4 => 0x11,
            _ => 0x01,
        };
        value.wrapping_mul(places)
    }

    /// Returns the bytes of some entries; `None` if `length` is zero or the numbers are too large
    /// for any array.
    fn span(&self, start: u64, length: u64) -> Option<Span> {
        let width = u64::from(self.width);
        let first_bit = start.checked_mul(width)?;
        let last_bit = start.checked_add(length)?.checked_mul(width)?.checked_sub(1)?;
        if last_bit < first_bit {
            return None;
        }
        Some(Span {
            first: usize::try_from(first_bit >> 3).ok()?,
            last: usize::try_from(last_bit >> 3).ok()?,
            first_mask: 0xff << (first_bit & 7),
            last_mask: 0xff >> (!last_bit & 7),
        })
    }
}

fn blend(byte: &mut u8, pattern: u8, mask: u8) {
    *byte = *byte & !mask | pattern & mask;
}

/// Returns the number of bytes of a list's array, at most [`STATUS_ARRAY_BYTES_MAX`].
pub(super) fn array_bytes(length: u64, width: u8) -> usize {
    let bytes = length.saturating_mul(u64::from(width)).div_ceil(8);
    usize::try_from(bytes).unwrap_or(usize::MAX).min(STATUS_ARRAY_BYTES_MAX)
}

/// Returns the root of an array of zeros without building the array.
pub(super) fn zero_root(length: u64, width: u8) -> Hash {
    let leaves = array_bytes(length, width).div_ceil(LEAF_BYTES);
    let depth = leaves.max(1).next_power_of_two().trailing_zeros();
    let depth = usize::try_from(depth).unwrap_or_default();
    zero_nodes().nth(depth).unwrap_or_default()
}

/// Returns the roots of subtrees of zeros, starting with a leaf.
fn zero_nodes() -> impl Iterator<Item = Hash> {
    let leaf = Hash::of(Purpose::StatusLeaf, &[&ZERO_LEAF]);
    std::iter::successors(Some(leaf), |below| Some(node(below, below)))
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash::of(Purpose::StatusNode, &[&left.0, &right.0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Computes the root as the specification defines it: the leaves are padded to a power of two.
    fn naive_root(bytes: &[u8]) -> Hash {
        let mut leaves: Vec<Vec<u8>> = bytes.chunks(512).map(<[u8]>::to_vec).collect();
        leaves.resize(leaves.len().next_power_of_two(), Vec::new());
        let leaf = |mut leaf: Vec<u8>| {
            leaf.resize(512, 0);
            Hash::of(Purpose::StatusLeaf, &[&leaf])
        };
        let mut level: Vec<Hash> = leaves.into_iter().map(leaf).collect();
        while level.len() > 1 {
            level = level
                .chunks(2)
                .map(|pair| Hash::of(Purpose::StatusNode, &[&pair[0].0, &pair[1].0]))
                .collect();
        }
        level[0]
    }

    fn widths() -> impl Strategy<Value = u8> {
        prop_oneof![Just(1), Just(2), Just(4), Just(8)]
    }

    /// Returns the bit position of entry `index` by the formula of the specification.
    fn naive_get(bytes: &[u8], width: u8, index: u64) -> u8 {
        let bit = index * u64::from(width);
        let place = (0..u64::from(width)).map(|at| bit + at);
        let bits = place.map(|at| bytes[usize::try_from(at / 8).expect("small")] >> (at % 8) & 1);
        bits.rev().fold(0, |value, bit| value << 1 | bit)
    }

    proptest! {
        #[test]
        fn fills_equal_those_of_a_plain_array(
            width in widths(),
            length in 1u64..3_000,
            runs in prop::collection::vec((0u64..3_000, 0u64..300, any::<u8>()), 0..20),
        ) {
            let mut bits = Bits::zero(length, width);
            let mut plain = vec![0u8; usize::try_from(length).expect("small")];
            for (start, count, value) in runs {
                let start = start % length;
                let count = count.min(length - start);
                let value = value & (u8::MAX >> (8 - width));
                let range = usize::try_from(start).expect("small")
                    ..usize::try_from(start + count).expect("small");
                let same = plain[range.clone()].iter().all(|old| *old == value);
                prop_assert_eq!(bits.is_filled(start, count, value), same);
                bits.fill(start, count, value);
                plain[range].fill(value);
                prop_assert!(bits.is_filled(start, count, value));
            }
            let set = plain.iter().filter(|value| **value != 0).count();
            prop_assert_eq!(bits.count_set(), set as u64);
            for (index, value) in (0..).zip(&plain) {
                prop_assert_eq!(bits.get(index), Some(*value));
                prop_assert_eq!(naive_get(bits.bytes(), width, index), *value);
            }
            let bytes = array_bytes(length, width);
            prop_assert_eq!(bits.bytes().len(), bytes);
            prop_assert_eq!(bits.root(), naive_root(bits.bytes()));
        }

        #[test]
        fn the_root_is_that_of_the_whole_tree(
            length in 1u64..20_000,
            bytes in prop::collection::vec((0u64..20_000, 1u8..), 0..4),
        ) {
            let mut bits = Bits::zero(length, 8);
            prop_assert_eq!(bits.root(), zero_root(length, 8));
            for (index, value) in bytes {
                bits.fill(index % length, 1, value);
            }
            prop_assert_eq!(bits.root(), naive_root(bits.bytes()));
        }
    }

    #[test]
    fn nothing_behind_the_end_is_read_or_written() {
        let mut bits = Bits::zero(9, 1);
        bits.fill(0, 9, 1);
        assert_eq!(bits.bytes(), [0xff, 1]);
        assert_eq!(bits.get(16), None);
        assert!(!bits.is_filled(8, 20, 0));
        bits.fill(u64::MAX, 1, 1);
        bits.fill(0, u64::MAX, 1);
        assert_eq!(bits.bytes(), [0xff, 1]);
        assert!(bits.is_filled(3, 0, 0));
    }
}
