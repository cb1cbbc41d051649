//! Four validators in one event loop. The tests check progress, agreement, crashes and determinism.

#![allow(missing_docs, reason = "tests")]

mod common;

use common::{CHAIN, Crash, World, config, public};
use ordering::{Guard, State, step};

const MINUTE_MS: u64 = 60_000;

#[test]
fn four_validators_decide_fifty_heights() {
    let mut world = World::new(4, 1, 50);
    assert!(world.run(MINUTE_MS), "stalled at {:?}", world.decided.keys().last());
    assert!(world.now < 10_000, "50 heights took {} ms of virtual time", world.now);
    for node in &world.nodes {
        let certificate = &node.disk.certificates[&25];
        assert_eq!(certificate.check(CHAIN, &world.set), Ok(()));
        assert!(node.evidence.is_empty());
    }
}

#[test]
fn one_validator_alone_decides() {
    let mut world = World::new(1, 1, 10);
    assert!(world.run(MINUTE_MS));
}

#[test]
fn a_crash_at_any_output_changes_no_signature() {
    let mut calm = World::new(4, 3, 3);
    assert!(calm.run(MINUTE_MS));
    for node in 0..4 {
        for at_output in 0..calm.nodes[node].outputs_seen {
            let unsynced_survives = at_output % 2 == 0;
            let mut world = World::new(4, 3, 4);
            world.crash = Some(Crash { node, at_output, unsynced_survives });
            let done = world.run(MINUTE_MS);
            assert!(done, "node {node} crashed at {at_output}: stalled at {:?}", world.decided);
            assert!(world.crash.is_none());
        }
    }
}

#[test]
fn a_second_crash_right_after_the_first_changes_no_signature() {
    let mut calm = World::new(4, 5, 3);
    assert!(calm.run(MINUTE_MS));
    for at_output in (0..calm.nodes[2].outputs_seen).step_by(3) {
        let mut world = World::new(4, 5, 3);
        world.restart_ms = 20;
        world.crash = Some(Crash { node: 2, at_output, unsynced_survives: false });
        while world.crash.is_some() {
            assert!(!world.run(world.now + 1), "the first crash never came");
        }
        let again = world.nodes[2].outputs_seen + 4;
        world.crash = Some(Crash { node: 2, at_output: again, unsynced_survives: true });
        assert!(world.run(MINUTE_MS), "crash at {at_output} and {again} stalled");
    }
}

#[test]
fn all_four_die_after_precommit_and_come_back() {
    for count in 1..=4 {
        let mut world = World::new(4, 7, 5);
        world.kill_all_after_precommits = Some(count);
        assert!(world.run(MINUTE_MS), "{count} precommits, then death: stalled");
        assert!(world.kill_all_after_precommits.is_none());
    }
}

#[test]
fn loss_and_random_crashes_neither_fork_nor_stall() {
    for seed in 1..=30 {
        let mut world = World::new(4, seed, 12);
        world.loss_percent = 5;
        for crash in 1..=4 {
            let until = crash * 400 + world.random(300);
            if world.run(until) {
                break;
            }
            let (node, survives) = (world.random(4) as usize, world.random(2) == 0);
            world.crash_now(node, survives);
        }
        assert!(
            world.run(10 * MINUTE_MS),
            "seed {seed} stalled at {:?}",
            world.decided.keys().last()
        );
    }
}

#[test]
fn heavy_loss_takes_the_paths_of_later_rounds() {
    let (mut reproposals, mut polkas, mut rounds) = (0, 0, 0);
    for seed in 1..=40 {
        let mut world = World::new(4, seed, 4);
        world.loss_percent = 45;
        assert!(world.run(30 * MINUTE_MS), "seed {seed} stalled");
        reproposals += world.reproposals;
        polkas += world.polkas;
        rounds += world.rounds;
    }
    assert!(reproposals > 0 && polkas > 0 && rounds > 0, "{reproposals} {polkas} {rounds}");
}

#[test]
fn a_double_voter_forks_nobody_and_is_found_out() {
    for seed in 1..=20 {
        let mut world = World::new(4, seed, 8);
        world.double_voter = Some(0);
        world.loss_percent = seed % 3 * 5;
        assert!(world.run(10 * MINUTE_MS), "seed {seed} stalled");
        let culprit = public(&world.nodes[0].key);
        for node in &world.nodes[1..] {
            assert!(!node.evidence.is_empty(), "seed {seed}");
            for evidence in &node.evidence {
                assert!(evidence.verify(CHAIN) && evidence.validator() == culprit);
            }
        }
    }
}

#[test]
fn equal_inputs_give_equal_outputs() {
    let mut world = World::new(4, 11, 8);
    world.loss_percent = 10;
    assert!(world.run(10 * MINUTE_MS));
    for node in &world.nodes {
        let guard = Guard::restore(None, 0, 0).unwrap();
        let mut twin = State::new(config(&node.key), guard, 0, &world.set).unwrap();
        for (input, outputs) in node.inputs.iter().zip(&node.trace) {
            assert_eq!(step(&mut twin, input.clone()), *outputs);
        }
    }
    let mut again = World::new(4, 11, 8);
    again.loss_percent = 10;
    assert!(again.run(10 * MINUTE_MS));
    assert_eq!(world.now, again.now);
    assert!(world.nodes.iter().zip(&again.nodes).all(|(left, right)| left.trace == right.trace));
}

#[test]
fn a_lost_database_follows_through_the_floor_and_then_votes() {
    let mut world = World::new(4, 13, 30);
    assert!(!world.run(600));
    world.crash_now(1, false);
    let floor = world.nodes[1].disk.floor;
    assert!(floor > 2, "the test needs some heights before the loss");
    world.nodes[1].disk = common::Disk { floor, ..common::Disk::default() };
    let seen = world.nodes[1].trace.len();
    assert!(world.run(MINUTE_MS));
    let node = &world.nodes[1];
    let signed: Vec<u64> = node.trace[seen..]
        .iter()
        .flatten()
        .filter_map(|output| match output {
            ordering::Output::Guard(guard) => Some(guard.height()),
            _ => None,
        })
        .collect();
    assert!(!signed.is_empty(), "it votes again");
    assert!(signed.iter().all(|height| *height > floor), "it signs nothing up to the floor");
}
