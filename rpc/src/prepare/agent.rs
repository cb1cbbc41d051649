//! Operations on agents.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use std::marker::PhantomData;

use registry_core::agent::answer::link;
use registry_core::agent::{AgentDelegate, AgentRevoke, AgentStep};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, Resource};
use registry_core::operation::Action;
use registry_core::record::{PartWrite, RecordKey, RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::GrantStatus;
use registry_state::rules::{By, agent};
use registry_state::state::ApplyError;

use super::form::{Chosen, Draft, parameters, voided, voiding};
use super::ledger::LedgerView;
use super::signers::Subject;
use super::{Prepare, PrepareError, Visitor};
use crate::clock::{millis, time_ms};

/// Visits the parameters of each action on an agent.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Delegate>()?;
    visitor.visit::<Suspend>()?;
    visitor.visit::<Resume>()?;
    visitor.visit::<Revoke>()
}

parameters! {
    /// Parameters of `agent_prepareDelegate`: the complete delegation.
    Delegate {
        pub author: Did,
        pub agent: Did,
        /// Names in any order; the operation holds them sorted.
        pub actions: Vec<ActionName>,
        /// Patterns in any order; the operation holds them sorted.
        pub resources: Vec<Resource>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub valid_from: Option<TimeMs>,
        pub valid_until: TimeMs,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_depth: Option<u8>,
        /// If the author is an agent itself: id of the operation that made the delegation to it.
        /// Without it, the preparation names the one that stands now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub beneath: Option<Hash>,
    }
}

parameters! {
    /// Parameters of the actions whose only content is the agent.
    #[serde(bound = "")]
    Step<K> {
        pub author: Did,
        pub agent: Did,
        #[serde(skip)]
        pub kind: PhantomData<K>,
    }
}

parameters! {
    /// Parameters of `agent_prepareRevoke`.
    Revoke {
        pub author: Did,
        pub agent: Did,
        /// True to declare that the delegation never was.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub void: bool,
        /// Operation that made the delegation that is voided [default: the present one].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub operation: Option<Hash>,
    }
}

/// An action whose only content is the agent.
pub trait StepKind: Clone {
    /// Name of the action.
    const ACTION: &'static str;

    /// Returns the action with this content.
    fn action(step: AgentStep) -> Action;

    /// Checks the rules of the action against the newest records.
    fn check(
        view: &dyn RecordView,
        by: By<'_>,
        step: &AgentStep,
    ) -> Result<Vec<PartWrite>, ApplyError>;

    /// Returns a sentence, without its full stop, that says what the action does to the agent.
    fn words(agent: &Did) -> String;
}

