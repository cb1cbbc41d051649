//! Registers the methods by name and the service function that each calls
//! (docs/protocol/json-rpc.md).

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::{Methods, RpcModule};
use serde_json::{Map, Value};

use super::params::{add, add_for};
use super::prepare::add_prepares;
use super::subscribe::subscribe_blocks;
use super::{meter, upload};
use crate::did::history;
use crate::did::options::pairs_of;
use crate::error::ApiError;
use crate::guard::Client;
use crate::metrics::Metrics;
use crate::services::Services;
use crate::status::{check, list, tokens};
use crate::trust::{ask, list as rights, roots};
use crate::{agent, decide, endorsement, governance, ledger, schema};

/// Parameters of `did_resolve`.
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

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// Admits the callers that the operator allows to ask about single credentials.
fn knows(client: Option<&Client>) -> Result<(), ApiError> {
    Client::admit_status_check(client)
}

fn add_status(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    add(m, "status_getList", |all, params: list::ListParams| async move {
        all.lists.list(params).await
    })?;
    add(m, "status_history", |all, params: list::HistoryParams| async move {
        all.lists.list_history(params).await
    })?;
    add_for(m, "status_check", knows, |all, params: check::CheckParams| async move {
        all.lists.check_entry(params).await
    })?;
    add_for(m, "status_checkMany", knows, |all, params: check::CheckManyParams| async move {
        all.lists.check_entries(params).await
    })?;
    add(m, "status_prepareToken", |all, params: tokens::PrepareToken| async move {
        all.tokens.prepare_token(params).await
    })?;
    add(m, upload::METHOD, |all, params: tokens::UploadToken| async move {
        all.tokens.upload_token(params).await
    })
}

fn add_trust(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    add(m, "trust_authorization", |all, params: ask::Params| async move {
        all.trust.authorization(params).await
    })?;
    add(m, "trust_recognition", |all, params: ask::Params| async move {
        all.trust.recognition(params).await
    })?;
    add(m, "trust_chain", |all, params: ask::Params| async move {
        all.trust.chain_of_right(params).await
    })?;
    add(m, "trust_explain", |all, params: ask::Params| async move {
        all.trust.explain_right(params).await
    })?;
    add(m, "trust_list", |all, params: rights::ListParams| async move {
        all.trust.rights(params).await
    })?;
    add(m, "trust_roots", |all, params: roots::RootsParams| async move {
        all.trust.roots(params).await
    })?;
    add(m, "trust_explainWrite", |all, params: endorsement::Params| async move {
        all.endorsement.explain_write(params).await
    })
}

fn add_agents(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    add(m, "agent_verify", |all, params: agent::VerifyParams| async move {
        all.trust.verify_agent(params).await
    })?;
    add(
        m,
        "agent_get",
        |all, params: agent::GetParams| async move { all.trust.agent(params).await },
    )
}

fn add_governance(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    add(m, "governance_show", |all, params: governance::ShowParams| async move {
        all.governance.governance(params).await
    })?;
    add(m, "governance_list", |all, params: governance::ListParams| async move {
        all.governance.proposals(params).await
    })?;
    add(m, "governance_getProposal", |all, params: governance::ProposalParams| async move {
        all.governance.proposal(params).await
    })
}

fn add_schemas(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    add(m, "schema_get", |all, params: schema::read::GetParams| async move {
        all.schemas.schema(params).await
    })?;
    add(m, "schema_getType", |all, params: schema::read::GetTypeParams| async move {
        all.schemas.credential_type(params).await
    })?;
    add(m, "schema_list", |all, params: schema::read::ListParams| async move {
        all.schemas.schemas(params).await
    })
}

/// Returns all methods. Fails if two of them have the same name.
pub(crate) fn methods(
    services: Arc<Services>,
    metrics: &Metrics,
) -> Result<Methods, RegisterMethodError> {
    let mut module = RpcModule::new(services);
    let m = &mut module;
    add(m, "did_resolve", |all, params: ResolveParams| async move {
        let pairs = pairs_of(&params.resolution_options.unwrap_or_default());
        Ok(all.dids.resolve(&params.did, pairs).await)
    })?;
    add(m, "did_dereference", |all, params: DereferenceParams| async move {
        let pairs = pairs_of(&params.dereference_options.unwrap_or_default());
        Ok(all.dids.dereference(&params.did_url, pairs).await)
    })?;
    add(m, "did_history", |all, params: history::HistoryParams| async move {
        all.dids.history(params).await
    })?;
    add(m, "did_getRecord", |all, params: history::RecordParams| async move {
        all.dids.record(params).await
    })?;
    add_prepares(m)?;
    add_status(m)?;
    add_trust(m)?;
    add_agents(m)?;
    add_governance(m)?;
    add_schemas(m)?;
    add_for(m, "registry_decide", knows, |all, params: decide::Params| async move {
        all.trust.decide(params).await
    })?;
    add(m, "ledger_submit", |all, params: ledger::SubmitParams| async move {
        all.ledger.submit(params).await
    })?;
    add(m, meter::SUBMIT_AND_WAIT, |all, params: ledger::SubmitAndWaitParams| async move {
        all.ledger.submit_and_wait(params).await
    })?;
    add(m, "ledger_getReceipt", |all, params: ledger::ReceiptParams| async move {
        all.ledger.receipt(&params)
    })?;
    add(m, "ledger_getRecords", |all, params: ledger::RecordsParams| async move {
        all.ledger.records(params).await
    })?;
    add(m, "ledger_getBlock", |all, params: ledger::BlockParams| async move {
        all.ledger.block(params).await
    })?;
    add(m, "ledger_status", |all, NoParams {}| async move { Ok(all.ledger.status()) })?;
    add(m, "net_peers", |all, NoParams {}| async move { Ok(all.reads.node.peers()) })?;
    let subscriptions = metrics.subscriptions.clone();
    module.register_subscription(
        "ledger_subscribeBlocks",
        "ledger_blocks",
        "ledger_unsubscribeBlocks",
        move |params, sink, all, _| {
            let subscriptions = subscriptions.clone();
            async move { subscribe_blocks(params, sink, Arc::clone(&all), subscriptions).await }
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
