//! Properties that hold for any input: nothing panics, values have one spelling, refusals change
//! nothing, and the same blocks give the same roots.

mod support;

use proptest::prelude::*;
use registry_core::block::{Block, Header, Receipt};
use registry_core::certificate::Certificate;
use registry_core::codec::{decode, encode};
use registry_core::did::{DidValue, Document};
use registry_core::id::Did;
use registry_core::operation::{Action, Operation, SignedOperation};
use registry_core::record::{Entry, Record};
use serde::Serialize;
use serde::de::DeserializeOwned;

use support::ledger::Ledger;
use support::{
    change, create, did_of, ed, k256, p256, recover, reveal, rotate, seal, single, update,
};

fn document(number: u8) -> Document {
    Document { also_known_as: vec![format!("did:web:a{number}")], ..Document::default() }
}

/// Returns the create of one of three DIDs, each with a key of another suite.
fn creation(number: u8) -> (Operation, Vec<u8>) {
    let key = [ed(10), p256(10), k256(10)][usize::from(number % 3)];
    let operation = create(single(&key, &ed(11), &ed(12)), document(number), number);
    let envelope = seal(&operation, &[key]);
    (operation, envelope)
}

fn did(number: u8) -> Did {
    did_of(&creation(number).0)
}

/// Returns a valid or nearly valid change of one of the three DIDs.
fn changing(ledger: &Ledger, number: u8, kind: u8, salt: u8) -> Vec<u8> {
    let sets = || single(&[ed(10), p256(10), k256(10)][usize::from(number % 3)], &ed(11), &ed(12));
    let (action, key) = match kind % 6 {
        0 => (update(document(salt)), [ed(10), p256(10), k256(10)][usize::from(number % 3)]),
        1 => (rotate(reveal(&[ed(11)]), sets(), document(salt)), ed(11)),
        2 => (recover(sets(), document(salt)), ed(12)),
        3 => (Action::DidRecoverCancel, ed(12)),
        4 => (Action::DidRecoverComplete, ed(12)),
        _ => (Action::DidDeactivate(reveal(&[ed(salt % 12 + 1)])), ed(salt % 12 + 1)),
    };
    let keys = if action.facts().role.is_some() { vec![key] } else { vec![] };
    seal(&change(&did(number), ledger.previous(&did(number)), salt, action), &keys)
}

fn registered() -> Ledger {
    let mut ledger = Ledger::new();
    let envelopes: Vec<Vec<u8>> = (0..3).map(|number| creation(number).1).collect();
    ledger.after(1_000, &envelopes);
    ledger
}

/// Generates a block of proposed changes with a DID, a kind and a salt each.
fn changes() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    proptest::collection::vec((0u8..3, 0u8..6, any::<u8>()), 0..4)
}

fn one_spelling<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(value) = decode::<T>(bytes, bytes.len()) {
        assert_eq!(encode(&value), bytes);
    }
}

fn decode_all(bytes: &[u8]) {
    one_spelling::<SignedOperation>(bytes);
    one_spelling::<Operation>(bytes);
    one_spelling::<Header>(bytes);
    one_spelling::<Block>(bytes);
    one_spelling::<Record>(bytes);
    one_spelling::<Entry>(bytes);
    one_spelling::<Receipt>(bytes);
    one_spelling::<DidValue>(bytes);
    one_spelling::<Certificate>(bytes);
}

/// Returns the bytes with some of them replaced, removed or inserted.
fn mutate(mut bytes: Vec<u8>, edits: &[(u16, u8, u8)]) -> Vec<u8> {
    for (place, kind, byte) in edits {
        let place = usize::from(*place) % bytes.len();
        match kind % 4 {
            0 => bytes[place] = *byte,
            1 => bytes[place] ^= 1 << (byte % 8),
            2 if bytes.len() > 1 => drop(bytes.remove(place)),
            _ => bytes.insert(place, *byte),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_have_one_spelling_or_none(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        decode_all(&bytes);
        prop_assert!(Ledger::check(&bytes).is_err());
    }

    #[test]
    fn a_mutated_envelope_is_refused_and_never_harms(
        number in 0u8..3,
        edits in proptest::collection::vec((any::<u16>(), any::<u8>(), any::<u8>()), 1..4),
    ) {
        let (operation, envelope) = creation(number);
        let mutated = mutate(envelope.clone(), &edits);
        decode_all(&mutated);
        decode_all(&mutate(operation.body(), &edits));
        // Whichever byte differs, the id or a signature no longer fits.
        prop_assert_eq!(Ledger::check(&mutated).is_ok(), mutated == envelope);
    }

    #[test]
    fn a_refused_operation_changes_nothing(
        good in changes(),
        bad in (0u8..3, 0u8..6, any::<u8>()),
    ) {
        let ledger = registered();
        let time_ms = ledger.head.time + 1_000;
        let (mut with, mut without) = (ledger.start(time_ms), ledger.start(time_ms));
        for (number, kind, salt) in good {
            let checked = Ledger::check(&changing(&ledger, number, kind, salt));
            let Ok(checked) = checked else { continue };
            prop_assert_eq!(with.apply(&checked).is_ok(), without.apply(&checked).is_ok());
        }
        let (number, kind, salt) = bad;
        if let Ok(checked) = Ledger::check(&changing(&ledger, number, kind, salt))
            && with.check(&checked).is_err()
        {
            prop_assert!(with.apply(&checked).is_err());
            prop_assert_eq!(with.finish(), without.finish());
        }
    }

    #[test]
    fn the_same_blocks_give_the_same_roots(
        blocks in proptest::collection::vec((changes(), 1u64..70_000), 1..6),
    ) {
        let mut ledger = registered();
        for (changes, gap_ms) in blocks {
            let time_ms = ledger.head.time + gap_ms;
            let mut kept: Vec<Vec<u8>> = Vec::new();
            for (number, kind, salt) in changes {
                let mut longer = kept.clone();
                longer.push(changing(&ledger, number, kind, salt));
                if ledger.attempt(time_ms, &longer).is_ok() {
                    kept = longer;
                }
            }
            let built = ledger.attempt(time_ms, &kept).expect("each was kept because it applies");
            let executed = ledger.execute(&built.header, &kept);
            prop_assert_eq!(executed.as_ref(), Ok(&built));
            ledger.block(time_ms, &kept).expect("applies");
        }
        let mut replayed = Ledger::new();
        for (time_ms, envelopes) in &ledger.blocks {
            replayed.block(*time_ms, envelopes).expect("applied before");
        }
        prop_assert_eq!(replayed.head, ledger.head);
    }
}
