//! Vectors of grants and recognitions (docs/protocol/trust.md).

mod forms;
mod grants;
mod guards;
mod recognitions;
mod roots;
mod signers;
mod steps;

use std::sync::LazyLock;

use registry_core::names::TrustKey;
use registry_core::operation::Action;
use registry_core::trust::{Conditions, Parent, TrustForgetRoot};

use crate::catalogue::{At, Catalogue, Guarded};
use crate::support::ledger::Ledger;
use crate::support::trust::{
    Party, change_of, derecognise, grant, parent, recognise, resume, revoke, right, suspend,
};

/// Resource that bodies are accredited for; an issuer gets a part of it.
const FIELD: &str = "degrees/*";
const DEGREE: &str = "degrees/bachelor";

struct Parties {
    authority: Party,
    /// Two accrediting bodies.
    body: Party,
    other: Party,
    issuer: Party,
    stranger: Party,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let [authority, body, other, issuer, stranger] = [30, 33, 36, 39, 42].map(Party::new);
    Parties { authority, body, other, issuer, stranger }
});

/// Returns the key of the right to issue that the only authority of these vectors grants.
fn of(resource: &str, entity: &Party) -> TrustKey {
    right(&PARTIES.authority.did, resource, &entity.id())
}

/// Returns the authority's accreditation of a body.
fn accreditation(entity: &Party, conditions: Conditions) -> Action {
    grant(&of(FIELD, entity), None, conditions)
}

/// Returns that accreditation as parent of a grant.
fn accredited() -> Option<Parent> {
    parent(FIELD, &PARTIES.authority.did)
}

/// Returns a body's grant of the degree to the issuer.
fn licence(conditions: Conditions) -> Action {
    grant(&of(DEGREE, &PARTIES.issuer), accredited(), conditions)
}

/// Returns a ledger with all parties and no grants.
fn registered() -> Ledger {
    let Parties { authority, body, other, issuer, stranger } = &*PARTIES;
    let creates = [authority, body, other, issuer, stranger].map(|party| party.create.clone());
    let mut ledger = Ledger::new();
    ledger.after(1_000, &creates);
    ledger
}

/// Adds a block in which a party performs one action.
fn then(ledger: &mut Ledger, party: &Party, action: Action) {
    let envelope = party.signs(ledger, action);
    ledger.after(1_000, &[envelope]);
}

/// Returns a ledger in which the first body is accredited under these conditions.
fn with_body(conditions: Conditions) -> Ledger {
    let mut ledger = registered();
    then(&mut ledger, &PARTIES.authority, accreditation(&PARTIES.body, conditions));
    ledger
}

/// Returns a ledger in which the first body is accredited and has licensed the issuer.
fn with_issuer(accreditation: Conditions, conditions: Conditions) -> Ledger {
    let mut ledger = with_body(accreditation);
    then(&mut ledger, &PARTIES.body, licence(conditions));
    ledger
}

/// Returns the case in which a party performs one action in the next block.
fn next<'a>(ledger: &'a Ledger, party: &Party, action: Action) -> At<'a> {
    At::new(ledger, 1_000, party.signs(ledger, action))
}

/// Returns each action of the family with the kinds of guards that it takes.
pub(crate) fn actions(authority: &Party, entity: &Party) -> Vec<Guarded> {
    let key = right(&authority.did, FIELD, &entity.id());
    let forget = TrustForgetRoot { authority: authority.did.clone() };
    vec![
        (grant(&key, None, Conditions::default()), &["absent", "parts"]),
        (change_of(&key, Conditions::default()), &["absent", "parts"]),
        (suspend(&key), &["operation"]),
        (resume(&key), &["operation"]),
        (revoke(&key), &["operation"]),
        (recognise(&key), &["absent", "parts"]),
        (derecognise(&key), &["nothing"]),
        (Action::TrustForgetRoot(forget), &["nothing"]),
    ]
}

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    grants::add(all);
    steps::add(all);
    guards::add(all);
    recognitions::add(all);
    roots::add(all);
    signers::add(all);
}
