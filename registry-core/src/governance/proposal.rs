//! Proposals, readiness announcements and scheduled changes (docs/protocol/governance.md).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Change;
use crate::block::Header;
use crate::codec::{self, CodecError};
use crate::crypto::{Hash, ValidatorKey};
use crate::id::Did;
use crate::record::{Entry, Kind, RecordValue, StoreError, Timed};
use crate::span::ChainTime;

/// Content of `governance_propose`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernancePropose {
    /// Change that the governor proposes.
    pub change: Change,
    /// Lowest height at which the change shall hold.
    pub height: u64,
}

/// Content of `governance_approve` and `governance_withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernanceStep {
    /// Id of the operation that made the proposal.
    pub proposal: Hash,
}

/// Content of `validator_ready`: the readiness announcement of a new validator, signed by the
/// validator key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorReady {
    /// Id of the operation that made the proposal to add the validator.
    pub proposal: Hash,
    /// Key of the new validator.
    pub key: ValidatorKey,
    /// libp2p peer id of the validator's node, in base58.
    pub peer: String,
    /// Highest protocol version that the node implements.
    pub version: u64,
    /// Header of a recent block that the node holds.
    pub header: Header,
}

/// Value of a readiness record: the newest announcement of a validator key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    /// Announcement as the validator signed it.
    pub announcement: ValidatorReady,
    /// Live time in ms of the block that holds the announcement.
    #[serde(skip)]
    pub live_ms: u64,
}

impl RecordValue for Readiness {
    const KIND: Kind = Kind::Ready;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        entry.timed()
    }
}

impl Timed for Readiness {
    fn times(&self) -> Vec<u64> {
        vec![self.live_ms]
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        let [live_ms] = *times else { return None };
        Some(Self { live_ms, ..self })
    }
}

/// What one governor last said about a proposal. A governor approves once and withdraws once by
/// methods of its document, and once more by its control set. What the control set said, methods
/// cannot undo, so whoever stole a method cannot keep the governor's own word out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// DID of the governor.
    pub governor: Did,
    /// Block time of the approval or of its withdrawal, in Unix milliseconds.
    pub time: u64,
    /// True if the approval is withdrawn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// True if the control set of the governor signed; false if a method of its document did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_control: bool,
}

/// State that a proposal is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    /// Too few governors have approved the proposal.
    Open,
    /// Enough governors have approved the proposal, and its change is scheduled.
    Approved,
    /// The change took effect.
    Active,
    /// The change broke a rule when it should have taken effect.
    Cancelled {
        /// Number of the refusal code that names the rule.
        code: u16,
    },
}

impl ProposalStatus {
    /// Returns the name of the status in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Active => "active",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// True if the proposal can still take effect.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Open | Self::Approved)
    }
}

/// Value of a proposal's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Governor that made the proposal.
    pub proposer: Did,
    /// Change that is proposed.
    pub change: Change,
    /// Lowest height at which the change shall hold.
    pub height: u64,
    /// Block time of the proposal in Unix milliseconds.
    pub proposed: u64,
    /// Live time in ms from which the change can take effect: that of the proposal's block plus the
    /// notice that held then.
    pub due_live_ms: u64,
    /// What each governor last said, in the order of first approvals, at most one for each
    /// governor.
    pub approvals: Vec<Approval>,
    /// State that the proposal is in.
    pub status: ProposalStatus,
}

impl RecordValue for Proposal {
    const KIND: Kind = Kind::Proposal;
}

impl Proposal {
    /// True if the DID has approved the proposal.
    pub fn is_approved_by(&self, did: &Did) -> bool {
        self.approved().any(|approval| approval.governor == *did)
    }

    /// Returns the approvals that are not withdrawn.
    pub fn approved(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().filter(|approval| !approval.withdrawn)
    }

    /// True if the notice is over in the block at `now`, so that the change can take effect at the
    /// end of this block and no approval counts any more.
    pub fn is_due(&self, now: ChainTime) -> bool {
        now.height.saturating_add(1) >= self.height && now.live_ms >= self.due_live_ms
    }
}

/// Approved proposals that wait for their turn, as pairs of height and proposal id in ascending
/// order. They take effect in this order. A transient leaf of the state holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduledChanges(pub BTreeSet<(u64, Hash)>);

impl ScheduledChanges {
    /// Reads the value of the leaf. The leaf is absent until the first proposal is approved.
    pub fn from_leaf(leaf: Option<&[u8]>) -> Result<Self, CodecError> {
        leaf.map_or_else(|| Ok(Self::default()), |bytes| codec::decode_own(bytes, bytes.len()))
    }

    /// Returns the change whose turn is next, if it can hold at `height`.
    pub fn next(&self, height: u64) -> Option<(u64, Hash)> {
        self.0.first().filter(|(at, _)| *at <= height).copied()
    }
}
