//! Vectors of marked keys: what feeds the list, who may shorten it, and its form.

use registry_core::code::Code;
use registry_core::codec::{decode, encode};
use registry_core::did::document::{KeyCodec, KeyIdentity, Multikey};
use registry_core::did::{Document, Mark, Marks};
use registry_core::limits::DID_MARKS_MAX;
use registry_core::operation::Action;
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use crate::case_operations::{changing, plain_did, plain_sets, registered, rotated_sets};
use crate::catalogue::{At, Catalogue, document};
use crate::format::EncodingType;
use crate::support::ledger::Ledger;
use crate::support::{
    DELAY_MS, Key, create, ed, k256, p256, recover_with, reveal, rotate_with, seal, update,
};

pub(crate) fn add(all: &mut Catalogue) {
    add_control(all);
    add_seniors(all);
    add_full(all);
    add_forms(all);
    add_encodings(all);
}

fn method(id: &str, key: &Multikey, revoked_ms: Option<u64>) -> Value {
    let mut method = json!({ "id": id, "publicKeyMultibase": key.to_string() });
    if let Some(time_ms) = revoked_ms {
        method["revoked"] = json!(TimeMs(time_ms).to_string());
    }
    method
}

fn with_methods(methods: &[Value]) -> Document {
    serde_json::from_value(json!({ "verificationMethod": methods })).expect("a document")
}

fn multikey(key: Key) -> Multikey {
    Multikey::from(&key.public())
}

fn revoked(key: Key, revoked_ms: u64) -> Document {
    with_methods(&[method("a", &multikey(key), Some(revoked_ms))])
}

fn mark(key: Key, revoked_ms: u64) -> Mark {
    let key = KeyIdentity::of_multikey(&multikey(key)).expect("a point");
    Mark { key, revoked: TimeMs(revoked_ms) }
}

/// A key of a type whose points need not be found, so that there are many.
fn numbered(number: usize) -> Multikey {
    let number = u16::try_from(number).expect("small").to_be_bytes();
    Multikey::new(KeyCodec::SlhDsa128s, &[&number[..], &[0; 30]].concat())
}

fn by_control(ledger: &Ledger, number: u8, document: Document) -> Vec<u8> {
    changing(ledger, &plain_did(), number, update(document), &[ed(10)])
}

fn by_next(
    ledger: &Ledger,
    number: u8,
    document: Option<Document>,
    marks: Option<Marks>,
) -> Vec<u8> {
    let action = rotate_with(reveal(&[ed(11)]), rotated_sets(), document, marks);
    changing(ledger, &plain_did(), number, action, &[ed(11)])
}

/// A ledger whose plain DID has marked a key from second 7 on.
fn marked() -> Ledger {
    let mut ledger = registered();
    let envelope = by_control(&ledger, 2, revoked(p256(60), 7_000));
    ledger.after(1_000, &[envelope]);
    ledger
}

fn add_control(all: &mut Catalogue) {
    let rule = "A document marks each of its methods that has `revoked`.";
    let envelope = seal(&create(plain_sets(), revoked(ed(60), 7_000), 1), &[ed(10)]);
    all.applied("marks_by_create", rule, envelope);
    let ledger = registered();
    for (name, key) in [("ed25519", ed(60)), ("p256", p256(60)), ("secp256k1", k256(60))] {
        let at = At::new(&ledger, 1_000, by_control(&ledger, 2, revoked(key, 7_000)));
        all.applied_at(&format!("marks_by_update_{name}"), rule, &at);
    }
    let ledger = marked();
    let rule = "A control set neither shortens nor removes a mark.";
    for (name, document) in [
        ("without_the_method", Document::default()),
        ("with_a_later_time", revoked(p256(60), 8_000)),
    ] {
        let at = At::new(&ledger, 1_000, by_control(&ledger, 3, document));
        all.applied_at(&format!("marks_stay_{name}"), rule, &at);
    }
    let rule = "A mark gets the earliest time.";
    let at = At::new(&ledger, 1_000, by_control(&ledger, 3, revoked(p256(60), 6_000)));
    all.applied_at("marks_get_an_earlier_time", rule, &at);
    let rule = "Keys compare by curve and point, of elliptic curves by x alone.";
    let mut raw = p256(60).public().raw().to_vec();
    raw[0] ^= 1;
    let other = Multikey::new(KeyCodec::P256, &raw);
    let other = with_methods(&[method("b", &other, Some(6_000))]);
    let at = At::new(&ledger, 1_000, by_control(&ledger, 3, other));
    all.applied_at("marks_compare_points_by_x", rule, &at);
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(p256(60).public().raw()).expect("a point");
    let point = key.to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let [x, y] = [x, y].map(registry_core::codec::base64url);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    let jwk = json!({ "id": "b", "publicKeyJwk": jwk, "revoked": "1970-01-01T00:00:06Z" });
    let at = At::new(&ledger, 1_000, by_control(&ledger, 3, with_methods(&[jwk])));
    all.applied_at("marks_compare_jwk_and_multikey", rule, &at);
    add_kinds_of_keys(all, &registered());
}

