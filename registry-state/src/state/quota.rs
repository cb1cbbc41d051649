//! Counters that bound how often something happens in a period of block time: transient leaves,
//! which end with it.

use super::{Overlay, TransientKey, TransientKind};
use registry_core::record::StoreError;

/// How often something may happen in the period that a time lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    key: TransientKey,
    limit: u64,
    used: u64,
}

impl Quota {
    /// That of `id` in the period of `period_ms` around `time_ms`; periods begin with 1970.
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

    /// The leaf that counts.
    pub(crate) fn key(
        (kind, id): (TransientKind, Vec<u8>),
        (time_ms, period_ms): (u64, u64),
    ) -> TransientKey {
        let period = time_ms.checked_div(period_ms).unwrap_or(0);
        let expires_ms = period.saturating_add(1).saturating_mul(period_ms);
        TransientKey { expires_ms, kind, id }
    }

    /// What such a leaf holds.
    pub(crate) fn count(bytes: &[u8]) -> u64 {
        bytes.try_into().map_or(0, u64::from_be_bytes)
    }

    /// When the period ends, in ms.
    pub(crate) fn ends_ms(&self) -> u64 {
        self.key.expires_ms
    }

    /// How often it has happened.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// The leaf after once more; none where that is too often.
    pub(crate) fn take(self) -> Option<(TransientKey, Vec<u8>)> {
        let used = self.used.saturating_add(1);
        (used <= self.limit).then(|| (self.key, used.to_be_bytes().to_vec()))
    }
}
