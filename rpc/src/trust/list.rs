//! Lists rights by authority, entity and action. A page shows that its items exist, but not that
//! there are no others.

use std::collections::BTreeSet;

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::index::{Listed, Listing};
use registry_core::names::{ActionName, EntityId, Resource};
use registry_core::record::{Entry, Hindsight, Kind, RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::{Checkpoint, Grants, Recognition};
use serde::{Deserialize, Serialize};

use super::ask::Trust;
use super::json::GrantJson;
use crate::clock::millis;
use crate::error::{ApiError, PARAMS};
use crate::limits::{TRUST_LIST_VERSIONS_MAX, TRUST_PAGE_DEFAULT, TRUST_PAGE_MAX};
use crate::reads::{AsOf, RecordsAt, Selector, check_limit};

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
    /// Lists only what was granted or recognised since then, also if it has left its place.
    #[serde(default)]
    since: Option<TimeMs>,
    /// Lists only what this DID granted or recognised. It needs `since`.
    #[serde(default)]
    grantor: Option<Did>,
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
    /// Time at which the authority voided the recognition.
    #[serde(skip_serializing_if = "Option::is_none")]
    voided_at: Option<String>,
    /// Time at which the recognition was made.
    recognised: String,
    /// Id of the operation that made the recognition. A void names it.
    operation: Hash,
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

fn right(entry: &Entry, view: &dyn RecordView) -> Result<RightJson, StoreError> {
    let (record, version) = (entry.record.hash(), entry.record.version);
    if entry.record.kind == Kind::Recognition {
        let found: Recognition = entry.value()?;
        let shown = RecognitionJson {
            status: if found.withdrawn { "withdrawn" } else { "active" },
            since: millis(found.since),
            voided_at: found.voided(view)?.map(millis),
            recognised: millis(found.recognised),
            operation: found.made,
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
    of_grants(entry.value()?, entry, view)
}

/// Shows grants of a version of their record.
fn of_grants(found: Grants, entry: &Entry, view: &dyn RecordView) -> Result<RightJson, StoreError> {
    let (record, version) = (entry.record.hash(), entry.record.version);
    let grants = found.all().into_iter().cloned().map(|grant| GrantJson::new(grant, view));
    let of = RightKindJson::Grants(grants.collect::<Result<_, _>>()?);
    let Grants { authority, action, resource, entity, .. } = found;
    Ok(RightJson { authority, action, resource, entity, version, record, of })
}

/// What is listed of each record: things that were made since a time, by one DID or by any.
struct Made {
    since_ms: u64,
    by: Option<Did>,
}

impl Made {
    fn of(since: Option<TimeMs>, by: Option<Did>) -> Result<Option<Self>, ApiError> {
        match (since, by) {
            (Some(TimeMs(since_ms)), by) => Ok(Some(Self { since_ms, by })),
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let detail = "grantor needs since beside it";
                Err(ApiError::params("grantor", detail))
            }
        }
    }

    /// Returns the rights of a page with the things that were made, each as it last stood in its
    /// record. Rights without any are left out.
    fn list(&self, records: &RecordsAt<'_>, page: &[Listed]) -> Result<Vec<RightJson>, ApiError> {
        // A thing that was replaced while it stood shows nothing of its void in its own version.
        let view = Hindsight { moment: records, known: records };
        let mut rights = Vec::new();
        let mut left = TRUST_LIST_VERSIONS_MAX;
        for Listed { record, .. } in page {
            let mut seen = BTreeSet::new();
            let mut entry = records.entry(record)?;
            while let Some(found) = entry.filter(|found| found.record.time >= self.since_ms) {
                if left == 0 {
                    let detail = format!(
                        "over {TRUST_LIST_VERSIONS_MAX} versions were written since then; ask for \
                         a later time, a lower limit, or one entity or action"
                    );
                    return Err(ApiError::params("since", detail));
                }
                left -= 1;
                rights.extend(self.new_in(&found, &view, &mut seen)?);
                entry = match found.record.version {
                    1 => None,
                    version => records.version(record, version - 1)?,
                };
            }
        }
        Ok(rights)
    }

    /// Returns a version of a right with those of its grants, or the recognition, that were made
    /// since then and were not seen in a later version.
    fn new_in(
        &self,
        entry: &Entry,
        view: &dyn RecordView,
        seen: &mut BTreeSet<Hash>,
    ) -> Result<Option<RightJson>, StoreError> {
        let mut is_new = |made: Hash, since: u64, by: &Did| {
            since >= self.since_ms
                && self.by.as_ref().is_none_or(|own| own == by)
                && seen.insert(made)
        };
        if entry.record.kind == Kind::Recognition {
            let found: Recognition = entry.value()?;
            let Recognition { made, recognised, authority, .. } = &found;
            let is_new = is_new(*made, *recognised, authority);
            return is_new.then(|| right(entry, view)).transpose();
        }
        let mut found: Grants = entry.value()?;
        found.slots.retain(|_, grant| is_new(grant.made, grant.granted, &grant.grantor));
        if found.slots.is_empty() {
            return Ok(None);
        }
        of_grants(found, entry, view).map(Some)
    }
}

impl Trust {
    /// Answers `trust_list`.
    pub(crate) async fn rights(&self, params: ListParams) -> Result<RightsPage, ApiError> {
        let ListParams { authority, entity, action, after, limit, at, min_height, .. } = params;
        let made = Made::of(params.since, params.grantor)?;
        let limit = limit.unwrap_or(TRUST_PAGE_DEFAULT);
        check_limit(limit, TRUST_PAGE_MAX)?;
        let moment = self.reads.moment(at, min_height).await?;
        if let Some(made) = &made {
            // Fails if the time is in the future. Then an empty page would look like an answer.
            self.reads.moment_as_of(moment.head, Selector::At(made.since_ms))?;
        }
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
        let records = self.reads.at(&moment);
        let rights = match &made {
            None => records.existing(&found, |entry| right(entry, &records))?,
            Some(made) => made.list(&records, &found)?,
        };
        let next = next.map(Bytes);
        Ok(RightsPage { rights, next, as_of: moment.as_of() })
    }
}