/// Adds the marks of keys that are no single point of a usual curve.
fn add_kinds_of_keys(all: &mut Catalogue, ledger: &Ledger) {
    let mut marks = |name: &str, rule: &str, method: Value| {
        let at = At::new(ledger, 1_000, by_control(ledger, 2, with_methods(&[method])));
        all.applied_at(&format!("marks_{name}"), rule, &at);
    };
    let rule = "A BLS12-381 key in both groups is two points, and each is marked.";
    let mut raw = vec![7; KeyCodec::Bls12381G1G2.key_bytes()];
    (raw[0], raw[48]) = (0xa7, 0x87);
    let both = Multikey::new(KeyCodec::Bls12381G1G2, &raw);
    marks("bls_key_in_both_groups", rule, method("a", &both, Some(7_000)));
    let rule = "A long key is marked by its hash, an RSA key by that of its modulus.";
    let long = Multikey::new(KeyCodec::MlDsa44, &[7; 1312]);
    marks("long_key_by_hash", rule, method("a", &long, Some(7_000)));
    let n = registry_core::codec::base64url(&[0xff; 256]);
    let rsa = json!({ "kty": "RSA", "n": n, "e": "AQAB" });
    let rsa = json!({ "id": "a", "publicKeyJwk": rsa, "revoked": "1970-01-01T00:00:07Z" });
    marks("rsa_key_by_modulus", rule, rsa);
}

fn add_seniors(all: &mut Catalogue) {
    let ledger = marked();
    let own: Marks = [mark(ed(61), 3_000)].into_iter().collect();
    let applied = |all: &mut Catalogue, name: &str, rule: &str, document, marks| {
        let at = At::new(&ledger, 1_000, by_next(&ledger, 3, document, marks));
        all.applied_at(name, rule, &at);
    };
    let rule = "Without a list of its own, a rotation keeps the marks.";
    applied(all, "rotate_keeps_marks", rule, None, None);
    applied(all, "rotate_adds_marks_of_its_document", rule, Some(revoked(ed(62), 4_000)), None);
    let rule = "A rotation may replace the whole list; its own document counts besides.";
    applied(all, "rotate_replaces_marks", rule, None, Some(own.clone()));
    applied(all, "rotate_drops_all_marks", rule, None, Some(Marks::default()));
    let document = Some(revoked(ed(61), 2_000));
    applied(all, "rotate_replaces_marks_and_document", rule, document, Some(own.clone()));
    let rule = "A recovery replaces the list when it completes, and not before.";
    let recovers = |marks| {
        let action = recover_with(rotated_sets(), revoked(ed(62), 4_000), marks);
        changing(&ledger, &plain_did(), 3, action, &[ed(12)])
    };
    all.applied_at(
        "recover_with_marks",
        rule,
        &At::new(&ledger, 1_000, recovers(Some(own.clone()))),
    );
    for (name, marks) in [("replaces_marks", Some(own)), ("adds_marks_of_its_document", None)] {
        let mut pending = ledger.clone();
        pending.after(1_000, &[recovers(marks)]).after(DELAY_MS / 2, &[]);
        let action = Action::DidRecoverComplete;
        let at = At::new(&pending, DELAY_MS / 2, changing(&pending, &plain_did(), 4, action, &[]));
        all.applied_at(&format!("recover_complete_{name}"), rule, &at);
    }
    let rule = "A deactivated DID keeps no marks; the version before has them.";
    let action = Action::DidDeactivate(reveal(&[ed(11)]));
    let envelope = changing(&ledger, &plain_did(), 3, action, &[ed(11)]);
    all.applied_at("deactivate_drops_marks", rule, &At::new(&ledger, 1_000, envelope));
}

