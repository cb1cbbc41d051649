//! Vectors of agents and delegations (docs/protocol/agents.md).

mod chains;
mod consents;
mod delegations;
mod forms;
mod guards;
mod steps;

use std::sync::LazyLock;

use registry_core::operation::Action;

use crate::catalogue::{At, Catalogue, Guarded};
use crate::support::agent::{self, agent_operation, deep, delegate, seal_for, terms};
use crate::support::ledger::Ledger;
use crate::support::trust::Party;

struct Parties {
    principal: Party,
    /// Agent of the principal.
    agent: Party,
    /// Agent of the agent.
    helper: Party,
    /// Agent of the helper.
    last: Party,
    stranger: Party,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let [principal, agent, helper, last, stranger] = [30, 33, 36, 39, 42].map(Party::new);
    Parties { principal, agent, helper, last, stranger }
});

/// Returns a ledger with all parties and no delegations.
fn registered() -> Ledger {
    let Parties { principal, agent, helper, last, stranger } = &*PARTIES;
    let creates = [principal, agent, helper, last, stranger].map(|party| party.create.clone());
    let mut ledger = Ledger::new();
    ledger.after(1_000, &creates);
    ledger
}

/// Returns the envelope of an author's action on an agent, with all signatures that it needs.
fn signed(ledger: &Ledger, author: &Party, agent: &Party, action: Action) -> Vec<u8> {
    seal_for(&agent_operation(ledger, &author.did, action), author, agent)
}

/// Adds a block in which an author performs one action on an agent.
fn then(ledger: &mut Ledger, author: &Party, agent: &Party, action: Action) {
    let envelope = signed(ledger, author, agent, action);
    ledger.after(1_000, &[envelope]);
}

/// Returns the case in which an author performs one action on an agent in the next block.
fn next<'a>(ledger: &'a Ledger, author: &Party, agent: &Party, action: Action) -> At<'a> {
    At::new(ledger, 1_000, signed(ledger, author, agent, action))
}

/// Returns a ledger in which the principal has delegated to the agent, with three more links
/// allowed below.
fn with_agent() -> Ledger {
    let Parties { principal, agent, .. } = &*PARTIES;
    let mut ledger = registered();
    then(&mut ledger, principal, agent, delegate(deep(agent, 3)));
    ledger
}

/// Returns a ledger in which the agent has also delegated to the helper, with one more link allowed
/// below.
fn with_helper() -> Ledger {
    let Parties { agent, helper, .. } = &*PARTIES;
    let mut ledger = with_agent();
    then(&mut ledger, agent, helper, delegate(deep(helper, 1)));
    ledger
}

/// Returns each action of the family with the kinds of guards that it takes.
pub(crate) fn actions(party: &Party) -> Vec<Guarded> {
    vec![
        (delegate(terms(party)), &["absent", "parts"]),
        (agent::suspend(party), &["nothing"]),
        (agent::resume(party), &["operation"]),
        (agent::revoke(party), &["nothing"]),
    ]
}

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    consents::add(all);
    delegations::add(all);
    chains::add(all);
    steps::add(all);
    guards::add(all);
}
