//! Times and durations in the form of the command line and of files.

use registry_core::limits::DAY_MS;
use registry_core::time::TimeMs;

/// Parses an RFC 3339 time, for clap and for readers of files. Returns Unix time in milliseconds.
pub(super) fn time_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} must be RFC 3339 in UTC, such as 2026-11-21T08:00:00Z");
    TimeMs::from_text(text).map(|time| time.0).ok_or_else(wrong)
}

/// Parses a number with a unit (s, m, h or d). Returns milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} must be a number with s, m, h or d, such as 24h");
    let unit_at = text.len().saturating_sub(1);
    let (number, unit) = text.split_at_checked(unit_at).ok_or_else(wrong)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MS,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit_ms).ok_or_else(wrong)
}

/// A time that an option gives as such, or by its distance from the newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Unix time in milliseconds.
    At(u64),
    /// Milliseconds after the newest block.
    After(u64),
}

impl Until {
    /// Returns the time in milliseconds since 1970, given the time of the newest block.
    pub(super) fn time_ms(self, newest_ms: u64) -> u64 {
        match self {
            Self::At(time_ms) => time_ms,
            Self::After(duration_ms) => newest_ms.saturating_add(duration_ms),
        }
    }
}

/// Parses an RFC 3339 time or a duration, for clap.
pub(super) fn until(text: &str) -> Result<Until, String> {
    let wrong = |_| format!("{text:?} must be RFC 3339, or a number with s, m, h or d");
    time_ms(text).map(Until::At).or_else(|_| duration_ms(text).map(Until::After)).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_or_a_distance_from_the_newest_block() {
        let read = |text| until(text).map(|until| until.time_ms(1_000));
        assert_eq!(read("1970-01-02T00:00:00Z"), Ok(DAY_MS));
        assert_eq!(read("24h"), Ok(DAY_MS + 1_000));
        assert!(read("tomorrow").is_err_and(|error| error.contains("\"tomorrow\"")));
    }

    #[test]
    fn durations_need_a_number_and_a_unit() {
        assert_eq!(duration_ms("24h"), Ok(DAY_MS));
        assert_eq!(duration_ms("90d"), Ok(90 * DAY_MS));
        for wrong in ["", "h", "24", "1.5h", "-1h", "24H", "99999999999999999d", "€"] {
            assert!(duration_ms(wrong).is_err(), "{wrong:?}");
        }
    }
}
