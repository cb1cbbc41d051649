//! Voids of grants and recognitions: who may declare them, until when, and what they change about
//! the past.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::limits::VOID_MS_MAX;
use registry_core::names::TrustKey;
use registry_core::record::{Hindsight, RecordView};
use registry_core::trust::{
    Answer, Asked, Broken, Conditions, Reason, Recognised, ask, ask_recognition,
};

use crate::support::network;
use crate::support::recorded::{Recorded, id_of};
use crate::support::trust::{
    Party, depth, derecognise, grant, parent, recognise, revoke, right, suspend, void,
    void_recognition,
};

const GAP_MS: u64 = 10_000;
const CROOK: &str = "did:web:crook.example";

/// An authority, bodies that it accredits, and a ledger in which all are registered.
struct Scene {
    recorded: Recorded,
    authority: Party,
    bodies: Vec<Party>,
}

impl Scene {
    fn new() -> Self {
        let (authority, mut recorded) = (Party::new(30), Recorded::new());
        let bodies: Vec<Party> = [40, 43, 46, 49].map(Party::new).into();
        let creates = bodies.iter().chain([&authority]).map(|party| party.create.clone());
        recorded.after(GAP_MS, &creates.collect::<Vec<_>>());
        Self { recorded, authority, bodies }
    }

    fn key(&self) -> TrustKey {
        right(&self.authority.did, "degrees/a", CROOK)
    }

    /// A thief of the control set grants in the authority's name. Returns operation and time.
    fn stolen(&mut self) -> (Hash, u64) {
        let action = grant(&self.key(), None, Conditions::default());
        let envelope = self.authority.controls(&self.recorded.ledger, action);
        (id_of(&envelope), self.recorded.after(GAP_MS, &[envelope]))
    }

    /// The owner voids what an operation made. Returns the time.
    fn voided(&mut self, made: Hash) -> u64 {
        let envelope = self.void_of(made);
        self.recorded.after(GAP_MS, &[envelope])
    }

    fn void_of(&self, made: Hash) -> Vec<u8> {
        self.authority.voids(made, void(&self.key()))
    }

    fn by_control(&mut self, party: &Party, action: registry_core::operation::Action) -> u64 {
        let envelope = party.controls(&self.recorded.ledger, action);
        self.recorded.after(GAP_MS, &[envelope])
    }

    /// Returns the answer about a moment, by what is known at another time.
    fn ask(&self, key: &TrustKey, time_ms: u64, known_ms: u64) -> Answer {
        let (moment, known) = (self.recorded.at(time_ms), self.recorded.at(known_ms));
        let network = network();
        let asked = Asked { network: &network, key, through: None, minimum: None, time_ms };
        let view: &dyn RecordView = match known_ms == time_ms {
            true => &moment,
            false => &Hindsight { moment: &moment, known: &known },
        };
        ask(view, &asked).expect("a sound store")
    }

    fn holds(&self, time_ms: u64, known_ms: u64) -> bool {
        self.ask(&self.key(), time_ms, known_ms).is_authorised()
    }
}

fn broken(answer: Answer) -> Broken {
    answer.chain.expect("a chain").broken.expect("it is broken")
}

#[test]
fn a_void_grant_never_was_for_who_knows_and_still_was_for_who_did_not() {
    let mut scene = Scene::new();
    let (made, granted) = scene.stolen();
    let between = granted + GAP_MS / 2;
    let voided = scene.voided(made);
    for moment in [granted, between, voided - 1] {
        assert!(scene.holds(moment, moment), "nobody knew at {moment}");
        assert!(scene.holds(moment, voided - 1), "what was known before stays");
        assert!(!scene.holds(moment, voided) && !scene.holds(moment, voided + 1_000_000));
    }
    let now = scene.ask(&scene.key(), voided, voided);
    let Broken { link, reason, since, mender } = broken(now.clone());
    assert_eq!((link, reason, since), (0, Reason::Voided, Some(voided)));
    assert_eq!(mender, Some(scene.authority.did.clone()));
    let sentence = now.chain.expect("a chain").fault().expect("a fault");
    let by = scene.authority.id();
    assert!(sentence.contains(&by) && sentence.contains("was voided at"), "{sentence}");
    let earlier = broken(scene.ask(&scene.key(), between, voided));
    assert_eq!((earlier.reason, earlier.since), (Reason::Voided, Some(voided)));
}

