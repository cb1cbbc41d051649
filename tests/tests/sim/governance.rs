//! Runs in which the validator set, the parameters and the protocol version change while the
//! network works.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::governance::{Change, Parameters, ProposalStatus, ValidatorEntry};
use registry_core::record::RecordKey;
use registry_tests::sim::chain::peer_id;
use registry_tests::sim::governors::validators;
use registry_tests::sim::world::parameters;
use registry_tests::sim::{PowerCut, Setup, World};

use super::{create, reach, settle, sound};

/// Heights between a proposal and its effect, enough for its approval under faults.
const NOTICE: u64 = 20;

/// Time in milliseconds for a proposer that does not answer, the round after it, and some messages.
const PAUSE_MS_MAX: u64 = 3_000;

/// Starts four validators, a follower (4), and three nodes that wait with a key (5, 6 and 7).
fn waiting(seed: u64) -> World {
    World::started(&setup(seed))
}

fn setup(seed: u64) -> Setup {
    Setup { seed, followers: 1, newcomers: 3, ..Setup::default() }
}

/// Runs until the height before `height` is decided and the changes that are due took effect.
fn pass(world: &mut World, height: u64, within_ms: u64) {
    let passed = world.run_until(within_ms, |world| world.oracle.headers().len() as u64 > height);
    let broken = world.oracle.violations();
    assert!(broken.is_empty(), "{broken:?}; {}", world.describe());
    assert!(passed, "height {height} within {within_ms} ms: {}", world.describe());
}

/// Runs until these nodes hold `height`. Other nodes are not started yet.
fn reach_of(world: &mut World, nodes: &[usize], height: u64) {
    let reached =
        world.run_until(30_000, |world| world.least_height(nodes.iter().copied()) >= height);
    assert!(reached, "{}", world.describe());
}

/// Number of validators that decide the next height.
fn seats(world: &World) -> usize {
    world.oracle.set(world.oracle.headers().len() as u64).len()
}

/// Proposes a change until it takes effect, because newcomers may be down when it is due.
fn change_set(world: &mut World, put: &[usize], remove: &[&str]) -> Hash {
    for _ in 0..8 {
        let put = put.iter().map(|index| world.validator(*index)).collect();
        let (id, height) = world.govern(&validators(put, remove), NOTICE);
        pass(world, height, 600_000);
        match world.proposal(&id) {
            ProposalStatus::Active => return id,
            ProposalStatus::Cancelled { code } => {
                assert_eq!(code, Code::ValidatorNotReady.number());
            }
            // Its approval came too late to count.
            status => assert_eq!(status, ProposalStatus::Open),
        }
    }
    panic!("the change never took effect: {}", world.describe());
}

/// Ends all faults, and checks that all nodes reach the same height and come to rest with no
/// property violated.
fn rest(world: &mut World) {
    world.heal();
    world.stop_clients();
    // Messages that a node publishes before it is connected wait for a minute.
    world.run_for(2_000);
    let operation = create(world, 999);
    let honest = world.honest();
    world.submit(honest[0], operation.clone());
    settle(world, &operation, 60_000);
}

#[test]
fn the_set_grows_from_four_to_seven_and_shrinks_to_four_without_a_fault() {
    let mut world = waiting(1);
    world.start_clients(6);
    reach(&mut world, 3, 30_000);
    change_set(&mut world, &[5], &[]);
    assert_eq!(seats(&world), 5);
    change_set(&mut world, &[6, 7], &[]);
    assert_eq!(seats(&world), 7);
    change_set(&mut world, &[], &["v0", "v1"]);
    assert_eq!(seats(&world), 5);
    change_set(&mut world, &[], &["v2"]);
    assert_eq!(seats(&world), 4);
    let height = world.oracle.headers().len() as u64;
    pass(&mut world, height + 20, 60_000);
    rest(&mut world);
    for (index, votes) in [(0, false), (2, false), (3, true), (5, true), (6, true), (7, true)] {
        let key = world.nodes[index].key.clone().expect("a key");
        let voted = (height..height + 20).any(|height| world.oracle.precommitted(&key, height));
        assert_eq!(voted, votes, "node {index}");
    }
    // A newcomer that proposes at once may cost a round, and no more.
    let times: Vec<_> = world.oracle.headers().iter().skip(2).map(|header| header.time).collect();
    let pause_ms = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    println!("longest pause {pause_ms:?} ms; {:?}", world.counts);
    assert!(pause_ms < Some(PAUSE_MS_MAX), "{pause_ms:?} ms between two blocks");
}

