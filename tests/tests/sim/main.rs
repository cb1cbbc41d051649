//! The simulator's runs from seeds and its named scenarios (docs/testing.md).

mod byzantine;
mod crash;
mod governance;
mod pace;
mod seeds;
mod sync;
mod time;

use std::sync::Arc;

use registry_state::rules::Checked;
use registry_tests::sim::clients::Client;
use registry_tests::sim::{Setup, Violation, World};

/// Starts four validators and some followers on a network without faults.
fn four(seed: u64, followers: usize) -> World {
    World::started(&Setup { seed, followers, ..Setup::default() })
}

/// Returns an operation that creates the DID of a new client.
fn create(world: &World, number: u64) -> Arc<Checked> {
    Client::new(number).create(&world.chain)
}

/// Runs until every honest node holds `height`.
fn reach(world: &mut World, height: u64, within_ms: u64) {
    let honest = world.honest();
    let reached =
        world.run_until(within_ms, |world| world.least_height(honest.iter().copied()) >= height);
    sound(world);
    assert!(reached, "height {height} within {within_ms} ms: {}", world.describe());
}

/// Runs until the operation is in a block on all honest nodes.
fn settle(world: &mut World, operation: &Checked, within_ms: u64) {
    let honest = world.honest();
    let settled = world.run_until(within_ms, |world| {
        world.oracle.is_applied(&operation.id()) && world.is_at_rest(&honest)
    });
    sound(world);
    assert!(settled, "settled within {within_ms} ms: {}", world.describe());
}

/// Checks that no property was violated, on the disks too.
fn sound(world: &mut World) {
    for index in world.honest() {
        world.oracle.audit(index, &world.nodes[index].disk);
    }
    let broken: &[Violation] = world.oracle.violations();
    assert!(broken.is_empty(), "{broken:?}; {}", world.describe());
}
