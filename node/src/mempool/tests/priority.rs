//! Ranks and urgency: whose operation goes first, and who keeps a place from whom.

use registry_core::names::TrustKey;
use registry_core::trust::{Conditions, Parent, TrustGrant};

use super::*;

fn ids(operations: &[Arc<Checked>]) -> Vec<Hash> {
    operations.iter().map(|checked| checked.id()).collect()
}

/// A set of the issuer's list, signed by the method `key-1`.
fn set_by_method(fixture: &Fixture, entry: u64) -> Arc<Checked> {
    let runs = vec![Run { start: entry, length: 1, value: 1, expect: None }];
    let set = StatusSet { list: fixture.list, changes: EntryChanges::Runs(runs) };
    let (guard, action) = (Guard::Nothing, Action::StatusSet(set));
    let operation = operation(fixture.head.chain, Some(&fixture.issuer), guard, action);
    Arc::new(seal_by_method(&Operation { until: Some(UNTIL_MS), ..operation }))
}

fn seal_by_method(operation: &Operation) -> Checked {
    let body = operation.body();
    let value = key(1).sign(&Role::Author.message(&operation_id(&body))).to_bytes().to_vec();
    let author = operation.author.as_ref().expect("an author");
    let Member::Key(key) = member(1) else { unreachable!("made from a key") };
    let url = format!("{author}#key-1").parse().expect("a method");
    let by = Signer::Method(MethodSigner { key, url });
    let signature = Signature { role: Role::Author, by, value: Bytes(value) };
    let bytes = SignedOperation::new(body, vec![signature]).bytes();
    check_stateless(&bytes, operation.chain, &author.network).expect("a good operation")
}

#[test]
fn vetoes_go_first_by_maturity_and_then_who_did_least_today() {
    let mut fixture = Fixture::with(6);
    let mut pool = Mempool::default();
    let [late, soon, twice, none, once, ends] =
        [0, 1, 2, 3, 4, 5].map(|n| fixture.people[n].clone());
    let small = Document::default;
    for (gap_ms, operations) in [
        (1, vec![fixture.recover(&soon)]),
        (1, vec![fixture.recover(&late), fixture.recover(&ends)]),
        (1, vec![fixture.rotate(&twice, small()), fixture.rotate(&once, small())]),
    ] {
        operations.iter().for_each(|each| drop(fixture.admit(&mut pool, each).expect("room")));
        assert_eq!(fixture.build(&mut pool, gap_ms).len(), operations.len());
    }
    let again = fixture.rotate(&twice, small());
    fixture.admit(&mut pool, &again).expect("room");
    fixture.build(&mut pool, 1);
    let ending = fixture.deactivate(&ends);
    let [twice, once, none, late, soon] =
        [&twice, &once, &none, &late, &soon].map(|did| fixture.rotate(did, small()));
    for each in [&twice, &once, &none, &ending, &late, &soon] {
        fixture.admit(&mut pool, each).expect("room");
    }
    // Both of `late` and `ends` mature at the same time. Neither did anything today, and the
    // deactivation came first.
    let expected = [soon, ending, late, none, once, twice];
    assert_eq!(ids(&fixture.build(&mut pool, 1)), ids(&expected));
}

#[test]
fn a_new_day_counts_anew() {
    let mut fixture = Fixture::with(2);
    let mut pool = Mempool::default();
    let [busy, idle] = [0, 1].map(|n| fixture.people[n].clone());
    let rotate = fixture.rotate(&busy, Document::default());
    fixture.admit(&mut pool, &rotate).expect("room");
    fixture.build(&mut pool, 1);
    let [first, second] = [&busy, &idle].map(|did| fixture.rotate(did, Document::default()));
    fixture.admit(&mut pool, &first).expect("room");
    fixture.admit(&mut pool, &second).expect("room");
    assert_eq!(
        ids(&pool.envelopes(2).cloned().collect::<Vec<_>>()),
        ids(&[second.clone(), first.clone()])
    );
    let tomorrow = fixture.probe(fixture.head.time + DAY_MS);
    pool.committed(&tomorrow, &[]).expect("memory");
    assert_eq!(ids(&pool.envelopes(2).cloned().collect::<Vec<_>>()), ids(&[first, second]));
}

#[test]
fn four_updates_of_a_thief_leave_the_owner_a_place_and_go_after_it() {
    let mut fixture = Fixture::with(1);
    let mut pool = Mempool::default();
    let did = fixture.people[0].clone();
    let updates: Vec<_> = (0..4).map(|count| fixture.update(&did, with_aliases(count))).collect();
    updates.iter().for_each(|each| drop(fixture.admit(&mut pool, each).expect("room")));
    let fifth = fixture.update(&did, with_aliases(5));
    let full = AdmitError::Full { what: "operations on one record" };
    assert_eq!(fixture.admit(&mut pool, &fifth), Err(full.clone()));
    let recover = fixture.recover(&did);
    let admitted = fixture.admit(&mut pool, &recover).expect("R is senior to C");
    assert_eq!((admitted.displaced, pool.len()), (vec![updates[3].id()], 4), "the newest");
    let rotate = fixture.rotate(&did, Document::default());
    let admitted = fixture.admit(&mut pool, &rotate).expect("N is senior to R and C");
    assert_eq!((admitted.displaced, pool.len()), (vec![updates[2].id()], 4));
    assert_eq!(fixture.admit(&mut pool, &fifth), Err(full), "C is senior to nobody here");
    assert_eq!(ids(&fixture.build(&mut pool, 1)), ids(&[rotate]), "N goes first");
    assert!(pool.is_empty(), "the others are stale");
}

