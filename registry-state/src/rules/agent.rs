//! What each agent action needs and does (docs/protocol/agents.md, section "Rules").

use super::checked::Checked;
use super::trust::{By, check_max_depth};
use super::{author, window};
use crate::state::{ApplyError, Context, Effect, Heads, Overlay};
use registry_core::agent::answer::{self, AgentChain};
use registry_core::agent::{AgentDelegate, Delegation};
use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::id::{Did, NetworkName};
use registry_core::limits::AGENT_NAMES_MAX;
use registry_core::operation::{Action, Operation};
use registry_core::record::{RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::GrantStatus;

/// AG1: form of a delegation.
pub(crate) fn check_stateless(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    let Some(agent) = operation.action.agent() else { return Ok(()) };
    if agent.network != *network {
        let detail = format!("{agent} is not on network {network}");
        return Err(Refusal::new(Code::NetworkMismatch, "agent", detail));
    }
    let Action::AgentDelegate(delegate) = &operation.action else { return Ok(()) };
    if operation.author()? == agent {
        let detail = format!("{agent} cannot delegate to itself");
        return Err(Refusal::new(Code::AgentCycle, "agent", detail));
    }
    check_names("actions", &delegate.actions)?;
    check_names("resources", &delegate.resources)?;
    // Without a beginning, the window is as long as time: only an end at 0 leaves nothing of it.
    let from = Some(delegate.valid_from.unwrap_or(0));
    window::check(Code::AgentTerms, from, Some(delegate.valid_until))?;
    check_max_depth(Code::AgentTerms, delegate.max_depth)
}

fn check_names<T: Ord>(field: &str, names: &[T]) -> Result<(), Refusal> {
    let terms = |detail| Err(Refusal::new(Code::AgentTerms, field, detail));
    if !(1..=AGENT_NAMES_MAX).contains(&names.len()) {
        return terms(format!("{} names, 1 to {AGENT_NAMES_MAX} are allowed", names.len()));
    }
    let ascending = names.windows(2).all(|pair| match pair {
        [first, second] => first < second,
        _ => true,
    });
    if ascending { Ok(()) } else { terms("must ascend strictly, each once".to_owned()) }
}

/// AG2 to AG8, after the guard.
pub(crate) fn apply(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<Effect<'static>, ApplyError> {
    let author = author::check(overlay, context, checked)?;
    author::check_consent(overlay, context, checked)?;
    let by = By { network: &context.network, time_ms: context.time_ms, author };
    let value = check(&Heads(overlay), by, &checked.operation().action)?;
    Ok(Effect::value(checked.record_key(), value))
}

/// AG3 to AG8 of an agent action over the newest records, and the value that it writes: also what a
/// node checks before it asks anyone to sign.
pub fn check(view: &dyn RecordView, by: By<'_>, action: &Action) -> Result<Vec<u8>, ApplyError> {
    let delegation = match action {
        Action::AgentDelegate(new) => delegate(view, by, new)?,
        Action::AgentSuspend(step) => {
            let mut delegation = existing(view, by, &step.agent, &[GrantStatus::Active])?;
            delegation.status = GrantStatus::Suspended;
            delegation
        }
        Action::AgentResume(step) => {
            let mut delegation = existing(view, by, &step.agent, &[GrantStatus::Suspended])?;
            check_resumer(view, by, &delegation)?;
            delegation.status = GrantStatus::Active;
            delegation
        }
        Action::AgentRevoke(step) => {
            let from = [GrantStatus::Active, GrantStatus::Suspended];
            let mut delegation = existing(view, by, &step.agent, &from)?;
            delegation.status = GrantStatus::Revoked;
            delegation
        }
        _ => return Err(StoreError::new("no agent action").into()),
    };
    let set = match action {
        Action::AgentDelegate(_) => delegation,
        _ => Delegation { since: by.time_ms, by: by.author.clone(), ..delegation },
    };
    Ok(codec::encode(&set))
}

/// AG3 to AG7.
fn delegate(
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
    // What is suspended stays so: other terms are no way around it.
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

/// AG4: the chain of the author, if it is an agent.
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

/// AG5 to AG7.
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

/// AG8: the agent's delegation, if the author may change its status from one of these.
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

/// AG8: who suspended it, or one above that.
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
