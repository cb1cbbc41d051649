//! A thin client of a node's JSON-RPC: named parameters in, typed answers or [`Failure`] out.

use std::time::Duration;

use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::core::params::ObjectParams;
use jsonrpsee::http_client::transport::Error as TransportError;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::types::ErrorObjectOwned;
use registry_core::codec::{self, Bytes};
use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::record::{Entry, RecordKey, value_hash};
use registry_core::time::TimeMs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::exit::Failure;

/// Longer than the 30 s that a node itself waits for a commit, so that its answer arrives.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// A node on this or a near network answers a connection well within it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Twice the largest value, in base64, with room for the record around it.
const ENTRY_BYTES_MAX: usize = 2 * OPERATION_BYTES_MAX;

/// Codes below these are the ledger's rules; these tell of the node (DESIGN 5).
const NODE_CODES: std::ops::Range<i64> = 3_000..4_000;

/// HTTP status of a client, or of a proxy's clients, that asks too often.
const TOO_MANY_REQUESTS: i64 = 429;

/// One node.
#[derive(Debug)]
pub(crate) struct Client {
    url: String,
    http: HttpClient,
}

/// The part of `ledger_status` that a client needs before it signs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chain {
    /// The chain id, which is in every signed body.
    pub chain_id: Hash,
    /// The network's name, which is in every DID.
    pub network: NetworkName,
    /// Time of the newest block.
    pub time: TimeMs,
}

/// An operation that is in a certified block.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Committed {
    /// The operation's id.
    pub operation: Hash,
    /// The block's height.
    pub height: u64,
}

/// What became of an operation (`ledger_getReceipt`).
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It is in a certified block.
    Applied {
        /// The block's height.
        height: u64,
    },
    /// It waits for a block.
    Pending,
    /// A rule stands against it.
    Refused,
    /// This node never saw it, or forgot it.
    Unknown,
}

/// The `data` of our JSON-RPC errors.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorData {
    code: Option<i64>,
    name: String,
    field: Option<String>,
    hint: Option<String>,
}

impl Client {
    /// A client of the node at `url`, an `http` or `https` base URL. Nothing is sent yet.
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        let remedy = "give a base URL such as http://127.0.0.1:7641";
        let parsed = url::Url::parse(url)
            .map_err(|error| Failure::usage_with(format!("--rpc {url:?}: {error}"), remedy))?;
        if !["http", "https"].contains(&parsed.scheme()) {
            let message = format!("--rpc {url:?}: the scheme must be http or https");
            return Err(Failure::usage_with(message, remedy));
        }
        let http = HttpClientBuilder::default()
            .request_timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .build(parsed.as_str())
            .map_err(|error| Failure::usage_with(format!("--rpc {url:?}: {error}"), remedy))?;
        Ok(Self { url: url.to_owned(), http })
    }

    /// Calls `method` with the fields of `params`, a JSON object.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<T, Failure> {
        let mut named = ObjectParams::new();
        for (name, value) in params {
            named
                .insert(&name, value)
                .map_err(|error| Failure::usage(format!("{method}: {name}: {error}")))?;
        }
        // An answer of another shape is an error of the node and not of the caller's input.
        let answer: Box<RawValue> =
            self.http.request(method, named).await.map_err(|error| self.failure(error))?;
        serde_json::from_str(answer.get()).map_err(|error| self.unreadable(method, error))
    }

    /// Chain id, network name and the newest block's time.
    pub(crate) async fn chain(&self) -> Result<Chain, Failure> {
        self.call("ledger_status", Map::new()).await
    }

    /// The head record of a DID with its value. What the answer says of itself is checked; that it
    /// is the head is not, and need not be: an operation guarded by a record that is not the head
    /// is refused by the ledger.
    pub(crate) async fn record(&self, did: &Did) -> Result<Entry, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            entry: Bytes,
        }
        const METHOD: &str = "did_getRecord";
        let answer: Answer = self.call(METHOD, object(json!({ "did": did }))).await?;
        let entry: Entry = codec::decode(&answer.entry.0, ENTRY_BYTES_MAX)
            .map_err(|error| self.unreadable(METHOD, error))?;
        let key = RecordKey::did(&did.suffix);
        if entry.record.kind != key.kind || entry.record.key != key.key {
            return Err(self.unreadable(METHOD, "the record of something else"));
        }
        if entry.record.value != value_hash(&entry.salt, &entry.value.0) {
            return Err(self.unreadable(METHOD, "a value that its record does not commit to"));
        }
        Ok(entry)
    }

    /// Sends an envelope and waits until it is in a certified block.
    pub(crate) async fn submit_and_wait(&self, envelope: &[u8]) -> Result<Committed, Failure> {
        let params = object(json!({ "envelope": codec::base64url(envelope) }));
        self.call("ledger_submitAndWait", params).await
    }

    /// What became of an operation.
    pub(crate) async fn outcome(&self, operation: &Hash) -> Result<Outcome, Failure> {
        self.call("ledger_getReceipt", object(json!({ "operation": operation }))).await
    }

    /// An answer of another shape than this program knows.
    pub(crate) fn unreadable(&self, method: &str, reason: impl std::fmt::Display) -> Failure {
        let reason = format!("{method} answered what this program does not read: {reason}");
        Failure::Unreachable { url: self.url.clone(), reason }
    }

    fn failure(&self, error: ClientError) -> Failure {
        let unreachable = |reason: String| Failure::Unreachable { url: self.url.clone(), reason };
        match error {
            ClientError::Call(object) => refused(&object),
            ClientError::Transport(error) => match error.downcast_ref::<TransportError>() {
                // Between the client and the node, or the node itself, says that it is too much.
                Some(TransportError::Rejected { status_code })
                    if !matches!(status_code, 502..=504) =>
                {
                    Failure::Refused {
                        code: i64::from(*status_code),
                        name: "HTTP_STATUS".to_owned(),
                        reason: format!("the node answered with HTTP status {status_code}"),
                        hint: (i64::from(*status_code) == TOO_MANY_REQUESTS)
                            .then(|| "send fewer requests".to_owned()),
                    }
                }
                _ => unreachable(causes(&*error)),
            },
            other => unreachable(causes(&other)),
        }
    }
}

/// An error with all its causes: the outermost alone often says just "transport error".
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// A JSON-RPC error as a failure. `-32602` is the caller's bad input, as a shell sees it.
fn refused(error: &ErrorObjectOwned) -> Failure {
    let data: ErrorData =
        error.data().and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
    let reason = match &data.field {
        Some(field) if !error.message().contains(field.as_str()) => {
            format!("{field}: {}", error.message())
        }
        _ => error.message().to_owned(),
    };
    if error.code() == jsonrpsee::types::ErrorCode::InvalidParams.code() {
        return Failure::Usage { message: reason, remedy: data.hint };
    }
    let name = if data.name.is_empty() { "JSON_RPC".to_owned() } else { data.name };
    let code = data.code.unwrap_or_else(|| i64::from(error.code()));
    Failure::Refused { code, name, reason, hint: data.hint }
}

impl Failure {
    /// Whether the ledger's rules stand against the operation. Any other failure leaves open what
    /// became of it.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if (1_000..NODE_CODES.start).contains(code))
    }

    /// Whether the same bytes may fare better later: the node is away, or cannot do it now.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { code, .. } => *code == TOO_MANY_REQUESTS || NODE_CODES.contains(code),
            _ => false,
        }
    }
}

/// The fields of a JSON object that were given.
pub(crate) fn given(value: impl Serialize) -> Map<String, Value> {
    object(value).into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// The fields of a JSON object.
pub(crate) fn object(value: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}
