//! Order and width of packed entries.

use registry_core::status::StatusPurpose;

/// Returns the bits per entry of an IETF token and the value of an entry that is set. The draft
/// defines 1 (INVALID) and 2 (SUSPENDED). It has no status for `refresh`, so that purpose uses 3,
/// which the draft leaves to applications. Returns `None` for messages, which keep their width and
/// values.
pub(super) fn ietf_status(purpose: StatusPurpose) -> Option<(u8, u8)> {
    match purpose {
        StatusPurpose::Revocation => Some((1, 1)),
        StatusPurpose::Suspension => Some((2, 2)),
        StatusPurpose::Refresh => Some((2, 3)),
        StatusPurpose::Message => None,
    }
}

/// True if entries may have this width. Entries of these widths never cross a byte boundary.
pub(super) fn is_width(bits: u64) -> bool {
    matches!(bits, 1 | 2 | 4 | 8)
}

/// Returns entry `index` of an array that begins at the least significant bit, or `None` past the
/// end of the array. `bits` is 1, 2, 4 or 8.
pub fn entry(array: &[u8], bits: u8, index: u64) -> Option<u8> {
    let position = index.checked_mul(u64::from(bits))?;
    let byte = array.get(usize::try_from(position / 8).ok()?)?;
    Some((byte >> (position % 8)) & mask(bits))
}

/// Reverses the order of the entries in a byte and keeps the bits of each entry in their order.
/// Doing it twice gives the same byte again.
pub(super) fn mirrored(byte: u8, bits: u8) -> u8 {
    let mut mirrored = byte.reverse_bits();
    for swap in [1u8, 2, 4].into_iter().take_while(|swap| *swap < bits) {
        // `reverse_bits` has also reversed the bits within each entry. Swap halves, beginning with
        // single bits, to undo that.
        let low = match swap {
            1 => 0b0101_0101,
            2 => 0b0011_0011,
            _ => 0b0000_1111,
        };
        mirrored = ((mirrored & low) << swap) | ((mirrored >> swap) & low);
    }
    mirrored
}

/// Widens an array of single bits to entries of `bits` bits. An entry is `value` if its bit is set,
/// and otherwise 0.
pub(super) fn widened(array: &[u8], bits: u8, value: u8) -> Vec<u8> {
    if bits == 1 {
        return array.to_vec();
    }
    let spread: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| spread(byte, bits, value)).collect();
    array.iter().filter_map(|byte| spread.get(usize::from(*byte))).flatten().copied().collect()
}

fn spread(byte: u8, bits: u8, value: u8) -> Vec<u8> {
    let mut wide = vec![0; usize::from(bits)];
    for index in 0..8 {
        if byte >> index & 1 == 1 {
            let position = index * usize::from(bits);
            if let Some(target) = wide.get_mut(position / 8) {
                *target |= value << (position % 8);
            }
        }
    }
    wide
}

/// Narrows an array of entries of `bits` bits to single bits. Fails with index and value of the
/// first entry that is neither 0 nor `value`.
pub(super) fn narrowed(array: &[u8], bits: u8, value: u8) -> Result<Vec<u8>, (u64, u8)> {
    let per_byte = 8 / bits;
    let mut narrow = vec![0u8; array.len().div_ceil(usize::from(bits))];
    for (at, byte) in array.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        for slot in 0..per_byte {
            let actual = byte >> (slot * bits) & mask(bits);
            let index = at * usize::from(per_byte) + usize::from(slot);
            if actual == value {
                narrow[index / 8] |= 1 << (index % 8);
            } else if actual != 0 {
                return Err((index as u64, actual));
            }
        }
    }
    Ok(narrow)
}

fn mask(bits: u8) -> u8 {
    u8::MAX >> (8 - bits.clamp(1, 8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mirrored_keeps_each_entry_and_turns_their_order() {
        assert_eq!(mirrored(0b0000_0001, 1), 0b1000_0000);
        assert_eq!(mirrored(0b0001_1011, 2), 0b1110_0100);
        assert_eq!(mirrored(0xc9, 4), 0x9c);
        assert_eq!(mirrored(0xc9, 8), 0xc9);
        for bits in [1, 2, 4, 8] {
            for byte in 0..=u8::MAX {
                assert_eq!(mirrored(mirrored(byte, bits), bits), byte, "{byte} of width {bits}");
            }
        }
    }

    proptest! {
        #[test]
        fn narrowing_undoes_widening(array: Vec<u8>, wide in 0usize..3) {
            let (bits, value) = [(1, 1), (2, 2), (2, 3)][wide];
            let widened = widened(&array, bits, value);
            for index in 0..array.len() as u64 * 8 {
                let expected = entry(&array, 1, index).map(|bit| bit * value);
                prop_assert_eq!(entry(&widened, bits, index), expected);
            }
            prop_assert_eq!(narrowed(&widened, bits, value), Ok(array));
        }
    }

    #[test]
    fn narrowing_names_the_first_entry_that_does_not_fit() {
        assert_eq!(narrowed(&[0, 0b0000_1001], 2, 2), Err((4, 1)));
    }
}
