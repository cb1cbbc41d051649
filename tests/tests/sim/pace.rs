use super::{create, four, reach, settle, sound};

/// localnet's heartbeat.
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
