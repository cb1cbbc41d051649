//! What the readers of all forms share: a signature with what it covers, and members that may be
//! missing.

use registry_core::crypto::Suite;
use serde_json::{Map, Value};

use super::error::ViewError;

/// Rule of a NumericDate, as errors state it.
pub(super) const SECONDS: &str = "seconds, a whole number";

/// A signature and what it covers.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) suite: Suite,
    pub(super) method: Option<String>,
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A member that may be missing, but not be wrong.
pub(super) fn optional<'a, V, T>(
    value: Option<&'a V>,
    field: &'static str,
    rule: &'static str,
    read: impl FnOnce(&'a V) -> Option<T>,
) -> Result<Option<T>, ViewError> {
    value.map(|value| read(value).ok_or(ViewError::malformed(field, rule))).transpose()
}

/// A NumericDate of a JWT, in ms.
pub(super) fn seconds(
    claims: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<u64>, ViewError> {
    optional(claims.get(field), field, SECONDS, |value| value.as_u64()?.checked_mul(1_000))
}
