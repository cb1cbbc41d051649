//! The events that the network reports, and the small types that its events and commands share.

use std::time::Instant;

use libp2p::request_response::ResponseChannel;
use libp2p::{Multiaddr, PeerId};
use registry_core::crypto::Hash;

/// A gossip topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Encoded signed operations.
    Operations,
    /// Headers with their certificates, for followers.
    Decided,
}

/// Hash of chain, topic and payload. It is the same whoever publishes the message, so gossip
/// delivers each message once.
pub type MessageId = Hash;

/// Result of validating a gossip message. It decides whether the message is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// The message is valid; pass it on.
    Accept,
    /// Do not pass the message on. Nobody is at fault: it is out of date, already known, or there
    /// is no room for it.
    Ignore,
    /// Do not pass the message on, and count it against its sender: no honest node could find it
    /// valid.
    Reject,
}

/// Number of a request of this node; unique while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Permission to answer one request. Dropping it closes the request without an answer.
#[derive(Debug)]
pub struct ResponseToken(pub(crate) ResponseChannel<Vec<u8>>);

/// Reason why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// The peer is not connected; nothing was sent.
    #[error("the peer is not connected")]
    NotConnected,
    /// Too many requests wait for an answer already; nothing was sent.
    #[error("too many requests wait for an answer")]
    Busy,
    /// No answer came in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended before an answer came.
    #[error("the connection ended before an answer came")]
    Disconnected,
    /// The peer closed the request without an answer.
    #[error("the peer did not answer")]
    Refused,
    /// The answer was larger than allowed or cut short.
    #[error("the answer was malformed")]
    Malformed,
}

/// Reason why a peer was disconnected. Unless the reason is another chain, the peer is blocked too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CutReason {
    /// The handshake showed another chain; the peer was never connected and is not blocked.
    #[error("it is on chain {actual}, this node is on {expected}")]
    OtherChain {
        /// This node's chain id.
        expected: Hash,
        /// The chain id that the peer showed.
        actual: Hash,
    },
    /// The peer sent more than its rate allows.
    #[error("it sent more {what} than its rate allows")]
    Flood {
        /// Kind of traffic that exceeded its rate.
        what: &'static str,
    },
    /// The peer sent a frame or request above the limit of its protocol.
    #[error("it sent a {what} of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// Kind of message: a frame or a request.
        what: &'static str,
        /// Length that the peer announced.
        bytes: usize,
        /// Largest length allowed.
        bytes_max: usize,
    },
    /// The gossip score of the peer fell below the graylist threshold.
    #[error("its gossip score is {score}")]
    Score {
        /// The score, rounded.
        score: i64,
    },
    /// The driver found that the peer broke a rule of its own.
    #[error("{0}")]
    Policy(&'static str),
}

/// An event on the network. Events of one peer and protocol arrive in order; events of different
/// protocols may not.
#[derive(Debug)]
pub enum NetEvent {
    /// The first connection with a member was established.
    PeerConnected {
        /// Peer id of the member.
        peer: PeerId,
        /// Addresses at which the member says that it listens.
        addresses: Vec<Multiaddr>,
        /// Software version that the member announced.
        version: String,
    },
    /// The last connection with a peer has ended.
    PeerDisconnected {
        /// The peer.
        peer: PeerId,
    },
    /// A frame arrived on a validator stream.
    ValidatorMessage {
        /// Sender, which is a member of the validator set.
        peer: PeerId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// The first copy of a gossip message arrived. The message is not passed on before
    /// `NetHandle::report` accepts it.
    Gossip {
        /// Topic of the message.
        topic: Topic,
        /// Message id.
        id: MessageId,
        /// Peer that passed the message on, which need not be its author.
        source: PeerId,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// A peer sent a request and waits for an answer.
    Request {
        /// The peer.
        peer: PeerId,
        /// The request.
        bytes: Vec<u8>,
        /// Token to pass to `NetHandle::respond`.
        reply: ResponseToken,
    },
    /// A peer answered a request of this node.
    Response {
        /// Number of the request.
        id: RequestId,
        /// The peer.
        peer: PeerId,
        /// The answer.
        bytes: Vec<u8>,
    },
    /// A request of this node got no answer.
    RequestFailed {
        /// Number of the request.
        id: RequestId,
        /// The peer that was asked.
        peer: PeerId,
        /// Reason for the failure.
        reason: RequestFailure,
    },
    /// A peer was cut. `PeerDisconnected` follows if it was connected.
    PeerCut {
        /// The peer.
        peer: PeerId,
        /// Reason for the cut.
        reason: CutReason,
    },
}

/// Direction in which a connection was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer opened the connection.
    Inbound,
    /// This node opened the connection.
    Outbound,
}

/// A connected peer, as `net_peers` reports it.
#[derive(Debug, Clone)]
pub struct PeerInfo {
    /// Peer id.
    pub peer: PeerId,
    /// Remote address of the peer's oldest connection.
    pub address: Multiaddr,
    /// Direction in which that connection was opened.
    pub direction: Direction,
    /// Software version that the peer announced.
    pub version: String,
    /// True if the peer belongs to the validator mesh.
    pub validator: bool,
    /// Time at which the peer connected.
    pub since: Instant,
    /// Bytes received over all connections of the peer, counted without the overhead of encryption.
    pub bytes_in: u64,
    /// Bytes sent over all connections of the peer, counted without the overhead of encryption.
    pub bytes_out: u64,
}
