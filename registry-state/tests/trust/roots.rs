//! Tests of the record of roots, which a grant under another authority writes beside the grant.

use registry_core::code::Code;
use registry_core::limits::{BLOCK_FIRST_VERSIONS_MAX, TRUST_ROOTS_MAX};
use registry_core::operation::{Action, Role};
use registry_core::record::{Entry, RecordKey};
use registry_core::trust::{Conditions, Root, Roots, TrustForgetRoot};
use registry_state::state::StateView as _;

use crate::support::ledger::Ledger;
use crate::support::trust::{Party, depth, grant, parent, right};
use crate::support::{create, ed, seal, single};

fn body() -> Party {
    Party::new(30)
}

/// Returns an authority by its number.
fn root(number: usize) -> Party {
    Party::new(40 + u8::try_from(number).expect("small"))
}

/// Returns a ledger in which the first `count` authorities have accredited the body.
fn accredited(count: usize) -> Ledger {
    let (body, roots): (Party, Vec<Party>) = (body(), (0..count).map(root).collect());
    let mut ledger = Ledger::new();
    let creates = roots.iter().chain([&body]).map(|party| party.create.clone());
    ledger.after(1_000, &creates.collect::<Vec<_>>());
    let grants = roots.iter().map(|root| {
        let key = right(&root.did, "degrees/*", &body.id());
        root.signs(&ledger, grant(&key, None, depth(1)))
    });
    let grants: Vec<_> = grants.collect();
    ledger.after(1_000, &grants);
    ledger
}

/// Returns the envelope by which the body grants a right under one of its authorities.
fn licence(ledger: &Ledger, number: usize, resource: &str) -> Vec<u8> {
    let authority = root(number).did;
    let key = right(&authority, resource, "did:web:issuer.example");
    let above = parent("degrees/*", &authority);
    body().signs(ledger, grant(&key, above, Conditions::default()))
}

fn forget(number: usize) -> Action {
    Action::TrustForgetRoot(TrustForgetRoot { authority: root(number).did })
}

/// Returns the envelope by which the body's control removes a root.
fn forgetting(ledger: &Ledger, number: usize) -> Vec<u8> {
    seal(&ledger.operation(&body().did, 7, forget(number)), &[body().key])
}

fn head(ledger: &Ledger) -> Option<Entry> {
    ledger.state.head(&RecordKey::roots(&body().did)).expect("a sound store")
}

/// Returns the roots in a version of the record, as pairs of authority and time.
fn roots_of(entry: &Entry) -> Vec<(registry_core::id::Did, u64)> {
    let Roots(roots) = entry.value().expect("roots");
    roots.into_iter().map(|Root { authority, since }| (authority, since)).collect()
}

#[test]
fn a_grant_under_another_authority_writes_its_root_once() {
    let mut ledger = accredited(3);
    let own = grant(&right(&body().did, "a", "did:web:issuer.example"), None, depth(1));
    let own = body().signs(&ledger, own);
    ledger.after(1_000, &[own]);
    assert_eq!(head(&ledger), None, "the body is no root of itself");

    let first = licence(&ledger, 1, "degrees/a");
    let time = ledger.head.time + 1_000;
    let block = ledger.attempt(time, std::slice::from_ref(&first)).expect("applies");
    let kinds: Vec<_> = block.receipts.iter().map(|receipt| receipt.kind).collect();
    assert_eq!(kinds, [registry_core::record::Kind::Grant], "the root has no receipt");
    ledger.after(1_000, &[first]);
    let written = head(&ledger).expect("written");
    assert_eq!(roots_of(&written), [(root(1).did, time)]);
    assert_eq!(written.record.operation, block.receipts[0].operation);

    let again = licence(&ledger, 1, "degrees/b");
    ledger.after(1_000, &[again]);
    assert_eq!(head(&ledger).expect("written").record.version, 1, "nothing new");

    let both = [0, 2].map(|number| licence(&ledger, number, "degrees/a"));
    ledger.after(1_000, &both);
    let written = head(&ledger).expect("written");
    let mut expected =
        vec![(root(0).did, ledger.head.time), (root(1).did, time), (root(2).did, ledger.head.time)];
    expected.sort();
    assert_eq!((written.record.version, roots_of(&written)), (2, expected), "one version a block");
}

