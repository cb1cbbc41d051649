//! BFT ordering as one pure function: Malachite's core (Tendermint) behind
//! [`step`]`(&mut State, Input) -> Vec<Output>`.
//!
//! No async, socket, disk or clock is in here, and no block: a value is a block hash. The node's
//! driver and the simulator drive the same function. Followers, which have no key, do not run it;
//! they check certificates.
//!
//! # Who calls what
//!
//! ```text
//! peers    Message     ▶ ┌──────┐ ▶ Wal, Guard     ▶ one batch, synced before any release
//! timers   Timeout     ▶ │      │ ▶ Send           ▶ release(unsent, &synced) ▶ peers
//! builder  Propose     ▶ │ step │ ▶ BuildBlock     ▶ builder
//! executor Candidate   ▶ │      │ ▶ NeedCandidate  ▶ fetch, execute, store
//! pacing   StartHeight ▶ └──────┘ ▶ Decide         ▶ commit batch, then send the certificate
//! ```
//!
//! 1. **Start.** [`Guard::restore`] decides from stored guard and floor file from which height
//!    the key may sign. With an empty log [`State::new`] rests until [`Input::StartHeight`]; with
//!    entries [`State::start`] replays them first and re-derives every message signed before.
//! 2. **Propose.** The proposer of a round gets [`Output::BuildBlock`] and answers
//!    [`Input::Propose`]. The signed proposal comes out; the block travels beside it.
//! 3. **Vote.** A proposal whose block is unknown yields [`Output::NeedCandidate`]. The node gets
//!    the block, executes it and feeds [`Input::Candidate`] in the step whose batch holds the
//!    block. Only then does the core prevote it, and after more than two thirds of the prevotes
//!    precommit it. Timers that fire lead to nil votes and to the next round.
//! 4. **Decide.** More than two thirds of the precommits yield [`Output::Decide`]. The node
//!    commits and rests; the pace of the next height is its business. Late precommits enlarge the
//!    certificate. Messages of later heights are buffered and reported by [`Output::Ahead`].
//!
//! # What is durable before what
//!
//! | Before this leaves or happens | this is on disk |
//! |---|---|
//! | a vote or proposal of ours | all earlier log entries, its own, the guard; then the floor |
//! | a prevote for a block | the whole block (header and envelopes) and its `Candidate` entry |
//! | a certificate | in one batch: block, effects, certificate, the log pruned |
//!
//! [`Unsent`] and [`Durable`] make the order a matter of types (see [`durable`]). A step that
//! releases nothing may be written unsynced: the next sync covers it, as the store keeps order.
//!
//! # What can go wrong
//!
//! A bad message yields [`Output::Rejected`] and changes nothing. [`Output::Halt`] means that
//! going on could sign twice: the guard refused, our key is in use elsewhere, or the driver
//! started a height backwards. The driver stops; nothing of that step may be released.
//!
//! The core reads the monotonic clock once a height for a target time that is never set, so no
//! output depends on it. Its `tracing` events go wherever the program sends them.

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
