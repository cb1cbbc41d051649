//! Vectors of proposals, approvals and withdrawals, and of the reasons to refuse them.

use registry_core::code::Code;
use registry_core::governance::{Change, Edits, Parameters, ValidatorEntry};
use registry_core::limits::DAY_MS;
use registry_core::operation::{Action, Role};

use super::{GOVERNORS, network, next, proposed, then, with_proposal};
use crate::catalogue::{At, Catalogue};
use crate::support::governance::{
    approve, endorsed, governance_operation, governed, governors_of, governs, heartbeat, propose,
    proposes, publishing_key, put, remove, until, validator, withdraw,
};
use crate::support::ledger::{GENESIS_MS, Ledger, Start, parameters};
use crate::support::seal_body;
use crate::support::trust::Party;

pub(super) fn add(all: &mut Catalogue) {
    add_proposals(all);
    add_quota(all);
    add_approvals(all);
    add_finals(all);
    add_closed(all);
    add_notice(all);
    add_results(all);
    add_power(all);
    add_room(all);
    add_live_notice(all);
    add_schedule(all);
    add_governors(all);
    add_deactivations(all);
}

fn add_proposals(all: &mut Catalogue) {
    let ledger = network();
    let rule = "A governor proposes a change, and approves it by that.";
    let keys = Edits { put: vec![publishing_key(5)], remove: Vec::new() };
    let fewer = governors_of(1, &GOVERNORS[..2]);
    for (name, change) in [
        ("validators", put(&[validator(5)])),
        ("removal", remove(&["node-4"])),
        ("publishing", Change::Publishing(keys)),
        ("parameters", heartbeat(10_000)),
        ("version", Change::Version(2)),
        ("governors", Change::Governors(fewer)),
    ] {
        let at = next(&ledger, 0, propose(change, 20));
        all.applied_at(&format!("governance_propose_{name}"), rule, &at);
    }
    let rule = "Where one governor is enough, a proposal is approved at once.";
    let mut alone = governed(4, 1, &*GOVERNORS);
    alone.after(1_000, &[]);
    let at = next(&alone, 0, propose(heartbeat(10_000), 20));
    all.applied_at("governance_propose_approved_at_once", rule, &at);
}

/// Adds the ninth proposal of a governor on one day.
fn add_quota(all: &mut Catalogue) {
    let mut ledger = network();
    for n in 0..8 {
        proposed(&mut ledger, heartbeat(10_000 + n), 40);
    }
    let rule = "A governor makes at most 8 proposals a day that its methods sign.";
    let action = || propose(heartbeat(11_000), 40);
    let code = Code::QuotaExceeded;
    all.refused_at("governance_propose_ninth", rule, code, &next(&ledger, 0, action()));
    all.applied_at("governance_propose_by_another", rule, &next(&ledger, 1, action()));
    let own = governance_operation(&ledger, &GOVERNORS[0].did, 7, action());
    let own = seal_body(own.body(), Role::Approval, &[GOVERNORS[0].key]);
    let at = At::new(&ledger, 1_000, own);
    all.applied_at("governance_propose_by_control_after_eight_by_methods", rule, &at);
    let mut at = next(&ledger, 0, action());
    at.gap_ms = GENESIS_MS + DAY_MS - ledger.head.time;
    all.applied_at("governance_propose_next_day", rule, &at);
}

