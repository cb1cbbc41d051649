//! A plain client of one node. It uses POST for JSON-RPC and GET for everything else.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use registry_core::codec;
use serde_json::{Value, json};

/// Time limit of a call. It is longer than any wait inside a node, so a call that exceeds it was
/// never answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// Reason why a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The node answered with an error.
    #[error("refused: {code} {name}: {message}")]
    Refused {
        /// JSON-RPC code.
        code: i64,
        /// Name in the data of the error, or empty.
        name: String,
        /// Its message.
        message: String,
    },
    /// No answer, or one that is not JSON-RPC.
    #[error("{0}")]
    Unreachable(String),
}

impl CallError {
    /// JSON-RPC code, if the node answered.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Unreachable(_) => None,
        }
    }
}

/// A client of the node at a base URL.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// Makes the client without sending anything.
    pub fn new(url: &str) -> Self {
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { url: url.to_owned(), http }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
        let exchange = async {
            let answer = self.http.request(request).await.map_err(|error| {
                format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
            })?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, exchange).await;
        answered.unwrap_or_else(|_| Err(format!("no answer within {ANSWER_TIMEOUT:?}")))
    }

    /// Calls a JSON-RPC method with named parameters.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (head, body) =
            self.post("/", &body).await.map_err(CallError::Unreachable)?.into_parts();
        let unreadable = |_| {
            let text = String::from_utf8_lossy(&body);
            CallError::Unreachable(format!("{method}: HTTP {}: {text}", head.status))
        };
        let mut answer: Value = serde_json::from_slice(&body).map_err(unreadable)?;
        let error = &answer["error"];
        if error.is_object() {
            return Err(CallError::Refused {
                code: error["code"].as_i64().unwrap_or_default(),
                name: error["data"]["name"].as_str().unwrap_or_default().to_owned(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            });
        }
        Ok(answer["result"].take())
    }

    /// Sends JSON to a path by POST.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Response<Bytes>, String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))
            .expect("a request");
        self.send(request).await
    }

    /// Gets a path; `accept` is the media type asked for.
    pub async fn fetch(&self, path: &str, accept: &str) -> Result<Response<Bytes>, String> {
        let request = Request::builder()
            .uri(format!("{}{path}", self.url))
            .header(header::ACCEPT, accept)
            .body(Full::default())
            .expect("a request");
        self.send(request).await
    }

    /// Gets a path and returns status and body.
    pub async fn get(&self, path: &str, accept: &str) -> Result<(StatusCode, Bytes), String> {
        let answer = self.fetch(path, accept).await?;
        Ok((answer.status(), answer.into_body()))
    }

    /// True if `/readyz` answers 200.
    pub async fn is_ready(&self) -> bool {
        self.get("/readyz", "*/*").await.is_ok_and(|(status, _)| status == StatusCode::OK)
    }

    /// `ledger_status`.
    pub async fn status(&self) -> Result<Value, CallError> {
        self.call("ledger_status", json!({})).await
    }

    /// Height of the newest block.
    pub async fn height(&self) -> Result<u64, CallError> {
        self.status().await.map(|status| status["height"].as_u64().expect("a height"))
    }

    /// `ledger_submitAndWait`.
    pub async fn submit_and_wait(
        &self,
        envelope: &[u8],
        timeout: Duration,
    ) -> Result<Value, CallError> {
        let timeout_ms = timeout.as_millis() as u64;
        let params = json!({ "envelope": codec::base64url(envelope), "timeoutMs": timeout_ms });
        self.call("ledger_submitAndWait", params).await
    }

    /// `ledger_submit`.
    pub async fn submit(&self, envelope: &[u8]) -> Result<Value, CallError> {
        self.call("ledger_submit", json!({ "envelope": codec::base64url(envelope) })).await
    }

    /// The DID document over HTTP, byte for byte: of a version, or the newest.
    pub async fn document(&self, did: &str, version: Option<u64>) -> Result<Bytes, String> {
        let query = version.map(|version| format!("?versionId={version}")).unwrap_or_default();
        let path = format!("/1.0/identifiers/{did}{query}");
        match self.get(&path, "application/did").await? {
            (StatusCode::OK, body) => Ok(body),
            (status, body) => Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body))),
        }
    }
}
