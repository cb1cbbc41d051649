//! Credential status: arrays of small numbers that the ledger keeps, with one entry for each
//! credential (docs/protocol/status.md).

mod bits;
mod changes;
mod delta;
mod leb128;

use serde::{Deserialize, Serialize};

pub use bits::Bits;
pub use changes::{EntryChanges, Run, Scattered};
pub use delta::{DeltaError, keyframe};

use crate::codec;
use crate::crypto::Hash;
use crate::id::{Did, ListId};
use crate::record::{Entry, Kind, PartId, PartWrite, RecordValue, StoreError};

/// Purpose of a status list, which says what its entries mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusPurpose {
    /// An entry is set once and for ever. The credential is withdrawn.
    Revocation,
    /// An entry can be set and cleared. The credential does not count while it is set.
    Suspension,
    /// A set entry means that the credential has a newer version.
    Refresh,
    /// The list's messages say what each value of an entry means.
    Message,
}

impl StatusPurpose {
    const ALL: [Self; 4] = [Self::Revocation, Self::Suspension, Self::Refresh, Self::Message];

    /// Returns the name of the purpose in the record, in JSON and in W3C's `statusPurpose`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
            Self::Refresh => "refresh",
            Self::Message => "message",
        }
    }

    /// Finds the purpose with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// True if a nonzero entry invalidates its credential.
    pub fn invalidates(self) -> bool {
        matches!(self, Self::Revocation | Self::Suspension)
    }
}

/// A DID besides the issuer that may set some entries of a list. Range and hourly number are never
/// absent, because a revocation cannot be undone: what a delegate may do is what the issuer wrote
/// down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// DID of the delegate.
    pub did: Did,
    /// Index of the first entry that the delegate may set.
    pub start: u64,
    /// Number of entries that the delegate may set, at least 1.
    pub length: u64,
    /// Number of entries that the sets of the delegate may name in one hour (UTC) of block time, at
    /// least 1. An entry counts each time it is named.
    pub entries_per_hour: u64,
    /// Block time in Unix milliseconds from which the delegate may no longer set entries; `None`
    /// for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
}

impl Delegate {
    /// Returns the index after the last entry that the delegate may set; `None` if it does not fit
    /// 64 bits.
    pub fn end(&self) -> Option<u64> {
        self.start.checked_add(self.length)
    }

    /// True if the delegate may set every entry of the run.
    pub fn covers(&self, run: &Run) -> bool {
        run.start >= self.start && run.end().is_some_and(|end| Some(end) <= self.end())
    }

    /// True if the delegate may set entries at block time `time_ms`.
    pub fn is_valid_at(&self, time_ms: u64) -> bool {
        self.valid_until.is_none_or(|end| time_ms < end)
    }
}

/// Content of `status_create`: a new list, whose entries are all zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusCreate {
    /// Purpose that says what the entries mean.
    pub purpose: StatusPurpose,
    /// Number of bits in each entry: 1, 2, 4 or 8.
    pub bits: u8,
    /// Number of entries.
    pub length: u64,
    /// URI at which the list is published, if it is not published at a node of this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Start of the list's validity in Unix milliseconds, which status views show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// End of the list's validity in Unix milliseconds, which status views show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// DIDs besides the issuer that may set entries, strictly ascending by DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
    /// Meaning of each value, in the order of the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}

/// Content of `status_set`: new values for some entries of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusSet {
    /// Id of the list.
    pub list: ListId,
    /// Entries that change, with their new values.
    pub changes: EntryChanges,
}

/// Content of `status_update`: an end of validity and delegates, which both replace the old ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusUpdate {
    /// Id of the list.
    pub list: ListId,
    /// End of the list's validity in Unix milliseconds, which status views show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// DIDs besides the issuer that may set entries, strictly ascending by DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
}

/// Content of `status_close`. A closed list stays readable and never changes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusClose {
    /// Id of the list.
    pub list: ListId,
}

/// Value of a status list's record: its terms and the root of its array, which is kept beside the
/// record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusList {
    /// DID that created the list.
    pub issuer: Did,
    /// Purpose that says what the entries mean.
    pub purpose: StatusPurpose,
    /// Number of bits in each entry: 1, 2, 4 or 8.
    pub bits: u8,
    /// Number of entries.
    pub length: u64,
    /// URI at which the list is published, if it is not published at a node of this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Start of the list's validity in Unix milliseconds, which status views show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// End of the list's validity in Unix milliseconds, which status views show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// DIDs besides the issuer that may set entries, strictly ascending by DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
    /// Meaning of each value, in the order of the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// True if the list is closed and can no longer change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// Merkle root of the array. It is a part of its own, so that those who set entries do not
    /// change the terms.
    #[serde(skip)]
    pub root: Hash,
}

impl RecordValue for StatusList {
    const KIND: Kind = Kind::Status;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        let terms: Self = entry.part_value(PartId::TERMS)?;
        let root = entry.part(PartId::ARRAY).map(|part| part.value()).transpose()?;
        let root = root.unwrap_or_else(|| bits::zero_root(terms.length, terms.bits));
        Ok(Self { root, ..terms })
    }
}

impl StatusList {
    /// Returns the record value of a list that `create` has just made.
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

    /// Returns the part that holds the terms of the list.
    pub fn terms_part(&self) -> PartWrite {
        PartWrite::set(PartId::TERMS, codec::encode(self))
    }

    /// Returns the number of bytes of the array.
    pub fn array_bytes(&self) -> usize {
        bits::array_bytes(self.length, self.bits)
    }

    /// Returns the array that the list had when it was created. To get the array of a later
    /// version, start from this one and apply the delta rows from the version's [`keyframe`] up to
    /// the version.
    pub fn zeros(&self) -> Bits {
        Bits::zero(self.length, self.bits)
    }
}