fn add_approvals(all: &mut Catalogue) {
    let (mut ledger, id) = with_proposal();
    let rule = "A governor approves once; to propose is to approve.";
    let at = next(&ledger, 0, approve(id));
    all.refused_at("governance_approve_own_proposal", rule, Code::ApprovedAlready, &at);
    let rule = "One withdraws what one approved.";
    let at = next(&ledger, 1, withdraw(id));
    all.refused_at("governance_withdraw_unapproved", rule, Code::NotApproved, &at);
    let rule = "A withdrawal leaves a proposal open.";
    all.applied_at("governance_withdraw_only_approval", rule, &next(&ledger, 0, withdraw(id)));
    let rule = "Approvals of one block make one version of the proposal.";
    let other = governs(&ledger, &GOVERNORS[2], 7, approve(id));
    let at = next(&ledger, 1, approve(id)).following(other.clone());
    all.applied_at("governance_approve_in_the_block_of_another", rule, &at);
    let at = At::new(&ledger, 1_000, other.clone()).following(governs(
        &ledger,
        &GOVERNORS[1],
        7,
        approve(id),
    ));
    all.applied_at("governance_approve_in_the_block_of_another_in_turn", rule, &at);
    let at =
        next(&ledger, 1, approve(id)).following(governs(&ledger, &GOVERNORS[0], 8, withdraw(id)));
    all.applied_at("governance_approve_in_the_block_of_a_withdrawal", rule, &at);
    then(&mut ledger, 1, 7, approve(id));
    let rule = "What other governors said does not keep an approval out.";
    let at = At::new(&ledger, 1_000, other);
    all.applied_at("governance_approve_signed_before_another", rule, &at);
    let rule = "No governor's approval counts twice.";
    let at = next(&ledger, 1, approve(id));
    all.refused_at("governance_approve_twice", rule, Code::ApprovedAlready, &at);
    let rule = "An approved proposal takes further approvals.";
    all.applied_at("governance_approve_beyond_threshold", rule, &next(&ledger, 2, approve(id)));
    let rule = "A withdrawal beneath the threshold takes a proposal off the agenda.";
    all.applied_at("governance_withdraw_from_agenda", rule, &next(&ledger, 1, withdraw(id)));
    let rule = "A proposal exists before it is approved.";
    let (_, unknown) = proposes(&ledger, &GOVERNORS[0], 9, heartbeat(9_000), 40);
    let at = next(&ledger, 1, approve(unknown));
    all.refused_at("governance_approve_unknown", rule, Code::ProposalNotFound, &at);
}

/// Returns the envelope of a governor's action that its control set signs.
fn by_control(ledger: &Ledger, governor: usize, number: u8, action: Action) -> Vec<u8> {
    let party = &GOVERNORS[governor];
    let operation = governance_operation(ledger, &party.did, number, action);
    seal_body(operation.body(), Role::Approval, &[party.key])
}

/// Adds what a governor says by methods and by its control set. Methods approve and withdraw once,
/// the control set once more, and methods do not undo what it said.
fn add_finals(all: &mut Catalogue) {
    let (ledger, id) = with_proposal();
    let said = |steps: &[(bool, Action)]| {
        let mut after = ledger.clone();
        for (number, (control, action)) in (20..).zip(steps) {
            let envelope = match control {
                true => by_control(&after, 1, number, action.clone()),
                false => governs(&after, &GOVERNORS[1], number, action.clone()),
            };
            after.after(1_000, &[envelope]);
        }
        after
    };
    let (method, control) = (false, true);
    let (approved, withdrawn) = (approve(id), withdraw(id));
    let by_methods = [(method, approved.clone()), (method, withdrawn.clone())];
    let withdrew = [(method, approved.clone()), (control, withdrawn.clone())];
    let ended = [(control, approved.clone()), (control, withdrawn.clone())];
    let rule = "The control set says its own word, whatever methods said before.";
    for (name, before, action) in [
        ("approve_after_methods_approved", &by_methods[..1], &approved),
        ("withdraw_after_methods_approved", &by_methods[..1], &withdrawn),
        ("approve_after_methods_withdrew", &by_methods, &approved),
        ("withdraw_after_methods_withdrew", &by_methods, &withdrawn),
        ("withdraw_after_control_approved", &ended[..1], &withdrawn),
    ] {
        let after = said(before);
        let at = At::new(&after, 1_000, by_control(&after, 1, 30, action.clone()));
        all.applied_at(&format!("governance_control_{name}"), rule, &at);
    }
    let rule = "What a governor withdrew it does not approve again, and methods undo nothing.";
    let code = Code::ApprovalFinal;
    for (name, before, by, action) in [
        ("methods_approve_after_methods_withdrew", &by_methods[..], method, &approved),
        ("methods_approve_after_control_withdrew", &withdrew, method, &approved),
        ("methods_withdraw_after_control_approved", &ended[..1], method, &withdrawn),
        ("control_approve_after_control_withdrew", &ended, control, &approved),
        ("control_withdraw_after_control_withdrew", &ended, control, &withdrawn),
    ] {
        let after = said(before);
        let envelope = match by {
            true => by_control(&after, 1, 30, action.clone()),
            false => governs(&after, &GOVERNORS[1], 30, action.clone()),
        };
        let at = At::new(&after, 1_000, envelope);
        all.refused_at(&format!("governance_{name}"), rule, code, &at);
    }
    let rule = "The control set withdraws what was approved.";
    let at = At::new(&ledger, 1_000, by_control(&ledger, 1, 30, withdrawn));
    all.refused_at("governance_control_withdraw_unapproved", rule, Code::NotApproved, &at);
}

