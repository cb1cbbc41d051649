//! Vectors of recognitions, and of the bytes of grant and recognition records.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard};
use registry_core::record::{PartId, RecordKey};
use registry_core::trust::{Checkpoint, Conditions};
use registry_state::state::StateView as _;

use super::{DEGREE, FIELD, PARTIES, next, of, registered, then, with_issuer};
use crate::catalogue::{At, Catalogue};
use crate::format::EncodingType;
use crate::support::cbor::Cbor;
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::status::{authored, seal_by_method};
use crate::support::trust::{depth, derecognise, grant, recognise, recognition, right, suspend};

/// Returns the key of a recognition of another network's authority.
fn foreign() -> TrustKey {
    let entity = PARTIES.other.id().replace(":local:", ":other:");
    right(&PARTIES.authority.did, FIELD, &entity)
}

fn with_network() -> Action {
    let [chain, header, validators] = [1, 2, 3].map(|byte| Hash([byte; 32]));
    let network = Some(Checkpoint { chain, height: 9, header, validators });
    Action::TrustRecognise(Box::new(registry_core::trust::TrustRecognise {
        network,
        ..recognition(&foreign())
    }))
}

pub(super) fn add(all: &mut Catalogue) {
    add_recognitions(all);
    add_refused(all);
    add_values(all);
}

fn add_recognitions(all: &mut Catalogue) {
    let (authority, key) = (&PARTIES.authority, of(FIELD, &PARTIES.other));
    let empty = registered();
    let rule = "An authority recognises another.";
    all.applied_at("trust_recognise", rule, &next(&empty, authority, recognise(&key)));
    let rule = "An authority of another network is recognised by a checkpoint of it.";
    all.applied_at("trust_recognise_network", rule, &next(&empty, authority, with_network()));
    let mut ledger = registered();
    then(&mut ledger, authority, recognise(&key));
    let mut other = recognition(&key);
    (other.valid_from, other.valid_until) = (Some(GENESIS_MS), Some(GENESIS_MS + 1));
    let other = Action::TrustRecognise(Box::new(other));
    let rule = "A recognition replaces the one before.";
    all.applied_at("trust_recognise_again", rule, &next(&ledger, authority, other.clone()));
    let rule = "An authority takes a recognition back.";
    all.applied_at("trust_derecognise", rule, &next(&ledger, authority, derecognise(&key)));
    then(&mut ledger, authority, derecognise(&key));
    let rule = "A recognition that was withdrawn is given again.";
    all.applied_at("trust_recognise_after_derecognise", rule, &next(&ledger, authority, other));
    let rule = "A recognition is withdrawn once.";
    let at = next(&ledger, authority, derecognise(&key));
    all.refused_at("trust_derecognise_twice", rule, Code::TrustStatus, &at);
    let rule = "A grant and a recognition of one key are two records.";
    let at = next(&ledger, authority, grant(&key, None, Conditions::default()));
    all.applied_at("trust_grant_beside_recognition", rule, &at);
}

fn add_refused(all: &mut Catalogue) {
    let key = of(FIELD, &PARTIES.other);
    let (absent, nothing) = (Guard::Absent, Guard::Nothing);
    let sealed = |party: &super::Party, guard, action| {
        seal_by_method(&authored(&party.did, guard, 7, action), party.key)
    };
    let rule = "A recognition is by its authority.";
    let code = Code::AuthorMismatch;
    let envelope = sealed(&PARTIES.body, absent, recognise(&key));
    all.refused("trust_recognise_by_other", rule, code, &envelope);
    let envelope = sealed(&PARTIES.body, nothing, derecognise(&key));
    all.refused("trust_derecognise_by_other", rule, code, &envelope);
    let rule = "A window begins before it ends.";
    let mut never = recognition(&key);
    (never.valid_from, never.valid_until) = (Some(GENESIS_MS), Some(GENESIS_MS));
    let never = Action::TrustRecognise(Box::new(never));
    let envelope = sealed(&PARTIES.authority, absent, never);
    all.refused("trust_recognise_for_no_time", rule, Code::TrustConditions, &envelope);
    let rule = "Terms are an http or https URI.";
    let mut terms = recognition(&key);
    terms.terms = Some("did:web:example.org".to_owned());
    let terms = Action::TrustRecognise(Box::new(terms));
    let envelope = sealed(&PARTIES.authority, absent, terms);
    all.refused("trust_recognise_terms_by_did", rule, Code::TrustConditions, &envelope);
    let empty = registered();
    let rule = "The recognition exists.";
    let at = At::new(&empty, 1_000, sealed(&PARTIES.authority, nothing, derecognise(&key)));
    all.refused_at("trust_derecognise_of_unknown", rule, Code::TrustNotFound, &at);
    let mut ledger = registered();
    then(&mut ledger, &PARTIES.authority, recognise(&key));
    let rule = "Absent is for an entity that was not recognised yet.";
    let at = At::new(&ledger, 1_000, sealed(&PARTIES.authority, absent, with_terms(&key)));
    all.refused_at("trust_recognise_absent_of_existing", rule, Code::AlreadyExists, &at);
    let rule = "A recognition names the one that it replaces.";
    let other = Guard::Parts(Hash([7; 32]));
    let at = At::new(&ledger, 1_000, sealed(&PARTIES.authority, other, with_terms(&key)));
    all.refused_at("trust_recognise_of_other_version", rule, Code::GuardStale, &at);
    let rule = "A recognition that replaces another has one before it.";
    let at = At::new(&empty, 1_000, sealed(&PARTIES.authority, other, with_terms(&key)));
    all.refused_at("trust_recognise_version_of_unknown", rule, Code::TrustNotFound, &at);
}

