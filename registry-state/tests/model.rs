//! Compares the rules with an independent model of a DID's life over random histories.
//!
//! The model knows keys and DIDs as numbers and decides from docs/protocol/did-idem.md alone. It
//! has no codec, tree or records.

#[path = "model/histories.rs"]
mod histories;
#[path = "model/life.rs"]
mod life;
mod support;

use registry_core::did::DidValue;

use histories::History;
use life::Life;
use support::random::Random;

/// Number of histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 2_000;

fn compare(seeds: std::ops::Range<u64>) {
    let mut applied = 0;
    let mut refused = std::collections::BTreeMap::new();
    for seed in seeds {
        let mut history = History::new(Random::new(seed));
        for step in 0..history.steps() {
            let attempt = history.next_attempt();
            let expected = history.model_result(&attempt);
            let actual = history.apply(&attempt);
            assert_eq!(actual, expected, "seed {seed} step {step}: {attempt:?}");
            match actual {
                Ok(()) => applied += 1,
                Err(code) => *refused.entry(code).or_insert(0u32) += 1,
            }
            for (index, life) in history.lives.iter().enumerate() {
                let value = history.value(index);
                assert_eq!(life.as_value(&history.dids), value, "seed {seed} step {step}");
            }
        }
    }
    // A comparison that never refuses, or refuses nearly everything, would show nothing.
    assert!(applied > 1_000, "{applied} applied, {refused:?}");
    assert!(refused.len() >= 12, "only these codes were met: {refused:?}");
}

impl Life {
    /// Returns the value that the record should hold.
    fn as_value(&self, dids: &[registry_core::id::Did]) -> DidValue {
        if self.deactivated {
            return DidValue::Deactivated;
        }
        DidValue::Active(Box::new(histories::real_state(self, dids)))
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
