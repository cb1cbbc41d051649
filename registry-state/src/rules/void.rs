//! Rules of voids (docs/protocol/records.md, section "Voids"): the DID that made a thing declares
//! that it never was. Things are grants, delegations, recognitions, schemas and versions of
//! credential types.

use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::limits::VOID_MS_MAX;
use registry_core::record::{PartWrite, RecordKey, RecordView, Void};
use registry_core::time::TimeMs;

use super::request::{By, Written};
use crate::state::{ApplyError, whole};

/// A thing as the record in which it stands describes it.
pub(super) struct Thing<'t> {
    /// Operation that made the thing.
    pub(super) made: Hash,
    /// DID that made the thing.
    pub(super) by: &'t Did,
    /// Block time in ms at which the thing was made.
    pub(super) since: u64,
}

/// Returns what keeps a thing voidable whose place another thing takes. Returns `None` if it can no
/// longer be voided, or is void already.
pub(super) fn leave(
    view: &dyn RecordView,
    by: By<'_>,
    of: &RecordKey,
    thing: &Thing<'_>,
) -> Result<Option<(RecordKey, Vec<PartWrite>)>, ApplyError> {
    let key = RecordKey::void(&thing.made);
    if by.time_ms > last_ms(thing.since) || view.entry(&key)?.is_some() {
        return Ok(None);
    }
    let void = Void { of: of.clone(), by: thing.by.clone(), since: thing.since, voided: None };
    Ok(Some((key, whole(codec::encode(&void)))))
}

/// Checks rules VO2 to VO4 and returns what the void of the thing that `made` has made writes.
/// `standing` is that thing if it is still in its place in the record `of`, with the parts that end
/// it there; the parts are empty if it has ended. `unknown` refuses what the author did not make.
pub(super) fn declare(
    view: &dyn RecordView,
    by: By<'_>,
    made: Hash,
    of: RecordKey,
    standing: Option<(Thing<'_>, Vec<PartWrite>)>,
    unknown: impl FnOnce(String) -> Refusal,
) -> Result<Written, ApplyError> {
    let noted = view.entry(&RecordKey::void(&made))?;
    let noted = noted.map(|entry| entry.value::<Void>()).transpose()?;
    let (void, ends) = match (noted, standing) {
        (Some(noted), standing) => (noted, standing.map(|(_, ends)| ends).unwrap_or_default()),
        (None, Some((Thing { by, since, .. }, ends))) => {
            (Void { of: of.clone(), by: by.clone(), since, voided: None }, ends)
        }
        (None, None) if made == Hash::ZERO => {
            return Err(unknown(format!("{} has made nothing here", by.author)).into());
        }
        (None, None) => {
            return Err(unknown(format!("operation {made} made nothing here that is known")).into());
        }
    };
    if void.of != of {
        return Err(unknown(format!("operation {made} made something else")).into());
    }
    if void.by != *by.author {
        let maker = &void.by;
        return Err(
            unknown(format!("operation {made} is that of {maker}, which can void it")).into()
        );
    }
    if let Some(voided) = void.voided {
        let detail = format!("void since {}", TimeMs(voided).millis());
        return Err(Refusal::new(Code::VoidedAlready, "guard", detail).into());
    }
    let last_ms = last_ms(void.since);
    if by.time_ms > last_ms {
        let (made, last) = (TimeMs(void.since).millis(), TimeMs(last_ms).millis());
        let detail = format!("made at {made}, so it could be voided until {last}");
        return Err(Refusal::new(Code::VoidTooLate, "void", detail).into());
    }
    let void = Void { voided: Some(by.time_ms), ..void };
    let beside = if ends.is_empty() { Vec::new() } else { vec![(of, ends)] };
    Ok(Written { parts: whole(codec::encode(&void)), beside })
}

/// Returns the last block time in ms at which a thing can be voided that was made at `since`.
fn last_ms(since: u64) -> u64 {
    since.saturating_add(VOID_MS_MAX)
}
