//! Bodies of operations on schemas and credential types for clients to sign.

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::id::{Did, SchemaId};
use registry_core::names::Resource;
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::{RecordKey, RecordView, StoreError};
use registry_core::schema::{
    CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw,
};
use registry_core::status::StatusPurpose;
use registry_core::trust::Assurance;
use registry_state::rules::{By, schema};
use registry_state::state::ApplyError;
use serde::Deserialize;

use super::read::{schema_at, type_at};
use crate::error::ApiError;
use crate::prepare::{Prepared, Preparer, Subject, TypeOf, author_signers};

/// Parameters of `schema_preparePublish`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Publish {
    author: Did,
    /// The JSON Schema as text, to the byte.
    content: String,
    #[serde(default)]
    credential_type: Option<Resource>,
    #[serde(default)]
    supersedes: Option<SchemaId>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `schema_prepareWithdraw`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Withdraw {
    author: Did,
    schema: SchemaId,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `schema_preparePublishType`: the complete type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PublishType {
    author: Did,
    name: Resource,
    #[serde(default)]
    schema: Option<SchemaId>,
    #[serde(default)]
    validity_ms_max: Option<u64>,
    #[serde(default)]
    status_purpose: Option<StatusPurpose>,
    #[serde(default)]
    assurance: Option<Assurance>,
    /// In any order.
    #[serde(default)]
    formats: Vec<String>,
    /// In any order.
    #[serde(default)]
    suites: Vec<String>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `schema_prepareWithdrawType`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WithdrawType {
    author: Did,
    name: Resource,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// What a prepare method was asked for.
pub(crate) struct Draft {
    author: Did,
    action: Action,
    salt: Option<FixedBytes<16>>,
}

impl From<Publish> for Draft {
    fn from(publish: Publish) -> Self {
        let Publish { author, content, credential_type, supersedes, salt } = publish;
        let publish = SchemaPublish { content, credential_type, supersedes };
        Self { author, action: Action::SchemaPublish(Box::new(publish)), salt }
    }
}

impl From<Withdraw> for Draft {
    fn from(withdraw: Withdraw) -> Self {
        let Withdraw { author, schema, salt } = withdraw;
        Self { author, action: Action::SchemaWithdraw(SchemaWithdraw { schema }), salt }
    }
}

impl From<PublishType> for Draft {
    fn from(mut publish: PublishType) -> Self {
        publish.formats.sort();
        publish.suites.sort();
        let PublishType { author, name, schema, salt, .. } = publish;
        let action = Action::CredentialTypePublish(Box::new(CredentialTypePublish {
            name,
            schema,
            validity_ms_max: publish.validity_ms_max,
            status_purpose: publish.status_purpose,
            assurance: publish.assurance,
            formats: publish.formats,
            suites: publish.suites,
        }));
        Self { author, action, salt }
    }
}

impl From<WithdrawType> for Draft {
    fn from(withdraw: WithdrawType) -> Self {
        let WithdrawType { author, name, salt } = withdraw;
        let action = Action::CredentialTypeWithdraw(CredentialTypeWithdraw { name });
        Self { author, action, salt }
    }
}

impl Preparer {
    /// All `schema_prepare…` methods.
    pub(crate) async fn prepare_schema(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { author, action, salt } = draft;
        let moment = self.reads.moment(None, None).await?;
        let (_, state) = self.reads.active(&author, &moment.head, "author")?;
        let view = self.reads.at(&moment);
        let typed = |name: &Resource| {
            let of = TypeOf { publisher: author.clone(), name: name.clone() };
            (RecordKey::credential_type(&author, name), Subject::CredentialType(of))
        };
        let (guard, subject) = match &action {
            Action::SchemaPublish(publish) => {
                let id = SchemaId::of_content(&author, &publish.content);
                if view.entry(&RecordKey::schema(&id))?.is_some() {
                    let detail = format!("schema {id} is published already");
                    return Err(Refusal::new(Code::AlreadyExists, "content", detail).into());
                }
                (Guard::Absent, Subject::Schema(id))
            }
            Action::SchemaWithdraw(SchemaWithdraw { schema }) => {
                let entry = schema_at(&view, schema)?;
                (Guard::Previous(entry.record.hash()), Subject::Schema(*schema))
            }
            Action::CredentialTypePublish(publish) => {
                let (key, subject) = typed(&publish.name);
                let head = view.entry(&key)?;
                let guard = head.map_or(Guard::Absent, |head| Guard::Previous(head.record.hash()));
                (guard, subject)
            }
            Action::CredentialTypeWithdraw(CredentialTypeWithdraw { name }) => {
                let (_, subject) = typed(name);
                let entry = type_at(&view, &author, name)?;
                (Guard::Previous(entry.record.hash()), subject)
            }
            _ => return Err(StoreError::new("no action on schemas").into()),
        };
        let drafted = self.draft(Some(author.clone()), guard, salt, action)?;
        let time_ms = moment.head.time_ms;
        let by = By { network: self.reads.network(), time_ms, author: &author };
        check(&view, by, &drafted.operation.action)?;
        let signers = author_signers(&author, &state, time_ms, Role::Author);
        let explanation = explain(&drafted.operation.action, &author, &subject);
        Ok(drafted.prepared(subject, signers, explanation))
    }
}

fn explain(action: &Action, author: &Did, subject: &Subject) -> String {
    match (action, subject) {
        (Action::SchemaPublish(publish), Subject::Schema(id)) => {
            let of = match &publish.credential_type {
                Some(name) => format!(" of {name}"),
                None => String::new(),
            };
            format!("Publishes the schema {id}{of} in the name of {author}; it cannot be changed")
        }
        (Action::SchemaWithdraw(SchemaWithdraw { schema }), _) => {
            format!("Withdraws the schema {schema} for ever; it stays readable")
        }
        (Action::CredentialTypePublish(publish), _) => {
            format!("Publishes the credential type {} of {author}, as a whole", publish.name)
        }
        (Action::CredentialTypeWithdraw(CredentialTypeWithdraw { name }), _) => {
            format!("Withdraws the credential type {name} of {author}")
        }
        _ => String::new(),
    }
}

fn check(view: &dyn RecordView, by: By<'_>, action: &Action) -> Result<(), ApplyError> {
    match action {
        Action::SchemaPublish(publish) => schema::publish(view, by, publish),
        Action::SchemaWithdraw(withdraw) => schema::withdraw(view, by, withdraw),
        Action::CredentialTypePublish(publish) => schema::publish_type(view, by, publish),
        Action::CredentialTypeWithdraw(withdraw) => schema::withdraw_type(view, by, withdraw),
        _ => return Ok(()),
    }?;
    Ok(())
}
