//! Token buckets, which limit a rate and allow bursts. The node uses them for its peers too.

use std::time::{Duration, Instant};

/// A token has 1000 parts, so that slow rates gain something every millisecond.
const PARTS: u64 = 1_000;

/// Parameters of a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Number of tokens added each second. Zero counts as one.
    pub per_second: u64,
    /// Number of tokens that can be taken at once.
    pub burst: u64,
}

/// A token bucket, which is full at first.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    parts: u64,
    at: Instant,
}

impl Bucket {
    /// Makes a full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        let rate = Rate { per_second: rate.per_second.max(1), ..rate };
        Self { rate, parts: rate.burst.saturating_mul(PARTS), at: now }
    }

    /// Takes `tokens`. If there are fewer, takes nothing and returns the time in milliseconds after
    /// which there are enough. More tokens than the burst are never granted.
    pub fn take(&mut self, tokens: u64, now: Instant) -> Result<(), u64> {
        self.refill(now);
        let wanted = tokens.saturating_mul(PARTS);
        match self.parts.checked_sub(wanted) {
            Some(rest) => {
                self.parts = rest;
                Ok(())
            }
            None => Err(wanted.saturating_sub(self.parts).div_ceil(self.rate.per_second)),
        }
    }

    /// Adds tokens above the burst, to allow for traffic that this node asked for.
    pub fn credit(&mut self, tokens: u64) {
        self.parts = self.parts.saturating_add(tokens.saturating_mul(PARTS));
    }

    /// True if dropping this bucket and making a new one would change nothing.
    pub fn is_full(&mut self, now: Instant) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 10, burst: 3 }, start);
        assert_eq!(bucket.take(3, start), Ok(()));
        assert_eq!(bucket.take(1, start + Duration::from_millis(99)), Err(1));
        assert_eq!(bucket.take(1, start + Duration::from_millis(100)), Ok(()));
        assert_eq!(bucket.take(1, start + Duration::from_millis(150)), Err(50));
        assert!(bucket.is_full(start + Duration::from_secs(9)));
        assert_eq!(bucket.take(4, start + Duration::from_secs(9)), Err(100));
    }

    #[test]
    fn a_credit_exceeds_the_burst_and_is_not_lost_by_a_refill() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 1, burst: 1 }, start);
        bucket.credit(10);
        assert_eq!(bucket.take(11, start + Duration::from_secs(1)), Ok(()));
        assert_eq!(bucket.take(1, start + Duration::from_secs(1)), Err(1_000));
    }
}
