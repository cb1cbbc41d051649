//! Compares the rules with an independent model of a DID's life over random histories.
//!
//! The model knows keys and DIDs as numbers and decides from docs/protocol/did-idem.md alone. It
//! has no codec, tree or records. Blocks hold several operations, often on one DID, and many were
//! signed before others on the same DID. What was applied is sent again in every later block.

#[path = "model/histories.rs"]
mod histories;
#[path = "model/life.rs"]
mod life;
mod support;

use std::collections::BTreeMap;

use registry_core::code::Code;
use registry_core::did::DidValue;
use registry_core::record::PartId;

use histories::History;
use life::{Life, No};
use support::random::Random;

/// Number of histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 2_000;

/// What happened in some histories.
#[derive(Debug, Default)]
struct Counts {
    applied: u32,
    /// Applied, although others wrote the DID after the signer saw it.
    overtaken: u32,
    /// Applied to a DID that an earlier operation of the same block wrote.
    again_in_block: u32,
    waited: u32,
    waited_then_applied: u32,
    /// A mark went, because a senior replaced the list.
    unmarked: u32,
    refused: BTreeMap<Code, u32>,
    sent_again: BTreeMap<Code, u32>,
}

fn compare_block(history: &mut History, seed: u64, counts: &mut Counts) {
    let mut written = Vec::new();
    for _ in 0..history.attempts() {
        let attempt = history.next_attempt();
        let expected = history.model_result(&attempt);
        let marked = history.lives[attempt.did].marks.clone();
        let actual = history.apply(&attempt);
        assert_eq!(actual, expected, "seed {seed}: {attempt:?}");
        match actual {
            Ok(()) => {
                counts.applied += 1;
                let marks = &history.lives[attempt.did].marks;
                counts.unmarked += u32::from(marked.keys().any(|key| !marks.contains_key(key)));
                counts.overtaken += u32::from(attempt.behind > 0);
                counts.again_in_block += u32::from(written.contains(&attempt.did));
                counts.waited_then_applied += u32::from(attempt.was_put_off);
                written.push(attempt.did);
            }
            Err(No::Waits) => counts.waited += 1,
            Err(No::Refused(code)) => *counts.refused.entry(code).or_default() += 1,
        }
        for (index, life) in history.lives.iter().enumerate() {
            let entry = history.entry(index);
            let value = entry.value().expect("a DID value");
            assert_eq!(life.as_value(&history.dids), value, "seed {seed}: {attempt:?}");
            let numbers: Vec<_> = entry.parts.iter().map(|part| (part.id, part.number)).collect();
            assert_eq!(life.part_numbers(), numbers, "seed {seed}: {attempt:?}");
        }
    }
    history.end();
}

fn compare(seeds: std::ops::Range<u64>) {
    let mut counts = Counts::default();
    for seed in seeds {
        let mut history = History::new(Random::new(seed));
        history.end();
        for _ in 0..history.blocks() {
            history.begin();
            compare_block(&mut history, seed, &mut counts);
        }
        for (code, count) in &history.applied.codes {
            *counts.sent_again.entry(*code).or_default() += count;
        }
    }
    // A comparison that never refuses, or refuses nearly everything, would show nothing.
    assert!(counts.applied > 1_000, "{counts:?}");
    assert!(counts.refused.len() >= 14, "only these codes were met: {counts:?}");
    for (what, count, least) in [
        ("overtaken", counts.overtaken, 100),
        ("again in a block", counts.again_in_block, 100),
        ("unmarked", counts.unmarked, 100),
        ("waited", counts.waited, 20),
        ("waited, then applied", counts.waited_then_applied, 10),
    ] {
        assert!(count >= least, "{what} is rare: {counts:?}");
    }
    for (code, least) in [
        (Code::GuardStale, 1_000),
        (Code::AlreadyApplied, 1_000),
        (Code::AlreadyExists, 1_000),
        (Code::RecoveryNotPending, 100),
        (Code::DidDeactivated, 5),
    ] {
        let count = counts.sent_again.get(&code);
        assert!(count >= Some(&least), "{code} is rare when sent again: {counts:?}");
    }
}

impl Life {
    /// Returns the value that the record should hold.
    fn as_value(&self, dids: &[registry_core::id::Did]) -> DidValue {
        if self.deactivated {
            return DidValue::Deactivated;
        }
        DidValue::Active(Box::new(histories::real_state(self, dids)))
    }

    /// Returns the parts that the record should have, with their numbers.
    fn part_numbers(&self) -> Vec<(PartId, u64)> {
        let life::Numbers { control, recovery, document, marks } = self.numbers;
        let parts = [
            (PartId::CONTROL, control),
            (PartId::RECOVERY, recovery),
            (PartId::DOCUMENT, document),
            (PartId::MARKS, marks),
        ];
        parts.into_iter().filter(|(_, number)| *number > 0).collect()
    }
}

#[test]
fn the_rules_and_the_model_agree_on_the_first_histories() {
    compare(0..HISTORIES / 2);
}

#[test]
fn the_rules_and_the_model_agree_on_the_other_histories() {
    compare(HISTORIES / 2..HISTORIES);
}
