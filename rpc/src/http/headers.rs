//! Headers that all routes read and write alike.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::now_ms;
use crate::service::Head;

/// Height of the ledger that an answer is as of.
pub(super) const LEDGER_HEIGHT: HeaderName = HeaderName::from_static("x-ledger-height");

/// Seconds since the block of that height.
pub(super) const LEDGER_AGE: HeaderName = HeaderName::from_static("x-ledger-age");

/// Version of the status list that a view shows.
pub(super) const LEDGER_VERSION: HeaderName = HeaderName::from_static("idem-ledger-version");

/// The values of a header that may stand there several times, as one list.
pub(super) fn list_header(headers: &HeaderMap, name: HeaderName) -> String {
    let values = headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
}

/// Whether `If-None-Match` names this tag.
pub(super) fn matches(if_none_match: &str, tag: &str) -> bool {
    let mut tags = if_none_match.split(',').map(str::trim);
    tags.any(|other| other == "*" || other.strip_prefix("W/").unwrap_or(other) == tag)
}

/// Says which block an answer is as of.
pub(super) fn as_of(headers: &mut HeaderMap, head: &Head) {
    let age = now_ms().saturating_sub(head.time_ms) / 1_000;
    headers.insert(LEDGER_HEIGHT, HeaderValue::from(head.height));
    headers.insert(LEDGER_AGE, HeaderValue::from(age));
}
