//! Vectors of delegates of a status list: their forms, their ranges and their hourly numbers.

use registry_core::code::Code;
use registry_core::did::Document;
use registry_core::id::{Did, ListId};
use registry_core::limits::{HOUR_MS, STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX};
use registry_core::operation::operation_id;
use registry_core::status::{Delegate, EntryChanges, StatusCreate, StatusUpdate};

use super::{
    NEVER, creating, delegated, other_did, revocations, set_operation, suspensions, updating,
    with_list,
};
use crate::case_operations::{plain_did, plain_sets, registered};
use crate::catalogue::{At, Catalogue};
use crate::support::cbor::Cbor;
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::status::{
    entries, method_signature, run, runs, seal_by_method, status_create, status_set,
};
use crate::support::{create, did_of, ed};

pub(super) fn add(all: &mut Catalogue) {
    add_lists(all);
    add_forms(all);
    add_ranges(all);
    add_quotas(all);
    add_quotas_of_others(all);
    add_quotas_after_updates(all);
}

/// Returns delegates with different DIDs, each of whom may set all 100 entries.
fn delegates(count: u8) -> Vec<Delegate> {
    let did = |number: u8| did_of(&create(plain_sets(), Document::default(), number));
    let mut dids: Vec<Did> = (0..count).map(did).collect();
    dids.sort();
    let all = delegated(None)[0].clone();
    dids.into_iter().map(|did| Delegate { did, ..all.clone() }).collect()
}

fn add_lists(all: &mut Catalogue) {
    let ledger = registered();
    let rule = "A list has at most 16 delegates.";
    let envelope = creating(StatusCreate { delegates: delegates(16), ..revocations() });
    let at = At::new(&ledger, 1_000, envelope);
    all.applied_at("status_create_16_delegates", rule, &at);
    let code = Code::StatusInvalid;
    let envelope = creating(StatusCreate { delegates: delegates(17), ..revocations() });
    all.refused("status_create_17_delegates", rule, code, &envelope);
    let rule = "Delegates ascend strictly by DID.";
    let mut unsorted = delegates(2);
    unsorted.reverse();
    let envelope = creating(StatusCreate { delegates: unsorted, ..revocations() });
    all.refused("status_create_delegates_unsorted", rule, code, &envelope);
    let mut twice = delegates(1);
    twice.push(Delegate { valid_until: Some(GENESIS_MS), ..twice[0].clone() });
    let envelope = creating(StatusCreate { delegates: twice, ..revocations() });
    all.refused("status_create_delegate_twice", rule, code, &envelope);
    let mut late = delegates(1);
    late[0].valid_until = Some(NEVER);
    let rule = "A delegation ends before the year 10000, or never.";
    let envelope = creating(StatusCreate { delegates: late, ..revocations() });
    all.refused("status_create_delegate_until_year_10000", rule, code, &envelope);
    let mut foreign = delegates(1);
    foreign[0].did.network = "other".parse().expect("a name");
    let rule = "Delegates are of this network.";
    let envelope = creating(StatusCreate { delegates: foreign, ..revocations() });
    all.refused("status_create_delegate_of_other_network", rule, Code::NetworkMismatch, &envelope);
}

/// Returns one delegate with this range and hourly number.
fn limited(start: u64, length: u64, entries_per_hour: u64) -> Vec<Delegate> {
    let all = delegated(None)[0].clone();
    vec![Delegate { start, length, entries_per_hour, ..all }]
}

fn add_forms(all: &mut Catalogue) {
    let ledger = registered();
    let with = |delegates| creating(StatusCreate { delegates, ..revocations() });
    let most = STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX;
    let rule = "A delegate may have the last entry alone, or any number in an hour up to 2^23.";
    let at = At::new(&ledger, 1_000, with(limited(99, 1, most)));
    all.applied_at("status_create_delegate_of_last_entry", rule, &at);
    let code = Code::StatusInvalid;
    let rule = "The range of a delegate has an entry, and entries of the list only.";
    for (name, start, length) in [
        ("of_no_entry", 0, 0),
        ("over_the_end", 99, 2),
        ("behind_the_end", 100, 1),
        ("beyond_all_numbers", u64::MAX, 1),
    ] {
        let envelope = with(limited(start, length, 1));
        all.refused(&format!("status_create_delegate_{name}"), rule, code, &envelope);
    }
    let rule = "A delegate may set 1 to 2^23 entries in an hour.";
    for (name, number) in [("none", 0), ("over_2_pow_23", most + 1)] {
        let name = format!("status_create_delegate_{name}_in_an_hour");
        all.refused(&name, rule, code, &with(limited(0, 100, number)));
    }
    let rule = "Range and hourly number of a delegate are written down, they have no default.";
    let list = StatusCreate { delegates: limited(0, 100, 1), ..revocations() };
    let operation = status_create(&plain_did(), 3, list);
    for member in ["start", "length", "entries_per_hour"] {
        let mut body = Cbor::read(&operation.body());
        body.at(&["action", "status_create", "delegates", "0"]).remove(member);
        let body = body.write();
        let signature = method_signature(&ed(10), &plain_did(), "key-1", &operation_id(&body));
        let envelope = registry_core::operation::SignedOperation::new(body, vec![signature]);
        let name = format!("status_create_delegate_without_{member}");
        all.refused(&name, rule, Code::OperationMalformed, &envelope.bytes());
    }
    let (ledger, list) = with_list(revocations());
    let rule = "The range of a delegate has an entry, and entries of the list only.";
    let delegates = limited(50, 51, 1);
    let update = StatusUpdate { list, valid_until: None, delegates };
    let at = At::new(&ledger, 1_000, updating(&ledger, &plain_did(), update));
    all.refused_at("status_update_delegate_over_the_end", rule, code, &at);
}

