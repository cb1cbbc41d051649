//! Parts of a record's value (docs/protocol/records.md, section "Parts").
//!
//! Each part has a salted hash and a number of its own. A signer can therefore name the parts that
//! its operation depends on, and what others write into the rest of the record does not matter.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::codec::{self, Bytes, FixedBytes};
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
    /// Times in ms that the blocks gave to the value, see [`Timed`]. The version of the record
    /// commits to them, and guards do not cover them.
    pub times: Vec<u64>,
}

/// A part as it is encoded: id, number, salt, value and times.
type PartRow = (PartId, u64, FixedBytes<16>, Bytes, Vec<u64>);

impl From<PartRow> for Part {
    fn from((id, number, salt, value, times): PartRow) -> Self {
        Self { id, number, salt, value, times }
    }
}

impl From<Part> for PartRow {
    fn from(Part { id, number, salt, value, times }: Part) -> Self {
        (id, number, salt, value, times)
    }
}

/// A value of a part that records the times of blocks. The times are kept beside the bytes of the
/// value, because a guard names these bytes: whoever signs an operation that follows another one
/// can compute the guard before it is known which block will hold the first.
pub trait Timed: Serialize + DeserializeOwned {
    /// Returns the times in ms, in the order in which [`Timed::with_times`] takes them.
    fn times(&self) -> Vec<u64>;

    /// Returns the value with these times; `None` if it has another number of times. The bytes of
    /// the value do not hold the times, so decoding leaves them zero.
    fn with_times(self, times: &[u64]) -> Option<Self>;
}

impl Part {
    /// Returns id, number and salted hash, which guards and the record's value hash cover.
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

/// Returns the value hash of a record with these parts, which ascend by id. It covers the head and
/// the times of each.
pub fn value_hash(parts: &[Part]) -> Hash {
    let covered = parts.iter().map(|part| {
        let PartHead(id, number, hash) = part.head();
        (id, number, hash, &part.times)
    });
    let covered: Vec<(PartId, u64, Hash, &Vec<u64>)> = covered.collect();
    Hash::of_value(Purpose::RecordValue, &covered)
}

/// Bytes that one time takes: a CBOR integer of eight bytes with its head.
const TIME_BYTES: usize = 9;

/// A new value for one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartWrite {
    /// Part that is written.
    pub id: PartId,
    /// Canonical bytes of the new value; `None` removes the part, which only happens when the
    /// record can never change again.
    pub value: Option<Vec<u8>>,
    /// Times in ms of the new value, see [`Timed`].
    pub times: Vec<u64>,
}

impl PartWrite {
    /// Sets a part to these canonical bytes.
    pub fn set(id: PartId, value: Vec<u8>) -> Self {
        Self { id, value: Some(value), times: Vec::new() }
    }

    /// Sets a part to a value that records the times of blocks.
    pub fn timed(id: PartId, value: &impl Timed) -> Self {
        Self { id, value: Some(codec::encode(value)), times: value.times() }
    }

    /// Removes a part.
    pub fn remove(id: PartId) -> Self {
        Self { id, value: None, times: Vec::new() }
    }

    /// Returns how many bytes the part takes in storage, to the nearest few.
    pub fn bytes(&self) -> usize {
        let times = self.times.len().saturating_mul(TIME_BYTES);
        self.value.as_ref().map_or(0, Vec::len).saturating_add(times)
    }

    /// Returns the part as an operation with this salt leaves it, which is the `number`th that
    /// writes the part; `None` if the operation removes it. A client can name the part in a guard
    /// before a block holds the operation.
    pub fn written(self, number: u64, salt: &FixedBytes<16>) -> Option<Part> {
        let Self { id, value, times } = self;
        Some(Part { id, number, salt: part_salt(salt, id), value: Bytes(value?), times })
    }
}
