//! Vectors of the guards of actions on DIDs: what makes them stale, and what does not.

use registry_core::code::Code;
use registry_core::did::Sets;
use registry_core::operation::Action;

use crate::case_operations::{
    changing, deactivating, plain_did, plain_sets, registered, rotated_sets, rotating, updating,
};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::Ledger;
use crate::support::{DELAY_MS, ed, recover, reveal, roll};

fn recovering(ledger: &Ledger, number: u8) -> Vec<u8> {
    changing(ledger, &plain_did(), number, recover(rotated_sets(), document()), &[ed(12)])
}

fn cancelling(ledger: &Ledger, number: u8) -> Vec<u8> {
    changing(ledger, &plain_did(), number, Action::DidRecoverCancel, &[ed(12)])
}

fn completing(ledger: &Ledger, number: u8) -> Vec<u8> {
    changing(ledger, &plain_did(), number, Action::DidRecoverComplete, &[])
}

/// Returns a rotation that keeps the document, the control key and the recovery set, so that only
/// its guard keeps what was signed before it out.
fn rolling(ledger: &Ledger, number: u8) -> Vec<u8> {
    let sets = Sets { next: rotated_sets().next, ..plain_sets() };
    changing(ledger, &plain_did(), number, roll(reveal(&[ed(11)]), sets), &[ed(11)])
}

type Writes = fn(&mut Ledger);

fn updates(ledger: &mut Ledger) {
    for number in 50..53 {
        let envelope = updating(ledger, number, &[ed(10)]);
        ledger.after(1_000, &[envelope]);
    }
}

fn rolls(ledger: &mut Ledger) {
    let envelope = rolling(ledger, 53);
    ledger.after(1_000, &[envelope]);
}

fn rotates(ledger: &mut Ledger) {
    let envelope = rotating(ledger, 54, &[ed(11)], rotated_sets());
    ledger.after(1_000, &[envelope]);
}

fn recovers(ledger: &mut Ledger) {
    let envelope = recovering(ledger, 55);
    ledger.after(1_000, &[envelope]);
}

fn cancels(ledger: &mut Ledger) {
    let envelope = cancelling(ledger, 56);
    ledger.after(1_000, &[envelope]);
}

fn recovers_and_cancels(ledger: &mut Ledger) {
    recovers(ledger);
    cancels(ledger);
}

fn cancels_and_recovers(ledger: &mut Ledger) {
    cancels(ledger);
    recovers(ledger);
}

fn matures(ledger: &mut Ledger) {
    ledger.after(DELAY_MS / 2, &[]).after(DELAY_MS / 2, &[]);
}

fn cancels_recovers_and_matures(ledger: &mut Ledger) {
    cancels_and_recovers(ledger);
    matures(ledger);
}

fn updates_and_matures(ledger: &mut Ledger) {
    updates(ledger);
    matures(ledger);
}

fn recovers_and_completes(ledger: &mut Ledger) {
    recovers(ledger);
    matures(ledger);
    let envelope = completing(ledger, 57);
    ledger.after(1_000, &[envelope]);
}

/// Returns the ledger after these writes.
fn after(ledger: &Ledger, writes: Writes) -> Ledger {
    let mut later = ledger.clone();
    writes(&mut later);
    later
}

pub(super) fn add(all: &mut Catalogue) {
    let ledger = registered();
    let pending = after(&ledger, recovers);
    let update = updating(&ledger, 2, &[ed(10)]);
    let rotate = rotating(&ledger, 3, &[ed(11)], rotated_sets());
    let end = deactivating(&ledger, 4, &[ed(11)]);
    let start = recovering(&ledger, 5);
    let cancel = cancelling(&pending, 6);
    let complete = completing(&pending, 7);
    add_stale(all, (&ledger, &pending), [&update, &rotate, &end, &start, &cancel, &complete]);
    add_fresh(all, (&ledger, &pending), [&update, &rotate, &end, &start, &cancel, &complete]);
}

/// Adds operations whose guard covers what was written since they were signed.
fn add_stale(
    all: &mut Catalogue,
    (ledger, pending): (&Ledger, &Ledger),
    [update, rotate, end, start, cancel, complete]: [&Vec<u8>; 6],
) {
    let rule = "A guard covers what an equal or a senior may have written since it was signed.";
    for (name, before, envelope, writes) in [
        ("update_stale_after_rotate", ledger, update, rotates as Writes),
        ("update_stale_after_rotate_that_keeps_control", ledger, update, rolls),
        ("update_stale_after_completion", ledger, update, recovers_and_completes),
        ("rotate_stale_after_rotate", ledger, rotate, rolls),
        ("rotate_stale_after_completion", ledger, rotate, recovers_and_completes),
        ("deactivate_stale_after_rotate", ledger, end, rolls),
        ("deactivate_stale_after_completion", ledger, end, recovers_and_completes),
        ("recover_stale_after_rotate", ledger, start, rolls),
        ("recover_stale_after_another_was_cancelled", ledger, start, recovers_and_cancels),
        ("recover_cancel_of_earlier_recovery", pending, cancel, cancels_and_recovers),
        ("recover_complete_of_earlier_recovery", pending, complete, cancels_recovers_and_matures),
    ] {
        let later = after(before, writes);
        let at = At::new(&later, 1_000, envelope.clone());
        all.refused_at(name, rule, Code::GuardStale, &at);
    }
    let rule = "A recovery that was cancelled is not started again by its old operation.";
    let mut cancelled = ledger.clone();
    cancelled.after(1_000, std::slice::from_ref(start));
    cancels(&mut cancelled);
    let at = At::new(&cancelled, 1_000, start.clone());
    all.refused_at("replay_of_recover_after_its_cancel", rule, Code::GuardStale, &at);
    let rule = "A cancellation is for one recovery, not for the next.";
    let mut again = pending.clone();
    again.after(1_000, std::slice::from_ref(cancel));
    recovers(&mut again);
    let at = At::new(&again, 1_000, cancel.clone());
    all.refused_at("replay_of_recover_cancel_after_new_recover", rule, Code::GuardStale, &at);
}

/// Adds operations whose guard does not cover what juniors wrote since they were signed.
fn add_fresh(
    all: &mut Catalogue,
    (ledger, pending): (&Ledger, &Ledger),
    [update, rotate, end, start, cancel, complete]: [&Vec<u8>; 6],
) {
    let rule = "A guard covers nothing that a junior can write, and no part that stays as it is.";
    for (name, before, envelope, writes) in [
        ("update_signed_before_a_recovery", ledger, update, recovers as Writes),
        ("update_signed_before_a_cancelled_recovery", ledger, update, recovers_and_cancels),
        ("rotate_signed_before_updates", ledger, rotate, updates),
        ("rotate_signed_before_a_recovery", ledger, rotate, recovers),
        ("rotate_signed_before_a_cancelled_recovery", ledger, rotate, recovers_and_cancels),
        ("deactivate_signed_before_updates", ledger, end, updates),
        ("deactivate_signed_before_a_recovery", ledger, end, recovers),
        ("recover_signed_before_updates", ledger, start, updates),
        ("recover_cancel_signed_before_updates", pending, cancel, updates),
        ("recover_complete_signed_before_updates", pending, complete, updates_and_matures),
    ] {
        let later = after(before, writes);
        let at = At::new(&later, 1_000, envelope.clone());
        all.applied_at(name, rule, &at);
    }
}
