//! Vectors of status lists: create, set, update and close.

mod create;
mod delegates;
mod guards;

use registry_core::code::Code;
use registry_core::codec::Bytes;
use registry_core::id::{Did, ListId};
use registry_core::limits::{
    STATUS_BITS_MAX, STATUS_ENTRIES_MAX, STATUS_OPERATION_BYTES_MAX, STATUS_RUNS_MAX,
    STATUS_SET_BYTES_MAX, STATUS_SET_UNTIL_MS,
};
use registry_core::operation::{Action, Operation};
use registry_core::record::{PartId, RecordKey};
use registry_core::status::{
    Delegate, EntryChanges, Run, Scattered, StatusClose, StatusCreate, StatusPurpose, StatusUpdate,
};
use registry_state::state::StateView as _;

use crate::case_operations::{plain_did, plain_sets, registered};
use crate::catalogue::{At, Catalogue, Guarded, document};
use crate::format::EncodingType;
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::status::{
    entries, list_of, plain_list, run, runs, seal_by_method, status_create, status_set,
};
use crate::support::{create, did_of, ed, seal};

const NEVER: u64 = 253_402_300_800_000;

/// Returns a revocation list of 100 entries of one bit.
fn revocations() -> StatusCreate {
    plain_list(StatusPurpose::Revocation, 1, 100)
}

fn suspensions() -> StatusCreate {
    plain_list(StatusPurpose::Suspension, 1, 100)
}

fn message_list(bits: u8) -> StatusCreate {
    plain_list(StatusPurpose::Message, bits, 100)
}

fn creating(list: StatusCreate) -> Vec<u8> {
    seal_by_method(&status_create(&plain_did(), 3, list), ed(10))
}

/// Returns another DID that has the same keys and document.
fn other_did() -> Did {
    did_of(&create(plain_sets(), document(), 2))
}

/// Returns a ledger with two DIDs and a list that the first has issued.
fn with_list(list: StatusCreate) -> (Ledger, ListId) {
    let mut ledger = registered();
    let operation = status_create(&plain_did(), 3, list);
    let other = create(plain_sets(), document(), 2);
    ledger.after(1_000, &[seal(&other, &[ed(10)]), seal_by_method(&operation, ed(10))]);
    (ledger, list_of(&operation))
}

/// Returns one delegate that may set each of 100 entries once an hour.
fn delegated(valid_until: Option<u64>) -> Vec<Delegate> {
    let (start, length, entries_per_hour) = (0, 100, 100);
    vec![Delegate { did: other_did(), start, length, entries_per_hour, valid_until }]
}

/// Returns a set operation that fits into one of the next blocks.
fn set_operation(ledger: &Ledger, author: &Did, list: ListId, changes: EntryChanges) -> Operation {
    status_set(author, ledger.head.time + 60_000, 4, list, changes)
}

fn setting(ledger: &Ledger, list: ListId, changes: EntryChanges) -> Vec<u8> {
    seal_by_method(&set_operation(ledger, &plain_did(), list, changes), ed(10))
}

fn updating(ledger: &Ledger, author: &Did, update: StatusUpdate) -> Vec<u8> {
    seal_by_method(&ledger.operation(author, 5, Action::StatusUpdate(update)), ed(10))
}

fn closing(ledger: &Ledger, list: ListId, author: &Did) -> Vec<u8> {
    let action = Action::StatusClose(StatusClose { list });
    seal_by_method(&ledger.operation(author, 6, action), ed(10))
}

fn no_change(list: ListId) -> StatusUpdate {
    StatusUpdate { list, valid_until: None, delegates: Vec::new() }
}

fn expecting(start: u64, length: u64, value: u8, expect: u8) -> EntryChanges {
    runs(&[Run { expect: Some(expect), ..run(start, length, value) }])
}

