//! Comparison of a proposed block's time with this node's clock (DESIGN section 6).

use crate::limits::{TIMELINESS_DELAY_MS, TIMELINESS_DELAY_MS_MAX, TIMELINESS_MS};

/// Allowed age of a proposal in `round`, in milliseconds: 2 s · (3/2)^round, at most 60 s, computed
/// in integers.
fn delay_ms(round: u32) -> u64 {
    let mut delay_ms = TIMELINESS_DELAY_MS;
    for _ in 0..round {
        delay_ms = (delay_ms.saturating_mul(3) / 2).min(TIMELINESS_DELAY_MS_MAX);
        if delay_ms == TIMELINESS_DELAY_MS_MAX {
            break;
        }
    }
    delay_ms
}

/// True if a block with time `time_ms` that arrives at `now_ms` is neither too early nor too late.
pub(super) fn is_timely(time_ms: u64, now_ms: u64, round: u32) -> bool {
    let latest = time_ms.saturating_add(TIMELINESS_MS).saturating_add(delay_ms(round));
    time_ms.saturating_sub(TIMELINESS_MS) <= now_ms && now_ms <= latest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowed_age_grows_by_half_each_round_up_to_a_minute() {
        let delays: Vec<_> = [0, 1, 2, 3, 8, 9, 1_000_000].map(delay_ms).to_vec();
        assert_eq!(delays, [2_000, 3_000, 4_500, 6_750, 51_255, 60_000, 60_000]);
    }

    #[test]
    fn timeliness_at_its_exact_bounds() {
        assert!(is_timely(10_000, 9_000, 0));
        assert!(!is_timely(10_000, 8_999, 0));
        assert!(is_timely(10_000, 13_000, 0));
        assert!(!is_timely(10_000, 13_001, 0));
        assert!(is_timely(10_000, 14_000, 1));
    }
}
