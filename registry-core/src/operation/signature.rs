//! Signatures of operations: in which role they are given and by whom
//! (docs/protocol/operations.md, section "Signatures of an author").

use serde::{Deserialize, Serialize};

use crate::codec::Bytes;
use crate::crypto::{Hash, PublicKey, Purpose};
use crate::id::MethodUrl;

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
