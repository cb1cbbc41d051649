//! Agents: what one may do, who answers for it, and bodies of delegations to sign.

use registry_core::agent::{AgentChain, AgentDelegate, AgentLink, AgentStep, Delegation, verify};
use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::id::Did;
use registry_core::names::{ActionName, Resource};
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::{RecordKey, RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_state::rules::{By, agent};
use registry_state::state::ApplyError;
use serde::{Deserialize, Serialize};

use crate::clock::millis;
use crate::error::ApiError;
use crate::prepare::{Prepared, Preparer, Subject, author_signers};
use crate::reads::AsOf;
use crate::trust::ask::Trust;

/// Parameters of `agent_verify`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VerifyParams {
    agent: Did,
    action: ActionName,
    resource: Resource,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `agent_get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GetParams {
    agent: Did,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `agent_prepareDelegate`: the complete delegation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Delegate {
    author: Did,
    agent: Did,
    /// In any order.
    actions: Vec<ActionName>,
    /// In any order.
    resources: Vec<Resource>,
    #[serde(default)]
    valid_from: Option<TimeMs>,
    valid_until: TimeMs,
    #[serde(default)]
    max_depth: Option<u8>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `agent_prepare{Suspend,Resume,Revoke}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Step {
    author: Did,
    agent: Did,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// What a prepare method was asked for.
pub(crate) struct Draft {
    author: Did,
    action: Action,
    salt: Option<FixedBytes<16>>,
}

impl Delegate {
    /// Of a delegation, or another in its place.
    pub(crate) fn draft(self) -> Draft {
        let Self { author, agent, mut actions, mut resources, max_depth, salt, .. } = self;
        actions.sort();
        resources.sort();
        let action = Action::AgentDelegate(Box::new(AgentDelegate {
            agent,
            actions,
            resources,
            valid_from: self.valid_from.map(|TimeMs(time_ms)| time_ms),
            valid_until: self.valid_until.0,
            max_depth,
        }));
        Draft { author, action, salt }
    }
}

impl Step {
    /// The draft of one of the actions that need no more than an agent.
    pub(crate) fn draft(self, make: impl FnOnce(AgentStep) -> Action) -> Draft {
        let Self { author, agent, salt } = self;
        Draft { author, action: make(AgentStep { agent }), salt }
    }
}

/// A delegation as answers hold it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DelegationJson {
    principal: Did,
    agent: Did,
    actions: Vec<ActionName>,
    resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    valid_until: String,
    max_depth: u8,
    status: &'static str,
    since: String,
    /// Who made it so.
    by: Did,
    version: u64,
}

impl From<&AgentLink> for DelegationJson {
    fn from(link: &AgentLink) -> Self {
        let delegation = link.delegation.clone();
        Self {
            principal: delegation.principal,
            agent: delegation.agent,
            actions: delegation.actions,
            resources: delegation.resources,
            valid_from: delegation.valid_from.map(millis),
            valid_until: millis(delegation.valid_until),
            max_depth: delegation.max_depth.unwrap_or(0),
            status: delegation.status.name(),
            since: millis(delegation.since),
            by: delegation.by,
            version: link.version,
        }
    }
}

/// The answer of `agent_verify`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentVerification {
    agent: Did,
    action: ActionName,
    resource: Resource,
    permitted: bool,
    /// Who answers for the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Did>,
    explanation: String,
    /// From the principal down.
    chain: Vec<DelegationJson>,
    /// Place of the first link that does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<usize>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// The answer of `agent_get`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AgentAnswer {
    #[serde(flatten)]
    delegation: DelegationJson,
    #[serde(flatten)]
    as_of: AsOf,
}

