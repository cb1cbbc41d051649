//! What the driver is told and what it answers.

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

/// The two clocks of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock in ms since 1970: block times and timeliness.
    pub wall_ms: u64,
    /// A clock that never goes back, in ms: timers.
    pub steady_ms: u64,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// Time passed; due timers fire. Sent at [`Driver::deadline`] or whenever convenient.
    Tick,
    /// A peer passed the handshake.
    PeerConnected(PeerId),
    /// A peer is gone.
    PeerDisconnected(PeerId),
    /// A frame on a validator stream.
    Frame {
        /// From whom.
        peer: PeerId,
        /// Encoded [`crate::wire::Frame`].
        bytes: Vec<u8>,
    },
    /// A client of this node submits an operation that passed the stateless checks.
    Submit {
        /// The operation.
        checked: Arc<Checked>,
        /// Comes back in [`Action::Admitted`].
        token: u64,
    },
    /// An operation that came by gossip and passed the stateless checks.
    GossipOperation {
        /// The operation.
        checked: Arc<Checked>,
        /// Message id, for the acceptance.
        id: Hash,
        /// Who passed it on.
        source: PeerId,
    },
    /// An operation that came by gossip and failed the stateless checks.
    GossipInvalid {
        /// Message id.
        id: Hash,
        /// Who passed it on.
        source: PeerId,
    },
    /// A message of the `decided` topic.
    GossipDecided {
        /// Encoded [`crate::wire::Decided`].
        bytes: Vec<u8>,
        /// Message id, for the acceptance.
        id: Hash,
        /// Who passed it on.
        source: PeerId,
    },
    /// A peer asks.
    Request {
        /// Who.
        peer: PeerId,
        /// Encoded [`crate::wire::Request`].
        bytes: Vec<u8>,
        /// Comes back in [`Action::Respond`].
        token: u64,
    },
    /// A peer answered request `id`.
    Response {
        /// From [`Action::Request`].
        id: u64,
        /// Who.
        peer: PeerId,
        /// Encoded [`crate::wire::Response`].
        bytes: Vec<u8>,
    },
    /// Request `id` has no answer.
    RequestFailed {
        /// From [`Action::Request`].
        id: u64,
        /// Who did not answer.
        peer: PeerId,
    },
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// In a certified block.
    Applied {
        /// Its height.
        height: u64,
    },
    /// Left the mempool, refused by the state.
    Refused(Refusal),
}

/// Why a submitted operation was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No room now.
    #[error("the mempool is full ({what}); send again in a moment")]
    Full {
        /// Which limit.
        what: &'static str,
    },
}

/// What the shell must do.
#[derive(Debug)]
pub enum Action {
    /// These are the validators of the next height: the mesh is theirs.
    Validators(Validators),
    /// Send a signed frame to all other validators.
    Broadcast(SignedFrame),
    /// Send an unsigned wake to all other validators.
    Wake(Vec<u8>),
    /// Publish on the `decided` topic.
    PublishDecided(Vec<u8>),
    /// Publish an operation's envelope.
    PublishOperation(Arc<Checked>),
    /// Tell gossip what to do with a message.
    Report {
        /// The message.
        id: Hash,
        /// Who passed it on.
        source: PeerId,
        /// What to do.
        acceptance: Acceptance,
    },
    /// Ask a peer; exactly one `Response` or `RequestFailed` with this id must follow.
    Request {
        /// Number of the request.
        id: u64,
        /// Whom.
        peer: PeerId,
        /// Encoded [`crate::wire::Request`].
        bytes: Vec<u8>,
    },
    /// Answer a request.
    Respond {
        /// From [`Event::Request`].
        token: u64,
        /// Encoded [`crate::wire::Response`].
        bytes: Vec<u8>,
    },
    /// The peer broke the protocol: disconnect and block it.
    Cut {
        /// Whom.
        peer: PeerId,
        /// Why, for the log.
        reason: String,
    },
    /// Answer to [`Event::Submit`].
    Admitted {
        /// From the event.
        token: u64,
        /// Admitted, or why not.
        result: Result<(), IntakeError>,
    },
    /// An operation is settled.
    Settled {
        /// Its id.
        operation: Hash,
        /// How.
        settlement: Settlement,
    },
    /// A block was committed; readers may see it.
    Committed {
        /// Its header.
        header: Header,
        /// Whether this node saw it decided in its first round, so that its time tells something
        /// about the clock.
        live: bool,
    },
}

/// Why the driver cannot go on. The node stops; its disk is consistent.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No block of the next height can be built or executed.
    #[error(transparent)]
    Block(BlockError),
    /// The consensus state refuses to go on.
    #[error("consensus halted: {0}")]
    Halt(String),
    /// Restarting the consensus failed.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The guard and the floor do not fit the store.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Governance has put another version of the protocol into force.
    #[error(
        "the network speaks version {needed} of the protocol from height {height} on, this program \
         speaks version {spoken}; install one that speaks {needed} and start it again: nothing is \
         lost"
    )]
    Version {
        /// The first height of that version.
        height: u64,
        /// The version.
        needed: u64,
        /// The newest version that this program speaks.
        spoken: u64,
    },
    /// A certified block does not execute to its header: this node or its binary is wrong.
    #[error("certified block {height} does not execute: {reason}")]
    Diverged {
        /// Its height.
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
