//! Signatures of operations, with their roles and signers (docs/protocol/operations.md, section
//! "Signatures of an author").

use serde::{Deserialize, Serialize};

use crate::codec::Bytes;
use crate::crypto::{Hash, PublicKey, Purpose};
use crate::did::control::SetSigner;
use crate::id::{Did, MethodUrl};

/// Role in which a signature is given. Its number is part of the signed message and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The control set of the acting DID signs.
    Control,
    /// The members to which the acting DID has committed sign.
    Next,
    /// The recovery set of the acting DID signs.
    Recovery,
    /// A verification method of the author's document signs.
    Author,
    /// A DID that vouches for the author signs.
    Endorser,
    /// Another party that the action binds signs.
    Consent,
    /// A governor signs.
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

    /// Returns the 32 bytes that a signature in this role covers: H(role number ‖ operation id).
    pub fn message(self, operation: &Hash) -> [u8; 32] {
        Hash::of(Purpose::OperationSignature, &[&[self.number()], &operation.0]).0
    }
}

/// Signer of an operation: a key by itself, a key for a member DID, or a verification method of a
/// DID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// A key that is itself a member of a control, next or recovery set.
    Key(PublicKey),
    /// A control key of a DID that is a member of a control or recovery set.
    Member(MemberSigner),
    /// A verification method in the document of a DID.
    Method(MethodSigner),
}

impl Signer {
    /// Returns the key under which the signature verifies.
    pub fn key(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key,
            Self::Member(member) => &member.key,
            Self::Method(method) => &method.key,
        }
    }

    /// Returns the signer as one of a set's members counts it; `None` for a verification method.
    pub fn of_set(&self) -> Option<SetSigner<'_>> {
        match self {
            Self::Key(key) => Some(SetSigner { key, of: None }),
            Self::Member(MemberSigner { did, key }) => Some(SetSigner { key, of: Some(did) }),
            Self::Method(_) => None,
        }
    }
}

/// A member DID of a set and the control key by which it signs. The signature names the member, so
/// that it counts for that member and for no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSigner {
    /// Member of the set for which the key signs.
    pub did: Did,
    /// Key of the member's control set, under which the signature verifies.
    pub key: PublicKey,
}

/// A verification method and the key in it. The signature carries the key, so that it can be
/// verified without any state. The rules of the state then check that the method holds the key
/// (docs/adr/0007).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodSigner {
    /// Key under which the signature verifies.
    pub key: PublicKey,
    /// DID URL of the verification method.
    pub url: MethodUrl,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Role in which the signature is given.
    pub role: Role,
    /// Signer that gave it.
    pub by: Signer,
    /// Signature of 64 bytes, in the suite of the signer's key.
    pub value: Bytes,
}
