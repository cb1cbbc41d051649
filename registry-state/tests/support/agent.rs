//! Principals and agents of the tests, and their operations.

use registry_core::agent::{AgentDelegate, AgentRevoke, AgentStep};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Action, Operation, Role, Signature, SignedOperation, operation_id};

use super::ledger::{GENESIS_MS, Ledger};
use super::status::{method_signature, method_signature_as};
use super::trust::Party;

/// End of the delegations that the fixtures make.
pub(crate) const UNTIL_MS: u64 = GENESIS_MS + 3_600_000;

/// Returns a delegation to read all orders for an hour, without the right to delegate on.
pub(crate) fn terms(agent: &Party) -> AgentDelegate {
    let (beneath, valid_from, max_depth) = (None, None, None);
    AgentDelegate {
        agent: agent.did.clone(),
        beneath,
        actions: vec!["read".parse().expect("an action")],
        resources: vec!["orders/*".parse().expect("a pattern")],
        valid_from,
        valid_until: UNTIL_MS,
        max_depth,
    }
}

/// Returns the same delegation with `max_depth` more links allowed below it.
pub(crate) fn deep(agent: &Party, max_depth: u8) -> AgentDelegate {
    AgentDelegate { max_depth: Some(max_depth), ..terms(agent) }
}

pub(crate) fn delegate(terms: AgentDelegate) -> Action {
    Action::AgentDelegate(Box::new(terms))
}

pub(crate) fn suspend(agent: &Party) -> Action {
    Action::AgentSuspend(step(agent))
}

pub(crate) fn resume(agent: &Party) -> Action {
    Action::AgentResume(step(agent))
}

pub(crate) fn revoke(agent: &Party) -> Action {
    Action::AgentRevoke(AgentRevoke { agent: agent.did.clone(), void: false })
}

/// Returns the revocation that declares a delegation void.
pub(crate) fn void(agent: &Party) -> Action {
    Action::AgentRevoke(AgentRevoke { agent: agent.did.clone(), void: true })
}

fn step(agent: &Party) -> AgentStep {
    AgentStep { agent: agent.did.clone() }
}

/// Returns an operation that fits the present state. If its author is an agent, a delegation names
/// the one to the author.
pub(crate) fn agent_operation(ledger: &Ledger, author: &Did, action: Action) -> Operation {
    ledger.operation(author, 7, action)
}

/// Returns a party's signature as author, by its method.
pub(crate) fn as_author(party: &Party, id: &Hash) -> Signature {
    method_signature(&party.key, &party.did, "key-1", id)
}

/// Returns a party's consent, by its method.
pub(crate) fn as_consent(party: &Party, id: &Hash) -> Signature {
    method_signature_as(Role::Consent, &party.key, &party.did, "key-1", id)
}

/// Returns the envelope of an operation with signatures over its id.
pub(crate) fn seal_with(operation: &Operation, sign: impl Fn(&Hash) -> Vec<Signature>) -> Vec<u8> {
    let body = operation.body();
    let signatures = sign(&operation_id(&body));
    SignedOperation::new(body, signatures).bytes()
}

/// Returns the envelope signed by the author, and by the agent if the action needs its consent.
pub(crate) fn seal_for(operation: &Operation, author: &Party, agent: &Party) -> Vec<u8> {
    seal_with(operation, |id| {
        let consent = operation.action.consents().map(|_| as_consent(agent, id));
        consent.into_iter().chain([as_author(author, id)]).collect()
    })
}
