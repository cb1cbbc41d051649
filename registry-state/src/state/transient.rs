//! Leaves of the state tree without records: what matters for a while and is then deleted.

use registry_core::crypto::{Hash, Purpose};

/// What a transient leaf is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransientKind {
    /// An operation id that was applied under an `until` guard.
    Seen,
    /// Rotate and deactivate of a DID today.
    NextQuota,
    /// Recover and cancel of a DID today.
    RecoveryQuota,
    /// Sum of all halts in ms; never expires.
    Halted,
    /// The approved changes of governance that wait; never expires.
    ScheduledChanges,
    /// What an endorser vouched for in this hour.
    EndorserQuota,
}

impl TransientKind {
    const ALL: [Self; 6] = [
        Self::Seen,
        Self::NextQuota,
        Self::RecoveryQuota,
        Self::Halted,
        Self::ScheduledChanges,
        Self::EndorserQuota,
    ];

    fn number(self) -> u8 {
        match self {
            Self::Seen => 1,
            Self::NextQuota => 2,
            Self::RecoveryQuota => 3,
            Self::Halted => 4,
            Self::ScheduledChanges => 5,
            Self::EndorserQuota => 6,
        }
    }
}

/// A leaf without a record, inert once block time is past `expires_ms` and deleted soon after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransientKey {
    /// Last block time in ms at which it matters.
    pub expires_ms: u64,
    /// What it is for.
    pub kind: TransientKind,
    /// Of what.
    pub id: Vec<u8>,
}

impl TransientKey {
    /// The one leaf of halted time.
    pub fn halted() -> Self {
        Self { expires_ms: u64::MAX, kind: TransientKind::Halted, id: Vec::new() }
    }

    /// The one leaf of approved changes.
    pub fn scheduled_changes() -> Self {
        Self { expires_ms: u64::MAX, kind: TransientKind::ScheduledChanges, id: Vec::new() }
    }

    /// Expiry (big-endian), kind number, id: storage order is the order of expiry.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.expires_ms.to_be_bytes()[..], &[self.kind.number()], &self.id].concat()
    }

    /// Reads what [`TransientKey::bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (expires, rest) = bytes.split_first_chunk::<8>()?;
        let (number, id) = rest.split_first()?;
        let kind = TransientKind::ALL.into_iter().find(|kind| kind.number() == *number)?;
        Some(Self { expires_ms: u64::from_be_bytes(*expires), kind, id: id.to_vec() })
    }

    /// Its place in the state tree.
    pub fn tree_key(&self) -> Hash {
        Hash::of(Purpose::TransientKey, &[&self.bytes()])
    }
}
