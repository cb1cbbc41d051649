//! Vectors of juniors that write in every block, and of the senior's operation that was signed
//! before and lands all the same.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::operation::{Action, Role};
use registry_core::status::{Delegate, StatusCreate, StatusPurpose, StatusUpdate};
use registry_core::trust::Conditions;

use crate::case_operations::{
    changing, deactivating, plain_did, registered, rotated_sets, rotating, updating,
};
use crate::catalogue::{At, Catalogue, document};
use crate::support::agent::{self, agent_operation, deep, delegate, seal_for, terms};
use crate::support::governance::{
    approve, governance_operation, governed, governor, governs, heartbeat, proposes, withdraw,
};
use crate::support::ledger::Ledger;
use crate::support::status::{
    list_of, plain_list, run, runs, seal_by_method, status_create, status_set,
};
use crate::support::trust::{Party, depth, grant, parent, resume, revoke, right, suspend};
use crate::support::{ed, recover, seal_body};

pub(crate) fn add(all: &mut Catalogue) {
    add_thieves(all);
    add_thief_of_recovery(all);
    add_governors(all);
    add_governor_methods(all);
    add_bodies(all);
    add_delegates(all);
    add_principals(all);
}

/// Number of blocks in which a junior writes.
const BLOCKS: u8 = 6;

/// Adds a thief of the control set who updates the document in every block, and again in the block
/// of the owner's operation.
fn add_thieves(all: &mut Catalogue) {
    let ledger = registered();
    let recovers = recover(rotated_sets(), document());
    let rule = "Whoever stole the control set cannot keep the owner out by updates.";
    for (name, envelope) in [
        ("rotate", rotating(&ledger, 2, &[ed(11)], rotated_sets())),
        ("deactivate", deactivating(&ledger, 2, &[ed(11)])),
        ("recover", changing(&ledger, &plain_did(), 2, recovers, &[ed(12)])),
    ] {
        let mut later = ledger.clone();
        for number in 0..BLOCKS {
            let update = updating(&later, 10 + number, &[ed(10)]);
            later.after(1_000, &[update]);
        }
        let last = updating(&later, 30, &[ed(10)]);
        let at = At::new(&later, 1_000, envelope).following(last);
        all.applied_at(&format!("junior_updates_in_each_block_before_{name}"), rule, &at);
    }
}

/// Adds a thief of the control and the recovery set who starts and cancels recoveries.
fn add_thief_of_recovery(all: &mut Catalogue) {
    let ledger = registered();
    let rotates = rotating(&ledger, 2, &[ed(11)], rotated_sets());
    let mut later = ledger;
    let act = |ledger: &Ledger, number: u8, action: Action| {
        changing(ledger, &plain_did(), number, action, &[ed(12)])
    };
    let starts = || recover(rotated_sets(), Document::default());
    for turn in 0..3 {
        let start = act(&later, 40 + turn, starts());
        let update = updating(&later, 10 + turn, &[ed(10)]);
        later.after(1_000, &[start, update]);
        let stop = act(&later, 50 + turn, Action::DidRecoverCancel);
        later.after(1_000, &[stop]);
    }
    let start = act(&later, 60, starts());
    later.after(1_000, &[start]);
    let rule = "Whoever stole control and recovery sets cannot keep the owner's veto out.";
    let at = At::new(&later, 1_000, rotates).following(updating(&later, 61, &[ed(10)]));
    all.applied_at("junior_recovers_and_updates_before_rotate", rule, &at);
}

/// Returns a network with three governors, of which two must approve, and a proposal of the first.
fn proposed() -> (Ledger, Hash) {
    let parties = [1, 2, 3].map(governor);
    let mut ledger = governed(4, 2, &parties);
    ledger.after(1_000, &[]).after(1_000, &[]);
    let (envelope, id) = proposes(&ledger, &parties[0], 7, heartbeat(10_000), 40);
    ledger.after(1_000, &[envelope]);
    (ledger, id)
}

/// Returns the envelope of a governor's action that its control set signs.
fn by_control(ledger: &Ledger, party: &Party, number: u8, action: Action) -> Vec<u8> {
    let operation = governance_operation(ledger, &party.did, number, action);
    seal_body(operation.body(), Role::Approval, &[party.key])
}

/// Adds a governor that says all that it can about a proposal before another one approves.
fn add_governors(all: &mut Catalogue) {
    let (ledger, id) = proposed();
    let [_, second, third] = [1, 2, 3].map(governor);
    let approves = governs(&ledger, &third, 8, approve(id));
    let mut later = ledger;
    for (number, control, action) in [
        (10, false, approve(id)),
        (11, false, withdraw(id)),
        (12, true, approve(id)),
        (13, true, withdraw(id)),
    ] {
        let envelope = match control {
            true => by_control(&later, &second, number, action),
            false => governs(&later, &second, number, action),
        };
        later.after(1_000, &[envelope]);
    }
    let rule = "A governor that says yes and no alternately does not keep others out.";
    let at = At::new(&later, 1_000, approves);
    all.applied_at("junior_governor_toggles_before_approve", rule, &at);
    let rule = "A governor says yes and no once by methods and once more by its control set.";
    let at = At::new(&later, 1_000, governs(&later, &second, 14, approve(id)));
    all.refused_at("junior_governor_toggles_once_more", rule, Code::ApprovalFinal, &at);
}

