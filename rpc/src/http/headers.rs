//! Headers that several routes read and write.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::now_ms;
use crate::service::Head;

/// Height as of which the node answers.
pub(super) const LEDGER_HEIGHT: HeaderName = HeaderName::from_static("x-ledger-height");

/// Seconds since the block at that height.
pub(super) const LEDGER_AGE: HeaderName = HeaderName::from_static("x-ledger-age");

/// Version of the status list that the answer contains.
pub(super) const LEDGER_VERSION: HeaderName = HeaderName::from_static("idem-ledger-version");

/// Joins the values of a header that may occur several times into one list.
pub(super) fn list_header(headers: &HeaderMap, name: HeaderName) -> String {
    let values = headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
}

/// True if `If-None-Match` contains the tag or `*`. Weak tags match too.
pub(super) fn matches(if_none_match: &str, tag: &str) -> bool {
    let mut tags = if_none_match.split(',').map(str::trim);
    tags.any(|other| other == "*" || other.strip_prefix("W/").unwrap_or(other) == tag)
}

/// Adds the headers that name the height and the age of the block as of which the node answers.
pub(super) fn as_of(headers: &mut HeaderMap, head: &Head) {
    let age = now_ms().saturating_sub(head.time_ms) / 1_000;
    headers.insert(LEDGER_HEIGHT, HeaderValue::from(head.height));
    headers.insert(LEDGER_AGE, HeaderValue::from(age));
}
