//! Doubling waits for retries.

use std::time::Instant;

use super::limits::{RETRY_FIRST, RETRY_MAX, STABLE_AFTER};

/// Time of the next attempt: 250 ms after the first failure, then twice as long after each, up to 5
/// s. There is no jitter because peers fail and return at different times anyway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    attempts: u32,
    due: Instant,
}

impl Backoff {
    pub(crate) fn new(now: Instant) -> Self {
        Self { attempts: 0, due: now }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Makes the next attempt due now. The wait after the next failure is as long as without this
    /// call.
    pub(crate) fn hasten(&mut self, now: Instant) {
        self.due = now;
    }

    pub(crate) fn failed(&mut self, now: Instant) {
        let factor = 1_u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        self.due = now + RETRY_FIRST.saturating_mul(factor).min(RETRY_MAX);
        self.attempts = self.attempts.saturating_add(1);
    }

    /// A connection or stream that was opened at `since` has ended. If it was short-lived, this
    /// counts as a failure: a peer that accepts and drops connections at once would else be dialled
    /// in a loop.
    pub(crate) fn ended(&mut self, since: Instant, now: Instant) {
        if now.saturating_duration_since(since) >= STABLE_AFTER {
            self.attempts = 0;
        }
        self.failed(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_start_over_after_a_stable_time() {
        let start = Instant::now();
        let mut backoff = Backoff::new(start);
        let mut waits = Vec::new();
        for _ in 0..7 {
            backoff.failed(start);
            waits.push((backoff.due - start).as_millis());
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        backoff.ended(start, start + Duration::from_secs(1));
        assert_eq!(backoff.due, start + Duration::from_secs(6));
        let later = start + STABLE_AFTER;
        backoff.ended(start, later);
        assert_eq!(backoff.due, later + RETRY_FIRST);
    }
}
