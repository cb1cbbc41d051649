//! Vectors of credential types against the state: versions, their schemas and withdrawal.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::id::SchemaId;
use registry_core::operation::Guard;
use registry_core::schema::{CredentialTypePublish, SchemaPublish};
use registry_core::status::StatusPurpose;
use registry_core::trust::Assurance;

use super::{PARTIES, Parties, next, registered, then, with_schema};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::schema::{
    DEGREE, degree_schema, id_of, plain_type, publish, publish_type, schema_envelope, withdraw,
    withdraw_type,
};
use crate::support::status::{authored, seal_by_method};

/// Returns the credential type of the degree with this schema.
fn by_schema(schema: SchemaId) -> CredentialTypePublish {
    CredentialTypePublish { schema: Some(schema), ..plain_type(DEGREE) }
}

/// Returns a ledger with the schema of the degree and the credential type that uses it.
fn with_type() -> Ledger {
    let publisher = &PARTIES.publisher;
    let mut ledger = with_schema();
    let id = id_of(publisher, &degree_schema());
    then(&mut ledger, publisher, publish_type(by_schema(id)));
    ledger
}

pub(super) fn add(all: &mut Catalogue) {
    add_versions(all);
    add_schemas(all);
    add_withdrawal(all);
    add_guards(all);
}

fn add_versions(all: &mut Catalogue) {
    let Parties { publisher, other } = &*PARTIES;
    let id = id_of(publisher, &degree_schema());
    let whole = || CredentialTypePublish {
        validity_ms_max: Some(31_536_000_000),
        status_purposes: vec![StatusPurpose::Revocation, StatusPurpose::Suspension],
        assurance: Some(Assurance::Substantial),
        formats: vec!["dc+sd-jwt".to_owned(), "vc+jwt".to_owned()],
        suites: vec!["ES256".to_owned(), "eddsa-jcs-2022".to_owned()],
        ..by_schema(id)
    };
    let rule = "A DID publishes a credential type.";
    let ledger = with_schema();
    let at = next(&ledger, publisher, publish_type(whole()));
    all.applied_at("credential_type_publish", rule, &at);
    let rule = "The next version of a type is a whole one.";
    let ledger = with_type();
    let at = next(&ledger, publisher, publish_type(whole()));
    all.applied_at("credential_type_next_version", rule, &at);
    let rule = "Two publishers have each a type of one name.";
    let at = next(&ledger, other, publish_type(plain_type(DEGREE)));
    all.applied_at("credential_type_of_another", rule, &at);
    let guarded = |guard| {
        let action = publish_type(plain_type(DEGREE));
        seal_by_method(&authored(&publisher.did, guard, 8, action), publisher.key)
    };
    let rule = "A next version names the one before.";
    let at = At::new(&ledger, 1_000, guarded(Guard::Absent));
    all.refused_at("credential_type_absent_of_existing", rule, Code::AlreadyExists, &at);
    let stale = guarded(Guard::Parts(Hash([7; 32])));
    let at = At::new(&ledger, 1_000, stale.clone());
    all.refused_at("credential_type_of_other_version", rule, Code::GuardStale, &at);
    let rule = "A next version has one before.";
    let (ledger, code) = (registered(), Code::CredentialTypeNotFound);
    let at = At::new(&ledger, 1_000, stale);
    all.refused_at("credential_type_version_of_unknown", rule, code, &at);
}

fn add_schemas(all: &mut Catalogue) {
    let Parties { publisher, other } = &*PARTIES;
    let id = id_of(publisher, &degree_schema());
    let rule = "A type names another publisher's schema too.";
    let ledger = with_schema();
    let at = next(&ledger, other, publish_type(by_schema(id)));
    all.applied_at("credential_type_by_schema_of_another", rule, &at);
    let rule = "A schema that names another type does not describe this one.";
    let elsewhere = CredentialTypePublish { schema: Some(id), ..plain_type("degrees/master") };
    let at = next(&ledger, publisher, publish_type(elsewhere.clone()));
    let code = Code::CredentialTypeInvalid;
    all.refused_at("credential_type_by_schema_of_other_type", rule, code, &at);
    let rule = "The schema of a type exists.";
    let ledger = registered();
    let at = next(&ledger, publisher, publish_type(by_schema(id)));
    all.refused_at("credential_type_by_unknown_schema", rule, Code::SchemaNotFound, &at);
    let rule = "A schema that names no type describes any.";
    let mut ledger = registered();
    let untyped = SchemaPublish { credential_type: None, ..degree_schema() };
    then(&mut ledger, publisher, publish(untyped));
    let at = next(&ledger, publisher, publish_type(elsewhere.clone()));
    all.applied_at("credential_type_by_schema_without_type", rule, &at);
    let rule = "A type is published by an active schema.";
    let mut ledger = with_schema();
    then(&mut ledger, publisher, withdraw(id));
    let at = next(&ledger, publisher, publish_type(by_schema(id)));
    all.refused_at("credential_type_by_withdrawn_schema", rule, Code::SchemaStatus, &at);
    let rule = "The status of a schema goes before its type.";
    let at = next(&ledger, publisher, publish_type(elsewhere));
    all.refused_at("schema_status_before_type", rule, Code::SchemaStatus, &at);
}

