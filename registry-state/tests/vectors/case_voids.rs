//! Vectors of voids (docs/protocol/records.md, section "Voids"): of grants, delegations,
//! recognitions, schemas and versions of credential types.

use std::sync::LazyLock;

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::limits::VOID_MS_MAX;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::{PartId, RecordKey};
use registry_core::trust::{Conditions, GrantStatus};
use registry_state::state::StateView as _;

use crate::catalogue::{At, Catalogue};
use crate::format::EncodingType;
use crate::support::agent::{self, as_author, as_consent, delegate, seal_with, terms};
use crate::support::cbor::Cbor;
use crate::support::ledger::Ledger;
use crate::support::recorded::id_of;
use crate::support::schema::{
    DEGREE, degree_schema, id_of as schema_id_of, plain_type, publish, publish_type,
    void as void_schema, void_type, withdraw, withdraw_type,
};
use crate::support::seal_body;
use crate::support::status::{authored, seal_by_method};
use crate::support::trust::{
    Party, derecognise, grant, recognise, revoke, right, suspend, void, void_recognition,
};

/// False in CBOR.
const FALSE: u8 = 0xf4;

struct Parties {
    authority: Party,
    agent: Party,
    other: Party,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let [authority, agent, other] = [30, 33, 36].map(Party::new);
    Parties { authority, agent, other }
});

fn registered() -> Ledger {
    let Parties { authority, agent, other } = &*PARTIES;
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[authority, agent, other].map(|party| party.create.clone()));
    ledger
}

fn key() -> TrustKey {
    right(&PARTIES.authority.did, DEGREE, "did:web:crook.example")
}

/// A thing that the authority makes, and the actions that end, void and replace it.
struct Thing {
    /// Name in the names of vectors.
    name: &'static str,
    makes: Action,
    ends: Action,
    voids: Action,
    /// The action that takes the place of the thing once it has ended; `None` if none can.
    replaces: Option<Action>,
    /// Refusal of who voids what another made.
    of_another: Code,
    /// Refusal of who voids what nobody made.
    of_nothing: Code,
}

fn things() -> [Thing; 5] {
    let Parties { authority, agent, .. } = &*PARTIES;
    let schema = schema_id_of(authority, &degree_schema());
    let granted = grant(&key(), None, Conditions::default());
    let kind = || publish_type(plain_type(DEGREE));
    [
        Thing {
            name: "grant",
            makes: granted.clone(),
            ends: revoke(&key()),
            voids: void(&key()),
            replaces: Some(granted),
            of_another: Code::TrustNotFound,
            of_nothing: Code::TrustNotFound,
        },
        Thing {
            name: "delegation",
            makes: delegate(terms(agent)),
            ends: agent::revoke(agent),
            voids: agent::void(agent),
            replaces: Some(delegate(terms(agent))),
            of_another: Code::AgentNotFound,
            of_nothing: Code::AgentNotFound,
        },
        Thing {
            name: "recognition",
            makes: recognise(&key()),
            ends: derecognise(&key()),
            voids: void_recognition(&key()),
            replaces: Some(recognise(&key())),
            of_another: Code::AuthorMismatch,
            of_nothing: Code::TrustNotFound,
        },
        Thing {
            name: "schema",
            makes: publish(degree_schema()),
            ends: withdraw(schema),
            voids: void_schema(schema),
            replaces: None,
            of_another: Code::SchemaNotAllowed,
            of_nothing: Code::SchemaNotFound,
        },
        Thing {
            name: "type",
            makes: kind(),
            ends: withdraw_type(DEGREE),
            voids: void_type(DEGREE),
            replaces: Some(kind()),
            of_another: Code::CredentialTypeNotFound,
            of_nothing: Code::CredentialTypeNotFound,
        },
    ]
}

/// Returns the envelope of an action of the authority by its method, with the agent's consent where
/// the action needs it.
fn signed(ledger: &Ledger, number: u8, action: Action) -> Vec<u8> {
    let Parties { authority, agent, .. } = &*PARTIES;
    let operation = ledger.operation(&authority.did, number, action);
    seal_with(&operation, |id| {
        let consent = operation.action.consents().map(|_| as_consent(agent, id));
        consent.into_iter().chain([as_author(authority, id)]).collect()
    })
}