#[test]
fn a_grant_below_a_void_one_breaks_too() {
    let mut scene = Scene::new();
    let (authority, body) = (scene.authority.clone(), scene.bodies[0].clone());
    let above = right(&authority.did, "degrees/*", &body.id());
    let accredit = authority.controls(&scene.recorded.ledger, grant(&above, None, depth(1)));
    scene.recorded.after(GAP_MS, std::slice::from_ref(&accredit));
    let below = grant(&scene.key(), parent("degrees/*", &authority.did), Conditions::default());
    let licensed = scene.by_control(&body, below);
    let undo = authority.voids(id_of(&accredit), void(&above));
    let voided = scene.recorded.after(GAP_MS, &[undo]);
    assert!(scene.holds(licensed, voided - 1) && !scene.holds(licensed, voided));
    let Broken { link, reason, .. } = broken(scene.ask(&scene.key(), licensed, voided));
    assert_eq!((link, reason), (0, Reason::Voided));
}

#[test]
fn only_the_control_set_of_who_granted_voids() {
    let mut scene = Scene::new();
    let (made, _) = scene.stolen();
    let (ledger, by_control) = (&scene.recorded.ledger, scene.void_of(made));
    let by_method = scene.authority.signs(ledger, void(&scene.key()));
    let refused = crate::support::ledger::Ledger::check(&by_method).err();
    assert_eq!(refused.map(|refusal| refusal.code), Some(Code::VoidNeedsControl));
    let other = scene.bodies[0].voids(made, void(&scene.key()));
    assert_eq!(scene.recorded.refusal(GAP_MS, &other), Some(Code::TrustNotFound));
    let unknown = scene.void_of(Hash([9; 32]));
    assert_eq!(scene.recorded.refusal(GAP_MS, &unknown), Some(Code::TrustNotFound));
    let mut elsewhere = scene.key();
    elsewhere.resource = "degrees/b".parse().expect("a resource");
    let elsewhere = scene.authority.voids(made, void(&elsewhere));
    assert_eq!(scene.recorded.refusal(GAP_MS, &elsewhere), Some(Code::TrustNotFound));
    assert_eq!(scene.recorded.refusal(GAP_MS, &by_control), None);
    let plain_by_method = scene.authority.signs(ledger, revoke(&scene.key()));
    assert_eq!(scene.recorded.refusal(GAP_MS, &plain_by_method), None, "a stop needs no control");
}

#[test]
fn a_grant_is_voided_within_thirty_days_of_its_making() {
    let mut scene = Scene::new();
    let (made, granted) = scene.stolen();
    let undo = scene.void_of(made);
    let to_the_end = granted + VOID_MS_MAX - scene.recorded.now();
    assert_eq!(scene.recorded.refusal(to_the_end, &undo), None);
    assert_eq!(scene.recorded.refusal(to_the_end + 1, &undo), Some(Code::VoidTooLate));
    let key = scene.key();
    scene.by_control(&scene.authority.clone(), suspend(&key));
    assert_eq!(scene.recorded.refusal(to_the_end, &undo), Some(Code::VoidTooLate), "not later");
}

#[test]
fn a_plain_revocation_first_does_not_lock_the_owner_out() {
    let mut scene = Scene::new();
    let (made, granted) = scene.stolen();
    let revoked = scene.by_control(&scene.authority.clone(), revoke(&scene.key()));
    assert!(scene.holds(granted, revoked), "a plain revocation takes nothing back");
    let voided = scene.voided(made);
    assert!(!scene.holds(granted, voided) && scene.holds(granted, revoked));
    let now = broken(scene.ask(&scene.key(), voided, voided));
    assert_eq!((now.reason, now.since), (Reason::Voided, Some(voided)));
    let before = broken(scene.ask(&scene.key(), revoked, revoked));
    assert_eq!((before.reason, before.since), (Reason::Revoked, Some(revoked)));
}

#[test]
fn a_void_is_final_and_a_new_grant_counts_from_its_own_block() {
    let mut scene = Scene::new();
    let (made, stolen) = scene.stolen();
    let undo = scene.void_of(made);
    let voided = scene.recorded.after(GAP_MS, std::slice::from_ref(&undo));
    assert_eq!(scene.recorded.refusal(GAP_MS, &undo), Some(Code::AlreadyApplied));
    let again = scene.authority.controls(&scene.recorded.ledger, void(&scene.key()));
    assert_eq!(scene.recorded.refusal(GAP_MS, &again), Some(Code::VoidedAlready));
    let (_, granted) = scene.stolen();
    let now = scene.recorded.now();
    assert!(scene.holds(granted, now) && !scene.holds(voided, now) && !scene.holds(stolen, now));
    assert_eq!(scene.recorded.refusal(GAP_MS, &again), Some(Code::VoidedAlready));
}

