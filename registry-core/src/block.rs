//! Headers, blocks and receipts (docs/protocol/blocks.md).

use serde::{Deserialize, Serialize};

use crate::codec::Bytes;
use crate::crypto::{Hash, Purpose, ValidatorKey};
use crate::mmr;
use crate::record::Kind;

/// Header of a block, to which a certificate commits. Its hash is the block hash and the value that
/// consensus agrees on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Chain id of the network.
    pub chain: Hash,
    /// Height of the block; genesis has height 0.
    pub height: u64,
    /// Block time in Unix milliseconds; it ascends strictly from block to block.
    pub time: u64,
    /// Hash of the previous block; zero at genesis.
    pub previous: Hash,
    /// Validator that built the block; zero at genesis.
    pub proposer: ValidatorKey,
    /// Version of the protocol that the block follows.
    pub version: u64,
    /// Merkle mountain range root over the operations in block order; each leaf is H(envelope id ‖
    /// operation id).
    pub operations_root: Hash,
    /// Merkle mountain range root over the receipts, in the same order.
    pub receipts_root: Hash,
    /// Root of the state tree after this block.
    pub state_root: Hash,
    /// Merkle mountain range root over the hashes of all earlier blocks.
    pub history_root: Hash,
    /// Hash of the validator set that certifies this block.
    pub validators: Hash,
    /// Hash of the validator set that certifies the next block.
    pub next_validators: Hash,
}

impl Header {
    /// Returns the block hash.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::Block, self)
    }
}

/// A whole block: its header and its envelopes in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Header of the block.
    pub header: Header,
    /// Canonical bytes of the envelopes.
    pub operations: Vec<Bytes>,
}

/// A block as a proposal carries it. It names envelopes by their ids, since peers already hold most
/// of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactBlock {
    /// Header of the block.
    pub header: Header,
    /// Ids of the envelopes in block order.
    pub envelopes: Vec<Hash>,
}

/// States where an applied operation stands and which version of a record it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Id of the operation.
    pub operation: Hash,
    /// Id of the envelope that carried the operation.
    pub envelope: Hash,
    /// Height of the block that applied the operation.
    pub height: u64,
    /// Index of the operation in its block, from 0.
    pub index: u64,
    /// Kind of the record that the operation wrote.
    pub kind: Kind,
    /// Key of that record within its kind.
    pub key: Bytes,
    /// Version number that the operation gave the record.
    pub version: u64,
    /// Hash of that version of the record.
    pub record: Hash,
}

/// Returns the leaf that stands for one operation under `operations_root`.
pub fn operation_leaf(envelope: &Hash, operation: &Hash) -> Hash {
    Hash::of(Purpose::OperationLeaf, &[&envelope.0, &operation.0])
}

/// Returns the Merkle mountain range root over a block's operations, each given as envelope id and
/// operation id.
pub fn operations_root<'a>(operations: impl IntoIterator<Item = (&'a Hash, &'a Hash)>) -> Hash {
    mmr::root_of(operations.into_iter().map(|(envelope, id)| operation_leaf(envelope, id)))
}

/// Returns the Merkle mountain range root over a block's receipts, which must be in block order.
pub fn receipts_root<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> Hash {
    mmr::root_of(receipts.into_iter().map(|receipt| Hash::of_value(Purpose::ReceiptLeaf, receipt)))
}
