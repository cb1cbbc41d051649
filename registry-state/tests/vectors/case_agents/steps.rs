//! Vectors of suspend, resume and revoke: permitted authors, statuses, guards and replays.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::operation::{Action, Guard};

use super::{PARTIES, Parties, next, registered, signed, then, with_agent, with_helper};
use crate::catalogue::{At, Catalogue};
use crate::support::agent::{deep, delegate, resume, revoke, seal_for, suspend, terms};
use crate::support::ledger::Ledger;
use crate::support::status::authored;
use crate::support::trust::Party;

/// Returns a ledger with the helper's delegation after these actions.
fn after(steps: &[(&Party, Action)]) -> Ledger {
    let mut ledger = with_helper();
    for (author, action) in steps {
        then(&mut ledger, author, &PARTIES.helper, action.clone());
    }
    ledger
}

pub(super) fn add(all: &mut Catalogue) {
    add_steps(all);
    add_statuses(all);
    add_strangers(all);
    add_suspenders(all);
    add_anew(all);
    add_guards(all);
    add_replays(all);
}

fn add_steps(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let mut applied = |name: &str, rule: &str, before: &[(&Party, Action)], by, action| {
        let ledger = after(before);
        all.applied_at(&format!("agent_{name}"), rule, &next(&ledger, by, helper, action));
    };
    let rule = "A principal suspends its agent.";
    applied("suspend", rule, &[], agent, suspend(helper));
    let rule = "A principal further up suspends an agent beneath.";
    applied("suspend_from_above", rule, &[], principal, suspend(helper));
    let suspended = [(agent, suspend(helper))];
    let from_above = [(principal, suspend(helper))];
    let rule = "Who suspended it resumes a delegation.";
    applied("resume", rule, &suspended, agent, resume(helper));
    applied("resume_from_above", rule, &from_above, principal, resume(helper));
    let rule = "One above who suspended it resumes a delegation.";
    applied("resume_by_one_above", rule, &suspended, principal, resume(helper));
    let rule = "A principal revokes a delegation, suspended or not.";
    applied("revoke", rule, &[], agent, revoke(helper));
    applied("revoke_from_above", rule, &[], principal, revoke(helper));
    applied("revoke_of_suspended", rule, &suspended, agent, revoke(helper));
    let rule = "An agent resigns, also while it is suspended.";
    applied("resign", rule, &[], helper, revoke(helper));
    applied("resign_while_suspended", rule, &from_above, helper, revoke(helper));
    let resumed = [(agent, suspend(helper)), (agent, resume(helper))];
    let rule = "A delegation is suspended as often as it is resumed.";
    applied("suspend_again", rule, &resumed, agent, suspend(helper));
    let rule = "A suspension may follow another one, but not lift one from further up.";
    applied("suspend_of_suspended", rule, &suspended, agent, suspend(helper));
    applied("suspend_of_suspended_from_above", rule, &suspended, principal, suspend(helper));
    let mut ledger = with_helper();
    then(&mut ledger, principal, agent, suspend(agent));
    let rule = "Who is suspended may still take its own delegations back.";
    let at = next(&ledger, agent, helper, revoke(helper));
    all.applied_at("agent_revoke_under_suspended", rule, &at);
}

fn add_statuses(all: &mut Catalogue) {
    let Parties { agent, helper, .. } = &*PARTIES;
    let mut refused = |name: &str, before: &[(&Party, Action)], by, action| {
        let rule = "Resume takes a suspended delegation, suspend and revoke any that stands.";
        let ledger = after(before);
        let at = next(&ledger, by, helper, action);
        all.refused_at(&format!("agent_{name}"), rule, Code::AgentStatus, &at);
    };
    let revoked = [(agent, revoke(helper))];
    refused("suspend_of_revoked", &revoked, agent, suspend(helper));
    refused("resume_of_active", &[], agent, resume(helper));
    refused("resume_of_revoked", &revoked, agent, resume(helper));
    refused("revoke_of_revoked", &revoked, agent, revoke(helper));
    refused("resign_after_revocation", &revoked, helper, revoke(helper));
}

