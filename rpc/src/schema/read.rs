//! Schemas and credential types as they are or were. A page of a list proves its items, not that
//! there are no others.

use registry_core::code::{Code, Refusal};
use registry_core::codec::Bytes;
use registry_core::id::{Did, SchemaId};
use registry_core::names::Resource;
use registry_core::record::{Entry, Kind, RecordKey, StoreError};
use registry_core::schema::{CredentialType, Schema};
use registry_core::status::StatusPurpose;
use registry_core::time::TimeMs;
use registry_core::trust::Assurance;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{Api, AsOf, Selector};
use crate::clock::millis;
use crate::error::ApiError;
use crate::limits::{SCHEMA_PAGE_DEFAULT, SCHEMA_PAGE_MAX};

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
    /// Both without it.
    #[serde(default)]
    kind: Option<ListKind>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: Option<Bytes>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// What is listed.
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
struct ShownSchema {
    id: SchemaId,
    publisher: Did,
    /// Where the content is served by itself.
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_type: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<SchemaId>,
    status: &'static str,
    since: String,
    version: u64,
}

/// A credential type.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownType {
    publisher: Did,
    name: Resource,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<SchemaId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_ms_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_purpose: Option<StatusPurpose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assurance: Option<Assurance>,
    /// Empty: any.
    formats: Vec<String>,
    /// Empty: any.
    suites: Vec<String>,
    status: &'static str,
    since: String,
    version: u64,
}

impl From<(CredentialType, u64)> for ShownType {
    fn from((found, version): (CredentialType, u64)) -> Self {
        let CredentialType { publisher, name, schema, .. } = found;
        Self {
            publisher,
            name,
            schema,
            validity_ms_max: found.validity_ms_max,
            status_purpose: found.status_purpose,
            assurance: found.assurance,
            formats: found.formats,
            suites: found.suites,
            status: found.status.name(),
            since: millis(found.since),
            version,
        }
    }
}

/// The answer of `schema_get`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SchemaAnswer {
    #[serde(flatten)]
    schema: ShownSchema,
    content: Box<RawValue>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// The answer of `schema_getType`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TypeAnswer {
    #[serde(flatten)]
    found: ShownType,
    #[serde(flatten)]
    as_of: AsOf,
}

/// A page of `schema_list`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listed {
    items: Vec<Item>,
    /// `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Bytes>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// One of a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
enum Item {
    Schema(ShownSchema),
    Type(ShownType),
}

impl Api {
    fn shown_schema(&self, id: SchemaId, schema: Schema, version: u64) -> ShownSchema {
        ShownSchema {
            uri: self.uris.schema(&id),
            id,
            publisher: schema.publisher,
            credential_type: schema.credential_type,
            supersedes: schema.supersedes,
            status: schema.status.name(),
            since: millis(schema.since),
            version,
        }
    }

    /// `schema_get`.
    pub(crate) async fn schema(&self, params: GetParams) -> Result<SchemaAnswer, ApiError> {
        let GetParams { schema: id, at, min_height } = params;
        let moment = self.moment(at, min_height).await?;
        let entry = self.entry(&RecordKey::schema(&id), moment.selector, &moment.head)?;
        let entry = schema_entry("schema", &id, entry)?;
        let schema = Schema::from_own_bytes(&entry.value.0).map_err(StoreError::new)?;
        let content = RawValue::from_string(schema.content.clone()).map_err(StoreError::new)?;
        let schema = self.shown_schema(id, schema, entry.record.version);
        Ok(SchemaAnswer { schema, content, as_of: moment.as_of() })
    }

    /// The exact content of a schema, whether or not it is withdrawn.
    pub(crate) fn schema_content(&self, id: &SchemaId) -> Result<String, ApiError> {
        let entry = self.entry(&RecordKey::schema(id), Selector::Head, &self.head())?;
        let entry = schema_entry("schema", id, entry)?;
        Ok(Schema::from_own_bytes(&entry.value.0).map_err(StoreError::new)?.content)
    }

    /// `schema_getType`.
    pub(crate) async fn credential_type(
        &self,
        params: GetTypeParams,
    ) -> Result<TypeAnswer, ApiError> {
        let GetTypeParams { publisher, name, at, min_height } = params;
        let moment = self.moment(at, min_height).await?;
        self.did_head(&publisher, &moment.head, "publisher")?;
        let key = RecordKey::credential_type(&publisher, &name);
        let entry = self.entry(&key, moment.selector, &moment.head)?;
        let entry = type_entry(&publisher, &name, entry)?;
        let found = CredentialType::from_own_bytes(&entry.value.0).map_err(StoreError::new)?;
        Ok(TypeAnswer { found: (found, entry.record.version).into(), as_of: moment.as_of() })
    }

    /// `schema_list`.
    pub(crate) async fn schemas(&self, params: ListParams) -> Result<Listed, ApiError> {
        let ListParams { publisher, kind, cursor, limit, at, min_height } = params;
        let limit = limit.unwrap_or(SCHEMA_PAGE_DEFAULT);
        if !(1..=SCHEMA_PAGE_MAX).contains(&limit) {
            let detail = format!("limit {limit} must be 1 to {SCHEMA_PAGE_MAX}");
            return Err(ApiError::params("limit", detail));
        }
        let moment = self.moment(at, min_height).await?;
        self.did_head(&publisher, &moment.head, "publisher")?;
        let after = cursor.as_ref().map(|Bytes(cursor)| cursor.as_slice());
        let mut found = self.node.schemas_of(&publisher, kind.map(Kind::from), after, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(cursor, _)| Bytes(cursor.clone())).filter(|_| more);
        let mut items = Vec::new();
        for (_, key) in &found {
            // What did not exist yet at that time is left out.
            if let Some(entry) = self.entry(key, moment.selector, &moment.head)? {
                items.push(self.item(&entry)?);
            }
        }
        Ok(Listed { items, next, as_of: moment.as_of() })
    }

    fn item(&self, entry: &Entry) -> Result<Item, StoreError> {
        let (value, version) = (&entry.value.0, entry.record.version);
        if entry.record.kind == Kind::CredentialType {
            let found = CredentialType::from_own_bytes(value).map_err(StoreError::new)?;
            return Ok(Item::Type((found, version).into()));
        }
        let id = entry.record.key.0.as_slice().try_into().map_err(StoreError::new)?;
        let schema = Schema::from_own_bytes(value).map_err(StoreError::new)?;
        Ok(Item::Schema(self.shown_schema(SchemaId(id), schema, version)))
    }
}

/// The record of a schema, or the refusal of an operation that needs it.
pub(super) fn schema_entry(
    field: &str,
    id: &SchemaId,
    entry: Option<Entry>,
) -> Result<Entry, Refusal> {
    let absent = || Refusal::new(Code::SchemaNotFound, field, format!("no schema {id}"));
    entry.ok_or_else(absent)
}

/// The same of a credential type.
pub(super) fn type_entry(
    publisher: &Did,
    name: &Resource,
    entry: Option<Entry>,
) -> Result<Entry, Refusal> {
    let detail = || format!("{publisher} has published no type {name}");
    entry.ok_or_else(|| Refusal::new(Code::CredentialTypeNotFound, "name", detail()))
}
