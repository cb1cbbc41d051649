//! A thin client of a node's JSON-RPC. It sends named parameters and returns a typed answer or a
//! [`Failure`].

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
use registry_core::record::{Entry, RecordKey};
use registry_core::time::TimeMs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::exit::Failure;

/// Longest time to wait for an answer. It exceeds the 30 s for which a node waits for a commit, so
/// that the node's own answer arrives.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// Longest time to establish a connection. A node on this machine or a nearby network answers well
/// within it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Upper bound of an encoded entry in bytes: twice the size of the largest operation, which leaves
/// room for the record around the value.
const ENTRY_BYTES_MAX: usize = 2 * OPERATION_BYTES_MAX;

/// Error codes that describe the condition of a node. Codes from 1000 up to here are refusals by
/// the rules of the ledger (docs/protocol/codes.md).
const NODE_CODES: std::ops::Range<i64> = 3_000..4_000;

/// HTTP status with which a node or a proxy answers if requests arrive too often.
const TOO_MANY_REQUESTS: i64 = 429;

#[derive(Debug)]
pub(crate) struct Client {
    url: String,
    http: HttpClient,
}

/// The part of `ledger_status` that a client needs before it signs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chain {
    /// Chain id, which is in every signed body.
    pub chain_id: Hash,
    /// Name of the network, which is in every DID.
    pub network: NetworkName,
    /// Time of the newest block.
    pub time: TimeMs,
}

/// An operation that is in a certified block.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Committed {
    /// Id of the operation.
    pub operation: Hash,
    /// Height of the block.
    pub height: u64,
}

/// Outcome of an operation, as `ledger_getReceipt` reports it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum KnownOutcome {
    /// The operation is in a certified block.
    Applied {
        /// Height of the block.
        height: u64,
    },
    /// The operation waits for a block.
    Pending,
    /// A rule refuses the operation.
    Refused,
    /// The node has never seen the operation, or no longer remembers it.
    Unknown,
}

/// The member `data` of the node's JSON-RPC errors.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorData {
    code: Option<i64>,
    name: String,
    field: Option<String>,
    hint: Option<String>,
}

