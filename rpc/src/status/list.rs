//! Status lists with their versions and URIs.

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::{Did, ListId};
use registry_core::index::{Listed, Listing};
use registry_core::record::{Entry, Record, RecordKey, RecordView as _, StoreError};
use registry_core::status::{Delegate, StatusList, StatusPurpose};
use registry_core::time::TimeMs;
use serde::{Deserialize, Serialize};

use crate::clock::millis;
use crate::error::ApiError;
use crate::limits::STATUS_AGGREGATED_MAX;
use crate::reads::{AsOf, HistoryPage, Moment, Reads, Selector};
use crate::uris::{ListUris, Uris};

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
    /// True if the answer shall contain the entries themselves.
    #[serde(default)]
    array: Option<bool>,
}

/// Parameters of `status_history`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HistoryParams {
    list: ListId,
    /// Newest version of the page. The page starts at the head if this is absent.
    #[serde(default)]
    from: Option<u64>,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Answer of `status_getList`: one version of a list.
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
    delegates: Vec<DelegateJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<String>,
    closed: bool,
    version: u64,
    /// Number of the newest version.
    versions: u64,
    root: Hash,
    created: String,
    updated: String,
    /// Number of entries that are not zero.
    set: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    array: Option<Bytes>,
    #[serde(flatten)]
    as_of: AsOf,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DelegateJson {
    did: Did,
    start: u64,
    length: u64,
    entries_per_hour: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

/// Page of versions, newest first.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ListHistory {
    list: ListId,
    versions: Vec<ListVersionJson>,
    /// Value of `from` for the next page, which has older versions. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    height: u64,
}

#[derive(Debug, Clone, Serialize)]
struct ListVersionJson {
    version: u64,
    height: u64,
    time: String,
    operation: Hash,
    root: Hash,
    closed: bool,
}

/// A version of a list that was found, and the moment for which it was asked.
pub(crate) struct FoundList {
    pub(crate) entry: Entry,
    pub(crate) list: StatusList,
    pub(crate) moment: Moment,
}

impl FoundList {
    /// Finds the version that `selector` selects, as of a head of at least `min_height`.
    pub(crate) async fn find(
        reads: &Reads,
        id: &ListId,
        selector: Selector,
        min_height: Option<u64>,
    ) -> Result<Self, ApiError> {
        Self::at(reads, id, reads.moment_of(selector, min_height).await?)
    }

    /// Finds the version at a moment, or fails with the refusal that an operation on it would get.
    pub(crate) fn at(reads: &Reads, id: &ListId, moment: Moment) -> Result<Self, ApiError> {
        let absent = || {
            let (field, detail) = match moment.selector {
                Selector::Head => ("list", format!("{id} is not registered")),
                Selector::Number(number) => ("versionId", format!("{id} has no version {number}")),
                Selector::At(time_ms) => {
                    ("at", format!("{id} was not registered at {}", millis(time_ms)))
                }
            };
            Refusal::new(Code::StatusNotFound, field, detail)
        };
        let entry = reads.at(&moment).required(&RecordKey::status(id), absent)?;
        let list: StatusList = entry.value()?;
        Ok(Self { entry, list, moment })
    }

    /// Returns the record of the next version as of the same head, or `None` if there is none.
    pub(super) fn successor(&self, reads: &Reads) -> Result<Option<Record>, StoreError> {
        let next = self.moment.number(self.entry.record.version + 1);
        let next = reads.at(&next).entry(&self.entry.record.record_key())?;
        Ok(next.map(|entry| entry.record))
    }
}

/// Reads status lists and their entries.
pub(crate) struct StatusLists {
    pub(crate) reads: Arc<Reads>,
    pub(crate) uris: Arc<Uris>,
}

impl StatusLists {
    /// Answers `status_getList`.
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
        let found = FoundList::find(&self.reads, &id, selector, min_height).await?;
        let FoundList { entry, list, moment } = found;
        let bits = self.reads.node.status_array(&entry)?;
        let first = self.reads.first(&entry.record)?;
        let newest = FoundList::at(&self.reads, &id, Moment::now(moment.head))?.entry;
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
            delegates: list.delegates.into_iter().map(DelegateJson::from).collect(),
            messages: list.messages,
            closed: list.closed,
            version: entry.record.version,
            versions: newest.record.version,
            root: list.root,
            created: millis(first.time),
            updated: millis(entry.record.time),
            set: bits.count_set(),
            array,
            as_of: moment.as_of(),
        })
    }

    /// Answers `status_history`.
    pub(crate) async fn list_history(
        &self,
        params: HistoryParams,
    ) -> Result<ListHistory, ApiError> {
        let HistoryParams { list, from, limit, min_height } = params;
        let page = HistoryPage::new(from, limit)?;
        let found = FoundList::find(&self.reads, &list, Selector::Head, min_height).await?;
        let (versions, next) = self.reads.page(&found.entry.record, page, version)?;
        Ok(ListHistory { list, versions, next, height: found.moment.head.height })
    }

    /// Returns the URIs of an issuer's lists in ascending order of list id, starting after the list
    /// `after`.
    pub(crate) fn aggregate(
        &self,
        issuer: &Did,
        after: Option<ListId>,
    ) -> Result<Aggregation, ApiError> {
        self.reads.did_head(issuer, &self.reads.head(), "issuer")?;
        let listing = Listing::lists_of(issuer);
        let after = after.map(|after| listing.behind(&RecordKey::status(&after)));
        let rows = self.reads.node.listed(&listing, after.as_deref(), STATUS_AGGREGATED_MAX)?;
        let lists = rows.into_iter().map(listed_uri).collect::<Result<Vec<_>, _>>()?;
        let more = lists.len() == STATUS_AGGREGATED_MAX;
        let next = lists.last().map(|(list, _)| *list).filter(|_| more);
        let uris = lists.iter().map(|(list, uri)| self.uris.of(list, uri.as_deref()).ietf);
        Ok(Aggregation { status_lists: uris.collect(), next })
    }
}

/// URIs at which the lists of an issuer are published as IETF tokens.
pub(crate) struct Aggregation {
    pub(crate) status_lists: Vec<String>,
    /// Last list of this answer if there may be more. The next request continues after it.
    pub(crate) next: Option<ListId>,
}

/// Reads the id of a list and, if the list has one, its own URI from a row of the listing.
fn listed_uri(row: Listed) -> Result<(ListId, Option<String>), StoreError> {
    let list = row.record.key.0.as_slice().try_into().map_err(StoreError::new)?;
    let uri = String::from_utf8(row.value).map_err(StoreError::new)?;
    Ok((ListId(list), (!uri.is_empty()).then_some(uri)))
}

impl From<Delegate> for DelegateJson {
    fn from(Delegate { did, start, length, entries_per_hour, valid_until }: Delegate) -> Self {
        Self { did, start, length, entries_per_hour, valid_until: valid_until.map(millis) }
    }
}

fn version(entry: &Entry) -> Result<ListVersionJson, StoreError> {
    let list: StatusList = entry.value()?;
    let record = &entry.record;
    Ok(ListVersionJson {
        version: record.version,
        height: record.height,
        time: millis(record.time),
        operation: record.operation,
        root: list.root,
        closed: list.closed,
    })
}
