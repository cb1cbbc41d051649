//! Operations as they travel: the signed body, its envelope, and both ids
//! (docs/protocol/operations.md).

mod action;

use serde::{Deserialize, Serialize};

pub use action::{Action, Family};

use crate::code::{Code, Refusal};
use crate::codec::{self, Bytes, FixedBytes};
use crate::crypto::{Hash, PublicKey, Purpose};
use crate::id::{Did, MethodUrl};

/// What must hold for the operation to be applied exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The record must not exist.
    Absent,
    /// The record's head must have this hash.
    Previous(Hash),
    /// Block time must be within the hour before this time (ms), and the id unseen.
    Until(u64),
}

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
    /// Whether it makes a record.
    pub fn is_create(&self) -> bool {
        matches!(self.guard, Guard::Absent)
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

/// In which capacity a signature is given. The number is signed and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// By the DID's control set.
    Control,
    /// By the members that the control set committed to.
    Next,
    /// By the DID's recovery set.
    Recovery,
    /// By a method of the author's document.
    Author,
    /// By one who vouches for the author.
    Endorser,
    /// By another party that the action binds.
    Consent,
    /// By a member of the governing set.
    Approval,
}

impl Role {
    fn number(self) -> u8 {
        match self {
            Self::Control => 1,
            Self::Next => 2,
            Self::Recovery => 3,
            Self::Author => 4,
            Self::Endorser => 5,
            Self::Consent => 6,
            Self::Approval => 7,
        }
    }

    /// The 32 bytes that a signature in this role covers: H(role number ‖ operation id).
    pub fn message(self, operation: &Hash) -> [u8; 32] {
        Hash::of(Purpose::OperationSignature, &[&[self.number()], &operation.0]).0
    }
}

/// Who signed: a key by itself, or a verification method of a DID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// A key of a control, next or recovery set.
    Key(PublicKey),
    /// A verification method of the author's document.
    Method(MethodSigner),
}

impl Signer {
    /// The key that the signature verifies under.
    pub fn key(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key,
            Self::Method(method) => &method.key,
        }
    }
}

/// A verification method and the key in it. The key travels, so that the signature is verified
/// without any state; that the method holds it is for the state to say (docs/adr/0007).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodSigner {
    /// The key.
    pub key: PublicKey,
    /// The method, by DID URL.
    pub url: MethodUrl,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// In which capacity.
    pub role: Role,
    /// By whom.
    pub by: Signer,
    /// 64 bytes in the suite of the signer's key.
    pub value: Bytes,
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
