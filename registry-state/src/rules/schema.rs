//! Rules of each action on schemas and credential types (docs/protocol/schemas.md, section
//! "Rules").

use super::request::{By, Written};
use super::void::{self, Thing};
use crate::state::{ApplyError, timed};
use registry_core::code::{Code, Refusal};
use registry_core::id::SchemaId;
use registry_core::limits::{CREDENTIAL_TYPE_NAMES_MAX, DOCUMENT_TIME_MS_END, TOKEN_BYTES_MAX};
use registry_core::names::Resource;
use registry_core::record::{PartWrite, RecordKey, RecordView};
use registry_core::schema::{
    CredentialType, CredentialTypePublish, CredentialTypeWithdraw, Schema, SchemaPublish,
    SchemaStatus, SchemaWithdraw, check_content, credential_type_at, schema_at,
};
use registry_core::status::StatusPurpose;

/// Checks rule SC1: the form of a schema.
pub(super) fn check_publish(publish: &SchemaPublish) -> Result<(), Refusal> {
    if let Some(name) = &publish.credential_type {
        check_exact(Code::SchemaInvalid, "credential_type", name)?;
    }
    let invalid = |error| Refusal::new(Code::SchemaInvalid, "content", error);
    check_content(&publish.content).map_err(invalid)
}

/// Checks rule SC2: the form of the withdrawal of a credential type.
pub(super) fn check_withdraw_type(withdraw: &CredentialTypeWithdraw) -> Result<(), Refusal> {
    check_exact(Code::CredentialTypeInvalid, "name", &withdraw.name)
}

fn check_exact(code: Code, field: &str, name: &Resource) -> Result<(), Refusal> {
    if name.is_pattern() {
        let detail = format!("{name} is a pattern, the name of one type is expected");
        return Err(Refusal::new(code, field, detail));
    }
    Ok(())
}

/// Checks rule SC2: the form of a credential type.
pub(super) fn check_publish_type(publish: &CredentialTypePublish) -> Result<(), Refusal> {
    check_exact(Code::CredentialTypeInvalid, "name", &publish.name)?;
    if let Some(validity_ms) = publish.validity_ms_max
        && !(1..DOCUMENT_TIME_MS_END).contains(&validity_ms)
    {
        let detail = format!("{validity_ms}, at least 1 and before the year 10000 is expected");
        return Err(Refusal::new(Code::CredentialTypeInvalid, "validity_ms_max", detail));
    }
    check_purposes(&publish.status_purposes)?;
    check_tokens("formats", &publish.formats)?;
    check_tokens("suites", &publish.suites)
}

/// Checks that a credential type wants entries of such lists only whose entries can speak against a
/// credential.
fn check_purposes(purposes: &[StatusPurpose]) -> Result<(), Refusal> {
    let invalid =
        |detail| Err(Refusal::new(Code::CredentialTypeInvalid, "status_purposes", detail));
    if let Some(other) = purposes.iter().find(|purpose| !purpose.invalidates()) {
        return invalid(format!("{} where revocation or suspension is expected", other.name()));
    }
    if purposes.is_sorted_by(|first, second| first.name() < second.name()) {
        return Ok(());
    }
    invalid("must ascend strictly by name, each once".to_owned())
}

