//! A server over a ledger, and the clients that send requests to it.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use prometheus_client::registry::Registry;
use registry_core::codec::{Bytes as CoreBytes, base64url, from_base64url};
use registry_core::operation::{Role, SignedOperation};
use rpc::{Limits, RpcConfig, Running, serve};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ledger::Ledger;
use super::people::{Person, sign};

/// A running API. It stops when dropped.
pub(crate) struct Server {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) running: Running,
    pub(crate) stop: CancellationToken,
    web: Client<HttpConnector, Full<Bytes>>,
    _stops: DropGuard,
}

/// Answer to an HTTP request.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// Returns the header as text; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

/// Returns the configuration of most tests, with limits that none of them reaches.
pub(crate) fn config() -> RpcConfig {
    let limits = Limits {
        connections_per_address_max: 200,
        requests_per_second_per_address: 1_000_000,
        request_burst_per_address: 1_000_000,
        ..Limits::default()
    };
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    RpcConfig {
        listen: any,
        admin: any,
        public_url: None,
        network_url: None,
        trusted_proxies: Vec::new(),
        status_check_from: Vec::new(),
        limits,
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: RpcConfig) -> Self {
        Self::over(Ledger::new(), config).await
    }

    pub(crate) async fn over(ledger: Arc<Ledger>, config: RpcConfig) -> Self {
        let stop = CancellationToken::new();
        let node = Arc::clone(&ledger);
        let running = serve(config, node, Registry::default(), stop.clone()).await;
        let running = running.expect("a free port");
        let web = Client::builder(TokioExecutor::new()).build_http();
        let _stops = stop.clone().drop_guard();
        Self { ledger, running, stop, web, _stops }
    }

    pub(crate) async fn send(
        &self,
        admin: bool,
        request: http::request::Builder,
        body: &str,
    ) -> Answer {
        let request = request.body(Full::from(body.to_owned())).expect("a request");
        let (mut parts, body) = request.into_parts();
        let address = if admin { self.running.admin } else { self.running.public };
        parts.uri = format!("http://{address}{}", parts.uri).parse().expect("a URI");
        let response = self.web.request(Request::from_parts(parts, body)).await.expect("answered");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(false, Request::get(path), "").await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.send(false, Request::get(path).header("accept", accept), "").await
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(false, request, "").await
    }

    /// Posts text as a JSON-RPC request.
    pub(crate) async fn post(&self, body: &str) -> Answer {
        let request = Request::post("/").header("content-type", "application/json");
        self.send(false, request, body).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.public)
    }

    pub(crate) fn http(&self) -> HttpClient {
        HttpClientBuilder::default().build(self.url()).expect("a client")
    }

    pub(crate) async fn ws(&self) -> WsClient {
        let url = format!("ws://{}", self.running.public);
        WsClientBuilder::default().build(url).await.expect("a WebSocket")
    }

    /// Calls a method with named parameters. Returns the result or the error object.
    pub(crate) async fn call(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Value, ErrorObjectOwned> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut answer = self.post(&request.to_string()).await.json();
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(serde_json::from_value(answer["error"].take()).expect("an error object")),
        }
    }

    /// Returns code and name of the refusal of a call.
    pub(crate) async fn refusal(&self, method: &str, params: Value) -> (i32, String) {
        let error = self.call(method, params).await.expect_err("must be refused");
        let data = data_of(&error);
        assert_eq!(data["code"], error.code());
        (error.code(), data["name"].as_str().expect("a name").to_owned())
    }

    /// Returns name of the refusal of a call and the field at fault.
    pub(crate) async fn fault(&self, method: &str, params: Value) -> (String, String) {
        let error = self.call(method, params).await.expect_err("must be refused");
        let data = data_of(&error);
        let text = |name: &str| data[name].as_str().expect("text").to_owned();
        (text("name"), text("field"))
    }

    pub(crate) async fn submit(
        &self,
        envelope: &SignedOperation,
    ) -> Result<Value, ErrorObjectOwned> {
        let envelope = base64url(&envelope.bytes());
        self.call("ledger_submitAndWait", json!({ "envelope": envelope })).await
    }

    /// Prepares an operation on a DID, signs it with `key` and submits it. Returns the prepared
    /// answer once the operation is committed.
    pub(crate) async fn act(&self, action: &str, params: Value, key: &SigningKey) -> Value {
        self.perform(&format!("did_prepare{action}"), params, key).await
    }

    /// Does the same as [`Server::act`] with an operation on a status list.
    pub(crate) async fn act_status(&self, action: &str, params: Value, key: &SigningKey) -> Value {
        self.perform(&format!("status_prepare{action}"), params, key).await
    }

    /// Does the same as [`Server::act`] with an operation on a right.
    pub(crate) async fn act_trust(&self, action: &str, params: Value, key: &SigningKey) -> Value {
        self.perform(&format!("trust_prepare{action}"), params, key).await
    }

    /// Does the same as [`Server::act`] with any operation. `method` is the full name of the method
    /// that prepares it.
    pub(crate) async fn perform(&self, method: &str, params: Value, key: &SigningKey) -> Value {
        let prepared = self.call(method, params).await.expect("prepared");
        self.submit(&signed(&prepared, key)).await.expect("applied");
        prepared
    }

    /// Registers a person's DID through the API and returns it.
    pub(crate) async fn register(&self, person: Person) -> String {
        let params = json!({ "sets": person.sets(), "document": person.document_json() });
        let prepared = self.act("Create", params, &person.control()).await;
        prepared["did"].as_str().expect("a DID").to_owned()
    }
}

fn data_of(error: &ErrorObjectOwned) -> Value {
    serde_json::from_str(error.data().expect("data").get()).expect("JSON")
}

/// Returns `params` with further members, which replace those of the same name.
pub(crate) fn with_members(mut params: Value, members: Value) -> Value {
    for (name, value) in members.as_object().expect("an object") {
        params[name] = value.clone();
    }
    params
}

/// Returns the envelope of a prepared operation. A key of the control set signs it, even if a
/// method might sign too.
pub(crate) fn signed(prepared: &Value, key: &SigningKey) -> SignedOperation {
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    let requests = prepared["signatures"].as_array().expect("requests");
    match requests.iter().find(|request| request["members"][0]["method"].is_null()) {
        None => SignedOperation::new(body, Vec::new()),
        Some(wanted) => {
            let role: Role = serde_json::from_value(wanted["role"].clone()).expect("a role");
            let envelope = sign(body, role, key);
            let message = CoreBytes(role.message(&operation(prepared)).to_vec());
            assert_eq!(wanted["message"], json!(message));
            envelope
        }
    }
}

/// Returns the operation id in an answer.
pub(crate) fn operation(answer: &Value) -> registry_core::crypto::Hash {
    serde_json::from_value(answer["operation"].clone()).expect("an operation id")
}

/// Calls `ledger_status` with a client of any transport.
pub(crate) async fn status(client: &impl ClientT) -> Value {
    client.request("ledger_status", jsonrpsee::core::rpc_params![]).await.expect("a status")
}
