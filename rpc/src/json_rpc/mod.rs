//! JSON-RPC 2.0: the methods (docs/protocol/json-rpc.md).

mod meter;
mod subscribe;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, Methods, PingConfig, RpcModule, Server, ServerConfig, StopHandle,
    TowerServiceBuilder, ws,
};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use registry_core::agent::AgentStep;
use registry_core::operation::Action;
use registry_core::trust::TrustStep;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tower::Service;
use tower::layer::util::{Identity, Stack};

use crate::agent;
use crate::api::Api;
use crate::decide;
use crate::did::options::pairs_of;
use crate::did::{history, prepare};
use crate::endorsement;
use crate::error::{ApiError, PARAMS};
use crate::governance;
use crate::ledger;
use crate::limits::{
    Limits, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, UPLOAD_BYTES_MAX, UPLOADS_MAX,
    WEBSOCKET_MESSAGES_MAX, WEBSOCKET_PING_MS, WEBSOCKET_SILENCE_MS_MAX,
};
use crate::schema;
use crate::server::guard::{Client, Guard};
use crate::status::{self, check, list, tokens};
use crate::trust::{self, ask, list as rights};

use meter::{MeterLayer, Transport};
use subscribe::subscribe_blocks;

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

/// Reads parameters by name or by position: fields of `P` stand in positional order.
fn read<P: DeserializeOwned>(params: &Params<'_>) -> Result<P, ApiError> {
    let text = params.as_str().unwrap_or("{}");
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let segments = error.path().iter().map(ToString::to_string);
        let field = segments.collect::<Vec<_>>().join("/");
        let detail = error.inner().to_string();
        // Lines and columns are those of a request that the caller may never have seen.
        let detail = detail.split(" at line ").next().unwrap_or_default();
        match field.is_empty() {
            true => ApiError::params(PARAMS, detail),
            false => ApiError::params(&field, format!("{field}: {detail}")),
        }
    })
}

/// Registers a method that answers from `Api` with parameters `P`.
fn add<P, R, F, Fut>(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
    method: F,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + Send,
    R: Serialize + Clone + Send + 'static,
    F: Fn(Arc<Api>, P) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send,
{
    add_for(module, name, |_| Ok(()), method)
}

/// Registers a method for those callers whom `admit` lets in.
fn add_for<P, R, G, F, Fut>(
    module: &mut RpcModule<Arc<Api>>,
    name: &'static str,
    admit: G,
    method: F,
) -> Result<(), RegisterMethodError>
where
    G: Fn(Option<&Client>) -> Result<(), ApiError> + Clone + Send + Sync + 'static,
    P: DeserializeOwned + Send,
    R: Serialize + Clone + Send + 'static,
    F: Fn(Arc<Api>, P) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send,
{
    module.register_async_method(name, move |params, api, extensions| {
        let (method, admitted) = (method.clone(), admit(extensions.get::<Client>()));
        async move {
            admitted?;
            let params = read::<P>(&params)?;
            method(Arc::clone(&api), params).await.map_err(ErrorObjectOwned::from)
        }
    })?;
    Ok(())
}

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

/// Whether the operator lets a caller ask about single credentials.
fn knows(
    guard: &Arc<Guard>,
) -> impl Fn(Option<&Client>) -> Result<(), ApiError> + Clone + Send + Sync + 'static {
    let guard = Arc::clone(guard);
    move |client| guard.admit_status_check(client)
}

/// The methods of status lists.
fn add_status(m: &mut RpcModule<Arc<Api>>, guard: &Arc<Guard>) -> Result<(), RegisterMethodError> {
    add(
        m,
        "status_getList",
        |api, params: list::ListParams| async move { api.list(params).await },
    )?;
    add(m, "status_history", |api, params: list::HistoryParams| async move {
        api.list_history(params).await
    })?;
    add_for(m, "status_check", knows(guard), |api, params: check::CheckParams| async move {
        api.check_entry(params).await
    })?;
    add_for(
        m,
        "status_checkMany",
        knows(guard),
        |api, params: check::CheckManyParams| async move { api.check_entries(params).await },
    )?;
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
pub(crate) fn methods(api: Arc<Api>, guard: Arc<Guard>) -> Result<Methods, RegisterMethodError> {
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
    add_status(m, &guard)?;
    add_trust(m)?;
    add_agents(m)?;
    add_governance(m)?;
    add_schemas(m)?;
    add_for(m, "registry_decide", knows(&guard), |api, params: decide::Params| async move {
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
    let subscriptions = guard.metrics.subscriptions.clone();
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

/// The methods over HTTP and WebSocket.
#[derive(Clone)]
pub(crate) struct JsonRpc {
    builder: Builder,
    /// The same with larger requests.
    uploads: Builder,
    upload_places: Arc<Semaphore>,
    methods: Methods,
    stop: StopHandle,
}

type Builder = TowerServiceBuilder<Stack<MeterLayer, Identity>, Identity>;

impl JsonRpc {
    pub(crate) fn new(
        methods: Methods,
        guard: Arc<Guard>,
        limits: &Limits,
        stop: StopHandle,
    ) -> Self {
        let ping = PingConfig::new()
            .ping_interval(Duration::from_millis(WEBSOCKET_PING_MS))
            .inactive_limit(Duration::from_millis(WEBSOCKET_SILENCE_MS_MAX));
        // The listener counts connections; this bound only has to be out of its way.
        let config = ServerConfig::builder()
            .max_response_body_size(RESPONSE_BYTES_MAX)
            .max_connections(u32::MAX)
            .max_subscriptions_per_connection(limits.subscriptions_per_connection_max)
            .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_entries_max))
            .set_message_buffer_capacity(WEBSOCKET_MESSAGES_MAX)
            .enable_ws_ping(ping);
        let layer = MeterLayer::new(guard, methods.method_names());
        let builder = |request_bytes_max| {
            Server::builder()
                .set_config(config.clone().max_request_body_size(request_bytes_max).build())
                .set_rpc_middleware(RpcServiceBuilder::new().layer(layer.clone()))
                .to_service_builder()
        };
        let (uploads, builder) = (builder(UPLOAD_BYTES_MAX), builder(REQUEST_BYTES_MAX));
        let upload_places = Arc::new(Semaphore::new(UPLOADS_MAX));
        Self { builder, uploads, upload_places, methods, stop }
    }

    /// One HTTP request: a call, a batch, or the start of a WebSocket.
    pub(crate) async fn serve(self, mut request: Request<Body>) -> Response {
        let transport =
            if ws::is_upgrade_request(&request) { Transport::WebSocket } else { Transport::Http };
        request.extensions_mut().insert(transport);
        let (request, place) = match upload::read(request, &self.upload_places).await {
            Ok(read) => read,
            Err(busy) => return busy,
        };
        let builder = if place.is_some() { self.uploads } else { self.builder };
        let mut service = builder.build(self.methods, self.stop);
        match service.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                tracing::error!(%error, "JSON-RPC service failed");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}
