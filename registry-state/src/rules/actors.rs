//! Reads the sets of DIDs that act or that are members of a set. Each read is of one part of the
//! DID's record, however large the others are.

use registry_core::code::{Code, Refusal};
use registry_core::did::{Document, KeySet, RecoveryPart, Sets};
use registry_core::id::Did;
use registry_core::record::{PartId, RecordKey, RecordView, StoreError};

use crate::state::ApplyError;

/// Returns the sets of a DID that acts. Fails if the DID is not registered or is deactivated.
pub(crate) fn active(view: &dyn RecordView, did: &Did) -> Result<Sets, ApplyError> {
    let refusal = |code, detail: String| Err(Refusal::new(code, "author", detail).into());
    match view.part(&RecordKey::did(&did.suffix), PartId::CONTROL)? {
        None => refusal(Code::DidNotFound, format!("{did} is not registered")),
        Some(part) => match part.value::<Option<Sets>>()? {
            Some(sets) => Ok(sets),
            None => refusal(Code::DidDeactivated, format!("{did} is deactivated")),
        },
    }
}

/// Returns the control set of a DID; `None` if the DID is not registered or is deactivated.
pub(crate) fn control_of(view: &dyn RecordView, did: &Did) -> Result<Option<KeySet>, StoreError> {
    let part = view.part(&RecordKey::did(&did.suffix), PartId::CONTROL)?;
    let sets = part.map(|part| part.value::<Option<Sets>>()).transpose()?;
    Ok(sets.flatten().map(|sets| sets.control))
}

/// Returns the document of a DID that is not deactivated.
pub(crate) fn document_of(view: &dyn RecordView, did: &Did) -> Result<Document, StoreError> {
    let part = view.part(&RecordKey::did(&did.suffix), PartId::DOCUMENT)?;
    part.ok_or_else(|| StoreError::new(format!("{did} has no document")))?.value()
}

/// Returns the pending recovery of a DID and when the next may start.
pub(crate) fn recovery_of(
    view: &dyn RecordView,
    did: &RecordKey,
) -> Result<RecoveryPart, StoreError> {
    let part = view.part(did, PartId::RECOVERY)?;
    Ok(part.map(|part| part.timed()).transpose()?.unwrap_or_default())
}
