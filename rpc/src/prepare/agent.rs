//! Operations on agents.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use std::marker::PhantomData;

use registry_core::agent::{AgentDelegate, AgentStep};
use registry_core::code::{Code, Refusal};
use registry_core::id::Did;
use registry_core::names::{ActionName, Resource};
use registry_core::operation::Action;
use registry_core::record::{RecordKey, RecordView};
use registry_core::time::TimeMs;
use registry_state::rules::{By, agent};
use registry_state::state::ApplyError;
use serde::{Deserialize, Serialize};

use super::form::{Chosen, Draft, Salt};
use super::ledger::{LedgerView, previous};
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

/// Parameters of `agent_prepareDelegate`: the complete delegation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delegate {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of the actions whose only content is the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct Step<K> {
    pub author: Did,
    pub agent: Did,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
    #[serde(skip)]
    pub kind: PhantomData<K>,
}

/// An action whose only content is the agent.
pub trait StepKind {
    /// Name of the action.
    const ACTION: &'static str;

    /// Returns the action with this content.
    fn action(step: AgentStep) -> Action;

    /// Checks the rules of the action against the newest records.
    fn check(view: &dyn RecordView, by: By<'_>, step: &AgentStep) -> Result<Vec<u8>, ApplyError>;

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
            ) -> Result<Vec<u8>, ApplyError> {
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
    /// Parameters of `agent_prepareRevoke`.
    Revoke = Revoking("agent_revoke", AgentRevoke, revoke),
        "Ends the delegation to {agent}, and with it all beneath";
}

impl<K> Step<K> {
    /// Makes the parameters of an action on an agent, with a random salt.
    pub fn new(author: Did, agent: Did) -> Self {
        Self { author, agent, salt: None, endorser: None, kind: PhantomData }
    }
}

impl Delegate {
    fn payload(self) -> AgentDelegate {
        let Self { agent, mut actions, mut resources, max_depth, .. } = self;
        actions.sort();
        resources.sort();
        let (valid_from, valid_until) = (time_ms(self.valid_from), self.valid_until.0);
        AgentDelegate { agent, actions, resources, valid_from, valid_until, max_depth }
    }
}

impl Prepare for Delegate {
    const ACTION: &'static str = "agent_delegate";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::AgentDelegate(Box::new(self.payload())))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        let (author, agent) = (&self.author.suffix, &self.agent.suffix);
        vec![RecordKey::did(author), RecordKey::delegation(&self.agent), RecordKey::did(agent)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let delegate = self.payload();
        let guard = ledger.guard(&RecordKey::delegation(&delegate.agent))?;
        let action = Action::AgentDelegate(Box::new(delegate.clone()));
        let form = ledger.form_by(&author, guard, chosen, action)?;
        agent::delegate(ledger.view(), ledger.by(&author), &delegate)?;
        let AgentDelegate { agent, actions, resources, valid_until, .. } = delegate;
        let (author, actions, resources) = (&author.did, actions.len(), resources.len());
        let until = millis(valid_until);
        let explanation = format!(
            "Lets {agent} act for {author}, who answers for it: {actions} actions on {resources} \
             resources, until {until}. It needs signatures of both"
        );
        Ok(form.draft(Subject::Agent(agent), explanation))
    }
}

impl<K: StepKind> Prepare for Step<K> {
    const ACTION: &'static str = K::ACTION;

    fn action(self) -> Result<Action, PrepareError> {
        Ok(K::action(AgentStep { agent: self.agent }))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::delegation(&self.agent)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { salt: self.salt, endorser: self.endorser };
        let step = AgentStep { agent: self.agent };
        let agent = &step.agent;
        let head = ledger.head(&RecordKey::delegation(agent), || absent(agent))?;
        let action = K::action(step.clone());
        let form = ledger.form_by(&author, previous(&head), chosen, action)?;
        K::check(ledger.view(), ledger.by(&author), &step)?;
        Ok(form.draft(Subject::Agent(agent.clone()), K::words(agent)))
    }
}

/// Returns the refusal of an operation on a DID to which nobody delegates.
pub(crate) fn absent(agent: &Did) -> Refusal {
    Refusal::new(Code::AgentNotFound, "agent", format!("{agent} is no agent"))
}
