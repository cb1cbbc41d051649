//! Vectors of each action with each guard that it does not take, and of those that must name their
//! last block time and do not.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::operation::{Action, Guard, Operation, Role};

use crate::catalogue::{Catalogue, Guarded};
use crate::support::agent::seal_for;
use crate::support::governance::{seal_approval, validator_key};
use crate::support::trust::Party;
use crate::support::{chain, ed, salt, seal};
use crate::{case_agents, case_governance, case_operations, case_schemas, case_status, case_trust};

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

/// Returns every action with the kinds of guards that it takes.
fn whole() -> Vec<Guarded> {
    let (author, agent) = (author(), agent());
    [
        case_operations::actions(),
        case_status::actions(&author.did),
        case_trust::actions(&author, &agent),
        case_agents::actions(&agent),
        case_schemas::actions(&author),
        case_governance::actions(),
    ]
    .concat()
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
