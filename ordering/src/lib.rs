//! BFT ordering as one pure function, [`step`]`(&mut State, Input) -> Vec<Output>`. It wraps
//! Malachite's core, which implements Tendermint.
//!
//! This crate uses no async code, socket, disk or clock. It holds no blocks: the value to decide is
//! a block hash. The node's driver and the simulator call the same function. Followers have no key
//! and do not run it; they check certificates.
//!
//! # Inputs, outputs and who handles them
//!
//! ```text
//! peers    Message     ▶ ┌──────┐ ▶ Wal, Guard     ▶ one batch, synced before any release
//! timers   Timeout     ▶ │      │ ▶ Send           ▶ release(unsent, &synced) ▶ peers
//! builder  Propose     ▶ │ step │ ▶ BuildBlock     ▶ builder
//! executor Candidate   ▶ │      │ ▶ NeedCandidate  ▶ fetch, execute, store
//! pacing   StartHeight ▶ └──────┘ ▶ Decide         ▶ commit batch, then send the certificate
//! ```
//!
//! 1. **Start.** [`Guard::restore`] computes from the stored guard and the floor file the first
//!    height at which the key may sign. If the log is empty, [`State::new`] waits for
//!    [`Input::StartHeight`]. If it has entries, [`State::start`] replays them first and derives
//!    every message that was signed before again.
//! 2. **Propose.** The proposer of a round gets [`Output::BuildBlock`] and answers with
//!    [`Input::Propose`]. The step returns the signed proposal; the block is sent separately.
//! 3. **Vote.** A proposal whose block is unknown yields [`Output::NeedCandidate`]. The node gets
//!    the block, executes it and passes [`Input::Candidate`] to the step whose batch holds the
//!    block. Only then does the core prevote the block. After more than two thirds of the prevotes
//!    it precommits the block. Timers that fire lead to nil votes and to the next round.
//! 4. **Decide.** More than two thirds of the precommits yield [`Output::Decide`]. The node commits
//!    the block and chooses when to start the next height. Late precommits are added to the
//!    certificate. Messages of later heights are buffered and reported by [`Output::Ahead`].
//!
//! # What is durable before what
//!
//! | Before this leaves or happens | this is on disk |
//! |---|---|
//! | a vote or proposal of this node | all log entries up to its own, the guard; then the floor |
//! | a prevote for a block | the whole block (header and envelopes) and its `Candidate` entry |
//! | a certificate | in one batch: block, its effects, certificate, the pruned log |
//!
//! The types [`Unsent`] and [`Durable`] enforce this order (see [`durable`]). A step that releases
//! nothing may be written without a sync: the store keeps the order of writes, so the next sync
//! covers it.
//!
//! # What can go wrong
//!
//! A bad message yields [`Output::Rejected`] and changes nothing. [`Output::Halt`] means that the
//! validator could sign twice if it went on: the guard refused a message, another machine uses its
//! key, or the driver started a height that is not later. The driver then stops and must not
//! release anything of that step.
//!
//! The core reads the monotonic clock once per height for a target time that is never set, so no
//! output depends on the clock. Its `tracing` events go to the subscriber of the program.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod certificates;
mod config;
mod context;
mod convert;
pub mod durable;
mod effects;
mod evidence;
mod future;
mod guard;
pub mod limits;
mod message;
mod output;
mod proposer;
mod replay;
mod state;
mod step;
mod timeouts;
mod wal;

pub use certificates::CertificateFault;
pub use config::Config;
pub use durable::{Durable, Synced, Unsent, release};
pub use evidence::Evidence;
pub use guard::{Guard, GuardConflict, GuardError};
pub use message::{
    Message, MessageError, PolkaCertificate, Position, RoundCertificate, RoundCertificateKind,
    RoundSignature, SignedProposal, SignedVote, Step,
};
pub use output::{Halt, Input, Output, Rejection};
pub use proposer::proposer;
pub use replay::StartError;
pub use state::State;
pub use step::step;
pub use timeouts::{TimeoutKind, Timeouts};
pub use wal::{Candidate, Validity, WalEntry};
