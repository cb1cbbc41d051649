//! A status list and its versions.

use registry_core::code::{Code, Refusal};
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::{Did, ListId};
use registry_core::record::{Entry, RecordKey, StoreError};
use registry_core::status::{Delegate, StatusList, StatusPurpose};
use registry_core::time::TimeMs;
use serde::{Deserialize, Serialize};

use super::uris::ListUris;
use crate::api::{Api, AsOf, Page, Selector};
use crate::clock::millis;
use crate::error::ApiError;
use crate::limits::STATUS_AGGREGATED_MAX;
use crate::service::{Head, ListOf};

/// Parameters of `status_getList`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListParams {
    list: ListId,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    version_id: Option<u64>,
    #[serde(default)]
    min_height: Option<u64>,
    /// Whether the entries themselves are wanted.
    #[serde(default)]
    array: Option<bool>,
}

/// Parameters of `status_history`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HistoryParams {
    list: ListId,
    /// Newest version of the page; the head without it.
    #[serde(default)]
    from: Option<u64>,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// One version of a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListAnswer {
    list: ListId,
    issuer: Did,
    purpose: StatusPurpose,
    bits: u8,
    length: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    uris: ListUris,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    delegates: Vec<DelegateAnswer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<String>,
    closed: bool,
    version: u64,
    /// Number of the newest version.
    versions: u64,
    root: Hash,
    created: String,
    updated: String,
    /// How many entries are not zero.
    set: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    array: Option<Bytes>,
    #[serde(flatten)]
    as_of: AsOf,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DelegateAnswer {
    did: Did,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

/// A page of versions, newest first.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct History {
    list: ListId,
    versions: Vec<Version>,
    /// `from` of the next older page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    height: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Version {
    version: u64,
    height: u64,
    time: String,
    operation: Hash,
    root: Hash,
    closed: bool,
}

/// A version of a list as found.
pub(crate) struct FoundList {
    pub(crate) entry: Entry,
    pub(crate) list: StatusList,
    pub(crate) as_of: AsOf,
    pub(crate) head: Head,
}

impl Api {
    /// A version of a list, as of a head of at least `min_height`.
    pub(crate) async fn find_list(
        &self,
        id: &ListId,
        selector: Selector,
        min_height: Option<u64>,
    ) -> Result<FoundList, ApiError> {
        let moment = self.moment_of(selector, min_height).await?;
        let (head, as_of) = (moment.head, moment.as_of());
        let (entry, list) = self.list_version(id, selector, &head)?;
        Ok(FoundList { entry, list, as_of, head })
    }

    /// A version of a list as of `head`, or the refusal that an operation on it would get.
    pub(crate) fn list_version(
        &self,
        id: &ListId,
        selector: Selector,
        head: &Head,
    ) -> Result<(Entry, StatusList), ApiError> {
        let Some(entry) = self.entry(&RecordKey::status(id), selector, head)? else {
            let (field, detail) = match selector {
                Selector::Head => ("list", format!("{id} is not registered")),
                Selector::Number(number) => ("versionId", format!("{id} has no version {number}")),
                Selector::At(time_ms) => {
                    ("at", format!("{id} was not registered at {}", millis(time_ms)))
                }
            };
            return Err(Refusal::new(Code::StatusNotFound, field, detail).into());
        };
        let list = StatusList::from_own_bytes(&entry.value.0).map_err(StoreError::new)?;
        Ok((entry, list))
    }

    /// `status_getList`.
    pub(crate) async fn list(&self, params: ListParams) -> Result<ListAnswer, ApiError> {
        let ListParams { list: id, at, version_id, min_height, array } = params;
        let selector = match (version_id, at) {
            (None, None) => Selector::Head,
            (Some(number), None) => Selector::Number(number),
            (None, Some(TimeMs(time_ms))) => Selector::At(time_ms),
            (Some(_), Some(_)) => {
                let detail = "at and versionId exclude each other";
                return Err(ApiError::params("at", detail));
            }
        };
        let FoundList { entry, list, as_of, head } =
            self.find_list(&id, selector, min_height).await?;
        let bits = self.node.status_array(&entry)?;
        let key = RecordKey::status(&id);
        let absent = || StoreError::new(format!("list {id} lacks a version"));
        let first = self.node.version(&key, 1)?.ok_or_else(absent)?;
        let newest = self.entry(&key, Selector::Head, &head)?.ok_or_else(absent)?;
        let array = array.unwrap_or_default().then(|| Bytes(bits.bytes().to_vec()));
        Ok(ListAnswer {
            uris: self.uris.of(&id, list.uri.as_deref()),
            list: id,
            issuer: list.issuer,
            purpose: list.purpose,
            bits: list.bits,
            length: list.length,
            uri: list.uri,
            valid_from: list.valid_from.map(millis),
            valid_until: list.valid_until.map(millis),
            delegates: list.delegates.into_iter().map(DelegateAnswer::from).collect(),
            messages: list.messages,
            closed: list.closed,
            version: entry.record.version,
            versions: newest.record.version,
            root: list.root,
            created: millis(first.record.time),
            updated: millis(entry.record.time),
            set: bits.count_set(),
            array,
            as_of,
        })
    }

    /// `status_history`.
    pub(crate) async fn list_history(&self, params: HistoryParams) -> Result<History, ApiError> {
        let HistoryParams { list, from, limit, min_height } = params;
        let page = Page::new(from, limit)?;
        let FoundList { entry, head, .. } =
            self.find_list(&list, Selector::Head, min_height).await?;
        let (versions, next) = self.page(&entry.record, page, version)?;
        Ok(History { list, versions, next, height: head.height })
    }
}

/// Where the lists of an issuer are published.
pub(crate) struct Aggregation {
    pub(crate) status_lists: Vec<String>,
    /// The list after which the rest comes.
    pub(crate) next: Option<ListId>,
}

impl Api {
    /// The lists of an issuer after one of them.
    pub(crate) fn aggregate(
        &self,
        issuer: &Did,
        after: Option<ListId>,
    ) -> Result<Aggregation, ApiError> {
        self.did_head(issuer, &self.head(), "issuer")?;
        let lists = self.node.lists_of(issuer, after, STATUS_AGGREGATED_MAX)?;
        let more = lists.len() == STATUS_AGGREGATED_MAX;
        let next = lists.last().map(|last| last.list).filter(|_| more);
        let uri = |list: &ListOf| self.uris.of(&list.list, list.uri.as_deref()).ietf;
        Ok(Aggregation { status_lists: lists.iter().map(uri).collect(), next })
    }
}

impl From<Delegate> for DelegateAnswer {
    fn from(Delegate { did, valid_until }: Delegate) -> Self {
        Self { did, valid_until: valid_until.map(millis) }
    }
}

fn version(entry: &Entry) -> Result<Version, StoreError> {
    let list = StatusList::from_own_bytes(&entry.value.0).map_err(StoreError::new)?;
    let record = &entry.record;
    Ok(Version {
        version: record.version,
        height: record.height,
        time: millis(record.time),
        operation: record.operation,
        root: list.root,
        closed: list.closed,
    })
}
