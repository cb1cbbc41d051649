//! Rules of each agent action (docs/protocol/agents.md, section "Rules").

use super::request::By;
use super::window;
use crate::state::ApplyError;
use registry_core::agent::answer::{self, AgentChain};
use registry_core::agent::{AgentDelegate, AgentStep, Delegation};
use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::id::{Did, NetworkName};
use registry_core::limits::AGENT_NAMES_MAX;
use registry_core::operation::Operation;
use registry_core::record::RecordView;
use registry_core::time::TimeMs;
use registry_core::trust::GrantStatus;

/// Checks rule AG1: the agent is a DID of this network.
pub(super) fn check_network(agent: &Did, network: &NetworkName) -> Result<(), Refusal> {
    if agent.network != *network {
        let detail = format!("{agent} is not on network {network}");
        return Err(Refusal::new(Code::NetworkMismatch, "agent", detail));
    }
    Ok(())
}

/// Checks rule AG1: the form of a delegation.
pub(super) fn check_delegate(
    operation: &Operation,
    delegate: &AgentDelegate,
    network: &NetworkName,
) -> Result<(), Refusal> {
    let agent = &delegate.agent;
    check_network(agent, network)?;
    if operation.author()? == agent {
        let detail = format!("{agent} cannot delegate to itself");
        return Err(Refusal::new(Code::AgentCycle, "agent", detail));
    }
    check_names("actions", &delegate.actions)?;
    check_names("resources", &delegate.resources)?;
    // A delegation without `valid_from` counts from time 0, so only an end at 0 makes its window
    // empty.
    let from = Some(delegate.valid_from.unwrap_or(0));
    window::check(Code::AgentTerms, from, Some(delegate.valid_until))?;
    window::check_max_depth(Code::AgentTerms, delegate.max_depth)
}

fn check_names<T: Ord>(field: &str, names: &[T]) -> Result<(), Refusal> {
    let terms = |detail| Err(Refusal::new(Code::AgentTerms, field, detail));
    if !(1..=AGENT_NAMES_MAX).contains(&names.len()) {
        return terms(format!("{} names, 1 to {AGENT_NAMES_MAX} are allowed", names.len()));
    }
    if names.is_sorted_by(|first, second| first < second) {
        return Ok(());
    }
    terms("must ascend strictly, each once".to_owned())
}

/// Checks rules AG3 to AG7 and returns the record value of the delegation. Nodes also call this and
/// the functions below before they ask anyone to sign.
pub fn delegate(
    view: &dyn RecordView,
    by: By<'_>,
    delegate: &AgentDelegate,
) -> Result<Vec<u8>, ApplyError> {
    Ok(codec::encode(&delegation(view, by, delegate)?))
}

/// Checks rule AG8 and returns the value of the delegation once the author has suspended it.
pub fn suspend(view: &dyn RecordView, by: By<'_>, step: &AgentStep) -> Result<Vec<u8>, ApplyError> {
    let delegation = existing(view, by, &step.agent, &[GrantStatus::Active])?;
    Ok(with_status(delegation, by, GrantStatus::Suspended))
}

/// Checks rule AG8 and returns the value of the delegation once the author has resumed it.
pub fn resume(view: &dyn RecordView, by: By<'_>, step: &AgentStep) -> Result<Vec<u8>, ApplyError> {
    let delegation = existing(view, by, &step.agent, &[GrantStatus::Suspended])?;
    check_resumer(view, by, &delegation)?;
    Ok(with_status(delegation, by, GrantStatus::Active))
}

/// Checks rule AG8 and returns the value of the delegation once the author has revoked it.
pub fn revoke(view: &dyn RecordView, by: By<'_>, step: &AgentStep) -> Result<Vec<u8>, ApplyError> {
    let either = [GrantStatus::Active, GrantStatus::Suspended];
    Ok(with_status(existing(view, by, &step.agent, &either)?, by, GrantStatus::Revoked))
}

fn with_status(delegation: Delegation, by: By<'_>, status: GrantStatus) -> Vec<u8> {
    let (since, by) = (by.time_ms, by.author.clone());
    codec::encode(&Delegation { status, since, by, ..delegation })
}

fn delegation(
    view: &dyn RecordView,
    by: By<'_>,
    new: &AgentDelegate,
) -> Result<Delegation, ApplyError> {
    let By { time_ms, author, .. } = by;
    let present = answer::link(view, &new.agent)?.map(|link| link.delegation);
    let live = present
        .filter(|present| present.status != GrantStatus::Revoked && time_ms < present.valid_until);
    if let Some(live) = live.as_ref().filter(|live| live.principal != *author) {
        let detail = format!("{} answers for {}", live.principal, live.agent);
        return Err(Refusal::new(Code::AgentBound, "agent", detail).into());
    }
    let above = above(view, by)?;
    if let Some(chain) = &above {
        check_attenuation(new, chain)?;
    }
    let AgentDelegate { agent, actions, resources, valid_from, valid_until, max_depth } =
        new.clone();
    // A suspended delegation stays suspended, so that nobody can lift a suspension by new terms.
    let (status, since, last_by, granted) = match live {
        Some(live) => (live.status, live.since, live.by, live.granted),
        None => (GrantStatus::Active, time_ms, author.clone(), time_ms),
    };
    Ok(Delegation {
        principal: author.clone(),
        agent,
        beneath: above.is_some(),
        actions,
        resources,
        valid_from,
        valid_until,
        max_depth,
        status,
        since,
        by: last_by,
        granted,
        confirmed: time_ms,
    })
}

