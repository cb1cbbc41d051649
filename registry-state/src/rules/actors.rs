//! Reads the state of DIDs that act or that are members of a set.

use registry_core::code::{Code, Refusal};
use registry_core::did::{DidState, DidValue, KeySet};
use registry_core::id::Did;
use registry_core::record::RecordKey;

use crate::state::{ApplyError, Overlay};

/// Returns the state of a DID that acts. Fails if the DID is not registered or is deactivated.
pub(crate) fn active(overlay: &Overlay<'_>, did: &Did) -> Result<Box<DidState>, ApplyError> {
    let Some(head) = overlay.head(&RecordKey::did(&did.suffix))? else {
        let detail = format!("{did} is not registered");
        return Err(Refusal::new(Code::DidNotFound, "author", detail).into());
    };
    match overlay.did_value(&head)? {
        DidValue::Active(state) => Ok(state),
        DidValue::Deactivated => {
            let detail = format!("{did} is deactivated");
            Err(Refusal::new(Code::DidDeactivated, "author", detail).into())
        }
    }
}

/// Returns the control set of a DID; `None` if the DID is not registered or is deactivated.
pub(crate) fn control_of(overlay: &Overlay<'_>, did: &Did) -> Result<Option<KeySet>, ApplyError> {
    let Some(head) = overlay.head(&RecordKey::did(&did.suffix))? else { return Ok(None) };
    Ok(match overlay.did_value(&head)? {
        DidValue::Active(state) => Some(state.sets.control),
        DidValue::Deactivated => None,
    })
}
