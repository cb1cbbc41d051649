//! Guards: what must still hold for an operation to be applied (docs/protocol/operations.md,
//! section "Guards").
//!
//! A guard covers what the signer overwrites and an equal or a senior may have written since. It
//! never covers what a junior can write, so a junior cannot hold up its seniors by writing.

use serde::{Deserialize, Serialize};

use crate::code::{Code, Refusal};
use crate::crypto::{Hash, Purpose};
use crate::limits::{STATUS_SET_UNTIL_MS, UNTIL_MS_MAX};
use crate::record::{Entry, PartHead, PartId, RecordKey};

/// Condition under which an operation is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// What the operation makes must not exist yet.
    Absent,
    /// The parts that the action covers must be those of this hash; see [`Guard::of_parts`].
    Parts(Hash),
    /// What the operation acts on must have been made by the operation with this id.
    Operation(Hash),
    /// Nothing is required.
    Nothing,
}

impl Guard {
    /// Returns the guard that names these parts of a record as they are now. It is a hash of the
    /// record's key with id, number and salted hash of each part. A part that is absent counts with
    /// number 0 and the hash zero. Since numbers only grow, the guard never holds again once one of
    /// the parts was written.
    pub fn of_parts(entry: &Entry, parts: impl IntoIterator<Item = PartId>) -> Self {
        let head = |id| entry.part(id).map_or(PartHead(id, 0, Hash::ZERO), |part| part.head());
        let heads: Vec<PartHead> = parts.into_iter().map(head).collect();
        Self::of_heads(&entry.record.record_key(), &heads)
    }

    /// Returns the guard that names parts by their heads, ascending by id. Whoever wrote the parts
    /// can compute it before a block holds them.
    pub fn of_heads(key: &RecordKey, heads: &[PartHead]) -> Self {
        Self::Parts(Hash::of_value(Purpose::Guard, &(key, heads)))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Parts(_) => "parts",
            Self::Operation(_) => "operation",
            Self::Nothing => "nothing",
        }
    }
}

/// What the guard of an action covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The record must not exist.
    NoRecord,
    /// These parts of the record.
    Parts(&'static [PartId]),
    /// All parts of the record; it must not exist if there is none.
    Record,
    /// The author's own slot among the grants of a right; the author must have none if it has
    /// granted nothing there.
    OwnSlot,
    /// The operation that began the pending recovery of a DID.
    PendingRecovery,
    /// The operation that made the author's grant.
    OwnGrant,
    /// The operation that suspended the author's grant.
    GrantSuspension,
    /// The operation that suspended the delegation.
    DelegationSuspension,
    /// The operation that made what the action voids. That need not be in its place any more.
    Made,
    /// Nothing.
    Nothing,
}

impl Covers {
    fn takes(self, guard: &Guard) -> bool {
        match guard {
            Guard::Absent => matches!(self, Self::NoRecord | Self::Record | Self::OwnSlot),
            Guard::Parts(_) => matches!(self, Self::Parts(_) | Self::Record | Self::OwnSlot),
            Guard::Operation(_) => matches!(
                self,
                Self::PendingRecovery
                    | Self::OwnGrant
                    | Self::GrantSuspension
                    | Self::DelegationSuspension
                    | Self::Made
            ),
            Guard::Nothing => self == Self::Nothing,
        }
    }

    /// Checks the kind of a guard. Fails with `GUARD_KIND`.
    pub fn check(self, guard: &Guard) -> Result<(), Refusal> {
        if self.takes(guard) {
            return Ok(());
        }
        let expected = match self {
            Self::NoRecord => "absent",
            Self::Parts(_) => "parts",
            Self::Record | Self::OwnSlot => "absent or parts",
            Self::PendingRecovery
            | Self::OwnGrant
            | Self::GrantSuspension
            | Self::DelegationSuspension
            | Self::Made => "operation",
            Self::Nothing => "nothing",
        };
        let detail = format!("the guard is {:?}, this action takes {expected}", guard.name());
        Err(Refusal::new(Code::GuardKind, "guard", detail))
    }
}

/// Whether an operation names the last block time at which it may be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// It may name one, however far ahead. Such an operation can wait in a safe.
    Free,
    /// It may name one, at most [`UNTIL_MS_MAX`] ahead.
    Bounded,
    /// It must name one, at most [`UNTIL_MS_MAX`] ahead, and its id is kept among the seen until
    /// then. Otherwise the operation could be applied again.
    Once,
    /// As [`Self::Once`], at most [`STATUS_SET_UNTIL_MS`] ahead. It is for operations of which
    /// clients send many, and which leave each other valid.
    OnceWithinAnHour,
}

impl Deadline {
    /// Returns how far ahead, in milliseconds, the last block time may be; `None` for no bound.
    pub fn window_ms(self) -> Option<u64> {
        match self {
            Self::Free => None,
            Self::Bounded | Self::Once => Some(UNTIL_MS_MAX),
            Self::OnceWithinAnHour => Some(STATUS_SET_UNTIL_MS),
        }
    }

    /// True if the operation must name its last block time, and its id is kept until then.
    pub fn is_once(self) -> bool {
        match self {
            Self::Free | Self::Bounded => false,
            Self::Once | Self::OnceWithinAnHour => true,
        }
    }
}