fn add_strangers(all: &mut Catalogue) {
    let Parties { agent, helper, last, stranger, .. } = &*PARTIES;
    let rule = "Who stands above an agent suspends, resumes and revokes; the agent only resigns.";
    let suspended = [(agent, suspend(helper))];
    for (name, before, by, action) in [
        ("suspend_by_stranger", &[][..], stranger, suspend(helper)),
        ("resume_by_stranger", &suspended, stranger, resume(helper)),
        ("revoke_by_stranger", &[], stranger, revoke(helper)),
        ("suspend_by_itself", &[], helper, suspend(helper)),
        ("resume_by_itself", &suspended, helper, resume(helper)),
        ("status_after_who_may", &[], stranger, resume(helper)),
    ] {
        let ledger = after(before);
        let at = next(&ledger, by, helper, action);
        all.refused_at(&format!("agent_{name}"), rule, Code::AgentNotAllowed, &at);
    }
    let rule = "Who stands beneath an agent has no say about it.";
    let ledger = with_helper();
    let at = next(&ledger, helper, agent, revoke(agent));
    all.refused_at("agent_revoke_from_beneath", rule, Code::AgentNotAllowed, &at);
    let rule = "Who stands beside an agent has no say about it.";
    let mut beside = ledger;
    then(&mut beside, agent, last, delegate(terms(last)));
    let at = next(&beside, last, helper, suspend(helper));
    all.refused_at("agent_suspend_from_beside", rule, Code::AgentNotAllowed, &at);
}

fn add_suspenders(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let rule = "What one further up suspended, one beneath does not resume.";
    let ledger = after(&[(principal, suspend(helper))]);
    let at = next(&ledger, agent, helper, resume(helper));
    all.refused_at("agent_resume_from_beneath_suspender", rule, Code::AgentNotAllowed, &at);
    let at = next(&ledger, agent, helper, suspend(helper));
    all.refused_at("agent_suspend_from_beneath_suspender", rule, Code::AgentNotAllowed, &at);
    let again = after(&[(principal, suspend(helper)), (agent, delegate(deep(helper, 1)))]);
    let rule = "Other terms do not lift the suspension of one further up.";
    let at = next(&again, agent, helper, resume(helper));
    all.refused_at("agent_resume_after_other_terms", rule, Code::AgentNotAllowed, &at);
}

/// Adds cases in which the agent gets a new delegation after the helper's was made. The helper's
/// delegation rests on the agent's earlier one, but the principal is still above the helper.
fn add_anew(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let mut ledger = after(&[(principal, suspend(helper))]);
    then(&mut ledger, principal, agent, revoke(agent));
    then(&mut ledger, principal, agent, delegate(deep(agent, 3)));
    let rule = "A suspension from above outlasts a new delegation to the one between.";
    let at = next(&ledger, agent, helper, resume(helper));
    all.refused_at("agent_resume_after_anew_above", rule, Code::AgentNotAllowed, &at);
    let rule = "One above revokes also what rests on an earlier delegation.";
    let at = next(&ledger, principal, helper, revoke(helper));
    all.applied_at("agent_revoke_after_anew_above", rule, &at);
}

