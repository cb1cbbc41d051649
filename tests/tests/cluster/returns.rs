//! Tests of nodes that have lost their data or never had any.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use registry_tests::cluster::{
    Client, Localnet, Node, Writer, check_acknowledged, check_equal_chains, run, wait,
    wait_for_height,
};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
/// Number of blocks before a node joins.
const HEIGHT: u64 = 101;

/// Waits for a block above `height` whose certificate has the signature of `key`. Returns its
/// height.
async fn wait_for_vote(node: &Client, key: &str, mut height: u64) -> u64 {
    wait("a certificate with the signature", LIMIT, || {
        height += 1;
        let (node, wanted) = (node.clone(), height);
        async move {
            wait_for_height(std::slice::from_ref(&node), wanted, LIMIT).await;
            let block = node.call("ledger_getBlock", json!({ "height": wanted })).await;
            let certificate = block.expect("a block")["certificate"].take();
            let signatures = certificate["signatures"].as_array().expect("a list").clone();
            signatures.iter().any(|each| each["validator"] == key).then_some(wanted)
        }
    })
    .await
}

fn key_of(network: &Localnet, node: usize) -> String {
    let name = &network.nodes[node].name;
    let entry = network.genesis.validators.iter().find(|entry| entry.name == *name);
    serde_json::to_value(entry.expect("an entry").key).expect("JSON").as_str().expect("text").into()
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// Makes a follower with its own home by `idem init`, as a new operator does.
fn newcomer(network: &Localnet) -> Node {
    let (home, rpc) = (network.path("newcomer"), free_address());
    let home_text = home.display().to_string();
    let genesis = network.description["genesis"].as_str().expect("a path");
    let p2p = format!("/ip4/127.0.0.1/tcp/{}", free_address().rsplit(':').next().expect("a port"));
    let (peers, admin) = (network.peers(), free_address());
    // The default limits are for strangers, while these tests send many requests at once.
    let rate = "rpc.requests_per_second_per_address=1000000";
    let burst = "rpc.request_burst_per_address=1000000";
    let (code, _, errors) = run(&[
        ["init", "--home", &home_text, "--genesis", genesis, "--role", "follower"],
        ["--rpc-listen", &rpc, "--admin-listen", &admin, "--p2p-listen", &p2p, "--json"],
        ["--peer", &peers[0], "--set", rate, "--set", burst, "--no-passphrase"],
    ]
    .concat());
    assert_eq!(code, 0, "{errors}");
    Node::stopped("newcomer", "follower", home, &format!("http://{rpc}"))
}

async fn refuses_without_floor(network: &mut Localnet, victim: usize) {
    let node = &mut network.nodes[victim];
    node.terminate();
    let floor = node.home.join("keys/height-floor");
    fs::remove_file(&floor).expect("a floor");
    let home = node.home.display().to_string();
    let (code, _, errors) = run(&["start", "--home", &home]);
    println!("without a floor: exit {code}: {}", errors.trim());
    assert_ne!(code, 0);
    assert!(errors.contains("height floor") && errors.contains("--init-height-floor"), "{errors}");
    assert!(!floor.exists(), "a refused start must not make a floor");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_data_comes_back_and_a_lost_floor_does_not() {
    let mut network = Localnet::start(4, 0).await;
    let writer = Writer::start(&network.chain(), &network.clients(), 2, Duration::ZERO);
    let first = network.nodes[0].client.clone();
    wait_for_height(std::slice::from_ref(&first), 20, LIMIT).await;
    network.nodes[3].kill();
    network.nodes[3].delete_data();
    wait_for_height(std::slice::from_ref(&first), HEIGHT, LIMIT).await;
    network.nodes[3].restart().await;
    let level = first.height().await.expect("a height");
    let voted = wait_for_vote(&first, &key_of(&network, 3), level).await;
    println!("data deleted before height {HEIGHT}: votes again at {voted}");

    let mut newcomer = newcomer(&network);
    newcomer.restart().await;
    let joined = first.height().await.expect("a height");
    refuses_without_floor(&mut network, 2).await;
    let writes = writer.stop().await;
    let mut clients = network.live_clients();
    clients.push(newcomer.client.clone());
    let height = check_equal_chains(&clients, LIMIT).await;
    check_acknowledged(&clients, &writes).await;
    println!(
        "a follower joined before height {joined} and answers alike: {} writes, equal roots to \
         {height}",
        writes.len()
    );
}
