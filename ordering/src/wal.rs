//! The write-ahead log of a height: the inputs that must survive a crash, in the order in which the
//! core processed them. Replaying them restores the state of the core.

use registry_core::codec;
use registry_core::crypto::{Hash, ValidatorKey};
use serde::{Deserialize, Serialize};

use crate::limits::WAL_ENTRY_BYTES_MAX;
use crate::message::{Message, MessageError};
use crate::timeouts::TimeoutKind;

/// Verdict on a block. If the node cannot judge a block (its bodies are missing, or it is fresh and
/// not timely), it gives no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The block executes to the roots in its header.
    Valid,
    /// No node can ever accept the block.
    Invalid,
}

/// A block that was executed. It becomes durable in the same batch as this entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Height of the block.
    pub height: u64,
    /// Round of the proposal that the block came with.
    pub round: u32,
    /// Hash of the block.
    pub value: Hash,
    /// Validator that proposed the block in that round.
    pub proposer: ValidatorKey,
    /// Verdict on the block.
    pub validity: Validity,
}

/// One entry of the log. The store keeps it under the key (height, sequence) as opaque bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WalEntry {
    /// A verified message of another validator or of this node.
    Message(Message),
    /// A block with its verdict, built by another validator or by this node.
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

impl WalEntry {
    /// Returns the height whose log the entry belongs to.
    pub fn height(&self) -> u64 {
        match self {
            Self::Message(message) => message.height(),
            Self::Candidate(candidate) => candidate.height,
            Self::Timeout { height, .. } => *height,
        }
    }

    /// Returns the canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Parses an entry from its canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let entry: Self = codec::decode(bytes, WAL_ENTRY_BYTES_MAX)?;
        if let Self::Message(message) = &entry {
            message.check_shape()?;
        }
        Ok(entry)
    }
}
