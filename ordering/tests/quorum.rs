//! Checks the quorum arithmetic, on which safety rests, against a table written by hand. The
//! expected values do not come from production code.

#![allow(missing_docs, reason = "tests")]

mod common;

use common::{config, keys, set_of, start, vote};
use ordering::{Guard, Input, Message, Output, State, proposer, step};
use registry_core::certificate::VoteKind;
use registry_core::crypto::Hash;

/// The columns are the number of validators, the votes that make a quorum, and the votes that let a
/// node skip to a later round.
const TABLE: [(u8, u64, usize); 21] = [
    (1, 1, 1),
    (2, 2, 1),
    (3, 3, 2),
    (4, 3, 2),
    (5, 4, 2),
    (6, 5, 3),
    (7, 5, 3),
    (8, 6, 3),
    (9, 7, 4),
    (10, 7, 4),
    (11, 8, 4),
    (12, 9, 5),
    (13, 9, 5),
    (14, 10, 5),
    (15, 11, 6),
    (16, 11, 6),
    (17, 12, 6),
    (18, 13, 7),
    (19, 13, 7),
    (20, 14, 7),
    (21, 15, 8),
];

const VALUE: Hash = Hash([5; 32]);

/// Returns a validator at height 1 that proposes neither in round 0 nor in round 1, and the keys of
/// the others.
fn observer(count: u8) -> (State, Vec<ed25519_dalek::SigningKey>) {
    let mut keys = keys(count);
    let set = set_of(&keys);
    let proposers = [proposer(&set, 1, 0), proposer(&set, 1, 1)];
    let is_free = |key: &ed25519_dalek::SigningKey| !proposers.contains(&Some(common::public(key)));
    let own = keys.remove(keys.iter().rposition(is_free).unwrap_or(0));
    let guard = Guard::restore(None, 0, 0).unwrap();
    let mut state = State::new(config(&own), guard, 0, &set).unwrap();
    drop(step(&mut state, start(1, set)));
    (state, keys)
}

#[test]
fn a_set_has_the_quorum_of_the_table() {
    for (count, quorum, _) in TABLE {
        let set = set_of(&keys(count));
        assert!(set.is_quorum(quorum), "{quorum} of {count}");
        assert!(!set.is_quorum(quorum - 1), "{} of {count}", quorum - 1);
    }
}

#[test]
fn the_core_takes_the_same_quorum_for_a_polka() {
    for (count, quorum, _) in TABLE.into_iter().filter(|(count, ..)| *count > 2) {
        let (mut state, others) = observer(count);
        for (index, key) in others.iter().enumerate() {
            let message = Message::Vote(vote(key, VoteKind::Prevote, 1, 0, Some(VALUE)));
            drop(step(&mut state, Input::Message(message)));
            let expected = index as u64 + 1 >= quorum;
            assert_eq!(state.has_polka(&VALUE), expected, "{} of {count}", index + 1);
        }
    }
}

#[test]
fn the_core_skips_to_a_later_round_after_more_than_a_third() {
    for (count, _, skip) in TABLE.into_iter().filter(|(count, ..)| *count > 2) {
        let (mut state, others) = observer(count);
        for (index, key) in others.iter().take(skip).enumerate() {
            let message = Message::Vote(vote(key, VoteKind::Prevote, 1, 1, None));
            let outputs = step(&mut state, Input::Message(message));
            let entered = outputs.iter().any(|it| matches!(it, Output::NewRound { round: 1, .. }));
            assert_eq!(entered, index + 1 == skip, "{} of {count}", index + 1);
        }
        assert_eq!(state.round(), Some(1));
    }
}
