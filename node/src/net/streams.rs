//! The part of the swarm that opens and accepts `/idem/validator/1` streams and hands them over
//! unchanged. The crate `libp2p-stream` does the same, but it keeps an entry for every connection
//! that it ever saw, dials by itself, and drops a stream when two arrive at once.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll};

use futures::future::{Ready, ready};
use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
    NetworkBehaviour, NotifyHandler, Stream, StreamProtocol, SubstreamProtocol, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};

use super::limits::CONNECTIONS_PER_PEER_MAX;

/// Name of the validator streams in protocol negotiation.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/idem/validator/1");

/// An event that a connection reports.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    /// A stream that this node asked for was opened.
    Opened(Stream),
    /// The peer refused or failed to open a stream.
    Failed(String),
    /// The peer opened a stream.
    Accepted(Stream),
}

/// Refusal of a connection because the peer has too many.
#[derive(Debug, thiserror::Error)]
#[error("{peer} has {connections} connections, at most {connections_max} are allowed")]
pub(crate) struct TooManyConnections {
    peer: PeerId,
    connections: usize,
    connections_max: usize,
}

/// Connections by peer. It also enforces the limit of connections per peer, which applies to
/// validators too.
#[derive(Default)]
pub(crate) struct Streams {
    /// Connections of each peer, oldest first.
    connections: BTreeMap<PeerId, Vec<ConnectionId>>,
    pending: VecDeque<ToSwarm<(PeerId, StreamEvent), Open>>,
}

/// Command to a connection to open a stream.
#[derive(Debug)]
pub(crate) struct Open;

impl Streams {
    /// Opens a stream on the newest connection with `peer`, because older ones may be dead without
    /// this node having noticed. A `StreamEvent` follows unless the connection ends.
    pub(crate) fn open(&mut self, peer: PeerId) {
        let newest = self.connections.get(&peer).and_then(|connections| connections.last());
        let handler = newest.map_or(NotifyHandler::Any, |id| NotifyHandler::One(*id));
        self.pending.push_back(ToSwarm::NotifyHandler { peer_id: peer, handler, event: Open });
    }

    fn admit(&self, peer: PeerId) -> Result<Handler, ConnectionDenied> {
        let connections = self.connections.get(&peer).map_or(0, Vec::len);
        let connections_max = CONNECTIONS_PER_PEER_MAX;
        if connections >= connections_max {
            let error = TooManyConnections { peer, connections, connections_max };
            return Err(ConnectionDenied::new(error));
        }
        Ok(Handler::default())
    }
}

impl NetworkBehaviour for Streams {
    type ConnectionHandler = Handler;
    type ToSwarm = (PeerId, StreamEvent);

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(peer)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                let connections = self.connections.entry(established.peer_id).or_default();
                connections.push(established.connection_id);
            }
            FromSwarm::ConnectionClosed(closed) => {
                if let Some(connections) = self.connections.get_mut(&closed.peer_id) {
                    connections.retain(|id| *id != closed.connection_id);
                }
                if closed.remaining_established == 0 {
                    self.connections.remove(&closed.peer_id);
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.pending.push_back(ToSwarm::GenerateEvent((peer, event)));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.pending.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Handler of one connection. It counts the streams to open and passes on those that are open.
#[derive(Default)]
pub(crate) struct Handler {
    to_open: usize,
    pending: VecDeque<StreamEvent>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = StreamEvent;
    type InboundProtocol = Whole;
    type OutboundProtocol = Whole;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Whole> {
        SubstreamProtocol::new(Whole, ())
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Whole, (), StreamEvent>> {
        if let Some(event) = self.pending.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Some(rest) = self.to_open.checked_sub(1) {
            self.to_open = rest;
            let protocol = SubstreamProtocol::new(Whole, ());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, _: Open) {
        self.to_open = self.to_open.saturating_add(1);
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Whole, Whole>) {
        let event = match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            }) => StreamEvent::Accepted(protocol),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol, ..
            }) => StreamEvent::Opened(protocol),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                StreamEvent::Failed(error.to_string())
            }
            _ => return,
        };
        self.pending.push_back(event);
    }
}

/// Stream upgrade that leaves the stream unchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole;

impl UpgradeInfo for Whole {
    type Info = StreamProtocol;
    type InfoIter = std::iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once(PROTOCOL)
    }
}

impl InboundUpgrade<Stream> for Whole {
    type Output = Stream;
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Stream, Self::Error>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}

impl OutboundUpgrade<Stream> for Whole {
    type Output = Stream;
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Stream, Self::Error>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}
