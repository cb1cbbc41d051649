//! Grants and recognitions (docs/protocol/trust.md).

mod forms;
mod grants;
mod recognitions;
mod signers;
mod steps;

use std::sync::LazyLock;

use registry_core::names::TrustKey;
use registry_core::operation::Action;
use registry_core::trust::{Conditions, Parent};

use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::trust::{Party, grant, parent, right};

/// What is accredited, and what an issuer gets of it.
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

/// The right to issue, by the one authority here.
fn of(resource: &str, entity: &Party) -> TrustKey {
    right(&PARTIES.authority.did, resource, &entity.id())
}

/// The authority's accreditation of a body.
fn accreditation(entity: &Party, conditions: Conditions) -> Action {
    grant(&of(FIELD, entity), None, conditions)
}

/// That accreditation as parent.
fn accredited() -> Option<Parent> {
    parent(FIELD, &PARTIES.authority.did)
}

/// A body's grant of the degree to the issuer.
fn licence(conditions: Conditions) -> Action {
    grant(&of(DEGREE, &PARTIES.issuer), accredited(), conditions)
}

/// All parties, and no grants.
fn registered() -> Ledger {
    let Parties { authority, body, other, issuer, stranger } = &*PARTIES;
    let creates = [authority, body, other, issuer, stranger].map(|party| party.create.clone());
    let mut ledger = Ledger::new();
    ledger.after(1_000, &creates);
    ledger
}

/// A block in which one party does one thing.
fn then(ledger: &mut Ledger, party: &Party, action: Action) {
    let envelope = party.signs(ledger, action);
    ledger.after(1_000, &[envelope]);
}

/// The first body accredited under these conditions.
fn with_body(conditions: Conditions) -> Ledger {
    let mut ledger = registered();
    then(&mut ledger, &PARTIES.authority, accreditation(&PARTIES.body, conditions));
    ledger
}

/// And the issuer licensed by it.
fn with_issuer(accreditation: Conditions, conditions: Conditions) -> Ledger {
    let mut ledger = with_body(accreditation);
    then(&mut ledger, &PARTIES.body, licence(conditions));
    ledger
}

/// One thing by one party in the next block.
fn next<'a>(ledger: &'a Ledger, party: &Party, action: Action) -> At<'a> {
    At::new(ledger, 1_000, party.signs(ledger, action))
}

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    grants::add(all);
    steps::add(all);
    recognitions::add(all);
    signers::add(all);
}
