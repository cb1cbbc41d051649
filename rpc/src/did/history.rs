//! The versions of a DID, and the record that the next operation must follow.

use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, Bytes};
use registry_core::crypto::Hash;
use registry_core::did::DidValue;
use registry_core::governance::Publishing;
use registry_core::id::Did;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::record::{Entry, Kind, StoreError};
use serde::{Deserialize, Serialize};

use crate::api::{Api, Page, Selector};
use crate::clock::millis;
use crate::error::ApiError;
use crate::service::Head;

/// Parameters of `did_history`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HistoryParams {
    did: Did,
    /// Newest version of the page; the head without it.
    #[serde(default)]
    cursor: Option<u64>,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `did_getRecord`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordParams {
    did: Did,
    #[serde(default)]
    min_height: Option<u64>,
}

/// A page of versions, newest first.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct History {
    did: Did,
    /// Height that the page is as of.
    height: u64,
    versions: Vec<Version>,
    /// Cursor of the next older page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// One version.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    version: u64,
    operation: Hash,
    height: u64,
    time: String,
    /// Hash of the record.
    record: Hash,
    value: Value,
}

/// The value of a version.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Value {
    Did(DidValue),
    /// Of the network's own DID.
    Network(Publishing),
}

/// The head record of a DID with its value, byte for byte as stored.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoredRecord {
    entry: Bytes,
}

impl Api {
    /// The head of a DID, or the refusal that an operation on it would get. `field` is where the
    /// caller named it.
    pub(crate) fn did_head(&self, did: &Did, head: &Head, field: &str) -> Result<Entry, ApiError> {
        let key = self.did_key(did);
        let entry = match did.network == *self.node.network() {
            true => self.entry(&key, Selector::Head, head)?,
            false => None,
        };
        let absent = || Refusal::new(Code::DidNotFound, field, format!("{did} is not registered"));
        entry.ok_or_else(|| absent().into())
    }

    /// `did_getRecord`.
    pub(crate) async fn record(&self, params: RecordParams) -> Result<StoredRecord, ApiError> {
        let head = self.head_from(params.min_height).await?;
        let entry = self.did_head(&params.did, &head, "did")?;
        Ok(StoredRecord { entry: Bytes(codec::encode(&entry)) })
    }

    /// `did_history`.
    pub(crate) async fn history(&self, params: HistoryParams) -> Result<History, ApiError> {
        let HistoryParams { did, cursor, limit, min_height } = params;
        let page = Page::new(cursor, limit)?;
        let head = self.head_from(min_height).await?;
        let newest = self.did_head(&did, &head, "did")?;
        let (versions, next) = self.page(&newest.record, page, version)?;
        Ok(History { did, height: head.height, versions, next })
    }
}

fn version(entry: &Entry) -> Result<Version, StoreError> {
    let record = &entry.record;
    let bytes = &entry.value.0;
    let value = match record.kind {
        Kind::Governance => codec::decode(bytes, OPERATION_BYTES_MAX).map(Value::Network),
        _ => DidValue::from_bytes(bytes).map(Value::Did),
    };
    Ok(Version {
        version: record.version,
        operation: record.operation,
        height: record.height,
        time: millis(record.time),
        record: record.hash(),
        value: value.map_err(StoreError::new)?,
    })
}
