//! Tests of a network with half of its validators down.

use std::time::{Duration, Instant};

use registry_core::crypto::Suite;
use registry_tests::cluster::{
    CallError, Localnet, Wallet, Writer, check_acknowledged, check_equal_chains, measure,
};

const LIMIT: Duration = Duration::from_secs(60);
/// Longest time from the return of the others to the next write.
const RESUME_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn two_of_four_down_stop_writes_and_not_reads() {
    let mut network = Localnet::start(4, 1).await;
    let writer = Writer::start(&network.chain(), &network.clients(), 4, Duration::ZERO);
    writer.more(40, LIMIT).await;
    let before = writer.stop().await;
    network.nodes[2].kill();
    network.nodes[3].kill();
    let lost = Instant::now();
    let outage = measure(Duration::from_secs(10), Duration::from_secs(60));

    let node = network.nodes[0].client.clone();
    let mut wallet = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    let pending = wallet.create();
    let refused = node.submit_and_wait(&pending.envelope, Duration::from_secs(3)).await;
    match refused.expect_err("no quorum, no commit") {
        CallError::Refused { code, name, message } => {
            println!("write without a quorum after {:?}: {code} {message}", lost.elapsed());
            assert!(["TIMEOUT", "NOT_READY"].contains(&name.as_str()), "{name}: {message}");
        }
        CallError::Unreachable(reason) => panic!("no clear error: {reason}"),
    }
    let mut reads = 0;
    while lost.elapsed() < outage {
        check_acknowledged(&network.live_clients(), &before).await;
        reads += before.len() * 3;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!node.is_ready().await, "a validator without a quorum is not ready");
    let status = node.status().await.expect("a status");
    println!("without a quorum for {outage:?}: {reads} reads, problem: {}", status["problem"]);
    assert!(status["problem"]["reason"].as_str().is_some_and(|why| why.contains("quorum lost")));

    let healed = Instant::now();
    for victim in [2, 3] {
        network.nodes[victim].start();
    }
    let answer = node.submit_and_wait(&pending.envelope, Duration::from_secs(30)).await;
    let resumed = healed.elapsed();
    println!("healed: the waiting write was committed {resumed:?} after the restart");
    answer.expect("the write that waited");
    assert!(resumed <= RESUME_MAX, "writes resumed only after {resumed:?}");
    for victim in [2, 3] {
        network.nodes[victim].ready().await;
    }
    let clients = network.clients();
    let height = check_equal_chains(&clients, LIMIT).await;
    check_acknowledged(&clients, &before).await;
    println!("two of four: {} writes on all nodes, equal roots to {height}", before.len());
}