/// Returns each action of the family with the kinds of guards that it takes.
pub(crate) fn actions(issuer: &Did) -> Vec<Guarded> {
    let made = status_create(issuer, 7, plain_list(StatusPurpose::Revocation, 1, 8));
    let list = list_of(&made);
    vec![
        (made.action, &["absent"]),
        (status_set(issuer, 0, 7, list, runs(&[run(0, 1, 1)])).action, &["nothing"]),
        (Action::StatusUpdate(no_change(list)), &["parts"]),
        (Action::StatusClose(StatusClose { list }), &["nothing"]),
    ]
}

pub(crate) fn add(all: &mut Catalogue) {
    create::add(all);
    delegates::add(all);
    guards::add(all);
    add_unknown(all);
    add_change_forms(all);
    add_sizes(all);
    add_sets(all);
    add_values(all);
    add_writers(all);
    add_times(all);
    add_updates(all);
    add_closed(all);
    add_blocks(all);
}

fn add_unknown(all: &mut Catalogue) {
    let list = list_of(&status_create(&plain_did(), 3, revocations()));
    let ledger = registered();
    let rule = "The list exists.";
    let code = Code::StatusNotFound;
    let set = set_operation(&ledger, &plain_did(), list, runs(&[run(0, 1, 1)]));
    let at = At::new(&ledger, 1_000, seal_by_method(&set, ed(10)));
    all.refused_at("status_set_of_unknown_list", rule, code, &at);
    let close = closing(&ledger, list, &plain_did());
    all.refused_at("status_close_of_unknown_list", rule, code, &At::new(&ledger, 1_000, close));
    let update = updating(&ledger, &plain_did(), no_change(list));
    all.refused_at("status_update_of_unknown_list", rule, code, &At::new(&ledger, 1_000, update));
}

fn add_change_forms(all: &mut Catalogue) {
    let ledger = registered();
    let list = list_of(&status_create(&plain_did(), 3, revocations()));
    let code = Code::StatusChanges;
    let mut refused = |name: &str, rule: &str, changes: EntryChanges| {
        let envelope = setting(&ledger, list, changes);
        all.refused(&format!("status_set_{name}"), rule, code, &envelope);
    };
    let rule = "A set changes entries.";
    refused("of_no_runs", rule, runs(&[]));
    refused("of_an_empty_run", rule, runs(&[run(1, 0, 1)]));
    refused("of_no_entries", rule, entries(1, &[]));
    let rule = "Runs ascend and do not overlap.";
    refused("of_overlapping_runs", rule, runs(&[run(1, 3, 1), run(3, 1, 1)]));
    refused("of_unsorted_runs", rule, runs(&[run(5, 1, 1), run(1, 1, 1)]));
    refused("of_a_run_twice", rule, runs(&[run(5, 1, 1), run(5, 1, 1)]));
    let rule = "The end of a run is a number.";
    refused("of_a_run_beyond_all_numbers", rule, runs(&[run(u64::MAX, 2, 1)]));
    let rule = "A set has at most 4,096 runs.";
    let many: Vec<Run> = (0..=STATUS_RUNS_MAX as u64).map(|at| run(2 * at, 1, 1)).collect();
    refused("of_4097_runs", rule, runs(&many));
    let rule = "A set has at most 32,768 scattered entries.";
    let many: Vec<u64> = (0..=STATUS_ENTRIES_MAX as u64).collect();
    refused("of_32769_entries", rule, entries(1, &many));
    let rule = "Indexes are LEB128 of at most 32 bits without superfluous bytes.";
    let raw = |bytes: &[u8]| {
        let indexes = Bytes(bytes.to_vec());
        EntryChanges::Entries(Scattered { value: 1, indexes })
    };
    refused("of_indexes_cut_off", rule, raw(&[1, 0x80]));
    refused("of_indexes_with_superfluous_byte", rule, raw(&[0x81, 0]));
    refused("of_an_index_of_33_bits", rule, raw(&[0xff, 0xff, 0xff, 0xff, 0x1f]));
}

