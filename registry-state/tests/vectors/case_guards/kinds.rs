//! Vectors of each action with each guard that it does not take, and of those that must name their
//! last block time and do not.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::governance::ValidatorEntry;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard, Operation, Role};
use registry_core::status::{StatusClose, StatusPurpose, StatusUpdate};
use registry_core::trust::{Conditions, TrustForgetRoot};

use crate::case_operations::{plain_sets, rotated_sets};
use crate::catalogue::Catalogue;
use crate::support::agent::{self, delegate, seal_for, terms};
use crate::support::governance::{
    approve, heartbeat, propose, seal_approval, validator, validator_key, withdraw,
};
use crate::support::ledger::Ledger;

use crate::support::schema::{self, DEGREE, degree_schema, id_of, plain_type, publish_type};
use crate::support::status::{list_of, plain_list, run, runs, status_create, status_set};
use crate::support::trust::{
    Party, change_of, derecognise, grant, recognise, resume, revoke, right, suspend,
};
use crate::support::{chain, create, ed, recover, reveal, rotate, salt, seal, update};

const HASH: Hash = Hash([7; 32]);

fn author() -> Party {
    Party::new(30)
}

fn agent() -> Party {
    Party::new(33)
}

/// Returns the guard of a kind.
fn guard(kind: &str) -> Guard {
    match kind {
        "absent" => Guard::Absent,
        "parts" => Guard::Parts(HASH),
        "operation" => Guard::Operation(HASH),
        "nothing" => Guard::Nothing,
        other => panic!("no guard {other}"),
    }
}

const KINDS: [&str; 4] = ["absent", "parts", "operation", "nothing"];

/// Returns an operation of the only author of these vectors, with an empty chain of its own.
fn operation(action: Action, guard: Guard) -> Operation {
    let author = action.facts().has_author.then(|| author().did);
    let (chain, endorser, until, salt) = (chain(), None, None, salt(7));
    Operation { chain, author, endorser, guard, until, salt, action }
}

/// Returns the envelope with the signatures that the action needs.
fn sealed(operation: &Operation) -> Vec<u8> {
    let (author, agent) = (author(), agent());
    match operation.action.facts().role {
        None => seal(operation, &[]),
        Some(Role::Approval) => seal_approval(operation, &author),
        Some(Role::Author) if operation.author.is_none() => seal(operation, &[validator_key(5)]),
        Some(Role::Author) => seal_for(operation, &author, &agent),
        Some(_) => seal(operation, &[ed(30)]),
    }
}

/// Returns an action on DIDs with the kinds of guards that it takes.
fn of_dids() -> Vec<(Action, &'static [&'static str])> {
    let next = || reveal(&[ed(30)]);
    vec![
        (create(plain_sets(), Document::default(), 7).action, &["absent"]),
        (update(Document::default()), &["parts"]),
        (rotate(next(), rotated_sets(), Document::default()), &["parts"]),
        (recover(rotated_sets(), Document::default()), &["parts"]),
        (Action::DidRecoverCancel, &["operation"]),
        (Action::DidRecoverComplete, &["operation"]),
        (Action::DidDeactivate(next()), &["parts"]),
    ]
}

fn of_lists() -> Vec<(Action, &'static [&'static str])> {
    let author = author().did;
    let made = status_create(&author, 7, plain_list(StatusPurpose::Revocation, 1, 8));
    let list = list_of(&made);
    let update = StatusUpdate { list, valid_until: None, delegates: Vec::new() };
    vec![
        (made.action, &["absent"]),
        (status_set(&author, 0, 7, list, runs(&[run(0, 1, 1)])).action, &["nothing"]),
        (Action::StatusUpdate(update), &["parts"]),
        (Action::StatusClose(StatusClose { list }), &["nothing"]),
    ]
}

fn of_trust() -> Vec<(Action, &'static [&'static str])> {
    let key: TrustKey = right(&author().did, "degrees/*", &agent().id());
    vec![
        (grant(&key, None, Conditions::default()), &["absent", "parts"]),
        (change_of(&key, Conditions::default()), &["absent", "parts"]),
        (suspend(&key), &["operation"]),
        (resume(&key), &["operation"]),
        (revoke(&key), &["operation"]),
        (recognise(&key), &["absent", "parts"]),
        (derecognise(&key), &["nothing"]),
        (Action::TrustForgetRoot(TrustForgetRoot { authority: author().did }), &["nothing"]),
    ]
}

fn of_agents() -> Vec<(Action, &'static [&'static str])> {
    let party = agent();
    vec![
        (delegate(terms(&party)), &["absent", "parts"]),
        (agent::suspend(&party), &["nothing"]),
        (agent::resume(&party), &["operation"]),
        (agent::revoke(&party), &["nothing"]),
    ]
}

fn of_others() -> Vec<(Action, &'static [&'static str])> {
    let id = id_of(&author(), &degree_schema());
    let ValidatorEntry { key, peer, .. } = validator(5);
    let header = Ledger::new().head;
    let word =
        registry_core::governance::ValidatorReady { proposal: HASH, key, peer, version: 1, header };
    vec![
        (schema::publish(degree_schema()), &["absent"]),
        (schema::withdraw(id), &["nothing"]),
        (publish_type(plain_type(DEGREE)), &["absent", "parts"]),
        (schema::withdraw_type(DEGREE), &["nothing"]),
        (propose(heartbeat(10_000), 20), &["absent"]),
        (approve(HASH), &["nothing"]),
        (withdraw(HASH), &["nothing"]),
        (Action::ValidatorReady(Box::new(word)), &["absent", "parts"]),
    ]
}

fn whole() -> Vec<(Action, &'static [&'static str])> {
    [of_dids(), of_lists(), of_trust(), of_agents(), of_others()].concat()
}

pub(super) fn add(all: &mut Catalogue) {
    assert_eq!(whole().len(), Action::ALL.len(), "each action once");
    for (action, takes) in whole() {
        let name = action.facts().name;
        let rule = format!("The guard of {name} is {}.", takes.join(" or "));
        for kind in KINDS.into_iter().filter(|kind| !takes.contains(kind)) {
            let envelope = sealed(&operation(action.clone(), guard(kind)));
            let file = format!("guard_{kind}_on_{name}");
            all.refused(&file, &rule, Code::GuardKind, &envelope);
        }
    }
    add_untils(all);
}

/// Adds the actions that can be applied once only, without a last block time.
fn add_untils(all: &mut Catalogue) {
    let once = [
        ("status_set", "nothing"),
        ("trust_grant", "absent"),
        ("trust_change", "absent"),
        ("trust_suspend", "operation"),
        ("trust_derecognise", "nothing"),
        ("agent_suspend", "nothing"),
        ("agent_revoke", "nothing"),
        ("schema_withdraw", "nothing"),
        ("credential_type_withdraw", "nothing"),
    ];
    let rule = "An operation whose guard would hold again names its last block time.";
    for (name, kind) in once {
        let found = whole().into_iter().find(|(action, _)| action.facts().name == name);
        let (action, _) = found.expect("an action");
        let envelope = sealed(&operation(action, guard(kind)));
        all.refused(&format!("until_missing_on_{name}"), rule, Code::UntilMissing, &envelope);
    }
}
