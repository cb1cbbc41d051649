//! Leaves of the state tree that belong to no record. Most of them expire and are then deleted.

use registry_core::crypto::{Hash, Purpose};

/// Purpose of a transient leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransientKind {
    /// Marks an operation id that was applied under an `until` guard.
    Seen,
    /// Counts the rotate and deactivate operations of a DID on one day (UTC).
    NextQuota,
    /// Counts the recover and cancel operations of a DID on one day (UTC).
    RecoveryQuota,
    /// Holds the scheduled changes. It never expires.
    ScheduledChanges,
    /// Counts the operations that a DID vouched for in one hour, under one of its three quotas.
    EndorserQuota,
    /// Counts the proposals of a governor on one day (UTC), apart for methods and control set.
    ProposalQuota,
    /// Counts the entries of a status list that the sets of one delegate named in one hour.
    DelegateQuota,
}

impl TransientKind {
    const ALL: [Self; 7] = [
        Self::Seen,
        Self::NextQuota,
        Self::RecoveryQuota,
        Self::ScheduledChanges,
        Self::EndorserQuota,
        Self::ProposalQuota,
        Self::DelegateQuota,
    ];

    fn number(self) -> u8 {
        match self {
            Self::Seen => 1,
            Self::NextQuota => 2,
            Self::RecoveryQuota => 3,
            Self::ScheduledChanges => 5,
            Self::EndorserQuota => 6,
            Self::ProposalQuota => 7,
            Self::DelegateQuota => 9,
        }
    }
}

/// Key of a transient leaf. The leaf has no effect once block time is later than `expires_ms`, and
/// it is deleted soon after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransientKey {
    /// Last block time at which the leaf has an effect, as Unix time in milliseconds.
    pub expires_ms: u64,
    /// Purpose of the leaf.
    pub kind: TransientKind,
    /// Operation id, suffix of the DID, or id of the status list and suffix of its delegate, that
    /// the leaf is about. Empty for kinds with one leaf.
    pub id: Vec<u8>,
}

impl TransientKey {
    /// Returns the key of the only leaf that holds the scheduled changes.
    pub fn scheduled_changes() -> Self {
        Self { expires_ms: u64::MAX, kind: TransientKind::ScheduledChanges, id: Vec::new() }
    }

    /// Returns expiry (big-endian), kind number and id. The order of these bytes is the order of
    /// expiry.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.expires_ms.to_be_bytes()[..], &[self.kind.number()], &self.id].concat()
    }

    /// Parses what [`TransientKey::bytes`] wrote; returns `None` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (expires, rest) = bytes.split_first_chunk::<8>()?;
        let (number, id) = rest.split_first()?;
        let kind = TransientKind::ALL.into_iter().find(|kind| kind.number() == *number)?;
        Some(Self { expires_ms: u64::from_be_bytes(*expires), kind, id: id.to_vec() })
    }

    /// Returns the key of the leaf in the state tree.
    pub fn tree_key(&self) -> Hash {
        Hash::of(Purpose::TransientKey, &[&self.bytes()])
    }
}
