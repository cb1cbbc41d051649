//! Tests that governance can change the validator set while clients write.

use std::time::{Duration, Instant};

use registry_core::governance::{Change, ValidatorEntry};
use registry_tests::cluster::{
    Client, Localnet, Writer, check_acknowledged, check_equal_chains, govern, newcomer, validators,
    wait, wait_for_height,
};

const LIMIT: Duration = Duration::from_secs(180);
const WORKERS: usize = 8;
const BETWEEN_WRITES: Duration = Duration::from_millis(20);
/// Writes between two changes, so that each change finds the network under load.
const WRITES: usize = 20;
/// Longest pause of writes at a change. Half a second is usual, and much more if other work keeps
/// the machine busy.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// Decides on a change of validators, and waits until every node is past its height and names
/// exactly `expected`. Writes continue all the time.
async fn change(network: &Localnet, writer: &Writer, change: Change, expected: &[&str]) {
    let started = Instant::now();
    let height = govern(network, change).await;
    let nodes = network.live_clients();
    wait_for_height(&nodes, height + 2, LIMIT).await;
    for node in &nodes {
        assert_eq!(node.validators().await, expected, "after height {height}");
    }
    writer.more(WRITES, LIMIT).await;
    let (gap, took) = (writer.longest_gap(started), started.elapsed());
    println!("{} validators from {height} on: {took:?}, longest pause {gap:?}", expected.len());
    assert!(gap <= PAUSE_MAX, "writes paused for {gap:?}");
}

/// Starts nodes that wait to be admitted, and returns when they have all present blocks.
async fn join(network: &mut Localnet, names: &[&str]) -> Vec<ValidatorEntry> {
    let height = network.nodes[0].client.height().await.expect("a height");
    let mut entries = Vec::new();
    for name in names {
        let (mut node, entry) = newcomer(network, name);
        node.restart().await;
        let status = node.client.status().await.expect("a status");
        assert_eq!(status["role"], "follower", "it waits: {status}");
        wait_for_height(std::slice::from_ref(&node.client), height, LIMIT).await;
        network.nodes.push(node);
        entries.push(entry);
    }
    entries
}

async fn votes(node: &Client) {
    wait("the newcomer's votes count", LIMIT, || async {
        let status = node.status().await.ok()?;
        let own = status["validators"].as_array()?.iter().find(|it| it["name"] == "validator-5");
        (status["role"] == "validator" && own?["missing"] == false).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_become_seven_and_four_again_under_load() {
    let mut network = Localnet::start(4, 1).await;
    let writer = Writer::start(&network.chain(), &network.clients(), WORKERS, BETWEEN_WRITES);
    writer.more(WRITES, LIMIT).await;
    let four = ["validator-1", "validator-2", "validator-3", "validator-4"];

    // Only the home of this validator is made and it never starts, so the change is cancelled and
    // no node waits for it.
    let (_absent, entry) = newcomer(&network, "validator-9");
    change(&network, &writer, validators(vec![entry], &[]), &four).await;

    let entries = join(&mut network, &["validator-5"]).await;
    let five = [&four[..], &["validator-5"]].concat();
    change(&network, &writer, validators(entries, &[]), &five).await;
    votes(&network.nodes[5].client).await;

    let entries = join(&mut network, &["validator-6", "validator-7"]).await;
    let seven = [&five[..], &["validator-6", "validator-7"]].concat();
    change(&network, &writer, validators(entries, &[]), &seven).await;

    let remove = ["validator-1", "validator-3"];
    let left = ["validator-2", "validator-4", "validator-5", "validator-6", "validator-7"];
    change(&network, &writer, validators(Vec::new(), &remove), &left).await;
    let remove = ["validator-2"];
    change(&network, &writer, validators(Vec::new(), &remove), &left[1..]).await;

    // Former validators follow and answer, and the network works without one of them.
    let status = network.nodes[0].client.status().await.expect("a status");
    assert_eq!(status["role"], "follower", "{status}");
    assert!(network.nodes[0].client.is_ready().await);
    network.nodes[2].kill();
    writer.more(WRITES, LIMIT).await;
    network.nodes[2].restart().await;

    let writes = writer.stop().await;
    let clients = network.clients();
    let height = check_equal_chains(&clients, LIMIT).await;
    check_acknowledged(&clients, &writes).await;
    println!("4, 5, 7, 5, 4: {} acknowledged writes, equal roots to {height}", writes.len());
}
