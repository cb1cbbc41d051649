//! Tests with hostile members of the network: a libp2p peer with the right chain id, and a stolen
//! transport key of a validator.

use std::time::{Duration, Instant};

use keys::{Home, NodeKeys, NodeRole};
use libp2p::PeerId;
use libp2p::identity::Keypair;
use node::identity::p2p_keypair;
use node::net::limits::Limits;
use node::net::{Acceptance, NetConfig, NetEvent, NetHandle, PeerAddress, Topic, spawn};
use node::wire;
use registry_core::codec;
use registry_core::crypto::Suite;
use registry_tests::cluster::{Client, Localnet, Signed, Wallet, Writer, check_acknowledged, wait};
use serde_json::json;
use tokio::sync::mpsc;

use crate::cases::cases;

const LIMIT: Duration = Duration::from_secs(30);
/// Time for which a peer that was cut off is watched. Within it the peer dials several times.
const AWAY: Duration = Duration::from_secs(2);
/// Longest time that one operation may take through a complete mesh.
const MESH_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause of other clients' writes during a flood.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Number of messages that a flood sends before the test asks whether the peer is still connected.
const BURST: usize = 64;

/// A peer made of the node's own network layer, which lets it send anything.
struct Peer {
    id: PeerId,
    /// Nodes that the peer dials.
    nodes: Vec<Client>,
    net: NetHandle,
    events: mpsc::Receiver<NetEvent>,
}

