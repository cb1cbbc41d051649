//! What an agent may do at one moment, and who answers for it: a pure function of records
//! (docs/protocol/agents.md, section "The answer").

use super::Delegation;
use crate::id::Did;
use crate::limits::TRUST_CHAIN_MAX;
use crate::names::{ActionName, Resource};
use crate::record::{RecordKey, RecordView, StoreError};
use crate::trust::{Fault, GrantStatus, Reason, deactivated_since, since_text, window_fault};

/// One delegation of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentLink {
    /// The delegation.
    pub delegation: Delegation,
    /// Version of its record.
    pub version: u64,
}

/// The first link that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentBroken {
    /// Its place in the chain, from the principal down.
    pub link: usize,
    /// What is wrong with it.
    pub reason: Reason,
    /// Since when, in ms, where a record says so.
    pub since: Option<u64>,
}

/// The delegations from the principal that answers for all down to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentChain {
    /// From the principal down.
    pub links: Vec<AgentLink>,
    /// Why it is not live, if it is not.
    pub broken: Option<AgentBroken>,
}

impl AgentChain {
    /// Who answers for all, if the chain reaches that far.
    pub fn principal(&self) -> Option<&Did> {
        let first = self.links.first().filter(|link| !link.delegation.beneath);
        first.map(|link| &link.delegation.principal)
    }

    /// The DIDs that stand above the agent, the one that answers for all first.
    pub fn principals(&self) -> impl Iterator<Item = &Did> {
        self.links.iter().map(|link| &link.delegation.principal)
    }

    /// What is wrong with it, in words, if it is not live.
    pub fn fault(&self) -> Option<String> {
        let broken = self.broken.as_ref()?;
        let since = since_text(broken.since);
        let what = match broken.reason {
            Reason::AuthorityDeactivated => format!("is by a DID deactivated{since}"),
            Reason::EntityDeactivated => format!("is to a DID deactivated{since}"),
            reason @ (Reason::AuthorityUnknown
            | Reason::ParentGone
            | Reason::Suspended
            | Reason::Revoked
            | Reason::NotYetValid { .. }
            | Reason::Expired { .. }
            | Reason::TooDeep { .. }
            | Reason::NotDelegated
            | Reason::AssuranceTooLow { .. }) => reason.predicate(broken.since),
        };
        let link = self.links.get(broken.link);
        let which = link.map_or_else(String::new, |AgentLink { delegation, .. }| {
            format!("the delegation by {} to {}", delegation.principal, delegation.agent)
        });
        Some(format!("{which} {what}"))
    }

    /// Whether each of its delegations has the action and a resource that covers the one given;
    /// else the first that has not.
    fn refusing(&self, action: &ActionName, resource: &Resource) -> Option<usize> {
        self.links.iter().position(|link| !link.delegation.covers(action, resource))
    }
}

/// What the registry says of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentAnswer {
    /// Its chain; none if it is no agent.
    pub chain: Option<AgentChain>,
}

impl AgentAnswer {
    /// Whether it may do what was asked.
    pub fn is_permitted(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.broken.is_none())
    }
}

/// AA1 to AA3: whether an agent may do `action` on `resource` at `time_ms`, the view's moment.
pub fn verify(
    view: &dyn RecordView,
    agent: &Did,
    action: &ActionName,
    resource: &Resource,
    time_ms: u64,
) -> Result<AgentAnswer, StoreError> {
    let Some(link) = link(view, agent)? else { return Ok(AgentAnswer { chain: None }) };
    let mut chain = chain(view, link, time_ms)?;
    if chain.broken.is_none() {
        let reason = Reason::NotDelegated;
        let refusing = chain.refusing(action, resource);
        chain.broken = refusing.map(|link| AgentBroken { link, reason, since: None });
    }
    Ok(AgentAnswer { chain: Some(chain) })
}

/// The record of an agent.
pub fn link(view: &dyn RecordView, agent: &Did) -> Result<Option<AgentLink>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::delegation(agent))? else { return Ok(None) };
    let delegation: Delegation = entry.value()?;
    Ok(Some(AgentLink { delegation, version: entry.record.version }))
}

/// AA1 and AA2.
pub fn chain(
    view: &dyn RecordView,
    last: AgentLink,
    time_ms: u64,
) -> Result<AgentChain, StoreError> {
    let mut links = vec![last];
    let mut orphan = false;
    while let Some(below) = links.last().filter(|link| link.delegation.beneath) {
        match link(view, &below.delegation.principal)? {
            Some(above) if links.len() < TRUST_CHAIN_MAX => links.push(above),
            _ => {
                orphan = true;
                break;
            }
        }
    }
    links.reverse();
    let at =
        |link: usize, (reason, since): (Reason, Option<u64>)| AgentBroken { link, reason, since };
    let mut broken = orphan.then(|| at(0, (Reason::ParentGone, None)));
    if let (None, Some(top)) = (&broken, links.first()) {
        let since = deactivated_since(view, &top.delegation.principal)?;
        broken = since.map(|since| at(0, (Reason::AuthorityDeactivated, Some(since))));
    }
    let mut granted_above = 0;
    for (index, link) in links.iter().enumerate() {
        if broken.is_some() {
            break;
        }
        let beneath = links.len().saturating_sub(index).saturating_sub(1);
        let fault = link_fault(view, &link.delegation, beneath, granted_above, time_ms)?;
        broken = fault.map(|fault| at(index, fault));
        granted_above = link.delegation.granted;
    }
    Ok(AgentChain { links, broken })
}

fn link_fault(
    view: &dyn RecordView,
    delegation: &Delegation,
    beneath: usize,
    granted_above: u64,
    time_ms: u64,
) -> Result<Fault, StoreError> {
    let max_depth = delegation.depth();
    Ok(match delegation.status {
        GrantStatus::Suspended => Some((Reason::Suspended, Some(delegation.since))),
        GrantStatus::Revoked => Some((Reason::Revoked, Some(delegation.since))),
        GrantStatus::Active => {
            let window = (delegation.valid_from, Some(delegation.valid_until));
            match window_fault(window, time_ms) {
                Some(fault) => Some(fault),
                None if beneath > max_depth => Some((Reason::TooDeep { max_depth, beneath }, None)),
                None if delegation.confirmed < granted_above => Some((Reason::ParentGone, None)),
                None => deactivated_since(view, &delegation.agent)?
                    .map(|since| (Reason::EntityDeactivated, Some(since))),
            }
        }
    })
}
