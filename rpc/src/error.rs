//! Errors of JSON-RPC calls. Refusals by the ledger's rules keep the number of their code.
//! Conditions of this node have the numbers 3000 to 3099, and faults of status list tokens 3100 to
//! 3199. All errors have the same members of `data` (docs/protocol/json-rpc.md, "Errors").

use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::INVALID_PARAMS_CODE;
use registry_core::code::Refusal;
use registry_core::record::StoreError;
use registry_state::state::ApplyError;
use serde::Serialize;

pub(crate) use crate::prepare::PARAMS;
use crate::prepare::PrepareError;
use crate::service::SubmitError;
use crate::view::ViewError;

/// URL below which the codes are documented.
const DOCS: &str = "https://github.com/idem-registry/idem/blob/main/docs/protocol";

/// Declares the codes of the node, each with its number, name and remedy.
macro_rules! node_codes {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $number:literal, $name:literal, $hint:literal;
    )+) => {
        /// Condition of this node that makes a call fail. Numbers never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum NodeCode { $($(#[doc = $doc])+ $variant,)+ }

        impl NodeCode {
            /// All codes in ascending order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable number, from 3000 to 3099.
            pub fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Returns the stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the remedy: what a caller can do about the error.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

node_codes! {
    /// The mempool has no room for the operation.
    MempoolFull = 3001, "MEMPOOL_FULL", "send the same bytes again in a moment";
    /// The node does not take operations at present.
    NotReady = 3002, "NOT_READY", "ask /readyz what is missing, or use another node";
    /// The operation was not settled within the time that the caller allowed.
    Timeout = 3003, "TIMEOUT", "it is still pending: ask ledger_getReceipt with the operation id";
    /// The node has no block at the height asked for.
    BlockNotFound = 3004, "BLOCK_NOT_FOUND", "ask for a height up to that of ledger_status";
    /// The node did not reach the height asked for in time.
    HeightNotReached = 3005, "HEIGHT_NOT_REACHED", "ask again, or use a node that has that height";
    /// The client's address has exceeded its rate.
    RateLimited = 3006, "RATE_LIMITED", "slow down; run a follower of your own for heavy use";
    /// The node handles as many requests as it may at once.
    Busy = 3007, "BUSY", "send it again in a moment, or use another node";
    /// The node could not read or write its store.
    StoreFailed = 3008, "STORE_FAILED", "use another node; its operator finds the cause in the log";
    /// The operation left the mempool without an outcome.
    OperationLost = 3009, "OPERATION_LOST", "send the same bytes again";
    /// The cursor of a subscription is greater than the next height.
    FutureCursor = 3010, "FutureCursor", "use a cursor up to one more than the newest height";
    /// The cursor of a subscription is older than the blocks that this node keeps.
    OutdatedCursor = 3011, "OutdatedCursor", "use a later cursor, or a node with all blocks";
    /// The subscriber did not accept a message in time.
    ConsumerTooSlow = 3012, "ConsumerTooSlow", "subscribe again from the cursor in the message";
    /// The newest block is too old to answer for the time asked for.
    FutureTime = 3013, "FUTURE_TIME", "ask for a time up to that of ledger_status, or ask later";
    /// The caller asks about single entries from a network that the operator has not allowed.
    CallerNotAllowed = 3014, "CALLER_NOT_ALLOWED",
        "let the operator name your network in rpc.status_check_from, or read the whole list";
}

/// Reason why a call fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The ledger's rules refuse the operation, or something that the call names does not exist.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A condition of the node prevents the answer.
    #[error("{}: {detail}", code.name())]
    Node {
        /// Condition of the node.
        code: NodeCode,
        /// The value found and the value required.
        detail: String,
    },
    /// A status list token cannot be made, or was not accepted.
    #[error("{}: {}", .0.name(), .0)]
    View(#[from] ViewError),
    /// The parameters are malformed.
    #[error("INVALID_PARAMS: {detail}")]
    Params {
        /// Path of the wrong parameter, or [`PARAMS`] if the error concerns several.
        field: String,
        /// Description of the fault.
        detail: String,
    },
}

/// Value of the member `data`, which every error has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Data<'a> {
    code: i32,
    name: &'a str,
    field: &'a str,
    hint: &'a str,
    docs: String,
}

impl ApiError {
    /// Creates the error for a condition of the node.
    pub fn node(code: NodeCode, detail: impl ToString) -> Self {
        Self::Node { code, detail: detail.to_string() }
    }

    /// Creates the error for a malformed parameter.
    pub fn params(field: impl ToString, detail: impl ToString) -> Self {
        Self::Params { field: field.to_string(), detail: detail.to_string() }
    }
}

impl From<StoreError> for ApiError {
    /// Writes the store's message to the log and hides it from the caller.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::node(NodeCode::StoreFailed, "the node cannot read its store")
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Refused(refusal) => Self::Refused(refusal),
            ApplyError::Store(error) => error.into(),
            ApplyError::Full => Self::node(NodeCode::MempoolFull, error),
        }
    }
}

