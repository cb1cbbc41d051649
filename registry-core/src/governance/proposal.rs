//! Proposals, the words of newcomers, and the agenda (docs/protocol/governance.md).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Change;
use crate::codec::{self, CodecError};
use crate::crypto::{Hash, ValidatorKey};
use crate::id::Did;
use crate::record::{Kind, RecordValue};

/// A change, and when it is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernancePropose {
    /// What is to change.
    pub change: Change,
    /// First height at which it holds.
    pub height: u64,
}

/// What an approval and its withdrawal need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernanceStep {
    /// Operation that made the proposal.
    pub proposal: Hash,
}

/// The word of a newcomer's key that its node is there, and the value of its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorReady {
    /// Operation that made the proposal which names it.
    pub proposal: Hash,
    /// Whose word it is.
    pub key: ValidatorKey,
    /// Peer id of its node.
    pub peer: String,
    /// Highest protocol version that it speaks.
    pub version: u64,
    /// Height of a block that it holds.
    pub height: u64,
    /// Hash of that block.
    pub block: Hash,
}

impl RecordValue for ValidatorReady {
    const KIND: Kind = Kind::Ready;
}

/// One governor's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Whose.
    pub governor: Did,
    /// Block time in ms.
    pub time: u64,
}

/// What has become of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    /// Fewer have approved than must.
    Open,
    /// On the agenda.
    Approved,
    /// It took effect.
    Active,
    /// It came to its height and broke a rule.
    Cancelled {
        /// Number of the refusal.
        code: u16,
    },
}

impl ProposalStatus {
    /// Its name in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Active => "active",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether nothing is decided yet.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Open | Self::Approved)
    }
}

/// The value of a proposal's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Who made it.
    pub proposer: Did,
    /// What is to change.
    pub change: Change,
    /// First height at which it holds.
    pub height: u64,
    /// Block time in ms of the proposal.
    pub proposed: u64,
    /// In the order of time, one a governor.
    pub approvals: Vec<Approval>,
    /// What has become of it.
    pub status: ProposalStatus,
}

impl RecordValue for Proposal {
    const KIND: Kind = Kind::Proposal;
}

impl Proposal {
    /// Whether the DID has approved it.
    pub fn is_approved_by(&self, did: &Did) -> bool {
        self.approvals.iter().any(|approval| approval.governor == *did)
    }
}

/// The approved changes that wait, ascending by height: what a transient leaf holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduledChanges(pub BTreeSet<(u64, Hash)>);

impl ScheduledChanges {
    /// Reads the value of its leaf; before the first approved change there is none.
    pub fn from_leaf(leaf: Option<&[u8]>) -> Result<Self, CodecError> {
        leaf.map_or_else(|| Ok(Self::default()), |bytes| codec::decode_own(bytes, bytes.len()))
    }

    /// What holds from `height` on.
    pub fn due(&self, height: u64) -> Vec<(u64, Hash)> {
        self.0.iter().take_while(|(at, _)| *at <= height).copied().collect()
    }
}
