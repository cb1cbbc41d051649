//! The table of actions. Every fact that depends on the kind of an action is in its row, and
//! nowhere else.
//!
//! To add an action, add its row here and its rule in `registry_state::rules`. CONTRIBUTING.md
//! lists the steps.

use serde::{Deserialize, Serialize};

use super::family::Family;
use super::guard::{Covers, Deadline};
use super::rank::Rank;
use super::signature::Role;
use crate::agent::{AgentDelegate, AgentRevoke, AgentStep};
use crate::code::{Code, Refusal};
use crate::cost::Work;
use crate::crypto::{Hash, ValidatorKey};
use crate::did::{self, DidCreate, DidRecover, DidRotate, DidUpdate};
use crate::governance::{GovernancePropose, GovernanceStep, ValidatorReady};
use crate::id::{Did, ListId, SchemaId, Suffix};
use crate::limits::{
    DID_OPERATION_BYTES_MAX, GOVERNANCE_OPERATION_BYTES_MAX, OPERATION_BYTES_MAX,
    PROPOSAL_BYTES_MAX, STATUS_OPERATION_BYTES_MAX, STATUS_SET_BYTES_MAX,
    TRUST_OPERATION_BYTES_MAX,
};
use crate::record::{PartId, RecordKey};
use crate::schema::{CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw};
use crate::status::{EntryChanges, StatusClose, StatusCreate, StatusSet, StatusUpdate};
use crate::trust::{TrustChange, TrustEnd, TrustForgetRoot, TrustGrant, TrustRecognise, TrustStep};

/// Facts about an action that do not depend on its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionFacts {
    /// Name of the action in bodies and JSON.
    pub name: &'static str,
    /// JSON-RPC method that prepares an operation with this action; `None` if only nodes send it.
    pub prepare: Option<&'static str>,
    /// Family of actions that a right to write must cover on an endorsed network; `None` if the
    /// action never needs an endorsement.
    pub family: Option<Family>,
    /// Role in which the action is signed; `None` if anyone may send it unsigned. For
    /// [`Role::Author`], the author's control set may sign instead, in role control. For
    /// [`Role::Approval`], the control set may sign too, in that same role.
    pub role: Option<Role>,
    /// What the guard of the action covers.
    pub covers: Covers,
    /// Whether the operation names its last block time.
    pub deadline: Deadline,
    /// True if the operation names an author, which is a DID that exists already.
    pub has_author: bool,
    /// Rank of the most senior signers that the action takes. If methods of the author sign
    /// instead, the operation has the rank [`Rank::Methods`].
    pub rank: Rank,
    /// True if the action only takes a right, a recognition, a delegation or an offer away. On an
    /// endorsed network, such stops have an hourly quota of their own.
    pub is_stop: bool,
    /// Largest envelope of the action, in bytes.
    pub bytes_max: usize,
    /// What the rules of the action compute besides their reads and writes, which is a term of its
    /// cost.
    pub work: Work,
}

/// Facts besides the action on which the record key of an operation can depend.
struct Subject<'s> {
    author: Option<&'s Did>,
    operation: &'s Hash,
}

impl Subject<'_> {
    fn author(&self) -> Result<&Did, Refusal> {
        let missing = || Refusal::new(Code::AuthorMismatch, "author", "expected the DID as author");
        self.author.ok_or_else(missing)
    }

    fn own_did(&self) -> Result<RecordKey, Refusal> {
        Ok(RecordKey::did(&self.author()?.suffix))
    }
}