fn check_tokens(field: &str, tokens: &[String]) -> Result<(), Refusal> {
    let invalid = |detail| Err(Refusal::new(Code::CredentialTypeInvalid, field, detail));
    if tokens.len() > CREDENTIAL_TYPE_NAMES_MAX {
        let actual = tokens.len();
        return invalid(format!("{actual} names, at most {CREDENTIAL_TYPE_NAMES_MAX} are allowed"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+._/-".contains(&byte);
    let is_token =
        |text: &str| (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
    if let Some(text) = tokens.iter().find(|text| !is_token(text)) {
        let detail = format!("{text:?} must be 1 to 64 of A-Z, a-z, 0-9, '+', '.', '_', '/', '-'");
        return invalid(detail);
    }
    if tokens.is_sorted_by(|first, second| first < second) {
        return Ok(());
    }
    invalid("must ascend strictly, each once".to_owned())
}

/// Checks rule SC4 and returns what a new schema writes. Nodes also call this and the
/// functions below before they ask anyone to sign.
pub fn publish(
    view: &dyn RecordView,
    by: By<'_>,
    publish: &SchemaPublish,
) -> Result<Vec<PartWrite>, ApplyError> {
    let SchemaPublish { content, credential_type, supersedes } = publish.clone();
    if let Some(id) = &supersedes {
        own(existing(view, "supersedes", id)?, by, "supersedes", id)?;
    }
    let (publisher, since) = (by.author.clone(), by.time_ms);
    let (status, made, published) = (SchemaStatus::Active, by.operation, by.time_ms);
    let schema =
        Schema { publisher, content, credential_type, supersedes, status, since, made, published };
    Ok(timed(&schema))
}

/// Checks rule SC5 and returns what the withdrawal of a schema by its publisher writes, or its
/// void.
pub fn withdraw(
    view: &dyn RecordView,
    by: By<'_>,
    withdraw: &SchemaWithdraw,
) -> Result<Written, ApplyError> {
    let id = &withdraw.schema;
    let schema = own(existing(view, "schema", id)?, by, "schema", id)?;
    let (status, made, published) = (schema.status, schema.made, schema.published);
    let ended = Schema { status: SchemaStatus::Withdrawn, since: by.time_ms, ..schema };
    let ends = timed(&ended);
    if let Some(named) = by.voids {
        let thing = Thing { made, by: &ended.publisher, since: published };
        let standing = (made == named).then(|| (thing, if_active(status, ends)));
        let unknown = |detail| Refusal::new(Code::SchemaNotFound, "guard", detail);
        return void::declare(view, by, named, RecordKey::schema(id), standing, unknown);
    }
    check_active("schema", status)?;
    Ok(ends.into())
}

/// Checks rule SC6 and returns the value of a new credential type, or of the next version of a
/// published one.
pub fn publish_type(
    view: &dyn RecordView,
    by: By<'_>,
    publish: &CredentialTypePublish,
) -> Result<Written, ApplyError> {
    if let Some(id) = &publish.schema {
        let schema = existing(view, "schema", id)?;
        check_active("schema", schema.status)?;
        if let Some(other) = schema.credential_type.filter(|name| *name != publish.name) {
            let detail = format!("schema {id} describes {other}, not {}", publish.name);
            return Err(Refusal::new(Code::CredentialTypeInvalid, "schema", detail).into());
        }
    }
    let CredentialTypePublish {
        name,
        schema,
        validity_ms_max,
        status_purposes,
        assurance,
        formats,
        suites,
    } = publish.clone();
    let beside = match credential_type_at(view, by.author, &name)? {
        Some(replaced) => {
            let of = RecordKey::credential_type(by.author, &name);
            void::leave(view, by, &of, &published(&replaced))?
        }
        None => None,
    };
    let parts = timed(&CredentialType {
        publisher: by.author.clone(),
        name,
        schema,
        validity_ms_max,
        status_purposes,
        assurance,
        formats,
        suites,
        status: SchemaStatus::Active,
        since: by.time_ms,
        made: by.operation,
        published: by.time_ms,
    });
    Ok(Written { parts, beside: beside.into_iter().collect() })
}

/// Checks rule SC7 and returns what the withdrawal of a credential type by its publisher writes, or
/// the void of a version.
pub fn withdraw_type(
    view: &dyn RecordView,
    by: By<'_>,
    withdraw: &CredentialTypeWithdraw,
) -> Result<Written, ApplyError> {
    let name = &withdraw.name;
    let Some(present) = credential_type_at(view, by.author, name)? else {
        let detail = format!("{} has published no type {name}", by.author);
        return Err(Refusal::new(Code::CredentialTypeNotFound, "name", detail).into());
    };
    let (status, since) = (SchemaStatus::Withdrawn, by.time_ms);
    let ends = timed(&CredentialType { status, since, ..present.clone() });
    if let Some(named) = by.voids {
        let ends = if_active(present.status, ends);
        let standing = (present.made == named).then(|| (published(&present), ends));
        let of = RecordKey::credential_type(by.author, name);
        let unknown = |detail| Refusal::new(Code::CredentialTypeNotFound, "guard", detail);
        return void::declare(view, by, named, of, standing, unknown);
    }
    check_active("name", present.status)?;
    Ok(ends.into())
}

fn published(found: &CredentialType) -> Thing<'_> {
    Thing { made: found.made, by: &found.publisher, since: found.published }
}

/// Returns what ends a schema or a type; nothing if it has been withdrawn before.
fn if_active(status: SchemaStatus, ends: Vec<PartWrite>) -> Vec<PartWrite> {
    match status {
        SchemaStatus::Active => ends,
        SchemaStatus::Withdrawn => Vec::new(),
    }
}

fn existing(view: &dyn RecordView, field: &str, id: &SchemaId) -> Result<Schema, ApplyError> {
    let missing = || Refusal::new(Code::SchemaNotFound, field, format!("no schema {id}"));
    Ok(schema_at(view, id)?.ok_or_else(missing)?)
}

fn own(schema: Schema, by: By<'_>, field: &str, id: &SchemaId) -> Result<Schema, Refusal> {
    if schema.publisher == *by.author {
        return Ok(schema);
    }
    let detail = format!("schema {id} is that of {}", schema.publisher);
    Err(Refusal::new(Code::SchemaNotAllowed, field, detail))
}

fn check_active(field: &str, status: SchemaStatus) -> Result<(), Refusal> {
    match status {
        SchemaStatus::Active => Ok(()),
        SchemaStatus::Withdrawn => Err(Refusal::new(Code::SchemaStatus, field, "it is withdrawn")),
    }
}
