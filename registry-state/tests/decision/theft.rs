//! Stories of thefts, made of real operations: which signatures of an issuer still count.

use registry_core::decision::{DecisionQuery, DecisionView, Moments, decide};
use registry_core::did::document::{KeyIdentity, Multikey};
use registry_core::did::{Document, Mark, Marks};
use registry_core::operation::Action;
use registry_core::record::{Entry, RecordKey, StoreError};
use registry_core::time::TimeMs;
use registry_state::state::StateView as _;
use serde_json::{Value, json};

use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::trust::{Moment, Party};
use crate::support::{Key, ed, network, p256, reveal, rotate_with, seal, single, update};

/// Gap between two blocks, in milliseconds.
const GAP_MS: u64 = 10_000;

/// Key with which the issuer signs credentials, and the one that a thief brings along.
const HONEST: u8 = 60;
const THIEF: u8 = 70;

impl DecisionView for Moment<'_> {
    fn status_value(&self, _: &Entry, _: u64) -> Result<Option<u8>, StoreError> {
        panic!("no status is asked about")
    }
}

/// A method of the issuer that may sign credentials.
fn multikey(id: &str, key: Key) -> Value {
    json!({ "id": id, "publicKeyMultibase": key.public().to_string() })
}

/// The same method with its key as a JWK.
fn jwk(id: &str, key: Key) -> Value {
    let base64url = registry_core::codec::base64url;
    let raw = key.public().raw().to_vec();
    let point = p256::ecdsa::VerifyingKey::from_sec1_bytes(&raw).expect("a point");
    let point = point.to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let key = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) });
    json!({ "id": id, "publicKeyJwk": key })
}

fn revoked(mut method: Value, time_ms: u64) -> Value {
    method["revoked"] = json!(TimeMs(time_ms).to_string());
    method
}

fn document(methods: &[Value]) -> Document {
    let ids: Vec<&Value> = methods.iter().map(|method| &method["id"]).collect();
    let document = json!({ "verificationMethod": methods, "assertionMethod": ids });
    serde_json::from_value(document).expect("a document")
}

fn marks(all: &[(Key, u64)]) -> Marks {
    let mark = |(key, time_ms): &(Key, u64)| {
        let key = KeyIdentity::of_multikey(&Multikey::from(&key.public())).expect("a point");
        Mark { key, revoked: TimeMs(*time_ms) }
    };
    all.iter().map(mark).collect()
}

/// An issuer whose control key is 10, then 20, and so on with each rotation.
struct Story {
    ledger: Ledger,
    entries: Vec<Entry>,
    issuer: Party,
    seed: u8,
    number: u8,
}

impl Story {
    /// Begins with an issuer that signs credentials by `key-1`.
    fn begin(key: Key) -> Self {
        let issuer = Party::with_document(10, document(&[multikey("key-1", key)]));
        let (ledger, entries) = (Ledger::new(), Vec::new());
        let mut story = Self { ledger, entries, issuer, seed: 10, number: 1 };
        story.block(story.issuer.create.clone());
        story
    }

    fn block(&mut self, envelope: Vec<u8>) -> u64 {
        self.ledger.after(GAP_MS, &[envelope]);
        let head = self.ledger.state.head(&RecordKey::did(&self.issuer.did.suffix));
        self.entries.extend(head.expect("a sound store"));
        self.ledger.head.time
    }

    fn signs(&mut self, action: Action, key: u8) -> u64 {
        self.number += 1;
        let operation = self.ledger.operation(&self.issuer.did, self.number, action);
        self.block(seal(&operation, &[ed(key)]))
    }

    /// Replaces the document by the control key, which a thief may hold. Returns the time.
    fn updates(&mut self, methods: &[Value]) -> u64 {
        self.signs(update(document(methods)), self.seed)
    }

    /// The owner rotates, with a document and a list of marks. Returns the time.
    fn rotates(&mut self, methods: &[Value], marks: Option<Marks>) -> u64 {
        let (next, document) = (self.seed + 10, Some(document(methods)));
        let sets = single(&ed(next), &ed(next + 1), &ed(next + 2));
        let action = rotate_with(reveal(&[ed(self.seed + 1)]), sets, document, marks);
        let time_ms = self.signs(action, self.seed + 1);
        self.seed = next;
        time_ms
    }

    fn now(&self) -> u64 {
        self.ledger.head.time
    }

    /// Asks whether the key of a method counts for a signature of a time, by what was known at
    /// another time. Returns the finding too.
    fn ask(&self, method: &str, issued_at_ms: u64, at_ms: u64) -> (bool, String) {
        let issuer = self.issuer.id();
        let question = DecisionQuery {
            verification_method: format!("{issuer}#{method}"),
            credential_type: Some("degrees/bachelor".to_owned()),
            schema: None,
            issued_at_ms,
            status: Vec::new(),
            authority: issuer.clone(),
            agent: None,
            minimum_assurance: None,
            at_ms,
            issuer,
        };
        let entries = &self.entries;
        let (then, now) =
            (Moment { entries, time_ms: issued_at_ms }, Moment { entries, time_ms: at_ms });
        let decision = decide(&network(), Moments { then: &then, now: &now }, &question);
        let decision = decision.expect("an answer");
        let step = decision.steps.iter().find(|step| step.name.name() == "key");
        step.map(|step| (step.ok, step.finding.clone())).expect("a step")
    }

    /// True if a signature of that time counts by what is known now.
    fn counts(&self, method: &str, issued_at_ms: u64) -> bool {
        self.ask(method, issued_at_ms, self.now()).0
    }
}

