use registry_tests::sim::{Byzantine, Lie, Setup, World};

use super::{create, four, reach, settle, sound};

#[test]
fn a_follower_that_joins_after_a_hundred_heights_has_the_same_blocks() {
    let mut world = World::new(&Setup { seed: 1, followers: 1, ..Setup::default() });
    (0..4).for_each(|index| world.start(index));
    world.start_clients(6);
    let reached = world.run_until(200_000, |world| world.oracle.headers().len() > 101);
    assert!(reached, "{}", world.describe());
    world.start(4);
    let height = world.oracle.headers().len() as u64 - 1;
    reach(&mut world, height, 5_000);
    world.stop_clients();
    let operation = create(&world, 99);
    world.submit(4, operation.clone());
    settle(&mut world, &operation, 5_000);
    assert!(world.nodes[4].height() > 100);
}

/// Runs a network in which node 4 lies to node 5, a follower that joins late and has honest peers
/// too.
fn join_beside_a_liar(lie: Lie) -> World {
    let mut world = World::new(&Setup { seed: 3, followers: 2, ..Setup::default() });
    (0..5).for_each(|index| world.start(index));
    world.start_clients(4);
    let all: Vec<_> = (0..5).collect();
    let reached = world.run_until(60_000, |world| world.least_height(all.iter().copied()) >= 10);
    assert!(reached, "{}", world.describe());
    world.nodes[4].byzantine = Some(Byzantine::Liar(lie));
    world.start(5);
    reach(&mut world, 15, 60_000);
    world.stop_clients();
    let honest = [0, 1, 2, 3, 5];
    assert!(world.run_until(40_000, |world| world.is_at_rest(&honest)), "{}", world.describe());
    sound(&mut world);
    world
}

#[test]
fn a_sync_peer_that_lies_is_cut_and_the_node_syncs_from_honest_ones() {
    let lies =
        [Lie::ForgedCertificate, Lie::ThinCertificate, Lie::WrongOperations, Lie::EmptyHanded];
    for lie in lies {
        let world = join_beside_a_liar(lie);
        assert!(world.links.is_cut(4, 5), "{lie:?} goes unpunished");
    }
}

#[test]
fn a_sync_peer_that_never_answers_does_not_keep_a_node_out() {
    join_beside_a_liar(Lie::Silent);
}

#[test]
fn a_peer_that_claims_great_heights_does_not_stop_the_validators() {
    for lie in [Lie::EmptyHanded, Lie::Silent] {
        let mut world = four(4, 1);
        reach(&mut world, 1, 30_000);
        world.nodes[4].byzantine = Some(Byzantine::Liar(lie));
        // Idle nodes ask for heights, and the liar answers.
        world.run_for(10_000);
        let operation = create(&world, 1);
        world.submit(2, operation.clone());
        settle(&mut world, &operation, 500);
    }
}

#[test]
fn a_write_that_a_lone_follower_took_is_committed_once_it_is_back() {
    let mut world = four(7, 1);
    reach(&mut world, 1, 30_000);
    world.partition(&[&[0, 1, 2, 3], &[4]]);
    world.run_for(15_000);
    let operation = create(&world, 1);
    world.submit(4, operation.clone());
    world.run_for(61_000);
    world.unite();
    settle(&mut world, &operation, 70_000);
}

#[test]
fn the_last_validator_that_heard_of_a_decision_still_helps_to_decide() {
    for seed in 1..20 {
        let mut world = four(seed, 0);
        reach(&mut world, 1, 30_000);
        world.run_for(2_000);
        let operation = create(&world, 1);
        world.submit(1, operation.clone());
        // The first validator to decide dies for ever. The others know only the header of the
        // decided block.
        let decided = world.run_until(2_000, |world| world.oracle.is_applied(&operation.id()));
        assert!(decided, "{}", world.describe());
        let height = world.oracle.headers().len() as u64 - 1;
        let first = (0..4).find(|index| world.nodes[*index].height() == height);
        let first = first.expect("one has decided");
        world.crash(first);
        let others: Vec<_> = (0..4).filter(|index| *index != first).collect();
        let settled = world.run_until(20_000, |world| world.is_at_rest(&others));
        assert!(settled, "seed {seed}: {}", world.describe());
        sound(&mut world);
    }
}
