//! The methods by name, and what each calls (docs/protocol/json-rpc.md).

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::{Methods, RpcModule};
use registry_core::agent::AgentStep;
use registry_core::operation::Action;
use registry_core::trust::TrustStep;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::meter;
use super::params::{add, add_for};
use super::subscribe::subscribe_blocks;
use super::upload;
use crate::agent;
use crate::api::Api;
use crate::decide;
use crate::did::options::pairs_of;
use crate::did::{history, prepare};
use crate::endorsement;
use crate::error::ApiError;
use crate::governance;
use crate::guard::Client;
use crate::ledger;
use crate::metrics::Metrics;
use crate::schema;
use crate::status::{self, check, list, tokens};
use crate::trust::{self, ask, list as rights};

/// Parameters of `did_resolve` and `did_dereference`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResolveParams {
    did: String,
    #[serde(default)]
    resolution_options: Option<Map<String, Value>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DereferenceParams {
    did_url: String,
    #[serde(default)]
    dereference_options: Option<Map<String, Value>>,
}

/// No parameters.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// Registers a prepare method of DIDs with parameters `P`.
fn add_prepare<P>(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + Into<prepare::Draft> + Send + 'static,
{
    add(module, name, |api, params: P| async move { api.prepare_did(params.into()) })
}

/// Registers a prepare method of status lists with parameters `P`.
fn add_status_prepare<P>(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + TryInto<status::prepare::Draft, Error = ApiError> + Send + 'static,
{
    add(module, name, |api, params: P| async move { api.prepare_status(params.try_into()?) })
}

/// Lets in those whom the operator allows to ask about single credentials.
fn knows(client: Option<&Client>) -> Result<(), ApiError> {
    Client::admit_status_check(client)
}

/// The methods of status lists.
fn add_status(m: &mut RpcModule<Arc<Api>>) -> Result<(), RegisterMethodError> {
    add(
        m,
        "status_getList",
        |api, params: list::ListParams| async move { api.list(params).await },
    )?;
    add(m, "status_history", |api, params: list::HistoryParams| async move {
        api.list_history(params).await
    })?;
    add_for(m, "status_check", knows, |api, params: check::CheckParams| async move {
        api.check_entry(params).await
    })?;
    add_for(m, "status_checkMany", knows, |api, params: check::CheckManyParams| async move {
        api.check_entries(params).await
    })?;
    add_status_prepare::<status::prepare::Create>(m, "status_prepareCreate")?;
    add_status_prepare::<status::prepare::Set>(m, "status_prepareSet")?;
    add_status_prepare::<status::prepare::Update>(m, "status_prepareUpdate")?;
    add_status_prepare::<status::prepare::Close>(m, "status_prepareClose")?;
    add(m, "status_prepareToken", |api, params: tokens::PrepareToken| async move {
        api.prepare_token(params).await
    })?;
    add(m, upload::METHOD, |api, params: tokens::UploadToken| async move {
        api.upload_token(params).await
    })
}

/// The methods of the trusted registry.
fn add_trust(m: &mut RpcModule<Arc<Api>>) -> Result<(), RegisterMethodError> {
    add(m, "trust_authorization", |api, params: ask::Params| async move {
        api.authorization(params).await
    })?;
    add(m, "trust_recognition", |api, params: ask::Params| async move {
        api.recognition(params).await
    })?;
    add(
        m,
        "trust_chain",
        |api, params: ask::Params| async move { api.chain_of_right(params).await },
    )?;
    add(
        m,
        "trust_explain",
        |api, params: ask::Params| async move { api.explain_right(params).await },
    )?;
    add(
        m,
        "trust_list",
        |api, params: rights::ListParams| async move { api.rights(params).await },
    )?;
    add(m, "trust_explainWrite", |api, params: endorsement::Params| async move {
        api.explain_write(params).await
    })?;
    add_trust_prepare(m, "trust_prepareGrant", trust::prepare::Grant::grant)?;
    add_trust_prepare(m, "trust_prepareChange", trust::prepare::Grant::change)?;
    let step =
        |make: fn(Box<TrustStep>) -> Action| move |params: trust::prepare::Step| params.draft(make);
    add_trust_prepare(m, "trust_prepareSuspend", step(Action::TrustSuspend))?;
    add_trust_prepare(m, "trust_prepareResume", step(Action::TrustResume))?;
    add_trust_prepare(m, "trust_prepareRevoke", step(Action::TrustRevoke))?;
    add_trust_prepare(m, "trust_prepareRecognise", trust::prepare::Recognise::draft)?;
    add_trust_prepare(m, "trust_prepareDerecognise", step(Action::TrustDerecognise))
}

/// The methods of agents.
fn add_agents(m: &mut RpcModule<Arc<Api>>) -> Result<(), RegisterMethodError> {
    add(m, "agent_verify", |api, params: agent::VerifyParams| async move {
        api.verify_agent(params).await
    })?;
    add(m, "agent_get", |api, params: agent::GetParams| async move { api.agent(params).await })?;
    add(m, "agent_prepareDelegate", |api, params: agent::Delegate| async move {
        api.prepare_agent(params.draft()).await
    })?;
    add_agent_step(m, "agent_prepareSuspend", Action::AgentSuspend)?;
    add_agent_step(m, "agent_prepareResume", Action::AgentResume)?;
    add_agent_step(m, "agent_prepareRevoke", Action::AgentRevoke)
}

/// The methods of governance.
fn add_governance(m: &mut RpcModule<Arc<Api>>) -> Result<(), RegisterMethodError> {
    add(m, "governance_show", |api, params: governance::ShowParams| async move {
        api.governance(params).await
    })?;
    add(m, "governance_list", |api, params: governance::ListParams| async move {
        api.proposals(params).await
    })?;
    add(m, "governance_getProposal", |api, params: governance::ProposalParams| async move {
        api.proposal(params).await
    })?;
    add(m, "governance_preparePropose", |api, params: governance::Propose| async move {
        api.prepare_proposal(params).await
    })?;
    add(m, "governance_prepareApprove", |api, params: governance::Step| async move {
        api.prepare_governance(params.draft(Action::GovernanceApprove)).await
    })?;
    add(m, "governance_prepareWithdraw", |api, params: governance::Step| async move {
        api.prepare_governance(params.draft(Action::GovernanceWithdraw)).await
    })
}

/// The methods of schemas and credential types.
fn add_schemas(m: &mut RpcModule<Arc<Api>>) -> Result<(), RegisterMethodError> {
    add(m, "schema_get", |api, params: schema::read::GetParams| async move {
        api.schema(params).await
    })?;
    add(m, "schema_getType", |api, params: schema::read::GetTypeParams| async move {
        api.credential_type(params).await
    })?;
    add(m, "schema_list", |api, params: schema::read::ListParams| async move {
        api.schemas(params).await
    })?;
    add_schema_prepare::<schema::prepare::Publish>(m, "schema_preparePublish")?;
    add_schema_prepare::<schema::prepare::Withdraw>(m, "schema_prepareWithdraw")?;
    add_schema_prepare::<schema::prepare::PublishType>(m, "schema_preparePublishType")?;
    add_schema_prepare::<schema::prepare::WithdrawType>(m, "schema_prepareWithdrawType")
}

/// Registers a prepare method of schemas with parameters `P`.
fn add_schema_prepare<P>(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + Into<schema::prepare::Draft> + Send + 'static,
{
    add(module, name, |api, params: P| async move { api.prepare_schema(params.into()).await })
}

/// Registers a prepare method of an action that needs no more than an agent.
fn add_agent_step(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
    make: fn(AgentStep) -> Action,
) -> Result<(), RegisterMethodError> {
    add(module, name, move |api, params: agent::Step| async move {
        api.prepare_agent(params.draft(make)).await
    })
}

/// Registers a prepare method of rights with parameters `P`.
fn add_trust_prepare<P, D>(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
    draft: D,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + Send,
    D: Fn(P) -> Result<trust::prepare::Draft, ApiError> + Clone + Send + Sync + 'static,
{
    add(module, name, move |api, params: P| {
        let draft = draft(params);
        async move { api.prepare_trust(draft?).await }
    })
}

/// All methods.
pub(crate) fn methods(api: Arc<Api>, metrics: &Metrics) -> Result<Methods, RegisterMethodError> {
    let mut module = RpcModule::new(api);
    let m = &mut module;
    add(m, "did_resolve", |api, params: ResolveParams| async move {
        let pairs = pairs_of(&params.resolution_options.unwrap_or_default());
        Ok(api.resolve(&params.did, pairs).await)
    })?;
    add(m, "did_dereference", |api, params: DereferenceParams| async move {
        let pairs = pairs_of(&params.dereference_options.unwrap_or_default());
        Ok(api.dereference(&params.did_url, pairs).await)
    })?;
    add(m, "did_history", |api, params: history::HistoryParams| async move {
        api.history(params).await
    })?;
    add(m, "did_getRecord", |api, params: history::RecordParams| async move {
        api.record(params).await
    })?;
    add_prepare::<prepare::Create>(m, "did_prepareCreate")?;
    add_prepare::<prepare::Update>(m, "did_prepareUpdate")?;
    add_prepare::<prepare::Rotate>(m, "did_prepareRotate")?;
    add_prepare::<prepare::Recover>(m, "did_prepareRecover")?;
    add_prepare::<prepare::RecoverCancel>(m, "did_prepareRecoverCancel")?;
    add_prepare::<prepare::RecoverComplete>(m, "did_prepareRecoverComplete")?;
    add_prepare::<prepare::Deactivate>(m, "did_prepareDeactivate")?;
    add_status(m)?;
    add_trust(m)?;
    add_agents(m)?;
    add_governance(m)?;
    add_schemas(m)?;
    add_for(m, "registry_decide", knows, |api, params: decide::Params| async move {
        api.decide(params).await
    })?;
    add(m, "ledger_submit", |api, params: ledger::SubmitParams| async move {
        api.submit(params).await
    })?;
    add(m, meter::SUBMIT_AND_WAIT, |api, params: ledger::SubmitAndWaitParams| async move {
        api.submit_and_wait(params).await
    })?;
    add(m, "ledger_getReceipt", |api, params: ledger::ReceiptParams| async move {
        api.receipt(&params)
    })?;
    add(m, "ledger_getBlock", |api, params: ledger::BlockParams| async move {
        api.block(params).await
    })?;
    add(m, "ledger_status", |api, NoParams {}| async move { Ok(api.status()) })?;
    add(m, "net_peers", |api, NoParams {}| async move { Ok(api.node.peers()) })?;
    let subscriptions = metrics.subscriptions.clone();
    module.register_subscription(
        "ledger_subscribeBlocks",
        "ledger_blocks",
        "ledger_unsubscribeBlocks",
        move |params, sink, api, _| {
            let subscriptions = subscriptions.clone();
            async move { subscribe_blocks(params, sink, Arc::clone(&api), subscriptions).await }
        },
    )?;
    let mut names: Vec<&'static str> = module.method_names().chain(["rpc_methods"]).collect();
    names.sort_unstable();
    add(&mut module, "rpc_methods", move |_, NoParams {}| {
        let names = names.clone();
        async move { Ok(names) }
    })?;
    Ok(module.into())
}
