//! Lists rights by authority, entity and action. A page shows that its items exist, but not that
//! there are no others.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::index::Listing;
use registry_core::names::{ActionName, EntityId, Resource};
use registry_core::record::{Entry, Kind, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::{Checkpoint, Grants, Recognition};
use serde::{Deserialize, Serialize};

use super::ask::Trust;
use super::json::GrantJson;
use crate::clock::millis;
use crate::error::{ApiError, PARAMS};
use crate::limits::{TRUST_PAGE_DEFAULT, TRUST_PAGE_MAX};
use crate::reads::{AsOf, check_limit};

/// Parameters of `trust_list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListParams {
    #[serde(default)]
    authority: Option<Did>,
    #[serde(default)]
    entity: Option<EntityId>,
    #[serde(default)]
    action: Option<ActionName>,
    /// Value of `next` in the previous page.
    #[serde(default)]
    after: Option<Bytes>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Page of rights as they were at one time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RightsPage {
    rights: Vec<RightJson>,
    /// Value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Bytes>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// All grants of one right to one entity, or one recognition.
#[derive(Debug, Clone, Serialize)]
struct RightJson {
    authority: Did,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
    version: u64,
    /// Hash of this version of the record.
    record: Hash,
    #[serde(flatten)]
    of: RightKindJson,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
enum RightKindJson {
    Grants(Vec<GrantJson>),
    Recognition(Box<RecognitionJson>),
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecognitionJson {
    status: &'static str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Checkpoint>,
}

fn right(entry: &Entry) -> Result<RightJson, StoreError> {
    let (record, version) = (entry.record.hash(), entry.record.version);
    if entry.record.kind == Kind::Recognition {
        let found: Recognition = entry.value()?;
        let shown = RecognitionJson {
            status: if found.withdrawn { "withdrawn" } else { "active" },
            since: millis(found.since),
            valid_from: found.valid_from.map(millis),
            valid_until: found.valid_until.map(millis),
            evidence: found.evidence,
            terms: found.terms,
            network: found.network,
        };
        let Recognition { authority, action, resource, entity, .. } = found;
        let of = RightKindJson::Recognition(Box::new(shown));
        return Ok(RightJson { authority, action, resource, entity, version, record, of });
    }
    let found: Grants = entry.value()?;
    let of = found.all().into_iter().cloned().map(GrantJson::from);
    let of = RightKindJson::Grants(of.collect());
    let Grants { authority, action, resource, entity, .. } = found;
    Ok(RightJson { authority, action, resource, entity, version, record, of })
}

impl Trust {
    /// Answers `trust_list`.
    pub(crate) async fn rights(&self, params: ListParams) -> Result<RightsPage, ApiError> {
        let ListParams { authority, entity, action, after, limit, at, min_height } = params;
        let limit = limit.unwrap_or(TRUST_PAGE_DEFAULT);
        check_limit(limit, TRUST_PAGE_MAX)?;
        let moment = self.reads.moment(at, min_height).await?;
        if let Some(authority) = &authority {
            self.reads.did_at(authority, &moment, "authority")?;
        }
        let listing = match (authority, entity) {
            (Some(authority), None) => Listing::rights_by(&authority, action.as_ref()),
            (Some(authority), Some(entity)) => {
                Listing::rights_of_by(&entity, &authority, action.as_ref())
            }
            (None, Some(entity)) if action.is_none() => Listing::rights_of(&entity),
            (None, Some(_)) => {
                let detail = "action needs an authority beside it; without one, leave it out";
                return Err(ApiError::params("action", detail));
            }
            (None, None) => {
                let detail = "give an authority, an entity, or both";
                return Err(ApiError::params(PARAMS, detail));
            }
        };
        let after = after.as_ref().map(|Bytes(after)| after.as_slice());
        let (found, next) = self.reads.list(&listing, after, limit)?;
        // Rights that did not exist yet at that time are left out.
        let rights = self.reads.at(&moment).existing(&found, right)?;
        let next = next.map(Bytes);
        Ok(RightsPage { rights, next, as_of: moment.as_of() })
    }
}
