//! What nodes say to each other above the transport: frames between validators, gossip payloads,
//! requests and responses (docs/protocol/network.md). All canonical DAG-CBOR.

use ordering::{Durable, Message};
use registry_core::block::{Block, CompactBlock, Header};
use registry_core::certificate::Certificate;
use registry_core::codec::{self, Bytes, CodecError};
use registry_core::crypto::Hash;
use serde::{Deserialize, Serialize};

use crate::net::limits::{
    GOSSIP_DECIDED_BYTES_MAX, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, VALIDATOR_FRAME_BYTES_MAX,
};

/// A frame on a validator stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Frame {
    /// A consensus message; a proposal brings its compact block.
    Consensus {
        /// Encoded [`Message`].
        message: Bytes,
        /// The proposed block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        block: Option<Box<CompactBlock>>,
    },
    /// There is something to decide: start the height. Unsigned; the stream names the sender.
    Wake {
        /// The height to start.
        height: u64,
        /// The operation that woke the sender, unless all should have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<Bytes>,
    },
}

impl Frame {
    /// Reads a frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, VALIDATOR_FRAME_BYTES_MAX)
    }
}

/// The bytes of a signed frame. They exist only for a message whose log and guard are synced, and
/// the network sends nothing signed but these (DESIGN invariant 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFrame(Vec<u8>);

impl SignedFrame {
    /// The frame of a durable message, with the block it proposes.
    pub fn new(message: &Durable<Message>, block: Option<CompactBlock>) -> Self {
        let message = Bytes(message.get().encode());
        Self(codec::encode(&Frame::Consensus { message, block: block.map(Box::new) }))
    }

    /// The bytes to send.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Gossip: a block was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// Its header.
    pub header: Header,
    /// Its certificate.
    pub certificate: Certificate,
}

impl Decided {
    /// Reads the payload of the `decided` topic.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, GOSSIP_DECIDED_BYTES_MAX)
    }
}

/// What one node asks another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// The height of the newest block.
    Status,
    /// Blocks with their certificates, ascending.
    Blocks {
        /// First height.
        from: u64,
        /// Last height.
        to: u64,
    },
    /// A block that is proposed but not decided.
    Candidate {
        /// Its height.
        height: u64,
        /// Its hash.
        value: Hash,
    },
    /// Envelopes by id.
    Envelopes {
        /// Their ids.
        ids: Vec<Hash>,
    },
}

/// A decided block with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedBlock {
    /// The block.
    pub block: Block,
    /// Its certificate.
    pub certificate: Certificate,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Response {
    /// Height of the newest block.
    Status {
        /// The height.
        height: u64,
    },
    /// As many of the wanted blocks as fit, from the first on; none if there are none.
    Blocks(Vec<CertifiedBlock>),
    /// The block, if the node has it.
    Candidate(Option<Box<Block>>),
    /// Those of the wanted envelopes that the node has.
    Envelopes(Vec<Bytes>),
}

impl Request {
    /// Reads a request.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, REQUEST_BYTES_MAX)
    }
}

impl Response {
    /// Reads a response.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, RESPONSE_BYTES_MAX)
    }
}
