//! Vectors of guards of delegations: what makes them stale and what does not, and replays of
//! operations that apply once.

use registry_core::code::Code;
use registry_core::operation::Action;

use super::{PARTIES, Parties, signed, then, with_agent};
use crate::catalogue::{At, Catalogue};
use crate::support::agent::{deep, delegate, resume, revoke, suspend};
use crate::support::ledger::Ledger;

/// Returns the ledger after the principal performs these actions, one in each block.
fn after(ledger: &Ledger, steps: &[Action]) -> Ledger {
    let Parties { principal, agent, .. } = &*PARTIES;
    let mut later = ledger.clone();
    for step in steps {
        then(&mut later, principal, agent, step.clone());
    }
    later
}

fn by_principal(ledger: &Ledger, action: Action) -> Vec<u8> {
    let Parties { principal, agent, .. } = &*PARTIES;
    signed(ledger, principal, agent, action)
}

pub(super) fn add(all: &mut Catalogue) {
    add_stale(all);
    add_fresh(all);
    add_replays(all);
}

fn add_stale(all: &mut Catalogue) {
    let agent = &PARTIES.agent;
    let ledger = with_agent();
    let other = || delegate(deep(agent, 2));
    let envelope = by_principal(&ledger, other());
    let rule = "A delegation is for the record as it was when it was signed.";
    for (name, steps) in [
        ("suspension", vec![suspend(agent)]),
        ("other_terms", vec![delegate(deep(agent, 1))]),
        ("revocation", vec![revoke(agent)]),
    ] {
        let later = after(&ledger, &steps);
        let at = At::new(&later, 1_000, envelope.clone());
        let name = format!("agent_delegate_stale_after_{name}");
        all.refused_at(&name, rule, Code::GuardStale, &at);
    }
    let rule = "A resumption is for one suspension, not for a later one.";
    let suspended = after(&ledger, &[suspend(agent)]);
    let resumes = by_principal(&suspended, resume(agent));
    let later = after(&suspended, &[suspend(agent)]);
    let at = At::new(&later, 1_000, resumes);
    all.refused_at("agent_resume_of_earlier_suspension", rule, Code::GuardStale, &at);
}

fn add_fresh(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let ledger = with_agent();
    let other = || delegate(deep(agent, 2));
    let rule = "Nothing that happens to a delegation keeps a stop out.";
    let changed = after(&ledger, &[other(), suspend(agent)]);
    for (name, action) in [("suspend", suspend(agent)), ("revoke", revoke(agent))] {
        let at = At::new(&changed, 1_000, by_principal(&ledger, action));
        all.applied_at(&format!("agent_{name}_signed_before_other_terms"), rule, &at);
    }
    let rule = "Other terms leave a suspension as it is, so its resumption stays good.";
    let suspended = after(&ledger, &[suspend(agent)]);
    let resumes = by_principal(&suspended, resume(agent));
    let later = after(&suspended, &[other()]);
    let at = At::new(&later, 1_000, resumes);
    all.applied_at("agent_resume_signed_before_other_terms", rule, &at);
    let rule = "A stop that was held back hits the delegation that stands there then.";
    let mut anew = after(&ledger, &[revoke(agent)]);
    let stop = by_principal(&ledger, suspend(agent));
    then(&mut anew, principal, agent, delegate(deep(agent, 3)));
    let at = At::new(&anew, 1_000, stop);
    all.applied_at("agent_suspend_held_back_until_a_later_delegation", rule, &at);
}

fn add_replays(all: &mut Catalogue) {
    let agent = &PARTIES.agent;
    let rule = "An operation that applies once is among the seen until its last block time.";
    let ledger = with_agent();
    for (name, stop, step) in [
        ("suspend_after_resume", suspend(agent), resume(agent)),
        ("revoke_after_new_delegation", revoke(agent), delegate(deep(agent, 3))),
    ] {
        let envelope = by_principal(&ledger, stop);
        let mut later = ledger.clone();
        later.after(1_000, std::slice::from_ref(&envelope));
        let later = after(&later, &[step]);
        let at = At::new(&later, 1_000, envelope);
        all.refused_at(&format!("replay_of_agent_{name}"), rule, Code::AlreadyApplied, &at);
    }
}
