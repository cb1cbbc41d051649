//! The actions of all operations, and what their kind alone decides.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::agent::{AgentDelegate, AgentStep};
use crate::did::{self, DidCreate, DidRecover, DidRotate, DidUpdate};
use crate::governance::{GovernancePropose, GovernanceStep, ValidatorReady};
use crate::id::Did;
use crate::limits::{
    DID_OPERATION_BYTES_MAX, GOVERNANCE_OPERATION_BYTES_MAX, OPERATION_BYTES_MAX,
    PROPOSAL_BYTES_MAX, STATUS_OPERATION_BYTES_MAX, STATUS_SET_BYTES_MAX,
    TRUST_OPERATION_BYTES_MAX,
};
use crate::names::TrustKey;
use crate::schema::{CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw};
use crate::status::{StatusClose, StatusCreate, StatusSet, StatusUpdate};
use crate::trust::{TrustChange, TrustGrant, TrustRecognise, TrustStep};

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
    /// Publishes a schema.
    SchemaPublish(Box<SchemaPublish>),
    /// Ends a schema.
    SchemaWithdraw(SchemaWithdraw),
    /// Publishes a credential type, or its next version.
    CredentialTypePublish(Box<CredentialTypePublish>),
    /// Ends a credential type.
    CredentialTypeWithdraw(CredentialTypeWithdraw),
}

/// Actions that one right to write covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Creating and updating DIDs.
    Did,
    /// Status lists.
    Status,
    /// Grants and recognitions.
    Trust,
    /// Delegations to agents.
    Agent,
    /// Schemas and credential types.
    Schema,
}

impl Family {
    /// Its name in resources and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Did => "did",
            Self::Status => "status",
            Self::Trust => "trust",
            Self::Agent => "agent",
            Self::Schema => "schema",
        }
    }
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

    /// The names of all actions, as bodies write them, with what [`Action::family`] says of each.
    pub const FAMILIES: &[(&str, Option<Family>)] = &[
        ("did_create", Some(Family::Did)),
        ("did_update", Some(Family::Did)),
        ("did_rotate", None),
        ("did_recover", None),
        ("did_recover_cancel", None),
        ("did_recover_complete", None),
        ("did_deactivate", None),
        ("status_create", Some(Family::Status)),
        ("status_set", Some(Family::Status)),
        ("status_update", Some(Family::Status)),
        ("status_close", Some(Family::Status)),
        ("trust_grant", Some(Family::Trust)),
        ("trust_change", Some(Family::Trust)),
        ("trust_suspend", Some(Family::Trust)),
        ("trust_resume", Some(Family::Trust)),
        ("trust_revoke", Some(Family::Trust)),
        ("trust_recognise", Some(Family::Trust)),
        ("trust_derecognise", Some(Family::Trust)),
        ("agent_delegate", Some(Family::Agent)),
        ("agent_suspend", Some(Family::Agent)),
        ("agent_resume", Some(Family::Agent)),
        ("agent_revoke", Some(Family::Agent)),
        ("schema_publish", Some(Family::Schema)),
        ("schema_withdraw", Some(Family::Schema)),
        ("credential_type_publish", Some(Family::Schema)),
        ("credential_type_withdraw", Some(Family::Schema)),
        ("governance_propose", None),
        ("governance_approve", None),
        ("governance_withdraw", None),
        ("validator_ready", None),
    ];

    /// What a right to write has to cover on a network that asks for one, as in `registry/did`;
    /// none for what needs no endorsement anywhere.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::DidCreate(_) | Self::DidUpdate(_) => Some(Family::Did),
            Self::StatusCreate(_)
            | Self::StatusSet(_)
            | Self::StatusUpdate(_)
            | Self::StatusClose(_) => Some(Family::Status),
            Self::TrustGrant(_)
            | Self::TrustChange(_)
            | Self::TrustSuspend(_)
            | Self::TrustResume(_)
            | Self::TrustRevoke(_)
            | Self::TrustRecognise(_)
            | Self::TrustDerecognise(_) => Some(Family::Trust),
            Self::AgentDelegate(_)
            | Self::AgentSuspend(_)
            | Self::AgentResume(_)
            | Self::AgentRevoke(_) => Some(Family::Agent),
            Self::SchemaPublish(_)
            | Self::SchemaWithdraw(_)
            | Self::CredentialTypePublish(_)
            | Self::CredentialTypeWithdraw(_) => Some(Family::Schema),
            Self::DidRotate(_)
            | Self::DidRecover(_)
            | Self::DidRecoverCancel
            | Self::DidRecoverComplete
            | Self::DidDeactivate(_)
            | Self::GovernancePropose(_)
            | Self::GovernanceApprove(_)
            | Self::GovernanceWithdraw(_)
            | Self::ValidatorReady(_) => None,
        }
    }

    /// Whether it is about a schema or a credential type.
    pub fn is_schema(&self) -> bool {
        matches!(
            self,
            Self::SchemaPublish(_)
                | Self::SchemaWithdraw(_)
                | Self::CredentialTypePublish(_)
                | Self::CredentialTypeWithdraw(_)
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
            Self::SchemaPublish(_) => OPERATION_BYTES_MAX,
            action if action.is_schema() => TRUST_OPERATION_BYTES_MAX,
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
            | Self::SchemaPublish(_)
            | Self::SchemaWithdraw(_)
            | Self::CredentialTypePublish(_)
            | Self::CredentialTypeWithdraw(_)
            | Self::ValidatorReady(_) => Some(Role::Author),
            Self::GovernancePropose(_)
            | Self::GovernanceApprove(_)
            | Self::GovernanceWithdraw(_) => Some(Role::Approval),
        }
    }
}
