//! Bodies of operations on rights for clients to sign.

use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::did::document::TimeMs;
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::RecordKey;
use registry_core::trust::{
    ActionName, Asked, Assurance, By, Checkpoint, Conditions, EntityId, Parent, Resource,
    TrustChange, TrustGrant, TrustKey, TrustRecognise, TrustStep, ask, check,
};
use serde::Deserialize;

use crate::api::{Api, Moment, Selector};
use crate::error::{ApiError, NodeCode};
use crate::prepare::{Prepared, Subject, author_signers};

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

fn time_ms(time: Option<TimeMs>) -> Option<u64> {
    time.map(|TimeMs(time_ms)| time_ms)
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
        let authority = authority.unwrap_or_else(|| author.clone());
        let key = TrustKey { authority, action, resource, entity };
        let action = Action::TrustGrant(Box::new(TrustGrant { key, parent, conditions }));
        Ok(Draft { author, action, salt })
    }

    /// Of other conditions.
    pub(crate) fn change(self) -> Result<Draft, ApiError> {
        if self.parent.is_some() {
            let detail = "a change keeps the parent of its grant; leave it out".to_owned();
            return Err(ApiError::Params { detail });
        }
        let conditions = self.conditions();
        let Self { author, authority, action, resource, entity, salt, .. } = self;
        let authority = authority.unwrap_or_else(|| author.clone());
        let key = TrustKey { authority, action, resource, entity };
        let action = Action::TrustChange(Box::new(TrustChange { key, conditions }));
        Ok(Draft { author, action, salt })
    }
}

impl Recognise {
    /// Of a recognition, or another in its place.
    pub(crate) fn draft(self) -> Result<Draft, ApiError> {
        let Self { author, action, resource, entity, .. } = self;
        let key = TrustKey { authority: author.clone(), action, resource, entity };
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
        let authority = authority.unwrap_or_else(|| author.clone());
        let key = TrustKey { authority, action, resource, entity };
        Ok(Draft { author, action: make(Box::new(TrustStep { key })), salt })
    }
}

impl Api {
    /// All `trust_prepare…` methods.
    pub(crate) async fn prepare_trust(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { author, mut action, salt } = draft;
        let moment = self.moment(None, None).await?;
        let (_, state) = self.active(&author, &moment.head, "author")?;
        if let Action::TrustGrant(grant) = &mut action
            && grant.parent.is_none()
            && grant.key.authority != author
        {
            grant.parent = self.parent_for(&author, &grant.key, &moment)?;
        }
        let Some(key) = action.trust_key().cloned() else {
            return Err(ApiError::node(NodeCode::StoreFailed, "no trust action"));
        };
        let record = match &action {
            Action::TrustRecognise(_) | Action::TrustDerecognise(_) => RecordKey::recognition(&key),
            _ => RecordKey::grant(&key),
        };
        let head = self.entry(&record, Selector::Head, &moment.head)?;
        let creates = matches!(action, Action::TrustGrant(_) | Action::TrustRecognise(_));
        let guard = match head {
            None if creates => Guard::Absent,
            head => Guard::Previous(self.right_head(head)?.record.hash()),
        };
        let drafted = self.draft(Some(author.clone()), guard, salt, action)?;
        let network = self.node.network();
        let by = By { network, time_ms: moment.head.time_ms, author: &author };
        let view = self.records_at(&moment);
        check(&view, by, &drafted.operation.action)?;
        let signers = author_signers(&author, &state, moment.head.time_ms, Role::Author);
        let explanation = explain(&drafted.operation.action, &author, &key);
        Ok(drafted.prepared(Subject::Right(key), signers, explanation))
    }

    /// The grant from which `author` can grant the right, if it holds a live one.
    fn parent_for(
        &self,
        author: &Did,
        key: &TrustKey,
        moment: &Moment,
    ) -> Result<Option<Parent>, ApiError> {
        let held = TrustKey { entity: EntityId::from(author), ..key.clone() };
        let (network, time_ms) = (self.node.network(), moment.time_ms);
        let asked = Asked { network, key: &held, through: None, time_ms };
        let answer = ask(&self.records_at(moment), &asked)?;
        let last = answer.chain.and_then(|chain| chain.links.into_iter().last());
        Ok(last.map(|link| Parent { resource: link.key.resource, grantor: link.grant.grantor }))
    }
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
