//! Real swarms over loopback TCP. Every wait is for an event; the deadline only ends a test that
//! would hang.

mod gossip;
mod hostile;
mod members;
mod mesh;
mod request;

use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, noise, swarm};
use registry_core::crypto::Hash;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::handshake::{Lobby, Membership};
use super::*;

const DEADLINE: Duration = Duration::from_secs(30);
const CHAIN: Hash = Hash([7; 32]);

/// A network task and what a driver holds of it.
struct Node {
    handle: NetHandle,
    events: mpsc::Receiver<NetEvent>,
    identity: Keypair,
}

fn config() -> NetConfig {
    NetConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        external: Vec::new(),
        chain: CHAIN,
        identity: Keypair::generate_ed25519(),
        version: "idem/test".to_owned(),
        peers: Vec::new(),
        validators: Vec::new(),
        allow: None,
        limits: Limits::default(),
    }
}

fn peer_of(config: &NetConfig) -> PeerId {
    config.identity.public().to_peer_id()
}

/// A validator that is known by id alone: it has to dial in.
fn by_id(peer: PeerId) -> PeerAddress {
    PeerAddress { peer, addresses: Vec::new() }
}

async fn start(config: NetConfig) -> Node {
    let identity = config.identity.clone();
    let (handle, events) = spawn(config).await.unwrap();
    Node { handle, events, identity }
}

impl Node {
    fn peer(&self) -> PeerId {
        self.handle.local_peer()
    }

    fn address(&self) -> PeerAddress {
        PeerAddress::from_multiaddr(self.handle.listen_addresses()[0].clone()).unwrap()
    }

    /// The next event.
    async fn next(&mut self, what: &str) -> NetEvent {
        let event = timeout(DEADLINE, self.events.recv()).await;
        event.unwrap_or_else(|_| panic!("no {what}")).expect("the network runs")
    }

    /// The first event that `pick` takes, and all before it.
    async fn until<T>(&mut self, what: &str, pick: impl Fn(&NetEvent) -> Option<T>) -> T {
        loop {
            let event = self.next(what).await;
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    }

    async fn connected(&mut self, to: PeerId) {
        self.all_connected(vec![to]).await;
    }

    /// Waits for all of `peers`, in any order.
    async fn all_connected(&mut self, mut peers: Vec<PeerId>) {
        while !peers.is_empty() {
            if let NetEvent::PeerConnected { peer, .. } = self.next("connection").await {
                peers.retain(|other| *other != peer);
            }
        }
    }

    async fn disconnected(&mut self, from: PeerId) {
        let found = |event: &NetEvent| match event {
            NetEvent::PeerDisconnected { peer } if *peer == from => Some(()),
            _ => None,
        };
        self.until("end of the connection", found).await;
    }

    async fn cut(&mut self) -> (PeerId, CutReason) {
        let found = |event: &NetEvent| match event {
            NetEvent::PeerCut { peer, reason } => Some((*peer, reason.clone())),
            _ => None,
        };
        self.until("cut", found).await
    }

    async fn frame(&mut self) -> (PeerId, Vec<u8>) {
        let found = |event: &NetEvent| match event {
            NetEvent::ValidatorMessage { peer, bytes } => Some((*peer, bytes.clone())),
            _ => None,
        };
        self.until("validator frame", found).await
    }

    async fn gossip(&mut self) -> (Topic, MessageId, PeerId, Vec<u8>) {
        let found = |event: &NetEvent| match event {
            NetEvent::Gossip { topic, id, source, bytes } => {
                Some((*topic, *id, *source, bytes.clone()))
            }
            _ => None,
        };
        self.until("gossip message", found).await
    }

    /// Answers the next request.
    async fn serve(&mut self, answer: Vec<u8>) -> Vec<u8> {
        loop {
            if let NetEvent::Request { bytes, reply, .. } = self.next("request").await {
                self.handle.respond(reply, answer).unwrap();
                return bytes;
            }
        }
    }
}

/// Two nodes of which the second dials the first, connected.
async fn pair(first: NetConfig, mut second: NetConfig) -> (Node, Node) {
    let mut first = start(first).await;
    second.peers.push(first.address());
    let mut second = start(second).await;
    second.connected(first.peer()).await;
    first.connected(second.peer()).await;
    (first, second)
}

/// A peer that passes the handshake and then behaves as it likes.
struct Hostile<B: NetworkBehaviour> {
    swarm: Swarm<B>,
}

impl<B: NetworkBehaviour + Send> Hostile<B>
where
    B::ToSwarm: Debug,
{
    fn new(identity: &Keypair, behaviour: B) -> Self {
        let lobby = Lobby::new(CHAIN, "hostile", Arc::default());
        let noise = noise::Config::new(identity).unwrap();
        let membership = Membership::new(noise, Arc::new(lobby));
        let transport = behaviour::transport(membership, false).unwrap();
        let settings = swarm::Config::with_tokio_executor().with_idle_connection_timeout(DEADLINE);
        let peer = identity.public().to_peer_id();
        Self { swarm: Swarm::new(transport, behaviour, peer, settings) }
    }

    fn dial(&mut self, to: &PeerAddress) {
        let dial = DialOpts::peer_id(to.peer)
            .addresses(to.addresses.clone())
            .condition(swarm::dial_opts::PeerCondition::Always)
            .allocate_new_port();
        self.swarm.dial(dial.build()).unwrap();
    }

    /// The first swarm event that `pick` takes.
    async fn until<T>(
        &mut self,
        what: &str,
        pick: impl Fn(SwarmEvent<B::ToSwarm>) -> Option<T>,
    ) -> T {
        let found = async {
            loop {
                if let Some(found) = pick(self.swarm.select_next_some().await) {
                    return found;
                }
            }
        };
        timeout(DEADLINE, found).await.unwrap_or_else(|_| panic!("no {what}"))
    }

    async fn connect(&mut self, to: &PeerAddress) {
        self.dial(to);
        let established = |event: SwarmEvent<B::ToSwarm>| {
            matches!(event, SwarmEvent::ConnectionEstablished { .. }).then_some(())
        };
        self.until("connection", established).await;
    }

    async fn closed(&mut self) {
        let closed = |event: SwarmEvent<B::ToSwarm>| {
            matches!(event, SwarmEvent::ConnectionClosed { .. }).then_some(())
        };
        self.until("end of the connection", closed).await;
    }

    /// Runs the swarm on its own from here on.
    fn release(mut self) {
        tokio::spawn(async move {
            loop {
                self.swarm.select_next_some().await;
            }
        });
    }
}

/// An address nobody listens on.
fn nowhere() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/1".parse().unwrap()
}
