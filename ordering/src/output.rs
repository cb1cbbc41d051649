//! What goes into [`step`](crate::step) and what comes out.

use registry_core::certificate::{Certificate, ValidatorSet};
use registry_core::crypto::{Hash, ValidatorKey};

use crate::certificates::CertificateFault;
use crate::durable::Unsent;
use crate::evidence::Evidence;
use crate::guard::{Guard, GuardConflict};
use crate::message::{Message, MessageError, Position};
use crate::timeouts::{TimeoutKind, Timeouts};
use crate::wal::{Candidate, WalEntry};

/// Something that happened to the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Decide this height now. It must be later than the current one, which is abandoned if it is
    /// not decided (block sync has passed it).
    StartHeight {
        /// The height.
        height: u64,
        /// Its validators, this node among them.
        set: ValidatorSet,
        /// The protocol's durations from this height on.
        timeouts: Timeouts,
    },
    /// A block was committed after which there are other validators. From here on their messages
    /// of later heights are kept, though the next height has not started.
    Expect {
        /// The validators of the next height.
        set: ValidatorSet,
    },
    /// A message from a validator stream.
    Message(Message),
    /// The answer to [`Output::BuildBlock`]. The block goes into this step's synced batch.
    Propose {
        /// As asked.
        height: u64,
        /// As asked.
        round: u32,
        /// The block's hash.
        value: Hash,
    },
    /// The verdict on a block. The block goes into this step's synced batch.
    Candidate(Candidate),
    /// A timer fired.
    Timeout {
        /// Which timer.
        kind: TimeoutKind,
        /// Its height.
        height: u64,
        /// Its round.
        round: u32,
    },
}

/// Something that the node has to do. Outputs come in the order in which to carry them out:
/// `Wal` and `Guard` first, then the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Output {
    /// Write a log entry under (height, sequence).
    Wal {
        /// Counts the height's entries from 0 without a gap.
        sequence: u64,
        /// The entry.
        entry: WalEntry,
    },
    /// Write the guard, in the same batch; raise the floor file to its height after the sync.
    Guard(Guard),
    /// Send to all other validators once released. Also used for re-sends.
    Send(Unsent<Message>),
    /// Build a block and answer with [`Input::Propose`] before the timeout.
    BuildBlock {
        /// The height.
        height: u64,
        /// The round.
        round: u32,
        /// How long others wait for it, in milliseconds.
        timeout_ms: u64,
    },
    /// A proposal whose block has no verdict yet: get, execute and store the block, then feed
    /// [`Input::Candidate`]. Comes a second time with `polka` set when more than two thirds voted
    /// for it, since timeliness no longer matters then.
    NeedCandidate {
        /// The height.
        height: u64,
        /// The round of the proposal.
        round: u32,
        /// The block's hash.
        value: Hash,
        /// Who proposed it.
        proposer: ValidatorKey,
        /// The round of the polka that a re-proposal rests on.
        polka_round: Option<u32>,
        /// Whether more than two thirds of the power voted for it in some round.
        polka: bool,
    },
    /// Feed [`Input::Timeout`] after this time. Replaces a pending timer of its kind and round.
    Timer {
        /// Which timer.
        kind: TimeoutKind,
        /// The height.
        height: u64,
        /// The round.
        round: u32,
        /// From now, in milliseconds.
        duration_ms: u64,
    },
    /// Drop a timer if it is pending.
    CancelTimer {
        /// Which timer.
        kind: TimeoutKind,
        /// The height.
        height: u64,
        /// The round.
        round: u32,
    },
    /// Drop all timers.
    CancelAllTimers,
    /// A round begins.
    NewRound {
        /// The height.
        height: u64,
        /// The round.
        round: u32,
        /// Who proposes in it.
        proposer: ValidatorKey,
    },
    /// The height is decided: commit the block in one synced batch, then send the certificate.
    Decide {
        /// Proves the block.
        certificate: Unsent<Certificate>,
    },
    /// A late precommit: this certificate of the last decided block replaces the stored one.
    LatePrecommit {
        /// The merged certificate.
        certificate: Certificate,
    },
    /// A validator signed twice.
    Evidence(Evidence),
    /// A verified message of a later height arrived: wake up, or sync if it is far ahead.
    Ahead {
        /// Its height.
        height: u64,
        /// Its signer, a validator of the current set.
        validator: ValidatorKey,
    },
    /// The input was bad, and whoever sent it is to blame.
    Rejected(Rejection),
    /// The core refused an input; nothing was signed for it and the height goes on.
    Fault {
        /// What the core said; for the log.
        reason: String,
    },
    /// The node must stop. Every later step says so again.
    Halt(Halt),
}

/// What was wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Its signer is no validator of its height.
    #[error("{validator} is not a validator of height {height}")]
    Stranger {
        /// The signer.
        validator: ValidatorKey,
        /// The height.
        height: u64,
    },
    /// A proposal of a validator whose turn it is not.
    #[error("{actual} proposes in round {round} of height {height}, the proposer is {expected}")]
    NotProposer {
        /// The height.
        height: u64,
        /// The round.
        round: u32,
        /// The round's proposer.
        expected: ValidatorKey,
        /// The signer.
        actual: ValidatorKey,
    },
    /// Its signature does not verify.
    #[error("the signature of {validator} does not verify")]
    Signature {
        /// The signer named in it.
        validator: ValidatorKey,
    },
    /// Not as it should be in itself.
    #[error(transparent)]
    Shape(#[from] MessageError),
    /// A certificate that proves nothing.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
}

/// Why a node must stop at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The core wanted to sign against the guard: log and guard do not belong together.
    #[error("refused to sign: {0}")]
    Guard(#[from] GuardConflict),
    /// Our key signed something, and not here: it is in use on another machine.
    #[error("our key signed for {at} elsewhere; stop the other node that uses this key")]
    Twin {
        /// What was signed.
        at: Position,
    },
    /// A height was started with what is no validator set.
    #[error("height {height} has no usable validator set: {reason}")]
    Set {
        /// The height.
        height: u64,
        /// What is wrong with the set.
        reason: registry_core::certificate::ValidatorSetError,
    },
    /// A height was started that is not later than the current one; that would forget locks.
    #[error("cannot start height {wanted}: the current height is {current}")]
    NotLater {
        /// The current height.
        current: u64,
        /// The height to be started.
        wanted: u64,
    },
}
