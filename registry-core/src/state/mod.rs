//! The state and how blocks change it: a view of what is stored, an overlay of what a block
//! writes, and the one function that executes a block (docs/protocol/state.md).

mod execute;
mod memory;
mod overlay;
mod probe;
mod tree;

pub use execute::{BlockBudget, BlockError, BlockExecution, Execution, Genesis};
pub use execute::{execute, execute_genesis};
pub use memory::MemoryState;
pub(crate) use overlay::WriteContext;
pub use overlay::{Changes, Overlay};
pub use probe::{ApplyError, Change, Context, Effect, Opened, Probe};

use std::sync::Arc;

use crate::crypto::{Hash, Purpose};
use crate::range::Position;
use crate::record::{Entry, RecordKey};
use crate::status::Bits;

/// The store failed or holds what it cannot hold. The node stops; nothing is decided on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be read: {reason}")]
pub struct StoreError {
    /// What the store said.
    pub reason: String,
}

impl StoreError {
    /// An error with the store's words.
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// Range id of the block history; the ranges of records go by their tree key.
pub const HISTORY: Hash = Hash::ZERO;

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
    Agenda,
}

impl TransientKind {
    const ALL: [Self; 5] =
        [Self::Seen, Self::NextQuota, Self::RecoveryQuota, Self::Halted, Self::Agenda];

    fn number(self) -> u8 {
        match self {
            Self::Seen => 1,
            Self::NextQuota => 2,
            Self::RecoveryQuota => 3,
            Self::Halted => 4,
            Self::Agenda => 5,
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
    pub fn agenda() -> Self {
        Self { expires_ms: u64::MAX, kind: TransientKind::Agenda, id: Vec::new() }
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

/// Read access to the state after one height.
pub trait StateView {
    /// The newest version of a record.
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;
    /// A node of a range.
    fn range_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError>;
    /// The value of a transient leaf.
    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError>;
    /// The first `limit` transient keys, in storage order, that expired before `time_ms`.
    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError>;
    /// The array of a status list at the version in `entry`, be it the head or an older one.
    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError>;
    /// A node of the state tree by its storage key.
    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
}