impl Trust {
    /// `agent_verify`.
    pub(crate) async fn verify_agent(
        &self,
        params: VerifyParams,
    ) -> Result<AgentVerification, ApiError> {
        let VerifyParams { agent, action, resource, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        self.reads.did_head(&agent, &moment.head, "agent")?;
        let view = self.reads.at(&moment);
        let answer = verify(&view, &agent, &action, &resource, moment.time_ms)?;
        let chain = answer.chain.as_ref();
        let broken = chain.and_then(|chain| chain.broken.as_ref());
        Ok(AgentVerification {
            permitted: answer.is_permitted(),
            principal: chain.and_then(AgentChain::principal).cloned(),
            explanation: explain_answer(&agent, &action, &resource, chain),
            chain: chain.iter().flat_map(|chain| &chain.links).map(From::from).collect(),
            broken: broken.map(|broken| broken.link),
            agent,
            action,
            resource,
            as_of: moment.as_of(),
        })
    }

    /// `agent_get`.
    pub(crate) async fn agent(&self, params: GetParams) -> Result<AgentAnswer, ApiError> {
        let GetParams { agent, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        let records = self.reads.at(&moment);
        let entry = records.required(&RecordKey::delegation(&agent), || absent(&agent))?;
        let delegation: Delegation = entry.value()?;
        let link = AgentLink { delegation, version: entry.record.version };
        Ok(AgentAnswer { delegation: (&link).into(), as_of: moment.as_of() })
    }
}

impl Preparer {
    /// All `agent_prepare…` methods.
    pub(crate) async fn prepare_agent(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { author, action, salt } = draft;
        let moment = self.reads.moment(None, None).await?;
        let (_, state) = self.reads.active(&author, &moment.head, "author")?;
        let (agent, consents) = match &action {
            Action::AgentDelegate(delegate) => (delegate.agent.clone(), true),
            Action::AgentSuspend(AgentStep { agent })
            | Action::AgentResume(AgentStep { agent })
            | Action::AgentRevoke(AgentStep { agent }) => (agent.clone(), false),
            _ => return Err(StoreError::new("no agent action").into()),
        };
        let guard = match self.reads.at(&moment).entry(&RecordKey::delegation(&agent))? {
            Some(head) => Guard::Previous(head.record.hash()),
            None if consents => Guard::Absent,
            None => return Err(absent(&agent).into()),
        };
        let drafted = self.draft(Some(author.clone()), guard, salt, action)?;
        let time_ms = moment.head.time_ms;
        let mut signers = author_signers(&author, &state, time_ms, Role::Author);
        if consents {
            let (_, state) = self.reads.active(&agent, &moment.head, "agent")?;
            signers.extend(author_signers(&agent, &state, time_ms, Role::Consent));
        }
        let by = By { network: self.reads.network(), time_ms, author: &author };
        let action = &drafted.operation.action;
        check(&self.reads.at(&moment), by, action)?;
        let explanation = explain(action, &author);
        Ok(drafted.prepared(Subject::Agent(agent), signers, explanation))
    }
}

fn absent(agent: &Did) -> Refusal {
    Refusal::new(Code::AgentNotFound, "agent", format!("{agent} is no agent"))
}

fn explain(action: &Action, author: &Did) -> String {
    match action {
        Action::AgentDelegate(delegate) => {
            let AgentDelegate { agent, actions, resources, valid_until, .. } = &**delegate;
            let (actions, resources) = (actions.len(), resources.len());
            let until = millis(*valid_until);
            format!(
                "Lets {agent} act for {author}, who answers for it: {actions} actions on \
                 {resources} resources, until {until}. It needs signatures of both"
            )
        }
        Action::AgentSuspend(AgentStep { agent }) => {
            format!("Stops {agent} and all agents beneath it, until it is resumed")
        }
        Action::AgentResume(AgentStep { agent }) => format!("Lets {agent} act again"),
        Action::AgentRevoke(AgentStep { agent }) => {
            format!("Ends the delegation to {agent}, and with it all beneath")
        }
        _ => String::new(),
    }
}

fn explain_answer(
    agent: &Did,
    action: &ActionName,
    resource: &Resource,
    chain: Option<&AgentChain>,
) -> String {
    let Some(chain) = chain else { return format!("{agent} is no agent: nobody answers for it") };
    let Some(fault) = chain.fault() else {
        let principal = chain.principal().map_or_else(String::new, Did::to_string);
        return format!("{agent} may {action} on {resource}, and {principal} answers for it");
    };
    format!("{agent} may not {action} on {resource}: {fault}")
}

fn check(view: &dyn RecordView, by: By<'_>, action: &Action) -> Result<(), ApplyError> {
    match action {
        Action::AgentDelegate(delegate) => agent::delegate(view, by, delegate),
        Action::AgentSuspend(step) => agent::suspend(view, by, step),
        Action::AgentResume(step) => agent::resume(view, by, step),
        Action::AgentRevoke(step) => agent::revoke(view, by, step),
        _ => return Ok(()),
    }?;
    Ok(())
}
