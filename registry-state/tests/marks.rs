//! Rules of marked keys over real blocks (docs/protocol/operations.md, section "Marked keys").

mod support;

use registry_core::code::Code;
use registry_core::codec::encode;
use registry_core::did::document::{KeyCodec, KeyIdentity, Multikey};
use registry_core::did::{DidValue, Document, Mark, Marks};
use registry_core::limits::{DID_MARKS_MAX, DID_MARKS_SENIOR_MAX};
use registry_core::operation::Action;
use registry_core::record::PartId;
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use support::ledger::Ledger;
use support::trust::Party;
use support::{
    DELAY_MS, ed, k256, p256, recover_with, reveal, roll, rotate, rotate_with, seal, single, update,
};

fn owner() -> Party {
    Party::with_document(10, Document::default())
}

fn time(second: u64) -> TimeMs {
    TimeMs(second * 1_000)
}

/// A document whose methods are these keys, each with the second from which it is revoked.
fn document(methods: &[(String, Option<u64>)]) -> Document {
    let methods: Vec<Value> = methods
        .iter()
        .enumerate()
        .map(|(place, (key, revoked))| {
            let mut method = json!({ "id": format!("m{place}"), "publicKeyMultibase": key });
            if let Some(second) = revoked {
                method["revoked"] = json!(time(*second).to_string());
            }
            method
        })
        .collect();
    serde_json::from_value(json!({ "verificationMethod": methods })).expect("a document")
}

fn revoked(key: &str, second: u64) -> Document {
    document(&[(key.to_owned(), Some(second))])
}

fn key(seed: u8) -> String {
    ed(seed).public().to_string()
}

/// A key of a type whose points need not be found, so that there are many.
fn numbered(number: usize) -> String {
    let number = u16::try_from(number).expect("small").to_be_bytes();
    Multikey::new(KeyCodec::SlhDsa128s, &[&number[..], &[0; 30]].concat()).to_string()
}

fn mark(key: &str, second: u64) -> Mark {
    let key = KeyIdentity::of_multikey(&Multikey::from_text(key).expect("a key"));
    Mark { key: key.expect("a known type"), revoked: time(second) }
}

fn marks(all: &[(&str, u64)]) -> Marks {
    all.iter().map(|(key, second)| mark(key, *second)).collect()
}

/// A ledger with the owner's DID. Each generation of its sets has three keys from a seed on.
struct World {
    ledger: Ledger,
    seed: u8,
    number: u8,
}

impl World {
    fn new() -> Self {
        let mut ledger = Ledger::new();
        ledger.after(1_000, &[owner().create]);
        Self { ledger, seed: 10, number: 1 }
    }

    /// Returns the envelope of an operation that the key `place` after the seed signs.
    fn envelope(&mut self, action: Action, place: u8) -> Vec<u8> {
        self.number += 1;
        let operation = self.ledger.operation(&owner().did, self.number, action);
        seal(&operation, &[ed(self.seed + place)])
    }

    fn attempt(&mut self, action: Action, place: u8) -> Result<(), Code> {
        let envelope = self.envelope(action, place);
        let time_ms = self.ledger.head.time + 1_000;
        self.ledger.block(time_ms, &[envelope]).map_err(|refusal| refusal.code)
    }

    fn updates(&mut self, document: Document) -> Result<(), Code> {
        self.attempt(update(document), 0)
    }

    /// Rotates to the next generation of sets.
    fn rotates(&mut self, document: Option<Document>, marks: Option<Marks>) -> Result<(), Code> {
        let next = self.seed + 3;
        let sets = single(&ed(next), &ed(next + 1), &ed(next + 2));
        let action = rotate_with(reveal(&[ed(self.seed + 1)]), sets, document, marks);
        self.attempt(action, 1)?;
        self.seed = next;
        Ok(())
    }

    fn recovers(&mut self, document: Document, marks: Option<Marks>) {
        let next = self.seed + 3;
        let sets = single(&ed(next), &ed(next + 1), &ed(next + 2));
        self.attempt(recover_with(sets, document, marks), 2).expect("a recovery starts");
    }

