//! Fixtures that the test programs of this crate share: keys from seeds, operations, and a ledger
//! in memory that applies them.

#![allow(dead_code, unused_imports, reason = "each test program uses its own part")]

pub(crate) mod agent;
pub(crate) mod cbor;
pub(crate) mod draft;
pub(crate) mod governance;
pub(crate) mod guards;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod random;
pub(crate) mod recorded;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod trust;

use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidUpdate, Document, KeySet, Marks, Member, NextSet,
    Recovery, Reveal, Sets,
};
use registry_core::id::{Did, NetworkName, Suffix};
use registry_core::operation::{
    Action, Guard, MemberSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};

pub(crate) use guards::Guarding;

pub(crate) use keys::{Key, ed, k256, p256};

/// Recovery delay of the fixtures and minimum of their network, in milliseconds. It is twice the
/// longest gap between blocks that counts as live time.
pub(crate) const DELAY_MS: u64 = 120_000;

pub(crate) fn network() -> NetworkName {
    "local".parse().expect("a network name")
}

/// Returns the chain id of the fixtures, which have no genesis file to hash.
pub(crate) fn chain() -> Hash {
    Hash([0xc4; 32])
}

pub(crate) fn key_member(key: &Key) -> Member {
    Member::Key(key.public())
}

pub(crate) fn did_member(did: &Did) -> Member {
    Member::Did(did.clone())
}

/// Returns a set that needs `threshold` of `members`, which it sorts.
pub(crate) fn key_set(threshold: u8, mut members: Vec<Member>) -> KeySet {
    members.sort();
    KeySet { threshold, members }
}

pub(crate) fn key_set_of(threshold: u8, keys: &[Key]) -> KeySet {
    key_set(threshold, keys.iter().map(key_member).collect())
}

/// Returns a set that needs `threshold` of the `keys`, of which it holds only sorted commitments.
pub(crate) fn next_set_of(threshold: u8, keys: &[Key]) -> NextSet {
    next_set(threshold, keys.iter().map(|key| NextSet::commitment(&key.public())))
}

/// Returns a set that needs `threshold` of the keys behind the `commitments`, which it sorts.
pub(crate) fn next_set(threshold: u8, commitments: impl Iterator<Item = Hash>) -> NextSet {
    let mut commitments: Vec<Hash> = commitments.collect();
    commitments.sort();
    NextSet { threshold, commitments }
}

pub(crate) fn recovery(keys: KeySet) -> Option<Recovery> {
    Some(Recovery { keys, delay_ms: DELAY_MS })
}

pub(crate) fn reveal(keys: &[Key]) -> Reveal {
    let mut revealed: Vec<Member> = keys.iter().map(key_member).collect();
    revealed.sort();
    Reveal { revealed }
}

/// Returns sets in which control, next and recovery hold one key each.
pub(crate) fn single(control: &Key, next: &Key, recover: &Key) -> Sets {
    Sets {
        control: key_set_of(1, std::slice::from_ref(control)),
        next: next_set_of(1, std::slice::from_ref(next)),
        recovery: recovery(key_set_of(1, std::slice::from_ref(recover))),
    }
}

pub(crate) fn salt(number: u8) -> FixedBytes<16> {
    FixedBytes([number; 16])
}

/// Returns an operation with the guard and author that its action needs.
pub(crate) fn create(sets: Sets, document: Document, number: u8) -> Operation {
    Operation {
        chain: chain(),
        author: None,
        endorser: None,
        guard: Guard::Absent,
        until: None,
        salt: salt(number),
        action: Action::DidCreate(Box::new(DidCreate { sets, document })),
    }
}

/// Returns an operation of a DID on its record as `seen`, without a last block time.
pub(crate) fn change(did: &Did, seen: impl Guarding, number: u8, action: Action) -> Operation {
    status::authored(did, seen.guard(did, &action), number, action)
}

pub(crate) fn update(document: Document) -> Action {
    Action::DidUpdate(Box::new(DidUpdate { document }))
}

