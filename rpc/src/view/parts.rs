//! Types and functions that the readers of several forms share.

use registry_core::crypto::Suite;
use serde_json::{Map, Value};

use super::error::ViewError;

/// Rule of a NumericDate (RFC 7519), as error messages state it.
pub(super) const SECONDS: &str = "seconds, a whole number";

/// A signature, with the bytes that it covers and the method that it names.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) suite: Suite,
    pub(super) method: Option<String>,
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Reads a member that may be missing. Fails if the member is present and violates `rule`.
pub(super) fn optional<'a, V, T>(
    value: Option<&'a V>,
    field: &'static str,
    rule: &'static str,
    read: impl FnOnce(&'a V) -> Option<T>,
) -> Result<Option<T>, ViewError> {
    value.map(|value| read(value).ok_or(ViewError::malformed(field, rule))).transpose()
}

/// Reads a NumericDate of a JWT and returns it in milliseconds.
pub(super) fn seconds(
    claims: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<u64>, ViewError> {
    optional(claims.get(field), field, SECONDS, |value| value.as_u64()?.checked_mul(1_000))
}
