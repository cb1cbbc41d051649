//! Guards: what must hold for an operation to be applied exactly once.

use serde::{Deserialize, Serialize};

use crate::code::{Code, Refusal};
use crate::crypto::Hash;

/// Condition under which an operation is applied, so that it is applied once at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The record must not exist.
    Absent,
    /// The record's head must have this hash.
    Previous(Hash),
    /// Block time must be within the hour before this time (ms), and the id unseen.
    Until(u64),
}

impl Guard {
    /// True if the operation makes the record.
    pub fn is_absent(&self) -> bool {
        *self == Self::Absent
    }

    /// Last block time (ms) at which the operation may be applied, for guards that state one.
    pub fn until(&self) -> Option<u64> {
        match self {
            Self::Until(until) => Some(*until),
            Self::Absent | Self::Previous(_) => None,
        }
    }
}

/// Guards that an action accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardRule {
    /// The action makes a record: only `absent`.
    Absent,
    /// The action changes a record that exists: only `previous`.
    Previous,
    /// The action makes a record or its next version: `absent` or `previous`.
    AbsentOrPrevious,
    /// The action commutes with others on the same record: only `until`.
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
