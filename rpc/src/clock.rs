//! The node's wall clock, and the two ways in which the API writes times.

#[cfg(feature = "server")]
use std::time::{SystemTime, UNIX_EPOCH};

use registry_core::time::TimeMs;
#[cfg(feature = "server")]
use serde::Serializer;

/// Wall clock in ms since 1970.
#[cfg(feature = "server")]
pub(crate) fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in whole seconds, rounded up: the form of W3C metadata, and a `versionTime` at which
/// what happened at `time_ms` is in effect (DESIGN section 3).
pub(crate) fn seconds_up(time_ms: u64) -> String {
    TimeMs(time_ms.div_ceil(1_000).saturating_mul(1_000)).to_string()
}

/// RFC 3339 with three decimals: the form of every other time.
pub(crate) fn millis(time_ms: u64) -> String {
    TimeMs(time_ms).millis()
}

/// A time as operations write it.
pub(crate) fn time_ms(time: Option<TimeMs>) -> Option<u64> {
    time.map(|TimeMs(time_ms)| time_ms)
}

/// Serialises ms since 1970 as [`millis`].
#[cfg(feature = "server")]
pub(crate) fn as_millis<S: Serializer>(time_ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&millis(*time_ms))
}

#[cfg(test)]
mod tests {
    use super::{millis, seconds_up};

    #[test]
    fn seconds_round_up_and_millis_have_three_decimals() {
        assert_eq!(seconds_up(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(seconds_up(1_700_000_000_001), "2023-11-14T22:13:21Z");
        assert_eq!(millis(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(millis(1_700_000_000_070), "2023-11-14T22:13:20.070Z");
    }
}