    fn completes(&mut self) {
        self.ledger.after(DELAY_MS / 2, &[]).after(DELAY_MS / 2, &[]);
        self.number += 1;
        let action = Action::DidRecoverComplete;
        let operation = self.ledger.operation(&owner().did, self.number, action);
        self.ledger.after(1_000, &[seal(&operation, &[])]);
        self.seed += 3;
    }

    fn marks(&self) -> Marks {
        match self.ledger.previous(&owner().did).value().expect("a value") {
            DidValue::Active(state) => state.marks,
            DidValue::Deactivated => panic!("deactivated"),
        }
    }

    fn number(&self) -> Option<u64> {
        self.ledger.previous(&owner().did).part(PartId::MARKS).map(|part| part.number)
    }

    /// Fills the list by updates until it has as many marks.
    fn fills(&mut self, count: usize) {
        for from in (0..count).step_by(32) {
            let all: Vec<_> =
                (from..count.min(from + 32)).map(|n| (numbered(n), Some(9))).collect();
            self.updates(document(&all)).expect("there is room");
        }
        assert_eq!(self.marks().list().len(), count);
    }
}

#[test]
fn whoever_writes_a_document_marks_its_revoked_methods() {
    let mut world = World::new();
    assert_eq!((world.marks(), world.number()), (Marks::default(), None), "it costs nothing");
    world.updates(document(&[(key(60), None)])).expect("applied");
    assert_eq!(world.number(), None);
    world.updates(revoked(&key(60), 7)).expect("applied");
    world.rotates(Some(revoked(&key(61), 8)), None).expect("applied");
    world.recovers(revoked(&key(62), 9), None);
    assert_eq!(world.marks(), marks(&[(&key(60), 7), (&key(61), 8)]), "not yet");
    world.completes();
    let all = marks(&[(&key(60), 7), (&key(61), 8), (&key(62), 9)]);
    assert_eq!((world.marks(), world.number()), (all, Some(3)));

    let mut ledger = Ledger::new();
    let party = Party::with_document(20, revoked(&key(60), 7));
    ledger.after(1_000, &[party.create]);
    let value: DidValue = ledger.previous(&party.did).value().expect("a value");
    let DidValue::Active(state) = value else { panic!("deactivated") };
    assert_eq!(state.marks, marks(&[(&key(60), 7)]), "a create marks too");
}

#[test]
fn the_control_set_neither_shortens_nor_removes_a_mark() {
    let mut world = World::new();
    world.updates(revoked(&key(60), 7)).expect("applied");
    for document in [
        Document::default(),
        document(&[(key(60), None)]),
        revoked(&key(60), 8),
        revoked(&key(60), 7),
    ] {
        world.updates(document).expect("applied");
        assert_eq!(world.marks(), marks(&[(&key(60), 7)]));
    }
    assert_eq!(world.number(), Some(1), "an update that marks nothing does not write the part");
    world.updates(revoked(&key(60), 6)).expect("applied");
    assert_eq!((world.marks(), world.number()), (marks(&[(&key(60), 6)]), Some(2)), "earlier");
}

#[test]
fn one_point_has_one_mark_whatever_its_form() {
    let mut world = World::new();
    for (place, key) in [p256(60), k256(60), ed(60)].into_iter().enumerate() {
        let of_multikey = marks(&[(&key.public().to_string(), 5)]);
        world.updates(revoked(&key.public().to_string(), 7)).expect("applied");
        let Value::Object(jwk) = jwk_of(key) else { panic!("no object") };
        let method = json!({ "id": "j", "publicKeyJwk": jwk, "revoked": time(5).to_string() });
        let document = json!({ "verificationMethod": [method] });
        world.updates(serde_json::from_value(document).expect("a document")).expect("applied");
        assert_eq!(world.marks().list().len(), place + 1);
        assert!(world.marks().list().contains(&of_multikey.list()[0]));
    }
}