fn add_withdrawal(all: &mut Catalogue) {
    let Parties { publisher, other } = &*PARTIES;
    let rule = "The publisher withdraws a type.";
    let mut ledger = with_type();
    let at = next(&ledger, publisher, withdraw_type(DEGREE));
    all.applied_at("credential_type_withdraw", rule, &at);
    let rule = "What is withdrawn is the author's own.";
    let by_other = authored(&other.did, Guard::Nothing, 7, withdraw_type(DEGREE));
    let at = At::new(&ledger, 1_000, seal_by_method(&by_other, other.key));
    let code = Code::CredentialTypeNotFound;
    all.refused_at("credential_type_withdraw_of_unknown", rule, code, &at);
    let rule = "Operations of one block on one type make one version.";
    let published = schema_envelope(&ledger, publisher, publish_type(plain_type(DEGREE)));
    let at = next(&ledger, publisher, withdraw_type(DEGREE)).following(published);
    all.applied_at("credential_type_withdraw_after_publish_in_one_block", rule, &at);
    let withdrawn = schema_envelope(&ledger, publisher, withdraw_type(DEGREE));
    let after = ledger.with(std::slice::from_ref(&withdrawn));
    let published = schema_envelope(&after, publisher, publish_type(plain_type(DEGREE)));
    let at = At::new(&ledger, 1_000, published).following(withdrawn);
    all.applied_at("credential_type_publish_after_withdraw_in_one_block", rule, &at);
    then(&mut ledger, publisher, withdraw_type(DEGREE));
    let rule = "A type is withdrawn once.";
    let at = next(&ledger, publisher, withdraw_type(DEGREE));
    all.refused_at("credential_type_withdraw_twice", rule, Code::SchemaStatus, &at);
    let rule = "A type that was withdrawn comes back with its next version.";
    let at = next(&ledger, publisher, publish_type(plain_type(DEGREE)));
    all.applied_at("credential_type_after_withdrawal", rule, &at);
}

fn add_guards(all: &mut Catalogue) {
    let publisher = &PARTIES.publisher;
    let ledger = with_type();
    let plain = || publish_type(plain_type(DEGREE));
    let signed = schema_envelope(&ledger, publisher, plain());
    let rule = "A next version is for the record as it was when it was signed.";
    let lasting = CredentialTypePublish { validity_ms_max: Some(1), ..plain_type(DEGREE) };
    for (name, step) in
        [("publish", publish_type(lasting.clone())), ("withdraw", withdraw_type(DEGREE))]
    {
        let mut later = ledger.clone();
        then(&mut later, publisher, step);
        let at = At::new(&later, 1_000, signed.clone());
        let name = format!("credential_type_stale_after_{name}");
        all.refused_at(&name, rule, Code::GuardStale, &at);
    }
    let rule = "A withdrawal is for whatever version stands there.";
    let stop = schema_envelope(&ledger, publisher, withdraw_type(DEGREE));
    let mut later = ledger.clone();
    then(&mut later, publisher, publish_type(lasting));
    let at = At::new(&later, 1_000, stop.clone());
    all.applied_at("credential_type_withdraw_signed_before_next_version", rule, &at);
    let rule = "An operation that applies once is among the seen until its last block time.";
    let mut back = ledger;
    back.after(1_000, std::slice::from_ref(&stop));
    then(&mut back, publisher, plain());
    let at = At::new(&back, 1_000, stop);
    all.refused_at("replay_of_credential_type_withdraw", rule, Code::AlreadyApplied, &at);
}