#[test]
fn the_set_grows_and_shrinks_under_crashes_and_loss() {
    let mut crashes = 0;
    for seed in 1..13 {
        let mut world = waiting(seed);
        world.weather.delay_ms_max = [20, 100, 400][usize::try_from(seed).unwrap() % 3];
        world.weather.loss_percent = 5 * (seed % 4);
        world.weather.duplicate_percent = 10;
        world.restart_ms_max = Some(3_000);
        world.start_clients(4);
        let steps: [(&[usize], &[&str]); 4] =
            [(&[5], &[]), (&[6, 7], &[]), (&[], &["v0", "v3"]), (&[], &["v6"])];
        for (put, remove) in steps {
            // About two thirds of the nodes die at a later write or action.
            for index in 0..world.nodes.len() {
                match world.random.below(3) {
                    0 => {
                        let writes = world.random.below(400);
                        let cut = PowerCut { writes, lands: world.random.chance(50) };
                        world.crash_at_write(index, cut);
                    }
                    1 => {
                        let actions = world.random.below(400);
                        world.crash_at_action(index, actions);
                    }
                    _ => {}
                }
            }
            change_set(&mut world, put, remove);
        }
        assert_eq!(seats(&world), 4, "seed {seed}");
        rest(&mut world);
        crashes += world.counted("crash");
        assert!(world.oracle.acknowledged() > 0);
    }
    println!("{crashes} crashes");
    assert!(crashes > 50, "{crashes} crashes are too few to show anything");
}

#[test]
fn a_newcomer_that_never_starts_is_never_counted() {
    let mut world = World::new(&setup(2));
    (0..5).for_each(|index| world.start(index));
    world.start_clients(2);
    reach_of(&mut world, &[0, 1, 2, 3, 4], 2);
    let change = validators(vec![world.validator(5)], &[]);
    let (id, height) = world.govern(&change, NOTICE);
    pass(&mut world, height + 5, 60_000);
    let code = Code::ValidatorNotReady.number();
    assert_eq!(world.proposal(&id), ProposalStatus::Cancelled { code });
    assert_eq!(seats(&world), 4);
    assert_eq!(world.counted("validators changed"), 0);
    sound(&mut world);
}

#[test]
fn a_newcomer_that_dies_right_after_its_word_does_not_stop_the_others() {
    let mut world = waiting(3);
    world.start_clients(2);
    reach(&mut world, 2, 30_000);
    let change = validators(vec![world.validator(5)], &[]);
    let (id, height) = world.govern(&change, NOTICE);
    assert!(world.run_until(30_000, |world| world.is_ready(5)), "{}", world.describe());
    world.crash(5);
    pass(&mut world, height + 20, 120_000);
    assert_eq!(world.proposal(&id), ProposalStatus::Active);
    assert_eq!(seats(&world), 5);
    let key = world.nodes[5].key.clone().expect("a key");
    assert!(!world.oracle.precommitted(&key, height));
    world.start(5);
    let next = world.oracle.headers().len() as u64 + 10;
    pass(&mut world, next, 60_000);
    let voted = (height..next).any(|height| world.oracle.precommitted(&key, height));
    assert!(voted, "it votes once it is back");
    rest(&mut world);
}

/// Kills all nodes at write `at` of their disks, counted from the height before the last one of the
/// old set. Returns true if that write was reached.
fn all_die_at_the_change(at: u64, lands: bool) -> bool {
    let mut world = waiting(at);
    world.start_clients(3);
    reach(&mut world, 2, 30_000);
    let change = validators(vec![world.validator(5)], &["v1"]);
    let (id, height) = world.govern(&change, NOTICE);
    pass(&mut world, height - 3, 60_000);
    for index in 0..world.nodes.len() {
        world.crash_at_write(index, PowerCut { writes: at, lands });
    }
    world.run_for(3_000);
    let came = world.counted("power cut at a write") > 0;
    world.heal();
    pass(&mut world, height + 5, 60_000);
    assert_eq!(world.proposal(&id), ProposalStatus::Active);
    rest(&mut world);
    came
}