/// Returns a set that the delegate signs.
fn set(ledger: &Ledger, list: ListId, number: u8, changes: EntryChanges) -> Vec<u8> {
    let until = ledger.head.time + 60_000;
    seal_by_method(&status_set(&other_did(), until, number, list, changes), ed(10))
}

fn add_ranges(all: &mut Catalogue) {
    let delegates = limited(10, 10, 100);
    let (ledger, list) = with_list(StatusCreate { delegates, ..revocations() });
    let at = |changes| At::new(&ledger, 1_000, set(&ledger, list, 4, changes));
    let rule = "A delegate sets the entries of its range.";
    let whole = at(runs(&[run(10, 10, 1)]));
    all.applied_at("status_set_by_delegate_of_its_range", rule, &whole);
    all.applied_at("status_set_by_delegate_of_two", rule, &at(entries(1, &[10, 19])));
    let code = Code::StatusDelegateRange;
    let rule = "A delegate sets no entry outside of its range.";
    for (name, changes) in [
        ("whole_list", runs(&[run(0, 100, 1)])),
        ("before_its_range", runs(&[run(9, 1, 1)])),
        ("into_its_range", runs(&[run(9, 2, 1)])),
        ("out_of_its_range", runs(&[run(12, 1, 1), run(19, 2, 1)])),
        ("behind_its_range", entries(1, &[10, 20])),
    ] {
        all.refused_at(&format!("status_set_by_delegate_{name}"), rule, code, &at(changes));
    }
    let rule = "An entry that the list does not have is named first.";
    let beyond = at(runs(&[run(9, 1, 1), run(100, 1, 1)]));
    all.refused_at("status_set_by_delegate_behind_the_list", rule, Code::StatusRange, &beyond);
    let rule = "The issuer sets every entry, also if it is among the delegates.";
    let issuer = Delegate { did: plain_did(), ..limited(10, 10, 1)[0].clone() };
    let (ledger, list) = with_list(StatusCreate { delegates: vec![issuer], ..revocations() });
    let changes = runs(&[run(0, 100, 1)]);
    let envelope = seal_by_method(&set_operation(&ledger, &plain_did(), list, changes), ed(10));
    let at = At::new(&ledger, 1_000, envelope);
    all.applied_at("status_set_by_issuer_among_delegates", rule, &at);
}