/// Adds a block with an action of the authority, and returns the operation.
fn then(ledger: &mut Ledger, number: u8, action: Action) -> Hash {
    let envelope = signed(ledger, number, action);
    let id = id_of(&envelope);
    ledger.after(1_000, &[envelope]);
    id
}

pub(crate) fn add(all: &mut Catalogue) {
    for thing in things() {
        add_declared(all, &thing);
        add_refused(all, &thing);
        add_forms(all, &thing);
        add_replaced(all, &thing);
    }
    add_together(all);
    add_values(all);
}

fn add_declared(all: &mut Catalogue, thing: &Thing) {
    let (authority, name) = (&PARTIES.authority, thing.name);
    let mut ledger = registered();
    let made = then(&mut ledger, 1, thing.makes.clone());
    let since = ledger.head.time;
    let undo = authority.voids(made, thing.voids.clone());
    let rule = "The control set that made a thing declares that it never was.";
    all.applied_at(&format!("void_of_{name}"), rule, &At::new(&ledger, 1_000, undo.clone()));
    let rule = "A thing is voided until 30 days after its making.";
    let at = At::new(&ledger, since + VOID_MS_MAX - ledger.head.time, undo.clone());
    all.applied_at(&format!("void_of_{name}_after_30_days"), rule, &at);
    let rule = "A thing is not voided later than 30 days after its making.";
    let at = At::new(&ledger, since + VOID_MS_MAX + 1 - ledger.head.time, undo.clone());
    let late = format!("void_of_{name}_later_than_30_days");
    all.refused_at(&late, rule, Code::VoidTooLate, &at);
    let mut ended = ledger.clone();
    then(&mut ended, 2, thing.ends.clone());
    let rule = "What has ended already can still be voided.";
    let at = At::new(&ended, 1_000, undo.clone());
    all.applied_at(&format!("void_of_ended_{name}"), rule, &at);
    ledger.after(1_000, std::slice::from_ref(&undo));
    let rule = "A void is final, so there is no second one.";
    let operation = authored(&authority.did, Guard::Operation(made), 9, thing.voids.clone());
    let again = seal_body(operation.body(), Role::Control, &[authority.key]);
    let at = At::new(&ledger, 1_000, again);
    all.refused_at(&format!("void_of_void_{name}"), rule, Code::VoidedAlready, &at);
    let rule = "A void is not replayed.";
    let at = At::new(&ledger, 1_000, undo);
    all.refused_at(&format!("replay_of_void_of_{name}"), rule, Code::AlreadyApplied, &at);
}

fn add_refused(all: &mut Catalogue, thing: &Thing) {
    let (Parties { authority, other, .. }, name) = (&*PARTIES, thing.name);
    let mut ledger = registered();
    let made = then(&mut ledger, 1, thing.makes.clone());
    let rule = "Only who made a thing voids it.";
    let envelope = other.voids(made, thing.voids.clone());
    let stranger = format!("void_of_{name}_by_another");
    all.refused_at(&stranger, rule, thing.of_another, &At::new(&ledger, 1_000, envelope));
    let rule = "A void names the operation that made the thing.";
    let envelope = authority.voids(Hash([9; 32]), thing.voids.clone());
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at(&format!("void_of_{name}_by_wrong_name"), rule, thing.of_nothing, &at);
}

fn add_forms(all: &mut Catalogue, thing: &Thing) {
    let (authority, name) = (&PARTIES.authority, thing.name);
    let made = Guard::Operation(Hash([9; 32]));
    let operation = authored(&authority.did, made, 7, thing.voids.clone());
    let rule = "No method signs a void.";
    let envelope = seal_by_method(&operation, authority.key);
    let by_method = format!("void_of_{name}_by_method");
    all.refused(&by_method, rule, Code::VoidNeedsControl, &envelope);
    let rule = "The guard of a void names an operation.";
    for (guard, word) in [(Guard::Nothing, "nothing"), (Guard::Absent, "absent")] {
        let operation = authored(&authority.did, guard, 7, thing.voids.clone());
        let envelope = seal_body(operation.body(), Role::Control, &[authority.key]);
        let case = format!("void_of_{name}_with_guard_{word}");
        all.refused(&case, rule, Code::GuardKind, &envelope);
    }
    let rule = "What is not voided has no member void.";
    let plain = authored(&authority.did, Guard::Nothing, 7, thing.ends.clone());
    let mut body = Cbor::read(&plain.body());
    body.at(&["action", plain.action.facts().name]).set("void", Cbor::Raw(vec![FALSE]));
    let envelope = seal_body(body.write(), Role::Control, &[authority.key]);
    let case = format!("void_of_{name}_false");
    all.refused(&case, rule, Code::OperationMalformed, &envelope);
}

