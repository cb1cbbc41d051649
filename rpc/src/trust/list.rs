//! Rights by authority, entity and action, page by page. A page proves its items, not that there
//! are no others.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource};
use registry_core::record::{Entry, Kind, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::{Checkpoint, Grants, Recognition};
use serde::{Deserialize, Serialize};

use super::shown::ShownGrant;
use crate::api::{Api, AsOf};
use crate::clock::millis;
use crate::error::{ApiError, PARAMS};
use crate::limits::{TRUST_PAGE_DEFAULT, TRUST_PAGE_MAX};
use crate::service::RightsOf;

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
    /// `next` of the page before.
    #[serde(default)]
    after: Option<Bytes>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// A page of rights as they were at one time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rights {
    rights: Vec<Right>,
    /// `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Bytes>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// All grants of one right to one entity, or a recognition.
#[derive(Debug, Clone, Serialize)]
struct Right {
    authority: Did,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
    version: u64,
    /// Hash of the record: what a change of it names.
    record: Hash,
    #[serde(flatten)]
    of: Of,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Grants(Vec<ShownGrant>),
    Recognition(Box<ShownRecognition>),
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownRecognition {
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

fn right(entry: &Entry) -> Result<Right, StoreError> {
    let (record, version) = (entry.record.hash(), entry.record.version);
    if entry.record.kind == Kind::Recognition {
        let found = Recognition::from_own_bytes(&entry.value.0).map_err(StoreError::new)?;
        let shown = ShownRecognition {
            status: if found.withdrawn { "withdrawn" } else { "active" },
            since: millis(found.since),
            valid_from: found.valid_from.map(millis),
            valid_until: found.valid_until.map(millis),
            evidence: found.evidence,
            terms: found.terms,
            network: found.network,
        };
        let Recognition { authority, action, resource, entity, .. } = found;
        let of = Of::Recognition(Box::new(shown));
        return Ok(Right { authority, action, resource, entity, version, record, of });
    }
    let found = Grants::from_own_bytes(&entry.value.0).map_err(StoreError::new)?;
    let Grants { authority, action, resource, entity, grants } = found;
    let of = Of::Grants(grants.into_iter().map(ShownGrant::from).collect());
    Ok(Right { authority, action, resource, entity, version, record, of })
}

impl Api {
    /// `trust_list`.
    pub(crate) async fn rights(&self, params: ListParams) -> Result<Rights, ApiError> {
        let ListParams { authority, entity, action, after, limit, at, min_height } = params;
        let limit = limit.unwrap_or(TRUST_PAGE_DEFAULT);
        if !(1..=TRUST_PAGE_MAX).contains(&limit) {
            let detail = format!("limit {limit} must be 1 to {TRUST_PAGE_MAX}");
            return Err(ApiError::params("limit", detail));
        }
        let moment = self.moment(at, min_height).await?;
        if let Some(authority) = &authority {
            self.did_head(authority, &moment.head, "authority")?;
        }
        let of = match (authority, entity) {
            (Some(authority), None) => RightsOf::Authority { authority, action },
            (Some(authority), Some(entity)) => {
                RightsOf::Entity { entity, authority: Some((authority, action)) }
            }
            (None, Some(entity)) if action.is_none() => {
                RightsOf::Entity { entity, authority: None }
            }
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
        let mut found = self.node.rights(&of, after, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(cursor, _)| Bytes(cursor.clone())).filter(|_| more);
        let mut rights = Vec::new();
        for (_, key) in &found {
            // What did not exist yet at that time is left out.
            if let Some(entry) = self.entry(key, moment.selector, &moment.head)? {
                rights.push(right(&entry)?);
            }
        }
        Ok(Rights { rights, next, as_of: moment.as_of() })
    }
}
