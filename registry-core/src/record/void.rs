//! Voids: things of which their maker declared that they never were (docs/protocol/records.md,
//! section "Voids").

use serde::{Deserialize, Serialize};

use super::{Kind, RecordKey, RecordValue, RecordView, StoreError};
use crate::crypto::Hash;
use crate::id::Did;

/// Value of a record that is named by the operation which made a thing: a grant, a delegation, a
/// recognition, a schema or a credential type. The record is written when the thing is voided, or
/// when another takes its place while it can still be voided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Void {
    /// Record in which the thing is or was.
    pub of: RecordKey,
    /// DID that made the thing. It alone can void it.
    pub by: Did,
    /// Block time in ms at which the thing was made.
    pub since: u64,
    /// Block time in ms of the void. From then on it is known that the thing never was. `None` if
    /// the thing has only left its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided: Option<u64>,
}

impl RecordValue for Void {
    const KIND: Kind = Kind::Void;
}

/// Returns the block time in ms at which a thing was voided, as far as the view knows; `None` if it
/// was not. `made` is the operation that made the thing. `stands` says that the thing is in its
/// place at the moment of the view, neither revoked nor withdrawn. Then only later knowledge can
/// say that it is void.
pub fn voided_since(
    view: &dyn RecordView,
    made: &Hash,
    stands: bool,
) -> Result<Option<u64>, StoreError> {
    let key = RecordKey::void(made);
    let found = match (view.known(), stands) {
        (Some(known), _) => known.entry(&key)?,
        (None, false) => view.entry(&key)?,
        (None, true) => None,
    };
    let Some(entry) = found else { return Ok(None) };
    Ok(entry.value::<Void>()?.voided)
}
