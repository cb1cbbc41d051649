use registry_core::cost::BLOCK_COST_MAX_MIN;
use registry_core::governance::Parameters;
use registry_core::limits::{
    TIMEOUT_MS_MAX_MIN, TIMEOUT_PROPOSE_MS_MIN, TIMEOUT_STEP_MS_MIN, TIMEOUT_VOTE_MS_MIN,
};
use registry_tests::sim::chain::{GENESIS_MS, public};
use registry_tests::sim::{Byzantine, Setup, World};

use super::{four, reach, sound};

/// Greatest round of a height with the shortest timeouts over slow links.
const ROUNDS_MAX: u32 = 25;

/// Returns the number of blocks that validator `index` built.
fn built_by(world: &World, index: usize) -> usize {
    let key = public(&world.chain.keys[index]);
    world.oracle.headers().iter().filter(|header| header.proposer == key).count()
}

/// Runs until these nodes hold `height`, whatever the others do.
fn reach_by(world: &mut World, nodes: std::ops::Range<usize>, height: u64, within_ms: u64) {
    let reached = world.run_until(within_ms, |world| world.least_height(nodes.clone()) >= height);
    assert!(reached, "height {height} within {within_ms} ms: {}", world.describe());
}

#[test]
fn a_proposal_from_the_future_is_withheld_and_the_round_passes() {
    let mut world = four(1, 0);
    world.nodes[1].skew_ms = 10_000;
    world.start_clients(4);
    reach(&mut world, 12, 60_000);
    assert_eq!(built_by(&world, 1), 0, "its blocks are ten seconds early");
    assert!(world.counted("message of a later round") > 0, "its turns cost a round");
}

#[test]
fn an_untimely_block_is_withheld_too_if_it_has_to_be_asked_for() {
    let mut world = four(2, 0);
    world.nodes[1].skew_ms = 10_000;
    world.corrupt(1, Byzantine::HideBlock);
    world.start_clients(4);
    reach(&mut world, 12, 60_000);
    assert!(world.counted("candidate asked") > 0, "its blocks were asked for");
    assert_eq!(built_by(&world, 1), 0, "its blocks are ten seconds early");
}

#[test]
fn a_timely_block_that_has_to_be_asked_for_is_voted_for() {
    let mut world = four(2, 0);
    world.corrupt(1, Byzantine::HideBlock);
    world.start_clients(4);
    reach(&mut world, 12, 60_000);
    assert!(built_by(&world, 1) > 1);
}

#[test]
fn an_old_block_with_a_polka_is_decided_in_a_later_round() {
    let mut old = 0;
    for seed in 1..40 {
        let mut world = four(seed, 0);
        world.weather.delay_ms_max = 400;
        world.weather.loss_percent = 40;
        world.start_clients(4);
        let polka = "proposed again with a polka";
        if !world.run_until(60_000, |world| world.counted(polka) > 0) {
            continue;
        }
        let height = world.oracle.headers().len() as u64;
        (0..4).for_each(|index| world.crash(index));
        world.run_for(600_000);
        world.heal();
        reach(&mut world, height + 1, 30_000);
        let time_ms = world.oracle.headers()[usize::try_from(height).unwrap_or(0)].time;
        old += usize::from(time_ms < GENESIS_MS + world.now_ms() - 500_000);
    }
    assert!(old > 3, "{old} blocks were ten minutes old");
}

#[test]
fn a_validator_that_never_saw_an_old_block_votes_for_it_once_it_has_a_polka() {
    for seed in 1..10 {
        let mut world = four(seed, 0);
        world.weather.delay_ms_min = 50;
        world.weather.delay_ms_max = 60;
        world.start_clients(4);
        reach(&mut world, 3, 30_000);
        world.partition(&[&[0], &[1, 2, 3]]);
        let apart = world.oracle.headers().len() as u64;
        reach_by(&mut world, 1..4, apart + 1, 30_000);
        let height = world.oracle.headers().len() as u64;
        let precommitted = world.run_until(30_000, |world| {
            (1..4).all(|index| world.oracle.precommitted(&world.chain.keys[index], height))
        });
        assert!(precommitted, "{}", world.describe());
        // Without the third precommit, which was still on its way, two of four validators decide
        // nothing.
        world.crash(3);
        world.run_for(600_000);
        assert_eq!(world.oracle.headers().len() as u64, height, "{}", world.describe());
        world.unite();
        reach_by(&mut world, 0..3, height + 1, 60_000);
        let age_ms = GENESIS_MS + world.now_ms() - world.oracle.headers()[height as usize].time;
        assert!(age_ms > 500_000, "another block was decided, {age_ms} ms old");
        sound(&mut world);
    }
}

#[test]
fn many_rounds_without_a_timely_proposal_do_not_stall_the_height() {
    let mut world = four(3, 0);
    world.nodes[0].skew_ms = 300_000;
    world.nodes[1].skew_ms = 300_000;
    world.start_clients(4);
    world.run_for(400_000);
    sound(&mut world);
    assert!(round(&world) > 20, "round {}", round(&world));
    let height = world.oracle.headers().len() as u64;
    let within_ms = world.ten_views_ms();
    world.heal();
    reach(&mut world, height + 2, within_ms);
}

/// Greatest round in which a node is.
fn round(world: &World) -> u32 {
    let rounds = world.nodes.iter().filter_map(|node| node.driver.as_ref()?.progress().round);
    rounds.max().unwrap_or(0)
}

/// Returns the greatest round of ten heights with these timeouts, while each message takes one and
/// a half to two seconds. Stops at once when a height takes more than `enough` rounds.
fn most_rounds(seed: u64, parameters: &Parameters, enough: u32) -> u32 {
    let setup = Setup { seed, parameters: parameters.clone(), ..Setup::default() };
    let mut world = World::started(&setup);
    world.weather.delay_ms_min = 1_500;
    world.weather.delay_ms_max = 2_000;
    world.start_clients(4);
    let mut most = 0;
    while world.oracle.headers().len() <= 10 {
        world.run_for(100);
        most = most.max(round(&world));
        if most > enough {
            return most;
        }
    }
    sound(&mut world);
    most
}

#[test]
fn the_shortest_timeouts_get_over_slow_links_in_few_rounds() {
    let shortest = Parameters {
        timeout_propose_ms: TIMEOUT_PROPOSE_MS_MIN,
        timeout_prevote_ms: TIMEOUT_VOTE_MS_MIN,
        timeout_precommit_ms: TIMEOUT_VOTE_MS_MIN,
        timeout_step_ms: TIMEOUT_STEP_MS_MIN,
        timeout_ms_max: TIMEOUT_MS_MAX_MIN,
        block_cost_max: BLOCK_COST_MAX_MIN,
        ..Parameters::default()
    };
    assert_eq!(shortest.check(), Ok(()));
    let most = (1..6).map(|seed| most_rounds(seed, &shortest, ROUNDS_MAX)).max();
    println!("{most:?} rounds with the shortest timeouts");
    assert!(most <= Some(ROUNDS_MAX), "{most:?} rounds");
    // Timeouts that are refused would take far more.
    let shorter = Parameters {
        timeout_propose_ms: 10,
        timeout_prevote_ms: 10,
        timeout_precommit_ms: 10,
        timeout_step_ms: 1,
        ..shortest
    };
    assert!(shorter.check().is_err());
    let most = most_rounds(1, &shorter, 4 * ROUNDS_MAX);
    println!("{most} rounds and more with timeouts of 10 ms");
    assert!(most > 4 * ROUNDS_MAX, "{most} rounds");
}
