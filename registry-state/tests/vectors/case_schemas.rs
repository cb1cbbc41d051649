//! Vectors of schemas and credential types (docs/protocol/schemas.md).

mod forms;
mod steps;
mod types;

use std::sync::LazyLock;

use registry_core::operation::Action;

use crate::catalogue::{At, Catalogue, Guarded};
use crate::support::ledger::Ledger;
use crate::support::schema::{
    DEGREE, degree_schema, id_of, plain_type, publish, publish_type, schema_envelope, withdraw,
    withdraw_type,
};
use crate::support::trust::Party;

struct Parties {
    publisher: Party,
    other: Party,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let [publisher, other] = [50, 53].map(Party::new);
    Parties { publisher, other }
});

/// Returns a ledger with both parties and no schema.
fn registered() -> Ledger {
    let Parties { publisher, other } = &*PARTIES;
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[publisher.create.clone(), other.create.clone()]);
    ledger
}

/// Adds a block in which a party performs one action.
fn then(ledger: &mut Ledger, author: &Party, action: Action) {
    let envelope = schema_envelope(ledger, author, action);
    ledger.after(1_000, &[envelope]);
}

/// Returns the case in which a party performs one action in the next block.
fn next<'a>(ledger: &'a Ledger, author: &Party, action: Action) -> At<'a> {
    At::new(ledger, 1_000, schema_envelope(ledger, author, action))
}

/// Returns a ledger in which the publisher has published the schema of the degree.
fn with_schema() -> Ledger {
    let mut ledger = registered();
    then(&mut ledger, &PARTIES.publisher, publish(degree_schema()));
    ledger
}

/// Returns each action of the family with the kinds of guards that it takes.
pub(crate) fn actions(author: &Party) -> Vec<Guarded> {
    let id = id_of(author, &degree_schema());
    vec![
        (publish(degree_schema()), &["absent"]),
        (withdraw(id), &["nothing"]),
        (publish_type(plain_type(DEGREE)), &["absent", "parts"]),
        (withdraw_type(DEGREE), &["nothing"]),
    ]
}

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    steps::add(all);
    types::add(all);
}
