//! Vectors of an agent that delegates: the chain above it must be live.

use registry_core::agent::AgentDelegate;
use registry_core::code::Code;

use super::{PARTIES, Parties, next, registered, then, with_agent, with_helper};
use crate::catalogue::{At, Catalogue};
use crate::support::agent::{deep, delegate, resume, revoke, seal_for, suspend, terms};
use crate::support::guards::needed;
use crate::support::ledger::Ledger;
use crate::support::status::authored;
use crate::support::trust::Party;

const RULE: &str = "An agent delegates on while its own chain is live.";

/// Adds a case in which the agent's delegation to the helper is refused.
fn refused(all: &mut Catalogue, name: &str, ledger: &Ledger) {
    let Parties { agent, helper, .. } = &*PARTIES;
    let at = next(ledger, agent, helper, delegate(terms(helper)));
    all.refused_at(&format!("agent_chain_{name}"), RULE, Code::AgentChain, &at);
}

/// Adds a case in which the helper's delegation to the last agent is refused.
fn refused_beneath(all: &mut Catalogue, name: &str, ledger: &Ledger) {
    let Parties { helper, last, .. } = &*PARTIES;
    let at = next(ledger, helper, last, delegate(terms(last)));
    all.refused_at(&format!("agent_chain_{name}"), RULE, Code::AgentChain, &at);
}

pub(super) fn add(all: &mut Catalogue) {
    add_own(all);
    add_above(all);
    add_anew(all);
    add_names(all);
}

fn add_own(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let mut ledger = with_agent();
    then(&mut ledger, principal, agent, suspend(agent));
    refused(all, "own_suspended", &ledger);
    then(&mut ledger, principal, agent, resume(agent));
    let at = next(&ledger, agent, helper, delegate(terms(helper)));
    all.applied_at("agent_delegate_after_own_resumption", RULE, &at);
    let mut ended = registered();
    let end = ended.head.time + 2_000;
    let short = AgentDelegate { valid_until: end, ..deep(agent, 1) };
    then(&mut ended, principal, agent, delegate(short));
    refused(all, "own_ended", &ended);
    let mut later = registered();
    let from = later.head.time + 2_001;
    let late = AgentDelegate { valid_from: Some(from), ..deep(agent, 1) };
    then(&mut later, principal, agent, delegate(late));
    refused(all, "own_begins_later", &later);
    let rule = "The chain above is checked before what is delegated.";
    let at = next(&later, agent, principal, delegate(deep(principal, 7)));
    all.refused_at("agent_chain_before_cycle", rule, Code::AgentChain, &at);
}

fn add_above(all: &mut Catalogue) {
    let Parties { principal, agent, helper, last, .. } = &*PARTIES;
    let after = |action| {
        let mut ledger = with_helper();
        then(&mut ledger, principal, agent, action);
        ledger
    };
    refused_beneath(all, "suspended_above", &after(suspend(agent)));
    refused_beneath(all, "revoked_above", &after(revoke(agent)));
    refused_beneath(all, "too_deep_above", &after(delegate(terms(agent))));
    for (name, party) in [("principal", principal), ("agent", agent)] {
        let mut ledger = with_helper();
        let ends = party.deactivating(&ledger);
        ledger.after(1_000, &[ends]);
        refused_beneath(all, &format!("{name}_deactivated_above"), &ledger);
    }
    let mut resigned = with_helper();
    then(&mut resigned, agent, agent, revoke(agent));
    refused_beneath(all, "resigned_above", &resigned);
    let rule = "One above may suspend and the chain counts again when it resumes.";
    let mut resumed = after(suspend(agent));
    then(&mut resumed, principal, agent, resume(agent));
    let at = next(&resumed, helper, last, delegate(terms(last)));
    all.applied_at("agent_delegate_after_resumption_above", rule, &at);
}

/// Adds cases in which an earlier delegation is replaced. A delegation rests on the one that was
/// live when it was made, not on a later one.
fn add_anew(all: &mut Catalogue) {
    let Parties { principal, agent, helper, last, stranger } = &*PARTIES;
    for (name, again) in [("anew", principal), ("anew_by_another", stranger)] {
        let mut ledger = with_helper();
        then(&mut ledger, principal, agent, revoke(agent));
        then(&mut ledger, again, agent, delegate(deep(agent, 3)));
        refused_beneath(all, &format!("granted_{name}_above"), &ledger);
        then(&mut ledger, agent, helper, delegate(deep(helper, 1)));
        let rule = "A delegation made again rests on the present one above.";
        let at = next(&ledger, helper, last, delegate(terms(last)));
        all.applied_at(&format!("agent_delegate_confirmed_after_{name}"), rule, &at);
    }
    let mut again = with_helper();
    then(&mut again, principal, agent, delegate(deep(agent, 2)));
    let rule = "Other terms above are the same delegation.";
    let at = next(&again, helper, last, delegate(terms(last)));
    all.applied_at("agent_delegate_under_other_terms_above", rule, &at);
}

/// Adds delegations that name another delegation above them than the present one.
fn add_names(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let code = Code::AgentChain;
    let naming = |ledger: &Ledger, author: &Party, to: &Party, beneath| {
        let terms = AgentDelegate { beneath, ..terms(to) };
        let guard = needed(&ledger.state, Some(&author.did), &delegate(terms.clone()));
        seal_for(&authored(&author.did, guard, 7, delegate(terms)), author, to)
    };
    let ledger = with_agent();
    let first = ledger.delegation_to(&agent.did);
    let rule = "An agent names the operation that made the delegation to it.";
    let at = At::new(&ledger, 1_000, naming(&ledger, agent, helper, None));
    all.refused_at("agent_delegate_without_the_one_above", rule, code, &at);
    let at = At::new(&ledger, 1_000, naming(&ledger, agent, helper, first));
    all.applied_at("agent_delegate_beneath_the_one_named", rule, &at);
    let mut anew = ledger;
    then(&mut anew, principal, agent, revoke(agent));
    then(&mut anew, principal, agent, delegate(deep(agent, 3)));
    let at = At::new(&anew, 1_000, naming(&anew, agent, helper, first));
    all.refused_at("agent_delegate_beneath_an_earlier_one", rule, code, &at);
    let rule = "Who is no agent names no delegation above.";
    let free = registered();
    let at = At::new(&free, 1_000, naming(&free, principal, agent, first));
    all.refused_at("agent_delegate_beneath_none", rule, code, &at);
}
