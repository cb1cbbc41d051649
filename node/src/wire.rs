//! The messages between nodes above the transport: frames between validators, gossip payloads,
//! requests and responses (docs/protocol/network.md). All are canonical DAG-CBOR.

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
    /// A consensus message. A proposal comes with its compact block.
    Consensus {
        /// Encoded [`Message`].
        message: Bytes,
        /// The proposed block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        block: Option<Box<CompactBlock>>,
    },
    /// Tells a validator to start a height because there is something to decide. The frame is
    /// unsigned; the validator stream proves the sender.
    Wake {
        /// Height to start.
        height: u64,
        /// Operation that made the sender wake, unless all validators are expected to have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<Bytes>,
    },
}

impl Frame {
    /// Decodes a frame of at most 161 KiB.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, VALIDATOR_FRAME_BYTES_MAX)
    }
}

/// Encoded frame with a signed message. It can be made only from a message whose log and guard are
/// synced, and the network sends signed messages in no other form (DESIGN invariant 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFrame(Vec<u8>);

impl SignedFrame {
    /// Encodes the frame of a durable message, with the block that it proposes.
    pub fn new(message: &Durable<Message>, block: Option<CompactBlock>) -> Self {
        let message = Bytes(message.get().encode());
        Self(codec::encode(&Frame::Consensus { message, block: block.map(Box::new) }))
    }

    /// The bytes to send.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Gossip payload that announces a decided block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// Header of the block.
    pub header: Header,
    /// Certificate of the block.
    pub certificate: Certificate,
}

impl Decided {
    /// Decodes the payload of a message on the `decided` topic.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, GOSSIP_DECIDED_BYTES_MAX)
    }
}

/// A request of one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// The height of the newest block.
    Status,
    /// Asks for decided blocks with their certificates, in ascending order.
    Blocks {
        /// First height.
        from: u64,
        /// Last height.
        to: u64,
    },
    /// Asks for a block that was proposed but need not be decided.
    Candidate {
        /// Height of the block.
        height: u64,
        /// Hash of the block.
        value: Hash,
    },
    /// Asks for operations by their envelope ids.
    Envelopes {
        /// Envelope ids.
        ids: Vec<Hash>,
    },
}

/// A decided block with the certificate that proves the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedBlock {
    /// The block.
    pub block: Block,
    /// Certificate of the block.
    pub certificate: Certificate,
}

/// The response to a request of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Response {
    /// Height of the responder's newest block.
    Status {
        /// The height.
        height: u64,
    },
    /// As many of the requested blocks as fit, starting with the first; empty if the responder has
    /// none.
    Blocks(Vec<CertifiedBlock>),
    /// The block, or `None` if the responder does not have it.
    Candidate(Option<Box<Block>>),
    /// Those of the requested envelopes that the responder has.
    Envelopes(Vec<Bytes>),
}

impl Request {
    /// Decodes a request of at most 16 KiB.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, REQUEST_BYTES_MAX)
    }
}

impl Response {
    /// Decodes a response of at most 4 MiB.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, RESPONSE_BYTES_MAX)
    }
}
