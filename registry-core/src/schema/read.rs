//! Reads schemas and credential types as of the moment of a view.

use super::{CredentialType, Schema};
use crate::id::{Did, SchemaId};
use crate::names::Resource;
use crate::record::{RecordKey, RecordView, StoreError};

/// Reads the schema with that id; `None` if it was not published by the moment of the view.
pub fn schema_at(view: &dyn RecordView, id: &SchemaId) -> Result<Option<Schema>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::schema(id))? else { return Ok(None) };
    entry.value().map(Some)
}

/// Reads the credential type of that publisher and name; `None` if it was not published by the
/// moment of the view.
pub fn credential_type_at(
    view: &dyn RecordView,
    publisher: &Did,
    name: &Resource,
) -> Result<Option<CredentialType>, StoreError> {
    let key = RecordKey::credential_type(publisher, name);
    let Some(entry) = view.entry(&key)? else { return Ok(None) };
    entry.value().map(Some)
}