fn add_sizes(all: &mut Catalogue) {
    let largest = plain_list(StatusPurpose::Revocation, 1, STATUS_BITS_MAX);
    let (ledger, list) = with_list(largest);
    let far: Vec<u64> = (0..STATUS_ENTRIES_MAX as u64).map(|at| at * 100).collect();
    let rule = "One set changes 32,768 scattered entries.";
    let envelope = setting(&ledger, list, entries(1, &far));
    assert!(envelope.len() <= STATUS_SET_BYTES_MAX);
    all.applied_at("status_set_of_32768_entries", rule, &At::new(&ledger, 1_000, envelope));
    let many: Vec<Run> =
        (0..STATUS_RUNS_MAX as u64).map(|at| run(2_000 * at + 70_000, 300, 1)).collect();
    let rule = "One set changes 4,096 runs.";
    let envelope = setting(&ledger, list, runs(&many));
    assert!(envelope.len() <= STATUS_SET_BYTES_MAX);
    all.applied_at("status_set_of_4096_runs", rule, &At::new(&ledger, 1_000, envelope));
    let rule = "A set has at most 65,536 bytes.";
    let far: Vec<u64> = (0..STATUS_ENTRIES_MAX as u64).map(|at| at * 200).collect();
    let envelope = setting(&ledger, list, entries(1, &far));
    assert!(envelope.len() > STATUS_SET_BYTES_MAX);
    all.refused("status_set_of_over_65536_bytes", rule, Code::OperationTooLarge, &envelope);
    let rule = "A status operation that sets nothing has at most 16,384 bytes.";
    let messages = vec!["a".repeat(64); 256];
    let envelope = creating(StatusCreate { messages, ..message_list(8) });
    assert!(envelope.len() > STATUS_OPERATION_BYTES_MAX);
    all.refused("status_create_of_over_16384_bytes", rule, Code::OperationTooLarge, &envelope);
}

fn add_sets(all: &mut Catalogue) {
    let (mut ledger, list) = with_list(revocations());
    let rule = "A set changes runs of entries, or scattered ones.";
    let first = setting(&ledger, list, runs(&[run(0, 3, 1), run(97, 3, 1)]));
    all.applied_at("status_set_runs", rule, &At::new(&ledger, 1_000, first.clone()));
    let scattered = setting(&ledger, list, entries(1, &[0, 1, 64, 99]));
    all.applied_at("status_set_entries", rule, &At::new(&ledger, 1_000, scattered.clone()));
    let rule = "Several sets of one list in one block are one version.";
    let at = At::new(&ledger, 1_000, scattered.clone()).following(first.clone());
    all.applied_at("status_set_second_in_one_block", rule, &at);
    let rule = "A set applies once: its id is kept among the seen until its last block time.";
    let at = At::new(&ledger, 1_000, first.clone()).following(first.clone());
    all.refused_at("status_set_twice_in_one_block", rule, Code::AlreadyApplied, &at);
    ledger.after(1_000, std::slice::from_ref(&first));
    let at = At::new(&ledger, 1_000, first);
    all.refused_at("status_set_twice", rule, Code::AlreadyApplied, &at);
    let rule = "To revoke what is revoked is no error.";
    all.applied_at("status_set_revoked_again", rule, &At::new(&ledger, 1_000, scattered));
    let rule = "A revocation is final.";
    let code = Code::StatusIrreversible;
    let clear = |changes| At::new(&ledger, 1_000, setting(&ledger, list, changes));
    all.refused_at("status_set_unrevokes", rule, code, &clear(runs(&[run(2, 1, 0)])));
    let changes = runs(&[run(3, 1, 1), run(4, 94, 0)]);
    all.refused_at("status_set_unrevokes_in_a_long_run", rule, code, &clear(changes));
    all.refused_at("status_set_unrevokes_scattered", rule, code, &clear(entries(0, &[50, 98])));
    let rule = "To clear what is clear is no error.";
    let at = clear(runs(&[run(3, 94, 0)]));
    all.applied_at("status_set_clears_the_clear", rule, &at);
    let in_block = setting(&ledger, list, runs(&[run(40, 1, 1)]));
    let after = set_operation(&ledger, &plain_did(), list, runs(&[run(40, 1, 0)]));
    let rule = "A revocation counts at once.";
    let at = At::new(&ledger, 1_000, seal_by_method(&after, ed(10))).following(in_block);
    all.refused_at("status_set_unrevokes_in_one_block", rule, code, &at);
}

