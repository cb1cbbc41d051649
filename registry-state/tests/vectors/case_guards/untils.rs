//! Vectors of last block times: how far ahead they may be, and that they pass.

use registry_core::code::Code;
use registry_core::limits::{DAY_MS, UNTIL_MS_MAX};
use registry_core::operation::{Action, Operation};
use registry_core::trust::Conditions;

use crate::case_operations::{plain_did, registered, rotated_sets};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::Ledger;
use crate::support::status::seal_by_method;
use crate::support::trust::{Party, depth, grant, revoke, right, suspend};
use crate::support::{DELAY_MS, Key, ed, recover, reveal, rotate, seal, update};

/// Block time of these cases after the last block of their ledger, in milliseconds.
const GAP_MS: u64 = 1_000;

const YEAR_MS: u64 = 365 * DAY_MS;

pub(super) fn add(all: &mut Catalogue) {
    add_bounded(all);
    add_once(all);
    add_free(all);
}

/// Returns the case of an operation on the plain DID with this last block time.
fn of_did<'l>(ledger: &'l Ledger, until: u64, action: Action, keys: &[Key]) -> At<'l> {
    let operation = ledger.operation(&plain_did(), 7, action);
    At::new(ledger, GAP_MS, seal(&Operation { until: Some(until), ..operation }, keys))
}

fn add_bounded(all: &mut Catalogue) {
    let ledger = registered();
    let now = ledger.head.time + GAP_MS;
    let until = |until| of_did(&ledger, until, update(document()), &[ed(10)]);
    let rule = "An operation applies up to its last block time, at most 30 days before it.";
    all.applied_at("until_now_on_update", rule, &until(now));
    all.applied_at("until_in_30_days_on_update", rule, &until(now + UNTIL_MS_MAX));
    all.refused_at("until_passed_on_update", rule, Code::UntilPassed, &until(now - 1));
    let far = until(now + UNTIL_MS_MAX + 1);
    all.refused_at("until_too_far_on_update", rule, Code::UntilTooFar, &far);
}

fn add_once(all: &mut Catalogue) {
    let [authority, body] = [30, 33].map(Party::new);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[authority.create.clone(), body.create.clone()]);
    let key = right(&authority.did, "degrees/*", &body.id());
    let granted = grant(&key, None, depth(1));
    let mut with_grant = ledger.clone();
    let envelope = authority.signs(&ledger, granted.clone());
    with_grant.after(1_000, &[envelope]);
    let rule = "An operation applies up to its last block time, at most 30 days before it.";
    let revocation = revoke(&key);
    for (name, ledger, action) in [
        ("first_trust_grant", &ledger, granted),
        ("trust_suspend", &with_grant, suspend(&key)),
        ("trust_revoke", &with_grant, revocation),
    ] {
        let now = ledger.head.time + GAP_MS;
        let until = |until| {
            let operation = ledger.operation(&authority.did, 7, action.clone());
            let operation = Operation { until: Some(until), ..operation };
            At::new(ledger, GAP_MS, seal_by_method(&operation, authority.key))
        };
        let at = until(now + UNTIL_MS_MAX);
        all.applied_at(&format!("until_in_30_days_on_{name}"), rule, &at);
        let far = until(now + UNTIL_MS_MAX + 1);
        all.refused_at(&format!("until_too_far_on_{name}"), rule, Code::UntilTooFar, &far);
        let passed = until(now - 1);
        all.refused_at(&format!("until_passed_on_{name}"), rule, Code::UntilPassed, &passed);
    }
    let rule = "Only a grant that its guard does not hold back names a last block time.";
    then_again(all, rule, &mut with_grant, (&authority, &body));
}

/// Adds a grant that replaces a revoked one without a last block time.
fn then_again(
    all: &mut Catalogue,
    rule: &str,
    ledger: &mut Ledger,
    (authority, body): (&Party, &Party),
) {
    let key = right(&authority.did, "degrees/*", &body.id());
    let revoked = authority.signs(ledger, revoke(&key));
    ledger.after(1_000, &[revoked]);
    let operation = ledger.operation(&authority.did, 8, grant(&key, None, Conditions::default()));
    assert_eq!(operation.until, None);
    let at = At::new(ledger, GAP_MS, seal_by_method(&operation, authority.key));
    all.applied_at("until_absent_on_second_trust_grant", rule, &at);
}

/// Adds the operations that may wait in a safe.
fn add_free(all: &mut Catalogue) {
    let ledger = registered();
    let mut pending = ledger.clone();
    let recovers = recover(rotated_sets(), document());
    let operation = ledger.operation(&plain_did(), 2, recovers.clone());
    pending.after(1_000, &[seal(&operation, &[ed(12)])]);
    let mut mature = pending.clone();
    mature.after(DELAY_MS / 2, &[]).after(DELAY_MS / 2, &[]);
    let rotates = rotate(reveal(&[ed(11)]), rotated_sets(), document());
    let rule = "Rotation, recovery and deactivation may name a last block time however far ahead.";
    for (name, ledger, action, keys) in [
        ("rotate", &ledger, rotates.clone(), vec![ed(11)]),
        ("deactivate", &ledger, Action::DidDeactivate(reveal(&[ed(11)])), vec![ed(11)]),
        ("recover", &ledger, recovers, vec![ed(12)]),
        ("recover_cancel", &pending, Action::DidRecoverCancel, vec![ed(12)]),
        ("recover_complete", &mature, Action::DidRecoverComplete, vec![]),
    ] {
        let at = of_did(ledger, ledger.head.time + YEAR_MS, action, &keys);
        all.applied_at(&format!("until_in_a_year_on_{name}"), rule, &at);
    }
    let rule = "What may wait in a safe ends with its last block time too.";
    let at = of_did(&ledger, ledger.head.time + GAP_MS - 1, rotates, &[ed(11)]);
    all.refused_at("until_passed_on_rotate", rule, Code::UntilPassed, &at);
}
