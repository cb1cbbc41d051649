//! Version history of a DID, and its head record for the guard of the next operation.

use registry_core::codec::{self, Bytes};
use registry_core::crypto::Hash;
use registry_core::did::DidValue;
use registry_core::governance::Publishing;
use registry_core::id::Did;
use registry_core::record::{Entry, Kind, PartId, StoreError};
use serde::{Deserialize, Serialize};

use super::resolve::Dids;
use crate::clock::millis;
use crate::error::ApiError;
use crate::reads::HistoryPage;

/// Parameters of `did_history`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HistoryParams {
    did: Did,
    /// Newest version of the page. The page starts at the head if this is absent.
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

/// Page of versions, newest first.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DidHistory {
    did: Did,
    /// Height as of which the page was read.
    height: u64,
    versions: Vec<VersionJson>,
    /// Cursor of the next page, which has older versions. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionJson {
    version: u64,
    operation: Hash,
    height: u64,
    time: String,
    /// Hash of the record of this version.
    record: Hash,
    value: ValueJson,
}

/// Value of a version's record.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum ValueJson {
    Did(DidValue),
    /// Value of the publishing record, from which the network's own DID is resolved.
    Network(Publishing),
}

/// Head record of a DID together with its value, in the canonical encoding of the ledger.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoredRecord {
    entry: Bytes,
}

impl Dids {
    /// Answers `did_getRecord`.
    pub(crate) async fn record(&self, params: RecordParams) -> Result<StoredRecord, ApiError> {
        let head = self.reads.head_from(params.min_height).await?;
        let entry = self.reads.did_head(&params.did, &head, "did")?;
        Ok(StoredRecord { entry: Bytes(codec::encode(&entry)) })
    }

    /// Answers `did_history`.
    pub(crate) async fn history(&self, params: HistoryParams) -> Result<DidHistory, ApiError> {
        let HistoryParams { did, cursor, limit, min_height } = params;
        let page = HistoryPage::new(cursor, limit)?;
        let head = self.reads.head_from(min_height).await?;
        let newest = self.reads.did_head(&did, &head, "did")?;
        let (versions, next) = self.reads.page(&newest.record, page, version)?;
        Ok(DidHistory { did, height: head.height, versions, next })
    }
}

fn version(entry: &Entry) -> Result<VersionJson, StoreError> {
    let record = &entry.record;
    let value = match record.kind {
        Kind::Governance => ValueJson::Network(entry.part_value(PartId::WHOLE)?),
        _ => ValueJson::Did(entry.value()?),
    };
    Ok(VersionJson {
        version: record.version,
        operation: record.operation,
        height: record.height,
        time: millis(record.time),
        record: record.hash(),
        value,
    })
}
