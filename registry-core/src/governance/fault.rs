//! Errors in the value of a governance record.

use super::PublishingError;
use crate::certificate::ValidatorSetError;

/// The value of a governance record breaks a rule. Paths begin at that value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GovernanceError {
    /// A value has the right type but breaks a rule.
    #[error("{path} is {actual}, it must be {expected}")]
    Value {
        /// Place of the value.
        path: String,
        /// Value given.
        actual: String,
        /// Value that the rule requires.
        expected: String,
    },
    /// Two validators share a value that only one of them may have.
    #[error("{path} is {actual}, which {first} has already; each validator needs its own")]
    Duplicate {
        /// Place where the value appears for the second time.
        path: String,
        /// Value that is repeated.
        actual: String,
        /// Name of the validator that has the value first.
        first: String,
    },
    /// The list of validators is no validator set.
    #[error("validators: {0}")]
    Validators(#[from] ValidatorSetError),
    /// The list of publishing keys breaks one of its rules.
    #[error("publishing: {0}")]
    Publishing(#[from] PublishingError),
}

impl GovernanceError {
    /// Creates an error for a value that breaks a rule.
    pub fn value(
        path: impl Into<String>,
        actual: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Value { path: path.into(), actual: actual.to_string(), expected: expected.into() }
    }

    /// Checks that `actual` is between `min` and `max`, both included.
    pub fn check_number(path: &str, actual: u64, min: u64, max: u64) -> Result<(), Self> {
        if (min..=max).contains(&actual) {
            return Ok(());
        }
        Err(Self::value(path, actual, format!("between {min} and {max}")))
    }
}
