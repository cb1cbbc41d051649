//! What can be wrong with the value of a governance record.

use super::PublishingError;
use crate::certificate::ValidatorSetError;

/// A rule that the value of a governance record breaks. Paths begin at that value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GovernanceError {
    /// A value of the right type that breaks a rule.
    #[error("{path} is {actual}, it must be {expected}")]
    Value {
        /// Where.
        path: String,
        /// The value.
        actual: String,
        /// The rule.
        expected: String,
    },
    /// A value that only one validator may have.
    #[error("{path} is {actual}, which {first} has already; each validator needs its own")]
    Duplicate {
        /// Where it stands for the second time.
        path: String,
        /// The value.
        actual: String,
        /// Name of the validator that has it.
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
    /// A value that breaks a rule.
    pub fn value(
        path: impl Into<String>,
        actual: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Value { path: path.into(), actual: actual.to_string(), expected: expected.into() }
    }

    /// Whether `actual` is within bounds.
    pub fn check_number(path: &str, actual: u64, min: u64, max: u64) -> Result<(), Self> {
        if (min..=max).contains(&actual) {
            return Ok(());
        }
        Err(Self::value(path, actual, format!("between {min} and {max}")))
    }
}
