//! Operations on rights and recognitions.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use std::marker::PhantomData;

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource, TrustKey};
use registry_core::operation::Action;
use registry_core::record::{RecordKey, RecordView};
use registry_core::time::TimeMs;
use registry_core::trust::{
    Assurance, Checkpoint, Conditions, Grant as Held, Grants, Parent, TrustChange, TrustGrant,
    TrustRecognise, TrustStep,
};
use registry_state::rules::{By, trust};
use registry_state::state::ApplyError;
use serde::{Deserialize, Serialize};

use super::form::{Chosen, Draft, Salt, with_signers};
use super::ledger::{LedgerView, previous};
use super::signers::Subject;
use super::{Prepare, PrepareError, Visitor};
use crate::clock::time_ms;

/// Visits the parameters of each action on a right.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Grant>()?;
    visitor.visit::<Change>()?;
    visitor.visit::<Suspend>()?;
    visitor.visit::<Resume>()?;
    visitor.visit::<Revoke>()?;
    visitor.visit::<Recognise>()?;
    visitor.visit::<Derecognise>()
}

/// Parameters of `trust_prepareGrant`: the complete conditions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    pub author: Did,
    /// Authority of the right [default: the author].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Did>,
    pub action: ActionName,
    pub resource: Resource,
    pub entity: EntityId,
    /// Right of the author that the grant builds on. If the author is not the authority, the
    /// preparation finds one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `trust_prepareChange`: those of a grant without a parent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Change(pub Grant);

/// Parameters of `trust_prepareRecognise`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recognise {
    pub author: Did,
    /// Authority of the right [default: the author].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Did>,
    pub action: ActionName,
    pub resource: Resource,
    pub entity: EntityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Checkpoint of the other network, if the entity is an authority there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Checkpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of the actions whose only content is a right.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct Step<K> {
    pub author: Did,
    /// Authority of the right [default: the author].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Did>,
    pub action: ActionName,
    pub resource: Resource,
    pub entity: EntityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
    #[serde(skip)]
    pub kind: PhantomData<K>,
}

/// An action whose only content is a right.
pub trait StepKind {
    /// Name of the action.
    const ACTION: &'static str;

    /// Returns the action with this content.
    fn action(step: Box<TrustStep>) -> Action;

    /// Returns the key of the record that the action changes.
    fn record(key: &TrustKey) -> RecordKey;

