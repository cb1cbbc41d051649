//! Ledger time: Unix milliseconds, which people read as RFC 3339.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::limits::DOCUMENT_TIME_MS_END;

/// A time in Unix milliseconds. It is an integer in CBOR, and RFC 3339 with `Z` in JSON and text.
/// Documents may only hold whole seconds, since W3C times have no fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeMs(pub u64);

/// Reason why no document may hold a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The time is not a whole second, and W3C times have no fractions.
    #[error("{actual} ms is not a whole second; use a multiple of 1000")]
    Precision {
        /// Time in Unix milliseconds.
        actual: u64,
    },
    /// RFC 3339 cannot express the time, which is after the year 9999.
    #[error("{actual} ms is after the year 9999; it must be below {DOCUMENT_TIME_MS_END} ms")]
    Range {
        /// Time in Unix milliseconds.
        actual: u64,
    },
}

/// A text that is not the one spelling of a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time like 2026-01-31T12:00:00.000Z: UTC, Z and three decimals")]
pub struct NotExact {
    /// The text given.
    pub text: String,
}

impl TimeMs {
    /// Reads RFC 3339 in UTC with `T` and `Z`. A fraction must be whole milliseconds; `None` for
    /// any other text.
    pub fn from_text(text: &str) -> Option<Self> {
        let (time, nanos_beyond) = Self::at_or_before(text)?;
        (nanos_beyond == 0).then_some(time)
    }

    /// Reads RFC 3339 like [`Self::from_text`] but with any fraction, and rounds down to a
    /// millisecond. That suffices for queries, because records have whole milliseconds.
    pub fn floor_of_text(text: &str) -> Option<Self> {
        Self::at_or_before(text).map(|(time, _)| time)
    }

    /// Reads the one spelling of a time that [`TimeMs::millis`] writes.
    pub fn from_exact_text(text: &str) -> Result<Self, NotExact> {
        let time = Self::from_text(text).filter(|time| time.millis() == text);
        time.ok_or_else(|| NotExact { text: text.to_owned() })
    }

    /// Writes RFC 3339 with three decimals, the form of times outside of documents.
    pub fn millis(self) -> String {
        let millis = self.0.checked_rem(1_000).unwrap_or_default();
        let seconds = Self(self.0.saturating_sub(millis)).to_string();
        match seconds.strip_suffix('Z') {
            Some(seconds) => format!("{seconds}.{millis:03}Z"),
            None => self.0.to_string(),
        }
    }

    fn at_or_before(text: &str) -> Option<(Self, u32)> {
        // The parser accepts any character between date and time.
        if text.as_bytes().get(10) != Some(&b'T') || !text.ends_with('Z') {
            return None;
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = u64::try_from(time.unix_timestamp_nanos().checked_div(1_000_000)?).ok()?;
        Some((Self(millis), time.nanosecond().checked_rem(1_000_000)?))
    }

    /// Returns the rule for times in documents that this time breaks, if it breaks one.
    pub(crate) fn refusal(self) -> Option<TimeError> {
        if self.0 >= DOCUMENT_TIME_MS_END {
            return Some(TimeError::Range { actual: self.0 });
        }
        (self.0.checked_rem(1_000) != Some(0)).then_some(TimeError::Precision { actual: self.0 })
    }
}

impl fmt::Display for TimeMs {
    /// Writes RFC 3339, or the plain number for times after the year 9999, which RFC 3339 cannot
    /// express.
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

/// Serde form of times that have one spelling: an integer in CBOR, and in JSON RFC 3339 in UTC with
/// `Z` and exactly three decimals (DESIGN section 3). For `#[serde(with = "…")]`.
pub mod exact {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::TimeMs;

    /// Writes a time.
    pub fn serialize<S: Serializer>(time: &TimeMs, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.serialize_str(&time.millis()),
            false => time.serialize(serializer),
        }
    }

    /// Reads a time and refuses every other spelling of it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeMs, D::Error> {
        if !deserializer.is_human_readable() {
            return TimeMs::deserialize(deserializer);
        }
        let text = String::deserialize(deserializer)?;
        TimeMs::from_exact_text(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{DOCUMENT_TIME_MS_END, TimeMs};

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

    #[test]
    fn a_time_has_one_spelling() {
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-11-21T08:00:00.007Z", 1_795_248_000_007),
            ("2028-02-29T23:59:59.999Z", 1_835_481_599_999),
            ("9999-12-31T23:59:59.999Z", DOCUMENT_TIME_MS_END - 1),
        ] {
            assert_eq!(TimeMs::from_exact_text(text), Ok(TimeMs(ms)));
            assert_eq!(TimeMs(ms).millis(), text);
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
            assert!(TimeMs::from_exact_text(wrong).is_err(), "{wrong} must be refused");
        }
    }
}
