//! Rules of each status action (docs/protocol/status.md, section "Rules").

use super::request::Request;
use super::{author, window};
use crate::state::{ApplyError, Change, Effect, Overlay, Quota, TransientKey, TransientKind};
use registry_core::code::{Code, Refusal};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{
    DOCUMENT_TIME_MS_END, HOUR_MS, STATUS_BITS_MAX, STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX,
    STATUS_DELEGATES_MAX, STATUS_MESSAGE_BYTES_MAX,
};
use registry_core::record::{Entry, PartWrite, RecordKey};
use registry_core::status::{
    Bits, Delegate, EntryChanges, Run, StatusCreate, StatusList, StatusPurpose, StatusSet,
    StatusUpdate,
};
use registry_core::text;
use registry_core::time::TimeMs;
use registry_core::uri::{self, UriUse};

/// Checks rule ST1: the form of an update.
pub(super) fn check_terms(update: &StatusUpdate, network: &NetworkName) -> Result<(), Refusal> {
    window::check(Code::StatusInvalid, None, update.valid_until)?;
    check_delegates(&update.delegates, network)
}

/// Checks rule ST1: the form of a list.
pub(super) fn check_create(create: &StatusCreate, network: &NetworkName) -> Result<(), Refusal> {
    let widths: &[u8] = match create.purpose {
        StatusPurpose::Message => &[1, 2, 4, 8],
        StatusPurpose::Revocation | StatusPurpose::Suspension | StatusPurpose::Refresh => &[1],
    };
    if !widths.contains(&create.bits) {
        let detail = format!("{} bits where one of {widths:?} is expected", create.bits);
        return Err(Refusal::new(Code::StatusWidth, "bits", detail));
    }
    let bits = create.length.saturating_mul(u64::from(create.bits));
    if bits == 0 || bits > STATUS_BITS_MAX {
        let detail = format!("{} entries make {bits} bits", create.length);
        let detail = format!("{detail}, 1 to {STATUS_BITS_MAX} are allowed");
        return Err(Refusal::new(Code::StatusLength, "length", detail));
    }
    if let Some(rule) = create.uri.as_ref().and_then(|text| uri::refusal(text, UriUse::Page)) {
        return Err(Refusal::new(Code::StatusUri, "uri", rule));
    }
    window::check(Code::StatusInvalid, create.valid_from, create.valid_until)?;
    check_delegates(&create.delegates, network)?;
    check_ranges(&create.delegates, create.length)?;
    check_messages(create)
}

fn check_delegates(delegates: &[Delegate], network: &NetworkName) -> Result<(), Refusal> {
    let invalid = |field, detail| Err(Refusal::new(Code::StatusInvalid, field, detail));
    if delegates.len() > STATUS_DELEGATES_MAX {
        let detail = format!("{} delegates, at most {STATUS_DELEGATES_MAX}", delegates.len());
        return invalid("delegates".to_owned(), detail);
    }
    if !delegates.is_sorted_by(|first, second| first.did < second.did) {
        let detail = "must ascend strictly by DID, each once".to_owned();
        return invalid("delegates".to_owned(), detail);
    }
    for (index, delegate) in delegates.iter().enumerate() {
        if delegate.did.network != *network {
            let detail = format!("{} is not on network {network}", delegate.did);
            let field = format!("delegates/{index}/did");
            return Err(Refusal::new(Code::NetworkMismatch, field, detail));
        }
        if delegate.valid_until.is_some_and(|time| time >= DOCUMENT_TIME_MS_END) {
            let field = format!("delegates/{index}/valid_until");
            return invalid(field, "beyond the year 9999".to_owned());
        }
        let most = STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX;
        if !(1..=most).contains(&delegate.entries_per_hour) {
            let field = format!("delegates/{index}/entries_per_hour");
            let detail = format!("{}, 1 to {most} are allowed", delegate.entries_per_hour);
            return invalid(field, detail);
        }
    }
    Ok(())
}

/// Checks that each delegate may set at least one entry, and entries of the list only.
fn check_ranges(delegates: &[Delegate], length: u64) -> Result<(), Refusal> {
    for (index, delegate) in delegates.iter().enumerate() {
        let within = delegate.end().is_some_and(|end| end <= length);
        if delegate.length == 0 || !within {
            let (start, entries) = (delegate.start, delegate.length);
            let field = format!("delegates/{index}/length");
            let detail = format!(
                "{entries} entries from {start}; a delegate has at least one entry, and the list \
                 has {length}"
            );
            return Err(Refusal::new(Code::StatusInvalid, field, detail));
        }
    }
    Ok(())
}

