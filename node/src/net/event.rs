//! What the network reports, and the small types that its events and commands share.

use std::time::Instant;

use libp2p::request_response::ResponseChannel;
use libp2p::{Multiaddr, PeerId};
use registry_core::crypto::Hash;

/// A gossip topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Signed operations, and announcements of large ones.
    Operations,
    /// Headers with their certificates, for followers.
    Decided,
}

/// Hash of chain, topic and payload: the same for every sender, so a message travels once.
pub type MessageId = Hash;

/// What the layer above says of a gossip message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Passed on.
    Accept,
    /// Not passed on, nobody's fault: stale, known, or no room.
    Ignore,
    /// Not passed on, and the sender should have known: it could never be valid anywhere.
    Reject,
}

/// Names a request of this node; unique while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// The right to answer one request. Dropping it closes the request unanswered.
#[derive(Debug)]
pub struct ResponseToken(pub(crate) ResponseChannel<Vec<u8>>);

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// The peer is not connected; nothing was sent.
    #[error("the peer is not connected")]
    NotConnected,
    /// Too many requests wait for an answer already; nothing was sent.
    #[error("too many requests wait for an answer")]
    Busy,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended first.
    #[error("the connection ended before an answer came")]
    Disconnected,
    /// The peer closed the request without an answer.
    #[error("the peer did not answer")]
    Refused,
    /// The answer was larger than allowed or cut short.
    #[error("the answer was malformed")]
    Malformed,
}

/// Why a peer was disconnected and, except for another chain, blocked.
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
    /// More of `what` than its rate allows.
    #[error("it sent more {what} than its rate allows")]
    Flood {
        /// What there was too much of.
        what: &'static str,
    },
    /// A frame or request above the limit of its protocol.
    #[error("it sent a {what} of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// Frame or request.
        what: &'static str,
        /// The length it claimed.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Its gossip score fell below the graylist threshold.
    #[error("its gossip score is {score}")]
    Score {
        /// The score, rounded.
        score: i64,
    },
    /// The layer above said so.
    #[error("{0}")]
    Policy(&'static str),
}

/// What happened on the network. Order is kept per peer and protocol, not across protocols.
#[derive(Debug)]
pub enum NetEvent {
    /// The first connection with a member stands.
    PeerConnected {
        /// The member.
        peer: PeerId,
        /// Where it says that it listens.
        addresses: Vec<Multiaddr>,
        /// Its software version.
        version: String,
    },
    /// The last connection with a peer is gone.
    PeerDisconnected {
        /// The peer.
        peer: PeerId,
    },
    /// A frame on a validator stream.
    ValidatorMessage {
        /// The sender, a member of the validator set.
        peer: PeerId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// A gossip message, first copy. It waits for `NetHandle::report`.
    Gossip {
        /// Its topic.
        topic: Topic,
        /// Its id.
        id: MessageId,
        /// Who passed it on; not its author.
        source: PeerId,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// A peer asks.
    Request {
        /// The peer.
        peer: PeerId,
        /// The question.
        bytes: Vec<u8>,
        /// For `NetHandle::respond`.
        reply: ResponseToken,
    },
    /// A peer answered.
    Response {
        /// The request.
        id: RequestId,
        /// The peer.
        peer: PeerId,
        /// The answer.
        bytes: Vec<u8>,
    },
    /// A request has no answer.
    RequestFailed {
        /// The request.
        id: RequestId,
        /// The peer that was asked.
        peer: PeerId,
        /// Why.
        reason: RequestFailure,
    },
    /// A peer was cut; `PeerDisconnected` follows if it was connected.
    PeerCut {
        /// The peer.
        peer: PeerId,
        /// Why.
        reason: CutReason,
    },
}

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// A connected peer, as `net_peers` shows it.
#[derive(Debug, Clone)]
pub struct PeerInfo {
    /// Its id.
    pub peer: PeerId,
    /// The other end of its oldest connection.
    pub address: Multiaddr,
    /// Who opened that connection.
    pub direction: Direction,
    /// Its software version.
    pub version: String,
    /// Whether it belongs to the validator mesh.
    pub validator: bool,
    /// When it connected.
    pub since: Instant,
    /// Bytes received over all its connections, before encryption.
    pub bytes_in: u64,
    /// Bytes sent over all its connections, before encryption.
    pub bytes_out: u64,
}
