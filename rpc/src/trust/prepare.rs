//! Bodies of operations on rights for clients to sign.

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource, TrustKey};
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::{RecordKey, RecordView};
use registry_core::time::TimeMs;
use registry_core::trust::{
    Assurance, Checkpoint, Conditions, Grant as Held, Grants, Parent, TrustChange, TrustGrant,
    TrustRecognise, TrustStep,
};
use registry_state::rules::{By, trust};
use registry_state::state::ApplyError;
use serde::Deserialize;

use crate::error::{ApiError, NodeCode};
use crate::prepare::{Prepared, Preparer, Subject, author_signers, time_ms};

/// Parameters of `trust_prepareGrant` and, without a parent, of `trust_prepareChange`: the complete
/// conditions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Grant {
    author: Did,
    /// The author without it.
    #[serde(default)]
    authority: Option<Did>,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
    /// Found by the node without it, where another than the authority grants.
    #[serde(default)]
    parent: Option<Parent>,
    #[serde(default)]
    valid_from: Option<TimeMs>,
    #[serde(default)]
    valid_until: Option<TimeMs>,
    #[serde(default)]
    assurance: Option<Assurance>,
    #[serde(default)]
    max_depth: Option<u8>,
    #[serde(default)]
    evidence: Option<Hash>,
    #[serde(default)]
    terms: Option<String>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `trust_prepare{Suspend,Resume,Revoke,Derecognise}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Step {
    author: Did,
    #[serde(default)]
    authority: Option<Did>,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `trust_prepareRecognise`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Recognise {
    author: Did,
    #[serde(default)]
    authority: Option<Did>,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
    #[serde(default)]
    valid_from: Option<TimeMs>,
    #[serde(default)]
    valid_until: Option<TimeMs>,
    #[serde(default)]
    evidence: Option<Hash>,
    #[serde(default)]
    terms: Option<String>,
    #[serde(default)]
    network: Option<Checkpoint>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// What a prepare method was asked for.
pub(crate) struct Draft {
    author: Did,
    action: Action,
    salt: Option<FixedBytes<16>>,
}

/// What a draft is about; the author is the authority where none is named.
fn key(
    author: &Did,
    authority: Option<Did>,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
) -> TrustKey {
    let authority = authority.unwrap_or_else(|| author.clone());
    TrustKey { authority, action, resource, entity }
}

impl Grant {
    fn conditions(&self) -> Conditions {
        Conditions {
            valid_from: time_ms(self.valid_from),
            valid_until: time_ms(self.valid_until),
            assurance: self.assurance,
            max_depth: self.max_depth,
            evidence: self.evidence,
            terms: self.terms.clone(),
        }
    }

    /// Of a new grant.
    pub(crate) fn grant(self) -> Result<Draft, ApiError> {
        let conditions = self.conditions();
        let Self { author, authority, action, resource, entity, parent, salt, .. } = self;
        let key = key(&author, authority, action, resource, entity);
        let action = Action::TrustGrant(Box::new(TrustGrant { key, parent, conditions }));
        Ok(Draft { author, action, salt })
    }

    /// Of other conditions.
    pub(crate) fn change(self) -> Result<Draft, ApiError> {
        if self.parent.is_some() {
            let detail = "a change keeps the parent of its grant; leave it out";
            return Err(ApiError::params("parent", detail));
        }
        let conditions = self.conditions();
        let Self { author, authority, action, resource, entity, salt, .. } = self;
        let key = key(&author, authority, action, resource, entity);
        let action = Action::TrustChange(Box::new(TrustChange { key, conditions }));
        Ok(Draft { author, action, salt })
    }
}

impl Recognise {
    /// Of a recognition, or another in its place.
    pub(crate) fn draft(self) -> Result<Draft, ApiError> {
        let Self { author, authority, action, resource, entity, .. } = self;
        let key = key(&author, authority, action, resource, entity);
        let action = Action::TrustRecognise(Box::new(TrustRecognise {
            key,
            valid_from: time_ms(self.valid_from),
            valid_until: time_ms(self.valid_until),
            evidence: self.evidence,
            terms: self.terms,
            network: self.network,
        }));
        Ok(Draft { author, action, salt: self.salt })
    }
}

impl Step {
    /// The draft of one of the actions that need no more than a right.
    pub(crate) fn draft(
        self,
        make: impl FnOnce(Box<TrustStep>) -> Action,
    ) -> Result<Draft, ApiError> {
        let Self { author, authority, action, resource, entity, salt } = self;
        let key = key(&author, authority, action, resource, entity);
        Ok(Draft { author, action: make(Box::new(TrustStep { key })), salt })
    }
}

impl Preparer {
    /// All `trust_prepare…` methods.
    pub(crate) async fn prepare_trust(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { author, mut action, salt } = draft;
        let moment = self.reads.moment(None, None).await?;
        let (_, state) = self.reads.active(&author, &moment.head, "author")?;
        let Some(key) = action.trust_key().cloned() else {
            return Err(ApiError::node(NodeCode::StoreFailed, "no trust action"));
        };
        let by =
            By { network: self.reads.network(), time_ms: moment.head.time_ms, author: &author };
        let view = self.reads.at(&moment);
        if let Action::TrustGrant(grant) = &mut action
            && grant.parent.is_none()
            && key.authority != author
        {
            grant.parent = Some(parent_for(&view, by, grant)?);
        }
        let record = match &action {
            Action::TrustRecognise(_) | Action::TrustDerecognise(_) => RecordKey::recognition(&key),
            _ => RecordKey::grant(&key),
        };
        let creates = matches!(action, Action::TrustGrant(_) | Action::TrustRecognise(_));
        let guard = match view.entry(&record)? {
            Some(head) => Guard::Previous(head.record.hash()),
            None if creates => Guard::Absent,
            None => {
                let what = format!("{} to {} on {}", key.entity, key.action, key.resource);
                let detail = format!("{} has no record of {what}", key.authority);
                return Err(Refusal::new(Code::TrustNotFound, "key", detail).into());
            }
        };
        let drafted = self.draft(Some(author.clone()), guard, salt, action)?;
        check(&view, by, &drafted.operation.action)?;
        let signers = author_signers(&author, &state, moment.head.time_ms, Role::Author);
        let explanation = explain(&drafted.operation.action, &author, &key);
        Ok(drafted.prepared(Subject::Right(key), signers, explanation))
    }
}

/// The most specific right of the author from which the rules allow the grant; else the most
/// specific of all, so that the refusal tells what it lacks.
fn parent_for(view: &dyn RecordView, by: By<'_>, grant: &TrustGrant) -> Result<Parent, ApiError> {
    let mut first = None;
    for resource in grant.key.resource.covering() {
        let held = TrustKey { resource, entity: EntityId::from(by.author), ..grant.key.clone() };
        let Some(entry) = view.entry(&RecordKey::grant(&held))? else { continue };
        let found: Grants = entry.value()?;
        for Held { grantor, .. } in found.grants {
            let parent = Parent { resource: held.resource.clone(), grantor };
            let tried = TrustGrant { parent: Some(parent.clone()), ..grant.clone() };
            if trust::grant(view, by, &tried).is_ok() {
                return Ok(parent);
            }
            first.get_or_insert(parent);
        }
    }
    first.ok_or_else(|| {
        let TrustKey { authority, action, resource, .. } = &grant.key;
        let what = format!("no right to {action} on {resource} under {authority}");
        let detail = format!("{} holds {what}", by.author);
        Refusal::new(Code::TrustParentNotFound, "parent", detail).into()
    })
}

fn explain(action: &Action, author: &Did, key: &TrustKey) -> String {
    let TrustKey { authority, action: right, resource, entity } = key;
    let under = match authority == author {
        true => String::new(),
        false => format!(" under {authority}"),
    };
    let what = match action {
        Action::TrustGrant(grant) => {
            let depth = grant.conditions.depth();
            let beneath = format!("with {depth} grants allowed beneath it");
            format!("Grants {entity} the right to {right} on {resource}{under}, {beneath}")
        }
        Action::TrustChange(_) => {
            format!("Replaces the conditions of {entity}'s right to {right} on {resource}{under}")
        }
        Action::TrustSuspend(_) => {
            format!("Suspends {entity}'s right to {right} on {resource}{under}, and all beneath it")
        }
        Action::TrustResume(_) => {
            format!("Resumes {entity}'s right to {right} on {resource}{under}")
        }
        Action::TrustRevoke(_) => {
            format!("Revokes {entity}'s right to {right} on {resource}{under}, and all beneath it")
        }
        Action::TrustRecognise(_) => format!("Recognises {entity} to {right} on {resource}"),
        _ => format!("Recognises {entity} no more to {right} on {resource}"),
    };
    format!(
        "{what}. It needs signatures of {author}: of one method under capabilityInvocation, or \
         of its control set."
    )
}

fn check(view: &dyn RecordView, by: By<'_>, action: &Action) -> Result<(), ApplyError> {
    match action {
        Action::TrustGrant(grant) => trust::grant(view, by, grant),
        Action::TrustChange(change) => trust::change(view, by, change),
        Action::TrustSuspend(step) => trust::suspend(view, by, step),
        Action::TrustResume(step) => trust::resume(view, by, step),
        Action::TrustRevoke(step) => trust::revoke(view, by, step),
        Action::TrustDerecognise(step) => trust::derecognise(view, by, step),
        _ => return Ok(()),
    }?;
    Ok(())
}
