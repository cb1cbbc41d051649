//! Vectors of recoveries: start, veto, cancel and completion, at the boundaries of live time.

use registry_core::code::Code;
use registry_core::did::Sets;
use registry_core::id::Did;
use registry_core::operation::Action;

use crate::case_operations::{
    changing, deactivating, plain_did, plain_sets, registered, rotated_sets, rotating, updating,
};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::Ledger;
use crate::support::{
    DELAY_MS, Key, create, did_member, did_of, ed, for_members, k256, key_set, key_set_of, p256,
    recover, recovery, seal, single,
};

/// Returns the sets that a recovery puts in place, with keys 30, 31 and 32.
fn recovered_sets() -> Sets {
    single(&ed(30), &ed(31), &ed(32))
}

fn recovering(ledger: &Ledger, number: u8, keys: &[Key]) -> Vec<u8> {
    changing(ledger, &plain_did(), number, recover(recovered_sets(), document()), keys)
}

fn cancelling(ledger: &Ledger, number: u8, keys: &[Key]) -> Vec<u8> {
    changing(ledger, &plain_did(), number, Action::DidRecoverCancel, keys)
}

fn completing(ledger: &Ledger, number: u8) -> Vec<u8> {
    changing(ledger, &plain_did(), number, Action::DidRecoverComplete, &[])
}

/// Returns a ledger whose last block starts a recovery of the plain DID.
fn pending() -> Ledger {
    let mut ledger = registered();
    let envelope = recovering(&ledger, 2, &[ed(12)]);
    ledger.after(1_000, &[envelope]);
    ledger
}

/// Returns a ledger whose pending recovery has waited half of its delay. It matures after one more
/// gap of the same length.
fn half_way() -> Ledger {
    let mut ledger = pending();
    ledger.after(DELAY_MS / 2, &[]);
    ledger
}

const HALF_MS: u64 = DELAY_MS / 2;

pub(crate) fn add(all: &mut Catalogue) {
    add_starts(all);
    add_pending(all);
    add_maturity(all);
    add_live_time(all);
    add_veto(all);
    add_completed(all);
    add_quota(all);
}

fn add_starts(all: &mut Catalogue) {
    let ledger = registered();
    let rule = "The recovery set starts a recovery.";
    let at = At::new(&ledger, 1_000, recovering(&ledger, 2, &[ed(12)]));
    all.applied_at("recover_by_recovery_set", rule, &at);
    let code = Code::SignerNotMember;
    for (name, key) in [("control", ed(10)), ("next", ed(11)), ("stranger", ed(99))] {
        let at = At::new(&ledger, 1_000, recovering(&ledger, 2, &[key]));
        all.refused_at(&format!("recover_by_{name}_key"), rule, code, &at);
    }
    let rule = "Without a recovery set there is no recovery.";
    let operation = create(Sets { recovery: None, ..plain_sets() }, document(), 1);
    let mut without = Ledger::new();
    without.after(1_000, &[seal(&operation, &[ed(10)])]);
    let did = did_of(&operation);
    let code = Code::RecoveryNotConfigured;
    let action = recover(recovered_sets(), document());
    let at = At::new(&without, 1_000, changing(&without, &did, 2, action, &[ed(12)]));
    all.refused_at("recover_without_recovery_set", rule, code, &at);
    let action = Action::DidRecoverCancel;
    let at = At::new(&without, 1_000, changing(&without, &did, 2, action, &[ed(12)]));
    all.refused_at("recover_cancel_without_recovery_set", rule, code, &at);
    let code = Code::RecoveryNotPending;
    let rule = "Only a pending recovery is cancelled or completed.";
    let at = At::new(&ledger, 1_000, cancelling(&ledger, 2, &[ed(12)]));
    all.refused_at("recover_cancel_without_recovery", rule, code, &at);
    let at = At::new(&ledger, 1_000, completing(&ledger, 2));
    all.refused_at("recover_complete_without_recovery", rule, code, &at);
    let rule = "The live members of a new set can reach its threshold.";
    let missing = did_of(&create(plain_sets(), document(), 9));
    let sets = Sets { control: key_set(1, vec![did_member(&missing)]), ..recovered_sets() };
    let envelope = changing(&ledger, &plain_did(), 2, recover(sets, document()), &[ed(12)]);
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at("recover_to_member_did_not_registered", rule, Code::SetUnreachable, &at);
    add_thresholds(all);
}

