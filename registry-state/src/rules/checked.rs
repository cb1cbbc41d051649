//! An operation that has passed all checks that need no state.

use registry_core::crypto::Hash;
use registry_core::operation::{Operation, Rank, Role, Signature, Signer};
use registry_core::record::RecordKey;

/// An operation whose form and signatures have been checked. Only
/// [`super::stateless::check_stateless`] makes it, so nothing unverified can reach the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub(super) operation: Operation,
    pub(super) signatures: Vec<Signature>,
    pub(super) id: Hash,
    pub(super) envelope_id: Hash,
    pub(super) bytes: Vec<u8>,
    pub(super) record_key: RecordKey,
    pub(super) cost: u64,
}

impl Checked {
    /// Returns the operation.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Returns the signatures, all of which verify.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Returns the rank of those who sign for the author.
    pub fn rank(&self) -> Rank {
        let by_method = |signature: &Signature| match &signature.by {
            Signer::Method(_) => [Role::Author, Role::Approval].contains(&signature.role),
            Signer::Key(_) | Signer::Member(_) => false,
        };
        match self.signatures.iter().any(by_method) {
            true => Rank::Methods,
            false => self.operation.action.facts().rank,
        }
    }

    /// Returns the operation id, H(body). Receipts name it, and it identifies repeated operations.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// Returns the envelope id, H(envelope). Gossip, the mempool and blocks identify envelopes by
    /// it.
    pub fn envelope_id(&self) -> Hash {
        self.envelope_id
    }

    /// Returns the canonical bytes of the envelope.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the part of the operation's cost that follows from the operation alone.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Returns the key of the record that the operation writes.
    pub fn record_key(&self) -> &RecordKey {
        &self.record_key
    }
}

impl AsRef<Checked> for Checked {
    fn as_ref(&self) -> &Checked {
        self
    }
}
