//! Unsigned LEB128 numbers of at most 32 bits, each in its one spelling.

/// Bytes that 32 bits need, at 7 a byte.
const BYTES_MAX: usize = 5;

/// Appends `number`.
pub(super) fn write(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The first number of `bytes`, and the bytes behind it; none if it is cut off, longer than it
/// needs to be, or too large.
pub(super) fn read(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let length = bytes.iter().take(BYTES_MAX).position(|byte| byte & 0x80 == 0)?.checked_add(1)?;
    let (digits, rest) = bytes.split_at_checked(length)?;
    if length > 1 && digits.last() == Some(&0) {
        return None;
    }
    let number = digits.iter().rev().fold(0u64, |sum, digit| sum << 7 | u64::from(digit & 0x7f));
    Some((u32::try_from(number).ok()?, rest))
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