/// Declares each action once. The columns are those of [`ActionFacts`] and six more. `consent` is
/// the DID that must consent besides the author, if there is one. `key` is the key that signs in
/// place of an author, if there is one. `entries` are those of a status list that the action sets.
/// `brings` is the number of public keys that the action brings, which must be checked.
/// `void` says whether the action voids what it ends. `writes` is the record that the operation
/// writes, given its [`Subject`].
macro_rules! actions {
    (@facts $name:literal, $prepare:expr, $family:expr, $role:expr, $covers:expr, $deadline:ident,
        $author:literal, $rank:ident, $stop:literal, $bytes_max:ident, $work:ident) => {
        ActionFacts {
            name: $name,
            prepare: $prepare,
            family: $family,
            role: $role,
            covers: $covers,
            deadline: Deadline::$deadline,
            has_author: $author,
            rank: Rank::$rank,
            is_stop: $stop,
            bytes_max: $bytes_max,
            work: Work::$work,
        }
    };
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident $(($payload:ident: $type:ty))? {
            name: $name:literal, prepare: $prepare:expr,
            family: $family:expr, role: $role:expr,
            covers: $covers:expr, deadline: $deadline:ident, work: $work:ident,
            has_author: $author:literal, rank: $rank:ident, is_stop: $stop:literal,
            bytes_max: $bytes_max:ident,
            $(consent: $consent:expr,)? $(key: $key:expr,)?
            $(entries: $entries:expr,)? $(void: $void:expr,)? $(brings: $brings:expr,)?
            writes: $subject:pat => $writes:expr,
        }
    )+) => {
        /// Action that an operation performs.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Action {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant $(($type))?,)+
        }

        impl Action {
            /// Facts about all actions, in the order of the enum.
            pub const ALL: &[ActionFacts] = &[$(
                actions!(@facts $name, $prepare, $family, $role, $covers, $deadline,
                    $author, $rank, $stop, $bytes_max, $work),
            )+];

            /// Returns the facts about this action.
            pub fn facts(&self) -> &'static ActionFacts {
                match self {
                    $(Self::$variant { .. } => const {
                        &actions!(@facts $name, $prepare, $family, $role, $covers, $deadline,
                            $author, $rank, $stop, $bytes_max, $work)
                    },)+
                }
            }

            /// Returns the DID that must consent besides the author; `None` if the action binds
            /// nobody else.
            #[allow(unused_variables, reason = "most rows do not need what the action holds")]
            pub fn consents(&self) -> Option<&Did> {
                match self {
                    $(Self::$variant $(($payload))? => actions!(@option $($consent)?),)+
                }
            }

            /// Returns the entries of a status list that the action sets; `None` if it sets none.
            #[allow(unused_variables, reason = "most rows do not need what the action holds")]
            pub fn entries(&self) -> Option<&EntryChanges> {
                match self {
                    $(Self::$variant $(($payload))? => actions!(@option $($entries)?),)+
                }
            }

            /// Returns the number of public keys that the action brings. Each is checked before the
            /// operation is applied.
            #[allow(unused_variables, reason = "most rows do not need what the action holds")]
            pub fn keys(&self) -> usize {
                let keys: Option<usize> = match self {
                    $(Self::$variant $(($payload))? => actions!(@option $($brings)?),)+
                };
                keys.unwrap_or(0)
            }

            /// True if the action voids what it ends: that counts as never made.
            #[allow(unused_variables, reason = "most rows do not need what the action holds")]
            pub fn is_void(&self) -> bool {
                let void: Option<bool> = match self {
                    $(Self::$variant $(($payload))? => actions!(@option $($void)?),)+
                };
                void.unwrap_or(false)
            }

            /// Returns the key that signs alone; `None` for actions that are signed by an author.
            #[allow(unused_variables, reason = "most rows do not need what the action holds")]
            pub fn own_key(&self) -> Option<&ValidatorKey> {
                match self {
                    $(Self::$variant $(($payload))? => actions!(@option $($key)?),)+
                }
            }

            /// Returns the key of the record that the action writes in an operation with this
            /// author and id. Fails with `AUTHOR_MISMATCH` if the key depends on an author and
            /// there is none.
            #[allow(unused_variables, reason = "most rows do not need what the action holds")]
            pub fn record_key(
                &self,
                author: Option<&Did>,
                operation: &Hash,
            ) -> Result<RecordKey, Refusal> {
                let subject = Subject { author, operation };
                Ok(match self {
                    $(Self::$variant $(($payload))? => { let $subject = subject; $writes })+
                })
            }
        }
    };
}

