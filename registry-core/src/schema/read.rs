//! Schemas and credential types as they were at the moment of a view.

use super::{CredentialType, Schema};
use crate::id::{Did, SchemaId};
use crate::names::Resource;
use crate::record::{RecordKey, RecordView, StoreError};

/// The schema of that id, if it was published by then.
pub fn schema_at(view: &dyn RecordView, id: &SchemaId) -> Result<Option<Schema>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::schema(id))? else { return Ok(None) };
    entry.value().map(Some)
}

/// The credential type of that publisher and name, if it was published by then.
pub fn credential_type_at(
    view: &dyn RecordView,
    publisher: &Did,
    name: &Resource,
) -> Result<Option<CredentialType>, StoreError> {
    let key = RecordKey::credential_type(publisher, name);
    let Some(entry) = view.entry(&key)? else { return Ok(None) };
    entry.value().map(Some)
}
