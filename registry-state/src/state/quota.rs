//! Counters that limit how often something may happen in a period of block time. Each counter is a
//! transient leaf that expires when its period ends.

use super::{Overlay, TransientKey, TransientKind};
use registry_core::record::StoreError;

/// Limit for one period, with the count so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    key: TransientKey,
    limit: u64,
    used: u64,
}

impl Quota {
    /// Reads the count of `id` in the period of `period_ms` milliseconds that contains `time_ms`.
    /// Periods are counted from Unix time 0.
    pub(crate) fn read(
        overlay: &Overlay<'_>,
        (kind, id): (TransientKind, Vec<u8>),
        (time_ms, period_ms): (u64, u64),
        limit: u64,
    ) -> Result<Self, StoreError> {
        let key = Self::key((kind, id), (time_ms, period_ms));
        let used = overlay.transient(&key)?.map_or(0, |bytes| Self::count(&bytes));
        Ok(Self { key, limit, used })
    }

    /// Returns the key of the leaf that holds the count.
    pub(crate) fn key(
        (kind, id): (TransientKind, Vec<u8>),
        (time_ms, period_ms): (u64, u64),
    ) -> TransientKey {
        let period = time_ms.checked_div(period_ms).unwrap_or(0);
        let expires_ms = period.saturating_add(1).saturating_mul(period_ms);
        TransientKey { expires_ms, kind, id }
    }

    /// Returns the count in the bytes of such a leaf.
    pub(crate) fn count(bytes: &[u8]) -> u64 {
        bytes.try_into().map_or(0, u64::from_be_bytes)
    }

    /// Returns the end of the period, as Unix time in milliseconds.
    pub(crate) fn ends_ms(&self) -> u64 {
        self.key.expires_ms
    }

    /// Returns the count so far.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Returns the leaf with the count raised by one; `None` if that exceeds the limit.
    pub(crate) fn take(self) -> Option<(TransientKey, Vec<u8>)> {
        self.take_many(1)
    }

    /// Returns the leaf with the count raised by `number`, whatever the limit is.
    pub(crate) fn add(self, number: u64) -> (TransientKey, Vec<u8>) {
        (self.key, self.used.saturating_add(number).to_be_bytes().to_vec())
    }

    /// Returns the leaf with the count raised by `number`; `None` if that exceeds the limit.
    pub(crate) fn take_many(self, number: u64) -> Option<(TransientKey, Vec<u8>)> {
        (self.used.saturating_add(number) <= self.limit).then(|| self.add(number))
    }
}
