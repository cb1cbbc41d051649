//! The events that the driver handles and the actions that it answers with.

use std::sync::Arc;

use libp2p::PeerId;
use ordering::{GuardError, StartError};
use registry_core::block::Header;
use registry_core::code::Refusal;
use registry_core::crypto::Hash;
use registry_core::governance::{PROTOCOL_VERSION, Validators};
use registry_core::record::StoreError;
use registry_state::execution::BlockError;
use registry_state::rules::Checked;

use crate::net::Acceptance;
use crate::wire::SignedFrame;

/// Reading of the wall clock and of the steady clock at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Unix time in milliseconds; used for block times and for the timeliness of proposals.
    pub wall_ms: u64,
    /// Milliseconds on a clock that never goes back; used for timers.
    pub steady_ms: u64,
}

/// Something that happened outside of the driver and that it has to handle.
#[derive(Debug)]
pub enum Event {
    /// Time has passed, so timers may be due. The caller sends it at [`Driver::deadline`] at the
    /// latest; it may send it more often.
    Tick,
    /// A peer passed the handshake.
    PeerConnected(PeerId),
    /// The last connection with a peer has ended.
    PeerDisconnected(PeerId),
    /// A frame arrived on a validator stream.
    Frame {
        /// Peer that sent the frame.
        peer: PeerId,
        /// Encoded [`crate::wire::Frame`].
        bytes: Vec<u8>,
    },
    /// A client of this node submits an operation that passed the stateless checks.
    Submit {
        /// The operation to admit.
        checked: Arc<Checked>,
        /// Number that the driver repeats in [`Action::Admitted`].
        token: u64,
    },
    /// An operation arrived by gossip and passed the stateless checks.
    GossipOperation {
        /// The operation to admit.
        checked: Arc<Checked>,
        /// Message id, which the driver repeats in [`Action::Report`].
        id: Hash,
        /// Peer that passed the message on.
        source: PeerId,
    },
    /// An operation arrived by gossip and failed the stateless checks.
    GossipInvalid {
        /// Message id, which the driver repeats in [`Action::Report`].
        id: Hash,
        /// Peer that passed the message on.
        source: PeerId,
    },
    /// A message of the `decided` topic arrived.
    GossipDecided {
        /// Encoded [`crate::wire::Decided`].
        bytes: Vec<u8>,
        /// Message id, which the driver repeats in [`Action::Report`].
        id: Hash,
        /// Peer that passed the message on.
        source: PeerId,
    },
    /// A peer sent a request and waits for a response.
    Request {
        /// Peer that sent the request.
        peer: PeerId,
        /// Encoded [`crate::wire::Request`].
        bytes: Vec<u8>,
        /// Number that the driver repeats in [`Action::Respond`].
        token: u64,
    },
    /// A peer answered a request of this node.
    Response {
        /// Number of the request, from [`Action::Request`].
        id: u64,
        /// Peer that answered.
        peer: PeerId,
        /// Encoded [`crate::wire::Response`].
        bytes: Vec<u8>,
    },
    /// A request of this node will get no response.
    RequestFailed {
        /// Number of the request, from [`Action::Request`].
        id: u64,
        /// Peer that was asked.
        peer: PeerId,
    },
}

/// Final result of an operation that the node had admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The operation was applied in a certified block.
    Applied {
        /// Height of that block.
        height: u64,
    },
    /// The operation left the mempool because the present state refuses it.
    Refused(Refusal),
    /// The operation gave up its place in the mempool to one that is more senior or more urgent.
    /// Its sender may send it again.
    Displaced,
}

/// Reason why the node does not admit a submitted operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The rules refuse the operation over the present state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The mempool has no room for the operation at the moment.
    #[error("the mempool is full ({what}); send again in a moment")]
    Full {
        /// Name of the limit that is reached.
        what: &'static str,
    },
}

/// Something that the caller of the driver must do.
#[derive(Debug)]
pub enum Action {
    /// Connect the validator mesh to these validators, which decide from the next height on.
    Validators(Validators),
    /// Send a signed frame to all other validators.
    Broadcast(SignedFrame),
    /// Send an unsigned wake frame to all other validators.
    Wake(Vec<u8>),
    /// Publish an encoded [`crate::wire::Decided`] on the `decided` topic.
    PublishDecided(Vec<u8>),
    /// Publish the envelope of an operation on the `operations` topic.
    PublishOperation(Arc<Checked>),
    /// Tell the gossip protocol what to do with a message.
    Report {
        /// Message id from the event.
        id: Hash,
        /// Peer that passed the message on.
        source: PeerId,
        /// Whether the message may be passed on.
        acceptance: Acceptance,
    },
    /// Send a request to a peer. Exactly one `Response` or `RequestFailed` with this id must
    /// follow.
    Request {
        /// Number that the response or failure must repeat.
        id: u64,
        /// Peer to ask.
        peer: PeerId,
        /// Encoded [`crate::wire::Request`].
        bytes: Vec<u8>,
    },
    /// Answer a request of a peer.
    Respond {
        /// Number of the request, from [`Event::Request`].
        token: u64,
        /// Encoded [`crate::wire::Response`].
        bytes: Vec<u8>,
    },
    /// Disconnect and block a peer because it broke the protocol.
    Cut {
        /// Peer to disconnect.
        peer: PeerId,
        /// Reason, for the log.
        reason: String,
    },
    /// Answer a client that sent [`Event::Submit`].
    Admitted {
        /// Number from the event.
        token: u64,
        /// `Ok` if the operation waits in the mempool, else the reason why it does not.
        result: Result<(), IntakeError>,
    },
    /// Tell waiting clients that an operation was applied or refused for good.
    Settled {
        /// Operation id.
        operation: Hash,
        /// The result.
        settlement: Settlement,
    },
    /// Tell readers that a block was committed.
    Committed {
        /// Header of the block.
        header: Header,
        /// True if this node took part in the decision and it was made in the first round. Only
        /// then does the block's time say something about this node's clock.
        live: bool,
    },
}

/// Reason why the driver cannot go on. The node must stop; its database is consistent.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// Reading from or writing to the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No block of the next height can be built or executed.
    #[error(transparent)]
    Block(BlockError),
    /// The consensus core reported that it cannot go on safely.
    #[error("consensus halted: {0}")]
    Halt(String),
    /// The consensus core could not be restored from its log.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The signing guard, the height floor and the store contradict each other.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Governance has put another version of the protocol into force.
    #[error(
        "the network speaks version {needed} of the protocol from height {height} on, this program \
         speaks version {spoken}; install one that speaks {needed} and start it again: nothing is \
         lost"
    )]
    Version {
        /// First height that the other version applies to.
        height: u64,
        /// Protocol version that governance has put into force.
        needed: u64,
        /// Newest protocol version that this program supports.
        spoken: u64,
    },
    /// Executing a certified block gave another result than its header says. Either this node's
    /// state or its program is wrong.
    #[error("certified block {height} does not execute: {reason}")]
    Diverged {
        /// Height of the block.
        height: u64,
        /// What differs.
        reason: String,
    },
}

impl From<BlockError> for Fatal {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Store(error) => Self::Store(error),
            BlockError::Version { height, version } => {
                Self::Version { height, needed: version, spoken: PROTOCOL_VERSION }
            }
            other => Self::Block(other),
        }
    }
}
