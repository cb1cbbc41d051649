//! Records of agents: what a program may do for somebody, and which DID answers for it
//! (docs/protocol/agents.md).

pub mod answer;

use serde::{Deserialize, Serialize};

pub use answer::{AgentAnswer, AgentBroken, AgentChain, AgentLink, verify};

use crate::crypto::Hash;
use crate::id::Did;
use crate::names::{ActionName, Resource};
use crate::record::{Entry, Kind, RecordValue, RecordView, StoreError, Timed, voided_since};
use crate::trust::GrantStatus;

/// Content of `agent_delegate`: a complete delegation, which is new or replaces the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentDelegate {
    /// DID of the agent, which must consent.
    pub agent: Did,
    /// If the principal is an agent itself: id of the operation that made the delegation to it, on
    /// which this one rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneath: Option<Hash>,
    /// Actions that the agent may perform, 1 to 16, strictly ascending.
    pub actions: Vec<ActionName>,
    /// Resources or patterns on which it may perform them, 1 to 16, strictly ascending.
    pub resources: Vec<Resource>,
    /// Unix time in ms from which the delegation is in force; `None` for no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix time in ms before which the delegation is in force.
    pub valid_until: u64,
    /// Number of further delegations that may follow below this one, 1 to 7; `None` if the agent
    /// may not delegate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
}

/// Content of `agent_suspend` and `agent_resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentStep {
    /// Agent whose delegation changes its status.
    pub agent: Did,
}

/// Content of `agent_revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRevoke {
    /// Agent whose delegation ends.
    pub agent: Did,
    /// True if the delegation is void: it counts as never made. The guard names the operation that
    /// made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// Value of an agent's record: the delegation under which the agent acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// DID that delegated to the agent and answers for it.
    pub principal: Did,
    /// DID of the agent.
    pub agent: Did,
    /// If the principal is an agent too: id of the operation that made the delegation to it, on
    /// which this one rests. `None` if the principal is no agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneath: Option<Hash>,
    /// Actions that the agent may perform, strictly ascending.
    pub actions: Vec<ActionName>,
    /// Resources or patterns on which it may perform them, strictly ascending.
    pub resources: Vec<Resource>,
    /// Unix time in ms from which the delegation is in force; `None` for no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix time in ms before which the delegation is in force.
    pub valid_until: u64,
    /// Number of further delegations that may follow below this one, 1 to 7; `None` if none may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
    /// Status that the principal, or one above it, last gave the delegation.
    pub status: GrantStatus,
    /// Block time in ms of the last change of status.
    #[serde(skip)]
    pub since: u64,
    /// DID that made the last change of status.
    pub by: Did,
    /// Id of the operation that suspended the delegation; `None` if it is not suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Hash>,
    /// Id of the operation by which this principal began to answer for the agent. It names the
    /// delegation: what rests on it does not rest on one that replaced it.
    pub made: Hash,
    /// Block time in ms since which this principal answers for the agent.
    #[serde(skip)]
    pub granted: u64,
    /// Block time in ms of the last `agent_delegate`, when the chain above was found live.
    #[serde(skip)]
    pub confirmed: u64,
}

impl RecordValue for Delegation {
    const KIND: Kind = Kind::Delegation;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        entry.timed()
    }
}

impl Timed for Delegation {
    fn times(&self) -> Vec<u64> {
        vec![self.since, self.granted, self.confirmed]
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        let [since, granted, confirmed] = *times else { return None };
        Some(Self { since, granted, confirmed, ..self })
    }
}

impl Delegation {
    /// Returns how many delegations may follow below this one, from 0 to 7.
    pub fn depth(&self) -> usize {
        self.max_depth.map_or(0, usize::from)
    }

    /// Returns the block time in ms at which the delegation was voided, as far as the view knows.
    pub fn voided(&self, view: &dyn RecordView) -> Result<Option<u64>, StoreError> {
        voided_since(view, &self.made, self.status != GrantStatus::Revoked)
    }

    /// True if the delegation has the action, and a resource that covers the one given.
    pub fn covers(&self, action: &ActionName, resource: &Resource) -> bool {
        self.actions.contains(action) && self.resources.iter().any(|own| own.covers(resource))
    }
}
