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
use registry_core::trust::answer::grants;
use registry_core::trust::{
    Assurance, Conditions, Parent, TrustChange, TrustEnd, TrustGrant, TrustStep,
};
use registry_state::rules::{By, roots, trust};
use registry_state::state::ApplyError;
use serde::{Deserialize, Serialize};

use super::form::{Chosen, Draft, parameters, voided, voiding};
use super::ledger::LedgerView;
use super::parent::{parent_for, parents, standing};
use super::right::{key, right, under};
use super::roots::ForgetRoot;
use super::signers::Subject;
use super::{Prepare, PrepareError, Visitor};
use crate::clock::time_ms;

pub use super::parent::ParentParam;
pub use super::recognise::Recognise;

/// Visits the parameters of each action on a right.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Grant>()?;
    visitor.visit::<Change>()?;
    visitor.visit::<Suspend>()?;
    visitor.visit::<Resume>()?;
    visitor.visit::<Revoke>()?;
    visitor.visit::<Recognise>()?;
    visitor.visit::<Derecognise>()?;
    visitor.visit::<ForgetRoot>()
}

parameters! {
    /// Parameters of `trust_prepareGrant`: the complete conditions.
    Grant {
        pub author: Did,
        /// Authority of the right [default: the author].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authority: Option<Did>,
        pub action: ActionName,
        pub resource: Resource,
        pub entity: EntityId,
        /// Grant to the author that this one builds on. If the author is not the authority, the
        /// preparation finds one where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parent: Option<ParentParam>,
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
    }
}

/// Parameters of `trust_prepareChange`: those of a grant. Without a parent, the grant keeps its
/// own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Change(pub Grant);

parameters! {
    /// Parameters of the actions whose only content is a right.
    #[serde(bound = "")]
    Step<K> {
        pub author: Did,
        /// Authority of the right [default: the author].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authority: Option<Did>,
        pub action: ActionName,
        pub resource: Resource,
        pub entity: EntityId,
        #[serde(skip)]
        pub kind: PhantomData<K>,
    }
}

parameters! {
    /// Parameters of the actions that end a grant or a recognition, and may void it.
    #[serde(bound = "")]
    End<K> {
        pub author: Did,
        /// Authority of the right [default: the author].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authority: Option<Did>,
        pub action: ActionName,
        pub resource: Resource,
        pub entity: EntityId,
        /// True to declare that the grant or recognition never was.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub void: bool,
        /// Operation that made what is voided [default: the one that made what stands there now].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub operation: Option<Hash>,
        #[serde(skip)]
        pub kind: PhantomData<K>,
    }
}

/// An action whose content is a right, and for some actions whether it voids.
pub trait StepKind: Clone {
    /// Name of the action.
    const ACTION: &'static str;

    /// Returns the action with this content. `void` is false unless the action can void.
    fn action(key: TrustKey, void: bool) -> Action;

    /// Returns the key of the record that the action changes.
    fn record(key: &TrustKey) -> RecordKey;

    /// Checks the rules of the action against the newest records.
    fn check(
        view: &dyn RecordView,
        by: By<'_>,
        key: &TrustKey,
        void: bool,
    ) -> Result<(), ApplyError>;

    /// Returns a sentence, without its full stop, that says what the action does to the right.
    fn words(entity: &EntityId, right: &str, under: &str) -> String;
}