actions! {
    /// Registers a DID with its key sets and its document.
    DidCreate(create: Box<DidCreate>) {
        name: "did_create", prepare: Some("did_prepareCreate"),
        family: Some(Family::Did), role: Some(Role::Control),
        covers: Covers::NoRecord, deadline: Bounded, work: Plain,
        has_author: false, rank: Control, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        brings: create.sets.keys().saturating_add(create.document.keys()),
        writes: subject => RecordKey::did(&Suffix::of_create(subject.operation)),
    }

    /// Replaces the document of a DID. The control set signs.
    DidUpdate(update: Box<DidUpdate>) {
        name: "did_update", prepare: Some("did_prepareUpdate"),
        family: Some(Family::Did), role: Some(Role::Control),
        covers: Covers::Parts(&[PartId::CONTROL, PartId::DOCUMENT]), deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        brings: update.document.keys(),
        writes: subject => subject.own_did()?,
    }

    /// Replaces key sets and document, and vetoes a pending recovery. The members to which the DID
    /// committed sign.
    DidRotate(rotate: Box<DidRotate>) {
        name: "did_rotate", prepare: Some("did_prepareRotate"),
        family: None, role: Some(Role::Next),
        covers: Covers::Parts(&[PartId::CONTROL]), deadline: Free, work: Plain,
        has_author: true, rank: Next, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        brings: rotate.keys(),
        writes: subject => subject.own_did()?,
    }

    /// Starts a recovery, which can replace key sets and document after its delay.
    DidRecover(recover: Box<DidRecover>) {
        name: "did_recover", prepare: Some("did_prepareRecover"),
        family: None, role: Some(Role::Recovery),
        covers: Covers::Parts(&[PartId::CONTROL, PartId::RECOVERY]), deadline: Free, work: Plain,
        has_author: true, rank: Recovery, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        brings: recover.keys(),
        writes: subject => subject.own_did()?,
    }

    /// Cancels the pending recovery. The recovery set signs.
    DidRecoverCancel {
        name: "did_recover_cancel", prepare: Some("did_prepareRecoverCancel"),
        family: None, role: Some(Role::Recovery),
        covers: Covers::PendingRecovery, deadline: Free, work: Plain,
        has_author: true, rank: Recovery, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        writes: subject => subject.own_did()?,
    }

    /// Completes a recovery whose delay has passed. Anyone may send it.
    DidRecoverComplete {
        name: "did_recover_complete", prepare: Some("did_prepareRecoverComplete"),
        family: None, role: None,
        covers: Covers::PendingRecovery, deadline: Free, work: Plain,
        has_author: true, rank: Completion, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        writes: subject => subject.own_did()?,
    }

    /// Deactivates a DID for ever. The members to which the DID committed sign.
    DidDeactivate(reveal: did::Reveal) {
        name: "did_deactivate", prepare: Some("did_prepareDeactivate"),
        family: None, role: Some(Role::Next),
        covers: Covers::Parts(&[PartId::CONTROL]), deadline: Free, work: Plain,
        has_author: true, rank: Next, is_stop: false, bytes_max: DID_OPERATION_BYTES_MAX,
        brings: reveal.revealed.len(),
        writes: subject => subject.own_did()?,
    }

    /// Creates a status list.
    StatusCreate(create: Box<StatusCreate>) {
        name: "status_create", prepare: Some("status_prepareCreate"),
        family: Some(Family::Status), role: Some(Role::Author),
        covers: Covers::NoRecord, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: STATUS_OPERATION_BYTES_MAX,
        writes: subject => RecordKey::status(&ListId::of_create(subject.operation)),
    }

    /// Sets entries of a status list.
    StatusSet(set: StatusSet) {
        name: "status_set", prepare: Some("status_prepareSet"),
        family: Some(Family::Status), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: OnceWithinAnHour, work: Entries,
        has_author: true, rank: Control, is_stop: false, bytes_max: STATUS_SET_BYTES_MAX,
        entries: &set.changes, writes: _ => RecordKey::status(&set.list),
    }

    /// Changes validity and delegates of a status list.
    StatusUpdate(update: StatusUpdate) {
        name: "status_update", prepare: Some("status_prepareUpdate"),
        family: Some(Family::Status), role: Some(Role::Author),
        covers: Covers::Parts(&[PartId::TERMS]), deadline: Bounded, work: Array,
        has_author: true, rank: Control, is_stop: false, bytes_max: STATUS_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::status(&update.list),
    }

    /// Closes a status list for ever.
    StatusClose(close: StatusClose) {
        name: "status_close", prepare: Some("status_prepareClose"),
        family: Some(Family::Status), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: Bounded, work: Array,
        has_author: true, rank: Control, is_stop: false, bytes_max: STATUS_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::status(&close.list),
    }

    /// Grants a right to an entity.
    TrustGrant(grant: Box<TrustGrant>) {
        name: "trust_grant", prepare: Some("trust_prepareGrant"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::OwnSlot, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::grant(&grant.key),
    }

    /// Changes the conditions of a grant.
    TrustChange(change: Box<TrustChange>) {
        name: "trust_change", prepare: Some("trust_prepareChange"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::OwnSlot, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::grant(&change.key),
    }

    /// Suspends a grant.
    TrustSuspend(step: Box<TrustStep>) {
        name: "trust_suspend", prepare: Some("trust_prepareSuspend"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::OwnGrant, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::grant(&step.key),
    }

    /// Resumes a suspended grant.
    TrustResume(step: Box<TrustStep>) {
        name: "trust_resume", prepare: Some("trust_prepareResume"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::GrantSuspension, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::grant(&step.key),
    }

    /// Revokes a grant.
    TrustRevoke(end: Box<TrustEnd>) {
        name: "trust_revoke", prepare: Some("trust_prepareRevoke"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::OwnGrant, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        void: end.void, writes: _ => RecordKey::grant(&end.key),
    }

    /// Recognises another authority.
    TrustRecognise(recognise: Box<TrustRecognise>) {
        name: "trust_recognise", prepare: Some("trust_prepareRecognise"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::Record, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::recognition(&recognise.key),
    }

    /// Ends the recognition of another authority.
    TrustDerecognise(end: Box<TrustEnd>) {
        name: "trust_derecognise", prepare: Some("trust_prepareDerecognise"),
        family: Some(Family::Trust), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        void: end.void, writes: _ => RecordKey::recognition(&end.key),
    }

    /// Removes a root of the author. The control set signs.
    TrustForgetRoot(forget: TrustForgetRoot) {
        name: "trust_forget_root", prepare: Some("trust_prepareForgetRoot"),
        family: Some(Family::Trust), role: Some(Role::Control),
        covers: Covers::Nothing, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: subject => RecordKey::roots(subject.author()?),
    }

    /// Delegates to an agent, for the first time or with other terms.
    AgentDelegate(delegate: Box<AgentDelegate>) {
        name: "agent_delegate", prepare: Some("agent_prepareDelegate"),
        family: Some(Family::Agent), role: Some(Role::Author),
        covers: Covers::Record, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        consent: &delegate.agent,
        writes: _ => RecordKey::delegation(&delegate.agent),
    }

    /// Suspends an agent, and with it all agents below it.
    AgentSuspend(step: AgentStep) {
        name: "agent_suspend", prepare: Some("agent_prepareSuspend"),
        family: Some(Family::Agent), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::delegation(&step.agent),
    }

    /// Resumes a suspended agent.
    AgentResume(step: AgentStep) {
        name: "agent_resume", prepare: Some("agent_prepareResume"),
        family: Some(Family::Agent), role: Some(Role::Author),
        covers: Covers::DelegationSuspension, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::delegation(&step.agent),
    }

    /// Revokes a delegation.
    AgentRevoke(end: AgentRevoke) {
        name: "agent_revoke", prepare: Some("agent_prepareRevoke"),
        family: Some(Family::Agent), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        void: end.void, writes: _ => RecordKey::delegation(&end.agent),
    }

    /// Publishes a schema.
    SchemaPublish(publish: Box<SchemaPublish>) {
        name: "schema_publish", prepare: Some("schema_preparePublish"),
        family: Some(Family::Schema), role: Some(Role::Author),
        covers: Covers::NoRecord, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: OPERATION_BYTES_MAX,
        writes: subject => {
            RecordKey::schema(&SchemaId::of_content(subject.author()?, &publish.content))
        },
    }

    /// Withdraws a schema.
    SchemaWithdraw(withdraw: SchemaWithdraw) {
        name: "schema_withdraw", prepare: Some("schema_prepareWithdraw"),
        family: Some(Family::Schema), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        void: withdraw.void, writes: _ => RecordKey::schema(&withdraw.schema),
    }

    /// Publishes a credential type, or its next version.
    CredentialTypePublish(publish: Box<CredentialTypePublish>) {
        name: "credential_type_publish", prepare: Some("schema_preparePublishType"),
        family: Some(Family::Schema), role: Some(Role::Author),
        covers: Covers::Record, deadline: Bounded, work: Plain,
        has_author: true, rank: Control, is_stop: false, bytes_max: TRUST_OPERATION_BYTES_MAX,
        writes: subject => RecordKey::credential_type(subject.author()?, &publish.name),
    }

    /// Withdraws a credential type.
    CredentialTypeWithdraw(withdraw: CredentialTypeWithdraw) {
        name: "credential_type_withdraw", prepare: Some("schema_prepareWithdrawType"),
        family: Some(Family::Schema), role: Some(Role::Author),
        covers: Covers::Nothing, deadline: Once, work: Plain,
        has_author: true, rank: Control, is_stop: true, bytes_max: TRUST_OPERATION_BYTES_MAX,
        void: withdraw.void,
        writes: subject => RecordKey::credential_type(subject.author()?, &withdraw.name),
    }

    /// Proposes a change of the network's own records.
    GovernancePropose(propose: Box<GovernancePropose>) {
        name: "governance_propose", prepare: Some("governance_preparePropose"),
        family: None, role: Some(Role::Approval),
        covers: Covers::NoRecord, deadline: Bounded, work: Schedule,
        has_author: true, rank: Control, is_stop: false, bytes_max: PROPOSAL_BYTES_MAX,
        writes: subject => RecordKey::proposal(subject.operation),
    }

    /// Approves a proposal as a governor.
    GovernanceApprove(step: GovernanceStep) {
        name: "governance_approve", prepare: Some("governance_prepareApprove"),
        family: None, role: Some(Role::Approval),
        covers: Covers::Nothing, deadline: Bounded, work: Schedule,
        has_author: true, rank: Control, is_stop: false, bytes_max: GOVERNANCE_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::proposal(&step.proposal),
    }

    /// Withdraws the approval that the author gave as a governor.
    GovernanceWithdraw(step: GovernanceStep) {
        name: "governance_withdraw", prepare: Some("governance_prepareWithdraw"),
        family: None, role: Some(Role::Approval),
        covers: Covers::Nothing, deadline: Bounded, work: Schedule,
        has_author: true, rank: Control, is_stop: false, bytes_max: GOVERNANCE_OPERATION_BYTES_MAX,
        writes: _ => RecordKey::proposal(&step.proposal),
    }

    /// Announces that the node of a new validator is ready. The validator key signs.
    ValidatorReady(ready: Box<ValidatorReady>) {
        name: "validator_ready", prepare: None,
        family: None, role: Some(Role::Author),
        covers: Covers::Record, deadline: Bounded, work: Plain,
        has_author: false, rank: Control, is_stop: false, bytes_max: GOVERNANCE_OPERATION_BYTES_MAX,
        key: &ready.key, writes: _ => RecordKey::ready(&ready.key),
    }
}
