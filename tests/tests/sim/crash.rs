use registry_tests::sim::{PowerCut, World};

use super::{create, four, reach, settle, sound};

/// Runs until every validator has sent a precommit for the next height.
fn run_to_precommit(world: &mut World) -> u64 {
    let height = world.oracle.headers().len() as u64;
    let all = world.run_until(20_000, |world| {
        world.chain.keys.iter().all(|key| world.oracle.precommitted(key, height))
    });
    assert!(all, "all precommit height {height}: {}", world.describe());
    height
}

#[test]
fn all_four_die_after_their_precommits_and_come_back_with_every_acknowledged_write() {
    for seed in 1..30 {
        let mut world = four(seed, 1);
        world.weather.delay_ms_min = 50;
        world.weather.delay_ms_max = 60;
        world.start_clients(4);
        reach(&mut world, 3, 30_000);
        let height = run_to_precommit(&mut world);
        assert!(world.least_height(0..4) < height, "nobody can have decided yet");
        (0..4).for_each(|index| world.crash(index));
        world.run_for(1_000);
        world.heal();
        reach(&mut world, height + 3, 20_000);
        world.stop_clients();
        assert!(world.oracle.acknowledged() > 0, "the scenario acknowledged nothing");
        let all: Vec<_> = (0..5).collect();
        assert!(world.run_until(20_000, |world| world.is_at_rest(&all)), "{}", world.describe());
        sound(&mut world);
    }
}

/// Sends one write through one height. All four validators die at write `at` of their disks,
/// counted from the submission. Returns true if that write was reached.
fn all_die_at(at: u64, lands: bool) -> bool {
    let mut world = four(at, 0);
    reach(&mut world, 2, 40_000);
    let operation = create(&world, 1);
    for index in 0..4 {
        world.crash_at_write(index, PowerCut { writes: at, lands });
    }
    world.submit(1, operation.clone());
    world.run_for(5_000);
    let came = world.counted("power cut at a write") > 0;
    world.heal();
    world.submit(2, operation.clone());
    settle(&mut world, &operation, 20_000);
    came
}

#[test]
fn all_four_die_at_every_write_of_a_height_and_come_back() {
    for lands in [false, true] {
        let died = (0..200).take_while(|at| all_die_at(*at, lands)).count();
        println!("{died} writes in the scenario");
        assert!((5..200).contains(&died), "{died} writes");
    }
}

/// Does the same as [`all_die_at`], but only one validator dies, between two of its actions.
/// Returns true if that action was reached.
fn one_dies_at(action: u64) -> bool {
    let mut world = four(action, 0);
    reach(&mut world, 2, 40_000);
    let operation = create(&world, 1);
    world.crash_at_action(1, action);
    world.submit(1, operation.clone());
    world.run_for(3_000);
    let came = world.counted("death between actions") > 0;
    world.heal();
    world.submit(2, operation.clone());
    settle(&mut world, &operation, 20_000);
    came
}

#[test]
fn a_validator_dies_between_any_two_actions_and_comes_back() {
    let died = (0..100).take_while(|action| one_dies_at(*action)).count();
    assert!((5..100).contains(&died), "{died} actions");
}

#[test]
fn one_validator_alone_dies_at_every_write_and_comes_back() {
    for at in 0..60 {
        let mut world = World::started(&registry_tests::sim::Setup {
            seed: at,
            validators: 1,
            ..registry_tests::sim::Setup::default()
        });
        world.restart_ms_max = Some(500);
        world.start_clients(3);
        world.crash_at_write(0, PowerCut { writes: at, lands: at % 2 == 0 });
        world.run_for(10_000);
        world.stop_clients();
        assert!(world.run_until(20_000, |world| world.is_at_rest(&[0])), "{}", world.describe());
        assert_eq!(world.counted("power cut at a write"), 1);
        sound(&mut world);
    }
}

#[test]
fn a_crash_between_sync_and_floor_does_not_lead_to_a_double_signature() {
    for at in 0..30 {
        let mut world = four(at, 0);
        reach(&mut world, 2, 40_000);
        // The node dies at any of its writes, including the one that raises the floor.
        world.crash_at_write(1, PowerCut { writes: at, lands: false });
        world.submit(1, create(&world, 1));
        world.run_for(3_000);
        world.start(1);
        world.run_for(30);
        // The node has sent its messages again. Now it loses its database, and only the floor
        // prevents a double signature.
        world.lose_data(1);
        world.start(1);
        world.run_for(5_000);
        sound(&mut world);
        world.heal();
        let operation = create(&world, 2);
        world.submit(0, operation.clone());
        settle(&mut world, &operation, 20_000);
    }
}

#[test]
fn two_of_four_down_commit_nothing_and_the_rest_still_reads() {
    let mut world = four(5, 1);
    let first = create(&world, 1);
    world.submit(0, first.clone());
    settle(&mut world, &first, 10_000);
    world.run_for(500);
    world.crash(2);
    world.crash(3);
    world.run_for(2_000);
    let height = world.oracle.headers().len();
    let second = create(&world, 2);
    world.submit(1, second.clone());
    world.run_for(60_000);
    assert_eq!(world.oracle.headers().len(), height, "two of four decide nothing");
    assert!(!world.oracle.is_applied(&second.id()));
    for index in [0, 1, 4] {
        let read: &dyn node::store::Read = &world.nodes[index].disk;
        let receipt = node::store::Ledger(read).receipt(&first.id()).expect("readable");
        assert!(receipt.is_some(), "node {index} still answers");
    }
    world.heal();
    settle(&mut world, &second, 10_000);
}

#[test]
fn a_validator_without_its_database_follows_passes_its_floor_and_votes_again() {
    let mut world = four(6, 0);
    world.start_clients(3);
    reach(&mut world, 20, 60_000);
    world.lose_data(2);
    world.start(2);
    let floor = world.nodes[2].disk.floor();
    assert!(floor >= 20);
    let key = world.chain.keys[2].clone();
    let sent = world.oracle.sent_up_to(&key, floor);
    reach(&mut world, floor + 5, 60_000);
    assert_eq!(world.oracle.sent_up_to(&key, floor), sent, "it signs nothing up to its floor");
    let voted = (floor + 1..floor + 6).any(|height| world.oracle.precommitted(&key, height));
    assert!(voted, "it votes above its floor");
    sound(&mut world);
}