/// Declares the actions whose only content is the agent.
macro_rules! steps {
    ($(
        $(#[doc = $doc:literal])+
        $alias:ident = $kind:ident($action:literal, $variant:ident, $rule:ident), $words:literal;
    )+) => {$(
        $(#[doc = $doc])+
        pub type $alias = Step<$kind>;

        #[doc = concat!("The action `", $action, "`.")]
        #[derive(Debug, Clone, Copy)]
        pub enum $kind {}

        impl StepKind for $kind {
            const ACTION: &'static str = $action;

            fn action(step: AgentStep) -> Action {
                Action::$variant(step)
            }

            fn check(
                view: &dyn RecordView,
                by: By<'_>,
                step: &AgentStep,
            ) -> Result<Vec<PartWrite>, ApplyError> {
                agent::$rule(view, by, step)
            }

            fn words(agent: &Did) -> String {
                format!($words, agent = agent)
            }
        }
    )+};
}

steps! {
    /// Parameters of `agent_prepareSuspend`.
    Suspend = Suspending("agent_suspend", AgentSuspend, suspend),
        "Stops {agent} and all agents beneath it, until it is resumed";
    /// Parameters of `agent_prepareResume`.
    Resume = Resuming("agent_resume", AgentResume, resume), "Lets {agent} act again";
}

impl<K> Step<K> {
    /// Makes the parameters of an action on an agent, with a random salt.
    pub fn new(author: Did, agent: Did) -> Self {
        Self { author, agent, salt: None, endorser: None, until: None, kind: PhantomData }
    }
}

impl Delegate {
    fn payload(self) -> AgentDelegate {
        let Self { agent, mut actions, mut resources, max_depth, beneath, .. } = self;
        actions.sort();
        resources.sort();
        let (valid_from, valid_until) = (time_ms(self.valid_from), self.valid_until.0);
        AgentDelegate { agent, beneath, actions, resources, valid_from, valid_until, max_depth }
    }
}

impl Prepare for Delegate {
    const ACTION: &'static str = "agent_delegate";

    fn records_needed(&self) -> Vec<RecordKey> {
        let (author, agent) = (&self.author.suffix, &self.agent.suffix);
        let own = RecordKey::delegation(&self.author);
        vec![RecordKey::did(author), own, RecordKey::delegation(&self.agent), RecordKey::did(agent)]
    }

    fn prepare(mut self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        self.beneath = match self.beneath {
            None => beneath(ledger.view(), &author.did)?,
            given => given,
        };
        let delegate = self.payload();
        let action = Action::AgentDelegate(Box::new(delegate.clone()));
        let form = ledger.form_by(&author, chosen, action)?;
        agent::delegate(ledger.view(), ledger.by(&author, form.id), &delegate)?;
        let AgentDelegate { agent, actions, resources, valid_until, .. } = delegate;
        let (author, actions, resources) = (&author.did, actions.len(), resources.len());
        let until = millis(valid_until);
        let what = format!(
            "Lets {agent} act for {author}, who answers for it: {actions} actions on {resources} \
             resources, until {until}"
        );
        Ok(form.draft(Subject::Agent(agent), &what))
    }
}

/// Returns the id of the operation that made the delegation to a DID; `None` if it is no agent.
fn beneath(view: &dyn RecordView, did: &Did) -> Result<Option<Hash>, StoreError> {
    let delegation = link(view, did)?.map(|link| link.delegation);
    let stands = delegation.filter(|delegation| delegation.status != GrantStatus::Revoked);
    Ok(stands.map(|delegation| delegation.made))
}

impl<K: StepKind> Prepare for Step<K> {
    const ACTION: &'static str = K::ACTION;

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::delegation(&self.agent)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        let step = AgentStep { agent: self.agent };
        let form = ledger.form_by(&author, chosen, K::action(step.clone()))?;
        K::check(ledger.view(), ledger.by(&author, form.id), &step)?;
        let what = K::words(&step.agent);
        Ok(form.draft(Subject::Agent(step.agent), &what))
    }
}

impl Revoke {
    /// Makes the parameters of a revocation, with a random salt. `void` declares that the
    /// delegation never was.
    pub fn new(author: Did, agent: Did, void: bool, operation: Option<Hash>) -> Self {
        Self { author, agent, void, operation, salt: None, endorser: None, until: None }
    }
}

impl Prepare for Revoke {
    const ACTION: &'static str = "agent_revoke";

    fn records_needed(&self) -> Vec<RecordKey> {
        let void = self.operation.iter().map(RecordKey::void);
        let records = [RecordKey::did(&self.author.suffix), RecordKey::delegation(&self.agent)];
        void.chain(records).collect()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { guard: voided(self.operation, self.void)?, ..self.chosen() };
        let revoke = AgentRevoke { agent: self.agent, void: self.void };
        let form = ledger.form_by(&author, chosen, Action::AgentRevoke(revoke.clone()))?;
        agent::revoke(ledger.view(), form.by(ledger, &author), &revoke)?;
        let AgentRevoke { agent, void } = revoke;
        let what = format!("Ends the delegation to {agent}, and with it all beneath");
        Ok(form.draft(Subject::Agent(agent), &voiding(what, void)))
    }
}
