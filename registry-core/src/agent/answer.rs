//! Answers what an agent may do at one moment, and who answers for it, as a pure function of
//! records (docs/protocol/agents.md, section "The answer").

use super::Delegation;
use crate::crypto::Hash;
use crate::id::Did;
use crate::limits::TRUST_CHAIN_MAX;
use crate::names::{ActionName, Resource};
use crate::record::{RecordKey, RecordView, StoreError};
use crate::trust::{Fault, GrantStatus, Reason, deactivated_since, since_text, window_fault};

/// One delegation of a chain, with its record version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentLink {
    /// Delegation that forms the link.
    pub delegation: Delegation,
    /// Version of the record that holds the delegation.
    pub version: u64,
}

/// The uppermost link of a chain that is not live, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentBroken {
    /// Index of the link in [`AgentChain::links`]; 0 is the delegation made by the top principal.
    pub link: usize,
    /// Reason why the link is not live.
    pub reason: Reason,
    /// Unix time in ms since which the link is not live; `None` if no record states it.
    pub since: Option<u64>,
}

/// Delegations that connect an agent with the principal that answers for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentChain {
    /// Delegations in order, starting with the one made by the top principal.
    pub links: Vec<AgentLink>,
    /// Uppermost link that is not live; `None` if the whole chain is live.
    pub broken: Option<AgentBroken>,
}

impl AgentChain {
    /// Returns the DID that answers for the whole chain; `None` if the chain breaks off before it.
    pub fn principal(&self) -> Option<&Did> {
        let first = self.links.first().filter(|link| link.delegation.beneath.is_none());
        first.map(|link| &link.delegation.principal)
    }

    /// Returns the DIDs above the agent, starting with the one that answers for the whole chain.
    pub fn principals(&self) -> impl Iterator<Item = &Did> {
        self.links.iter().map(|link| &link.delegation.principal)
    }

    /// Returns the reason why the chain is not live, as a sentence for people; `None` if it is
    /// live.
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
            | Reason::Voided
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

    /// Returns the index of the first delegation that lacks the action or has no resource that
    /// covers the one given.
    fn refusing(&self, action: &ActionName, resource: &Resource) -> Option<usize> {
        self.links.iter().position(|link| !link.delegation.covers(action, resource))
    }
}

/// Answer to the question what an agent may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentAnswer {
    /// Chain of the agent; `None` if the DID is no agent.
    pub chain: Option<AgentChain>,
}

impl AgentAnswer {
    /// True if the agent may do what was asked, by a live chain that covers it.
    pub fn is_permitted(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.broken.is_none())
    }
}

/// Answers by AA1 to AA3 whether an agent may do `action` on `resource` at `time_ms`, which must be
/// the moment of the view. Fails if the store cannot be read.
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

/// Reads the record of an agent; `None` if the DID is no agent.
pub fn link(view: &dyn RecordView, agent: &Did) -> Result<Option<AgentLink>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::delegation(agent))? else { return Ok(None) };
    let delegation: Delegation = entry.value()?;
    Ok(Some(AgentLink { delegation, version: entry.record.version }))
}

/// Collects the chain above a delegation (AA1) and checks it at `time_ms` (AA2).
pub fn chain(
    view: &dyn RecordView,
    last: AgentLink,
    time_ms: u64,
) -> Result<AgentChain, StoreError> {
    let mut links = vec![last];
    let mut orphan = false;
    while let Some(below) = links.last().filter(|link| link.delegation.beneath.is_some()) {
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
    let mut above: Option<Hash> = None;
    for (index, link) in links.iter().enumerate() {
        if broken.is_some() {
            break;
        }
        let beneath = links.len().saturating_sub(index).saturating_sub(1);
        let fault = link_fault(view, &link.delegation, beneath, above, time_ms)?;
        broken = fault.map(|fault| at(index, fault));
        above = Some(link.delegation.made);
    }
    Ok(AgentChain { links, broken })
}

fn link_fault(
    view: &dyn RecordView,
    delegation: &Delegation,
    beneath: usize,
    above: Option<Hash>,
    time_ms: u64,
) -> Result<Fault, StoreError> {
    if let Some(voided) = delegation.voided(view)? {
        return Ok(Some((Reason::Voided, Some(voided))));
    }
    let max_depth = delegation.depth();
    Ok(match delegation.status {
        GrantStatus::Suspended => Some((Reason::Suspended, Some(delegation.since))),
        GrantStatus::Revoked => Some((Reason::Revoked, Some(delegation.since))),
        GrantStatus::Active => {
            let window = (delegation.valid_from, Some(delegation.valid_until));
            match window_fault(window, time_ms) {
                Some(fault) => Some(fault),
                None if beneath > max_depth => Some((Reason::TooDeep { max_depth, beneath }, None)),
                None if delegation.beneath != above => Some((Reason::ParentGone, None)),
                None => deactivated_since(view, &delegation.agent)?
                    .map(|since| (Reason::EntityDeactivated, Some(since))),
            }
        }
    })
}