impl Client {
    /// Makes a client of the node at `url`, an `http` or `https` base URL. Sends nothing yet.
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
        // An answer of an unexpected shape is an error of the node and not of the caller's input.
        let answer: Box<RawValue> =
            self.http.request(method, named).await.map_err(|error| self.failure(error))?;
        serde_json::from_str(answer.get()).map_err(|error| self.unreadable(method, error))
    }

    /// Asks for the chain id, the network name and the newest block's time.
    pub(crate) async fn chain(&self) -> Result<Chain, Failure> {
        self.call("ledger_status", Map::new()).await
    }

    /// Returns the newest record of a DID together with its value. Checks that the record belongs
    /// to the DID and commits to the value. It need not check that the record is the newest one,
    /// because the ledger refuses an operation that is guarded by an older record.
    pub(crate) async fn record(&self, did: &Did) -> Result<Entry, Failure> {
        #[derive(Deserialize)]
        struct DidRecord {
            entry: Bytes,
        }
        const METHOD: &str = "did_getRecord";
        let answer: DidRecord = self.call(METHOD, object(json!({ "did": did }))).await?;
        self.entry(METHOD, &RecordKey::did(&did.suffix), &answer.entry)
    }

    /// Decodes the entry of a record that `method` answered. Checks that it is of this record, and
    /// that the record commits to its parts.
    pub(crate) fn entry(
        &self,
        method: &str,
        key: &RecordKey,
        bytes: &Bytes,
    ) -> Result<Entry, Failure> {
        let entry: Entry = codec::decode(&bytes.0, ENTRY_BYTES_MAX)
            .map_err(|error| self.unreadable(method, error))?;
        if entry.record.record_key() != *key {
            return Err(self.unreadable(method, "the record of something else"));
        }
        if !entry.is_whole() {
            return Err(self.unreadable(method, "a value that its record does not commit to"));
        }
        Ok(entry)
    }

    /// Sends an envelope and waits until it is in a certified block.
    pub(crate) async fn submit_and_wait(&self, envelope: &[u8]) -> Result<Committed, Failure> {
        let params = object(json!({ "envelope": codec::base64url(envelope) }));
        self.call("ledger_submitAndWait", params).await
    }

    /// Asks for the outcome of an operation.
    pub(crate) async fn outcome(&self, operation: &Hash) -> Result<KnownOutcome, Failure> {
        self.call("ledger_getReceipt", object(json!({ "operation": operation }))).await
    }

    /// Makes the failure for an answer that this program cannot read.
    pub(crate) fn unreadable(&self, method: &str, reason: impl std::fmt::Display) -> Failure {
        let reason = format!("{method} answered what this program does not read: {reason}");
        Failure::Unreachable { url: self.url.clone(), reason }
    }

    fn failure(&self, error: ClientError) -> Failure {
        let unreachable = |reason: String| Failure::Unreachable { url: self.url.clone(), reason };
        match error {
            ClientError::Call(object) => refused(&object),
            ClientError::Transport(error) => match error.downcast_ref::<TransportError>() {
                // The node or a proxy before it rejected the request. Statuses 502 to 504 instead
                // mean that the proxy got no answer from the node.
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

/// Describes an error with all its causes, since the outermost error alone often says just
/// "transport error".
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

/// Turns a JSON-RPC error into a failure. Invalid parameters (`-32602`) are bad input of the
/// caller.
fn refused(error: &ErrorObjectOwned) -> Failure {
    let data: ErrorData =
        error.data().and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
    let code = data.code.unwrap_or_else(|| i64::from(error.code()));
    // A failure shows code and name itself, so its reason repeats neither.
    let message = error.message();
    let unnumbered = message.strip_prefix(&format!("{code} ")).unwrap_or(message);
    let found = unnumbered.strip_prefix(&format!("{}: ", data.name)).unwrap_or(message);
    let reason = match &data.field {
        Some(field) if !found.contains(field.as_str()) => format!("{field}: {found}"),
        _ => found.to_owned(),
    };
    if error.code() == jsonrpsee::types::ErrorCode::InvalidParams.code() {
        return Failure::Usage { message: reason, remedy: data.hint };
    }
    let name = if data.name.is_empty() { "JSON_RPC".to_owned() } else { data.name };
    Failure::Refused { code, name, reason, hint: data.hint }
}

impl Failure {
    /// True if the rules of the ledger refuse the operation. After any other failure the outcome of
    /// the operation is unknown.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if (1_000..NODE_CODES.start).contains(code))
    }

    /// True if sending the same bytes again later may succeed, because the node is unreachable or
    /// busy.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { code, .. } => *code == TOO_MANY_REQUESTS || NODE_CODES.contains(code),
            _ => false,
        }
    }
}

/// Returns the fields of a JSON object that are not null.
pub(crate) fn given(value: impl Serialize) -> Map<String, Value> {
    object(value).into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// Returns the fields of a JSON object; none if the value is of another type.
pub(crate) fn object(value: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_its_code_and_name_once() {
        let data = json!({ "code": 2066, "name": "ENDORSER_QUOTA", "field": "endorser" });
        for (message, shown) in [
            (
                "2066 ENDORSER_QUOTA: endorser: used up",
                "refused: 2066 ENDORSER_QUOTA: endorser: used up",
            ),
            ("ENDORSER_QUOTA: used up", "refused: 2066 ENDORSER_QUOTA: endorser: used up"),
            ("used up", "refused: 2066 ENDORSER_QUOTA: endorser: used up"),
            ("2066 used up", "refused: 2066 ENDORSER_QUOTA: endorser: 2066 used up"),
        ] {
            let error = ErrorObjectOwned::owned(2066, message, Some(&data));
            assert_eq!(refused(&error).to_string(), shown);
        }
    }
}
