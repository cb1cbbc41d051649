//! Counts the governors that can still sign, and checks that enough of them remain
//! (docs/protocol/governance.md, rule GV8). A DID can sign if it is registered and not deactivated.

use registry_core::code::{Code, Refusal};
use registry_core::did::DidValue;
use registry_core::governance::{Governors, governors};
use registry_core::id::Did;
use registry_core::record::{RecordKey, RecordView, StoreError};

use crate::state::ApplyError;

/// Checks rule GV8: at least as many governors as the threshold needs can still sign.
pub(crate) fn check_live(governors: &Governors, view: &dyn RecordView) -> Result<(), ApplyError> {
    let Governors { threshold, members } = governors;
    let live = live_count(governors, view, members)?;
    if live < usize::from(*threshold) {
        let of = members.len();
        let detail = format!("{live} of {of} governors are live, {threshold} are needed");
        return Err(Refusal::new(Code::GovernorsTooFew, "change", detail).into());
    }
    Ok(())
}

/// Returns how many of `dids` are governors and can still sign.
pub(crate) fn live_count<'d>(
    governors: &Governors,
    view: &dyn RecordView,
    dids: impl IntoIterator<Item = &'d Did>,
) -> Result<usize, StoreError> {
    let mut count: usize = 0;
    for did in dids {
        let counts = governors.members.contains(did) && is_live(view, did)?;
        count = count.saturating_add(usize::from(counts));
    }
    Ok(count)
}

/// Returns true if the DID is registered and not deactivated.
pub(crate) fn is_live(view: &dyn RecordView, did: &Did) -> Result<bool, StoreError> {
    let entry = view.entry(&RecordKey::did(&did.suffix))?;
    Ok(entry.is_some_and(|entry| !DidValue::is_deactivated(&entry.value.0)))
}

/// Checks rule GV8: a governor cannot be deactivated if too few governors would be left.
pub(crate) fn check_deactivation(view: &dyn RecordView, did: &Did) -> Result<(), ApplyError> {
    let Some(governors) = governors(view)?.filter(|governors| governors.members.contains(did))
    else {
        return Ok(());
    };
    let others = governors.members.iter().filter(|member| *member != did);
    let (left, threshold) = (live_count(&governors, view, others)?, governors.threshold);
    if left < usize::from(threshold) {
        let detail = format!("{left} governors would be left, {threshold} are needed");
        return Err(Refusal::new(Code::GovernorsTooFew, "author", detail).into());
    }
    Ok(())
}

/// Returns the first governor that is not registered or is deactivated.
pub(crate) fn missing_member<'g>(
    view: &dyn RecordView,
    governors: &'g Governors,
) -> Result<Option<&'g Did>, StoreError> {
    for did in &governors.members {
        if !is_live(view, did)? {
            return Ok(Some(did));
        }
    }
    Ok(None)
}
