//! Hashes with one domain for each purpose, and signature checks with one rule against
//! malleability.
//!
//! Hashes are BLAKE3 in derive-key mode with one context string for each purpose. Signatures are
//! Ed25519 checked by `verify_strict`, or ECDSA on P-256 and secp256k1 over SHA-256 with low S and
//! 64 bytes (docs/adr/0003).

mod key;

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use key::{KeyError, PublicKey, SignatureError, Suite, ValidatorKey, verify};

use crate::codec;

/// Purpose of a hash. A hash made for one purpose is never valid for another. Each variant shows
/// what is hashed → what the hash is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Canonical genesis → chain id.
    Chain,
    /// Operation body → operation id.
    OperationId,
    /// Signed operation → envelope id.
    EnvelopeId,
    /// Role and operation id → the bytes that a signer signs.
    OperationSignature,
    /// Key of a next set → pre-rotation commitment.
    NextCommitment,
    /// Multicodec prefix and raw key → the identity of a key that is too long to stand for itself.
    KeyIdentity,
    /// Control, next and recovery sets → the `newControlHash` of a pending recovery.
    Control,
    /// Ids, numbers and hashes of all parts → value hash of a record.
    RecordValue,
    /// Salt and value of a part → hash of the part.
    PartValue,
    /// Salt of an operation and id of a part → salt of the part.
    PartSalt,
    /// Record key and parts → guard that names these parts.
    Guard,
    /// Canonical record → record hash.
    Record,
    /// Kind and key of a record → its place in the state tree.
    RecordKey,
    /// Namespace and key of a transient leaf → its place in the state tree.
    TransientKey,
    /// Entry of a Merkle mountain range → its leaf.
    MmrLeaf,
    /// Two child nodes of a Merkle mountain range → their parent.
    MmrNode,
    /// Leaf count and peaks of a Merkle mountain range → its root.
    MmrRoot,
    /// Leaf values, leaves and inner nodes of the state tree → their hashes.
    Tree,
    /// 512 bytes of a status list's array → its Merkle leaf.
    StatusLeaf,
    /// Two child nodes over a status list's array → their parent.
    StatusNode,
    /// Authority, action, resource and entity → the key of a grant or recognition.
    TrustKey,
    /// Publisher and content → the id of a schema.
    SchemaId,
    /// Publisher and name → the key of a credential type.
    CredentialType,
    /// Envelope id and operation id → leaf of `operations_root`.
    OperationLeaf,
    /// Canonical receipt → leaf of `receipts_root`.
    ReceiptLeaf,
    /// Canonical header → block hash.
    Block,
    /// Canonical validator set → the header's `validators`.
    ValidatorSet,
    /// A vote's fields → the bytes that a validator signs.
    Vote,
    /// A proposal's fields → the bytes that a proposer signs.
    Proposal,
    /// Message bytes → gossip message id.
    Gossip,
    /// A validator's height floor → its checksum.
    Floor,
    /// An operator's entry of a genesis ceremony → the bytes that its validator key signs.
    GenesisEntry,
}

impl Purpose {
    /// Returns the BLAKE3 derive-key context. It is part of the protocol and never changes.
    pub fn context(self) -> &'static str {
        match self {
            Self::Chain => "idem 2026 v1 chain",
            Self::OperationId => "idem 2026 v1 operation id",
            Self::EnvelopeId => "idem 2026 v1 envelope id",
            Self::OperationSignature => "idem 2026 v1 operation signature",
            Self::NextCommitment => "idem 2026 v1 next commitment",
            Self::KeyIdentity => "idem 2026 v1 key identity",
            Self::Control => "idem 2026 v1 control",
            Self::RecordValue => "idem 2026 v1 record value",
            Self::PartValue => "idem 2026 v1 part value",
            Self::PartSalt => "idem 2026 v1 part salt",
            Self::Guard => "idem 2026 v1 guard",
            Self::Record => "idem 2026 v1 record",
            Self::RecordKey => "idem 2026 v1 record key",
            Self::TransientKey => "idem 2026 v1 transient key",
            Self::MmrLeaf => "idem 2026 v1 range leaf",
            Self::MmrNode => "idem 2026 v1 range node",
            Self::MmrRoot => "idem 2026 v1 range root",
            Self::Tree => "idem 2026 v1 tree",
            Self::StatusLeaf => "idem 2026 v1 status leaf",
            Self::StatusNode => "idem 2026 v1 status node",
            Self::TrustKey => "idem 2026 v1 trust key",
            Self::SchemaId => "idem 2026 v1 schema id",
            Self::CredentialType => "idem 2026 v1 credential type",
            Self::OperationLeaf => "idem 2026 v1 operation leaf",
            Self::ReceiptLeaf => "idem 2026 v1 receipt leaf",
            Self::Block => "idem 2026 v1 block",
            Self::ValidatorSet => "idem 2026 v1 validator set",
            Self::Vote => "idem 2026 v1 vote",
            Self::Proposal => "idem 2026 v1 proposal",
            Self::Gossip => "idem 2026 v1 gossip",
            Self::Floor => "idem 2026 v1 floor",
            Self::GenesisEntry => "idem 2026 v1 genesis entry",
        }
    }

    /// Returns a hasher in derive-key mode with this purpose's context string.
    pub fn hasher(self) -> blake3::Hasher {
        blake3::Hasher::new_derive_key(self.context())
    }
}

/// A 32-byte BLAKE3 hash, or an id made of one. In JSON it is lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// 32 zero bytes, which mean "none" where a hash is required, such as the chain of a genesis
    /// operation.
    pub const ZERO: Self = Self([0; 32]);

    /// Hashes the concatenated `parts`. All but the last must have a fixed length, so that no two
    /// lists of parts give the same input.
    pub fn of(purpose: Purpose, parts: &[&[u8]]) -> Self {
        let mut hasher = purpose.hasher();
        for part in parts {
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// Hashes the canonical bytes of `value`.
    pub fn of_value<T: Serialize>(purpose: Purpose, value: &T) -> Self {
        Self::of(purpose, &[&codec::encode(value)])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&codec::hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not 64 lower-case hex digits")]
pub struct NotAHash {
    /// Text that was refused.
    pub text: String,
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        from_hex(text).map(Self).ok_or_else(|| NotAHash { text: text.to_owned() })
    }
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        codec::serialize_bytes(&self.0, codec::hex, serializer)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = codec::deserialize_bytes(deserializer, read, "lower-case hex")?;
        codec::fixed(&bytes).map(Self)
    }
}