#[test]
fn what_the_rules_no_longer_allow_keeps_no_place() {
    let mut fixture = Fixture::with(1);
    let mut pool = Mempool::default();
    let did = fixture.people[0].clone();
    let recover = fixture.recover(&did);
    fixture.admit(&mut pool, &recover).expect("room");
    fixture.build(&mut pool, 1);
    for _ in 0..4 {
        let veto = fixture.rotate(&did, Document::default());
        fixture.admit(&mut pool, &veto).expect("room");
    }
    let cancel = fixture.cancel(&did);
    let full = AdmitError::Full { what: "operations on one record" };
    assert_eq!(fixture.admit(&mut pool, &cancel), Err(full), "N is senior to R");
    let empty = Mempool::default;
    (0..3).for_each(|_| drop(fixture.build(&mut empty(), 50_000)));
    let mature = fixture.probe(fixture.head.time + 1);
    let admitted = pool.admit(&mature, Arc::clone(&cancel)).expect("no rotate may veto any more");
    assert_eq!(codes(&admitted.refused), [Code::RecoveryMature; 4]);
    assert_eq!(ids(&fixture.build(&mut pool, 1)), ids(&[cancel]));
}

#[test]
fn what_the_rules_refuse_displaces_nothing() {
    let fixture = Fixture::with(2);
    let mut pool = Mempool::default();
    let did = &fixture.people[0];
    for count in 0..4 {
        fixture.admit(&mut pool, &fixture.update(did, with_aliases(count))).expect("room");
    }
    let reveal = Reveal { revealed: vec![member(3)] };
    let rotate = DidRotate { reveal, sets: sets(), document: None, marks: None };
    let forged = fixture.by(did, Action::DidRotate(Box::new(rotate)), (Role::Next, 3));
    let refused = fixture.admit(&mut pool, &forged);
    assert!(matches!(refused, Err(AdmitError::Refused(_))), "{refused:?}");
    assert_eq!(pool.len(), 4);
}

#[test]
fn what_methods_sign_leaves_the_control_set_a_place() {
    let fixture = Fixture::new();
    let mut pool = Mempool::default();
    let sets: Vec<_> =
        (0..MEMPOOL_PER_AUTHOR_MAX as u64).map(|entry| set_by_method(&fixture, entry)).collect();
    sets.iter().for_each(|set| drop(fixture.admit(&mut pool, set).expect("room")));
    let one_more = set_by_method(&fixture, 99_999);
    let full = AdmitError::Full { what: "operations of one author" };
    assert_eq!(fixture.admit(&mut pool, &one_more), Err(full));
    let close = Action::StatusClose(StatusClose { list: fixture.list });
    let close = fixture.by(&fixture.issuer, close, (Role::Control, 1));
    let admitted = fixture.admit(&mut pool, &close).expect("C is senior to a method");
    assert_eq!(admitted.displaced, [sets[sets.len() - 1].id()]);
}

#[test]
fn each_author_has_places_of_its_own_on_a_record() {
    let mut fixture = Fixture::with(3);
    let mut pool = Mempool::default();
    let [root, body, issuer] = [0, 1, 2].map(|n| fixture.people[n].clone());
    let key = |entity: &Did| TrustKey {
        authority: root.clone(),
        action: "issue".parse().expect("an action"),
        resource: "degree".parse().expect("a resource"),
        entity: entity.to_string().parse().expect("an entity"),
    };
    let grants = |entity: &Did, parent: Option<Parent>| {
        let conditions =
            Conditions { max_depth: Some(1).filter(|_| parent.is_none()), ..Conditions::default() };
        Action::TrustGrant(Box::new(TrustGrant { key: key(entity), parent, conditions }))
    };
    let accredits = fixture.by(&root, grants(&body, None), (Role::Control, 1));
    fixture.admit(&mut pool, &accredits).expect("room");
    fixture.build(&mut pool, 1);
    let resource = "degree".parse().expect("a resource");
    let made = accredits.id();
    let parent = Some(Parent { resource, grantor: root.clone(), made });
    for _ in 0..4 {
        let grant = fixture.by(&body, grants(&issuer, parent.clone()), (Role::Control, 1));
        fixture.admit(&mut pool, &grant).expect("room");
    }
    let own = fixture.by(&root, grants(&issuer, None), (Role::Control, 1));
    let admitted = fixture.admit(&mut pool, &own).expect("the root has places of its own");
    assert_eq!(admitted, Admitted::default());
}
