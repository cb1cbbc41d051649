//! Vectors of delegations: bound agents, depth, attenuation and cycles.

use registry_core::agent::AgentDelegate;
use registry_core::code::Code;

use super::{PARTIES, Parties, next, registered, then, with_agent, with_helper};
use crate::catalogue::Catalogue;
use crate::support::agent::{UNTIL_MS, deep, delegate, revoke, suspend, terms};
use crate::support::ledger::GENESIS_MS;

pub(super) fn add(all: &mut Catalogue) {
    add_delegations(all);
    add_bound(all);
    add_cycles(all);
    add_depths(all);
    add_beyond(all);
    add_narrowed(all);
}

fn add_delegations(all: &mut Catalogue) {
    let Parties { principal, agent, helper, last, .. } = &*PARTIES;
    let empty = registered();
    let rule = "A principal delegates to an agent that consents.";
    all.applied_at("agent_delegate", rule, &next(&empty, principal, agent, delegate(terms(agent))));
    let ledger = with_agent();
    let rule = "The principal replaces all terms of its delegation.";
    let other = AgentDelegate {
        resources: vec!["bills/*".parse().expect("a pattern"), "orders/1".parse().expect("one")],
        valid_from: Some(GENESIS_MS + 60_000),
        valid_until: UNTIL_MS + 1,
        ..terms(agent)
    };
    all.applied_at("agent_delegate_again", rule, &next(&ledger, principal, agent, delegate(other)));
    let mut suspended = ledger.clone();
    then(&mut suspended, principal, agent, suspend(agent));
    let rule = "What is suspended stays so under other terms.";
    let at = next(&suspended, principal, agent, delegate(terms(agent)));
    all.applied_at("agent_delegate_again_of_suspended", rule, &at);
    let rule = "An agent delegates on beneath its own delegation.";
    let at = next(&ledger, agent, helper, delegate(deep(helper, 2)));
    all.applied_at("agent_delegate_beneath", rule, &at);
    let rule = "A delegation may be the last that those above allow.";
    let two = with_helper();
    let at = next(&two, helper, last, delegate(terms(last)));
    all.applied_at("agent_delegate_beneath_two", rule, &at);
    let mut resigned = ledger;
    then(&mut resigned, agent, agent, revoke(agent));
    let rule = "Who resigned is no agent any more, and delegates by its own right.";
    let at = next(&resigned, agent, helper, delegate(deep(helper, 7)));
    all.applied_at("agent_delegate_after_resignation", rule, &at);
}

fn add_bound(all: &mut Catalogue) {
    let Parties { principal, agent, helper, stranger, .. } = &*PARTIES;
    let mut ledger = with_agent();
    let rule = "An agent has one principal at a time.";
    let code = Code::AgentBound;
    let by_other = || delegate(terms(agent));
    let at = next(&ledger, stranger, agent, by_other());
    all.refused_at("agent_bound_to_another", rule, code, &at);
    let two = with_helper();
    let at = next(&two, principal, helper, delegate(terms(helper)));
    all.refused_at("agent_bound_to_one_beneath", rule, code, &at);
    then(&mut ledger, principal, agent, suspend(agent));
    let at = next(&ledger, stranger, agent, by_other());
    all.refused_at("agent_bound_while_suspended", rule, code, &at);
    then(&mut ledger, principal, agent, revoke(agent));
    let rule = "A revoked delegation binds nobody.";
    let at = next(&ledger, stranger, agent, by_other());
    all.applied_at("agent_delegate_after_revocation_by_another", rule, &at);
    let at = next(&ledger, principal, agent, by_other());
    all.applied_at("agent_delegate_after_revocation", rule, &at);
    let mut ending = registered();
    let end = ending.head.time + 2_000;
    let short = AgentDelegate { valid_until: end, ..terms(agent) };
    then(&mut ending, principal, agent, delegate(short));
    let rule = "A delegation that ends this very moment binds nobody.";
    all.applied_at("agent_delegate_after_end", rule, &next(&ending, stranger, agent, by_other()));
    let mut one_ms_before = next(&ending, stranger, agent, by_other());
    one_ms_before.gap_ms = 999;
    let rule = "A delegation binds until it has ended.";
    all.refused_at("agent_bound_one_ms_before_end", rule, code, &one_ms_before);
}

fn add_cycles(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let code = Code::AgentCycle;
    let rule = "No agent stands above itself.";
    let ledger = with_agent();
    let at = next(&ledger, agent, principal, delegate(terms(principal)));
    all.refused_at("agent_cycle_to_the_principal", rule, code, &at);
    let ledger = with_helper();
    let at = next(&ledger, helper, principal, delegate(terms(principal)));
    all.refused_at("agent_cycle_to_the_principal_of_all", rule, code, &at);
    let rule = "A bound agent is refused before a cycle.";
    let at = next(&ledger, helper, agent, delegate(terms(agent)));
    all.refused_at("agent_bound_before_cycle", rule, Code::AgentBound, &at);
    let rule = "A cycle is refused before depth and terms.";
    let wide = AgentDelegate { valid_until: UNTIL_MS + 1, ..deep(principal, 7) };
    let at = next(&ledger, helper, principal, delegate(wide));
    all.refused_at("agent_cycle_before_depth", rule, code, &at);
}

