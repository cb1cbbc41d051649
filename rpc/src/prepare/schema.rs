//! Operations on schemas and credential types.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use registry_core::code::{Code, Refusal};
use registry_core::id::{Did, SchemaId};
use registry_core::names::Resource;
use registry_core::operation::{Action, Guard};
use registry_core::record::RecordKey;
use registry_core::schema::{
    CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw,
};
use registry_core::status::StatusPurpose;
use registry_core::trust::Assurance;
use registry_state::rules::schema;
use serde::{Deserialize, Serialize};

use super::form::{Chosen, Draft, Salt};
use super::ledger::{LedgerView, previous};
use super::signers::{PublishedType, Subject};
use super::{Prepare, PrepareError, Visitor};

/// Visits the parameters of each action on a schema or a credential type.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Publish>()?;
    visitor.visit::<Withdraw>()?;
    visitor.visit::<PublishType>()?;
    visitor.visit::<WithdrawType>()
}

/// Parameters of `schema_preparePublish`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Publish {
    pub author: Did,
    /// The JSON Schema as text. The ledger keeps exactly these bytes.
    pub content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<SchemaId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `schema_prepareWithdraw`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withdraw {
    pub author: Did,
    pub schema: SchemaId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `schema_preparePublishType`: the complete type.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishType {
    pub author: Did,
    pub name: Resource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_ms_max: Option<u64>,
    /// Revocation, suspension or both, in any order; the operation holds them sorted.
    #[serde(default)]
    pub status_purposes: Vec<StatusPurpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// Values in any order; the operation holds them sorted.
    #[serde(default)]
    pub formats: Vec<String>,
    /// Values in any order; the operation holds them sorted.
    #[serde(default)]
    pub suites: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `schema_prepareWithdrawType`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WithdrawType {
    pub author: Did,
    pub name: Resource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

impl Publish {
    fn payload(self) -> SchemaPublish {
        let Self { content, credential_type, supersedes, .. } = self;
        SchemaPublish { content, credential_type, supersedes }
    }

    fn id(&self) -> SchemaId {
        SchemaId::of_content(&self.author, &self.content)
    }
}

impl Prepare for Publish {
    const ACTION: &'static str = "schema_publish";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::SchemaPublish(Box::new(self.payload())))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::schema(&self.id())]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, id) = (ledger.author(&self.author)?, self.id());
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        if ledger.records.entry(&RecordKey::schema(&id))?.is_some() {
            let detail = format!("schema {id} is published already");
            return Err(Refusal::new(Code::AlreadyExists, "content", detail).into());
        }
        let publish = self.payload();
        let action = Action::SchemaPublish(Box::new(publish.clone()));
        let form = ledger.form_by(&author, Guard::Absent, chosen, action)?;
        schema::publish(ledger.view(), ledger.by(&author), &publish)?;
        let of = publish.credential_type.map(|name| format!(" of {name}")).unwrap_or_default();
        let in_name = format!("in the name of {}", author.did);
        let explanation = format!("Publishes the schema {id}{of} {in_name}; it cannot be changed");
        Ok(form.draft(Subject::Schema(id), explanation))
    }
}

impl Prepare for Withdraw {
    const ACTION: &'static str = "schema_withdraw";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::SchemaWithdraw(SchemaWithdraw { schema: self.schema }))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::schema(&self.schema)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, id) = (ledger.author(&self.author)?, self.schema);
        let chosen = Chosen { salt: self.salt, endorser: self.endorser };
        let head = ledger.head(&RecordKey::schema(&id), || schema_absent(&id))?;
        let withdraw = SchemaWithdraw { schema: id };
        let action = Action::SchemaWithdraw(withdraw.clone());
        let form = ledger.form_by(&author, previous(&head), chosen, action)?;
        schema::withdraw(ledger.view(), ledger.by(&author), &withdraw)?;
        let explanation = format!("Withdraws the schema {id} for ever; it stays readable");
        Ok(form.draft(Subject::Schema(id), explanation))
    }
}

impl PublishType {
    fn payload(self) -> CredentialTypePublish {
        let Self { mut formats, mut suites, mut status_purposes, .. } = self;
        formats.sort();
        suites.sort();
        status_purposes.sort_by_key(|purpose| purpose.name());
        CredentialTypePublish {
            name: self.name,
            schema: self.schema,
            validity_ms_max: self.validity_ms_max,
            status_purposes,
            assurance: self.assurance,
            formats,
            suites,
        }
    }
}

impl Prepare for PublishType {
    const ACTION: &'static str = "credential_type_publish";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::CredentialTypePublish(Box::new(self.payload())))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        let key = RecordKey::credential_type(&self.author, &self.name);
        vec![RecordKey::did(&self.author.suffix), key]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let publish = self.payload();
        let guard = ledger.guard(&RecordKey::credential_type(&author.did, &publish.name))?;
        let action = Action::CredentialTypePublish(Box::new(publish.clone()));
        let form = ledger.form_by(&author, guard, chosen, action)?;
        schema::publish_type(ledger.view(), ledger.by(&author), &publish)?;
        let (publisher, name) = (author.did, publish.name);
        let explanation =
            format!("Publishes the credential type {name} of {publisher}, as a whole");
        Ok(form.draft(Subject::CredentialType(PublishedType { publisher, name }), explanation))
    }
}

impl Prepare for WithdrawType {
    const ACTION: &'static str = "credential_type_withdraw";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::CredentialTypeWithdraw(CredentialTypeWithdraw { name: self.name }))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        let key = RecordKey::credential_type(&self.author, &self.name);
        vec![RecordKey::did(&self.author.suffix), key]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, name) = (ledger.author(&self.author)?, self.name);
        let key = RecordKey::credential_type(&author.did, &name);
        let chosen = Chosen { salt: self.salt, endorser: self.endorser };
        let head = ledger.head(&key, || type_absent(&author.did, &name))?;
        let withdraw = CredentialTypeWithdraw { name: name.clone() };
        let action = Action::CredentialTypeWithdraw(withdraw.clone());
        let form = ledger.form_by(&author, previous(&head), chosen, action)?;
        schema::withdraw_type(ledger.view(), ledger.by(&author), &withdraw)?;
        let publisher = author.did;
        let explanation = format!("Withdraws the credential type {name} of {publisher}");
        Ok(form.draft(Subject::CredentialType(PublishedType { publisher, name }), explanation))
    }
}

/// Returns the refusal of an operation on a schema that nobody published.
pub(crate) fn schema_absent(id: &SchemaId) -> Refusal {
    Refusal::new(Code::SchemaNotFound, "schema", format!("no schema {id}"))
}

/// Returns the refusal of an operation on a credential type that its publisher does not have.
pub(crate) fn type_absent(publisher: &Did, name: &Resource) -> Refusal {
    let detail = format!("{publisher} has published no type {name}");
    Refusal::new(Code::CredentialTypeNotFound, "name", detail)
}
