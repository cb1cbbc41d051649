//! Reads schemas and credential types as they are or were at a time. A page shows that its items
//! exist, but not that there are no others.

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::{Did, SchemaId};
use registry_core::index::Listing;
use registry_core::names::Resource;
use registry_core::record::{Entry, Kind, RecordKey, RecordView, StoreError};
use registry_core::schema::{CredentialType, Schema};
use registry_core::status::StatusPurpose;
use registry_core::time::TimeMs;
use registry_core::trust::Assurance;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::millis;
use crate::error::ApiError;
use crate::limits::{SCHEMA_PAGE_DEFAULT, SCHEMA_PAGE_MAX};
use crate::reads::{AsOf, Reads, RecordsAt, check_limit};
use crate::uris::Uris;

/// Parameters of `schema_get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GetParams {
    schema: SchemaId,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `schema_getType`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GetTypeParams {
    publisher: Did,
    name: Resource,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `schema_list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListParams {
    publisher: Did,
    /// Kind to list. Both kinds are listed if this is absent.
    #[serde(default)]
    kind: Option<ListKind>,
    /// Value of `next` in the previous page.
    #[serde(default)]
    cursor: Option<Bytes>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListKind {
    Schema,
    Type,
}

impl From<ListKind> for Kind {
    fn from(kind: ListKind) -> Self {
        match kind {
            ListKind::Schema => Self::Schema,
            ListKind::Type => Self::CredentialType,
        }
    }
}

/// A schema without its content.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaJson {
    id: SchemaId,
    publisher: Did,
    /// URL that serves the content alone.
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_type: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<SchemaId>,
    status: &'static str,
    since: String,
    /// Time at which the publisher voided the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    voided_at: Option<String>,
    /// Time at which the schema was published.
    published: String,
    /// Id of the operation that published the schema.
    operation: Hash,
    version: u64,
}

/// A credential type as JSON answers show it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialTypeJson {
    publisher: Did,
    name: Resource,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<SchemaId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_ms_max: Option<u64>,
    /// Purposes of the lists in each of which a credential has an entry. An empty list wants none.
    status_purposes: Vec<StatusPurpose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assurance: Option<Assurance>,
    /// Formats in which credentials are issued. An empty list allows any.
    formats: Vec<String>,
    /// Suites by which credentials are signed. An empty list allows any.
    suites: Vec<String>,
    status: &'static str,
    since: String,
    /// Time at which the publisher voided this version of the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    voided_at: Option<String>,
    /// Time at which this version of the type was published.
    published: String,
    /// Id of the operation that published this version. A void names it.
    operation: Hash,
    version: u64,
}

impl CredentialTypeJson {
    /// Shows a type with what the view knows of its void.
    fn new(entry: &Entry, view: &dyn RecordView) -> Result<Self, StoreError> {
        let found: CredentialType = entry.value()?;
        let (voided, version) = (found.voided(view)?, entry.record.version);
        let CredentialType { publisher, name, schema, .. } = found;
        Ok(Self {
            publisher,
            name,
            schema,
            validity_ms_max: found.validity_ms_max,
            status_purposes: found.status_purposes,
            assurance: found.assurance,
            formats: found.formats,
            suites: found.suites,
            status: found.status.name(),
            since: millis(found.since),
            voided_at: voided.map(millis),
            published: millis(found.published),
            operation: found.made,
            version,
        })
    }
}

/// Answer of `schema_get`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SchemaAnswer {
    #[serde(flatten)]
    schema: SchemaJson,
    content: Box<RawValue>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `schema_getType`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CredentialTypeAnswer {
    #[serde(flatten)]
    found: CredentialTypeJson,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `schema_list`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SchemasPage {
    items: Vec<ItemJson>,
    /// Value of `cursor` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Bytes>,
    #[serde(flatten)]
    as_of: AsOf,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
enum ItemJson {
    Schema(SchemaJson),
    Type(CredentialTypeJson),
}

/// Reads schemas and credential types.
pub(crate) struct Schemas {
    pub(crate) reads: Arc<Reads>,
    pub(crate) uris: Arc<Uris>,
}

impl Schemas {
    fn schema_json(
        &self,
        id: SchemaId,
        entry: &Entry,
        view: &dyn RecordView,
    ) -> Result<SchemaJson, StoreError> {
        let schema: Schema = entry.value()?;
        let voided = schema.voided(view)?;
        Ok(SchemaJson {
            uri: self.uris.schema(&id),
            id,
            publisher: schema.publisher,
            credential_type: schema.credential_type,
            supersedes: schema.supersedes,
            status: schema.status.name(),
            since: millis(schema.since),
            voided_at: voided.map(millis),
            published: millis(schema.published),
            operation: schema.made,
            version: entry.record.version,
        })
    }

    /// Answers `schema_get`.
    pub(crate) async fn schema(&self, params: GetParams) -> Result<SchemaAnswer, ApiError> {
        let GetParams { schema: id, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        let records = self.reads.at(&moment);
        let entry = schema_at(&records, &id)?;
        let content = entry.value::<Schema>()?.content;
        let content = RawValue::from_string(content).map_err(StoreError::new)?;
        let schema = self.schema_json(id, &entry, &records)?;
        Ok(SchemaAnswer { schema, content, as_of: moment.as_of() })
    }

    /// Returns the exact content of a schema, whether or not it is withdrawn.
    pub(crate) fn schema_content(&self, id: &SchemaId) -> Result<String, ApiError> {
        let entry = schema_at(&self.reads.at(&self.reads.now()), id)?;
        Ok(entry.value::<Schema>()?.content)
    }

    /// Answers `schema_getType`.
    pub(crate) async fn credential_type(
        &self,
        params: GetTypeParams,
    ) -> Result<CredentialTypeAnswer, ApiError> {
        let GetTypeParams { publisher, name, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        self.reads.did_at(&publisher, &moment, "publisher")?;
        let records = self.reads.at(&moment);
        let entry = type_at(&records, &publisher, &name)?;
        let found = CredentialTypeJson::new(&entry, &records)?;
        Ok(CredentialTypeAnswer { found, as_of: moment.as_of() })
    }

    /// Answers `schema_list`.
    pub(crate) async fn schemas(&self, params: ListParams) -> Result<SchemasPage, ApiError> {
        let ListParams { publisher, kind, cursor, limit, at, min_height } = params;
        let limit = limit.unwrap_or(SCHEMA_PAGE_DEFAULT);
        check_limit(limit, SCHEMA_PAGE_MAX)?;
        let moment = self.reads.moment(at, min_height).await?;
        self.reads.did_at(&publisher, &moment, "publisher")?;
        let after = cursor.as_ref().map(|Bytes(cursor)| cursor.as_slice());
        let listing = Listing::schemas_of(&publisher, kind.map(Kind::from));
        let (found, next) = self.reads.list(&listing, after, limit)?;
        // Items that did not exist yet at that time are left out.
        let records = self.reads.at(&moment);
        let items = records.existing(&found, |entry| self.item(entry, &records))?;
        let next = next.map(Bytes);
        Ok(SchemasPage { items, next, as_of: moment.as_of() })
    }

    fn item(&self, entry: &Entry, view: &dyn RecordView) -> Result<ItemJson, StoreError> {
        if entry.record.kind == Kind::CredentialType {
            return Ok(ItemJson::Type(CredentialTypeJson::new(entry, view)?));
        }
        let id = entry.record.key.0.as_slice().try_into().map_err(StoreError::new)?;
        Ok(ItemJson::Schema(self.schema_json(SchemaId(id), entry, view)?))
    }
}

fn schema_at(records: &RecordsAt<'_>, id: &SchemaId) -> Result<Entry, ApiError> {
    let absent = || Refusal::new(Code::SchemaNotFound, "schema", format!("no schema {id}"));
    records.required(&RecordKey::schema(id), absent)
}

fn type_at(records: &RecordsAt<'_>, publisher: &Did, name: &Resource) -> Result<Entry, ApiError> {
    let key = RecordKey::credential_type(publisher, name);
    records.required(&key, || {
        let detail = format!("{publisher} has published no type {name}");
        Refusal::new(Code::CredentialTypeNotFound, "name", detail)
    })
}