#[test]
fn a_65th_root_is_refused_until_control_removes_one() {
    let mut ledger = accredited(TRUST_ROOTS_MAX + 1);
    let all: Vec<_> =
        (0..TRUST_ROOTS_MAX).map(|number| licence(&ledger, number, "degrees/a")).collect();
    ledger.after(1_000, &all);
    let full = head(&ledger).expect("written");
    assert_eq!(roots_of(&full).len(), TRUST_ROOTS_MAX);
    let one_more = licence(&ledger, TRUST_ROOTS_MAX, "degrees/a");
    let time = ledger.head.time + 1_000;
    let refused = ledger.refusal(time, std::slice::from_ref(&one_more));
    assert_eq!(refused, Some(Code::TrustRootsFull));
    let known = licence(&ledger, 0, "degrees/b");
    assert_eq!(ledger.refusal(time, &[known]), None, "it is no new root");

    let by_method = body().signs(&ledger, forget(0));
    assert_eq!(ledger.refusal(time, &[by_method]), Some(Code::SignatureRole));
    let unknown = forgetting(&ledger, TRUST_ROOTS_MAX);
    assert_eq!(ledger.refusal(time, &[unknown]), Some(Code::TrustNotFound));

    let forgotten = forgetting(&ledger, 0);
    ledger.after(1_000, &[forgotten.clone(), one_more]);
    let present = roots_of(&head(&ledger).expect("written"));
    assert_eq!(present.len(), TRUST_ROOTS_MAX);
    let has = |roots: &[(registry_core::id::Did, u64)], number| {
        roots.iter().any(|(authority, _)| *authority == root(number).did)
    };
    assert!(!has(&present, 0) && has(&present, TRUST_ROOTS_MAX));
    let key = RecordKey::roots(&body().did);
    let past = ledger.state.version(&key, full.record.version).expect("versions stay");
    assert!(has(&roots_of(past), 0) && !has(&roots_of(past), TRUST_ROOTS_MAX));
    let time = ledger.head.time + 1_000;
    assert_eq!(ledger.refusal(time, &[forgotten]), Some(Code::AlreadyApplied));
}

#[test]
fn the_first_version_beside_a_grant_counts_in_a_block() {
    let ledger = accredited(1);
    let creation = |number: usize| {
        let sets = single(&ed(10), &ed(11), &ed(12));
        let mut operation = create(sets, registry_core::did::Document::default(), 1);
        let number = u16::try_from(number).expect("small");
        operation.salt.0[..2].copy_from_slice(&number.to_be_bytes());
        let checked = Ledger::check(&seal(&operation, &[ed(10)]));
        checked.expect("a good envelope")
    };
    let grants = Ledger::check(&licence(&ledger, 0, "degrees/a")).expect("a good envelope");
    let mut block = ledger.start(ledger.head.time + 1_000);
    for number in 0..BLOCK_FIRST_VERSIONS_MAX - 2 {
        block.apply(&creation(number)).expect("there is room");
    }
    let mut one_more = ledger.start(ledger.head.time + 1_000);
    for number in 0..BLOCK_FIRST_VERSIONS_MAX - 1 {
        one_more.apply(&creation(number)).expect("there is room");
    }
    assert_eq!(block.apply(&grants), Ok(()), "room for two");
    let full = one_more.apply(&grants);
    assert_eq!(full, Err(registry_state::state::ApplyError::Full), "room for one");
    assert_eq!(one_more.apply(&creation(BLOCK_FIRST_VERSIONS_MAX)), Ok(()), "nothing was taken");
}

#[test]
fn only_control_may_be_asked_to_remove_a_root() {
    let body = body();
    let ledger = accredited(1);
    let operation = ledger.operation(&body.did, 7, forget(0));
    let next = crate::support::seal_body(operation.body(), Role::Next, &[body.key]);
    let refused = Ledger::check(&next).err().map(|refusal| refusal.code);
    assert_eq!(refused, Some(Code::SignatureRole));
    let stranger = seal(&operation, &[ed(200)]);
    let time = ledger.head.time + 1_000;
    assert_eq!(ledger.refusal(time, &[stranger]), Some(Code::SignerNotMember));
}
