//! Lookup of the DIDs that act: their records, and the state of those that may act at present.

use registry_core::code::{Code, Refusal};
use registry_core::did::{DidState, DidValue};
use registry_core::governance::{self, PUBLISHING};
use registry_core::id::Did;
use registry_core::record::{Entry, Kind, RecordKey, RecordView};
use registry_state::state::ApplyError;

/// Returns the key of the record from which a DID of this network is resolved. For the network's
/// own DID, which no operation can write, that is the record of the publishing keys.
pub(crate) fn did_key(network_did: &Did, did: &Did) -> RecordKey {
    if did == network_did {
        return governance::key(PUBLISHING);
    }
    RecordKey::did(&did.suffix)
}

/// Returns the head record of a DID, or the refusal `DID_NOT_FOUND` that an operation on it would
/// get. `field` names the place of the DID in the caller's parameters.
pub(crate) fn did_entry(
    records: &dyn RecordView,
    network_did: &Did,
    did: &Did,
    field: &str,
) -> Result<Entry, ApplyError> {
    let found = match did.network == network_did.network {
        true => records.entry(&did_key(network_did, did))?,
        false => None,
    };
    let absent = || Refusal::new(Code::DidNotFound, field, format!("{did} is not registered"));
    Ok(found.ok_or_else(absent)?)
}

/// Returns the head record of a DID and its state, or the refusal that an operation by it would
/// get. `field` names the place of the DID in the caller's parameters.
pub(crate) fn active(
    records: &dyn RecordView,
    network_did: &Did,
    did: &Did,
    field: &str,
) -> Result<(Entry, Box<DidState>), ApplyError> {
    let entry = did_entry(records, network_did, did, field)?;
    if entry.record.kind != Kind::Did {
        let detail = format!(
            "{did} is the network's own: governance lists its keys, and no operation speaks for it"
        );
        return Err(Refusal::new(Code::DidNotFound, field, detail).into());
    }
    match entry.value::<DidValue>()? {
        DidValue::Active(state) => Ok((entry, state)),
        DidValue::Deactivated => {
            let detail = format!("{did} is deactivated");
            Err(Refusal::new(Code::DidDeactivated, field, detail).into())
        }
    }
}