/// Declares the actions whose only content is a right.
macro_rules! steps {
    ($(
        $(#[doc = $doc:literal])+
        $alias:ident = $params:ident<$kind:ident>($action:literal, $variant:ident, $record:ident,
            $rule:ident, $content:expr), $words:expr;
    )+) => {$(
        $(#[doc = $doc])+
        pub type $alias = $params<$kind>;

        #[doc = concat!("The action `", $action, "`.")]
        #[derive(Debug, Clone, Copy)]
        pub enum $kind {}

        impl StepKind for $kind {
            const ACTION: &'static str = $action;

            fn action(key: TrustKey, void: bool) -> Action {
                Action::$variant(Box::new($content(key, void)))
            }

            fn record(key: &TrustKey) -> RecordKey {
                RecordKey::$record(key)
            }

            fn check(
                view: &dyn RecordView,
                by: By<'_>,
                key: &TrustKey,
                void: bool,
            ) -> Result<(), ApplyError> {
                trust::$rule(view, by, &$content(key.clone(), void)).map(drop)
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
    Suspend = Step<Suspending>("trust_suspend", TrustSuspend, grant, suspend, step),
        |entity, right, under| {
            format!("Suspends {entity}'s right to {right}{under}, and all beneath it")
        };
    /// Parameters of `trust_prepareResume`.
    Resume = Step<Resuming>("trust_resume", TrustResume, grant, resume, step),
        |entity, right, under| format!("Resumes {entity}'s right to {right}{under}");
    /// Parameters of `trust_prepareRevoke`.
    Revoke = End<Revoking>("trust_revoke", TrustRevoke, grant, revoke, end),
        |entity, right, under| {
            format!("Revokes {entity}'s right to {right}{under}, and all beneath it")
        };
    /// Parameters of `trust_prepareDerecognise`.
    Derecognise = End<Derecognising>("trust_derecognise", TrustDerecognise, recognition,
        derecognise, end), |entity, right, _| format!("Recognises {entity} no more to {right}");
}

fn step(key: TrustKey, _void: bool) -> TrustStep {
    TrustStep { key }
}

fn end(key: TrustKey, void: bool) -> TrustEnd {
    TrustEnd { key, void }
}

impl Grant {
    /// Makes the parameters of a grant with these conditions, with a random salt.
    pub fn new(
        author: Did,
        key: TrustKey,
        parent: Option<ParentParam>,
        conditions: Conditions,
    ) -> Self {
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
            until: None,
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
        let (key, conditions) = (self.key(), self.conditions());
        TrustGrant { key, conditions, parent: self.parent.map(Parent::from) }
    }
}

impl Prepare for Grant {
    const ACTION: &'static str = "trust_grant";

    fn records_needed(&self) -> Vec<RecordKey> {
        let (author, key) = (&self.author, self.key());
        let mut needed = vec![RecordKey::did(&author.suffix), RecordKey::grant(&key)];
        if key.authority != *author {
            needed.push(RecordKey::roots(author));
            needed.extend(parents(&key, author).map(|(_, parent)| RecordKey::grant(&parent)));
        }
        needed
    }

    fn prepare(mut self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, view) = (ledger.author(&self.author)?, self.chosen(), ledger.view());
        let named = self.parent.take();
        let mut grant = self.payload();
        grant.parent = match named {
            Some(named) => Some(standing(view, &grant.key, &author.did, named)?),
            None if grant.key.authority == author.did => None,
            None => Some(parent_for(view, ledger.by(&author, Hash::ZERO), &grant)?),
        };
        let action = Action::TrustGrant(Box::new(grant.clone()));
        let form = ledger.form_by(&author, chosen, action)?;
        let by = ledger.by(&author, form.id);
        trust::grant(view, by, &grant)?;
        roots::with_root(view, by, &grant.key.authority)?;
        let TrustGrant { key, conditions, .. } = grant;
        let (entity, right, under) = (&key.entity, right(&key), under(&key, &author.did));
        let beneath = format!("with {} grants allowed beneath it", conditions.depth());
        let what = format!("Grants {entity} the right to {right}{under}, {beneath}");
        Ok(form.draft(Subject::Right(key), &what))
    }
}

impl Prepare for Change {
    const ACTION: &'static str = "trust_change";

    fn records_needed(&self) -> Vec<RecordKey> {
        self.0.records_needed()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let Self(mut grant) = self;
        let (author, chosen, view) = (ledger.author(&grant.author)?, grant.chosen(), ledger.view());
        let key = grant.key();
        let own = grants(view, &key)?.and_then(|(grants, _)| grants.by(&author.did).cloned());
        let own = own.ok_or_else(|| absent(&key, &author.did))?;
        let kept = own.parent.map(|kept| ParentParam { made: None, ..kept.into() });
        let parent = grant.parent.take().or(kept);
        let parent = parent.map(|parent| standing(view, &key, &author.did, parent)).transpose()?;
        let change = TrustChange { key, parent, conditions: grant.conditions() };
        let action = Action::TrustChange(Box::new(change.clone()));
        let form = ledger.form_by(&author, chosen, action)?;
        trust::change(view, ledger.by(&author, form.id), &change)?;
        let key = change.key;
        let (entity, right, under) = (&key.entity, right(&key), under(&key, &author.did));
        let what = format!("Replaces the conditions of {entity}'s right to {right}{under}");
        Ok(form.draft(Subject::Right(key), &what))
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
            until: None,
            kind: PhantomData,
        }
    }

    fn key(&self) -> TrustKey {
        let Self { author, authority, action, resource, entity, .. } = self;
        let (authority, action) = (authority.clone(), action.clone());
        key(author, authority, action, resource.clone(), entity.clone())
    }
}

impl<K> End<K> {
    /// Makes the parameters of an action that ends a right, with a random salt. `void` declares
    /// that it never was.
    pub fn new(author: Did, key: TrustKey, void: bool, operation: Option<Hash>) -> Self {
        let TrustKey { authority, action, resource, entity } = key;
        let authority = Some(authority);
        Self {
            author,
            authority,
            action,
            resource,
            entity,
            void,
            operation,
            salt: None,
            endorser: None,
            until: None,
            kind: PhantomData,
        }
    }

    fn key(&self) -> TrustKey {
        let Self { author, authority, action, resource, entity, .. } = self;
        let (authority, action) = (authority.clone(), action.clone());
        key(author, authority, action, resource.clone(), entity.clone())
    }
}

impl<K: StepKind> Prepare for Step<K> {
    const ACTION: &'static str = K::ACTION;

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), K::record(&self.key())]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, key) = (ledger.author(&self.author)?, self.chosen(), self.key());
        let form = ledger.form_by(&author, chosen, K::action(key.clone(), false))?;
        K::check(ledger.view(), ledger.by(&author, form.id), &key, false)?;
        let what = K::words(&key.entity, &right(&key), &under(&key, &author.did));
        Ok(form.draft(Subject::Right(key), &what))
    }
}

impl<K: StepKind> Prepare for End<K> {
    const ACTION: &'static str = K::ACTION;

    fn records_needed(&self) -> Vec<RecordKey> {
        let void = self.operation.iter().map(RecordKey::void);
        void.chain([RecordKey::did(&self.author.suffix), K::record(&self.key())]).collect()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, key, void) = (ledger.author(&self.author)?, self.key(), self.void);
        let chosen = Chosen { guard: voided(self.operation, void)?, ..self.chosen() };
        let form = ledger.form_by(&author, chosen, K::action(key.clone(), void))?;
        K::check(ledger.view(), form.by(ledger, &author), &key, void)?;
        let what = K::words(&key.entity, &right(&key), &under(&key, &author.did));
        Ok(form.draft(Subject::Right(key), &voiding(what, void)))
    }
}

fn absent(key: &TrustKey, grantor: &Did) -> Refusal {
    let TrustKey { authority, action, resource, entity } = key;
    let what = format!("{action} on {resource} under {authority}");
    let detail = format!("{grantor} has granted {entity} no right to {what}");
    Refusal::new(Code::TrustNotFound, "key", detail)
}
