//! Ledger time: Unix milliseconds, written as RFC 3339 for people.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::limits::DOCUMENT_TIME_MS_END;

/// Unix milliseconds: an integer in CBOR, RFC 3339 with `Z` in JSON and text. In a good document
/// it is a whole second, since W3C times have nothing below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeMs(pub u64);

/// A time that no document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The time is not a whole second, and W3C times have nothing below a second.
    #[error("{actual} ms is not a whole second; use a multiple of 1000")]
    Precision {
        /// The time in Unix milliseconds.
        actual: u64,
    },
    /// RFC 3339 cannot write the time.
    #[error("{actual} ms is after the year 9999; it must be below {DOCUMENT_TIME_MS_END} ms")]
    Range {
        /// The time in Unix milliseconds.
        actual: u64,
    },
}

impl TimeMs {
    /// Reads RFC 3339 in UTC with `T` and `Z`, with or without a fraction of whole milliseconds.
    pub fn from_text(text: &str) -> Option<Self> {
        let (time, nanos_beyond) = Self::at_or_before(text)?;
        (nanos_beyond == 0).then_some(time)
    }

    /// The same with any fraction: the last millisecond that is not after it, which is all that a
    /// question about records of whole milliseconds needs.
    pub fn floor_of_text(text: &str) -> Option<Self> {
        Self::at_or_before(text).map(|(time, _)| time)
    }

    /// RFC 3339 with three decimals, the form of times that are no part of a document.
    pub fn millis(self) -> String {
        let millis = self.0.checked_rem(1_000).unwrap_or_default();
        let seconds = Self(self.0.saturating_sub(millis)).to_string();
        match seconds.strip_suffix('Z') {
            Some(seconds) => format!("{seconds}.{millis:03}Z"),
            None => self.0.to_string(),
        }
    }

    fn at_or_before(text: &str) -> Option<(Self, u32)> {
        // The parser takes any character between date and time.
        if text.as_bytes().get(10) != Some(&b'T') || !text.ends_with('Z') {
            return None;
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = u64::try_from(time.unix_timestamp_nanos().checked_div(1_000_000)?).ok()?;
        Some((Self(millis), time.nanosecond().checked_rem(1_000_000)?))
    }

    /// The rule of times in documents that this time breaks, if any.
    pub(crate) fn refusal(self) -> Option<TimeError> {
        if self.0 >= DOCUMENT_TIME_MS_END {
            return Some(TimeError::Range { actual: self.0 });
        }
        (self.0.checked_rem(1_000) != Some(0)).then_some(TimeError::Precision { actual: self.0 })
    }
}

impl fmt::Display for TimeMs {
    /// Writes the plain number where RFC 3339 has no form, after the year 9999.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = i128::from(self.0)
            .checked_mul(1_000_000)
            .and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok())
            .and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl Serialize for TimeMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for TimeMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        let form = "is no RFC 3339 time in UTC with Z and at most milliseconds";
        Self::from_text(&text).ok_or_else(|| D::Error::custom(format!("{text:?} {form}")))
    }
}

#[cfg(test)]
mod tests {
    use super::TimeMs;

    #[test]
    fn a_time_has_one_form_and_a_question_may_be_finer() {
        for (text, exact, floor) in [
            ("1970-01-01T00:00:01Z", Some(1_000), Some(1_000)),
            ("1970-01-01T00:00:01.5Z", Some(1_500), Some(1_500)),
            ("1970-01-01T00:00:01.001000Z", Some(1_001), Some(1_001)),
            ("1970-01-01T00:00:01.001999Z", None, Some(1_001)),
            ("1970-01-01T00:00:01.999999999Z", None, Some(1_999)),
            ("1969-12-31T23:59:59Z", None, None),
            ("1970-01-01 00:00:01Z", None, None),
            ("1970-01-01t00:00:01Z", None, None),
            ("1970-01-01T00:00:01z", None, None),
            ("1970-01-01T00:00:01+00:00", None, None),
            ("1970-01-01T00:00:01", None, None),
            ("1970-01-01", None, None),
            ("", None, None),
        ] {
            assert_eq!(TimeMs::from_text(text), exact.map(TimeMs), "{text}");
            assert_eq!(TimeMs::floor_of_text(text), floor.map(TimeMs), "{text}");
        }
    }
}