fn add_guards(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let with =
        |guard, action| seal_for(&authored(&principal.did, guard, 7, action), principal, agent);
    let (whole, made) = (Guard::Parts(Hash([7; 32])), Guard::Operation(Hash([7; 32])));
    let empty = registered();
    let rule = "The record exists.";
    let code = Code::AgentNotFound;
    for (name, guard, action) in [
        ("delegate_after_unknown", whole, delegate(terms(agent))),
        ("suspend_of_unknown", Guard::Nothing, suspend(agent)),
        ("resume_of_unknown", made, resume(agent)),
        ("revoke_of_unknown", Guard::Nothing, revoke(agent)),
    ] {
        let at = At::new(&empty, 1_000, with(guard, action));
        all.refused_at(&format!("agent_{name}"), rule, code, &at);
    }
    let ledger = with_agent();
    let rule = "A delegation names the one that it replaces.";
    let at = At::new(&ledger, 1_000, with(whole, delegate(terms(agent))));
    all.refused_at("agent_delegate_of_other_version", rule, Code::GuardStale, &at);
    let rule = "A resumption names the operation that suspended the delegation.";
    let mut suspended = ledger.clone();
    then(&mut suspended, principal, agent, suspend(agent));
    let at = At::new(&suspended, 1_000, with(made, resume(agent)));
    all.refused_at("agent_resume_of_other_suspension", rule, Code::GuardStale, &at);
    let rule = "Absent is for an agent that nobody delegated to yet.";
    let at = At::new(&ledger, 1_000, with(Guard::Absent, delegate(terms(agent))));
    all.refused_at("agent_delegate_absent_of_existing", rule, Code::AlreadyExists, &at);
    let rule = "Operations of one block on one agent make one version.";
    let suspended = signed(&ledger, principal, agent, suspend(agent));
    let at = next(&ledger, principal, agent, revoke(agent)).following(suspended.clone());
    all.applied_at("agent_revoke_after_suspend_in_one_block", rule, &at);
    let after_it = ledger.with(std::slice::from_ref(&suspended));
    let resumed = signed(&after_it, principal, agent, resume(agent));
    let at = At::new(&ledger, 1_000, resumed).following(suspended);
    all.applied_at("agent_resume_in_the_block_of_its_suspension", rule, &at);
    let rule = "What an earlier operation of the block did counts for the next.";
    let revoked = signed(&ledger, principal, agent, revoke(agent));
    let at = next(&ledger, principal, agent, suspend(agent)).following(revoked);
    all.refused_at("agent_suspend_after_revoke_in_one_block", rule, Code::AgentStatus, &at);
    let rule = "What one is delegated in a block it delegates on in the same.";
    let Parties { helper, .. } = &*PARTIES;
    let first = signed(&empty, principal, agent, delegate(deep(agent, 1)));
    let after_it = empty.with(std::slice::from_ref(&first));
    let beneath = signed(&after_it, agent, helper, delegate(terms(helper)));
    let at = At::new(&empty, 1_000, beneath).following(first);
    all.applied_at("agent_delegate_beneath_in_one_block", rule, &at);
    let rule = "Who is suspended earlier in the block delegates no more.";
    let suspended = signed(&ledger, principal, agent, suspend(agent));
    let at = next(&ledger, agent, helper, delegate(terms(helper))).following(suspended);
    all.refused_at("agent_chain_suspended_in_the_block", rule, Code::AgentChain, &at);
}

fn add_replays(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let mut ledger = registered();
    let first = signed(&ledger, principal, agent, delegate(terms(agent)));
    ledger.after(1_000, std::slice::from_ref(&first));
    then(&mut ledger, principal, agent, revoke(agent));
    let rule = "A delegation that was revoked is not replayed, with all its consent.";
    let at = At::new(&ledger, 1_000, first);
    all.refused_at("replay_of_agent_delegate_after_revoke", rule, Code::AlreadyExists, &at);
    let again = signed(&ledger, principal, agent, delegate(terms(agent)));
    ledger.after(1_000, std::slice::from_ref(&again));
    then(&mut ledger, agent, agent, revoke(agent));
    let at = At::new(&ledger, 1_000, again);
    all.refused_at("replay_of_agent_delegate_after_resignation", rule, Code::GuardStale, &at);
    let mut ledger = with_agent();
    then(&mut ledger, principal, agent, suspend(agent));
    let resumed = signed(&ledger, principal, agent, resume(agent));
    ledger.after(1_000, std::slice::from_ref(&resumed));
    then(&mut ledger, principal, agent, suspend(agent));
    let rule = "A resumption is not replayed.";
    let at = At::new(&ledger, 1_000, resumed);
    all.refused_at("replay_of_agent_resume_after_suspend", rule, Code::GuardStale, &at);
}