fn add_values(all: &mut Catalogue) {
    let (mut ledger, list) = with_list(suspensions());
    ledger.after(1_000, &[setting(&ledger, list, runs(&[run(10, 20, 1)]))]);
    let set = |changes| At::new(&ledger, 1_000, setting(&ledger, list, changes));
    let rule = "A suspension is taken back.";
    all.applied_at("status_set_resumes", rule, &set(runs(&[run(12, 10, 0)])));
    let rule = "Entries hold what a run expects.";
    all.applied_at("status_set_as_expected", rule, &set(expecting(10, 20, 0, 1)));
    let code = Code::StatusUnexpected;
    all.refused_at("status_set_unexpected", rule, code, &set(expecting(9, 2, 0, 1)));
    all.refused_at("status_set_unexpected_at_end", rule, code, &set(expecting(10, 21, 0, 1)));
    all.refused_at("status_set_expects_clear", rule, code, &set(expecting(12, 1, 1, 0)));
    let code = Code::StatusRange;
    let rule = "Entries are below the list's length.";
    all.applied_at("status_set_last_entry", rule, &set(entries(1, &[99])));
    all.refused_at("status_set_entry_behind_the_last", rule, code, &set(entries(1, &[3, 100])));
    let long = set(runs(&[run(98, 3, 1)]));
    all.refused_at("status_set_run_over_the_end", rule, code, &long);
    let code = Code::StatusValue;
    let rule = "Values and expectations fit the bits of an entry.";
    all.refused_at("status_set_value_2_of_1_bit", rule, code, &set(runs(&[run(1, 1, 2)])));
    all.refused_at("status_set_expects_2_of_1_bit", rule, code, &set(expecting(1, 1, 0, 2)));
    let rule = "An entry that does not exist is named before a value that does not fit.";
    let both = set(runs(&[run(1, 1, 2), run(100, 1, 1)]));
    all.refused_at("status_set_range_before_value", rule, Code::StatusRange, &both);
    for (bits, max) in [(2, 3), (4, 15), (8, 255)] {
        let (ledger, list) = with_list(message_list(bits));
        let set = |changes| At::new(&ledger, 1_000, setting(&ledger, list, changes));
        let rule = "An entry holds every value of its bits.";
        let at = set(runs(&[run(1, 5, max), run(7, 1, 1)]));
        all.applied_at(&format!("status_set_value_{max}_of_{bits}_bits"), rule, &at);
        if bits < 8 {
            let rule = "Values and expectations fit the bits of an entry.";
            let at = set(entries(max + 1, &[1]));
            let name = format!("status_set_value_{}_of_{bits}_bits", max + 1);
            all.refused_at(&name, rule, code, &at);
        }
    }
}

