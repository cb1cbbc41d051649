//! The libp2p swarm: its transport and the protocols that run over it.

use libp2p::allow_block_list::{self, AllowedPeers, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, Transport};
use libp2p::core::upgrade::Version;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{PeerId, Swarm, dns, memory_connection_limits, ping, swarm, tcp, yamux};

use super::NetError;
use super::config::NetConfig;
use super::gossip::{self, Gossip};
use super::handshake::Membership;
use super::limits::{
    ESTABLISHED_INBOUND_MAX, ESTABLISHED_MAX, HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, MEMORY_SHARE_MAX,
    NEGOTIATING_STREAMS_MAX, PENDING_INBOUND_MAX, PENDING_OUTBOUND_MAX, PING_INTERVAL,
    PING_TIMEOUT, REQUEST_STREAMS_MAX, REQUEST_TIMEOUT, STREAMS_PER_CONNECTION_MAX,
};
use super::request::{self, Codec};
use super::streams::Streams;

/// All protocols of the swarm. Their order matters: those that may refuse a connection come before
/// those that keep account of connections, because the swarm does not tell the latter of a refusal.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    pub(crate) blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub(crate) allowed: Toggle<allow_block_list::Behaviour<AllowedPeers>>,
    pub(crate) streams: Streams,
    pub(crate) gossip: Gossip,
    pub(crate) requests: request_response::Behaviour<Codec>,
    ping: ping::Behaviour,
}

impl Behaviour {
    fn new(config: &NetConfig) -> Result<Self, NetError> {
        let allowed = config.allow.as_ref().map(|allow| {
            let mut allowed = allow_block_list::Behaviour::<AllowedPeers>::default();
            for peer in allow.iter().copied().chain(config.peers.iter().map(|p| p.peer)) {
                allowed.allow_peer(peer);
            }
            allowed
        });
        let requests = request_response::Config::default()
            .with_request_timeout(REQUEST_TIMEOUT)
            .with_max_concurrent_streams(REQUEST_STREAMS_MAX);
        let ping = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT);
        Ok(Self {
            limits: connection_limits::Behaviour::new(limits_beside(0)),
            memory: memory_connection_limits::Behaviour::with_max_percentage(MEMORY_SHARE_MAX),
            blocked: allow_block_list::Behaviour::default(),
            allowed: allowed.into(),
            streams: Streams::default(),
            gossip: gossip::behaviour(config.chain)?,
            requests: request_response::Behaviour::new(
                [(request::PROTOCOL, ProtocolSupport::Full)],
                requests,
            ),
            ping: ping::Behaviour::new(ping),
        })
    }
}

/// Connection limits of a node with `validators` validator peers. Validators bypass the limits, but
/// their connections count towards them, so the limits are raised by that number.
pub(crate) fn limits_beside(validators: usize) -> ConnectionLimits {
    let validators = u32::try_from(validators).unwrap_or(u32::MAX);
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_INBOUND_MAX))
        .with_max_pending_outgoing(Some(PENDING_OUTBOUND_MAX))
        .with_max_established_incoming(Some(ESTABLISHED_INBOUND_MAX.saturating_add(validators)))
        .with_max_established(Some(ESTABLISHED_MAX.saturating_add(validators)))
}

/// Builds the swarm of a node. It does not listen yet.
pub(crate) fn swarm(
    config: &NetConfig,
    membership: Membership,
) -> Result<Swarm<Behaviour>, NetError> {
    let transport = transport(membership, uses_names(config))?;
    let settings = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE_TIMEOUT)
        .with_max_negotiating_inbound_streams(NEGOTIATING_STREAMS_MAX);
    let peer = config.identity.public().to_peer_id();
    Ok(Swarm::new(transport, Behaviour::new(config)?, peer, settings))
}

/// Builds the transport: TCP, the membership handshake and Yamux. Host names are resolved with the
/// system's resolver settings. They must be readable if `uses_names` is true; without configured
/// names they are optional, because later validators may have names.
pub(crate) fn transport(
    membership: Membership,
    uses_names: bool,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NetError> {
    let tcp = || tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let base = match dns::tokio::Transport::system(tcp()) {
        Ok(transport) => transport.boxed(),
        Err(source) if uses_names => return Err(NetError::Resolver { source }),
        Err(error) => {
            tracing::debug!(%error, "names of peers to come cannot be resolved");
            tcp().boxed()
        }
    };
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_PER_CONNECTION_MAX);
    let upgrade = base.upgrade(Version::V1).authenticate(membership).multiplex(yamux);
    Ok(upgrade.timeout(HANDSHAKE_TIMEOUT).boxed())
}

fn uses_names(config: &NetConfig) -> bool {
    let mut addresses = config.peers.iter().chain(&config.validators).flat_map(|p| &p.addresses);
    addresses.any(|address| {
        let mut parts = address.iter();
        parts.any(|p| matches!(p, Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)))
    })
}