#[test]
fn a_key_marked_as_multikey_does_not_count_again_as_jwk_or_under_another_name() {
    for returned in [
        jwk("key-1", p256(HONEST)),
        jwk("key-2", p256(HONEST)),
        multikey("key-2", p256(HONEST)),
        multikey("key-1", p256(HONEST)),
    ] {
        let mut story = Story::begin(p256(HONEST));
        let stolen = story.now() + 5_000;
        let before = story.now() + 4_999;
        let marked = story.updates(&[revoked(multikey("key-1", p256(HONEST)), stolen)]);
        assert!(story.counts("key-1", before) && !story.counts("key-1", stolen));
        let since = story.updates(std::slice::from_ref(&returned));
        let id = returned["id"].as_str().expect("an id");
        assert!(!story.counts(id, since), "{returned}");
        assert!(!story.counts("key-1", stolen), "{returned}");
        assert!(story.counts("key-1", before), "what it signed before stays");
        let (ok, finding) = story.ask(id, since, story.now());
        assert!(!ok && finding.contains(&TimeMs(stolen).millis()), "{finding}");
        assert!(!story.ask("key-1", stolen, marked).0);
    }
}

#[test]
fn the_other_point_with_the_same_x_is_the_same_key() {
    let mut story = Story::begin(p256(HONEST));
    let mut raw = p256(HONEST).public().raw().to_vec();
    raw[0] ^= 1;
    let other = Multikey::new(registry_core::did::document::KeyCodec::P256, &raw);
    let stolen = story.now();
    story.updates(&[revoked(multikey("key-1", p256(HONEST)), stolen)]);
    let other = json!({ "id": "key-2", "publicKeyMultibase": other.to_string() });
    let since = story.updates(&[other]);
    assert!(!story.counts("key-2", since));
}

#[test]
fn a_key_that_is_marked_and_then_removed_stays_marked() {
    let mut story = Story::begin(ed(HONEST));
    let issued = story.now() + 1_000;
    assert!(story.counts("key-1", story.now()));
    story.updates(&[revoked(multikey("key-1", ed(HONEST)), issued)]);
    story.updates(&[multikey("key-2", ed(HONEST + 1))]);
    assert!(!story.counts("key-1", issued));
    assert!(story.counts("key-1", issued - 1));
}

#[test]
fn a_key_that_is_replaced_without_a_mark_stays_good_for_what_it_signed() {
    let mut story = Story::begin(ed(HONEST));
    let issued = story.now();
    story.updates(&[multikey("key-2", ed(HONEST + 1))]);
    let (ok, finding) = story.ask("key-1", issued, story.now());
    assert!(ok && !finding.contains("revoked"), "{finding}");
}

#[test]
fn a_key_that_a_thief_of_control_has_added_is_thrown_out_by_a_rotation_that_marks_it() {
    let mut story = Story::begin(ed(HONEST));
    let honest = story.now();
    let thief = [multikey("key-1", ed(HONEST)), multikey("extra", ed(THIEF))];
    let stolen = story.updates(&thief);
    assert!(story.counts("extra", stolen), "nobody knows yet");
    let own = [multikey("key-1", ed(HONEST))];
    let mut without = Story { ledger: story.ledger.clone(), ..Story::begin(ed(HONEST)) };
    without.entries = story.entries.clone();
    without.rotates(&own, None);
    assert!(without.counts("extra", stolen), "a removal alone says nothing");
    let rotated = story.rotates(&own, Some(marks(&[(ed(THIEF), honest)])));
    assert!(!story.counts("extra", stolen));
    assert!(story.counts("key-1", stolen) && story.counts("key-1", rotated));
    assert!(story.ask("extra", stolen, rotated - 1).0, "an older `at` keeps its answer");
}

#[test]
fn marks_that_a_thief_of_control_sets_on_honest_keys_are_replaced_by_a_rotation() {
    let mut story = Story::begin(ed(HONEST));
    let issued = story.now();
    let own = [multikey("key-1", ed(HONEST))];
    let theft = story.updates(&[revoked(multikey("key-1", ed(HONEST)), 0)]);
    assert!(!story.counts("key-1", issued), "the weapon works until the owner rotates");
    let kept = story.rotates(&own, None);
    assert!(!story.counts("key-1", issued), "a document alone does not undo it");
    let rotated = story.rotates(&own, Some(Marks::default()));
    assert!(story.counts("key-1", issued) && story.counts("key-1", rotated));
    for (at, expected) in [(theft - 1, true), (theft, false), (kept, false), (rotated, true)] {
        assert_eq!(story.ask("key-1", issued, at).0, expected, "an older `at` keeps its answer");
    }
}

#[test]
fn a_thief_cannot_shorten_a_mark_of_the_owner() {
    let mut story = Story::begin(ed(HONEST));
    let stolen = GENESIS_MS + GAP_MS;
    story.updates(&[revoked(multikey("key-1", ed(HONEST)), stolen)]);
    let later = story.now() + 90_000;
    let since = story.updates(&[revoked(multikey("key-1", ed(HONEST)), later)]);
    assert!(!story.counts("key-1", since));
}

#[test]
fn a_mark_from_a_time_after_the_issuance_is_told_and_denies_nothing() {
    let mut story = Story::begin(ed(HONEST));
    let issued = story.now();
    story.updates(&[revoked(multikey("key-1", ed(HONEST)), issued + 1_000)]);
    let (ok, finding) = story.ask("key-1", issued, story.now());
    assert!(ok && finding.contains(&TimeMs(issued + 1_000).millis()), "{finding}");
}
