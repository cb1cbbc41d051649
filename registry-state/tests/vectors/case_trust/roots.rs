//! Vectors of the record of roots: what a grant writes beside itself, and how control removes a
//! root.

use registry_core::code::Code;
use registry_core::limits::TRUST_ROOTS_MAX;
use registry_core::operation::{Action, Guard};
use registry_core::record::{PartId, RecordKey};
use registry_core::trust::{Conditions, TrustForgetRoot};
use registry_state::state::StateView as _;

use super::{DEGREE, FIELD, PARTIES, Parties, next, then, with_body, with_issuer};
use crate::catalogue::{At, Catalogue};
use crate::format::EncodingType;
use crate::support::cbor::Cbor;
use crate::support::ledger::Ledger;
use crate::support::seal;
use crate::support::status::{authored, seal_by_method};
use crate::support::trust::{Party, depth, grant, parent, right};

/// Returns the action that removes a party from the author's roots.
fn forget(root: &Party) -> Action {
    Action::TrustForgetRoot(TrustForgetRoot { authority: root.did.clone() })
}

/// Returns the envelope by which the body's control set removes a root in the next block.
fn by_control(ledger: &Ledger, root: &Party) -> Vec<u8> {
    let body = &PARTIES.body;
    seal(&ledger.operation(&body.did, 7, forget(root)), &[body.key])
}

pub(super) fn add(all: &mut Catalogue) {
    add_forms(all);
    add_forgotten(all);
    add_full(all);
    add_value(all);
}

fn add_forms(all: &mut Catalogue) {
    let Parties { authority, body, .. } = &*PARTIES;
    let sealed =
        |guard, root: &Party| seal(&authored(&body.did, guard, 7, forget(root)), &[body.key]);
    let rule = "A root is a DID of this network.";
    let mut elsewhere = authority.clone();
    elsewhere.did.network = "other".parse().expect("a name");
    let envelope = sealed(Guard::Nothing, &elsewhere);
    all.refused("trust_forget_root_elsewhere", rule, Code::NetworkMismatch, &envelope);
    let rule = "The control set removes a root, a method does not.";
    let envelope =
        seal_by_method(&authored(&body.did, Guard::Nothing, 7, forget(authority)), body.key);
    all.refused("trust_forget_root_by_method", rule, Code::SignatureRole, &envelope);
}

fn add_forgotten(all: &mut Catalogue) {
    let Parties { authority, body, other, stranger, .. } = &*PARTIES;
    let mut ledger = with_issuer(depth(1), Conditions::default());
    let rule = "Control removes a root.";
    let forgotten = by_control(&ledger, authority);
    all.applied_at("trust_forget_root", rule, &At::new(&ledger, 1_000, forgotten.clone()));
    let rule = "A root that is removed is in the record.";
    let at = At::new(&ledger, 1_000, by_control(&ledger, other));
    all.refused_at("trust_forget_root_of_unknown", rule, Code::TrustNotFound, &at);
    let empty = with_body(depth(1));
    let rule = "Who only holds a right has no root.";
    let at = At::new(&empty, 1_000, by_control(&empty, authority));
    all.refused_at("trust_forget_root_without_record", rule, Code::TrustNotFound, &at);
    let rule = "Only the author's control set signs.";
    let operation = ledger.operation(&body.did, 7, forget(authority));
    let at = At::new(&ledger, 1_000, seal(&operation, &[stranger.key]));
    all.refused_at("trust_forget_root_by_stranger", rule, Code::SignerNotMember, &at);
    let again = right(&authority.did, "degrees/master", &PARTIES.issuer.id());
    let again = grant(&again, super::accredited(), Conditions::default());
    ledger.after(1_000, std::slice::from_ref(&forgotten));
    let rule = "A grant under an authority that was removed makes it a root again.";
    all.applied_at("trust_grant_after_forget_root", rule, &next(&ledger, body, again.clone()));
    then(&mut ledger, body, again);
    let rule = "A removal is not replayed.";
    let at = At::new(&ledger, 1_000, forgotten);
    all.refused_at("replay_of_trust_forget_root", rule, Code::AlreadyApplied, &at);
}

/// Returns one of the authorities under which the body has granted.
fn root(number: usize) -> Party {
    Party::new(50 + u8::try_from(number).expect("small"))
}

/// Returns the body's grant under one of these authorities.
fn licence_under(number: usize) -> Action {
    let authority = root(number).did;
    let key = right(&authority, DEGREE, &PARTIES.issuer.id());
    grant(&key, parent(FIELD, &authority), Conditions::default())
}

fn add_full(all: &mut Catalogue) {
    let body = &PARTIES.body;
    let roots: Vec<Party> = (0..=TRUST_ROOTS_MAX).map(root).collect();
    let mut ledger = Ledger::new();
    let creates = roots.iter().chain([body]).map(|party| party.create.clone());
    ledger.after(1_000, &creates.collect::<Vec<_>>());
    let accreditations = roots.iter().map(|root| {
        root.signs(&ledger, grant(&right(&root.did, FIELD, &body.id()), None, depth(1)))
    });
    let accreditations: Vec<_> = accreditations.collect();
    ledger.after(1_000, &accreditations);
    let rule = "Two roots of one block make one version.";
    let first = body.signs(&ledger, licence_under(0));
    let at = next(&ledger, body, licence_under(1)).following(first);
    all.applied_at("trust_grant_of_second_root_in_one_block", rule, &at);
    let licences: Vec<_> =
        (0..TRUST_ROOTS_MAX).map(|number| body.signs(&ledger, licence_under(number))).collect();
    ledger.after(1_000, &licences);
    let rule = "A DID has at most 64 roots.";
    let at = next(&ledger, body, licence_under(TRUST_ROOTS_MAX));
    all.refused_at("trust_grant_under_65_authorities", rule, Code::TrustRootsFull, &at);
}

fn add_value(all: &mut Catalogue) {
    let ledger = with_issuer(depth(1), Conditions::default());
    let head = ledger.state.head(&RecordKey::roots(&PARTIES.body.did)).expect("a sound store");
    let head = head.expect("a record");
    let roots = head.part(PartId::WHOLE).expect("one part").value.0.clone();
    let rule = "The value of a record of roots: ascending by authority.";
    all.encoding("encoding_of_roots", rule, EncodingType::Roots, &roots, true);
    let mut item = Cbor::read(&roots);
    item.at(&["0"]).set("extra", Cbor::Uint(0));
    let rule = "An unknown member is refused, at every level.";
    all.encoding("roots_unknown_member", rule, EncodingType::Roots, &item.write(), false);
}