#[test]
fn a_thief_cannot_hide_a_grant_by_granting_again() {
    let mut scene = Scene::new();
    let (first, since) = scene.stolen();
    scene.by_control(&scene.authority.clone(), revoke(&scene.key()));
    let (second, later) = scene.stolen();
    let half = scene.voided(second);
    assert!(scene.holds(since, half) && !scene.holds(later, half), "each is voided by its name");
    let whole = scene.voided(first);
    assert!(!scene.holds(since, whole) && scene.holds(since, half));
    let again = scene.void_of(first);
    assert_eq!(scene.recorded.refusal(GAP_MS, &again), Some(Code::AlreadyApplied));
    let late = since + VOID_MS_MAX - scene.recorded.now();
    let mut other = Scene { recorded: scene.recorded.clone(), ..Scene::new() };
    other.stolen();
    assert!(other.recorded.refusal(late + 1, &again).is_some());
}

#[test]
fn a_replaced_grant_is_voided_within_thirty_days_of_its_own_making() {
    let mut scene = Scene::new();
    let (first, since) = scene.stolen();
    scene.by_control(&scene.authority.clone(), revoke(&scene.key()));
    scene.stolen();
    let undo = scene.void_of(first);
    let to_the_end = since + VOID_MS_MAX - scene.recorded.now();
    assert_eq!(scene.recorded.refusal(to_the_end, &undo), None);
    assert_eq!(scene.recorded.refusal(to_the_end + 1, &undo), Some(Code::VoidTooLate));
}

#[test]
fn a_thief_cannot_hide_a_grant_by_giving_its_place_to_another() {
    let mut scene = Scene::new();
    let (authority, bodies) = (scene.authority.clone(), scene.bodies.clone());
    let accreditations = bodies.iter().map(|body| {
        let key = right(&authority.did, "degrees/*", &body.id());
        authority.controls(&scene.recorded.ledger, grant(&key, None, depth(1)))
    });
    let accreditations: Vec<_> = accreditations.collect();
    scene.recorded.after(GAP_MS, &accreditations);
    let above = parent("degrees/*", &authority.did);
    let licence = grant(&scene.key(), above, Conditions::default());
    let stolen = bodies[0].controls(&scene.recorded.ledger, licence.clone());
    let granted = scene.recorded.after(GAP_MS, std::slice::from_ref(&stolen));
    scene.by_control(&bodies[0], revoke(&scene.key()));
    for body in &bodies[1..] {
        scene.by_control(body, licence.clone());
    }
    let key = scene.key();
    let undo = bodies[0].voids(id_of(&stolen), void(&key));
    let voided = scene.recorded.after(GAP_MS, &[undo]);
    assert!(scene.holds(granted, voided - 1) && !scene.holds(granted, voided));
    assert!(scene.holds(voided, voided), "the grants of the others stay");
}

#[test]
fn a_void_recognition_never_was() {
    let mut scene = Scene::new();
    let (key, authority) = (scene.key(), scene.authority.clone());
    let envelope = authority.controls(&scene.recorded.ledger, recognise(&key));
    let made = id_of(&envelope);
    let recognised = scene.recorded.after(GAP_MS, &[envelope]);
    let again = authority.controls(&scene.recorded.ledger, recognise(&key));
    let replaced = scene.recorded.after(GAP_MS, std::slice::from_ref(&again));
    scene.by_control(&authority, derecognise(&key));
    let by_method = authority.signs(&scene.recorded.ledger, void_recognition(&key));
    let refused = crate::support::ledger::Ledger::check(&by_method).err();
    assert_eq!(refused.map(|refusal| refusal.code), Some(Code::VoidNeedsControl));
    let undo = [made, id_of(&again)].map(|made| authority.voids(made, void_recognition(&key)));
    let late = recognised + VOID_MS_MAX + 1 - scene.recorded.now();
    assert_eq!(scene.recorded.refusal(late, &undo[0]), Some(Code::VoidTooLate));
    let first = scene.recorded.after(GAP_MS, &undo[..1]);
    let both = scene.recorded.after(GAP_MS, &undo[1..]);
    let network = network();
    let ask = |time_ms: u64, known_ms: u64| {
        let (moment, known) = (scene.recorded.at(time_ms), scene.recorded.at(known_ms));
        let view = Hindsight { moment: &moment, known: &known };
        let asked = Asked { network: &network, key: &key, through: None, minimum: None, time_ms };
        let Recognised { broken, recognition } = ask_recognition(&view, &asked).expect("a store");
        assert!(recognition.is_some());
        broken
    };
    assert_eq!(ask(recognised, first - 1), None);
    assert_eq!(ask(recognised, first), Some((Reason::Voided, Some(first))));
    assert_eq!(ask(replaced, first), None);
    assert_eq!(ask(replaced, both), Some((Reason::Voided, Some(both))));
    assert_eq!(ask(both, both), Some((Reason::Voided, Some(both))));
}
