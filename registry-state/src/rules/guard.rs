//! Guards against the state (docs/protocol/operations.md, section "Guards"): what the guard of an
//! action must be now, and whether an operation can be applied at this block time.

use registry_core::agent::Delegation;
use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::did::RecoveryPart;
use registry_core::id::Did;
use registry_core::operation::{Action, Covers, Guard, Operation};
use registry_core::record::{Entry, Kind, PartId, RecordKey, RecordView, StoreError};
use registry_core::schema::{CredentialType, Schema};
use registry_core::trust::{Grant, Grants, Recognition};

use super::checked::Checked;
use crate::state::{ApplyError, Context, Overlay, TransientKey, TransientKind};

/// Returns the guard that an operation with this action needs over the records of `view`. `key` is
/// the record that it writes. Returns `None` if there is nothing that the guard could name, such as
/// a pending recovery where none is pending; the rules of the action then refuse the operation.
pub fn needed(
    view: &dyn RecordView,
    action: &Action,
    author: Option<&Did>,
    key: &RecordKey,
) -> Result<Option<Guard>, StoreError> {
    let covers = action.covers();
    if covers == Covers::Nothing {
        return Ok(Some(Guard::Nothing));
    }
    let Some(entry) = view.entry(key)? else {
        let makes = matches!(covers, Covers::NoRecord | Covers::Record | Covers::OwnSlot);
        return Ok(makes.then_some(Guard::Absent));
    };
    of_entry(covers, &entry, author)
}

fn of_entry(
    covers: Covers,
    entry: &Entry,
    author: Option<&Did>,
) -> Result<Option<Guard>, StoreError> {
    let own = |pick: fn(&Grant) -> Option<Hash>| {
        let grants: Grants = entry.value()?;
        let own = author.and_then(|author| grants.by(author));
        Ok::<_, StoreError>(own.and_then(pick))
    };
    let named = match covers {
        Covers::Nothing => return Ok(Some(Guard::Nothing)),
        Covers::NoRecord => None,
        Covers::Parts(parts) => {
            return Ok(Some(Guard::of_parts(entry, parts.iter().copied())));
        }
        Covers::Record => {
            let parts = entry.parts.iter().map(|part| part.id);
            return Ok(Some(Guard::of_parts(entry, parts)));
        }
        Covers::OwnSlot => {
            let grants: Grants = entry.value()?;
            let slot = author.and_then(|author| grants.slot_of(author));
            let slot = slot.map(|slot| Guard::of_parts(entry, [slot]));
            return Ok(Some(slot.unwrap_or(Guard::Absent)));
        }
        Covers::PendingRecovery => {
            let recovery = entry.part(PartId::RECOVERY).map(|part| part.timed()).transpose()?;
            let RecoveryPart { pending, .. } = recovery.unwrap_or_default();
            pending.map(|pending| pending.operation)
        }
        Covers::OwnGrant => own(|grant| Some(grant.made))?,
        Covers::GrantSuspension => own(|grant| grant.suspended)?,
        Covers::DelegationSuspension => entry.value::<Delegation>()?.suspended,
        Covers::Made => made_by(entry, author)?,
    };
    Ok(named.map(Guard::Operation))
}

/// Returns the operation that made what a void of the author's would be about if it were prepared
/// now: the thing that is in its place.
fn made_by(entry: &Entry, author: Option<&Did>) -> Result<Option<Hash>, StoreError> {
    Ok(match entry.record.kind {
        Kind::Grant => {
            let grants: Grants = entry.value()?;
            author.and_then(|author| grants.by(author)).map(|grant| grant.made)
        }
        Kind::Delegation => Some(entry.value::<Delegation>()?.made),
        Kind::Recognition => Some(entry.value::<Recognition>()?.made),
        Kind::Schema => Some(entry.value::<Schema>()?.made),
        Kind::CredentialType => Some(entry.value::<CredentialType>()?.made),
        Kind::Did
        | Kind::Status
        | Kind::Governance
        | Kind::Proposal
        | Kind::Ready
        | Kind::Roots
        | Kind::Void => None,
    })
}

/// Checks the guard of an operation against the state so far.
pub(crate) fn check(view: &dyn RecordView, checked: &Checked) -> Result<(), ApplyError> {
    let Operation { guard: given, author, action, .. } = checked.operation();
    if *given == Guard::Nothing {
        return Ok(());
    }
    let key = checked.record_key();
    // What a void names need not be in its place any more, so the rules of the action look for it.
    let needed = match action.is_void() {
        true => None,
        false => needed(view, action, author.as_ref(), key)?,
    };
    if needed == Some(*given) {
        return Ok(());
    }
    let head = view.entry(key)?;
    if head.is_some_and(|head| head.record.operation == checked.id()) {
        let detail = "the newest version of the record is by this operation";
        return Err(Refusal::new(Code::AlreadyApplied, "guard", detail).into());
    }
    Err(match (given, needed) {
        (Guard::Absent, _) => exists(action),
        (Guard::Parts(_), None | Some(Guard::Absent)) => key.kind.missing(),
        // There is nothing to name, and the rules of the action say why.
        (Guard::Operation(_), None) => return Ok(()),
        (Guard::Operation(given), Some(Guard::Operation(actual))) => {
            stale(format!("made for what {given} did, the present one is by {actual}"))
        }
        (Guard::Parts(given), Some(Guard::Parts(actual))) => {
            stale(format!("made for parts {given}, they are {actual} now"))
        }
        (given, needed) => stale(format!("made for {given:?}, {needed:?} is needed now")),
    }
    .into())
}

fn exists(action: &Action) -> Refusal {
    let is_slot = action.covers() == Covers::OwnSlot;
    let what = if is_slot { "the author has granted the right" } else { "the record exists" };
    Refusal::new(Code::AlreadyExists, "guard", what)
}

fn stale(detail: String) -> Refusal {
    Refusal::new(Code::GuardStale, "guard", detail)
}

/// Checks that block time is within the window before the operation's `until`, and that an
/// operation which may be applied once only was not applied before.
pub(crate) fn check_deadline(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<(), ApplyError> {
    let operation = checked.operation();
    let Some(until) = operation.until else { return Ok(()) };
    check_until(until, operation.deadline().window_ms(), context.time_ms)?;
    match seen(checked) {
        Some(key) if overlay.transient(&key)?.is_some() => {
            let detail = "its id is among the seen";
            Err(Refusal::new(Code::AlreadyApplied, "guard", detail).into())
        }
        Some(_) | None => Ok(()),
    }
}

fn check_until(until: u64, window_ms: Option<u64>, time_ms: u64) -> Result<(), Refusal> {
    if time_ms > until {
        let detail = format!("block time {time_ms} is past {until}");
        return Err(Refusal::new(Code::UntilPassed, "until", detail));
    }
    match window_ms {
        Some(window_ms) if until.saturating_sub(window_ms) > time_ms => {
            let detail = format!("{until} is more than {window_ms} ms after {time_ms}");
            Err(Refusal::new(Code::UntilTooFar, "until", detail))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns the leaf that marks an operation as seen; `None` if its guard alone makes sure that it
/// is applied at most once.
pub(crate) fn seen(checked: &Checked) -> Option<TransientKey> {
    let operation = checked.operation();
    let until = operation.until.filter(|_| operation.deadline().is_once())?;
    Some(TransientKey { expires_ms: until, kind: TransientKind::Seen, id: checked.id().0.to_vec() })
}

#[cfg(test)]
mod tests;