    /// Checks the rules of the action against the newest records.
    fn check(view: &dyn RecordView, by: By<'_>, step: &TrustStep) -> Result<Vec<u8>, ApplyError>;

    /// Returns a sentence, without its full stop, that says what the action does to the right.
    fn words(entity: &EntityId, right: &str, under: &str) -> String;
}

/// Declares the actions whose only content is a right.
macro_rules! steps {
    ($(
        $(#[doc = $doc:literal])+
        $alias:ident = $kind:ident($action:literal, $variant:ident, $record:ident, $rule:ident),
            $words:expr;
    )+) => {$(
        $(#[doc = $doc])+
        pub type $alias = Step<$kind>;

        #[doc = concat!("The action `", $action, "`.")]
        #[derive(Debug, Clone, Copy)]
        pub enum $kind {}

        impl StepKind for $kind {
            const ACTION: &'static str = $action;

            fn action(step: Box<TrustStep>) -> Action {
                Action::$variant(step)
            }

            fn record(key: &TrustKey) -> RecordKey {
                RecordKey::$record(key)
            }

            fn check(
                view: &dyn RecordView,
                by: By<'_>,
                step: &TrustStep,
            ) -> Result<Vec<u8>, ApplyError> {
                trust::$rule(view, by, step)
            }

            fn words(entity: &EntityId, right: &str, under: &str) -> String {
                let words: fn(&EntityId, &str, &str) -> String = $words;
                words(entity, right, under)
            }
        }
    )+};
}

steps! {
    /// Parameters of `trust_prepareSuspend`.
    Suspend = Suspending("trust_suspend", TrustSuspend, grant, suspend), |entity, right, under|
        format!("Suspends {entity}'s right to {right}{under}, and all beneath it");
    /// Parameters of `trust_prepareResume`.
    Resume = Resuming("trust_resume", TrustResume, grant, resume), |entity, right, under|
        format!("Resumes {entity}'s right to {right}{under}");
    /// Parameters of `trust_prepareRevoke`.
    Revoke = Revoking("trust_revoke", TrustRevoke, grant, revoke), |entity, right, under|
        format!("Revokes {entity}'s right to {right}{under}, and all beneath it");
    /// Parameters of `trust_prepareDerecognise`.
    Derecognise = Derecognising("trust_derecognise", TrustDerecognise, recognition, derecognise),
        |entity, right, _| format!("Recognises {entity} no more to {right}");
}

/// Returns the key of a right. If no authority is named, the author is the authority.
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
    /// Makes the parameters of a grant, with a random salt.
    pub fn new(author: Did, grant: TrustGrant) -> Self {
        let TrustGrant { key, parent, conditions } = grant;
        let TrustKey { authority, action, resource, entity } = key;
        let Conditions { valid_from, valid_until, assurance, max_depth, evidence, terms } =
            conditions;
        Self {
            author,
            authority: Some(authority),
            action,
            resource,
            entity,
            parent,
            valid_from: valid_from.map(TimeMs),
            valid_until: valid_until.map(TimeMs),
            assurance,
            max_depth,
            evidence,
            terms,
            salt: None,
            endorser: None,
        }
    }

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

    fn key(&self) -> TrustKey {
        let Self { author, authority, action, resource, entity, .. } = self.clone();
        key(&author, authority, action, resource, entity)
    }

    fn payload(self) -> TrustGrant {
        TrustGrant { key: self.key(), conditions: self.conditions(), parent: self.parent }
    }
}

impl Prepare for Grant {
    const ACTION: &'static str = "trust_grant";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::TrustGrant(Box::new(self.payload())))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::grant(&self.key())]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let (mut grant, by, view) = (self.payload(), ledger.by(&author), ledger.view());
        if grant.parent.is_none() && grant.key.authority != author.did {
            grant.parent = Some(parent_for(view, by, &grant)?);
        }
        let guard = ledger.guard(&RecordKey::grant(&grant.key))?;
        let action = Action::TrustGrant(Box::new(grant.clone()));
        let form = ledger.form_by(&author, guard, chosen, action)?;
        trust::grant(view, by, &grant)?;
        let TrustGrant { key, conditions, .. } = grant;
        let (entity, right, under) = (&key.entity, right(&key), under(&key, &author.did));
        let beneath = format!("with {} grants allowed beneath it", conditions.depth());
        let what = format!("Grants {entity} the right to {right}{under}, {beneath}");
        Ok(form.draft(Subject::Right(key), with_signers(&what, &author.did)))
    }
}

impl Change {
    fn payload(self) -> Result<TrustChange, PrepareError> {
        let Self(grant) = self;
        if grant.parent.is_some() {
            let detail = "a change keeps the parent of its grant; leave it out";
            return Err(PrepareError::Params { field: "parent", detail });
        }
        Ok(TrustChange { key: grant.key(), conditions: grant.conditions() })
    }
}

impl Prepare for Change {
    const ACTION: &'static str = "trust_change";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::TrustChange(Box::new(self.payload()?)))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        self.0.records_needed()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = self.0.author.clone();
        let chosen = Chosen { salt: self.0.salt, endorser: self.0.endorser.clone() };
        let change = self.payload()?;
        let author = ledger.author(&author)?;
        let head = ledger.head(&RecordKey::grant(&change.key), || absent(&change.key))?;
        let action = Action::TrustChange(Box::new(change.clone()));
        let form = ledger.form_by(&author, previous(&head), chosen, action)?;
        trust::change(ledger.view(), ledger.by(&author), &change)?;
        let key = change.key;
        let (entity, right, under) = (&key.entity, right(&key), under(&key, &author.did));
        let what = format!("Replaces the conditions of {entity}'s right to {right}{under}");
        Ok(form.draft(Subject::Right(key), with_signers(&what, &author.did)))
    }
}