fn add_full(all: &mut Catalogue) {
    let mut ledger = registered();
    for (turn, from) in (0..DID_MARKS_MAX).step_by(32).enumerate() {
        let of = |n: usize| method(&format!("m{n}"), &numbered(n), Some(9_000));
        let methods: Vec<Value> = (from..from + 32).map(of).collect();
        let number = 10 + u8::try_from(turn).expect("few");
        let envelope = by_control(&ledger, number, with_methods(&methods));
        ledger.after(1_000, &[envelope]);
    }
    let rule = "A control set marks at most 256 keys.";
    let at = At::new(&ledger, 1_000, by_control(&ledger, 2, revoked(ed(60), 7_000)));
    all.refused_at("marks_257_by_control", rule, Code::MarksFull, &at);
    let known = with_methods(&[method("a", &numbered(5), Some(1_000))]);
    let at = At::new(&ledger, 1_000, by_control(&ledger, 2, known));
    all.applied_at("marks_full_gets_an_earlier_time", rule, &at);
    let rule = "A list that the control set filled keeps no rotation out.";
    let own: Marks = [mark(ed(61), 3_000)].into_iter().collect();
    for (name, document, marks) in [
        ("document", Some(revoked(ed(60), 7_000)), None),
        ("list", None, Some(own)),
        ("nothing", None, None),
    ] {
        let at = At::new(&ledger, 1_000, by_next(&ledger, 2, document, marks));
        all.applied_at(&format!("rotate_with_{name}_over_full_marks"), rule, &at);
    }
}

/// Bytes of a marked key, whatever its spelling, and the time of the mark.
type Given = (Multikey, u64);

/// Returns marks with these bytes, in any order and spelling.
fn raw(marks: &[Given]) -> Marks {
    #[derive(serde::Serialize)]
    struct Raw<'m> {
        key: &'m Multikey,
        revoked: u64,
    }
    let raw: Vec<Raw<'_>> =
        marks.iter().map(|(key, revoked)| Raw { key, revoked: *revoked }).collect();
    let bytes = encode(&raw);
    decode(&bytes, bytes.len()).expect("a list of marks")
}

fn add_forms(all: &mut Catalogue) {
    let ledger = registered();
    let mut keys = [multikey(ed(60)), multikey(ed(61))];
    keys.sort();
    let [first, last] = keys;
    let mut odd = p256(60).public().raw().to_vec();
    odd[0] = 3;
    let spelling = "A marked key has one spelling: of an elliptic curve the point with tag 02.";
    let unknown: Multikey = decode(&[0x43, 0xff, 0x01, 0x00], 4).expect("bytes");
    let order = "Marks ascend strictly by key.";
    let time = "A mark has a time in whole seconds before the year 10000.";
    let many = (0..257).map(|number| (numbered(number), 9_000)).collect();
    let cases: [(&str, &str, Vec<Given>); 8] = [
        ("unsorted", order, vec![(last.clone(), 7_000), (first.clone(), 7_000)]),
        ("key_twice", order, vec![(first.clone(), 7_000), (first.clone(), 8_000)]),
        ("point_with_tag_03", spelling, vec![(Multikey::new(KeyCodec::P256, &odd), 7_000)]),
        ("unknown_key_type", spelling, vec![(unknown, 7_000)]),
        ("key_31_bytes", spelling, vec![(Multikey::new(KeyCodec::Ed25519, &[9; 31]), 7_000)]),
        ("time_with_milliseconds", time, vec![(first.clone(), 7_001)]),
        ("time_in_the_year_10000", time, vec![(first, 253_402_300_800_000)]),
        ("257", "A list of marks has at most 256.", many),
    ];
    for (name, rule, marks) in cases {
        let marks = Some(raw(&marks));
        let envelope = by_next(&ledger, 2, None, marks.clone());
        all.refused(&format!("rotate_marks_{name}"), rule, Code::MarksInvalid, &envelope);
        if name == "unsorted" {
            let action = recover_with(rotated_sets(), document(), marks);
            let envelope = changing(&ledger, &plain_did(), 2, action, &[ed(12)]);
            all.refused("recover_marks_unsorted", rule, Code::MarksInvalid, &envelope);
        }
    }
}

fn add_encodings(all: &mut Catalogue) {
    let marks: Marks = [mark(ed(60), 7_000), mark(p256(60), 8_000)].into_iter().collect();
    let rule = "The part of a DID's record that holds its marked keys.";
    let mut add = |name: &str, bytes: Vec<u8>, accepted: bool| {
        all.encoding(&format!("encoding_of_{name}"), rule, EncodingType::Marks, &bytes, accepted);
    };
    add("marks", encode(&marks), true);
    add("marks_empty", encode(&Marks::default()), true);
    #[derive(serde::Serialize)]
    struct More {
        key: KeyIdentity,
        note: u8,
        revoked: u64,
    }
    let Mark { key, revoked } = mark(ed(60), 7_000);
    add("mark_with_a_note", encode(&[More { key, note: 1, revoked: revoked.0 }]), false);
}
