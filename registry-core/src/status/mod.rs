//! Credential status: arrays of small numbers that the ledger keeps, one entry a credential
//! (docs/protocol/status.md).

mod bits;
mod changes;
mod delta;
mod leb128;

use serde::{Deserialize, Serialize};

pub use bits::Bits;
pub use changes::{EntryChanges, Run, Scattered};
pub use delta::{DeltaError, keyframe};

use crate::crypto::Hash;
use crate::id::{Did, ListId};
use crate::record::{Kind, RecordValue};

/// What the entries of a list say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusPurpose {
    /// Set once and for ever: the credential is withdrawn.
    Revocation,
    /// Set and cleared: the credential does not count for now.
    Suspension,
    /// The credential has a newer version.
    Refresh,
    /// What the list's messages say of each value.
    Message,
}

impl StatusPurpose {
    const ALL: [Self; 4] = [Self::Revocation, Self::Suspension, Self::Refresh, Self::Message];

    /// Its name in the record, in JSON and in W3C's `statusPurpose`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
            Self::Refresh => "refresh",
            Self::Message => "message",
        }
    }

    /// The purpose of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// Whether an entry that is not zero speaks against its credential.
    pub fn invalidates(self) -> bool {
        matches!(self, Self::Revocation | Self::Suspension)
    }
}

/// Another who may set entries of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// Who.
    pub did: Did,
    /// Block time in ms from which no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
}

impl Delegate {
    /// Whether it may set entries at block time `time_ms`.
    pub fn is_valid_at(&self, time_ms: u64) -> bool {
        self.valid_until.is_none_or(|end| time_ms < end)
    }
}

/// A new list, all entries zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusCreate {
    /// What its entries say.
    pub purpose: StatusPurpose,
    /// Bits an entry.
    pub bits: u8,
    /// Number of entries.
    pub length: u64,
    /// Where it is published, if not at a node of this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Unix milliseconds, shown in the views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix milliseconds, shown in the views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Who besides the issuer may set entries; strictly ascending by DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
    /// What each value means, in order of the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}

/// New values for some entries of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusSet {
    /// The list.
    pub list: ListId,
    /// Which entries get which value.
    pub changes: EntryChanges,
}

/// Other validity and delegates; both replace the old ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusUpdate {
    /// The list.
    pub list: ListId,
    /// Unix milliseconds, shown in the views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Who besides the issuer may set entries; strictly ascending by DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
}

/// The end of a list: it stays readable and never changes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusClose {
    /// The list.
    pub list: ListId,
}

/// The value of a list's record. The array itself is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusList {
    /// Who created it.
    pub issuer: Did,
    /// What its entries say.
    pub purpose: StatusPurpose,
    /// Bits an entry.
    pub bits: u8,
    /// Number of entries.
    pub length: u64,
    /// Where it is published, if not at a node of this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Unix milliseconds, shown in the views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix milliseconds, shown in the views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Who besides the issuer may set entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
    /// What each value means, in order of the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// Whether it has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// Merkle root of the array.
    pub root: Hash,
}

impl RecordValue for StatusList {
    const KIND: Kind = Kind::Status;
}

impl StatusList {
    /// What a create registers.
    pub fn new(issuer: Did, create: StatusCreate) -> Self {
        Self {
            root: bits::zero_root(create.length, create.bits),
            issuer,
            purpose: create.purpose,
            bits: create.bits,
            length: create.length,
            uri: create.uri,
            valid_from: create.valid_from,
            valid_until: create.valid_until,
            delegates: create.delegates,
            messages: create.messages,
            closed: false,
        }
    }

    /// Bytes of its array.
    pub fn array_bytes(&self) -> usize {
        bits::array_bytes(self.length, self.bits)
    }

    /// Its array when it was made. That of a version is this one, taken on by the delta rows of the
    /// version's [`keyframe`] and of each version since.
    pub fn zeros(&self) -> Bits {
        Bits::zero(self.length, self.bits)
    }
}
