//! Selection of proposers by a weighted round robin. The proposer is a pure function of height,
//! round and validator set, so any node and any verifier can compute it. No priorities are carried
//! from block to block, so none can be forged.
//!
//! All powers are divided by their greatest common divisor and laid out in key order as a row of
//! `total` slots of one unit each. Turn `height + round` selects slot `turn × stride mod total`,
//! where `stride` is the first number from `total / validators` on that has no common divisor with
//! `total`. So any `total` consecutive turns select every slot once, and each validator proposes
//! exactly in proportion to its power. The stride is about as wide as an average validator, which
//! spreads the turns of a powerful validator. With equal powers the stride is 1, and validators
//! take turns in key order.

use registry_core::certificate::ValidatorSet;
use registry_core::crypto::ValidatorKey;

/// Returns the proposer of a round; `None` for an empty set.
pub fn proposer(set: &ValidatorSet, height: u64, round: u32) -> Option<ValidatorKey> {
    let powers: Vec<u64> = set.validators().iter().map(|validator| validator.power).collect();
    set.validators().get(turn_of(&powers, height, round)).map(|validator| validator.key)
}

/// Returns the index of the proposer among validators with these powers; 0 if there are none.
pub(crate) fn turn_of(powers: &[u64], height: u64, round: u32) -> usize {
    let unit = powers.iter().copied().fold(0, greatest_common_divisor).max(1);
    let slots = |power: u64| u128::from(power.checked_div(unit).unwrap_or(power));
    let total = powers.iter().fold(0u128, |sum, power| sum.saturating_add(slots(*power))).max(1);
    let turn = u128::from(height).saturating_add(u128::from(round));
    let point = remainder(turn, total).saturating_mul(stride(total, powers.len()));
    let mut rest = remainder(point, total);
    for (index, power) in powers.iter().enumerate() {
        match rest.checked_sub(slots(*power)) {
            Some(less) => rest = less,
            None => return index,
        }
    }
    0
}

/// Returns the first number from `total / count` on that has no common divisor with `total`. For
/// totals of this size such numbers are at most a few dozen apart, so the search is short.
fn stride(total: u128, count: usize) -> u128 {
    let count = u128::try_from(count).unwrap_or(1).max(1);
    let mut stride = total.checked_div(count).unwrap_or(1).max(1);
    while greatest_common_divisor_wide(stride, total) != 1 {
        stride = stride.saturating_add(1);
    }
    stride
}

fn remainder(value: u128, modulus: u128) -> u128 {
    value.checked_rem(modulus).unwrap_or(0)
}

fn greatest_common_divisor(left: u64, right: u64) -> u64 {
    let divisor = greatest_common_divisor_wide(u128::from(left), u128::from(right));
    u64::try_from(divisor).unwrap_or(1)
}

fn greatest_common_divisor_wide(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, remainder(left, right));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(powers: &[u64], count: u64) -> Vec<usize> {
        (0..count).map(|height| turn_of(powers, height, 0)).collect()
    }

    #[test]
    fn equal_powers_rotate_in_key_order() {
        assert_eq!(turns(&[7, 7, 7, 7], 6), [0, 1, 2, 3, 0, 1]);
        assert_eq!(turn_of(&[1, 1, 1, 1], 5, 2), 3);
        assert_eq!(turns(&[9], 3), [0, 0, 0]);
    }

    #[test]
    fn unequal_powers_take_turns_in_proportion() {
        assert_eq!(turns(&[1, 3], 4), [0, 1, 1, 1]);
        assert_eq!(turns(&[2, 1, 1], 4), [0, 0, 1, 2]);
        for powers in [&[1, 2, 3, 4][..], &[10, 1, 1], &[3, 5, 7, 11, 13], &[6, 10, 15]] {
            let total: u64 = powers.iter().sum();
            let start = 1_000_003;
            for (index, power) in powers.iter().enumerate() {
                let count = (start..start + total)
                    .filter(|height| turn_of(powers, *height, 0) == index)
                    .count();
                assert_eq!(count as u64, *power, "validator {index} of {powers:?}");
            }
        }
    }

    #[test]
    fn the_largest_powers_and_heights_do_not_overflow() {
        let powers = vec![1 << 32; 128];
        assert_eq!(
            turn_of(&powers, u64::MAX, u32::MAX),
            (u64::MAX as u128 + u32::MAX as u128) as usize % 128
        );
        let mut powers = vec![(1 << 32) - 1; 128];
        powers[5] = 1;
        assert!(turn_of(&powers, u64::MAX, u32::MAX) < 128);
        assert_eq!(turn_of(&[], 3, 0), 0);
    }
}
