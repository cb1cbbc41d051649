//! The task that owns the swarm.

mod gossip;
mod requests;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::ping::Failure;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, DialError, ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, TransportError};
use rpc::bucket::Bucket;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::behaviour::{Behaviour, BehaviourEvent, limits_beside};
use super::config::{NetConfig, PeerAddress};
use super::dialer::Dialer;
use super::event::{CutReason, NetEvent, Topic};
use super::gossip::Topics;
use super::handle::{Command, Shared};
use super::handshake::{HandshakeError, Lobby, handshake_error};
use super::limits::{EVENTS_HELD_MAX, TICK};
use super::lock;
use super::mesh::Mesh;
use super::peers::Policy;
use super::streams::StreamEvent;

pub(crate) use requests::Requests;

/// State of the network task.
pub(crate) struct Task {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) lobby: Arc<Lobby>,
    pub(crate) config: NetConfig,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) validators: watch::Receiver<Vec<PeerAddress>>,
    pub(crate) events: mpsc::Sender<NetEvent>,
    pub(crate) held: VecDeque<NetEvent>,
    pub(crate) topics: Topics,
    pub(crate) unsent: VecDeque<(Topic, Vec<u8>)>,
    pub(crate) policy: Policy,
    pub(crate) requests: Requests,
    pub(crate) dialer: Dialer,
    pub(crate) mesh: Mesh,
    /// Validators that are let in while the configuration allows only certain peers.
    pub(crate) let_in: BTreeSet<PeerId>,
    pub(crate) refusals: Bucket,
}

