//! Grants as JSON answers show them.

use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource, TrustKey};
use registry_core::record::{RecordView, StoreError};
use registry_core::trust::{Conditions, Grant, Link, Parent};
use serde::Serialize;

use crate::clock::millis;

/// A grant together with the right (authority, action, resource, entity) that it belongs to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LinkJson {
    authority: Did,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
    /// Version of the record of grants.
    version: u64,
    #[serde(flatten)]
    grant: GrantJson,
}

/// A grant without the right that it belongs to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GrantJson {
    grantor: Did,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    status: &'static str,
    since: String,
    /// Time at which the grantor voided the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    voided_at: Option<String>,
    granted: String,
    /// Id of the operation that made the grant. Grants beneath it name it, as does the guard of an
    /// operation that suspends or revokes it.
    operation: Hash,
    /// Id of the operation that suspended the grant. The guard of the operation that resumes it
    /// names it. Absent unless the grant is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_by: Option<Hash>,
    #[serde(flatten)]
    conditions: ConditionsJson,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConditionsJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assurance: Option<&'static str>,
    may_delegate: bool,
    max_depth: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<String>,
}

impl From<Conditions> for ConditionsJson {
    fn from(conditions: Conditions) -> Self {
        Self {
            valid_from: conditions.valid_from.map(millis),
            valid_until: conditions.valid_until.map(millis),
            assurance: conditions.assurance.map(|level| level.name()),
            may_delegate: conditions.max_depth.is_some(),
            max_depth: conditions.max_depth.unwrap_or(0),
            evidence: conditions.evidence,
            terms: conditions.terms,
        }
    }
}

impl GrantJson {
    /// Shows a grant with what the view knows of its void.
    pub(super) fn new(grant: Grant, view: &dyn RecordView) -> Result<Self, StoreError> {
        let voided = grant.voided(view)?;
        Ok(Self {
            grantor: grant.grantor,
            parent: grant.parent,
            status: grant.status.name(),
            since: millis(grant.since),
            voided_at: voided.map(millis),
            granted: millis(grant.granted),
            operation: grant.made,
            suspended_by: grant.suspended,
            conditions: grant.conditions.into(),
        })
    }
}

impl LinkJson {
    /// Shows a link of a chain with what the view knows of its void.
    pub(super) fn new(link: &Link, view: &dyn RecordView) -> Result<Self, StoreError> {
        let TrustKey { authority, action, resource, entity } = link.key.clone();
        let (version, grant) = (link.version, GrantJson::new(link.grant.clone(), view)?);
        Ok(Self { authority, action, resource, entity, version, grant })
    }
}