impl Recognise {
    fn key(&self) -> TrustKey {
        let Self { author, authority, action, resource, entity, .. } = self.clone();
        key(&author, authority, action, resource, entity)
    }
}

impl Prepare for Recognise {
    const ACTION: &'static str = "trust_recognise";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::TrustRecognise(Box::new(TrustRecognise {
            key: self.key(),
            valid_from: time_ms(self.valid_from),
            valid_until: time_ms(self.valid_until),
            evidence: self.evidence,
            terms: self.terms,
            network: self.network,
        })))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::recognition(&self.key())]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, key) = (ledger.author(&self.author)?, self.key());
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let guard = ledger.guard(&RecordKey::recognition(&key))?;
        // All rules of this action are checked without state, by `form_by`.
        let form = ledger.form_by(&author, guard, chosen, self.action()?)?;
        let what = format!("Recognises {} to {}", key.entity, right(&key));
        Ok(form.draft(Subject::Right(key), with_signers(&what, &author.did)))
    }
}

impl<K> Step<K> {
    /// Makes the parameters of an action on a right, with a random salt.
    pub fn new(author: Did, key: TrustKey) -> Self {
        let TrustKey { authority, action, resource, entity } = key;
        let authority = Some(authority);
        Self {
            author,
            authority,
            action,
            resource,
            entity,
            salt: None,
            endorser: None,
            kind: PhantomData,
        }
    }

    fn payload(&self) -> TrustStep {
        let Self { author, authority, action, resource, entity, .. } = self;
        let (authority, action) = (authority.clone(), action.clone());
        TrustStep { key: key(author, authority, action, resource.clone(), entity.clone()) }
    }
}

impl<K: StepKind> Prepare for Step<K> {
    const ACTION: &'static str = K::ACTION;

    fn action(self) -> Result<Action, PrepareError> {
        Ok(K::action(Box::new(self.payload())))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), K::record(&self.payload().key)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, step) = (ledger.author(&self.author)?, self.payload());
        let chosen = Chosen { salt: self.salt, endorser: self.endorser };
        let head = ledger.head(&K::record(&step.key), || absent(&step.key))?;
        let action = K::action(Box::new(step.clone()));
        let form = ledger.form_by(&author, previous(&head), chosen, action)?;
        K::check(ledger.view(), ledger.by(&author), &step)?;
        let key = step.key;
        let what = K::words(&key.entity, &right(&key), &under(&key, &author.did));
        Ok(form.draft(Subject::Right(key), with_signers(&what, &author.did)))
    }
}

fn absent(key: &TrustKey) -> Refusal {
    let what = format!("{} to {} on {}", key.entity, key.action, key.resource);
    let detail = format!("{} has no record of {what}", key.authority);
    Refusal::new(Code::TrustNotFound, "key", detail)
}

fn right(key: &TrustKey) -> String {
    format!("{} on {}", key.action, key.resource)
}

/// Returns words for the authority of a right; empty if the author is the authority.
fn under(key: &TrustKey, author: &Did) -> String {
    match key.authority == *author {
        true => String::new(),
        false => format!(" under {}", key.authority),
    }
}

/// Returns the most specific right of the author on which the rules allow the grant to build. If
/// they allow none, returns the most specific right, so that the refusal says what it lacks.
fn parent_for(
    view: &dyn RecordView,
    by: By<'_>,
    grant: &TrustGrant,
) -> Result<Parent, PrepareError> {
    let mut first = None;
    for resource in grant.key.resource.covering() {
        let held = TrustKey { resource, entity: EntityId::from(by.author), ..grant.key.clone() };
        let Some(entry) = view.entry(&RecordKey::grant(&held))? else { continue };
        for Held { grantor, .. } in entry.value::<Grants>()?.grants {
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