fn add_replaced(all: &mut Catalogue, thing: &Thing) {
    let Some(replaces) = &thing.replaces else { return };
    let (authority, name) = (&PARTIES.authority, thing.name);
    let mut ledger = registered();
    let made = then(&mut ledger, 1, thing.makes.clone());
    let since = ledger.head.time;
    then(&mut ledger, 2, thing.ends.clone());
    let rule = "What takes the place of a thing leaves the thing voidable.";
    let again = signed(&ledger, 3, replaces.clone());
    let at = At::new(&ledger, 1_000, again.clone());
    all.applied_at(&format!("void_stays_open_for_replaced_{name}"), rule, &at);
    ledger.after(1_000, &[again]);
    let undo = authority.voids(made, thing.voids.clone());
    let rule = "A thing that has left its place is voided by its name.";
    let at = At::new(&ledger, 1_000, undo.clone());
    all.applied_at(&format!("void_of_replaced_{name}"), rule, &at);
    let rule = "What took its place does not extend the 30 days.";
    let at = At::new(&ledger, since + VOID_MS_MAX + 1 - ledger.head.time, undo);
    let late = format!("void_of_replaced_{name}_later_than_30_days");
    all.refused_at(&late, rule, Code::VoidTooLate, &at);
}

fn add_together(all: &mut Catalogue) {
    let (authority, key) = (&PARTIES.authority, key());
    let granted = grant(&key, None, Conditions::default());
    let mut ledger = registered();
    let first = signed(&ledger, 1, granted.clone());
    let rule = "A grant is voided in the block that made it.";
    let undo = authority.voids(id_of(&first), void(&key));
    let at = At::new(&ledger, 1_000, undo.clone()).following(first.clone());
    all.applied_at("void_of_grant_in_the_block_of_its_making", rule, &at);
    let made = id_of(&first);
    ledger.after(1_000, &[first]);
    let mut suspended = ledger.clone();
    then(&mut suspended, 2, suspend(&key));
    let rule = "A suspended grant is voided too.";
    let at = At::new(&suspended, 1_000, authority.voids(made, void(&key)));
    all.applied_at("void_of_suspended_grant", rule, &at);
    ledger.after(1_000, &[undo]);
    let rule = "A new grant may follow a void one.";
    let at = At::new(&ledger, 1_000, signed(&ledger, 3, granted));
    all.applied_at("trust_grant_after_void", rule, &at);
    let grants = ledger.state.head(&RecordKey::grant(&key)).expect("a sound store");
    let grants: registry_core::trust::Grants = grants.expect("a record").value().expect("grants");
    assert!(grants.all().iter().all(|grant| grant.status == GrantStatus::Revoked));
}

fn add_values(all: &mut Catalogue) {
    let mut ledger = registered();
    let made = then(&mut ledger, 1, grant(&key(), None, Conditions::default()));
    then(&mut ledger, 2, revoke(&key()));
    then(&mut ledger, 3, grant(&key(), None, Conditions::default()));
    let value = |ledger: &Ledger| {
        let head = ledger.state.head(&RecordKey::void(&made)).expect("a sound store");
        head.expect("a record").part(PartId::WHOLE).expect("one part").value.0.clone()
    };
    let rule = "The value of a record of kind void: of a grant that has left its place.";
    let left = value(&ledger);
    all.encoding("encoding_of_void_of_replaced", rule, EncodingType::Void, &left, true);
    ledger.after(1_000, &[PARTIES.authority.voids(made, void(&key()))]);
    let rule = "The value of a record of kind void: of a grant that was voided.";
    let voided = value(&ledger);
    all.encoding("encoding_of_void", rule, EncodingType::Void, &voided, true);
    let mut more = Cbor::read(&voided);
    more.set("extra", Cbor::Uint(0));
    let rule = "An unknown member is refused, at every level.";
    all.encoding("void_unknown_member", rule, EncodingType::Void, &more.write(), false);
}
