//! Form in which the store keeps the array of a status list. Each version is stored as a delta to
//! the version before. Some versions are keyframes, whose delta is to the array of zeros. No hash
//! covers this form.
//!
//! A delta is a list of steps. Each step has the number of equal bytes to skip and the number of
//! bytes that differ, both in LEB128, and then the XOR of those bytes. The array of a version is
//! the XOR of all deltas from its keyframe up to the version.

use super::leb128;

/// Number of versions from one keyframe to the next. With more, old versions are slower to read.
/// With fewer, every version takes a larger share of the size of a whole array.
const KEYFRAME_VERSIONS: u64 = 64;

/// Longest gap of equal bytes that is cheaper inside a literal than between two literals.
const GAP_BYTES_JOINED: usize = 2;

/// Number of bytes that are compared at once. Most of an array does not change from version to
/// version.
const CHUNK_BYTES: usize = 64;

/// A delta is cut off or extends past the end of the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delta of {delta_bytes} bytes does not fit an array of {array_bytes} bytes")]
pub struct DeltaError {
    /// Number of bytes of the delta.
    pub delta_bytes: usize,
    /// Number of bytes of the array.
    pub array_bytes: usize,
}

/// Returns the keyframe from which this version's array is rebuilt: the newest version up to this
/// one whose delta is to the array of zeros.
pub fn keyframe(version: u64) -> u64 {
    let since = version.saturating_sub(1).checked_rem(KEYFRAME_VERSIONS).unwrap_or(0);
    version.saturating_sub(since)
}

/// Computes the delta between two arrays of equal length.
pub(super) fn encode(before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    let chunks = before.chunks(CHUNK_BYTES).zip(after.chunks(CHUNK_BYTES));
    for (at, (old, new)) in (0..).step_by(CHUNK_BYTES).zip(chunks) {
        if old != new {
            for (at, (old, new)) in (at..).zip(old.iter().zip(new)) {
                if old != new {
                    encoder.push(at, old ^ new);
                }
            }
        }
    }
    encoder.end_literal();
    encoder.out
}

#[derive(Default)]
struct Encoder {
    out: Vec<u8>,
    /// Number of bytes of the array that `out` covers.
    described: usize,
    /// Offset in the array at which the current literal begins.
    start: usize,
    literal: Vec<u8>,
}

impl Encoder {
    fn push(&mut self, at: usize, difference: u8) {
        let offset = at.saturating_sub(self.start);
        if self.literal.is_empty() || offset > self.literal.len().saturating_add(GAP_BYTES_JOINED) {
            self.end_literal();
            self.start = at;
        } else {
            self.literal.resize(offset, 0);
        }
        self.literal.push(difference);
    }

    fn end_literal(&mut self) {
        if self.literal.is_empty() {
            return;
        }
        for number in [self.start.saturating_sub(self.described), self.literal.len()] {
            leb128::write(&mut self.out, u32::try_from(number).unwrap_or(u32::MAX));
        }
        self.described = self.start.saturating_add(self.literal.len());
        self.out.append(&mut self.literal);
    }
}

/// Applies a delta to an array by XOR. Fails if the delta is cut off or extends past the end of the
/// array.
pub(super) fn apply(array: &mut [u8], delta: &[u8]) -> Result<(), DeltaError> {
    let error = DeltaError { delta_bytes: delta.len(), array_bytes: array.len() };
    let (mut left, mut rest) = (array, delta);
    while !rest.is_empty() {
        (left, rest) = step(left, rest).ok_or(error)?;
    }
    Ok(())
}

/// Applies one step. Returns the rest of the array and of the delta; `None` if the step does not
/// fit.
fn step<'a, 'd>(array: &'a mut [u8], delta: &'d [u8]) -> Option<(&'a mut [u8], &'d [u8])> {
    let (gap, rest) = leb128::read(delta)?;
    let (length, rest) = leb128::read(rest)?;
    let (gap, length) = (usize::try_from(gap).ok()?, usize::try_from(length).ok()?);
    let (literal, rest) = rest.split_at_checked(length)?;
    let (_, array) = array.split_at_mut_checked(gap)?;
    let (target, array) = array.split_at_mut_checked(length)?;
    for (byte, difference) in target.iter_mut().zip(literal) {
        *byte ^= difference;
    }
    Some((array, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Generates bytes that are mostly zero, as differences are.
    fn sparse() -> impl Strategy<Value = Vec<(usize, u8)>> {
        prop::collection::vec((0usize..2_000, any::<u8>()), 0..60)
    }

    fn array(length: usize, changes: &[(usize, u8)]) -> Vec<u8> {
        let mut array = vec![0; length];
        for (at, value) in changes {
            array[at % length] = *value;
        }
        array
    }

    proptest! {
        #[test]
        fn a_delta_leads_from_the_one_array_to_the_other(
            length in 1usize..2_000,
            before in sparse(),
            after in sparse(),
        ) {
            let (before, after) = (array(length, &before), array(length, &after));
            let delta = encode(&before, &after);
            let mut rebuilt = before.clone();
            prop_assert_eq!(apply(&mut rebuilt, &delta), Ok(()));
            prop_assert_eq!(&rebuilt, &after);
            prop_assert_eq!(apply(&mut rebuilt, &delta), Ok(()));
            prop_assert_eq!(&rebuilt, &before);
            prop_assert!(delta.len() <= length + 5);
        }

        #[test]
        fn no_delta_reaches_behind_its_array(
            delta: Vec<u8>,
            mut array in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let length = array.len();
            let _ = apply(&mut array, &delta);
            prop_assert_eq!(array.len(), length);
        }
    }

    #[test]
    fn one_changed_bit_is_a_few_bytes() {
        let before = vec![0; 1 << 20];
        let mut after = before.clone();
        after[777_777] = 4;
        assert_eq!(encode(&before, &after), [0xb1, 0xbc, 0x2f, 1, 4]);
        assert_eq!(encode(&after, &after), [0u8; 0]);
        let error = apply(&mut [0; 4], &[3, 2, 1, 1]);
        assert_eq!(error, Err(DeltaError { delta_bytes: 4, array_bytes: 4 }));
        assert!(apply(&mut [0; 4], &[1, 2, 1]).is_err());
    }

    #[test]
    fn versions_1_65_129_are_keyframes() {
        assert_eq!([1, 2, 64, 65, 66, 128, 129].map(keyframe), [1, 1, 1, 65, 65, 65, 129]);
    }
}
