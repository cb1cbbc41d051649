//! Operations as they travel: the signed body, its envelope, and both ids
//! (docs/protocol/operations.md).

mod action;
mod family;
mod guard;
mod signature;

use serde::{Deserialize, Serialize};

pub use action::{Action, ActionFacts};
pub use family::Family;
pub use guard::{Guard, GuardRule};
pub use signature::{MethodSigner, Role, Signature, Signer};

use crate::code::{Code, Refusal};
use crate::codec::{self, Bytes, FixedBytes};
use crate::crypto::{Hash, Purpose};
use crate::id::Did;
use crate::record::RecordKey;

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The network's chain id; zero inside genesis.
    pub chain: Hash,
    /// The DID that acts; none for a create and for the word of a validator's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Did>,
    /// When it may be applied.
    pub guard: Guard,
    /// Random bytes: they make the id unique and hide the value behind the record's hash.
    pub salt: FixedBytes<16>,
    /// What to do.
    pub action: Action,
}

impl Operation {
    /// Key of the record that the operation writes; `id` is the operation's own id.
    pub fn record_key(&self, id: &Hash) -> Result<RecordKey, Refusal> {
        self.action.record_key(self.author.as_ref(), id)
    }

    /// The DID that acts, where there is one.
    pub fn author(&self) -> Result<&Did, Refusal> {
        let missing = || Refusal::new(Code::AuthorMismatch, "author", "expected the DID as author");
        self.author.as_ref().ok_or_else(missing)
    }

    /// The canonical bytes that go into an envelope.
    pub fn body(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// The id of an operation, from its body: names it in receipts and is what signatures cover.
pub fn operation_id(body: &[u8]) -> Hash {
    Hash::of(Purpose::OperationId, &[body])
}

/// An envelope: the body exactly as signed, and its signatures, strictly ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOperation {
    /// Canonical bytes of an [`Operation`].
    pub body: Bytes,
    /// Ascending by role, signer, value; no two alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
}

impl SignedOperation {
    /// An envelope with its signatures in order.
    pub fn new(body: Vec<u8>, mut signatures: Vec<Signature>) -> Self {
        signatures.sort();
        Self { body: Bytes(body), signatures }
    }

    /// The canonical bytes that travel.
    pub fn bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }
}