/// Returns a recognition with other terms than that of [`recognise`].
fn with_terms(key: &TrustKey) -> Action {
    let mut terms = recognition(key);
    terms.terms = Some("https://example.org/terms".to_owned());
    Action::TrustRecognise(Box::new(terms))
}

fn value(ledger: &Ledger, key: &RecordKey, part: PartId) -> Vec<u8> {
    let head = ledger.state.head(key).expect("a sound store").expect("a record");
    head.part(part).expect("a part that the record has").value.0.clone()
}

fn add_values(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let mut ledger = with_issuer(depth(1), Conditions::default());
    then(&mut ledger, &PARTIES.authority, grant(&key, None, depth(2)));
    then(&mut ledger, &PARTIES.body, suspend(&key));
    let right = value(&ledger, &RecordKey::grant(&key), PartId::RIGHT);
    let rule = "The part of a record of grants that says which right it is about.";
    all.encoding("encoding_of_right", rule, EncodingType::Right, &right, true);
    let [own, first, ..] = PartId::SLOTS;
    let rule = "The part that holds the authority's own grant.";
    let by_authority = value(&ledger, &RecordKey::grant(&key), own);
    all.encoding("encoding_of_grant_by_authority", rule, EncodingType::Grant, &by_authority, true);
    let grant = value(&ledger, &RecordKey::grant(&key), first);
    let rule = "The part that holds a grant of another, which names parent and suspension.";
    all.encoding("encoding_of_grant_suspended", rule, EncodingType::Grant, &grant, true);
    let mut edited = |name: &str, rule: &str, edit: &dyn Fn(&mut Cbor)| {
        let mut item = Cbor::read(&grant);
        edit(&mut item);
        all.encoding(name, rule, EncodingType::Grant, &item.write(), false);
    };
    let rule = "An unknown member is refused, at every level.";
    edited("grant_unknown_member", rule, &|item| item.set("extra", Cbor::Uint(0)));
    edited("grant_parent_unknown_member", rule, &|item| {
        item.at(&["parent"]).set("extra", Cbor::Uint(0));
    });
    let rule = "A status is active, suspended or revoked.";
    edited("grant_status_unknown", rule, &|item| item.set("status", Cbor::text("ended")));
    let rule = "Block times stand beside the value, not in it.";
    edited("grant_with_confirmed", rule, &|item| item.set("confirmed", Cbor::Uint(1)));
    let rule = "A grant names the operation that made it.";
    edited("grant_without_made", rule, &|item| item.remove("made"));
    let rule = "A parent is named by the operation that made it.";
    edited("grant_parent_without_made", rule, &|item| item.at(&["parent"]).remove("made"));
    let mut ledger = registered();
    then(&mut ledger, &PARTIES.authority, with_network());
    let of = EncodingType::Recognition;
    let standing = value(&ledger, &RecordKey::recognition(&foreign()), PartId::WHOLE);
    let rule = "The value of a recognition's record.";
    all.encoding("encoding_of_recognition", rule, of, &standing, true);
    then(&mut ledger, &PARTIES.authority, derecognise(&foreign()));
    let withdrawn = value(&ledger, &RecordKey::recognition(&foreign()), PartId::WHOLE);
    let rule = "What is absent is not written, withdrawn is written as true.";
    all.encoding("encoding_of_recognition_withdrawn", rule, of, &withdrawn, true);
    let mut item = Cbor::read(&standing);
    item.set("withdrawn", Cbor::Raw(vec![0xf4]));
    all.encoding("recognition_with_withdrawn_false", rule, of, &item.write(), false);
}
