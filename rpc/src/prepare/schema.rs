//! Operations on schemas and credential types.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::{Did, SchemaId};
use registry_core::names::Resource;
use registry_core::operation::Action;
use registry_core::record::RecordKey;
use registry_core::schema::{
    CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw,
};
use registry_core::status::StatusPurpose;
use registry_core::trust::Assurance;
use registry_state::rules::schema;

use super::form::{Chosen, Draft, parameters, voided, voiding};
use super::ledger::LedgerView;
use super::signers::{PublishedType, Subject};
use super::{Prepare, PrepareError, Visitor};

/// Visits the parameters of each action on a schema or a credential type.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Publish>()?;
    visitor.visit::<Withdraw>()?;
    visitor.visit::<PublishType>()?;
    visitor.visit::<WithdrawType>()
}

parameters! {
    /// Parameters of `schema_preparePublish`.
    Publish {
        pub author: Did,
        /// The JSON Schema as text. The ledger keeps exactly these bytes.
        pub content: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub credential_type: Option<Resource>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub supersedes: Option<SchemaId>,
    }
}

parameters! {
    /// Parameters of `schema_prepareWithdraw`.
    Withdraw {
        pub author: Did,
        pub schema: SchemaId,
        /// True to declare that the schema was never published.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub void: bool,
    }
}

parameters! {
    /// Parameters of `schema_preparePublishType`: the complete type.
    PublishType {
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
    }
}

parameters! {
    /// Parameters of `schema_prepareWithdrawType`.
    WithdrawType {
        pub author: Did,
        pub name: Resource,
        /// True to declare that a version of the type was never published.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub void: bool,
        /// Operation that published the version that is voided [default: the present one].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub operation: Option<Hash>,
    }
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

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::schema(&self.id())]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, id) = (ledger.author(&self.author)?, self.chosen(), self.id());
        if ledger.records.entry(&RecordKey::schema(&id))?.is_some() {
            let detail = format!("schema {id} is published already");
            return Err(Refusal::new(Code::AlreadyExists, "content", detail).into());
        }
        let publish = self.payload();
        let action = Action::SchemaPublish(Box::new(publish.clone()));
        let form = ledger.form_by(&author, chosen, action)?;
        schema::publish(ledger.view(), ledger.by(&author, form.id), &publish)?;
        let of = publish.credential_type.map(|name| format!(" of {name}")).unwrap_or_default();
        let in_name = format!("in the name of {}", author.did);
        let what = format!("Publishes the schema {id}{of} {in_name}; it cannot be changed");
        Ok(form.draft(Subject::Schema(id), &what))
    }
}

impl Prepare for Withdraw {
    const ACTION: &'static str = "schema_withdraw";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::schema(&self.schema)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, id) = (ledger.author(&self.author)?, self.chosen(), self.schema);
        let withdraw = SchemaWithdraw { schema: id, void: self.void };
        let action = Action::SchemaWithdraw(withdraw.clone());
        let form = ledger.form_by(&author, chosen, action)?;
        schema::withdraw(ledger.view(), form.by(ledger, &author), &withdraw)?;
        let what = format!("Withdraws the schema {id} for ever; it stays readable");
        Ok(form.draft(Subject::Schema(id), &voiding(what, withdraw.void)))
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

    fn records_needed(&self) -> Vec<RecordKey> {
        let key = RecordKey::credential_type(&self.author, &self.name);
        vec![RecordKey::did(&self.author.suffix), key]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        let publish = self.payload();
        let action = Action::CredentialTypePublish(Box::new(publish.clone()));
        let form = ledger.form_by(&author, chosen, action)?;
        schema::publish_type(ledger.view(), ledger.by(&author, form.id), &publish)?;
        let (publisher, name) = (author.did, publish.name);
        let what = format!("Publishes the credential type {name} of {publisher}, as a whole");
        Ok(form.draft(Subject::CredentialType(PublishedType { publisher, name }), &what))
    }
}

impl Prepare for WithdrawType {
    const ACTION: &'static str = "credential_type_withdraw";

    fn records_needed(&self) -> Vec<RecordKey> {
        let key = RecordKey::credential_type(&self.author, &self.name);
        let void = self.operation.iter().map(RecordKey::void);
        void.chain([RecordKey::did(&self.author.suffix), key]).collect()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { guard: voided(self.operation, self.void)?, ..self.chosen() };
        let withdraw = CredentialTypeWithdraw { name: self.name, void: self.void };
        let action = Action::CredentialTypeWithdraw(withdraw.clone());
        let form = ledger.form_by(&author, chosen, action)?;
        schema::withdraw_type(ledger.view(), form.by(ledger, &author), &withdraw)?;
        let (publisher, name) = (author.did, withdraw.name);
        let what = format!("Withdraws the credential type {name} of {publisher}");
        let what = voiding(what, withdraw.void);
        Ok(form.draft(Subject::CredentialType(PublishedType { publisher, name }), &what))
    }
}
