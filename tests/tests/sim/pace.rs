use super::{World, create, four, reach, settle, sound};

/// Heartbeat of a localnet in milliseconds.
const HEARTBEAT_MS: u64 = 15_000;

#[test]
fn an_idle_network_decides_one_block_per_heartbeat() {
    for seed in 1..6 {
        let mut world = four(seed, 1);
        reach(&mut world, 1, HEARTBEAT_MS + 5_000);
        let (before, started_ms) = (world.oracle.headers().len(), world.now_ms());
        world.run_for(20 * HEARTBEAT_MS);
        sound(&mut world);
        let blocks = (world.oracle.headers().len() - before) as u64;
        let beats = (world.now_ms() - started_ms) / HEARTBEAT_MS;
        assert!(blocks <= beats && blocks + 2 >= beats, "{blocks} blocks in {beats} heartbeats");
        assert_eq!(world.counted("message of a later round"), 0, "no round was wasted");
    }
}

#[test]
fn a_write_on_an_idle_network_commits_at_once_wherever_it_is_sent() {
    for seed in 1..6 {
        for target in 0..5 {
            let mut world = four(seed, 1);
            reach(&mut world, 1, HEARTBEAT_MS + 5_000);
            world.run_for(5_000);
            let rounds = world.counted("message of a later round");
            let operation = create(&world, 1);
            world.submit(target, operation.clone());
            // Shorter than the shortest round timeout, and far shorter than the heartbeat.
            settle(&mut world, &operation, 400);
            assert_eq!(world.counted("message of a later round"), rounds);
        }
    }
}

#[test]
fn a_write_right_after_a_commit_does_not_wait_for_the_heartbeat() {
    for seed in 1..40 {
        let mut world = four(seed, 0);
        world.weather.delay_ms_max = 40;
        reach(&mut world, 1, HEARTBEAT_MS + 5_000);
        let first = create(&world, 1);
        world.submit(0, first.clone());
        // The first node to commit wakes the others, some of which have not committed yet.
        let id = first.id();
        assert!(world.run_until(2_000, |world| world.oracle.is_applied(&id)));
        let quickest = (0..4).max_by_key(|index| world.nodes[*index].height()).unwrap_or(0);
        let second = create(&world, 2);
        world.submit(quickest, second.clone());
        settle(&mut world, &second, 700);
    }
}

/// True if node 2 waits for a block of node `other`.
fn waits_for(world: &World, other: usize) -> bool {
    let proposer = world.nodes[2].driver.as_ref().and_then(|driver| driver.progress().proposer);
    let key = world.nodes[other].key.as_ref();
    proposer.is_some() && proposer.map(|key| key.0) == key.map(|key| key.verifying_key().to_bytes())
}

/// The other validators wait for the block of the returned one. If it rested until it received
/// messages, that would cost more than a round, and if another validator failed meanwhile, writes
/// would stop for that long.
#[test]
fn a_validator_that_returns_in_its_own_turn_begins_at_once() {
    let mut seen = 0;
    for (seed, extra) in (1..6).flat_map(|seed| (0..4).map(move |extra| (seed, extra))) {
        let mut world = four(seed, 0);
        reach(&mut world, 1, HEARTBEAT_MS + 5_000);
        world.crash(0);
        for number in 0..8 + extra {
            let operation = create(&world, number);
            world.submit(2, operation.clone());
            let id = operation.id();
            assert!(world.run_until(6_000, |world| world.oracle.is_applied(&id)));
        }
        let waiting = create(&world, 100);
        world.submit(2, waiting.clone());
        world.run_for(200);
        if world.oracle.is_applied(&waiting.id()) || !waits_for(&world, 0) {
            continue;
        }
        seen += 1;
        let height = world.nodes[2].height();
        world.start(0);
        // Connecting takes up to 500 ms, and the others wait 1,000 ms for its block.
        let begun = world.run_until(700, |world| {
            let back = world.nodes[0].driver.as_ref();
            back.is_some_and(|driver| driver.head().height > height)
                || back.is_some_and(|driver| {
                    driver.head().height == height && driver.progress().round.is_some()
                })
        });
        assert!(begun, "seed {seed}, {extra} more: {}", world.describe());
        settle(&mut world, &waiting, 8_000);
    }
    assert!(seen >= 3, "the turn of the one that was away came up {seen} times only");
}