fn add_closed(all: &mut Catalogue) {
    let (mut ledger, id) = with_proposal();
    until(&mut ledger, 18);
    let rule = "Approvals may be given until two heights before the effect.";
    all.applied_at("governance_approve_last_height", rule, &next(&ledger, 1, approve(id)));
    until(&mut ledger, 19);
    let rule = "After that, none is given or withdrawn.";
    let at = next(&ledger, 1, approve(id));
    all.refused_at("governance_approve_too_late", rule, Code::ProposalClosed, &at);
    let at = next(&ledger, 0, withdraw(id));
    all.refused_at("governance_withdraw_too_late", rule, Code::ProposalClosed, &at);
    let (mut ledger, id) = with_proposal();
    then(&mut ledger, 1, 7, approve(id));
    until(&mut ledger, 20);
    let rule = "What took effect is closed.";
    let at = next(&ledger, 2, approve(id));
    all.refused_at("governance_approve_active", rule, Code::ProposalClosed, &at);
    let at = next(&ledger, 0, withdraw(id));
    all.refused_at("governance_withdraw_active", rule, Code::ProposalClosed, &at);
}

fn add_notice(all: &mut Catalogue) {
    let ledger = network();
    let present = ledger.head.height + 1;
    let rule = "A change is proposed at least 10 heights before it holds.";
    let at = next(&ledger, 0, propose(heartbeat(10_000), present + 10));
    all.applied_at("governance_propose_10_ahead", rule, &at);
    let late = |height| next(&ledger, 0, propose(heartbeat(10_000), height));
    let code = Code::ActivationHeight;
    all.refused_at("governance_propose_9_ahead", rule, code, &late(present + 9));
    all.refused_at("governance_propose_in_the_past", rule, code, &late(1));
    let rule = "And at most 1,000,000.";
    all.applied_at("governance_propose_1000000_ahead", rule, &late(present + 1_000_000));
    all.refused_at("governance_propose_1000001_ahead", rule, code, &late(present + 1_000_001));
}

/// Adds approvals around the end of a notice of 30 s, which is longer than the heights that the
/// proposal names.
fn add_live_notice(all: &mut Catalogue) {
    let parameters = Parameters { notice_ms_min: 30_000, ..parameters() };
    let start = Start { parameters, ..governed(4, 2, &*GOVERNORS).genesis };
    let creates = GOVERNORS.iter().map(|party| party.create.clone()).collect();
    let mut ledger = Ledger::start_from(start, creates);
    let id = proposed(&mut ledger, put(&[ValidatorEntry { power: 2, ..validator(1) }]), 11);
    let rule =
        "Approvals and withdrawals end when both heights and live time of the notice are over.";
    until(&mut ledger, 30);
    all.applied_at("governance_approve_in_last_second", rule, &next(&ledger, 1, approve(id)));
    all.applied_at("governance_withdraw_in_last_second", rule, &next(&ledger, 0, withdraw(id)));
    then(&mut ledger, 1, 7, approve(id));
    let code = Code::ProposalClosed;
    let at = next(&ledger, 2, approve(id));
    all.refused_at("governance_approve_when_due", rule, code, &at);
    all.refused_at("governance_withdraw_when_due", rule, code, &next(&ledger, 0, withdraw(id)));
    let rule = "A halt does not use up the notice.";
    let mut at = next(&ledger, 2, approve(id));
    at.gap_ms = 60_001;
    all.applied_at("governance_approve_after_halt", rule, &at);
}

