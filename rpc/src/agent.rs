//! Answers what an agent may do, and which principal answers for the agent.

use registry_core::agent::{AgentChain, AgentLink, Delegation, verify};
use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, Resource};
use registry_core::record::{RecordKey, RecordView, StoreError};
use registry_core::time::TimeMs;
use serde::{Deserialize, Serialize};

use crate::clock::millis;
use crate::error::ApiError;
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
    /// Time up to which the ledger is known [default: the moment asked about].
    #[serde(default)]
    known_at: Option<TimeMs>,
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

/// A delegation as JSON answers show it.
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
    /// Time at which the principal voided the delegation.
    #[serde(skip_serializing_if = "Option::is_none")]
    voided_at: Option<String>,
    /// DID that made the last change of status.
    by: Did,
    /// Id of the operation by which the principal began to answer for the agent.
    operation: Hash,
    /// If the principal is an agent itself: id of the operation that made the delegation to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    beneath: Option<Hash>,
    /// Id of the operation that suspended the delegation. The guard of the operation that resumes
    /// it names it. Absent unless the delegation is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_by: Option<Hash>,
    version: u64,
}

impl DelegationJson {
    /// Shows a delegation with what the view knows of its void.
    fn new(link: &AgentLink, view: &dyn RecordView) -> Result<Self, StoreError> {
        let delegation = link.delegation.clone();
        let voided = delegation.voided(view)?;
        Ok(Self {
            principal: delegation.principal,
            agent: delegation.agent,
            actions: delegation.actions,
            resources: delegation.resources,
            valid_from: delegation.valid_from.map(millis),
            valid_until: millis(delegation.valid_until),
            max_depth: delegation.max_depth.unwrap_or(0),
            status: delegation.status.name(),
            since: millis(delegation.since),
            voided_at: voided.map(millis),
            by: delegation.by,
            operation: delegation.made,
            beneath: delegation.beneath,
            suspended_by: delegation.suspended,
            version: link.version,
        })
    }
}

/// Answer of `agent_verify`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentVerification {
    agent: Did,
    action: ActionName,
    resource: Resource,
    permitted: bool,
    /// Principal at the top of the chain, which answers for the agent. Absent if no chain of
    /// delegations leads to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Did>,
    explanation: String,
    /// Delegations in order, starting with the one made by the principal.
    chain: Vec<DelegationJson>,
    /// Index in `chain` of the uppermost delegation that is not live. Absent if all are live.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<usize>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `agent_get`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AgentAnswer {
    #[serde(flatten)]
    delegation: DelegationJson,
    #[serde(flatten)]
    as_of: AsOf,
}

impl Trust {
    /// Answers `agent_verify`. Fails if the agent's DID is not registered at the moment.
    pub(crate) async fn verify_agent(
        &self,
        params: VerifyParams,
    ) -> Result<AgentVerification, ApiError> {
        let VerifyParams { agent, action, resource, at, min_height, known_at } = params;
        let moment = self.reads.moment_known(at, known_at, min_height).await?;
        self.reads.did_at(&agent, &moment, "agent")?;
        let view = self.reads.at(&moment);
        let answer = verify(&view, &agent, &action, &resource, moment.time_ms)?;
        let chain = answer.chain.as_ref();
        let broken = chain.and_then(|chain| chain.broken.as_ref());
        let links = chain.iter().flat_map(|chain| &chain.links);
        let links = links.map(|link| DelegationJson::new(link, &view)).collect::<Result<_, _>>()?;
        Ok(AgentVerification {
            permitted: answer.is_permitted(),
            principal: chain.and_then(AgentChain::principal).cloned(),
            explanation: explain_answer(&agent, &action, &resource, chain),
            chain: links,
            broken: broken.map(|broken| broken.link),
            agent,
            action,
            resource,
            as_of: moment.as_of(),
        })
    }

    /// Answers `agent_get`. Fails if nobody has delegated anything to the agent.
    pub(crate) async fn agent(&self, params: GetParams) -> Result<AgentAnswer, ApiError> {
        let GetParams { agent, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        let records = self.reads.at(&moment);
        let absent = || Refusal::new(Code::AgentNotFound, "agent", format!("{agent} is no agent"));
        let entry = records.required(&RecordKey::delegation(&agent), absent)?;
        let delegation: Delegation = entry.value()?;
        let link = AgentLink { delegation, version: entry.record.version };
        let delegation = DelegationJson::new(&link, &records)?;
        Ok(AgentAnswer { delegation, as_of: moment.as_of() })
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
