//! What credentials look like and what they need: schemas and credential types
//! (docs/protocol/schemas.md).

mod content;
mod read;

use serde::{Deserialize, Serialize};

pub use content::{ContentError, check_content};
pub use read::{credential_type_at, schema_at};

use crate::crypto::{Hash, Purpose};
use crate::id::{Did, SchemaId};
use crate::names::Resource;
use crate::record::{Kind, RecordValue};
use crate::status::StatusPurpose;
use crate::trust::Assurance;

/// A new schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaPublish {
    /// The JSON Schema as it is published, byte by byte.
    pub content: String,
    /// The credential type that it describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<Resource>,
    /// The schema that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<SchemaId>,
}

/// The end of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaWithdraw {
    /// Which.
    pub schema: SchemaId,
}

/// A credential type, new or in place of the last version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialTypePublish {
    /// Its name, the resource of grants.
    pub name: Resource,
    /// What its credentials keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaId>,
    /// Longest time from issuance to expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_ms_max: Option<u64>,
    /// Each credential has an entry in a list of this purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_purpose: Option<StatusPurpose>,
    /// The least assurance of the issuer's grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// The formats that it is issued in, strictly ascending; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// The suites that it is signed with, strictly ascending; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
}

/// The end of a credential type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialTypeWithdraw {
    /// Which of the author's.
    pub name: Resource,
}

/// Whether a schema or credential type is to be issued by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaStatus {
    /// It is.
    Active,
    /// It is no more.
    Withdrawn,
}

impl SchemaStatus {
    /// Its name in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// The value of a schema's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Who published it.
    pub publisher: Did,
    /// The JSON Schema, byte by byte.
    pub content: String,
    /// The credential type that it describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<Resource>,
    /// The schema that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<SchemaId>,
    /// Whether it is to be issued by.
    pub status: SchemaStatus,
    /// Block time in ms of the last change of status.
    pub since: u64,
}

/// The value of a credential type's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialType {
    /// Who published it.
    pub publisher: Did,
    /// Its name, the resource of grants.
    pub name: Resource,
    /// What its credentials keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaId>,
    /// Longest time from issuance to expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_ms_max: Option<u64>,
    /// Each credential has an entry in a list of this purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_purpose: Option<StatusPurpose>,
    /// The least assurance of the issuer's grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// The formats that it is issued in, strictly ascending; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// The suites that it is signed with, strictly ascending; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
    /// Whether it is to be issued.
    pub status: SchemaStatus,
    /// Block time in ms of the last change of status.
    pub since: u64,
}

impl SchemaId {
    /// The id of a content that this DID publishes: it commits to both.
    pub fn of_content(publisher: &Did, content: &str) -> Self {
        Self::of_create(&Hash::of_value(Purpose::SchemaId, &(publisher, content)))
    }
}

impl RecordValue for Schema {
    const KIND: Kind = Kind::Schema;
}

impl RecordValue for CredentialType {
    const KIND: Kind = Kind::CredentialType;
}
