use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use registry_tests::sim::swarm::{self, Report};

/// Seeds that every merge runs.
const GATE: Range<u64> = 1..301;

/// Seeds that failed once. No seed is ever removed, whatever the gate is.
const REGRESSIONS: &[u64] = &[6, 22, 70];

/// Faults that the gate must have injected, since a run without faults proves nothing.
const INJECTED: &[&str] = &[
    "clock changed",
    "commit by sync",
    "connection lost",
    "crash",
    "database lost",
    "death between actions",
    "late start",
    "message doubled",
    "message into a partition",
    "message lost",
    "message of a later round",
    "one-way partition",
    "partition",
    "power cut at a write",
    "list over a keyframe",
    "proposed again with a polka",
    "status sets in one version",
    "twin",
    "unsynced writes lost",
];

fn range() -> Range<u64> {
    let Ok(range) = std::env::var("IDEM_SIM_SEEDS") else { return GATE };
    let (from, to) = range.split_once("..").expect("IDEM_SIM_SEEDS=from..to");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

fn passed(report: &Report) {
    assert!(report.violations.is_empty(), "IDEM_SIM_SEEDS={0}..: {report}", report.plan.seed);
}

#[test]
fn every_seed_keeps_all_promises_and_comes_back_to_rest() {
    let started = Instant::now();
    let range = range();
    println!("seeds {range:?}");
    let mut totals: BTreeMap<&'static str, u64> = BTreeMap::new();
    let (mut heights, mut operations) = (0, 0);
    for seed in range.clone() {
        let report = swarm::run(seed);
        passed(&report);
        heights += report.height;
        operations += report.applied;
        for (what, count) in &report.counts {
            *totals.entry(what).or_default() += count;
        }
    }
    println!("{heights} heights, {operations} operations in {:?}", started.elapsed());
    for (what, count) in &totals {
        println!("{count:>9} {what}");
    }
    if range == GATE {
        let missing: Vec<_> = INJECTED.iter().filter(|what| !totals.contains_key(**what)).collect();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
}

#[test]
fn seeds_that_once_failed_pass() {
    for seed in REGRESSIONS {
        passed(&swarm::run(*seed));
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..6 {
        let (first, second) = (swarm::run(seed), swarm::run(seed));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.counts, second.counts, "seed {seed}");
    }
    assert_ne!(swarm::run(1).trace, swarm::run(2).trace);
}
