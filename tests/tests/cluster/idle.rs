//! Tests of a network with nothing to do.

use std::time::{Duration, Instant};

use registry_core::crypto::Suite;
use registry_tests::cluster::{Client, Localnet, Wallet, check_equal_chains, measure};

/// Longest time of a commit. It is far below the heartbeat of 15 s, so that no write can have
/// waited for a heartbeat.
const COMMIT_MAX: Duration = Duration::from_secs(3);

async fn commit(network: &Localnet, node: &Client) -> Duration {
    let mut wallet = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    let envelope = wallet.create().envelope;
    let started = Instant::now();
    node.submit_and_wait(&envelope, Duration::from_secs(20)).await.expect("a commit");
    started.elapsed()
}

fn data_bytes(network: &Localnet) -> Vec<u64> {
    network.nodes.iter().map(|node| node.data_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_network_rests_and_wakes_at_once() {
    let network = Localnet::start(4, 1).await;
    let node = network.nodes[0].client.clone();
    commit(&network, &node).await;
    let heartbeat = Duration::from_millis(network.genesis.parameters.heartbeat_ms);
    let idle = measure(2 * heartbeat + Duration::from_secs(4), Duration::from_secs(600));
    let (from, bytes) = (node.height().await.expect("a height"), data_bytes(&network));
    tokio::time::sleep(idle).await;
    let blocks = node.height().await.expect("a height") - from;
    let blocks_max = idle.as_millis() / heartbeat.as_millis() + 1;
    println!("idle for {idle:?}: {blocks} blocks, heartbeat {heartbeat:?}");
    assert!(u128::from(blocks) <= blocks_max, "{blocks} blocks, at most {blocks_max}");
    assert!(blocks > 0, "no heartbeat");
    for (node, (before, after)) in network.nodes.iter().zip(bytes.iter().zip(data_bytes(&network)))
    {
        let grown = i128::from(after) - i128::from(*before);
        let hour = grown * 3_600 / i128::from(idle.as_secs());
        println!("idle: {} grew by {grown} bytes, {hour} in an hour", node.name);
    }
    // Whoever proposes the next block, most nodes that receive a write are not the proposer.
    for node in &network.nodes {
        let took = commit(&network, &node.client).await;
        println!("idle: a write to {} is committed after {took:?}", node.name);
        assert!(took <= COMMIT_MAX, "{took:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    check_equal_chains(&network.clients(), Duration::from_secs(20)).await;
}
