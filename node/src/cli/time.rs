//! Times as they are given on the command line and in files.

use registry_core::did::document::TimeMs;

/// Unix milliseconds of a time in RFC 3339, for clap and for readers of files.
pub(super) fn time_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} must be RFC 3339 in UTC, such as 2026-11-21T08:00:00Z");
    TimeMs::from_text(text).map(|time| time.0).ok_or_else(wrong)
}