/// Checks that there is a message for each value or none at all, as W3C Bitstring Status List
/// demands, and that people can read each one as it was written.
fn check_messages(create: &StatusCreate) -> Result<(), Refusal> {
    let invalid = |detail| Err(Refusal::new(Code::StatusInvalid, "messages", detail));
    if create.messages.is_empty() {
        return Ok(());
    }
    if create.purpose != StatusPurpose::Message {
        return invalid("only lists of purpose message have messages".to_owned());
    }
    let values = 1usize.checked_shl(u32::from(create.bits)).unwrap_or_default();
    if create.messages.len() != values {
        let actual = create.messages.len();
        return invalid(format!("{actual} messages where {values}, one a value, are expected"));
    }
    if let Some(text) = create.messages.iter().find(|text| text.len() > STATUS_MESSAGE_BYTES_MAX) {
        return invalid(format!("{} bytes, at most {STATUS_MESSAGE_BYTES_MAX}", text.len()));
    }
    for (index, message) in create.messages.iter().enumerate() {
        if let Some((offset, character)) = text::hidden(message) {
            let field = format!("messages/{index}");
            let rule = "control and bidi characters are not allowed, remove it";
            let detail = format!("{character:?} at byte {offset}: {rule}");
            return Err(Refusal::new(Code::StatusInvalid, field, detail));
        }
    }
    Ok(())
}

/// Returns what a new list writes. Its array has no part until an entry is set. The operation's
/// guard ensures that the list does not exist.
pub fn create(issuer: &Did, create: &StatusCreate) -> Vec<PartWrite> {
    vec![StatusList::new(issuer.clone(), create.clone()).terms_part()]
}

/// Checks rules ST2 to ST8 of new values for entries. The array is read last, and only if no
/// earlier operation of the block has read it.
pub(super) fn set<'c>(
    request: &Request<'_, 'c>,
    set: &'c StatusSet,
) -> Result<Effect<'c>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let writer = author::check(overlay, context, checked)?;
    let key = checked.record_key().clone();
    let changes = &set.changes;
    let list: StatusList = head(overlay, &key)?.value()?;
    let transient = check_set(request, &list, writer, changes)?;
    if let Some(open) = overlay.open_list(&key) {
        check_values(&list, &open.array, changes)?;
        let change = Change::Entries { opened: None, changes };
        let (beside, array_bytes) = Default::default();
        return Ok(Effect { key, change, beside, transient, array_bytes });
    }
    let array_bytes = overlay.room_for_array(&key, &list)?;
    let array = overlay.status_array(&key, &list)?;
    check_values(&list, &array, changes)?;
    let change = Change::Entries { opened: Some(array), changes };
    Ok(Effect { key, change, beside: Vec::new(), transient, array_bytes })
}

/// Checks rules ST3 to ST6, which need no array. Returns the new value of the counter of the
/// delegate that signed; nothing if the issuer signed.
fn check_set(
    request: &Request<'_, '_>,
    list: &StatusList,
    writer: &Did,
    changes: &EntryChanges,
) -> Result<Vec<(TransientKey, Vec<u8>)>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let delegate = check_writer(list, writer, context.time_ms)?;
    check_entries(list, delegate, changes)?;
    let Some(delegate) = delegate else { return Ok(Vec::new()) };
    let id = [&checked.record_key().key.0[..], &writer.suffix.0[..]].concat();
    let (hour, limit) = ((context.time_ms, HOUR_MS), delegate.entries_per_hour);
    let quota = Quota::read(overlay, (TransientKind::DelegateQuota, id), hour, limit)?;
    let (used, refills_ms, named) = (quota.used(), quota.ends_ms(), changes.count());
    let leaf = quota.take_many(named).ok_or_else(|| {
        let detail = format!(
            "the set names {named} entries and {writer} has named {used} in this hour, {limit} are \
             allowed; its number refills at {}",
            TimeMs(refills_ms).millis()
        );
        Refusal::new(Code::StatusDelegateQuota, "changes", detail)
    })?;
    Ok(vec![leaf])
}

/// Checks rules ST2 to ST4 and replaces the end of validity and the delegates of a list.
pub(super) fn update(
    request: &Request<'_, '_>,
    update: &StatusUpdate,
) -> Result<Effect<'static>, ApplyError> {
    change(request, |list, author| {
        check_update(list, author, update)?;
        list.valid_until = update.valid_until;
        list.delegates = update.delegates.clone();
        Ok(())
    })
}

/// Checks rules ST2 to ST4 and closes a list.
pub(super) fn close(request: &Request<'_, '_>) -> Result<Effect<'static>, ApplyError> {
    change(request, |list, author| {
        check_close(list, author)?;
        list.closed = true;
        Ok(())
    })
}

/// Returns the effect of an action that edits the list's own fields, as `make` does.
fn change(
    request: &Request<'_, '_>,
    make: impl FnOnce(&mut StatusList, &Did) -> Result<(), Refusal>,
) -> Result<Effect<'static>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let author = author::check(overlay, context, checked)?;
    let key = checked.record_key().clone();
    let mut list: StatusList = head(overlay, &key)?.value()?;
    make(&mut list, author)?;
    // The end of the block reads the array of a list once, if at all.
    let array_bytes =
        if overlay.changed(&key) { 0 } else { overlay.room_for_array(&key, &list)? };
    Ok(Effect { array_bytes, ..Effect::parts(key, vec![list.terms_part()]) })
}

