//! Ledger time in JSON.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Unsigned milliseconds since 1970: that integer in CBOR, and in JSON and text RFC 3339 in UTC
/// with `Z` and exactly three decimals, so that each time has one spelling (DESIGN section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// A text that is not the one spelling of a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time like 2026-01-31T12:00:00.000Z: UTC, Z and three decimals")]
pub struct NotATimestamp {
    /// The text given.
    pub text: String,
}

impl FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .and_then(|time| u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok())
            .map(Self)
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| NotATimestamp { text: text.to_owned() })
    }
}

impl fmt::Display for Timestamp {
    /// Writes the plain number after the year 9999, where RFC 3339 has no form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let Ok(time) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
            return write!(f, "{}", self.0);
        };
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let millisecond = time.millisecond();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write!(f, ".{millisecond:03}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TIME_MS_END;

    #[test]
    fn a_time_has_one_spelling() {
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-11-21T08:00:00.007Z", 1_795_248_000_007),
            ("2028-02-29T23:59:59.999Z", 1_835_481_599_999),
            ("9999-12-31T23:59:59.999Z", TIME_MS_END - 1),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(ms)));
            assert_eq!(Timestamp(ms).to_string(), text);
        }
        for wrong in [
            "2026-11-21T08:00:00Z",
            "2026-11-21T08:00:00.00Z",
            "2026-11-21T08:00:00.0000Z",
            "2026-11-21T08:00:00.000+00:00",
            "2026-11-21T09:00:00.000+01:00",
            "2026-11-21t08:00:00.000z",
            "2026-11-21 08:00:00.000Z",
            "2026-02-29T08:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "1795248000007",
        ] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong} must be refused");
        }
    }
}
