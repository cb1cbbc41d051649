//! Answers about single entries. They reveal whose credential is being checked, so only callers
//! that the operator trusts get them.

use registry_core::code::{Code, Refusal};
use registry_core::id::ListId;
use registry_core::status::{Bits, StatusList};
use registry_core::time::TimeMs;
use serde::{Deserialize, Serialize};

use super::list::{FoundList, StatusLists};
use crate::error::ApiError;
use crate::limits::STATUS_CHECKS_MAX;
use crate::reads::{AsOf, Selector};

/// Parameters of `status_check`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CheckParams {
    list: ListId,
    entry: u64,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `status_checkMany`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CheckManyParams {
    list: ListId,
    entries: Vec<u64>,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// One entry, and whether it leaves its credential valid.
#[derive(Debug, Clone, Copy, Serialize)]
struct EntryJson {
    entry: u64,
    value: u8,
    valid: bool,
}

/// Answer of `status_check`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckAnswer {
    list: ListId,
    #[serde(flatten)]
    entry: EntryJson,
    version: u64,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `status_checkMany`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckManyAnswer {
    list: ListId,
    entries: Vec<EntryJson>,
    version: u64,
    #[serde(flatten)]
    as_of: AsOf,
}

impl StatusLists {
    /// Answers `status_check`.
    pub(crate) async fn check_entry(&self, params: CheckParams) -> Result<CheckAnswer, ApiError> {
        let CheckParams { list: id, entry, at, min_height } = params;
        let found = FoundList::find(&self.reads, &id, selector(at), min_height).await?;
        let bits = self.reads.node.status_array(&found.entry)?;
        let entry = answer(&found.list, &bits, entry, || "entry".to_owned())?;
        let version = found.entry.record.version;
        Ok(CheckAnswer { list: id, entry, version, as_of: found.moment.as_of() })
    }

    /// Answers `status_checkMany`.
    pub(crate) async fn check_entries(
        &self,
        params: CheckManyParams,
    ) -> Result<CheckManyAnswer, ApiError> {
        let CheckManyParams { list: id, entries, at, min_height } = params;
        if entries.len() > STATUS_CHECKS_MAX {
            let detail = format!("{} entries, at most {STATUS_CHECKS_MAX}", entries.len());
            return Err(ApiError::params("entries", detail));
        }
        let found = FoundList::find(&self.reads, &id, selector(at), min_height).await?;
        let bits = self.reads.node.status_array(&found.entry)?;
        let entries = entries.iter().enumerate().map(|(index, entry)| {
            answer(&found.list, &bits, *entry, || format!("entries/{index}"))
        });
        let entries = entries.collect::<Result<_, _>>()?;
        let version = found.entry.record.version;
        Ok(CheckManyAnswer { list: id, entries, version, as_of: found.moment.as_of() })
    }
}

fn selector(at: Option<TimeMs>) -> Selector {
    at.map_or(Selector::Head, |TimeMs(time_ms)| Selector::At(time_ms))
}

fn answer(
    list: &StatusList,
    bits: &Bits,
    entry: u64,
    field: impl FnOnce() -> String,
) -> Result<EntryJson, Refusal> {
    // The array's last byte may have bits after the last entry.
    let value = bits.get(entry).filter(|_| entry < list.length);
    let value = value.ok_or_else(|| {
        let detail = format!("entry {entry}, the list has {}", list.length);
        Refusal::new(Code::StatusRange, field(), detail)
    })?;
    Ok(EntryJson { entry, value, valid: value == 0 || !list.purpose.invalidates() })
}