/// Checks rule ST2: the list exists.
fn head(overlay: &Overlay<'_>, key: &RecordKey) -> Result<Entry, ApplyError> {
    let head = overlay.head(key)?;
    head.ok_or_else(|| key.kind.missing().into())
}

/// Checks rules ST3 and ST4 for new values at block time `time_ms` (Unix time in milliseconds).
/// Returns the delegation by which the writer may set entries; `None` if it is the issuer, whose
/// entries are not limited.
pub fn check_writer<'l>(
    list: &'l StatusList,
    writer: &Did,
    time_ms: u64,
) -> Result<Option<&'l Delegate>, Refusal> {
    if list.issuer == *writer {
        return check_open(list).map(|()| None);
    }
    let delegate = list.delegates.iter().find(|delegate| delegate.did == *writer);
    let Some(delegate) = delegate else {
        let issuer = &list.issuer;
        let detail = format!("{writer} is neither the issuer {issuer} nor a delegate");
        return Err(Refusal::new(Code::StatusNotAllowed, "author", detail));
    };
    if !delegate.is_valid_at(time_ms) {
        let until = delegate.valid_until.unwrap_or(time_ms);
        let detail = format!("{writer} was a delegate until {until}, now is {time_ms}");
        return Err(Refusal::new(Code::StatusDelegateExpired, "author", detail));
    }
    check_open(list).map(|()| Some(delegate))
}

/// Checks rules ST3 and ST4 for an update. It also checks the validity window and the ranges of
/// delegates again, since start and length are known only from the stored list.
pub fn check_update(list: &StatusList, author: &Did, update: &StatusUpdate) -> Result<(), Refusal> {
    check_close(list, author)?;
    window::check(Code::StatusInvalid, list.valid_from, update.valid_until)?;
    check_ranges(&update.delegates, list.length)
}

/// Checks rules ST3 and ST4 for a close.
pub fn check_close(list: &StatusList, author: &Did) -> Result<(), Refusal> {
    if list.issuer != *author {
        let detail = format!("{author} is not the issuer {}", list.issuer);
        return Err(Refusal::new(Code::StatusNotAllowed, "author", detail));
    }
    check_open(list)
}

/// Checks rule ST4: the list is not closed.
fn check_open(list: &StatusList) -> Result<(), Refusal> {
    if list.closed {
        return Err(Refusal::new(Code::StatusClosed, "list", "the list is closed"));
    }
    Ok(())
}

/// Checks rule ST5, and of rule ST6 the range of the delegate that signed; `delegate` is `None` if
/// the issuer signed. Each check looks at all changes before the next one.
pub fn check_entries(
    list: &StatusList,
    delegate: Option<&Delegate>,
    changes: &EntryChanges,
) -> Result<(), Refusal> {
    let beyond = |run: &Run| run.end().is_none_or(|end| end > list.length);
    let detail = format!("not all are below {}", list.length);
    refuse(changes.runs().find(beyond), Code::StatusRange, &detail)?;
    let max = u8::MAX.checked_shr(u32::from(8u8.saturating_sub(list.bits))).unwrap_or(u8::MAX);
    let too_large = |run: &Run| run.value > max || run.expect.is_some_and(|value| value > max);
    let detail = format!("one gets or expects a value above {max}");
    refuse(changes.runs().find(too_large), Code::StatusValue, &detail)?;
    let Some(delegate) = delegate else { return Ok(()) };
    let outside = |run: &Run| !delegate.covers(run);
    let Delegate { did, start, length, .. } = delegate;
    let detail = format!("not all are among the {length} from {start} that {did} may set");
    refuse(changes.runs().find(outside), Code::StatusDelegateRange, &detail)
}

/// Checks rules ST7 and ST8 against the present array. Each rule is checked for all changes before
/// the next rule.
pub fn check_values(
    list: &StatusList,
    array: &Bits,
    changes: &EntryChanges,
) -> Result<(), Refusal> {
    if list.purpose == StatusPurpose::Revocation {
        // Entries of such a list have one bit (ST1), so a value gets smaller only if a set bit is
        // cleared.
        let clears =
            |run: &Run| run.value == 0 && !array.is_filled(run.start, run.length, run.value);
        let detail = "one is revoked, which is final";
        refuse(changes.runs().find(clears), Code::StatusIrreversible, detail)?;
    }
    let unexpected =
        |run: &Run| run.expect.is_some_and(|value| !array.is_filled(run.start, run.length, value));
    let detail = "one holds another value than expected";
    refuse(changes.runs().find(unexpected), Code::StatusUnexpected, detail)
}

/// Refuses the changes if a run among them breaks a rule.
fn refuse(run: Option<Run>, code: Code, detail: &str) -> Result<(), Refusal> {
    match run {
        None => Ok(()),
        Some(Run { start, length, .. }) => {
            let detail = format!("of {length} entries from {start} {detail}");
            Err(Refusal::new(code, "changes", detail))
        }
    }
}
