//! Durations that the protocol waits. They are chain parameters; the node provides the clock.

use serde::{Deserialize, Serialize};

/// Event that a timer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutKind {
    /// Waits for a proposal with its block. When the timer fires, the validator prevotes nil.
    Propose,
    /// Waits for prevotes that agree. When the timer fires, the validator precommits nil.
    Prevote,
    /// Waits for precommits that agree. When the timer fires, the next round begins.
    Precommit,
    /// Waits for nothing. When the timer fires, the validator resends what peers may have missed.
    Rebroadcast,
}

/// Durations in round 0, their growth per round and their upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Time to wait for a proposal and its block, in milliseconds.
    pub propose_ms: u64,
    /// Time to wait for prevotes that agree, in milliseconds.
    pub prevote_ms: u64,
    /// Time to wait for precommits that agree, in milliseconds.
    pub precommit_ms: u64,
    /// Time between two repeated sends, in milliseconds.
    pub rebroadcast_ms: u64,
    /// Time that each round adds to each duration, in milliseconds.
    pub step_ms: u64,
    /// Upper bound of each duration, in milliseconds.
    pub cap_ms: u64,
}

impl Default for Timeouts {
    /// Returns the durations of a local test network (DESIGN section 7). With them an offline
    /// proposer costs about a second.
    fn default() -> Self {
        Self {
            propose_ms: 1_000,
            prevote_ms: 500,
            precommit_ms: 500,
            rebroadcast_ms: 1_000,
            step_ms: 250,
            cap_ms: 5_000,
        }
    }
}

impl Timeouts {
    /// Returns the duration of a timer of `round`, in milliseconds.
    pub fn duration_ms(&self, kind: TimeoutKind, round: u32) -> u64 {
        let base_ms = match kind {
            TimeoutKind::Propose => self.propose_ms,
            TimeoutKind::Prevote => self.prevote_ms,
            TimeoutKind::Precommit => self.precommit_ms,
            TimeoutKind::Rebroadcast => self.rebroadcast_ms,
        };
        base_ms.saturating_add(self.step_ms.saturating_mul(u64::from(round))).min(self.cap_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_grow_by_the_step_up_to_the_cap() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.duration_ms(TimeoutKind::Propose, 0), 1_000);
        assert_eq!(timeouts.duration_ms(TimeoutKind::Prevote, 3), 1_250);
        assert_eq!(timeouts.duration_ms(TimeoutKind::Precommit, 18), 5_000);
        assert_eq!(timeouts.duration_ms(TimeoutKind::Rebroadcast, u32::MAX), 5_000);
    }
}
