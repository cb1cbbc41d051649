//! Ties the formula to what is read: over random histories no operation, applied or refused, reads
//! more than it has paid for.

use std::collections::BTreeMap;

use registry_core::cost::{EXPIRED, OPERATION_COST_MAX};
use registry_state::execution::BlockExecution;
use registry_state::rules::Checked;
use registry_state::state::ApplyError;

use crate::counted::Counted;
use crate::scenes::{Scene, scenes};
use crate::support::ledger::Ledger;
use crate::support::network;
use crate::support::random::Random;

/// Number of histories of each scene.
const HISTORIES: u64 = 40;

/// Number of blocks of a history.
const BLOCKS: u8 = 4;

/// What became of the operations of an action: how many were applied and refused, and what the
/// dearest one cost.
#[derive(Default)]
struct Seen {
    applied: u32,
    refused: u32,
    cost: u64,
}

/// Returns the operations that are tried in the next block: juniors in a random order, now and then
/// the senior, and operations of earlier blocks.
fn attempts(random: &mut Random, scene: &Scene, ledger: &Ledger, round: u8) -> Vec<Vec<u8>> {
    let mut envelopes = Vec::new();
    for place in 0..1 + random.below(5) {
        let place = u8::try_from(place).expect("small");
        let junior = usize::try_from(random.below(scene.juniors.len() as u64)).expect("small");
        let number = 100 + round * 8 + place;
        match random.below(6) {
            0 => envelopes.push(scene.senior.clone()),
            1 => envelopes.extend(ledger.blocks.iter().flat_map(|(_, all)| all).next().cloned()),
            _ => envelopes.push((scene.juniors[junior].1)(ledger, number)),
        }
    }
    envelopes
}

/// Tries one operation and compares what it reads with what it has paid for.
fn try_one(
    (block, counted): (&mut BlockExecution<'_>, &Counted<'_>),
    checked: &Checked,
    seen: &mut BTreeMap<&'static str, Seen>,
) -> bool {
    let name = checked.operation().action.facts().name;
    let leaves = block.check(checked).map_or(0, |effect| effect.transient.len());
    counted.reset();
    let result = block.apply(checked);
    let ((reads, bytes), paid) = (counted.counts(), block.probe().paid());
    assert!(reads <= paid.reads, "{name}: {reads} reads, {paid:?}, {result:?}");
    assert!(bytes <= paid.bytes, "{name}: {bytes} bytes read, {paid:?}, {result:?}");
    assert!(paid.cost <= OPERATION_COST_MAX, "{name}: {paid:?}");
    let leaves = u64::try_from(leaves).expect("few");
    assert!(leaves * EXPIRED <= paid.cost, "{name}: {leaves} leaves, {paid:?}");
    let seen = seen.entry(name).or_default();
    seen.cost = seen.cost.max(paid.cost);
    let is_applied = result.is_ok();
    match result {
        Ok(()) => seen.applied += 1,
        Err(ApplyError::Refused(_) | ApplyError::Full) => seen.refused += 1,
        Err(ApplyError::Store(error)) => panic!("{name}: {error}"),
    }
    is_applied
}

#[test]
fn no_operation_reads_more_than_it_has_paid_for() {
    let mut seen = BTreeMap::new();
    for scene in scenes() {
        for seed in 0..HISTORIES {
            history(&scene, seed, &mut seen);
        }
    }
    for (name, Seen { applied, refused, cost }) in &seen {
        println!("{name}: {applied} applied, {refused} refused, {cost} units at most");
    }
    let applied: u32 = seen.values().map(|seen| seen.applied).sum();
    let refused: u32 = seen.values().map(|seen| seen.refused).sum();
    assert!(seen.len() > 15 && applied > 1_000 && refused > 500, "{applied}, {refused}");
}

fn history(scene: &Scene, seed: u64, seen: &mut BTreeMap<&'static str, Seen>) {
    let (mut random, mut ledger) = (Random::new(seed + 1), scene.ledger.clone());
    for round in 0..BLOCKS {
        let time_ms = ledger.head.time + 1_000;
        let envelopes = attempts(&mut random, scene, &ledger, round);
        let mut kept = Vec::new();
        {
            let counted = Counted::new(&ledger.state);
            let proposer = ledger.present_validators().validators[0].key;
            let (head, network) = (&ledger.head, network());
            let block = BlockExecution::new(&counted, network, head, time_ms, proposer);
            let mut block = block.expect("a sound store");
            for envelope in envelopes {
                let Ok(checked) = Ledger::check(&envelope) else { continue };
                if try_one((&mut block, &counted), &checked, seen) {
                    kept.push(envelope);
                }
            }
        }
        ledger.block(time_ms, &kept).expect("what was applied");
    }
}