fn add_thresholds(all: &mut Catalogue) {
    let mut ledger = registered();
    let keys = [ed(40), p256(40), k256(40)];
    let sets = Sets { recovery: recovery(key_set_of(2, &keys)), ..rotated_sets() };
    let of_keys = create(sets, document(), 5);
    let sets =
        Sets { recovery: recovery(key_set(1, vec![did_member(&plain_did())])), ..rotated_sets() };
    let of_did = create(sets, document(), 6);
    ledger.after(1_000, &[seal(&of_keys, &[ed(20)]), seal(&of_did, &[ed(20)])]);
    let envelope = |did: &Did, keys: &[Key]| {
        changing(&ledger, did, 7, recover(recovered_sets(), document()), keys)
    };
    let rule = "As many of the recovery set sign as its threshold says.";
    let at = At::new(&ledger, 1_000, envelope(&did_of(&of_keys), &keys[1..]));
    all.applied_at("recover_by_two_of_three", rule, &at);
    let at = At::new(&ledger, 1_000, envelope(&did_of(&of_keys), &keys[1..2]));
    all.refused_at("recover_by_one_of_two_needed", rule, Code::ThresholdNotMet, &at);
    let rule = "A DID may be in a recovery set; its control keys sign.";
    let by = for_members(&envelope(&did_of(&of_did), &[ed(10)]), &[(&plain_did(), ed(10))]);
    let at = At::new(&ledger, 1_000, by);
    all.applied_at("recover_by_member_did", rule, &at);
}

fn add_pending(all: &mut Catalogue) {
    let ledger = pending();
    let rule = "One recovery is pending at a time.";
    let at = At::new(&ledger, 1_000, recovering(&ledger, 3, &[ed(12)]));
    all.refused_at("recover_while_pending", rule, Code::RecoveryPending, &at);
    let rule = "Control updates the document while a recovery is pending.";
    let at = At::new(&ledger, 1_000, updating(&ledger, 3, &[ed(10)]));
    all.applied_at("update_while_pending", rule, &at);
    let rule = "A pending recovery has no effect yet.";
    let at = At::new(&ledger, 1_000, updating(&ledger, 3, &[ed(30)]));
    all.refused_at("update_by_key_of_pending_recovery", rule, Code::SignerNotMember, &at);
    let rule = "The recovery set cancels.";
    let cancel = cancelling(&ledger, 3, &[ed(12)]);
    all.applied_at(
        "recover_cancel_by_recovery_set",
        rule,
        &At::new(&ledger, 1_000, cancel.clone()),
    );
    for (name, key) in [("control", ed(10)), ("next", ed(11)), ("pending_recovery", ed(32))] {
        let at = At::new(&ledger, 1_000, cancelling(&ledger, 3, &[key]));
        let name = format!("recover_cancel_by_{name}_key");
        all.refused_at(&name, rule, Code::SignerNotMember, &at);
    }
    let mut cancelled = ledger.clone();
    cancelled.after(1_000, &[cancel]);
    let rule = "After a cancel the next recovery starts at once.";
    let at = At::new(&cancelled, 1_000, recovering(&cancelled, 4, &[ed(12)]));
    all.applied_at("recover_after_cancel", rule, &at);
    let rule = "A cancelled recovery is not completed.";
    let mut waited = cancelled.clone();
    waited.after(HALF_MS, &[]).after(HALF_MS, &[]);
    let at = At::new(&waited, 1_000, completing(&waited, 4));
    all.refused_at("recover_complete_after_cancel", rule, Code::RecoveryNotPending, &at);
    let rule = "Deactivation ends a pending recovery too.";
    let at = At::new(&ledger, 1_000, deactivating(&ledger, 3, &[ed(11)]));
    all.applied_at("deactivate_while_pending", rule, &at);
}

