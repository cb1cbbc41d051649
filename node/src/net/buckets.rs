//! Token buckets for rates and doubling waits for retries.

use std::time::{Duration, Instant};

use super::limits::{RETRY_FIRST, RETRY_MAX, Rate, STABLE_AFTER};

/// A token has 1000 parts, so that slow rates gain something every millisecond.
const PARTS: u64 = 1_000;

/// A token bucket, which is full at first.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    parts: u64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, parts: rate.burst.saturating_mul(PARTS), at: now }
    }

    /// Takes `tokens` and returns true. If there are fewer, takes nothing and returns false.
    pub(crate) fn take(&mut self, tokens: u64, now: Instant) -> bool {
        self.refill(now);
        let rest = self.parts.checked_sub(tokens.saturating_mul(PARTS));
        self.parts = rest.unwrap_or(self.parts);
        rest.is_some()
    }

    /// Adds tokens above the burst, to allow for traffic that this node asked for.
    pub(crate) fn credit(&mut self, tokens: u64) {
        self.parts = self.parts.saturating_add(tokens.saturating_mul(PARTS));
    }

    /// True if dropping this bucket and making a new one would change nothing.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.parts >= self.rate.burst.saturating_mul(PARTS)
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_millis();
        let elapsed_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let full = self.rate.burst.saturating_mul(PARTS);
        if self.parts < full {
            let gained = elapsed_ms.saturating_mul(self.rate.per_second);
            self.parts = self.parts.saturating_add(gained).min(full);
        }
        // Only whole milliseconds are counted, because frequent calls would else never gain
        // anything.
        self.at += Duration::from_millis(elapsed_ms);
    }
}

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
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 10, burst: 3 }, start);
        assert!(bucket.take(3, start));
        assert!(!bucket.take(1, start + Duration::from_millis(99)));
        assert!(bucket.take(1, start + Duration::from_millis(100)));
        assert!(!bucket.take(1, start + Duration::from_millis(150)));
        assert!(bucket.is_full(start + Duration::from_secs(9)));
        assert!(!bucket.take(4, start + Duration::from_secs(9)));
    }

    #[test]
    fn a_credit_exceeds_the_burst_and_is_not_lost_by_a_refill() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 1, burst: 1 }, start);
        bucket.credit(10);
        assert!(bucket.take(11, start + Duration::from_secs(1)));
        assert!(!bucket.take(1, start + Duration::from_secs(1)));
    }

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
