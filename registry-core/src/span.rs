//! Distances between blocks, counted in heights and in live time at once. Whoever writes decides
//! how fast heights follow each other, and a network that stands still makes none. So a rule that
//! waits or forgets counts both.

/// Position of a block: its height and its live time (docs/protocol/state.md, L3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainTime {
    /// Height of the block.
    pub height: u64,
    /// Live time of the block in milliseconds.
    pub live_ms: u64,
}

/// Distance between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Number of heights.
    pub heights: u64,
    /// Live time in milliseconds.
    pub live_ms: u64,
}

impl Span {
    /// True if a deadline that began at `since` has passed at `now`: both its heights and its live
    /// time are over.
    pub fn has_passed(self, since: ChainTime, now: ChainTime) -> bool {
        now.height >= since.height.saturating_add(self.heights)
            && now.live_ms >= since.live_ms.saturating_add(self.live_ms)
    }

    /// True if something made at `since` is too old at `now`: it is older than both the heights and
    /// the live time.
    pub fn is_exceeded(self, since: ChainTime, now: ChainTime) -> bool {
        now.height > since.height.saturating_add(self.heights)
            && now.live_ms > since.live_ms.saturating_add(self.live_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { heights: 10, live_ms: 600_000 };
    const SINCE: ChainTime = ChainTime { height: 5, live_ms: 1_000 };

    fn at(height: u64, live_ms: u64) -> ChainTime {
        ChainTime { height, live_ms }
    }

    #[test]
    fn a_deadline_needs_both_heights_and_live_time() {
        assert!(SPAN.has_passed(SINCE, at(15, 601_000)));
        assert!(!SPAN.has_passed(SINCE, at(14, 601_000)));
        assert!(!SPAN.has_passed(SINCE, at(10_000, 600_999)));
    }

    #[test]
    fn only_both_together_are_too_old() {
        assert!(SPAN.is_exceeded(SINCE, at(16, 601_001)));
        assert!(!SPAN.is_exceeded(SINCE, at(15, 10_000_000)));
        assert!(!SPAN.is_exceeded(SINCE, at(10_000, 601_000)));
    }
}
