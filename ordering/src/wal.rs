//! The log of a height: the inputs that must survive a crash, in the order in which the core took
//! them. Replaying them brings the core back to where it was.

use registry_core::codec;
use registry_core::crypto::{Hash, ValidatorKey};
use serde::{Deserialize, Serialize};

use crate::limits::WAL_ENTRY_BYTES_MAX;
use crate::message::{Message, MessageError};
use crate::timeouts::TimeoutKind;

/// The verdict on a block. A third verdict, *withheld* (its bodies are missing, or it is fresh and
/// untimely), is said by saying nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// It executes to its header's roots.
    Valid,
    /// It never will, on any node.
    Invalid,
}

/// A block that was executed and is durable together with this entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Block height.
    pub height: u64,
    /// Round of the proposal it came with.
    pub round: u32,
    /// Block hash.
    pub value: Hash,
    /// Who proposed it in that round.
    pub proposer: ValidatorKey,
    /// The verdict.
    pub validity: Validity,
}

/// One entry of the log. The store keeps it under (height, sequence) as opaque bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WalEntry {
    /// A verified message, also our own.
    Message(Message),
    /// A block with its verdict, also our own.
    Candidate(Candidate),
    /// A timer that fired.
    Timeout {
        /// Which timer.
        kind: TimeoutKind,
        /// Block height.
        height: u64,
        /// Round of that height.
        round: u32,
    },
}

impl WalEntry {
    /// The height whose log it belongs to.
    pub fn height(&self) -> u64 {
        match self {
            Self::Message(message) => message.height(),
            Self::Candidate(candidate) => candidate.height,
            Self::Timeout { height, .. } => *height,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads an entry from its canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let entry: Self = codec::decode(bytes, WAL_ENTRY_BYTES_MAX)?;
        if let Self::Message(message) = &entry {
            message.check_shape()?;
        }
        Ok(entry)
    }
}