impl From<PrepareError> for ApiError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Apply(error) => error.into(),
            PrepareError::Params { field, detail } => Self::params(field, detail),
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => Self::Refused(refusal),
            SubmitError::Full { .. } => Self::node(NodeCode::MempoolFull, error),
            SubmitError::Unavailable { .. } => Self::node(NodeCode::NotReady, error),
        }
    }
}

impl From<ApiError> for ErrorObjectOwned {
    fn from(error: ApiError) -> Self {
        let (code, name, field, hint, page) = match &error {
            ApiError::Refused(refusal) => {
                let Refusal { code, field, .. } = refusal;
                (i32::from(code.number()), code.name(), field.as_str(), code.hint(), "codes.md")
            }
            ApiError::Node { code, .. } => {
                (i32::from(code.number()), code.name(), "", code.hint(), "json-rpc.md#errors")
            }
            ApiError::View(error) => {
                let page = "status.md#reading-a-view";
                (i32::from(error.number()), error.name(), "token", error.hint(), page)
            }
            ApiError::Params { field, .. } => {
                let hint = "compare the parameters with the method's table";
                (INVALID_PARAMS_CODE, "INVALID_PARAMS", field.as_str(), hint, "json-rpc.md#methods")
            }
        };
        let data = Data { code, name, field, hint, docs: format!("{DOCS}/{page}") };
        let message = match &error {
            ApiError::Refused(refusal) => format!("{name}: {}", refusal.detail),
            other => other.to_string(),
        };
        Self::owned(code, message, Some(data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry_core::code::Code;

    #[test]
    fn every_code_has_its_own_number_and_full_data() {
        for pair in NodeCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        let refusals = Code::ALL.iter().map(|code| {
            (code.number(), code.name(), ApiError::Refused(Refusal::new(*code, "guard", "why")))
        });
        let conditions = NodeCode::ALL
            .iter()
            .map(|code| (code.number(), code.name(), ApiError::node(*code, "why")));
        for pair in ViewError::CODES.windows(2) {
            assert!(pair[0].0 < pair[1].0);
        }
        let method = ViewError::Method { method: "#key-1".to_owned(), reason: "why" };
        let faults = [(3122, "TOKEN_METHOD", ApiError::View(method))];
        for (number, name, error) in refusals.chain(conditions).chain(faults) {
            let object = ErrorObjectOwned::from(error);
            assert_eq!(object.code(), i32::from(number));
            let (start, end) = object.message().split_at(name.len());
            assert!(start == name && end.starts_with(": ") && end.ends_with("why"));
            let data = object.data().expect("data").get();
            let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(data["code"], number);
            assert_eq!(data["name"], name);
            assert!(data["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
            assert!(data["docs"].as_str().is_some_and(|docs| docs.starts_with("https://")));
            assert!(data["field"].is_string());
        }
    }
}
