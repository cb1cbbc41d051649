//! Counts the governors that can still sign, and checks that enough of them remain
//! (docs/protocol/governance.md, rule GV8).

use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, Bytes};
use registry_core::did::{Member, Sets};
use registry_core::governance::{Governors, governors};
use registry_core::id::Did;
use registry_core::record::{Entry, Part, PartId, RecordKey, RecordView, StoreError};

use super::actors::control_of;
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
        let counts = governors.members.contains(did) && can_sign(view, did)?;
        count = count.saturating_add(usize::from(counts));
    }
    Ok(count)
}

/// Returns true if the DID is registered and not deactivated.
pub(crate) fn is_live(view: &dyn RecordView, did: &Did) -> Result<bool, StoreError> {
    Ok(control_of(view, did)?.is_some())
}

/// Returns true if the members of the DID's control set that can still sign reach its threshold.
fn can_sign(view: &dyn RecordView, did: &Did) -> Result<bool, StoreError> {
    let Some(control) = control_of(view, did)? else { return Ok(false) };
    let mut live: usize = 0;
    for member in &control.members {
        let counts = match member {
            Member::Key(_) => true,
            Member::Did(did) => control_of(view, did)?.is_some_and(|own| own.keys_suffice()),
        };
        live = live.saturating_add(usize::from(counts));
    }
    Ok(live >= usize::from(control.threshold))
}

/// Records as they will be when a DID is deactivated.
struct Without<'v> {
    view: &'v dyn RecordView,
    gone: RecordKey,
}

impl RecordView for Without<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let entry = self.view.entry(key)?;
        Ok(entry.map(|Entry { record, mut parts }| {
            if *key == self.gone {
                let control = parts.iter_mut().filter(|part| part.id == PartId::CONTROL);
                control.for_each(|part| part.value = Bytes(codec::encode(&None::<Sets>)));
            }
            Entry { record, parts }
        }))
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        let part = self.view.part(key, id)?;
        let is_gone = *key == self.gone && id == PartId::CONTROL;
        Ok(part.map(|part| match is_gone {
            true => Part { value: Bytes(codec::encode(&None::<Sets>)), ..part },
            false => part,
        }))
    }
}

/// Checks rule GV8: a DID cannot be deactivated if that leaves too few live governors. The DID may
/// be a governor or a member of one.
pub(crate) fn check_deactivation(view: &dyn RecordView, did: &Did) -> Result<(), ApplyError> {
    let Some(governors) = governors(view)? else { return Ok(()) };
    let Governors { threshold, members } = &governors;
    if !concerns(view, members, did)? {
        return Ok(());
    }
    let without = Without { view, gone: RecordKey::did(&did.suffix) };
    let left = live_count(&governors, &without, members)?;
    if left >= usize::from(*threshold) || left == live_count(&governors, view, members)? {
        return Ok(());
    }
    let detail = format!(
        "{left} governors would be live, {threshold} are needed; name other governors or a lower \
         threshold before {did} is deactivated"
    );
    Err(Refusal::new(Code::GovernorsTooFew, "author", detail).into())
}

/// Returns true if the DID is a governor or a member of one. Only then must all be counted.
fn concerns(view: &dyn RecordView, governors: &[Did], did: &Did) -> Result<bool, StoreError> {
    for governor in governors {
        let control = control_of(view, governor)?;
        if governor == did || control.is_some_and(|set| set.dids().any(|member| member == did)) {
            return Ok(true);
        }
    }
    Ok(false)
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