impl Peer {
    /// Connects a peer to the nodes `to` and to no other.
    async fn connect(network: &Localnet, to: &[usize], identity: Keypair) -> Self {
        let peers = network.peers();
        let address = |peer: &String| -> PeerAddress { peer.parse().expect("an address") };
        let id = identity.public().to_peer_id();
        let nodes = to.iter().map(|node| network.nodes[*node].client.clone()).collect();
        let config = NetConfig {
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse().expect("an address")],
            external: Vec::new(),
            chain: network.chain().id,
            identity,
            version: "idem/hostile".to_owned(),
            peers: to.iter().map(|node| address(&peers[*node])).collect(),
            validators: peers.iter().map(address).collect(),
            allow: Some(Vec::new()),
            limits: Limits::default(),
        };
        let validators = if to.len() == 1 { Vec::new() } else { config.validators.clone() };
        let (net, events) = spawn(NetConfig { validators, ..config }).await.expect("a network");
        let mut peer = Self { id, nodes, net, events };
        for _ in to {
            peer.until("connected", |event| matches!(event, NetEvent::PeerConnected { .. })).await;
        }
        // The nodes list the peer a moment after it considers itself connected. Before that, a
        // peer that was never let in would look like one that was cut off.
        let listed = async || (peer.nodes_that_list().await == peer.nodes.len()).then_some(());
        wait("the peer is listed by all that it dials", LIMIT, listed).await;
        peer
    }

    async fn stranger(network: &Localnet, to: usize) -> Self {
        Self::connect(network, &[to], Keypair::generate_ed25519()).await
    }

    async fn until(&mut self, what: &str, wanted: impl Fn(&NetEvent) -> bool) {
        let found = async {
            while let Some(event) = self.events.recv().await {
                if wanted(&event) {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, found).await.unwrap_or_else(|_| panic!("not {what}"));
    }

    fn publish(&self, payload: &[u8]) {
        self.net.publish(Topic::Operations, payload.to_vec()).expect("published");
    }

    /// Publishes new operations until `observer` receives one, and returns those that were
    /// published. Before the gossip mesh includes both peers, messages may not reach a peer that
    /// has just connected.
    async fn until_heard_by(&self, observer: &mut Self, network: &Localnet) -> Vec<Signed> {
        let mut published = Vec::new();
        let heard = async {
            loop {
                let signed = create(network);
                self.publish(&signed.envelope);
                published.push(signed);
                let gossip =
                    observer.until("gossip", |event| matches!(event, NetEvent::Gossip { .. }));
                if tokio::time::timeout(MESH_PAUSE, gossip).await.is_ok() {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, heard).await.expect("the mesh grows");
        published
    }

    /// Returns the operations that arrive by gossip, up to and including `last`.
    async fn operations_until(&mut self, last: &[u8]) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        let heard = async {
            while let Some(event) = self.events.recv().await {
                let NetEvent::Gossip { topic, id, source, bytes } = event else { continue };
                self.net.report(id, source, Acceptance::Accept).expect("reported");
                if topic == Topic::Operations {
                    seen.push(bytes);
                    if seen.last().is_some_and(|bytes| bytes == last) {
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(LIMIT, heard).await.expect("the last operation by gossip");
        seen
    }

    /// Returns how many of the nodes that the peer dials list the peer. The peer's own view is no
    /// proof, because a dialler considers a connection established a moment before the other side
    /// refuses it.
    async fn nodes_that_list(&self) -> usize {
        let mut count = 0;
        for node in &self.nodes {
            let peers = node.call("net_peers", json!({})).await.expect("an answer");
            let peers = peers.as_array().expect("a list");
            count += usize::from(peers.iter().any(|peer| peer["peer"] == self.id.to_string()));
        }
        count
    }

    async fn is_let_in(&self) -> bool {
        self.nodes_that_list().await > 0
    }

    /// Repeats `flood` until no node is connected, and returns how long that took. Afterwards the
    /// peer dials repeatedly and must not be let in.
    async fn until_cut(&mut self, mut flood: impl FnMut(&NetHandle)) -> Duration {
        let started = Instant::now();
        while self.is_let_in().await {
            assert!(started.elapsed() < LIMIT, "the flood is not cut off");
            for _ in 0..BURST {
                flood(&self.net);
                tokio::task::yield_now().await;
            }
            while let Ok(event) = self.events.try_recv() {
                drop(event);
            }
        }
        let cut = started.elapsed();
        while started.elapsed() < cut + AWAY {
            assert!(!self.is_let_in().await, "a peer that was cut off is back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cut
    }
}

fn peer_of(network: &Localnet, node: usize) -> PeerId {
    let address: PeerAddress = network.peers()[node].parse().expect("an address");
    address.peer
}

async fn is_applied(network: &Localnet, signed: &Signed) -> bool {
    let params = json!({ "operation": signed.operation });
    for node in network.live_clients() {
        let answer = node.call("ledger_getReceipt", params.clone()).await.expect("an answer");
        if answer["status"] == "applied" {
            return true;
        }
    }
    false
}

fn create(network: &Localnet) -> Signed {
    Wallet::new(&network.chain(), Suite::Ed25519, 1).create()
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_operations_by_gossip_go_nowhere() {
    let network = Localnet::start(4, 0).await;
    let cases = cases(&network.nodes[0].client, &network.chain()).await;
    let mut attacker = Peer::stranger(&network, 0).await;
    let mut observer = Peer::stranger(&network, 3).await;
    let before = attacker.until_heard_by(&mut observer, &network).await;
    let after = create(&network);
    for case in &cases {
        attacker.publish(&case.signed.envelope);
    }
    attacker.publish(&after.envelope);
    let seen = observer.operations_until(&after.envelope).await;
    let node = &network.nodes[1].client;
    for signed in before.iter().chain([&after]) {
        node.submit_and_wait(&signed.envelope, LIMIT).await.expect("gossiped and applied");
    }
    for case in cases.iter().filter(|case| case.what != "a replayed operation") {
        assert!(!seen.contains(&case.signed.envelope), "{} was passed on", case.what);
        assert!(!is_applied(&network, &case.signed).await, "{} was applied", case.what);
    }
    println!("gossip: {} invalid operations, none passed on, none applied", cases.len());
    let connected = attacker.is_let_in().await;
    let mut number = 0_u64;
    let cut = attacker
        .until_cut(|net| {
            number += 1;
            // The queue drops messages when it is full.
            let _sent = net.publish(Topic::Operations, number.to_be_bytes().to_vec());
        })
        .await;
    println!("flood of garbage: connected before it: {connected}, cut after {cut:?}");
    node.submit_and_wait(&create(&network).envelope, LIMIT).await.expect("the node commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_are_cut_off_while_writes_go_on() {
    let mut network = Localnet::start(4, 0).await;
    let writer = Writer::start(&network.chain(), &network.clients(), 4, Duration::ZERO);
    writer.more(20, LIMIT).await;
    let started = Instant::now();

    let mut asker = Peer::stranger(&network, 0).await;
    let (question, target) = (codec::encode(&wire::Request::Status), peer_of(&network, 0));
    let cut = asker
        .until_cut(|net| {
            let _asked = net.request(target, question.clone());
        })
        .await;
    println!("flood of requests: cut after {cut:?}");

    network.nodes[3].kill();
    let home = Home::new(&network.nodes[3].home);
    let keys = NodeKeys::load(&home, NodeRole::Validator, None).expect("plain keys");
    let identity = p2p_keypair(&keys).expect("a key");
    let mut validator = Peer::connect(&network, &[0, 1, 2], identity).await;
    let wake = wire::Frame::Wake { height: 1, operation: None };
    let wake: node::net::Frame = codec::encode(&wake).into();
    let cut = validator
        .until_cut(|net| {
            let _sent = net.broadcast_validators(wake.clone());
        })
        .await;
    println!("flood of validator frames: cut by all three after {cut:?}");

    writer.more(20, LIMIT).await;
    let pause = writer.longest_gap(started);
    let writes = writer.stop().await;
    println!("floods: {} writes, longest pause {pause:?}", writes.len());
    assert!(pause <= PAUSE_MAX, "writes paused for {pause:?}");
    check_acknowledged(&network.live_clients(), &writes).await;
}