fn add_results(all: &mut Catalogue) {
    let mut ledger = network();
    let keys = Edits { put: vec![publishing_key(9)], remove: Vec::new() };
    let id = proposed(&mut ledger, Change::Publishing(keys.clone()), 14);
    then(&mut ledger, 1, 7, approve(id));
    until(&mut ledger, 15);
    let rule = "Over what holds now, a change keeps all rules, and changes something.";
    let (own, of_first) = (validator(5), validator(1));
    let mut used = publishing_key(10);
    used.key = validator(1).key.public_key();
    let mut shared = validator(5);
    shared.key = registry_core::crypto::ValidatorKey(
        publishing_key(9).key.raw().try_into().expect("32 bytes"),
    );
    let gone = Edits { put: Vec::new(), remove: vec!["node-8".parse().expect("a fragment")] };
    let of_key = Edits { put: vec![used], remove: Vec::new() };
    for (name, change) in [
        ("remove_unknown_validator", remove(&["node-5"])),
        ("remove_unknown_publishing_key", Change::Publishing(gone)),
        ("key_of_another", put(&[ValidatorEntry { key: of_first.key, ..own.clone() }])),
        ("peer_of_another", put(&[ValidatorEntry { peer: of_first.peer.clone(), ..own }])),
        ("validator_key_publishes", Change::Publishing(of_key)),
        ("publishing_key_validates", put(&[shared])),
        ("version_of_now", Change::Version(1)),
        ("version_two_ahead", Change::Version(3)),
        ("version_of_the_end", Change::Version(u64::MAX)),
        ("validator_as_it_is", put(&[of_first])),
        ("publishing_as_it_is", Change::Publishing(keys)),
        ("parameters_as_they_are", Change::Parameters(parameters())),
        ("governors_as_they_are", Change::Governors(governors_of(2, &*GOVERNORS))),
    ] {
        let at = next(&ledger, 0, propose(change, 30));
        let name = format!("governance_result_{name}");
        all.refused_at(&name, rule, Code::GovernanceResult, &at);
    }
}

fn add_power(all: &mut Catalogue) {
    let rule = "Less than a third of the old power leaves, and of the new power joins.";
    let ledger = network();
    let with_power = |n: u8, power: u64| ValidatorEntry { power, ..validator(n) };
    let of_three = {
        let mut ledger = governed(3, 2, &*GOVERNORS);
        ledger.after(1_000, &[]);
        ledger
    };
    let refused = [
        ("two_of_four_removed", &ledger, remove(&["node-3", "node-4"])),
        ("a_third_removed", &of_three, remove(&["node-3"])),
        ("two_of_six_new", &ledger, put(&[validator(5), validator(6)])),
        ("a_third_gained", &ledger, put(&[with_power(1, 3)])),
        (
            "a_third_by_new_keys",
            &of_three,
            put(&[ValidatorEntry { key: validator(5).key, ..validator(1) }]),
        ),
    ];
    for (name, ledger, change) in refused {
        let at = next(ledger, 0, propose(change, 30));
        all.refused_at(&format!("power_{name}"), rule, Code::PowerMoved, &at);
    }
    let rotated = ValidatorEntry { key: validator(5).key, ..validator(1) };
    for (name, change) in [
        ("one_of_four_removed", remove(&["node-4"])),
        ("one_of_five_new", put(&[validator(5)])),
        ("one_of_four_by_new_key", put(&[rotated])),
        ("gained_below_a_third", put(&[with_power(1, 2)])),
    ] {
        let at = next(&ledger, 0, propose(change, 30));
        all.applied_at(&format!("power_{name}"), rule, &at);
    }
}

/// Returns a ledger in which the approval of one governor is enough.
fn alone() -> Ledger {
    let mut ledger = governed(4, 1, &*GOVERNORS);
    ledger.after(1_000, &[]);
    ledger
}

fn add_room(all: &mut Catalogue) {
    let rule = "Approved changes may name one height, or near ones; they wait for each other.";
    let mut ledger = alone();
    proposed(&mut ledger, put(&[validator(5)]), 30);
    let another = governs(&ledger, &GOVERNORS[0], 8, propose(heartbeat(10_000), 30));
    all.applied_at("governance_two_at_one_height", rule, &At::new(&ledger, 1_000, another));
    let at = next(&ledger, 0, propose(remove(&["node-4"]), 31));
    all.applied_at("governance_validators_next_to_validators", rule, &at);
    let rule = "At most 16 approved changes wait.";
    let mut ledger = alone();
    for n in 0..16u8 {
        let change = heartbeat(10_000 + u64::from(n));
        let by = &GOVERNORS[usize::from(n % 3)];
        let (envelope, _) = proposes(&ledger, by, n, change, 40 + u64::from(n));
        ledger.after(1_000, &[envelope]);
    }
    let at = next(&ledger, 1, propose(heartbeat(10_100), 60));
    all.refused_at("agenda_full", rule, Code::AgendaFull, &at);
}