/// Checks rule AG4: if the author is an agent, its own chain of delegations is live. Returns that
/// chain, or `None` if the author is no agent.
fn above(view: &dyn RecordView, by: By<'_>) -> Result<Option<AgentChain>, ApplyError> {
    let own = answer::link(view, by.author)?;
    let own = own.filter(|own| own.delegation.status != GrantStatus::Revoked);
    let Some(own) = own else { return Ok(None) };
    let chain = answer::chain(view, own, by.time_ms)?;
    if let Some(broken) = &chain.broken {
        let link = chain.links.get(broken.link);
        let agent = link.map_or_else(String::new, |link| link.delegation.agent.to_string());
        let detail = format!("the delegation to {agent}: {}", broken.reason);
        return Err(Refusal::new(Code::AgentChain, "author", detail).into());
    }
    Ok(Some(chain))
}

/// Checks rules AG5 to AG7.
fn check_attenuation(new: &AgentDelegate, above: &AgentChain) -> Result<(), Refusal> {
    if above.principals().any(|did| *did == new.agent) {
        let detail = format!("{} stands above itself", new.agent);
        return Err(Refusal::new(Code::AgentCycle, "agent", detail));
    }
    let depth = new.max_depth.map_or(0, usize::from);
    let beyond = |field: String, detail: String| {
        Err(Refusal::new(Code::AgentBeyondPrincipal, field, detail))
    };
    for (distance, link) in above.links.iter().rev().enumerate() {
        let delegation = &link.delegation;
        let (beneath, allowed) =
            (distance.saturating_add(1).saturating_add(depth), delegation.depth());
        if beneath > allowed {
            let agent = &delegation.agent;
            let detail = format!("the one to {agent} allows {allowed} beneath it, not {beneath}");
            return Err(Refusal::new(Code::AgentDepth, "max_depth", detail));
        }
    }
    for Delegation { agent, actions, resources, valid_from, valid_until, .. } in
        above.links.iter().map(|link| &link.delegation)
    {
        let has = |field: &str, name: String| {
            let detail = format!("{name} is not delegated to {agent}");
            beyond(field.to_owned(), detail)
        };
        if let Some(action) = new.actions.iter().find(|action| !actions.contains(action)) {
            return has("actions", action.to_string());
        }
        let covered = |resource| resources.iter().any(|own| own.covers(resource));
        if let Some(resource) = new.resources.iter().find(|resource| !covered(resource)) {
            return has("resources", resource.to_string());
        }
        if new.valid_until > *valid_until {
            let ends = TimeMs(*valid_until).millis();
            let detail = format!("after {ends}, when that of {agent} ends");
            return beyond("valid_until".to_owned(), detail);
        }
        if let (Some(from), Some(least)) = (new.valid_from, valid_from)
            && from < *least
        {
            let begins = TimeMs(*least).millis();
            let detail = format!("before {begins}, when that of {agent} begins");
            return beyond("valid_from".to_owned(), detail);
        }
    }
    Ok(())
}

/// Rule AG8: returns the agent's delegation if the author may change its status and the status is
/// one of `from`.
fn existing(
    view: &dyn RecordView,
    by: By<'_>,
    agent: &Did,
    from: &[GrantStatus],
) -> Result<Delegation, ApplyError> {
    let Some(link) = answer::link(view, agent)? else {
        let detail = format!("{agent} is no agent");
        return Err(Refusal::new(Code::AgentNotFound, "agent", detail).into());
    };
    let chain = answer::chain(view, link.clone(), by.time_ms)?;
    let resigns = by.author == agent && from.len() > 1;
    if !resigns && !chain.principals().any(|did| did == by.author) {
        let detail = format!("{} stands not above {agent}", by.author);
        return Err(Refusal::new(Code::AgentNotAllowed, "author", detail).into());
    }
    let delegation = link.delegation;
    if !from.contains(&delegation.status) {
        let detail = format!("the delegation is {}", delegation.status.name());
        return Err(Refusal::new(Code::AgentStatus, "agent", detail).into());
    }
    Ok(delegation)
}

/// Checks rule AG8: only the DID that suspended a delegation, or a principal above that DID,
/// resumes it.
fn check_resumer(
    view: &dyn RecordView,
    by: By<'_>,
    delegation: &Delegation,
) -> Result<(), ApplyError> {
    let Some(link) = answer::link(view, &delegation.agent)? else { return Ok(()) };
    let chain = answer::chain(view, link, by.time_ms)?;
    let place = |did: &Did| chain.principals().position(|principal| principal == did);
    match (place(by.author), place(&delegation.by)) {
        (Some(own), Some(theirs)) if own > theirs => {
            let detail = format!("{} suspended it", delegation.by);
            Err(Refusal::new(Code::AgentNotAllowed, "author", detail).into())
        }
        _ => Ok(()),
    }
}
