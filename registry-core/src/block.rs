//! Headers, blocks and receipts (docs/protocol/blocks.md).

use serde::{Deserialize, Serialize};

use crate::codec::Bytes;
use crate::crypto::{Hash, Purpose, ValidatorKey};
use crate::mmr;
use crate::record::Kind;

/// What a certificate commits to. Its hash is the block hash and the consensus value id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The network.
    pub chain: Hash,
    /// 0 for genesis.
    pub height: u64,
    /// Block time in ms since 1970; ascends strictly.
    pub time: u64,
    /// Hash of the block before; zero at genesis.
    pub previous: Hash,
    /// Who built the block; zero at genesis.
    pub proposer: ValidatorKey,
    /// Protocol version of the block.
    pub version: u64,
    /// Root over the block's operations, in order: H(envelope id ‖ operation id) each.
    pub operations_root: Hash,
    /// Root over the receipts, in the same order.
    pub receipts_root: Hash,
    /// Root of the state tree after this block.
    pub state_root: Hash,
    /// Root over the hashes of all earlier blocks.
    pub history_root: Hash,
    /// Hash of the validator set of this height.
    pub validators: Hash,
    /// Hash of the validator set of the next height.
    pub next_validators: Hash,
}

impl Header {
    /// The block hash.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::Block, self)
    }
}

/// A whole block: header and envelopes in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// Canonical envelope bytes.
    pub operations: Vec<Bytes>,
}

/// What a proposal carries: the header and which envelopes, most of which peers already hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactBlock {
    /// The header.
    pub header: Header,
    /// Envelope ids in order.
    pub envelopes: Vec<Hash>,
}

/// What became of an applied operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The operation.
    pub operation: Hash,
    /// The envelope that carried it.
    pub envelope: Hash,
    /// Block height.
    pub height: u64,
    /// Place in the block, from 0.
    pub index: u64,
    /// Kind of the record it wrote.
    pub kind: Kind,
    /// Key of that record.
    pub key: Bytes,
    /// Version of the record that it wrote.
    pub version: u64,
    /// Hash of that version.
    pub record: Hash,
}

/// The leaf of `operations_root` for one operation.
pub fn operation_leaf(envelope: &Hash, operation: &Hash) -> Hash {
    Hash::of(Purpose::OperationLeaf, &[&envelope.0, &operation.0])
}

/// The root over a block's operations, given as envelope id and operation id.
pub fn operations_root<'a>(operations: impl IntoIterator<Item = (&'a Hash, &'a Hash)>) -> Hash {
    mmr::root_of(operations.into_iter().map(|(envelope, id)| operation_leaf(envelope, id)))
}

/// The root over a block's receipts.
pub fn receipts_root<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> Hash {
    mmr::root_of(receipts.into_iter().map(|receipt| Hash::of_value(Purpose::ReceiptLeaf, receipt)))
}
