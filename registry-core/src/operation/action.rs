//! The actions of all operations, and what their kind alone decides.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::agent::{AgentDelegate, AgentStep};
use crate::did::{self, DidCreate, DidRecover, DidRotate, DidUpdate};
use crate::governance::{GovernancePropose, GovernanceStep, ValidatorReady};
use crate::id::Did;
use crate::limits::{
    DID_OPERATION_BYTES_MAX, GOVERNANCE_OPERATION_BYTES_MAX, PROPOSAL_BYTES_MAX,
    STATUS_OPERATION_BYTES_MAX, STATUS_SET_BYTES_MAX, TRUST_OPERATION_BYTES_MAX,
};
use crate::status::{StatusClose, StatusCreate, StatusSet, StatusUpdate};
use crate::trust::{TrustChange, TrustGrant, TrustKey, TrustRecognise, TrustStep};

/// What the author wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new DID.
    DidCreate(Box<DidCreate>),
    /// Another document, by control.
    DidUpdate(Box<DidUpdate>),
    /// New sets and document, by the members committed to; the veto of a recovery.
    DidRotate(Box<DidRotate>),
    /// Starts a recovery with complete new sets and document.
    DidRecover(Box<DidRecover>),
    /// Ends the pending recovery, by the recovery set.
    DidRecoverCancel,
    /// Puts the matured recovery into effect, by anyone.
    DidRecoverComplete,
    /// Ends the DID for ever, by the members committed to.
    DidDeactivate(did::Reveal),
    /// A new status list.
    StatusCreate(Box<StatusCreate>),
    /// New values for entries of a status list.
    StatusSet(StatusSet),
    /// Other validity and delegates of a status list.
    StatusUpdate(StatusUpdate),
    /// Ends a status list for ever.
    StatusClose(StatusClose),
    /// Grants a right.
    TrustGrant(Box<TrustGrant>),
    /// Other conditions of a grant.
    TrustChange(Box<TrustChange>),
    /// Lets a grant not count for now.
    TrustSuspend(Box<TrustStep>),
    /// Lets a suspended grant count again.
    TrustResume(Box<TrustStep>),
    /// Ends a grant.
    TrustRevoke(Box<TrustStep>),
    /// Recognises another authority.
    TrustRecognise(Box<TrustRecognise>),
    /// Ends a recognition.
    TrustDerecognise(Box<TrustStep>),
    /// Delegates to an agent, or again.
    AgentDelegate(Box<AgentDelegate>),
    /// Stops an agent and all beneath it for now.
    AgentSuspend(AgentStep),
    /// Lets a suspended agent act again.
    AgentResume(AgentStep),
    /// Ends a delegation.
    AgentRevoke(AgentStep),
    /// A change of the network's own records.
    GovernancePropose(Box<GovernancePropose>),
    /// One governor's approval of it.
    GovernanceApprove(GovernanceStep),
    /// Takes the approval back.
    GovernanceWithdraw(GovernanceStep),
    /// The word of a newcomer among the validators that its node is there.
    ValidatorReady(Box<ValidatorReady>),
}

impl Action {
    /// Whether the operation is one of those that need no endorsement and have reserved room in
    /// a block: rotate, recovery, deactivation.
    pub fn is_senior(&self) -> bool {
        matches!(
            self,
            Self::DidRotate(_)
                | Self::DidRecover(_)
                | Self::DidRecoverCancel
                | Self::DidRecoverComplete
                | Self::DidDeactivate(_)
        )
    }

    /// The agent that it is about; none for other actions.
    pub fn agent(&self) -> Option<&Did> {
        match self {
            Self::AgentDelegate(delegate) => Some(&delegate.agent),
            Self::AgentSuspend(step) | Self::AgentResume(step) | Self::AgentRevoke(step) => {
                Some(&step.agent)
            }
            _ => None,
        }
    }

    /// Another DID that the action binds and that must consent.
    pub fn consents(&self) -> Option<&Did> {
        match self {
            Self::AgentDelegate(delegate) => Some(&delegate.agent),
            _ => None,
        }
    }

    /// What a grant or a recognition is about; none for other actions.
    pub fn trust_key(&self) -> Option<&TrustKey> {
        match self {
            Self::TrustGrant(grant) => Some(&grant.key),
            Self::TrustChange(change) => Some(&change.key),
            Self::TrustRecognise(recognise) => Some(&recognise.key),
            Self::TrustSuspend(step)
            | Self::TrustResume(step)
            | Self::TrustRevoke(step)
            | Self::TrustDerecognise(step) => Some(&step.key),
            _ => None,
        }
    }

    /// Whether it is about the network's own records.
    pub fn is_governance(&self) -> bool {
        matches!(
            self,
            Self::GovernancePropose(_)
                | Self::GovernanceApprove(_)
                | Self::GovernanceWithdraw(_)
                | Self::ValidatorReady(_)
        )
    }

    /// Whether it has an author: a DID that was there before.
    pub fn has_author(&self) -> bool {
        !matches!(self, Self::DidCreate(_) | Self::ValidatorReady(_))
    }

    /// Largest envelope of such an action.
    pub fn bytes_max(&self) -> usize {
        match self {
            Self::StatusSet(_) => STATUS_SET_BYTES_MAX,
            Self::StatusCreate(_) | Self::StatusUpdate(_) | Self::StatusClose(_) => {
                STATUS_OPERATION_BYTES_MAX
            }
            Self::GovernancePropose(_) => PROPOSAL_BYTES_MAX,
            Self::GovernanceApprove(_) | Self::GovernanceWithdraw(_) | Self::ValidatorReady(_) => {
                GOVERNANCE_OPERATION_BYTES_MAX
            }
            action if action.trust_key().is_some() || action.agent().is_some() => {
                TRUST_OPERATION_BYTES_MAX
            }
            _ => DID_OPERATION_BYTES_MAX,
        }
    }

    /// The role in which the action is signed; none where anyone may send it unsigned. For
    /// [`Role::Author`] the author's control set may sign instead, in role control; for
    /// [`Role::Approval`] in that role too.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::DidCreate(_) | Self::DidUpdate(_) => Some(Role::Control),
            Self::DidRotate(_) | Self::DidDeactivate(_) => Some(Role::Next),
            Self::DidRecover(_) | Self::DidRecoverCancel => Some(Role::Recovery),
            Self::DidRecoverComplete => None,
            Self::StatusCreate(_)
            | Self::StatusSet(_)
            | Self::StatusUpdate(_)
            | Self::StatusClose(_)
            | Self::TrustGrant(_)
            | Self::TrustChange(_)
            | Self::TrustSuspend(_)
            | Self::TrustResume(_)
            | Self::TrustRevoke(_)
            | Self::TrustRecognise(_)
            | Self::TrustDerecognise(_)
            | Self::AgentDelegate(_)
            | Self::AgentSuspend(_)
            | Self::AgentResume(_)
            | Self::AgentRevoke(_)
            | Self::ValidatorReady(_) => Some(Role::Author),
            Self::GovernancePropose(_)
            | Self::GovernanceApprove(_)
            | Self::GovernanceWithdraw(_) => Some(Role::Approval),
        }
    }
}
