//! An operation that passed the checks which need no state.

use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Operation, Role, Signature, Signer};
use registry_core::record::RecordKey;

/// An operation whose form and signatures were checked. It exists only as the result of
/// [`super::stateless::check_stateless`], so nothing unverified can reach the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub(super) operation: Operation,
    pub(super) signatures: Vec<Signature>,
    pub(super) id: Hash,
    pub(super) envelope_id: Hash,
    pub(super) bytes: Vec<u8>,
    pub(super) record_key: RecordKey,
}

impl Checked {
    /// The operation.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Its verified signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The DID that vouches for the author by a signature of its own.
    pub fn endorser(&self) -> Option<&Did> {
        self.signatures.iter().find_map(|signature| match &signature.by {
            Signer::Method(method) if signature.role == Role::Endorser => Some(&method.url.did),
            Signer::Key(_) | Signer::Method(_) => None,
        })
    }

    /// H(body): receipts and de-duplication.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// H(envelope): gossip, mempool and blocks.
    pub fn envelope_id(&self) -> Hash {
        self.envelope_id
    }

    /// The envelope's canonical bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Key of the record that the operation writes.
    pub fn record_key(&self) -> &RecordKey {
        &self.record_key
    }
}

impl AsRef<Checked> for Checked {
    fn as_ref(&self) -> &Checked {
        self
    }
}
