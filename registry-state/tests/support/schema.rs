//! Schemas, credential types and the operations on them.

use registry_core::id::{Did, SchemaId};
use registry_core::operation::{Action, Operation};
use registry_core::record::RecordKey;
use registry_core::schema::{
    CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw,
};

use super::ledger::Ledger;
use super::status::seal_by_method;
use super::trust::Party;

/// Name of the fixtures' credential type.
pub(crate) const DEGREE: &str = "degrees/bachelor";

/// Returns a JSON schema with these members after `$schema`; each member starts with a comma.
pub(crate) fn content(members: &str) -> String {
    format!(r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema"{members}}}"#)
}

/// Returns a schema of the degree that supersedes no other.
pub(crate) fn degree_schema() -> SchemaPublish {
    let content = content(r#","type":"object","required":["degree"]"#);
    let credential_type = Some(DEGREE.parse().expect("a name"));
    SchemaPublish { content, credential_type, supersedes: None }
}

pub(crate) fn id_of(publisher: &Party, schema: &SchemaPublish) -> SchemaId {
    SchemaId::of_content(&publisher.did, &schema.content)
}

/// Returns a credential type without any requirement.
pub(crate) fn plain_type(name: &str) -> CredentialTypePublish {
    CredentialTypePublish {
        name: name.parse().expect("a name"),
        schema: None,
        validity_ms_max: None,
        status_purposes: Vec::new(),
        assurance: None,
        formats: Vec::new(),
        suites: Vec::new(),
    }
}

pub(crate) fn publish(schema: SchemaPublish) -> Action {
    Action::SchemaPublish(Box::new(schema))
}

pub(crate) fn withdraw(schema: SchemaId) -> Action {
    Action::SchemaWithdraw(SchemaWithdraw { schema, void: false })
}

/// Returns the withdrawal that declares a schema void.
pub(crate) fn void(schema: SchemaId) -> Action {
    Action::SchemaWithdraw(SchemaWithdraw { schema, void: true })
}

pub(crate) fn publish_type(found: CredentialTypePublish) -> Action {
    Action::CredentialTypePublish(Box::new(found))
}

pub(crate) fn withdraw_type(name: &str) -> Action {
    let name = name.parse().expect("a name");
    Action::CredentialTypeWithdraw(CredentialTypeWithdraw { name, void: false })
}

/// Returns the withdrawal that declares a version of a credential type void.
pub(crate) fn void_type(name: &str) -> Action {
    let name = name.parse().expect("a name");
    Action::CredentialTypeWithdraw(CredentialTypeWithdraw { name, void: true })
}

/// Returns the key of the record that an action of this module writes.
pub(crate) fn schema_record(author: &Did, action: &Action) -> RecordKey {
    match action {
        Action::SchemaPublish(publish) => {
            RecordKey::schema(&SchemaId::of_content(author, &publish.content))
        }
        Action::SchemaWithdraw(withdraw) => RecordKey::schema(&withdraw.schema),
        Action::CredentialTypePublish(publish) => RecordKey::credential_type(author, &publish.name),
        Action::CredentialTypeWithdraw(withdraw) => {
            RecordKey::credential_type(author, &withdraw.name)
        }
        other => panic!("{other:?} is about no schema"),
    }
}

/// Returns an operation that fits the present state.
pub(crate) fn schema_operation(ledger: &Ledger, author: &Did, action: Action) -> Operation {
    ledger.operation(author, 7, action)
}

/// Returns the envelope of a party's action on the newest version.
pub(crate) fn schema_envelope(ledger: &Ledger, author: &Party, action: Action) -> Vec<u8> {
    seal_by_method(&schema_operation(ledger, &author.did, action), author.key)
}