fn add_writers(all: &mut Catalogue) {
    let at_ms = registered().head.time + 10_000;
    let by_other = |all: &mut Catalogue, name: &str, rule: &str, delegates, code: Option<Code>| {
        let (ledger, list) = with_list(StatusCreate { delegates, ..revocations() });
        let set = set_operation(&ledger, &other_did(), list, runs(&[run(1, 1, 1)]));
        let envelope = seal_by_method(&set, ed(10));
        let at = At::new(&ledger, at_ms - ledger.head.time, envelope);
        match code {
            None => all.applied_at(name, rule, &at),
            Some(code) => all.refused_at(name, rule, code, &at),
        }
    };
    let rule = "A delegate sets entries.";
    by_other(all, "status_set_by_delegate", rule, delegated(None), None);
    let rule = "A delegate sets entries before its delegation ends.";
    let last = delegated(Some(at_ms + 1));
    by_other(all, "status_set_by_delegate_at_last", rule, last, None);
    let expired = Some(Code::StatusDelegateExpired);
    let ended = delegated(Some(at_ms));
    by_other(all, "status_set_by_expired_delegate", rule, ended, expired);
    let rule = "Nobody else sets entries of an issuer's list.";
    let stranger = Some(Code::StatusNotAllowed);
    by_other(all, "status_set_of_other_issuers_list", rule, Vec::new(), stranger);
    let (ledger, list) = with_list(StatusCreate { delegates: delegated(None), ..revocations() });
    let rule = "A delegate sets entries and nothing else.";
    let code = Code::StatusNotAllowed;
    let update = updating(&ledger, &other_did(), no_change(list));
    all.refused_at("status_update_by_delegate", rule, code, &At::new(&ledger, 1_000, update));
    let close = closing(&ledger, list, &other_did());
    all.refused_at("status_close_by_delegate", rule, code, &At::new(&ledger, 1_000, close));
}

fn add_times(all: &mut Catalogue) {
    let (ledger, list) = with_list(revocations());
    let now = ledger.head.time + 1_000;
    let until = |until| {
        let set = status_set(&plain_did(), until, 4, list, runs(&[run(1, 1, 1)]));
        At::new(&ledger, 1_000, seal_by_method(&set, ed(10)))
    };
    let rule = "A set applies in the hour that ends with its last block time.";
    all.applied_at("until_now", rule, &until(now));
    all.applied_at("until_in_an_hour", rule, &until(now + STATUS_SET_UNTIL_MS));
    all.refused_at("until_passed", rule, Code::UntilPassed, &until(now - 1));
    let far = until(now + STATUS_SET_UNTIL_MS + 1);
    all.refused_at("until_too_far", rule, Code::UntilTooFar, &far);
}

fn add_updates(all: &mut Catalogue) {
    let valid_from = Some(GENESIS_MS);
    let (mut ledger, list) = with_list(StatusCreate { valid_from, ..revocations() });
    let update = |ledger: &Ledger, valid_until, delegates| {
        let update = StatusUpdate { list, valid_until, delegates };
        updating(ledger, &plain_did(), update)
    };
    let rule = "The issuer replaces validity and delegates.";
    let whole = update(&ledger, Some(GENESIS_MS + 1), delegated(None));
    all.applied_at("status_update", rule, &At::new(&ledger, 1_000, whole.clone()));
    let rule = "A list is valid from before until after, and not beyond the year 9999.";
    let code = Code::StatusInvalid;
    let empty = At::new(&ledger, 1_000, update(&ledger, valid_from, vec![]));
    all.refused_at("status_update_valid_for_no_time", rule, code, &empty);
    let late = update(&ledger, Some(NEVER), vec![]);
    all.refused("status_update_valid_until_year_10000", rule, code, &late);
    let rule = "An update is for the terms that it was signed for.";
    let (stale, first) = (update(&ledger, None, vec![]), update(&ledger, None, delegated(None)));
    let mut updated = ledger.clone();
    updated.after(1_000, &[first]);
    let at = At::new(&updated, 1_000, stale.clone());
    all.refused_at("status_update_stale_after_update", rule, Code::GuardStale, &at);
    let rule = "Sets do not change the terms, so they do not keep an update out.";
    let set = setting(&ledger, list, runs(&[run(0, 1, 1)]));
    ledger.after(1_000, &[set]);
    let at = At::new(&ledger, 1_000, stale);
    all.applied_at("status_update_signed_before_a_set", rule, &at);
    let fresh = update(&ledger, None, delegated(None));
    let set = set_operation(&ledger, &other_did(), list, runs(&[run(2, 1, 1)]));
    ledger.after(1_000, &[fresh]);
    let rule = "A delegate named by an update sets entries.";
    let at = At::new(&ledger, 1_000, seal_by_method(&set, ed(10)));
    all.applied_at("status_set_by_delegate_of_update", rule, &at);
    let without = update(&ledger, None, vec![]);
    ledger.after(1_000, &[without]);
    let rule = "A delegate left out by an update sets nothing more.";
    let at = At::new(&ledger, 1_000, seal_by_method(&set, ed(10)));
    all.refused_at("status_set_by_former_delegate", rule, Code::StatusNotAllowed, &at);
}

