//! Parts of a record's value (docs/protocol/records.md, section "Parts").
//!
//! Each part has a salted hash and a number of its own. A signer can therefore name the parts that
//! its operation depends on, and what others write into the rest of the record does not matter.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::codec::{Bytes, FixedBytes};
use crate::crypto::{Hash, Purpose};
use crate::limits::TRUST_GRANTS_MAX;

/// Name of a part. It is part of hashes and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartId(pub u8);

impl PartId {
    /// The whole value, for kinds whose value is not divided.
    pub const WHOLE: Self = Self(0);
    /// Sets that control a DID. CBOR null stands for a deactivated DID.
    pub const CONTROL: Self = Self(1);
    /// Pending recovery of a DID, and the time before which the next one cannot start.
    pub const RECOVERY: Self = Self(2);
    /// Document of a DID.
    pub const DOCUMENT: Self = Self(3);
    /// Keys that a DID has disowned, with the times from which they do not count. The part is
    /// absent until the first key is marked.
    pub const MARKS: Self = Self(4);
    /// Terms of a status list: all of it but the array.
    pub const TERMS: Self = Self(5);
    /// Merkle root of a status list's array. The part is absent until an entry is set.
    pub const ARRAY: Self = Self(6);
    /// Right that a record of grants is about.
    pub const RIGHT: Self = Self(7);
    /// Places for grants. The first is that of the authority itself, each other one is for any
    /// grantor.
    pub const SLOTS: [Self; TRUST_GRANTS_MAX] = [Self(8), Self(9), Self(10), Self(11)];
}

impl Kind {
    /// Returns the parts that values of this kind can have.
    pub fn parts(self) -> &'static [PartId] {
        const GRANT: [PartId; 5] = {
            let [first, second, third, fourth] = PartId::SLOTS;
            [PartId::RIGHT, first, second, third, fourth]
        };
        match self {
            Self::Did => &[PartId::CONTROL, PartId::RECOVERY, PartId::DOCUMENT, PartId::MARKS],
            Self::Status => &[PartId::TERMS, PartId::ARRAY],
            Self::Grant => &GRANT,
            Self::Schema
            | Self::Delegation
            | Self::Governance
            | Self::Recognition
            | Self::CredentialType
            | Self::Proposal
            | Self::Ready
            | Self::Roots
            | Self::Void => &[PartId::WHOLE],
        }
    }
}

/// One part of a record's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PartRow", into = "PartRow")]
pub struct Part {
    /// Name of the part.
    pub id: PartId,
    /// Number of operations that have written the part, from 1. It never decreases.
    pub number: u64,
    /// Salt that hides a guessable value behind the part's hash; see [`part_salt`].
    pub salt: FixedBytes<16>,
    /// Canonical bytes of the part's value.
    pub value: Bytes,
}

/// A part as it is encoded: id, number, salt and value.
type PartRow = (PartId, u64, FixedBytes<16>, Bytes);

impl From<PartRow> for Part {
    fn from((id, number, salt, value): PartRow) -> Self {
        Self { id, number, salt, value }
    }
}

impl From<Part> for PartRow {
    fn from(Part { id, number, salt, value }: Part) -> Self {
        (id, number, salt, value)
    }
}

impl Part {
    /// Returns id, number and salted hash, which the record's value hash and guards cover.
    pub fn head(&self) -> PartHead {
        let hash = Hash::of(Purpose::PartValue, &[&self.salt.0, &self.value.0]);
        PartHead(self.id, self.number, hash)
    }
}

/// Id, number and salted hash of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHead(pub PartId, pub u64, pub Hash);

/// Returns the salt of a part that an operation with this salt writes: the first 16 bytes of
/// H(operation salt ‖ part id). The record keeps it in place of the operation's salt, so that
/// whoever is shown one part learns no salt of another.
pub fn part_salt(operation: &FixedBytes<16>, part: PartId) -> FixedBytes<16> {
    let Hash(hash) = Hash::of(Purpose::PartSalt, &[&operation.0, &[part.0]]);
    let mut salt = [0; 16];
    salt.copy_from_slice(hash.split_at(16).0);
    FixedBytes(salt)
}

/// Returns the value hash of a record with these parts, which ascend by id.
pub fn value_hash(parts: &[Part]) -> Hash {
    let heads: Vec<PartHead> = parts.iter().map(Part::head).collect();
    Hash::of_value(Purpose::RecordValue, &heads)
}

/// A new value for one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartWrite {
    /// Part that is written.
    pub id: PartId,
    /// Canonical bytes of the new value; `None` removes the part, which only happens when the
    /// record can never change again.
    pub value: Option<Vec<u8>>,
}

impl PartWrite {
    /// Sets a part to these canonical bytes.
    pub fn set(id: PartId, value: Vec<u8>) -> Self {
        Self { id, value: Some(value) }
    }

    /// Returns the part as an operation with this salt leaves it, which is the `number`th that
    /// writes the part; `None` if the operation removes it. A client can name the part in a guard
    /// before a block holds the operation.
    pub fn written(self, number: u64, salt: &FixedBytes<16>) -> Option<Part> {
        let Self { id, value } = self;
        Some(Part { id, number, salt: part_salt(salt, id), value: Bytes(value?) })
    }
}
