//! Agents and what is delegated to them (docs/protocol/agents.md).

mod chains;
mod consents;
mod delegations;
mod forms;
mod steps;

use std::sync::LazyLock;

use registry_core::operation::Action;

use crate::catalogue::{At, Catalogue};
use crate::support::agent::{agent_operation, deep, delegate, seal_for};
use crate::support::ledger::Ledger;
use crate::support::trust::Party;

struct Parties {
    principal: Party,
    /// Who works for the principal.
    agent: Party,
    /// Who works for the agent.
    helper: Party,
    /// Who works for the helper.
    last: Party,
    stranger: Party,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let [principal, agent, helper, last, stranger] = [30, 33, 36, 39, 42].map(Party::new);
    Parties { principal, agent, helper, last, stranger }
});

/// All parties, and no delegations.
fn registered() -> Ledger {
    let Parties { principal, agent, helper, last, stranger } = &*PARTIES;
    let creates = [principal, agent, helper, last, stranger].map(|party| party.create.clone());
    let mut ledger = Ledger::new();
    ledger.after(1_000, &creates);
    ledger
}

/// The envelope of what an author does about an agent, signed by whom it takes.
fn signed(ledger: &Ledger, author: &Party, agent: &Party, action: Action) -> Vec<u8> {
    seal_for(&agent_operation(ledger, &author.did, action), author, agent)
}

/// A block in which an author does one thing about an agent.
fn then(ledger: &mut Ledger, author: &Party, agent: &Party, action: Action) {
    let envelope = signed(ledger, author, agent, action);
    ledger.after(1_000, &[envelope]);
}

/// The same in the next block, as a case.
fn next<'a>(ledger: &'a Ledger, author: &Party, agent: &Party, action: Action) -> At<'a> {
    At::new(ledger, 1_000, signed(ledger, author, agent, action))
}

/// The principal's delegation to the agent, beneath which three may follow.
fn with_agent() -> Ledger {
    let Parties { principal, agent, .. } = &*PARTIES;
    let mut ledger = registered();
    then(&mut ledger, principal, agent, delegate(deep(agent, 3)));
    ledger
}

/// And the agent's to the helper, beneath which one may follow.
fn with_helper() -> Ledger {
    let Parties { agent, helper, .. } = &*PARTIES;
    let mut ledger = with_agent();
    then(&mut ledger, agent, helper, delegate(deep(helper, 1)));
    ledger
}

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    consents::add(all);
    delegations::add(all);
    chains::add(all);
    steps::add(all);
}
