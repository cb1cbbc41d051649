//! Vectors of schemas against the state: publishing, superseding and withdrawal.

use registry_core::code::Code;
use registry_core::operation::Guard;
use registry_core::schema::SchemaPublish;

use super::{PARTIES, Parties, next, registered, then, with_schema};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::schema::{
    content, degree_schema, id_of, publish, schema_envelope, schema_operation, withdraw,
};
use crate::support::status::{authored, seal_by_method};

/// Returns a second schema, which supersedes the first.
fn successor() -> SchemaPublish {
    let supersedes = Some(id_of(&PARTIES.publisher, &degree_schema()));
    SchemaPublish { content: content(r#","title":"second""#), supersedes, ..degree_schema() }
}

/// Returns a ledger in which the schema of the degree is withdrawn.
fn withdrawn() -> Ledger {
    let publisher = &PARTIES.publisher;
    let mut ledger = with_schema();
    then(&mut ledger, publisher, withdraw(id_of(publisher, &degree_schema())));
    ledger
}

pub(super) fn add(all: &mut Catalogue) {
    add_publishing(all);
    add_succession(all);
    add_withdrawal(all);
    add_guards(all);
}

fn add_publishing(all: &mut Catalogue) {
    let Parties { publisher, other } = &*PARTIES;
    let ledger = registered();
    let rule = "A DID publishes a schema, whose id follows from both.";
    let at = next(&ledger, publisher, publish(degree_schema()));
    all.applied_at("schema_publish", rule, &at);
    let rule = "A schema may name no type.";
    let untyped = SchemaPublish { credential_type: None, ..degree_schema() };
    all.applied_at("schema_without_type", rule, &next(&ledger, publisher, publish(untyped)));
    let ledger = with_schema();
    let rule = "Another publisher of one content has a schema of its own.";
    let at = next(&ledger, other, publish(degree_schema()));
    all.applied_at("schema_of_same_content_by_another", rule, &at);
    let rule = "A publisher publishes one content once.";
    let again = authored(&publisher.did, Guard::Absent, 8, publish(degree_schema()));
    let again = seal_by_method(&again, publisher.key);
    let at = At::new(&ledger, 1_000, again.clone());
    all.refused_at("schema_publish_twice", rule, Code::AlreadyExists, &at);
    let rule = "A content that was withdrawn does not come back.";
    let ledger = withdrawn();
    let at = At::new(&ledger, 1_000, again);
    all.refused_at("schema_publish_of_withdrawn", rule, Code::AlreadyExists, &at);
    let rule = "A publisher that is deactivated publishes no more.";
    let mut ledger = registered();
    let end = publisher.deactivating(&ledger);
    ledger.after(1_000, &[end]);
    let at = next(&ledger, publisher, publish(degree_schema()));
    all.refused_at("schema_publish_deactivated", rule, Code::DidDeactivated, &at);
    let rule = "Another's key does not sign for the publisher.";
    let ledger = registered();
    let operation = schema_operation(&ledger, &publisher.did, publish(degree_schema()));
    let at = At::new(&ledger, 1_000, seal_by_method(&operation, other.key));
    all.refused_at("schema_publish_by_other_key", rule, Code::MethodNotFound, &at);
}

fn add_succession(all: &mut Catalogue) {
    let Parties { publisher, other } = &*PARTIES;
    let rule = "A schema takes the place of an earlier one, withdrawn or not.";
    for (name, ledger) in
        [("schema_supersedes", with_schema()), ("schema_supersedes_withdrawn", withdrawn())]
    {
        all.applied_at(name, rule, &next(&ledger, publisher, publish(successor())));
    }
    let rule = "What a schema takes the place of exists.";
    let ledger = registered();
    let at = next(&ledger, publisher, publish(successor()));
    all.refused_at("schema_supersedes_unknown", rule, Code::SchemaNotFound, &at);
    let rule = "A schema takes the place of none of another publisher.";
    let ledger = with_schema();
    let at = next(&ledger, other, publish(successor()));
    all.refused_at("schema_supersedes_of_another", rule, Code::SchemaNotAllowed, &at);
}

fn add_withdrawal(all: &mut Catalogue) {
    let Parties { publisher, other } = &*PARTIES;
    let id = id_of(publisher, &degree_schema());
    let ledger = with_schema();
    let rule = "The publisher withdraws a schema.";
    all.applied_at("schema_withdraw", rule, &next(&ledger, publisher, withdraw(id)));
    let rule = "Nobody else withdraws a schema.";
    let at = next(&ledger, other, withdraw(id));
    all.refused_at("schema_withdraw_by_another", rule, Code::SchemaNotAllowed, &at);
    let rule = "A schema is withdrawn once.";
    let ledger = withdrawn();
    let at = next(&ledger, publisher, withdraw(id));
    all.refused_at("schema_withdraw_twice", rule, Code::SchemaStatus, &at);
    let rule = "Whose a schema is goes before its status.";
    let at = next(&ledger, other, withdraw(id));
    all.refused_at("schema_allowed_before_status", rule, Code::SchemaNotAllowed, &at);
}

fn add_guards(all: &mut Catalogue) {
    let publisher = &PARTIES.publisher;
    let id = id_of(publisher, &degree_schema());
    let rule = "What is withdrawn is published.";
    let empty = registered();
    let at = next(&empty, publisher, withdraw(id));
    all.refused_at("schema_withdraw_of_unknown", rule, Code::SchemaNotFound, &at);
    let rule = "An operation is applied once.";
    let ledger = with_schema();
    let envelope = schema_envelope(&registered(), publisher, publish(degree_schema()));
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at("schema_publish_replayed", rule, Code::AlreadyApplied, &at);
    let rule = "An operation that applies once is among the seen until its last block time.";
    let stop = schema_envelope(&ledger, publisher, withdraw(id));
    let mut withdrawn = ledger.clone();
    withdrawn.after(1_000, std::slice::from_ref(&stop));
    let at = At::new(&withdrawn, 1_000, stop);
    all.refused_at("replay_of_schema_withdraw", rule, Code::AlreadyApplied, &at);
    let rule = "A schema that is published in a block is withdrawn in it.";
    let made = schema_envelope(&empty, publisher, publish(degree_schema()));
    let at = next(&empty, publisher, withdraw(id)).following(made);
    all.applied_at("schema_withdraw_in_the_block_of_its_publish", rule, &at);
}