fn add_depths(all: &mut Catalogue) {
    let Parties { principal, agent, helper, last, .. } = &*PARTIES;
    let code = Code::AgentDepth;
    let (one, two) = (with_agent(), with_helper());
    let mut shallow = registered();
    then(&mut shallow, principal, agent, delegate(terms(agent)));
    let rule = "An agent without depth does not delegate on.";
    let at = next(&shallow, agent, helper, delegate(terms(helper)));
    all.refused_at("agent_depth_none", rule, code, &at);
    let rule = "Those that a delegation allows beneath it count as well.";
    let at = next(&one, agent, helper, delegate(deep(helper, 3)));
    all.refused_at("agent_depth_allowed_beneath", rule, code, &at);
    let at = next(&two, helper, last, delegate(deep(last, 1)));
    all.refused_at("agent_depth_of_three", rule, code, &at);
    let mut narrowed = with_agent();
    then(&mut narrowed, agent, helper, delegate(deep(helper, 2)));
    then(&mut narrowed, principal, agent, delegate(deep(agent, 2)));
    let rule = "Depth is kept beneath each delegation of the chain, also one that is narrower now.";
    let at = next(&narrowed, helper, last, delegate(deep(last, 1)));
    all.refused_at("agent_depth_narrowed_above", rule, code, &at);
    let rule = "Depth is checked before what is delegated.";
    let wide = AgentDelegate { valid_until: UNTIL_MS + 1, ..deep(helper, 3) };
    let at = next(&one, agent, helper, delegate(wide));
    all.refused_at("agent_depth_before_terms", rule, code, &at);
}

fn add_beyond(all: &mut Catalogue) {
    let Parties { principal, agent, helper, .. } = &*PARTIES;
    let mut ledger = registered();
    let from = ledger.head.time;
    let own = AgentDelegate {
        actions: vec!["read".parse().expect("one"), "write".parse().expect("one")],
        resources: vec!["bills/1".parse().expect("one"), "orders/*".parse().expect("one")],
        valid_from: Some(from),
        ..deep(agent, 1)
    };
    then(&mut ledger, principal, agent, delegate(own.clone()));
    let same = AgentDelegate { agent: helper.did.clone(), max_depth: None, ..own };
    let rule = "An agent delegates as much as it has.";
    let at = next(&ledger, agent, helper, delegate(same.clone()));
    all.applied_at("agent_delegate_as_much_as_the_own", rule, &at);
    let rule = "A delegation without a beginning begins with its block.";
    let at_once = AgentDelegate { valid_from: None, ..same.clone() };
    let at = next(&ledger, agent, helper, delegate(at_once));
    all.applied_at("agent_delegate_from_its_block_on", rule, &at);
    let mut refused = |name: &str, rule: &str, terms: AgentDelegate| {
        let at = next(&ledger, agent, helper, delegate(terms));
        all.refused_at(&format!("agent_beyond_{name}"), rule, Code::AgentBeyondPrincipal, &at);
    };
    let rule = "An agent delegates its own actions.";
    let actions = vec!["pay".parse().expect("one"), "read".parse().expect("one")];
    refused("actions", rule, AgentDelegate { actions, ..same.clone() });
    let rule = "An agent delegates on its own resources.";
    for (name, resource) in [
        ("resources", "letters/1"),
        ("resources_by_pattern", "*"),
        ("resources_by_pattern_of_one", "bills/*"),
        ("resources_beneath_one", "bills/1/lines"),
        ("resources_without_segment", "orders"),
    ] {
        let resources = vec![resource.parse().expect("a resource")];
        refused(name, rule, AgentDelegate { resources, ..same.clone() });
    }
    let rule = "A delegation lies within the window of the principal's.";
    refused("window_end", rule, AgentDelegate { valid_until: UNTIL_MS + 1, ..same.clone() });
    refused("window_begin", rule, AgentDelegate { valid_from: Some(from - 1), ..same });
}

/// Adds cases in which a principal further up has narrowed its delegation. What it took back cannot
/// be delegated on.
fn add_narrowed(all: &mut Catalogue) {
    let Parties { principal, agent, helper, last, .. } = &*PARTIES;
    let rule = "Each delegation of the chain has what is delegated.";
    for (name, narrow) in [
        ("action", AgentDelegate { actions: vec!["list".parse().expect("one")], ..deep(agent, 3) }),
        (
            "resource",
            AgentDelegate { resources: vec!["orders/1".parse().expect("one")], ..deep(agent, 3) },
        ),
        ("window", AgentDelegate { valid_until: UNTIL_MS - 1, ..deep(agent, 3) }),
    ] {
        let mut ledger = with_helper();
        then(&mut ledger, principal, agent, delegate(narrow));
        let at = next(&ledger, helper, last, delegate(terms(last)));
        let name = format!("agent_beyond_{name}_narrowed_above");
        all.refused_at(&name, rule, Code::AgentBeyondPrincipal, &at);
    }
}