#[test]
fn all_die_at_every_write_around_the_change_and_replay_their_logs() {
    for lands in [false, true] {
        let died = (0..60).filter(|at| all_die_at_the_change(*at, lands)).count();
        assert!(died > 40, "{died} writes were reached");
    }
}

#[test]
fn a_follower_that_starts_at_genesis_syncs_across_changes() {
    let mut world = World::new(&setup(4));
    for index in [0, 1, 2, 3, 5, 6, 7] {
        world.start(index);
    }
    world.start_clients(3);
    reach_of(&mut world, &[0, 1, 2, 3], 2);
    change_set(&mut world, &[5], &[]);
    change_set(&mut world, &[6, 7], &[]);
    change_set(&mut world, &[], &["v0", "v1"]);
    change_set(&mut world, &[], &["v2"]);
    // The validators that signed the first blocks are down. The present validators serve these
    // blocks with their certificates.
    for index in [0, 1, 2] {
        world.crash(index);
    }
    world.start(4);
    let height = world.oracle.headers().len() as u64;
    let synced = world.run_until(60_000, |world| world.nodes[4].height() >= height);
    assert!(synced, "{}", world.describe());
    rest(&mut world);
}

#[test]
fn one_that_left_follows_and_serves() {
    let mut world = World::new(&setup(5));
    for index in [0, 1, 2, 3, 5] {
        world.start(index);
    }
    world.start_clients(3);
    reach_of(&mut world, &[0, 1, 2, 3], 2);
    // Node 5 replaces node 0 in the validator set.
    change_set(&mut world, &[5], &["v0"]);
    let height = world.oracle.headers().len() as u64 + 10;
    pass(&mut world, height, 60_000);
    reach_of(&mut world, &[0], height);
    let sent = world.oracle.sent_up_to(&world.nodes[0].key.clone().expect("a key"), u64::MAX - 1);
    // The follower can reach only node 0.
    world.partition(&[&[4], &[1, 2, 3, 5]]);
    world.start(4);
    let synced = world.run_until(60_000, |world| world.nodes[4].height() >= height);
    assert!(synced, "{}", world.describe());
    let now = world.oracle.sent_up_to(&world.nodes[0].key.clone().expect("a key"), u64::MAX - 1);
    assert_eq!(sent, now, "it signs nothing any more");
    rest(&mut world);
}

#[test]
fn one_that_left_comes_back_and_votes() {
    let mut world = waiting(6);
    world.start_clients(3);
    reach(&mut world, 2, 30_000);
    change_set(&mut world, &[5], &["v0"]);
    change_set(&mut world, &[0], &["v5"]);
    let height = world.oracle.headers().len() as u64;
    pass(&mut world, height + 10, 60_000);
    let key = world.nodes[0].key.clone().expect("a key");
    assert!((height..height + 10).any(|height| world.oracle.precommitted(&key, height)));
    rest(&mut world);
}

#[test]
fn a_validator_gets_a_new_key_on_a_new_node_under_its_own_name() {
    let mut world = waiting(7);
    world.start_clients(3);
    reach(&mut world, 2, 30_000);
    let put = ValidatorEntry { name: "v2".to_owned(), ..world.validator(6) };
    let (id, height) = world.govern(&validators(vec![put], &[]), NOTICE);
    pass(&mut world, height + 10, 60_000);
    assert_eq!(world.proposal(&id), ProposalStatus::Active);
    assert_eq!(seats(&world), 4);
    let [old, new] = [2, 6].map(|index| world.nodes[index].key.clone().expect("a key"));
    let voted = |world: &World, key: &_| {
        (height..height + 10).any(|height| world.oracle.precommitted(key, height))
    };
    assert!(voted(&world, &new) && !voted(&world, &old));
    rest(&mut world);
}

#[test]
fn a_node_whose_peer_id_is_another_than_the_proposal_says_is_not_admitted() {
    let mut world = waiting(8);
    world.start_clients(2);
    reach(&mut world, 2, 30_000);
    let put = ValidatorEntry { peer: peer_id(7).to_string(), ..world.validator(5) };
    let (id, height) = world.govern(&validators(vec![put], &[]), NOTICE);
    pass(&mut world, height + 3, 60_000);
    let code = Code::ValidatorNotReady.number();
    assert_eq!(world.proposal(&id), ProposalStatus::Cancelled { code });
    sound(&mut world);
}