fn add_maturity(all: &mut Catalogue) {
    let ledger = half_way();
    let rule = "A recovery completes when its delay of live time has passed, not 1 ms before.";
    let complete = completing(&ledger, 3);
    let at = At::new(&ledger, HALF_MS, complete.clone());
    all.applied_at("recover_complete_at_maturity", rule, &at);
    let at = At::new(&ledger, HALF_MS - 1, complete.clone());
    all.refused_at("recover_complete_1_ms_before_maturity", rule, Code::RecoveryNotMature, &at);
    let rule = "A completion is unsigned: anyone may send it.";
    let operation = crate::support::change(
        &plain_did(),
        ledger.previous(&plain_did()),
        3,
        Action::DidRecoverComplete,
    );
    let signed = crate::support::seal_body(
        operation.body(),
        registry_core::operation::Role::Recovery,
        &[ed(12)],
    );
    all.refused("recover_complete_signed", rule, Code::SignatureRole, &signed);
    let rule = "Before maturity a rotate vetoes the recovery, from then on it is too late.";
    let veto = rotating(&ledger, 3, &[ed(11)], rotated_sets());
    let at = At::new(&ledger, HALF_MS - 1, veto.clone());
    all.applied_at("rotate_1_ms_before_maturity", rule, &at);
    let at = At::new(&ledger, HALF_MS, veto);
    all.refused_at("rotate_at_maturity", rule, Code::RecoveryMature, &at);
    let end = deactivating(&ledger, 3, &[ed(11)]);
    let at = At::new(&ledger, HALF_MS - 1, end.clone());
    all.applied_at("deactivate_1_ms_before_maturity", rule, &at);
    let at = At::new(&ledger, HALF_MS, end);
    all.refused_at("deactivate_at_maturity", rule, Code::RecoveryMature, &at);
    let rule = "The recovery set may cancel until the recovery is completed.";
    let at = At::new(&ledger, HALF_MS, cancelling(&ledger, 3, &[ed(12)]));
    all.applied_at("recover_cancel_at_maturity", rule, &at);
    let rule = "Control updates the document until the recovery is completed.";
    let at = At::new(&ledger, HALF_MS, updating(&ledger, 3, &[ed(10)]));
    all.applied_at("update_at_maturity", rule, &at);
    let rule = "An update does not restart the delay.";
    let mut updated = pending();
    let envelope = updating(&updated, 3, &[ed(10)]);
    updated.after(HALF_MS, &[envelope]);
    let at = At::new(&updated, HALF_MS, completing(&updated, 4));
    all.applied_at("recover_complete_after_update", rule, &at);
}

fn add_live_time(all: &mut Catalogue) {
    let ledger = half_way();
    let rule = "A gap of 60,000 ms between blocks is live time, one of 60,001 ms is not.";
    let at = At::new(&ledger, 60_000, completing(&ledger, 3));
    all.applied_at("live_time_counts_gap_of_60000_ms", rule, &at);
    let at = At::new(&ledger, 60_001, completing(&ledger, 3));
    all.refused_at("live_time_leaves_out_gap_of_60001_ms", rule, Code::RecoveryNotMature, &at);
    let rule = "A halt, however long, matures nothing: the veto stays possible.";
    let day_ms = registry_core::limits::DAY_MS;
    let at = At::new(&ledger, 30 * day_ms, completing(&ledger, 3));
    all.refused_at("recover_complete_after_long_halt", rule, Code::RecoveryNotMature, &at);
    let at = At::new(&ledger, 30 * day_ms, rotating(&ledger, 3, &[ed(11)], rotated_sets()));
    all.applied_at("rotate_after_long_halt", rule, &at);
    let rule = "All of a halt is left out, and live time goes on after it.";
    let mut halted = ledger.clone();
    halted.after(60_001, &[]);
    let at = At::new(&halted, 60_000, completing(&halted, 3));
    all.applied_at("live_time_goes_on_after_a_halt", rule, &at);
    let at = At::new(&halted, 59_999, completing(&halted, 3));
    all.refused_at("live_time_after_a_halt_1_ms_early", rule, Code::RecoveryNotMature, &at);
}