impl Task {
    /// Runs until the network is shut down or its events are no longer received. While an event
    /// waits for room in the channel, the task does not poll the swarm, so that a slow driver slows
    /// the network down and does not fill the memory.
    pub(crate) async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.shared.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                permit = self.events.clone().reserve_owned(), if !self.held.is_empty() => {
                    match (permit, self.held.pop_front()) {
                        (Ok(permit), Some(event)) => drop(permit.send(event)),
                        _ => break,
                    }
                }
                Some(command) = self.commands.recv(), if self.held.len() < EVENTS_HELD_MAX => {
                    self.on_command(command);
                }
                Ok(()) = self.validators.changed() => self.apply_validators(),
                Some(ended) = self.mesh.next_end() => {
                    if let Some((peer, reason)) = self.mesh.ended(ended, Instant::now()) {
                        self.cut(peer, reason);
                    }
                }
                _ = tick.tick() => self.on_tick(),
                event = self.swarm.select_next_some(), if self.held.is_empty() => {
                    self.on_swarm(event);
                }
            }
        }
        let stopped = self.shared.stopped.clone();
        drop(self);
        stopped.cancel();
    }

    pub(crate) fn emit(&mut self, event: NetEvent) {
        self.held.push_back(event);
    }

    /// Disconnects and blocks a peer.
    pub(crate) fn cut(&mut self, peer: PeerId, reason: CutReason) {
        if self.policy.is_blocked(&peer) {
            return;
        }
        tracing::warn!(%peer, %reason, "peer cut and blocked");
        self.shared.metrics.peers_cut.inc();
        if let Some(released) = self.policy.block(peer, Instant::now()) {
            self.swarm.behaviour_mut().blocked.unblock_peer(released);
        }
        self.swarm.behaviour_mut().blocked.block_peer(peer);
        self.emit(NetEvent::PeerCut { peer, reason });
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Publish { topic, bytes } => self.publish(topic, bytes),
            Command::Report { id, source, acceptance } => self.report(id, source, acceptance),
            Command::Request { id, peer, bytes } => self.request(id, peer, bytes),
            Command::Respond { token, bytes } => self.respond(token, bytes),
            Command::Cut { peer, reason } => self.cut(peer, CutReason::Policy(reason)),
        }
    }

    /// Adapts limits, allow list, dialler and mesh to the validator set.
    pub(crate) fn apply_validators(&mut self) {
        let now = Instant::now();
        let validators = self.validators.borrow_and_update().clone();
        let before: BTreeSet<PeerId> = self.mesh.members().collect();
        self.mesh.update(now);
        let after: BTreeSet<PeerId> = self.mesh.members().collect();
        let behaviour = self.swarm.behaviour_mut();
        *behaviour.limits.limits_mut() = limits_beside(after.len());
        for peer in before.difference(&after) {
            behaviour.limits.remove_peer_id(peer);
        }
        for peer in after.difference(&before) {
            behaviour.limits.bypass_peer_id(peer);
        }
        self.allow(validators.iter().map(|validator| validator.peer).collect());
        let members = validators.iter().filter(|v| after.contains(&v.peer));
        self.dialer.want(self.config.peers.iter().chain(members), now);
        self.open_streams(now);
    }

    /// Lets the validators in, whether this node is one or not. Shuts out peers that are no longer
    /// validators, unless the configuration names them.
    fn allow(&mut self, validators: BTreeSet<PeerId>) {
        let before = std::mem::replace(&mut self.let_in, validators);
        let Some(allowed) = self.swarm.behaviour_mut().allowed.as_mut() else { return };
        let fixed = |peer: &PeerId| {
            let allow = self.config.allow.iter().flatten();
            allow.chain(self.config.peers.iter().map(|p| &p.peer)).any(|other| other == peer)
        };
        for peer in before.difference(&self.let_in).filter(|peer| !fixed(peer)) {
            allowed.disallow_peer(*peer);
        }
        for peer in self.let_in.difference(&before) {
            allowed.allow_peer(*peer);
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for peer in self.policy.released(now) {
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
        let metered = self.shared.directory.meter();
        for (peer, bytes) in &metered {
            if self.policy.account(*peer, now).bytes.take(*bytes, now).is_err() {
                self.cut(*peer, CutReason::Flood { what: "bytes" });
            }
        }
        self.cut_graylisted(metered.iter().map(|(peer, _)| *peer));
        let directory = &self.shared.directory;
        self.policy.sweep(now, |peer| directory.contains(peer));
        self.dial(now);
        self.open_streams(now);
    }

    fn dial(&mut self, now: Instant) {
        let directory = &self.shared.directory;
        let policy = &self.policy;
        let excluded = |peer: &PeerId| directory.contains(peer) || policy.is_blocked(peer);
        for PeerAddress { peer, addresses } in self.dialer.due(now, directory.len(), excluded) {
            // Each dial uses a new port. If two nodes dialled each other at once from their
            // listening ports, they would open a single connection that both believe to have
            // dialled.
            let dial = DialOpts::peer_id(peer).addresses(addresses).allocate_new_port().build();
            if let Err(error) = self.swarm.dial(dial) {
                tracing::debug!(%peer, %error, "not dialled");
                self.dialer.failed(peer, now);
            }
        }
    }

    fn open_streams(&mut self, now: Instant) {
        let directory = &self.shared.directory;
        for peer in self.mesh.open_due(now, |peer| directory.contains(peer)) {
            self.swarm.behaviour_mut().streams.open(peer);
        }
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
                self.on_closed(peer_id, connection_id);
            }
            SwarmEvent::IncomingConnectionError { error, peer_id, .. } => {
                self.on_refused_inbound(peer_id, &error);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.on_dial_failed(peer, &error);
            }
            SwarmEvent::NewListenAddr { address, .. } => self.on_listening(address),
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                lock(&self.shared.listen).retain(|known| *known != address);
                lock(&self.lobby.addresses).retain(|known| *known != address);
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => {
                tracing::error!(%error, "no longer listening");
            }
            _ => {}
        }
    }

    pub(crate) fn on_listening(&mut self, address: Multiaddr) {
        tracing::info!(%address, "listening");
        if self.config.external.is_empty() {
            lock(&self.lobby.addresses).push(address.clone());
        }
        lock(&self.shared.listen).push(address);
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.on_gossip(event),
            BehaviourEvent::Requests(event) => self.on_request(event),
            BehaviourEvent::Streams((peer, event)) => self.on_stream(peer, event),
            BehaviourEvent::Ping(event) => {
                // A peer that does not support ping is not dead. TCP notices when its connection
                // breaks.
                let failed = event.result.err();
                if let Some(error) = failed.filter(|e| !matches!(e, Failure::Unsupported)) {
                    tracing::debug!(peer = %event.peer, %error, "ping failed, closing");
                    self.swarm.close_connection(event.connection);
                }
            }
            _ => {}
        }
    }

    fn on_stream(&mut self, peer: PeerId, event: StreamEvent) {
        let now = Instant::now();
        match event {
            StreamEvent::Opened(stream) => self.mesh.opened(peer, stream, now),
            StreamEvent::Failed(error) => {
                tracing::debug!(%peer, error, "validator stream not opened");
                self.mesh.failed(peer, now);
            }
            StreamEvent::Accepted(stream) => {
                if self.policy.account(peer, now).streams.take(1, now).is_err() {
                    self.cut(peer, CutReason::Flood { what: "validator streams" });
                } else if !self.mesh.accepted(peer, stream) {
                    tracing::debug!(%peer, "validator stream refused, not in the validator set");
                    self.shared.metrics.streams_refused.inc();
                }
            }
        }
    }

    fn on_connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let now = Instant::now();
        if self.policy.account(peer, now).connections.take(1, now).is_err() {
            self.cut(peer, CutReason::Flood { what: "connections" });
        }
        let (greeting, traffic) = match self.lobby.take(peer) {
            Some(arrival) => (arrival.greeting, arrival.traffic),
            None => Default::default(),
        };
        let speaker = endpoint.get_remote_address();
        let addresses = greeting.addresses();
        let heard = PeerAddress { peer, addresses: addresses.clone() };
        for heard in std::iter::once(heard).chain(greeting.members()) {
            self.dialer.learn(&heard, speaker, now);
        }
        self.dialer.connected(peer);
        if self.shared.directory.add(peer, (id, endpoint, traffic), &greeting, now) {
            self.shared.metrics.peers.inc();
            tracing::info!(%peer, address = %speaker, version = greeting.version, "peer connected");
            self.emit(NetEvent::PeerConnected { peer, addresses, version: greeting.version });
        }
        self.mesh.connected(peer, endpoint.is_listener(), now);
        self.open_streams(now);
    }

    fn on_closed(&mut self, peer: PeerId, id: ConnectionId) {
        let now = Instant::now();
        let since = self.shared.directory.remove(peer, id);
        self.mesh.disconnected(peer, since.is_some(), now);
        if let Some(since) = since {
            self.dialer.disconnected(peer, since, now);
            self.shared.metrics.peers.dec();
            tracing::info!(%peer, "peer disconnected");
            self.emit(NetEvent::PeerDisconnected { peer });
        }
    }

    fn on_dial_failed(&mut self, peer: PeerId, error: &DialError) {
        // Another dial is in progress; its own result will be reported.
        if matches!(error, DialError::DialPeerConditionFalse(_)) {
            return self.dialer.connected(peer);
        }
        let attempts = self.dialer.failed(peer, Instant::now());
        tracing::debug!(%peer, %error, attempts, "dialling failed");
        if let DialError::Transport(errors) = error {
            for (_, error) in errors {
                self.on_handshake_error(error);
            }
        }
    }

    fn on_refused_inbound(&mut self, peer: Option<PeerId>, error: &ListenError) {
        tracing::debug!(?peer, %error, "connection refused");
        // The connection was refused after the handshake by a limit or a block, so its greeting is
        // discarded.
        if let Some(peer) = peer {
            self.lobby.take(peer);
        }
        if let ListenError::Transport(error) = error {
            self.on_handshake_error(error);
        }
    }

    fn on_handshake_error(&mut self, error: &TransportError<std::io::Error>) {
        let TransportError::Other(error) = error else { return };
        let Some(error) = handshake_error(error) else { return };
        let loud = self.refusals.take(1, Instant::now()).is_ok();
        if let HandshakeError::OtherChain { peer, expected, actual } = error {
            self.shared.metrics.other_chain.inc();
            if loud {
                let reason = CutReason::OtherChain { expected: *expected, actual: *actual };
                self.emit(NetEvent::PeerCut { peer: *peer, reason });
            }
        }
        if loud {
            tracing::warn!(%error, "handshake refused");
        }
    }
}
