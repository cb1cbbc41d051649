//! Agents: what a program may do, and who answers for it (docs/protocol/agents.md).

pub mod answer;

use serde::{Deserialize, Serialize};

pub use answer::{AgentAnswer, AgentBroken, AgentChain, AgentLink, verify};

use crate::id::Did;
use crate::names::{ActionName, Resource};
use crate::record::{Kind, RecordValue};
use crate::trust::GrantStatus;

/// A delegation, new or in place of the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentDelegate {
    /// To whom.
    pub agent: Did,
    /// To do what; strictly ascending.
    pub actions: Vec<ActionName>,
    /// On what; strictly ascending.
    pub resources: Vec<Resource>,
    /// In force from this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// In force before this time (ms).
    pub valid_until: u64,
    /// How many delegations may follow beneath; none: the agent may not delegate on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
}

/// What a suspension, a resumption and a revocation need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentStep {
    /// Whose delegation.
    pub agent: Did,
}

/// The value of an agent's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Who answers for the agent.
    pub principal: Did,
    /// Who acts.
    pub agent: Did,
    /// Whether the principal is an agent itself, on whose delegation this one rests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beneath: bool,
    /// To do what; strictly ascending.
    pub actions: Vec<ActionName>,
    /// On what; strictly ascending.
    pub resources: Vec<Resource>,
    /// In force from this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// In force before this time (ms).
    pub valid_until: u64,
    /// How many delegations may follow beneath.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
    /// Whether it counts.
    pub status: GrantStatus,
    /// Block time in ms of the last change of status.
    pub since: u64,
    /// Who made it.
    pub by: Did,
    /// Block time in ms since which this principal answers for the agent.
    pub granted: u64,
    /// Block time in ms of the last `agent_delegate`, when the chain above was found live.
    pub confirmed: u64,
}

impl RecordValue for Delegation {
    const KIND: Kind = Kind::Delegation;
}

impl Delegation {
    /// How many delegations may follow beneath.
    pub fn depth(&self) -> usize {
        self.max_depth.map_or(0, usize::from)
    }

    /// Whether it has the action and a resource that covers the one given.
    pub fn covers(&self, action: &ActionName, resource: &Resource) -> bool {
        self.actions.contains(action) && self.resources.iter().any(|own| own.covers(resource))
    }
}
