//! The peer-to-peer network: one libp2p swarm in one task. It carries bytes between peers and does
//! not interpret them.
//!
//! ```text
//!   driver ── NetHandle ── commands (bounded, try_send) ──▶ ┌──────┐
//!     ▲           └─ validator queues (drop oldest) ─┐      │ task │── swarm: gossip, requests,
//!     │                                              ▼      └──────┘   ping, limits, blocks
//!     │                                      stream writers    │
//!     └──────────── events (bounded) ◀── stream readers ◀──────┘
//! ```
//!
//! - A peer becomes a member when its handshake, which is part of the connection upgrade, has shown
//!   the same chain id (`handshake`). Other peers never get a connection, so no other protocol has
//!   to check for it.
//! - Validators send frames to each other on direct streams (`mesh`, `streams`, `outbox`).
//! - Operations and decided headers travel by gossip. The driver validates them before they are
//!   passed on (`gossip`).
//! - Everything else is a request with one response (`request`).
//! - Every peer has token buckets (`peers`). A peer that exceeds its rate is cut and
//!   blocked.
//!
//! When the driver lags, validator streams and requests wait, which slows their senders down, and
//! gossip is ignored while the event channel is more than half full. The bytes on the wire, the
//! topics and the limits are specified in `docs/protocol/network.md`.

mod backoff;
mod behaviour;
mod config;
mod dialer;
mod event;
mod frame;
mod gossip;
mod greeting;
mod handle;
mod handshake;
pub mod limits;
mod mesh;
mod metrics;
mod outbox;
mod peers;
mod request;
mod streams;
mod task;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, TransportError, noise};
use rpc::bucket::Bucket;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use config::{NetConfig, NotAPeerAddress, PeerAddress};
pub use event::{
    Acceptance, CutReason, Direction, MessageId, NetEvent, PeerInfo, RequestFailure, RequestId,
    ResponseToken, Topic,
};
pub use gossip::message_id;
pub use handle::{NetHandle, SendError};
pub use limits::Limits;
pub use metrics::Metrics;
pub use outbox::Frame;

use handle::Shared;
use handshake::{Lobby, Membership};
use task::{Requests, Task};

/// Reason why the network did not start.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Noise cannot use the identity key.
    #[error("network identity cannot be used: {source}; an Ed25519 key is needed")]
    Identity {
        /// What Noise said.
        source: noise::Error,
    },
    /// The node cannot listen on a configured address.
    #[error("cannot listen on {address}: {source}; is another node running on that port?")]
    Listen {
        /// The address from the configuration.
        address: Multiaddr,
        /// What the transport said.
        source: TransportError<io::Error>,
    },
    /// The system's resolver settings cannot be read although a configured peer has a host name.
    #[error("cannot read the system's name resolver settings: {source}; name peers by address")]
    Resolver {
        /// What the system said.
        source: io::Error,
    },
    /// The gossip protocol refused its settings.
    #[error("gossip settings: {reason}")]
    Gossip {
        /// What the protocol said.
        reason: String,
    },
}

/// Starts the network on the current tokio runtime. Returns when it listens on every address.
///
/// # Errors
/// See [`NetError`]. After an error, nothing of the network runs.
pub async fn spawn(config: NetConfig) -> Result<(NetHandle, mpsc::Receiver<NetEvent>), NetError> {
    let now = Instant::now();
    let local = config.identity.public().to_peer_id();
    let directory = Arc::<peers::Directory>::default();
    let lobby = Arc::new(Lobby::new(config.chain, &config.version, directory.clone()));
    *lock(&lobby.addresses) = config.external.clone();
    let noise =
        noise::Config::new(&config.identity).map_err(|source| NetError::Identity { source })?;
    let swarm = behaviour::swarm(&config, Membership::new(noise, lobby.clone()))?;
    let shared = Arc::new(Shared {
        local,
        chain: config.chain,
        metrics: Metrics::default(),
        directory,
        outboxes: Mutex::default(),
        listen: Mutex::default(),
        stop: CancellationToken::new(),
        stopped: CancellationToken::new(),
    });
    let (command_sender, commands) = mpsc::channel(limits::COMMANDS_MAX);
    let (event_sender, events) = mpsc::channel(limits::EVENTS_MAX);
    let (validator_sender, validators) = watch::channel(config.validators.clone());
    let mesh_rate = config.limits.validator_frames;
    let mut task = Task {
        swarm,
        shared: shared.clone(),
        lobby,
        commands,
        validators,
        held: VecDeque::new(),
        topics: gossip::Topics::new(&config.chain),
        unsent: VecDeque::new(),
        policy: peers::Policy::new(config.limits),
        requests: Requests::default(),
        dialer: dialer::Dialer::new(local),
        mesh: mesh::Mesh::new(shared.clone(), event_sender.clone(), mesh_rate),
        let_in: BTreeSet::new(),
        refusals: Bucket::new(limits::REFUSALS_LOGGED_RATE, now),
        events: event_sender,
        config,
    };
    listen(&mut task).await?;
    shared.set_outboxes(&task.config.validators);
    task.apply_validators();
    tokio::spawn(task.run());
    Ok((NetHandle::new(shared, command_sender, validator_sender), events))
}

/// Binds every configured address and waits until each is reported, so that its port is known.
async fn listen(task: &mut Task) -> Result<(), NetError> {
    for address in task.config.listen.clone() {
        let refused = |source| NetError::Listen { address: address.clone(), source };
        probe(&address).map_err(|error| refused(TransportError::Other(error)))?;
        let listener = task.swarm.listen_on(address.clone()).map_err(refused)?;
        loop {
            match task.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { listener_id, address } => {
                    task.on_listening(address);
                    if listener_id == listener {
                        break;
                    }
                }
                SwarmEvent::ListenerClosed { reason: Err(error), .. } => {
                    return Err(refused(TransportError::Other(error)));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Fails if another process listens on the address. The transport allows several processes to share
/// a port, so without this check two nodes would silently take each other's connections.
fn probe(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip: Option<IpAddr> = match parts.next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    };
    match (ip, parts.next()) {
        (Some(ip), Some(Protocol::Tcp(port))) if port != 0 => {
            TcpListener::bind((ip, port)).map(drop)
        }
        _ => Ok(()),
    }
}

/// Locks a mutex even if a thread panicked while it held it. The data is still consistent, because
/// no critical section of this module can stop halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
