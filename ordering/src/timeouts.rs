//! How long the protocol waits. The durations are chain parameters; the clock is the shell's.

use serde::{Deserialize, Serialize};

/// What a timer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutKind {
    /// A proposal with its block; then prevote nil.
    Propose,
    /// Prevotes that agree; then precommit nil.
    Prevote,
    /// Precommits that agree; then the next round.
    Precommit,
    /// Nothing: send again what peers may have missed.
    Rebroadcast,
}

/// The durations of round 0, their growth and their cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Waiting for a proposal and its block, in milliseconds.
    pub propose_ms: u64,
    /// Waiting for prevotes to agree, in milliseconds.
    pub prevote_ms: u64,
    /// Waiting for precommits to agree, in milliseconds.
    pub precommit_ms: u64,
    /// Between two re-sends, in milliseconds.
    pub rebroadcast_ms: u64,
    /// Added to each of them per round, in milliseconds.
    pub step_ms: u64,
    /// None of them grows beyond this, in milliseconds.
    pub cap_ms: u64,
}

impl Default for Timeouts {
    /// The values of localnet (DESIGN section 7): a dead proposer costs about a second.
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
    /// The duration of a timer of `round`, in milliseconds.
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