fn add_closed(all: &mut Catalogue) {
    let (mut ledger, list) = with_list(revocations());
    ledger.after(1_000, &[setting(&ledger, list, runs(&[run(0, 5, 1)]))]);
    let close = closing(&ledger, list, &plain_did());
    let rule = "The issuer closes a list.";
    all.applied_at("status_close", rule, &At::new(&ledger, 1_000, close.clone()));
    ledger.after(1_000, &[close]);
    let head = ledger.state.head(&RecordKey::status(&list)).expect("a sound store");
    let value = head.expect("a list").part(PartId::TERMS).expect("its terms").value.0.clone();
    let of = EncodingType::StatusList;
    let rule = "The terms of a list. What is absent is not written, closed is written as true.";
    all.encoding("encoding_of_status_list_closed", rule, of, &value, true);
    let at = value.windows(8).position(|bytes| bytes == b"fclosed\xf5").expect("a closed list");
    let mut written = value.clone();
    written[at + 7] = 0xf4;
    all.encoding("status_list_with_closed_false", rule, of, &written, false);
    let rule = "A closed list changes no more.";
    let code = Code::StatusClosed;
    let set = setting(&ledger, list, runs(&[run(9, 1, 1)]));
    all.refused_at("status_set_of_closed_list", rule, code, &At::new(&ledger, 1_000, set));
    let update = updating(&ledger, &plain_did(), no_change(list));
    all.refused_at("status_update_of_closed_list", rule, code, &At::new(&ledger, 1_000, update));
    let close = closing(&ledger, list, &plain_did());
    all.refused_at("status_close_of_closed_list", rule, code, &At::new(&ledger, 1_000, close));
}

/// Adds operations on one list in one block. They make one version of the list.
fn add_blocks(all: &mut Catalogue) {
    let (ledger, list) = with_list(revocations());
    let set = setting(&ledger, list, runs(&[run(0, 1, 1)]));
    let update = updating(&ledger, &plain_did(), no_change(list));
    let close = closing(&ledger, list, &plain_did());
    let rule = "Operations of one block on one list make one version.";
    for (name, before, operation) in [
        ("status_update_after_set_in_one_block", &set, &update),
        ("status_set_after_update_in_one_block", &update, &set),
        ("status_close_after_set_in_one_block", &set, &close),
        ("status_close_after_update_in_one_block", &update, &close),
    ] {
        let at = At::new(&ledger, 1_000, operation.clone()).following(before.clone());
        all.applied_at(name, rule, &at);
    }
    let rule = "What an earlier operation of the block did counts for the next.";
    for (name, code, operation) in [
        ("status_set_after_close_in_one_block", Code::StatusClosed, &set),
        ("status_update_after_close_in_one_block", Code::GuardStale, &update),
    ] {
        let at = At::new(&ledger, 1_000, operation.clone()).following(close.clone());
        all.refused_at(name, rule, code, &at);
    }
    let rule = "A list that is made in a block is set, updated and closed in it.";
    let empty = registered();
    let operation = status_create(&plain_did(), 3, revocations());
    let made = seal_by_method(&operation, ed(10));
    let after = empty.with(std::slice::from_ref(&made));
    let list = list_of(&operation);
    let set = set_operation(&empty, &plain_did(), list, runs(&[run(0, 1, 1)]));
    for (name, envelope) in [
        ("set", seal_by_method(&set, ed(10))),
        ("update", updating(&after, &plain_did(), no_change(list))),
        ("close", closing(&after, list, &plain_did())),
    ] {
        let at = At::new(&empty, 1_000, envelope).following(made.clone());
        all.applied_at(&format!("status_{name}_in_the_block_of_its_create"), rule, &at);
    }
}