fn jwk_of(key: support::Key) -> Value {
    use registry_core::codec::base64url;
    use registry_core::crypto::Suite;
    let point = |uncompressed: &[u8], curve: &str| {
        let (x, y) = uncompressed[1..].split_at(32);
        json!({ "kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y) })
    };
    let raw = key.public().raw().to_vec();
    match key.suite {
        Suite::Ed25519 => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&raw) }),
        Suite::P256 => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&raw).expect("a point");
            point(key.to_sec1_point(false).as_bytes(), "P-256")
        }
        Suite::Secp256k1 => {
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&raw).expect("a point");
            point(key.to_sec1_point(false).as_bytes(), "secp256k1")
        }
    }
}

#[test]
fn a_rotation_keeps_the_list_or_replaces_it_as_a_whole() {
    let mut world = World::new();
    world.updates(revoked(&key(60), 0)).expect("applied");
    world.rotates(None, None).expect("applied");
    assert_eq!((world.marks(), world.number()), (marks(&[(&key(60), 0)]), Some(1)));
    let own = marks(&[(&key(61), 3), (&key(62), 4)]);
    world.rotates(None, Some(own.clone())).expect("applied");
    assert_eq!(world.marks(), own, "what a thief has marked is gone");
    world.updates(revoked(&key(63), 1)).expect("applied");
    let with = Some(marks(&[(&key(61), 3)]));
    world.rotates(Some(revoked(&key(61), 2)), with).expect("applied");
    assert_eq!(world.marks(), marks(&[(&key(61), 2)]), "its own document counts besides");
    world.rotates(None, Some(Marks::default())).expect("applied");
    assert_eq!((world.marks(), world.number()), (Marks::default(), Some(5)));
    let part = world.ledger.previous(&owner().did).part(PartId::MARKS).cloned();
    let value = part.map(|part| part.value.0);
    assert_eq!(value, Some(encode(&Marks::default())), "its number never starts again");
}

#[test]
fn a_rotation_that_keeps_a_thiefs_document_keeps_none_of_its_marks() {
    let mut world = World::new();
    world.updates(revoked(&key(60), 0)).expect("applied");
    world.rotates(None, Some(Marks::default())).expect("applied");
    assert_eq!(world.marks(), Marks::default());
}

#[test]
fn a_recovery_replaces_the_list_when_it_completes() {
    let mut world = World::new();
    world.updates(revoked(&key(60), 0)).expect("applied");
    let own = marks(&[(&key(61), 3)]);
    world.recovers(Document::default(), Some(own.clone()));
    world.updates(revoked(&key(62), 0)).expect("a thief may still update");
    assert_eq!(world.marks(), marks(&[(&key(60), 0), (&key(62), 0)]));
    world.completes();
    assert_eq!(world.marks(), own);
}

#[test]
fn a_full_list_refuses_the_control_set_and_nobody_above_it() {
    let mut world = World::new();
    world.fills(DID_MARKS_MAX);
    let full = world.marks();
    assert_eq!(world.updates(revoked(&key(60), 7)), Err(Code::MarksFull));
    world.updates(Document::default()).expect("no mark, no room needed");
    world.updates(revoked(&numbered(5), 8)).expect("a mark that stands");
    world.updates(revoked(&numbered(5), 3)).expect("an earlier time of a mark that stands");
    assert_eq!(world.marks().list().len(), DID_MARKS_MAX);
    let mut other = World { ledger: world.ledger.clone(), seed: world.seed, number: 90 };
    other.rotates(Some(Document::default()), Some(full)).expect("a full list of its own");
    other.rotates(None, Some(marks(&[(&key(60), 7)]))).expect("a rotation replaces the list");
    other.updates(revoked(&key(61), 7)).expect("there is room again");

    let methods = |from: u8| -> Vec<_> { (from..from + 32).map(|n| (key(n), Some(7))).collect() };
    world.rotates(Some(document(&methods(100))), None).expect("room for a whole document");
    assert_eq!(world.marks().list().len(), DID_MARKS_MAX + 32);
    assert_eq!(world.updates(revoked(&key(60), 7)), Err(Code::MarksFull));
    world.rotates(Some(document(&methods(132))), None).expect("as many as the limit");
    assert_eq!(world.marks().list().len(), DID_MARKS_SENIOR_MAX);
    let more = Some(revoked(&key(60), 7));
    assert_eq!(world.rotates(more.clone(), None), Err(Code::MarksFull));
    world.rotates(more, Some(Marks::default())).expect("with a list of its own");
}

