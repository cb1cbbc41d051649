//! Rules of each agent action (docs/protocol/agents.md, section "Rules").

use super::request::{By, Written};
use super::void::{self, Thing};
use super::window;
use crate::state::{ApplyError, timed};
use registry_core::agent::answer::{self, AgentChain};
use registry_core::agent::{AgentDelegate, AgentRevoke, AgentStep, Delegation};
use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use registry_core::limits::AGENT_NAMES_MAX;
use registry_core::operation::Operation;
use registry_core::record::{PartWrite, RecordKey, RecordView};
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

/// Checks rules AG3 to AG7 and returns what a delegation writes. Nodes also call this and
/// the functions below before they ask anyone to sign.
pub fn delegate(
    view: &dyn RecordView,
    by: By<'_>,
    delegate: &AgentDelegate,
) -> Result<Written, ApplyError> {
    let present = answer::link(view, &delegate.agent)?.map(|link| link.delegation);
    let new = delegation(view, by, delegate, present.clone())?;
    let beside = match &present {
        Some(replaced) if replaced.made != new.made => {
            let of = RecordKey::delegation(&delegate.agent);
            void::leave(view, by, &of, &delegated(replaced))?
        }
        Some(_) | None => None,
    };
    Ok(Written { parts: timed(&new), beside: beside.into_iter().collect() })
}

/// Checks rule AG8 and returns what the suspension of a delegation writes. It may follow another
/// one, but not lift what a more senior principal did.
pub fn suspend(
    view: &dyn RecordView,
    by: By<'_>,
    step: &AgentStep,
) -> Result<Vec<PartWrite>, ApplyError> {
    let either = [GrantStatus::Active, GrantStatus::Suspended];
    let present = existing(view, by, &step.agent, &either, false)?;
    if present.status == GrantStatus::Suspended {
        check_senior(view, by, &present)?;
        let (by, suspended) = (by.author.clone(), Some(by.operation));
        return Ok(timed(&Delegation { by, suspended, ..present }));
    }
    Ok(with_status(present, by, GrantStatus::Suspended))
}

/// Checks rule AG8 and returns what the resumption of a delegation writes.
pub fn resume(
    view: &dyn RecordView,
    by: By<'_>,
    step: &AgentStep,
) -> Result<Vec<PartWrite>, ApplyError> {
    let present = existing(view, by, &step.agent, &[GrantStatus::Suspended], false)?;
    check_senior(view, by, &present)?;
    Ok(with_status(present, by, GrantStatus::Active))
}

/// Checks rule AG8 and returns what the revocation of a delegation writes, or its void. The agent
/// itself may revoke too, but only the principal may void.
pub fn revoke(view: &dyn RecordView, by: By<'_>, end: &AgentRevoke) -> Result<Written, ApplyError> {
    if let Some(made) = by.voids {
        return void(view, by, &end.agent, made);
    }
    let either = [GrantStatus::Active, GrantStatus::Suspended];
    let present = existing(view, by, &end.agent, &either, true)?;
    Ok(with_status(present, by, GrantStatus::Revoked).into())
}

/// Returns what the void of a delegation by its principal writes.
fn void(view: &dyn RecordView, by: By<'_>, agent: &Did, made: Hash) -> Result<Written, ApplyError> {
    let present = answer::link(view, agent)?.map(|link| link.delegation);
    let named = present.as_ref().filter(|present| present.made == made);
    let standing = named.map(|present| {
        let ends = match present.status {
            GrantStatus::Revoked => Vec::new(),
            GrantStatus::Active | GrantStatus::Suspended => {
                with_status(present.clone(), by, GrantStatus::Revoked)
            }
        };
        (delegated(present), ends)
    });
    let unknown = |detail| Refusal::new(Code::AgentNotFound, "guard", detail);
    void::declare(view, by, made, RecordKey::delegation(agent), standing, unknown)
}

fn delegated(delegation: &Delegation) -> Thing<'_> {
    let Delegation { made, principal, granted, .. } = delegation;
    Thing { made: *made, by: principal, since: *granted }
}

fn with_status(delegation: Delegation, by: By<'_>, status: GrantStatus) -> Vec<PartWrite> {
    let suspended = (status == GrantStatus::Suspended).then_some(by.operation);
    let (since, by) = (by.time_ms, by.author.clone());
    timed(&Delegation { status, since, by, suspended, ..delegation })
}

fn delegation(
    view: &dyn RecordView,
    by: By<'_>,
    new: &AgentDelegate,
    present: Option<Delegation>,
) -> Result<Delegation, ApplyError> {
    let By { time_ms, author, operation, .. } = by;
    let live = present
        .filter(|present| present.status != GrantStatus::Revoked && time_ms < present.valid_until);
    if let Some(live) = live.as_ref().filter(|live| live.principal != *author) {
        let detail = format!("{} answers for {}", live.principal, live.agent);
        return Err(Refusal::new(Code::AgentBound, "agent", detail).into());
    }
    if let Some(chain) = &above(view, by, new)? {
        check_attenuation(new, chain)?;
    }
    let AgentDelegate { agent, beneath, actions, resources, valid_from, valid_until, max_depth } =
        new.clone();
    // A suspended delegation stays suspended, so that nobody can lift a suspension by new terms.
    let begun = Delegation {
        principal: author.clone(),
        agent,
        beneath,
        actions,
        resources,
        valid_from,
        valid_until,
        max_depth,
        status: GrantStatus::Active,
        since: time_ms,
        by: author.clone(),
        suspended: None,
        made: operation,
        granted: time_ms,
        confirmed: time_ms,
    };
    let Some(Delegation { status, since, by, suspended, made, granted, .. }) = live else {
        return Ok(begun);
    };
    Ok(Delegation { status, since, by, suspended, made, granted, ..begun })
}

/// Checks rule AG4: if the author is an agent, the delegation names the one to the author, and that
/// chain of delegations is live. Returns the chain, or `None` if the author is no agent.
fn above(
    view: &dyn RecordView,
    by: By<'_>,
    new: &AgentDelegate,
) -> Result<Option<AgentChain>, ApplyError> {
    let own = answer::link(view, by.author)?;
    let own = own.filter(|own| own.delegation.status != GrantStatus::Revoked);
    let made = own.as_ref().map(|own| own.delegation.made);
    if new.beneath != made {
        let detail = match made {
            Some(made) => format!("{} is an agent by operation {made}; name it", by.author),
            None => format!("{} is no agent; name no operation", by.author),
        };
        return Err(Refusal::new(Code::AgentChain, "beneath", detail).into());
    }
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
/// one of `from`. The author is a principal above the agent, or the agent itself if `or_agent` is
/// true.
fn existing(
    view: &dyn RecordView,
    by: By<'_>,
    agent: &Did,
    from: &[GrantStatus],
    or_agent: bool,
) -> Result<Delegation, ApplyError> {
    let Some(link) = answer::link(view, agent)? else {
        let detail = format!("{agent} is no agent");
        return Err(Refusal::new(Code::AgentNotFound, "agent", detail).into());
    };
    let chain = answer::chain(view, link.clone(), by.time_ms)?;
    let resigns = or_agent && by.author == agent;
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
/// resumes it or suspends it anew.
fn check_senior(
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