#[test]
fn a_word_that_grew_old_is_given_again_while_a_proposal_waits() {
    let mut world = waiting(9);
    reach(&mut world, 2, 40_000);
    let change = validators(vec![world.validator(5)], &[]);
    // An idle network makes a block every 15 s, and a readiness announcement counts for ten
    // minutes.
    let (id, height) = world.govern(&change, 90);
    pass(&mut world, height + 2, 90 * 16_000);
    assert_eq!(world.proposal(&id), ProposalStatus::Active);
    let key = world.nodes[5].public().expect("a key");
    let words = world.oracle.record(&RecordKey::ready(&key)).expect("a word").record.version;
    assert!((4..=6).contains(&words), "{words} words in some 20 minutes");
    sound(&mut world);
}

#[test]
fn new_parameters_hold_from_their_height_on() {
    let mut world = waiting(10);
    reach(&mut world, 1, 30_000);
    let parameters = Parameters { heartbeat_ms: 5_000, ..parameters() };
    let (id, height) = world.govern(&Change::Parameters(parameters), 10);
    pass(&mut world, height, 10 * 16_000);
    assert_eq!(world.proposal(&id), ProposalStatus::Active);
    let before = world.oracle.headers().len();
    world.run_for(100_000);
    let blocks = world.oracle.headers().len() - before;
    assert!((18..=20).contains(&blocks), "{blocks} blocks in twenty heartbeats");
    sound(&mut world);
}

/// Starts the same nodes, of which the first `count` announce version 2 of the protocol. All of
/// them implement version 1 only.
fn announcing(seed: u64, count: usize) -> World {
    let mut world = World::new(&setup(seed));
    for node in &mut world.nodes[..count] {
        node.version = 2;
    }
    (0..world.nodes.len()).for_each(|index| world.start(index));
    world
}

#[test]
fn a_version_that_was_announced_stops_every_node_that_does_not_implement_it() {
    for seed in 1..6 {
        let mut world = announcing(seed, 4);
        world.weather.delay_ms_max = 100 * seed;
        world.start_clients(3);
        reach(&mut world, 2, 60_000);
        let (id, height) = world.govern(&Change::Version(2), 2 * NOTICE);
        let stopped = world.run_until(120_000, |world| world.up().is_empty());
        assert!(stopped, "seed {seed}: {}", world.describe());
        assert_eq!(world.proposal(&id), ProposalStatus::Active);
        assert_eq!(world.oracle.headers().len() as u64, height, "no block of that height");
        assert_eq!(world.counted("stopped by itself"), 8);
        for index in world.honest() {
            world.oracle.audit(index, &world.nodes[index].disk);
        }
        assert!(world.oracle.violations().is_empty(), "{:?}", world.oracle.violations());
    }
}

#[test]
fn a_version_that_too_few_validators_announce_is_cancelled() {
    let mut world = announcing(2, 2);
    world.start_clients(2);
    reach(&mut world, 2, 30_000);
    let (id, height) = world.govern(&Change::Version(2), 2 * NOTICE);
    pass(&mut world, height + 5, 60_000);
    let code = Code::VersionNotReady.number();
    assert_eq!(world.proposal(&id), ProposalStatus::Cancelled { code });
    assert_eq!([0, 1, 2, 3].map(|index| world.is_ready(index)), [true, true, false, false]);
    rest(&mut world);
}

#[test]
fn validators_announce_a_version_anew_while_it_waits() {
    let mut world = announcing(11, 4);
    reach(&mut world, 2, 40_000);
    // An idle network makes a block every 15 s.
    let (id, _) = world.govern(&Change::Version(2), 90);
    let stopped = world.run_until(90 * 16_000, |world| world.up().is_empty());
    assert!(stopped, "{}", world.describe());
    assert_eq!(world.proposal(&id), ProposalStatus::Active);
    for index in 0..4 {
        let key = world.nodes[index].public().expect("a key");
        let words = world.oracle.record(&RecordKey::ready(&key)).expect("a word").record.version;
        assert!((4..=6).contains(&words), "{words} words in some 20 minutes");
    }
}
