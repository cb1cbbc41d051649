//! Schemas and credential types: what credentials look like and what they require
//! (docs/protocol/schemas.md).

mod content;
mod read;

use serde::{Deserialize, Serialize};

pub use content::{ContentError, check_content};
pub use read::{credential_type_at, schema_at};

use crate::crypto::{Hash, Purpose};
use crate::id::{Did, SchemaId};
use crate::names::Resource;
use crate::record::{Entry, Kind, RecordValue, RecordView, StoreError, Timed, voided_since};
use crate::status::StatusPurpose;
use crate::trust::Assurance;

/// Content of `schema_publish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaPublish {
    /// JSON Schema, byte for byte as it is published.
    pub content: String,
    /// Credential type that the schema describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<Resource>,
    /// Schema that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<SchemaId>,
}

/// Content of `schema_withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaWithdraw {
    /// Schema that the publisher withdraws.
    pub schema: SchemaId,
    /// True if the schema is void: it counts as never published. The guard names the operation that
    /// published it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// Content of `credential_type_publish`: a credential type, which is new or replaces the last
/// version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialTypePublish {
    /// Name of the type, which is also the resource of grants.
    pub name: Resource,
    /// Schema that credentials of the type must follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaId>,
    /// Longest time in ms from issuance to expiry of a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_ms_max: Option<u64>,
    /// Purposes of the status lists in each of which a credential must have an entry, strictly
    /// ascending by name: revocation, suspension; empty if it needs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_purposes: Vec<StatusPurpose>,
    /// Minimum assurance level that the issuer's grant must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// Formats in which credentials are issued, strictly ascending; an empty list allows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Suites by which credentials are signed, strictly ascending; an empty list allows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
}

/// Content of `credential_type_withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialTypeWithdraw {
    /// Name of the author's credential type that it withdraws.
    pub name: Resource,
    /// True if the version of the type that the guard names is void: it counts as never published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// Status of a schema or a credential type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaStatus {
    /// New credentials may be issued under the schema or type.
    Active,
    /// The publisher withdrew the schema or type, and no new credentials should be issued under it.
    Withdrawn,
}

impl SchemaStatus {
    /// Returns the name of the status in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Value of a schema's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// DID that published the schema.
    pub publisher: Did,
    /// JSON Schema, byte for byte as it was published.
    pub content: String,
    /// Credential type that the schema describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<Resource>,
    /// Schema that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<SchemaId>,
    /// Says whether new credentials may be issued under the schema.
    pub status: SchemaStatus,
    /// Block time in ms of the last change of status.
    #[serde(skip)]
    pub since: u64,
    /// Id of the operation that published the schema.
    pub made: Hash,
    /// Block time in ms at which the schema was published.
    #[serde(skip)]
    pub published: u64,
}

/// Value of a credential type's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialType {
    /// DID that published the type.
    pub publisher: Did,
    /// Name of the type, which is also the resource of grants.
    pub name: Resource,
    /// Schema that credentials of the type must follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaId>,
    /// Longest time in ms from issuance to expiry of a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_ms_max: Option<u64>,
    /// Purposes of the status lists in each of which a credential must have an entry, strictly
    /// ascending by name: revocation, suspension; empty if it needs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_purposes: Vec<StatusPurpose>,
    /// Minimum assurance level that the issuer's grant must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// Formats in which credentials are issued, strictly ascending; an empty list allows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Suites by which credentials are signed, strictly ascending; an empty list allows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
    /// Says whether new credentials of the type may be issued.
    pub status: SchemaStatus,
    /// Block time in ms of the last change of status.
    #[serde(skip)]
    pub since: u64,
    /// Id of the operation that published this version of the type.
    pub made: Hash,
    /// Block time in ms at which this version of the type was published.
    #[serde(skip)]
    pub published: u64,
}

impl SchemaId {
    /// Returns the id of a schema with this content that this DID publishes. The id commits to
    /// both.
    pub fn of_content(publisher: &Did, content: &str) -> Self {
        Self::of_create(&Hash::of_value(Purpose::SchemaId, &(publisher, content)))
    }
}

impl Schema {
    /// Returns the block time in ms at which the schema was voided, as far as the view knows.
    pub fn voided(&self, view: &dyn RecordView) -> Result<Option<u64>, StoreError> {
        voided_since(view, &self.made, self.status == SchemaStatus::Active)
    }
}

impl CredentialType {
    /// Returns the block time in ms at which this version of the type was voided, as far as the
    /// view knows.
    pub fn voided(&self, view: &dyn RecordView) -> Result<Option<u64>, StoreError> {
        voided_since(view, &self.made, self.status == SchemaStatus::Active)
    }
}

impl RecordValue for Schema {
    const KIND: Kind = Kind::Schema;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        entry.timed()
    }
}

impl Timed for Schema {
    fn times(&self) -> Vec<u64> {
        vec![self.since, self.published]
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        let [since, published] = *times else { return None };
        Some(Self { since, published, ..self })
    }
}

impl RecordValue for CredentialType {
    const KIND: Kind = Kind::CredentialType;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        entry.timed()
    }
}

impl Timed for CredentialType {
    fn times(&self) -> Vec<u64> {
        vec![self.since, self.published]
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        let [since, published] = *times else { return None };
        Some(Self { since, published, ..self })
    }
}