fn add_veto(all: &mut Catalogue) {
    let mut ledger = pending();
    let same = Sets { recovery: plain_sets().recovery, ..rotated_sets() };
    let veto = rotating(&ledger, 3, &[ed(11)], same);
    ledger.after(1_000, &[veto]);
    let rule = "A rotate clears the pending recovery.";
    let at = At::new(&ledger, 1_000, completing(&ledger, 4));
    all.refused_at("recover_complete_after_veto", rule, Code::RecoveryNotPending, &at);
    let code = Code::RecoveryTooSoon;
    let rule = "After a veto the next recovery starts one delay of live time later.";
    let at = At::new(&ledger, 1_000, recovering(&ledger, 4, &[ed(12)]));
    all.refused_at("recover_right_after_veto", rule, code, &at);
    ledger.after(HALF_MS, &[]);
    let again = recovering(&ledger, 4, &[ed(12)]);
    let at = At::new(&ledger, HALF_MS - 1, again.clone());
    all.refused_at("recover_1_ms_too_soon_after_veto", rule, code, &at);
    let at = At::new(&ledger, HALF_MS, again.clone());
    all.applied_at("recover_one_delay_after_veto", rule, &at);
    let at = At::new(&ledger, 60_001, again);
    all.refused_at("recover_after_veto_and_halt", rule, code, &at);
    let rule = "An update does not lift the wait after a veto.";
    let mut updated = ledger.clone();
    let envelope = updating(&updated, 4, &[ed(20)]);
    updated.after(1_000, &[envelope]);
    let at = At::new(&updated, 1_000, recovering(&updated, 5, &[ed(12)]));
    all.refused_at("recover_too_soon_after_veto_and_update", rule, code, &at);
}

fn add_completed(all: &mut Catalogue) {
    let mut ledger = half_way();
    let complete = completing(&ledger, 3);
    ledger.after(HALF_MS, &[complete]);
    let rule = "Completion puts the new sets in place.";
    let at = At::new(&ledger, 1_000, updating(&ledger, 4, &[ed(30)]));
    all.applied_at("update_by_recovered_key", rule, &at);
    let at = At::new(&ledger, 1_000, updating(&ledger, 4, &[ed(10)]));
    all.refused_at("update_by_key_before_recovery", rule, Code::SignerNotMember, &at);
    let at = At::new(&ledger, 1_000, rotating(&ledger, 4, &[ed(31)], plain_sets()));
    all.applied_at("rotate_by_recovered_next", rule, &at);
    let at = At::new(&ledger, 1_000, rotating(&ledger, 4, &[ed(11)], plain_sets()));
    all.refused_at("rotate_by_next_before_recovery", rule, Code::NextNotCommitted, &at);
    let at = At::new(&ledger, 1_000, recovering(&ledger, 4, &[ed(12)]));
    all.refused_at("recover_by_recovery_set_before", rule, Code::SignerNotMember, &at);
    let rule = "A completed recovery is not completed again.";
    let at = At::new(&ledger, 1_000, completing(&ledger, 4));
    all.refused_at("recover_complete_twice", rule, Code::RecoveryNotPending, &at);
}

fn add_quota(all: &mut Catalogue) {
    let mut ledger = registered();
    for turn in 0..4 {
        let start = recovering(&ledger, 10 + turn, &[ed(12)]);
        ledger.after(1_000, &[start]);
        let stop = cancelling(&ledger, 20 + turn, &[ed(12)]);
        if turn == 3 {
            let rule = "A DID's recovery set acts at most eight times in a UTC day.";
            let at = At::new(&ledger, 1_000, stop.clone());
            all.applied_at("quota_eighth_recovery_action_of_a_day", rule, &at);
        }
        ledger.after(1_000, &[stop]);
    }
    let rule = "A DID's recovery set acts at most eight times in a UTC day.";
    let ninth = recovering(&ledger, 30, &[ed(12)]);
    let at = At::new(&ledger, 1_000, ninth);
    all.refused_at("quota_ninth_recovery_action_of_a_day", rule, Code::QuotaExceeded, &at);
    let rule = "Rotates and recoveries are counted apart.";
    let at = At::new(&ledger, 1_000, rotating(&ledger, 30, &[ed(11)], rotated_sets()));
    all.applied_at("quota_of_recoveries_does_not_count_rotates", rule, &at);
}