#[test]
fn a_full_list_does_not_keep_a_recovery_from_completing() {
    let mut world = World::new();
    world.recovers(revoked(&key(60), 7), None);
    world.fills(DID_MARKS_MAX);
    world.completes();
    assert_eq!(world.marks().list().len(), DID_MARKS_MAX + 1);
}

#[test]
fn a_recovery_without_room_for_its_marks_does_not_keep_a_rotation_out() {
    let mut world = World::new();
    world.fills(DID_MARKS_MAX);
    for from in [100, 132] {
        let methods: Vec<_> = (from..from + 32).map(|n| (key(n), Some(7))).collect();
        world.rotates(Some(document(&methods)), None).expect("room for a whole document");
    }
    assert_eq!(world.marks().list().len(), DID_MARKS_SENIOR_MAX);
    world.recovers(revoked(&key(60), 7), None);
    world.ledger.after(DELAY_MS / 2, &[]).after(DELAY_MS / 2, &[]);
    let completion = world.ledger.operation(&owner().did, 99, Action::DidRecoverComplete);
    let now_ms = world.ledger.head.time + 1_000;
    assert_eq!(world.ledger.refusal(now_ms, &[seal(&completion, &[])]), Some(Code::MarksFull));
    world.rotates(None, None).expect("the recovery cannot complete, so it stops nobody");
}

#[test]
fn marks_of_a_junior_keep_no_rotation_out() {
    let mut world = World::new();
    let sets = single(&ed(13), &ed(14), &ed(15));
    let sealed = world.envelope(roll(reveal(&[ed(11)]), sets.clone()), 1);
    let other = rotate(reveal(&[ed(11)]), sets, revoked(&key(70), 7));
    let sealed_with_document = world.envelope(other, 1);
    world.fills(DID_MARKS_MAX);
    for envelope in [sealed, sealed_with_document] {
        let time_ms = world.ledger.head.time + 1_000;
        assert_eq!(world.ledger.attempt(time_ms, &[envelope]).map(|_| ()), Ok(()));
    }
}

#[test]
fn a_deactivated_did_has_no_marks_and_its_last_version_has_them() {
    let mut world = World::new();
    world.updates(revoked(&key(60), 7)).expect("applied");
    let before = world.ledger.previous(&owner().did);
    world.attempt(Action::DidDeactivate(reveal(&[ed(11)])), 1).expect("applied");
    assert_eq!(world.number(), None);
    let DidValue::Active(state) = before.value().expect("a value") else { panic!("deactivated") };
    assert_eq!(state.marks, marks(&[(&key(60), 7)]));
}

#[test]
fn a_list_that_is_not_in_order_is_refused_by_its_form() {
    let mut world = World::new();
    let code = |world: &mut World, marks: Value| {
        let bytes = encode(&serde_json::from_value::<Vec<Mark>>(marks).expect("marks"));
        let marks: Marks = registry_core::codec::decode(&bytes, bytes.len()).expect("a list");
        let rotate = world.rotates(None, Some(marks.clone()));
        let sets = single(&ed(13), &ed(14), &ed(15));
        let recover = recover_with(sets, Document::default(), Some(marks));
        assert_eq!(world.attempt(recover, 2), rotate);
        rotate.err()
    };
    let mark = |key: &str, time: &str| json!({ "key": key, "revoked": time });
    let second = "1970-01-01T00:00:07Z";
    let mut keys = [key(60), key(61)];
    keys.sort_by_key(|key| Multikey::from_text(key));
    let [first, last] = keys;
    let twice = json!([mark(&first, second), mark(&first, second)]);
    assert_eq!(code(&mut world, twice), Some(Code::MarksInvalid));
    let backwards = json!([mark(&last, second), mark(&first, second)]);
    assert_eq!(code(&mut world, backwards), Some(Code::MarksInvalid));
    let split = json!([mark(&first, "1970-01-01T00:00:07.5Z")]);
    assert_eq!(code(&mut world, split), Some(Code::MarksInvalid));
    assert_eq!(world.number(), None);
}