fn add_quotas(all: &mut Catalogue) {
    let code = Code::StatusDelegateQuota;
    let delegates = limited(0, 100, 5);
    let (mut ledger, list) = with_list(StatusCreate { delegates, ..suspensions() });
    let rule = "One set of a delegate names at most its hourly number of entries.";
    let at = At::new(&ledger, 1_000, set(&ledger, list, 4, runs(&[run(0, 5, 1)])));
    all.applied_at("status_set_by_delegate_of_its_number", rule, &at);
    let at = At::new(&ledger, 1_000, set(&ledger, list, 4, runs(&[run(0, 100, 1)])));
    all.refused_at("status_set_by_delegate_over_its_number", rule, code, &at);
    let first = set(&ledger, list, 4, runs(&[run(0, 2, 1), run(9, 1, 1)]));
    let rule = "The sets of a delegate in one hour count together, also in one block.";
    let second = |ledger: &Ledger, changes| set(ledger, list, 5, changes);
    let at = At::new(&ledger, 1_000, second(&ledger, runs(&[run(20, 3, 1)])));
    let at = at.following(first.clone());
    all.refused_at("status_set_by_delegate_over_its_number_in_one_block", rule, code, &at);
    let at =
        At::new(&ledger, 1_000, second(&ledger, runs(&[run(20, 2, 1)]))).following(first.clone());
    all.applied_at("status_set_by_delegate_of_its_number_in_one_block", rule, &at);
    ledger.after(1_000, &[first]);
    let at = At::new(&ledger, 1_000, second(&ledger, runs(&[run(20, 3, 1)])));
    all.refused_at("status_set_by_delegate_number_used", rule, code, &at);
    let at = At::new(&ledger, 1_000, second(&ledger, runs(&[run(20, 2, 1)])));
    all.applied_at("status_set_by_delegate_of_the_rest", rule, &at);
    let rule = "An entry counts each time it is named, whatever its value is.";
    let at = At::new(&ledger, 1_000, second(&ledger, runs(&[run(0, 3, 1)])));
    all.refused_at("status_set_by_delegate_of_what_is_set", rule, code, &at);
    let rule = "What a delegate sets is checked after its number.";
    let changes = runs(&[super::Run { expect: Some(0), ..run(0, 3, 1) }]);
    let at = At::new(&ledger, 1_000, second(&ledger, changes));
    all.refused_at("status_set_by_delegate_number_before_value", rule, code, &at);
    let gap_ms = HOUR_MS - ledger.head.time % HOUR_MS;
    let until = ledger.head.time + gap_ms + 60_000;
    let late = status_set(&other_did(), until, 5, list, runs(&[run(20, 5, 1)]));
    let late = seal_by_method(&late, ed(10));
    let rule = "One millisecond before the hour the number has not refilled.";
    let at = At::new(&ledger, gap_ms - 1, late.clone());
    all.refused_at("status_set_by_delegate_before_the_hour", rule, code, &at);
    let rule = "The number refills with the hour (UTC).";
    all.applied_at(
        "status_set_by_delegate_in_the_next_hour",
        rule,
        &At::new(&ledger, gap_ms, late),
    );
}

fn add_quotas_of_others(all: &mut Catalogue) {
    let delegates = limited(0, 100, 5);
    let list = StatusCreate { delegates, ..revocations() };
    let (mut ledger, first) = with_list(list.clone());
    let other = status_create(&plain_did(), 7, list);
    ledger.after(1_000, &[seal_by_method(&other, ed(10))]);
    ledger.after(1_000, &[set(&ledger, first, 4, runs(&[run(0, 5, 1)]))]);
    let rule = "A delegate has a number of its own in each list.";
    let list = crate::support::status::list_of(&other);
    let at = At::new(&ledger, 1_000, set(&ledger, list, 5, runs(&[run(0, 5, 1)])));
    all.applied_at("status_set_by_delegate_of_another_list", rule, &at);
    let rule = "The issuer sets any number of entries, whatever its delegates set.";
    let changes = runs(&[run(0, 100, 1)]);
    let envelope = seal_by_method(&set_operation(&ledger, &plain_did(), first, changes), ed(10));
    let at = At::new(&ledger, 1_000, envelope);
    all.applied_at("status_set_by_issuer_after_its_delegate", rule, &at);
}

fn add_quotas_after_updates(all: &mut Catalogue) {
    let code = Code::StatusDelegateQuota;
    let delegates = limited(0, 100, 5);
    let (mut ledger, list) = with_list(StatusCreate { delegates, ..revocations() });
    let replace = |ledger: &Ledger, delegates| {
        let update = StatusUpdate { list, valid_until: None, delegates };
        updating(ledger, &plain_did(), update)
    };
    ledger.after(1_000, &[set(&ledger, list, 4, runs(&[run(0, 5, 1)]))]);
    ledger.after(1_000, &[replace(&ledger, limited(0, 100, 7))]);
    let rule = "A higher number counts from its block on, with what was set in the hour before.";
    let at = At::new(&ledger, 1_000, set(&ledger, list, 5, runs(&[run(10, 2, 1)])));
    all.applied_at("status_set_by_delegate_of_raised_number", rule, &at);
    let at = At::new(&ledger, 1_000, set(&ledger, list, 5, runs(&[run(10, 3, 1)])));
    all.refused_at("status_set_by_delegate_over_raised_number", rule, code, &at);
    ledger.after(1_000, &[replace(&ledger, Vec::new())]);
    ledger.after(1_000, &[replace(&ledger, limited(0, 100, 5))]);
    let rule = "A delegate that is left out and named again keeps its count.";
    let at = At::new(&ledger, 1_000, set(&ledger, list, 5, runs(&[run(10, 1, 1)])));
    all.refused_at("status_set_by_delegate_named_again", rule, code, &at);
}
