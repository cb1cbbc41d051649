//! Unsigned LEB128 numbers of at most 32 bits, in their shortest encoding.

use unsigned_varint::{decode, encode};

/// Number of bytes that 32 bits need, with 7 bits in each byte.
const BYTES_MAX: usize = 5;

/// Appends the encoding of `number`.
pub(super) fn write(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(encode::u32(number, &mut encode::u32_buffer()));
}

/// Reads the first number of `bytes` and returns it with the bytes after it. Returns `None` if the
/// number is cut off, longer than needed or too large.
pub(super) fn read(bytes: &[u8]) -> Option<(u32, &[u8])> {
    // The library drops bits that its integer has no room for, so it gets no more bytes than 32
    // bits need, and an integer with room for all of them.
    let head = bytes.get(..bytes.len().min(BYTES_MAX))?;
    let (number, rest) = decode::u64(head).ok()?;
    let length = head.len().checked_sub(rest.len())?;
    Some((u32::try_from(number).ok()?, bytes.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for number in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX - 1, u32::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            assert_eq!(read(&bytes), Some((number, &[][..])));
            bytes.push(9);
            assert_eq!(read(&bytes), Some((number, &[9][..])));
        }
        let wrong: [&[u8]; 6] = [
            b"",
            b"\x80",
            b"\x80\x00",
            b"\xff\xff\xff\xff\x1f",
            b"\x80\x80\x80\x80\x80\x01",
            b"\xff\x80\x00",
        ];
        for bytes in wrong {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