/// Returns a rotation that replaces the document.
pub(crate) fn rotate(reveal: Reveal, sets: Sets, document: Document) -> Action {
    rotate_with(reveal, sets, Some(document), None)
}

/// Returns a rotation that keeps the document.
pub(crate) fn roll(reveal: Reveal, sets: Sets) -> Action {
    rotate_with(reveal, sets, None, None)
}

/// Returns a rotation that replaces the document and the marked keys if they are given.
pub(crate) fn rotate_with(
    reveal: Reveal,
    sets: Sets,
    document: Option<Document>,
    marks: Option<Marks>,
) -> Action {
    Action::DidRotate(Box::new(DidRotate { reveal, sets, document, marks }))
}

pub(crate) fn recover(sets: Sets, document: Document) -> Action {
    recover_with(sets, document, None)
}

/// Returns a recovery that replaces the marked keys if they are given.
pub(crate) fn recover_with(sets: Sets, document: Document, marks: Option<Marks>) -> Action {
    Action::DidRecover(Box::new(DidRecover { sets, document, marks }))
}

/// Returns the DID that a create makes.
pub(crate) fn did_of(operation: &Operation) -> Did {
    let suffix = Suffix::of_create(&operation_id(&operation.body()));
    Did { network: network(), suffix }
}

/// Returns the signature of `key` over an operation id.
pub(crate) fn signature(key: &Key, role: Role, id: &Hash) -> Signature {
    let value = key.sign(&role.message(id));
    Signature { role, by: Signer::Key(key.public()), value: Bytes(value) }
}

/// Returns an envelope around any body, signed in `role` by `keys`.
pub(crate) fn seal_body(body: Vec<u8>, role: Role, keys: &[Key]) -> Vec<u8> {
    let id = operation_id(&body);
    let signatures = keys.iter().map(|key| signature(key, role, &id)).collect();
    SignedOperation::new(body, signatures).bytes()
}

/// Returns the envelope of an operation, signed in the role of its action.
pub(crate) fn seal(operation: &Operation, keys: &[Key]) -> Vec<u8> {
    seal_body(operation.body(), operation.action.facts().role.unwrap_or(Role::Control), keys)
}

/// Returns the envelope with its signatures by these keys naming the member DIDs that the keys sign
/// for.
pub(crate) fn for_members(envelope: &[u8], of: &[(&Did, Key)]) -> Vec<u8> {
    let SignedOperation { body, mut signatures } =
        registry_core::codec::decode(envelope, envelope.len()).expect("an envelope");
    for (did, key) in of {
        let key = key.public();
        for signature in &mut signatures {
            if signature.by == Signer::Key(key.clone()) {
                let (did, key) = ((*did).clone(), key.clone());
                signature.by = Signer::Member(MemberSigner { did, key });
            }
        }
    }
    SignedOperation::new(body.0, signatures).bytes()
}

/// Returns the envelope of an operation that keys sign for member DIDs, in the role of its action.
pub(crate) fn seal_for_members(operation: &Operation, of: &[(&Did, Key)]) -> Vec<u8> {
    seal_by(operation, of.iter().map(|(did, key)| (Some(*did), *key)))
}

/// Returns the envelope of an operation with one signature of each signer, in the role of its
/// action. A signer is a key, with the member DID that it signs for if there is one.
pub(crate) fn seal_by<'d>(
    operation: &Operation,
    signers: impl IntoIterator<Item = (Option<&'d Did>, Key)>,
) -> Vec<u8> {
    let body = operation.body();
    let (id, role) = (operation_id(&body), operation.action.facts().role);
    let sign = |(of, key): (Option<&Did>, Key)| {
        let signature = signature(&key, role.unwrap_or(Role::Control), &id);
        match of {
            None => signature,
            Some(did) => {
                let (did, key) = (did.clone(), key.public());
                Signature { by: Signer::Member(MemberSigner { did, key }), ..signature }
            }
        }
    };
    let signatures = signers.into_iter().map(sign).collect();
    SignedOperation::new(body, signatures).bytes()
}
