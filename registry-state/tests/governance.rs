//! Compares governance with a plain loop over hundreds of heights of random deeds, and tests what
//! operators must be able to rely on. What was applied is sent again in every later block.

#[path = "governance/effects.rs"]
mod effects;
#[path = "governance/histories.rs"]
mod histories;
#[path = "governance/oracle.rs"]
mod oracle;
mod support;

use std::collections::BTreeMap;

use histories::History;

/// Number of histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 24;

/// Number of blocks in each history.
const HEIGHTS: u64 = 300;

fn run(seeds: std::ops::Range<u64>) {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for seed in seeds {
        let mut history = History::new(seed);
        for _ in 0..HEIGHTS {
            history.step();
        }
        for (code, count) in &history.applied.codes {
            *counts.entry(format!("again {}", code.name())).or_default() += count;
        }
        for (what, count) in history.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    // A comparison in which hardly anything happens would show nothing.
    for (what, least) in [
        ("applied", 1_000),
        ("active validators", 20),
        ("active publishing", 10),
        ("active parameters", 10),
        ("active governors", 10),
        ("cancelled THRESHOLD_NOT_MET", 2),
        ("cancelled GOVERNANCE_RESULT", 2),
        ("cancelled VALIDATOR_NOT_READY", 4),
        ("DID_DEACTIVATED", 10),
        ("NOT_GOVERNOR", 50),
        ("PROPOSAL_CLOSED", 50),
        ("APPROVED_ALREADY", 50),
        ("NOT_APPROVED", 50),
        ("ACTIVATION_HEIGHT", 30),
        ("GOVERNANCE_RESULT", 50),
        ("POWER_MOVED", 50),
        ("QUOTA_EXCEEDED", 5),
        ("SCHEDULE_BROKEN", 8),
        ("GOVERNORS_TOO_FEW", 5),
        ("READY_NOT_EXPECTED", 50),
        ("READY_BLOCK", 4),
        ("READY_TOO_SOON", 5),
        ("ALREADY_EXISTS", 3),
        ("GUARD_STALE", 1),
        ("APPROVAL_FINAL", 50),
        ("again in a block", 100),
        ("again ALREADY_APPLIED", 1_000),
        ("again PROPOSAL_CLOSED", 1_000),
        ("again APPROVED_ALREADY", 1_000),
        ("again APPROVAL_FINAL", 100),
    ] {
        assert!(counts.get(what) >= Some(&least), "{what} is rare: {counts:#?}");
    }
}

#[test]
fn sets_statuses_and_refusals_are_those_of_the_history_in_the_first_histories() {
    run(0..HISTORIES / 2);
}

#[test]
fn sets_statuses_and_refusals_are_those_of_the_history_in_the_other_histories() {
    run(HISTORIES / 2..HISTORIES);
}
