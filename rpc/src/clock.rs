//! The node's wall clock, and the two forms in which the API writes times.

#[cfg(feature = "server")]
use std::time::{SystemTime, UNIX_EPOCH};

use registry_core::time::TimeMs;
#[cfg(feature = "server")]
use serde::Serializer;

/// Returns the wall clock as Unix time in milliseconds; 0 if it is set before 1970.
#[cfg(feature = "server")]
pub(crate) fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a Unix time in milliseconds as RFC 3339 in whole seconds, rounded up. W3C metadata has
/// this form. Because of the rounding, a `versionTime` equal to the returned time finds what
/// happened at `time_ms` (docs/protocol/http.md, "Identifiers and options").
pub(crate) fn seconds_up(time_ms: u64) -> String {
    TimeMs(time_ms.div_ceil(1_000).saturating_mul(1_000)).to_string()
}

/// Returns a Unix time in milliseconds as RFC 3339 with three decimals, the form of all other
/// times.
pub(crate) fn millis(time_ms: u64) -> String {
    TimeMs(time_ms).millis()
}

/// Returns an optional time as the Unix milliseconds that operations contain.
pub(crate) fn time_ms(time: Option<TimeMs>) -> Option<u64> {
    time.map(|TimeMs(time_ms)| time_ms)
}

/// Serialises a Unix time in milliseconds like [`millis`].
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
