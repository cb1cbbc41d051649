use registry_core::block::operations_root;
use registry_tests::sim::chain::public;
use registry_tests::sim::{Byzantine, Forger, Setup, Violation, World};

use super::{create, four, reach, settle, sound};

fn evidence(world: &World) -> u64 {
    let drivers = world.nodes.iter().filter_map(|node| node.driver.as_ref());
    drivers.map(node::driver::Driver::evidence).sum()
}

fn forged(world: &World, index: usize) -> Vec<registry_core::crypto::Hash> {
    match &world.nodes[index].byzantine {
        Some(Byzantine::WrongStateRoot(forger) | Byzantine::Equivocate(forger)) => {
            forger.forged().values().copied().collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_proposal_with_a_wrong_state_root_gets_no_honest_prevote() {
    for seed in 1..6 {
        let mut world = four(seed, 0);
        world.corrupt(2, Byzantine::WrongStateRoot(Forger::default()));
        world.start_clients(4);
        reach(&mut world, 12, 100_000);
        let forged = forged(&world, 2);
        assert!(!forged.is_empty(), "it never proposed");
        for value in forged {
            assert_eq!(world.oracle.honest_prevotes(&value), 0, "{value}");
        }
    }
}

#[test]
fn an_equivocating_validator_leaves_evidence_and_no_fork() {
    for seed in 1..6 {
        let mut world = four(seed, 1);
        world.corrupt(1, Byzantine::Equivocate(Forger::default()));
        reach(&mut world, 6, 200_000);
        assert!(!forged(&world, 1).is_empty(), "it never proposed");
        assert!(evidence(&world) > 0, "nobody noticed");
        let operation = create(&world, 1);
        world.submit(0, operation.clone());
        settle(&mut world, &operation, 20_000);
    }
}

#[test]
fn a_silent_validator_costs_rounds_and_nothing_else() {
    let mut world = World::new(&Setup { seed: 4, ..Setup::default() });
    (0..3).for_each(|index| world.start(index));
    world.start_clients(4);
    let all = [0, 1, 2];
    assert!(world.run_until(60_000, |world| world.least_height(all) >= 12));
    sound(&mut world);
    assert!(world.counted("message of a later round") > 0);
}

#[test]
fn a_wrong_list_beside_a_valid_block_does_not_prove_the_block_invalid() {
    let mut world = World::new(&Setup { seed: 6, ..Setup::default() });
    // With one validator down, every block needs the votes of both honest ones.
    (0..3).for_each(|index| world.start(index));
    world.corrupt(1, Byzantine::WrongEnvelopes);
    world.start_clients(6);
    let all = [0, 1, 2];
    assert!(world.run_until(100_000, |world| world.least_height(all) >= 30));
    sound(&mut world);
    let (key, empty) = (public(&world.chain.keys[1]), operations_root([]));
    let headers = world.oracle.headers().iter();
    let built = headers.filter(|it| it.proposer == key && it.operations_root != empty).count();
    assert!(built > 0, "none of its blocks with operations was decided");
}

/// Runs two sides that do not receive each other's messages, and submits another operation to each.
fn two_sides(twins: &[usize], left: &[usize], right: &[usize]) -> World {
    let mut world = World::new(&Setup { seed: 5, ..Setup::default() });
    for index in twins {
        world.add_twin(*index);
    }
    world.partition(&[left, right]);
    (0..world.nodes.len()).for_each(|index| world.start(index));
    world.run_for(2_000);
    for (number, side) in [(1, left), (2, right)] {
        let operation = create(&world, number);
        world.submit(side[0], operation);
    }
    world.run_for(20_000);
    world
}

#[test]
fn a_key_on_two_machines_does_not_fork_the_chain() {
    // Key 0 runs on nodes 0 and 4.
    let mut world = two_sides(&[0], &[0, 1, 2], &[4, 3]);
    sound(&mut world);
    assert!(world.oracle.headers().len() > 1, "one side has a quorum");
    world.heal();
    let operation = create(&world, 3);
    world.submit(1, operation.clone());
    settle(&mut world, &operation, 40_000);
}

#[test]
fn the_oracle_reports_a_fork_when_more_than_a_third_is_dishonest() {
    // Keys 0 and 1 run on nodes 0, 4 and 1, 5: a quorum on both sides.
    let world = two_sides(&[0, 1], &[0, 1, 2], &[4, 5, 3]);
    let broken = world.oracle.violations();
    let diverged = |violation: &Violation| matches!(violation, Violation::Diverged { .. });
    assert!(broken.iter().any(diverged), "the canary must die: {broken:?}");
}
