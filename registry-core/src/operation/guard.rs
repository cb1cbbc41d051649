//! Guards: conditions that make sure that an operation is applied at most once.

use serde::{Deserialize, Serialize};

use crate::code::{Code, Refusal};
use crate::crypto::Hash;

/// Condition under which an operation is applied. It ensures that the operation is applied at most
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The record must not exist.
    Absent,
    /// The present version of the record must have this hash.
    Previous(Hash),
    /// Block time must be within the hour that ends at this Unix time in ms, and the operation's id
    /// must not have been seen.
    Until(u64),
}

impl Guard {
    /// Returns the last block time in ms at which the operation may be applied; `None` for guards
    /// without one.
    pub fn until(&self) -> Option<u64> {
        match self {
            Self::Until(until) => Some(*until),
            Self::Absent | Self::Previous(_) => None,
        }
    }
}

/// Kinds of guard that an action accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardRule {
    /// The action creates a record, so it accepts only `absent`.
    Absent,
    /// The action changes a record that exists, so it accepts only `previous`.
    Previous,
    /// The action creates a record or writes its next version, so it accepts `absent` and
    /// `previous`.
    AbsentOrPrevious,
    /// The action commutes with others on the same record, so it accepts only `until`.
    Until,
}

impl GuardRule {
    /// Checks the kind of a guard. Fails with `GUARD_KIND`.
    pub fn check(self, guard: &Guard) -> Result<(), Refusal> {
        let accepted = match guard {
            Guard::Absent => [Self::Absent, Self::AbsentOrPrevious].contains(&self),
            Guard::Previous(_) => [Self::Previous, Self::AbsentOrPrevious].contains(&self),
            Guard::Until(_) => self == Self::Until,
        };
        if accepted {
            return Ok(());
        }
        let expected = match self {
            Self::Absent => "absent",
            Self::Previous => "previous",
            Self::AbsentOrPrevious => "absent or previous",
            Self::Until => "until",
        };
        Err(Refusal::new(Code::GuardKind, "guard", format!("expected {expected}")))
    }
}