/// Adds changes beside an approved one that waits for height 30.
fn add_schedule(all: &mut Catalogue) {
    let of = |change: Change| {
        let mut ledger = alone();
        proposed(&mut ledger, change, 30);
        ledger
    };
    let code = Code::ScheduleBroken;
    let removal = of(remove(&["node-4"]));
    let quick = of(heartbeat(10_000));
    let rule = "A change that would break an approved one behind it is refused.";
    for (name, ledger, change) in [
        ("by_same_removal", &removal, remove(&["node-4"])),
        ("by_power", &removal, remove(&["node-3"])),
        ("by_same_parameters", &quick, heartbeat(10_000)),
    ] {
        let at = next(ledger, 1, propose(change, 20));
        all.refused_at(&format!("governance_schedule_broken_{name}"), rule, code, &at);
    }
    let rule = "A change keeps the rules at its place among the approved ones.";
    let at = next(&removal, 1, propose(remove(&["node-3"]), 40));
    all.refused_at("governance_schedule_too_much_power", rule, Code::PowerMoved, &at);
    let at = next(&removal, 1, propose(remove(&["node-4"]), 40));
    all.refused_at("governance_schedule_gone_by_then", rule, Code::GovernanceResult, &at);
    let at = next(&quick, 1, propose(heartbeat(10_000), 40));
    all.refused_at("governance_schedule_same_by_then", rule, Code::GovernanceResult, &at);
    let joined = of(put(&[validator(5)]));
    let at = next(&joined, 1, propose(remove(&["node-5"]), 40));
    all.applied_at("governance_schedule_of_a_newcomer", rule, &at);
    let version = of(Change::Version(2));
    let at = next(&version, 1, propose(Change::Version(3), 40));
    all.applied_at("governance_schedule_of_versions", rule, &at);
}

fn add_governors(all: &mut Catalogue) {
    let rule = "As many governors as the threshold are registered and not deactivated.";
    let mut ledger = network();
    let (unknown, gone) = (Party::new(90), Party::new(93));
    ledger.after(1_000, std::slice::from_ref(&gone.create));
    ledger.after(1_000, &[gone.deactivating(&ledger)]);
    let first = GOVERNORS[0].clone();
    let code = Code::GovernorsTooFew;
    for (name, threshold, others) in
        [("unknown", 2, unknown.clone()), ("deactivated", 2, gone.clone())]
    {
        let governors = governors_of(threshold, &[first.clone(), others]);
        let at = next(&ledger, 0, propose(Change::Governors(governors), 30));
        all.refused_at(&format!("governors_too_few_{name}"), rule, code, &at);
    }
    let governors = governors_of(1, &[first.clone(), gone.clone()]);
    let at = next(&ledger, 0, propose(Change::Governors(governors), 30));
    all.applied_at("governors_enough_are_live", rule, &at);
    let rule = "The authority of endorsed writes is registered and not deactivated.";
    for (name, authority) in [("unknown", &unknown), ("deactivated", &gone)] {
        let at = next(&ledger, 0, propose(endorsed(&authority.did, 1), 30));
        all.refused_at(&format!("endorsed_authority_{name}"), rule, Code::GovernanceResult, &at);
    }
    let at = next(&ledger, 0, propose(endorsed(&first.did, 1), 30));
    all.applied_at("endorsed_authority_live", rule, &at);
}

fn add_deactivations(all: &mut Catalogue) {
    let mut ledger = network();
    let rule = "A governor is deactivated while the others are enough.";
    let at = At::new(&ledger, 1_000, GOVERNORS[2].deactivating(&ledger));
    all.applied_at("governor_deactivated", rule, &at);
    let rule = "The last governor that is needed is not deactivated.";
    let second = GOVERNORS[1].deactivating(&ledger);
    let at = At::new(&ledger, 1_000, second).following(GOVERNORS[2].deactivating(&ledger));
    all.refused_at("governor_deactivated_in_same_block", rule, Code::GovernorsTooFew, &at);
    let id = proposed(&mut ledger, heartbeat(10_000), 30);
    let third = GOVERNORS[2].deactivating(&ledger);
    ledger.after(1_000, &[third]);
    let at = At::new(&ledger, 1_000, GOVERNORS[1].deactivating(&ledger));
    all.refused_at("governor_deactivated_too_few_left", rule, Code::GovernorsTooFew, &at);
    let rule = "A deactivated governor approves nothing.";
    let at = next(&ledger, 2, approve(id));
    all.refused_at("governance_approve_by_deactivated", rule, Code::DidDeactivated, &at);
}