/// Adds a thief of a governor's method who approves and withdraws before the control set speaks.
fn add_governor_methods(all: &mut Catalogue) {
    let (ledger, id) = proposed();
    let second = governor(2);
    let rule = "What methods of a governor say does not keep the word of its control set out.";
    for (name, action) in [("approve", approve(id)), ("withdraw", withdraw(id))] {
        let word = by_control(&ledger, &second, 8, action);
        let mut later = ledger.clone();
        let approves = governs(&later, &second, 10, approve(id));
        later.after(1_000, std::slice::from_ref(&approves));
        let withdraws = governs(&later, &second, 11, withdraw(id));
        let at = At::new(&later, 1_000, word).following(withdraws);
        all.applied_at(&format!("junior_methods_before_{name}_by_control"), rule, &at);
    }
}

/// Adds a body whose accreditation was revoked and that suspends its dead grant in every block, in
/// the record in which the authority has a grant of its own.
fn add_bodies(all: &mut Catalogue) {
    let [authority, body, issuer] = [30, 33, 39].map(Party::new);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[&authority, &body, &issuer].map(|party| party.create.clone()));
    let above = right(&authority.did, "degrees/*", &body.id());
    let key = right(&authority.did, "degrees/bachelor", &issuer.id());
    let licence = grant(&key, parent("degrees/*", &authority.did), Conditions::default());
    for (party, action) in [
        (&authority, grant(&above, None, depth(1))),
        (&body, licence),
        (&authority, grant(&key, None, Conditions::default())),
        (&authority, revoke(&above)),
    ] {
        let envelope = party.signs(&ledger, action);
        ledger.after(1_000, &[envelope]);
    }
    let mut later = ledger.clone();
    for _ in 0..BLOCKS {
        let envelope = body.signs(&later, suspend(&key));
        later.after(1_000, &[envelope]);
    }
    let rule = "A body that writes its dead grant in every block does not keep the authority out.";
    for (name, action) in [("revoke", revoke(&key)), ("suspend", suspend(&key))] {
        let envelope = authority.signs(&ledger, action);
        let at = At::new(&later, 1_000, envelope).following(body.signs(&later, suspend(&key)));
        all.applied_at(&format!("junior_body_suspends_in_each_block_before_{name}"), rule, &at);
    }
    let rule = "A body whose accreditation is revoked does not make its grant look alive.";
    let at = At::new(&later, 1_000, body.signs(&later, resume(&key)));
    all.refused_at("junior_body_resumes_its_dead_grant", rule, Code::TrustParentNotLive, &at);
}

/// Adds a delegate of a status list that sets entries in every block before its own removal.
fn add_delegates(all: &mut Catalogue) {
    let [issuer, delegate] = [30, 33].map(Party::new);
    let (start, length, entries_per_hour) = (0, 100, 100);
    let did = delegate.did.clone();
    let named = Delegate { did, start, length, entries_per_hour, valid_until: None };
    let plain = plain_list(StatusPurpose::Suspension, 1, 100);
    let made = status_create(&issuer.did, 3, StatusCreate { delegates: vec![named], ..plain });
    let list = list_of(&made);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[issuer.create.clone(), delegate.create.clone()]);
    ledger.after(1_000, &[seal_by_method(&made, issuer.key)]);
    let update = StatusUpdate { list, valid_until: None, delegates: Vec::new() };
    let removal = ledger.operation(&issuer.did, 5, Action::StatusUpdate(update));
    let removal = seal_by_method(&removal, issuer.key);
    let sets = |ledger: &Ledger, number: u8| {
        let changes = runs(&[run(u64::from(number), 1, 1)]);
        let until = ledger.head.time + 60_000;
        seal_by_method(&status_set(&delegate.did, until, number, list, changes), delegate.key)
    };
    let mut later = ledger;
    for number in 0..BLOCKS {
        let envelope = sets(&later, number);
        later.after(1_000, &[envelope]);
    }
    let rule = "A delegate that sets entries in every block does not keep its own removal out.";
    let at = At::new(&later, 1_000, removal.clone()).following(sets(&later, 30));
    all.applied_at("junior_delegate_sets_in_each_block_before_update", rule, &at);
    later.after(1_000, &[removal]);
    let rule = "A delegate that was removed sets nothing more.";
    let at = At::new(&later, 1_000, sets(&later, 31));
    all.refused_at("junior_delegate_sets_after_its_removal", rule, Code::StatusNotAllowed, &at);
}

/// Adds a principal that gives its agent other terms in every block before one above stops it.
fn add_principals(all: &mut Catalogue) {
    let [principal, middle, helper] = [30, 33, 36].map(Party::new);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[&principal, &middle, &helper].map(|party| party.create.clone()));
    let act = |ledger: &Ledger, author: &Party, to: &Party, action: Action| {
        seal_for(&agent_operation(ledger, &author.did, action), author, to)
    };
    for (author, to, action) in [
        (&principal, &middle, delegate(deep(&middle, 1))),
        (&middle, &helper, delegate(terms(&helper))),
    ] {
        let envelope = act(&ledger, author, to, action);
        ledger.after(1_000, &[envelope]);
    }
    let mut later = ledger.clone();
    let others = |ledger: &Ledger, number: u8| {
        let mut other = terms(&helper);
        other.valid_until -= 1 + u64::from(number);
        act(ledger, &middle, &helper, delegate(other))
    };
    for number in 0..BLOCKS {
        let envelope = others(&later, number);
        later.after(1_000, &[envelope]);
    }
    let rule = "A principal that writes in every block does not keep one above it out.";
    for (name, action) in [("suspend", agent::suspend(&helper)), ("revoke", agent::revoke(&helper))]
    {
        let envelope = act(&ledger, &principal, &helper, action);
        let at = At::new(&later, 1_000, envelope).following(others(&later, 30));
        all.applied_at(&format!("junior_principal_delegates_before_{name}"), rule, &at);
    }
}
