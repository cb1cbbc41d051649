//! Inputs and outputs of [`step`](crate::step).

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
    /// The node starts to decide this height. The height must be later than the current one. If the
    /// current height is not decided, it is abandoned, since block sync has passed it.
    StartHeight {
        /// Height to decide.
        height: u64,
        /// Validators of the height, which include this node.
        set: ValidatorSet,
        /// Timeouts that apply from this height on.
        timeouts: Timeouts,
    },
    /// The node committed a block after which the validator set changes. From now on it keeps
    /// messages that the new validators send for later heights, though the next height has not
    /// started.
    Expect {
        /// Validators of the next height.
        set: ValidatorSet,
    },
    /// A message arrived from a validator.
    Message(Message),
    /// The node built a block as [`Output::BuildBlock`] asked. It must write the block in the
    /// synced batch of this step.
    Propose {
        /// Height that the output named.
        height: u64,
        /// Round that the output named.
        round: u32,
        /// Hash of the block.
        value: Hash,
    },
    /// The node executed a block. It must write the block in the synced batch of this step.
    Candidate(Candidate),
    /// A timer fired.
    Timeout {
        /// Kind of the timer.
        kind: TimeoutKind,
        /// Height of the timer.
        height: u64,
        /// Round of the timer.
        round: u32,
    },
}

/// Something that the node has to do. The node carries outputs out in the order in which they come:
/// `Wal` and `Guard` first, then the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Output {
    /// Write a log entry under the key (height, sequence).
    Wal {
        /// Position in the log of the height, counted from 0 without a gap.
        sequence: u64,
        /// Entry to write.
        entry: WalEntry,
    },
    /// Write the guard in the same batch. After the sync, raise the floor file to the guard's
    /// height.
    Guard(Guard),
    /// Release the message and send it to all other validators. Repeated sends use this output too.
    Send(Unsent<Message>),
    /// Build a block and answer with [`Input::Propose`] before the timeout.
    BuildBlock {
        /// Height of the block.
        height: u64,
        /// Round of the proposal.
        round: u32,
        /// Time that other validators wait for the block, in milliseconds.
        timeout_ms: u64,
    },
    /// Get the block of a proposal, execute and store it, and answer with [`Input::Candidate`]. The
    /// output comes a second time with `polka` set when more than two thirds of the power voted for
    /// the block, since its timeliness no longer matters then.
    NeedCandidate {
        /// Height of the proposal.
        height: u64,
        /// Round of the proposal.
        round: u32,
        /// Hash of the block.
        value: Hash,
        /// Validator that proposed the block.
        proposer: ValidatorKey,
        /// Round of the polka that justifies a repeated proposal; `None` for a fresh proposal.
        polka_round: Option<u32>,
        /// True if more than two thirds of the power voted for the block in some round.
        polka: bool,
    },
    /// Start a timer and answer with [`Input::Timeout`] when it fires. It replaces a pending timer
    /// of the same kind and round.
    Timer {
        /// Kind of the timer.
        kind: TimeoutKind,
        /// Height of the timer.
        height: u64,
        /// Round of the timer.
        round: u32,
        /// Time from now, in milliseconds.
        duration_ms: u64,
    },
    /// Cancel a timer if it is pending.
    CancelTimer {
        /// Kind of the timer.
        kind: TimeoutKind,
        /// Height of the timer.
        height: u64,
        /// Round of the timer.
        round: u32,
    },
    /// Cancel all timers.
    CancelAllTimers,
    /// A round begins. The output is for logs and metrics.
    NewRound {
        /// Height of the round.
        height: u64,
        /// Number of the round.
        round: u32,
        /// Proposer of the round.
        proposer: ValidatorKey,
    },
    /// The height is decided. Commit the block in one synced batch, then send the certificate.
    Decide {
        /// Certificate that proves the decision.
        certificate: Unsent<Certificate>,
    },
    /// A precommit arrived after the decision. Replace the stored certificate of the last decided
    /// block by this one.
    LatePrecommit {
        /// Certificate that includes the late precommit.
        certificate: Certificate,
    },
    /// A validator signed two conflicting messages, as this evidence proves.
    Evidence(Evidence),
    /// A validator sent a verified message of a later height. Start the next height, or start block
    /// sync if the message is far ahead.
    Ahead {
        /// Height of the message.
        height: u64,
        /// Signer of the message, a validator of the current set.
        validator: ValidatorKey,
    },
    /// The input was invalid. The peer that sent it is to blame.
    Rejected(Rejection),
    /// The core refused an input. Nothing was signed for it, and the height goes on.
    Fault {
        /// Error of the core, for the log.
        reason: String,
    },
    /// Stop the node. Every later step returns this output again.
    Halt(Halt),
}

/// Reason why a message was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The signer is not a validator of the message's height.
    #[error("{validator} is not a validator of height {height}")]
    Stranger {
        /// Signer of the message.
        validator: ValidatorKey,
        /// Height of the message.
        height: u64,
    },
    /// The signer of a proposal is not the proposer of the round.
    #[error("{actual} proposes in round {round} of height {height}, the proposer is {expected}")]
    NotProposer {
        /// Height of the proposal.
        height: u64,
        /// Round of the proposal.
        round: u32,
        /// Proposer of the round.
        expected: ValidatorKey,
        /// Signer of the proposal.
        actual: ValidatorKey,
    },
    /// The signature does not verify.
    #[error("the signature of {validator} does not verify")]
    Signature {
        /// Validator that the message names as signer.
        validator: ValidatorKey,
    },
    /// The message breaks a rule of its own form.
    #[error(transparent)]
    Shape(#[from] MessageError),
    /// The certificate does not prove what it claims.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
}

/// Reason why the node must stop at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The core wanted to sign a message that the guard forbids, so log and guard do not belong
    /// together.
    #[error("refused to sign: {0}")]
    Guard(#[from] GuardConflict),
    /// A message was signed with this node's key but not by this node. Another machine uses the
    /// key.
    #[error("our key signed for {at} elsewhere; stop the other node that uses this key")]
    Twin {
        /// Position of that message.
        at: Position,
    },
    /// A height was started with an unusable validator set.
    #[error("height {height} has no usable validator set: {reason}")]
    Set {
        /// The height.
        height: u64,
        /// Error of the validator set.
        reason: registry_core::certificate::ValidatorSetError,
    },
    /// A height was started that is not later than the current one. Starting it would forget the
    /// locks of the core.
    #[error("cannot start height {wanted}: the current height is {current}")]
    NotLater {
        /// The current height.
        current: u64,
        /// The height that was to be started.
        wanted: u64,
    },
}
