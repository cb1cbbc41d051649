//! What can be wrong with a genesis file, and what is allowed but worth a word.

use registry_core::code::Refusal;
use registry_core::crypto::SignatureError;
use registry_core::governance::GovernanceError;
use registry_state::execution::BlockError;

use crate::limits::SUGGESTION_DISTANCE_MAX;

/// Why a genesis file or a ceremony's entry is refused. Paths are those of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// More text than a genesis may have.
    #[error("{actual} bytes of JSON, at most {limit} are allowed")]
    TooLarge {
        /// Bytes given.
        actual: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not JSON, or not of this shape: an unknown or missing field, a wrong type or spelling.
    #[error("line {line}, column {column}: {reason}{hint}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found and what was expected.
        reason: String,
        /// Empty, or the field that was probably meant.
        hint: String,
    },
    /// A value of the right type that breaks a rule.
    #[error(transparent)]
    Rule(#[from] GovernanceError),
    /// An operation that is wrong by itself or does not apply.
    #[error("operations[{index}] is refused: {refusal}; {}", refusal.code.hint())]
    Operation {
        /// Place in the list, from 0.
        index: usize,
        /// Why.
        refusal: Refusal,
    },
    /// An entry that its validator key did not sign as it stands.
    #[error("entry of {name}: {error}; its operator must make it again")]
    Entry {
        /// Name of the validator.
        name: String,
        /// What is wrong with the signature.
        error: SignatureError,
    },
    /// Execution failed for another reason than an operation.
    #[error("height 0 cannot be executed: {0}")]
    Execution(BlockError),
}

impl GenesisError {
    pub(crate) fn value(
        path: impl Into<String>,
        actual: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Rule(GovernanceError::value(path, actual, expected))
    }
}

impl From<serde_json::Error> for GenesisError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        let hint = suggestion(&reason).map(|field| format!("; did you mean `{field}`?"));
        Self::Json { line, column, reason, hint: hint.unwrap_or_default() }
    }
}

impl From<BlockError> for GenesisError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Operation { index, refusal } => Self::Operation { index, refusal },
            BlockError::Governor { did } => {
                Self::value("governors", did, "DIDs that the operations create")
            }
            other => Self::Execution(other),
        }
    }
}

/// The expected field nearest to the unknown one. Serde quotes both in backticks; should it ever
/// stop to do so, the hint is lost and nothing else.
fn suggestion(reason: &str) -> Option<&str> {
    let mut quoted = reason.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let known = quoted.map(|field| (distance(unknown, field), field));
    known.min().filter(|(distance, _)| *distance <= SUGGESTION_DISTANCE_MAX).map(|(_, field)| field)
}

/// Levenshtein distance in bytes, row by row.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut last = i + 1;
        for (to, cell) in right.bytes().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            last = replaced.min(*cell + 1).min(last + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Allowed, but the operators should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Recovery may be quicker than a day.
    #[error(
        "parameters.recovery_delay_ms_min is {actual_ms} ms: owners may have less than \
         {usual_ms_min} ms (24 h) to veto a thief's recovery; fit for test networks only"
    )]
    RecoveryDelay {
        /// The network's shortest delay.
        actual_ms: u64,
        /// What other networks keep to.
        usual_ms_min: u64,
    },
    /// Validators without whom the others are no quorum.
    #[error(
        "no block is committed while one of {} is down; a network of four validators of equal \
         power survives the loss of any one",
        names.join(", ")
    )]
    NoFaultTolerated {
        /// Their names.
        names: Vec<String>,
    },
    /// Status lists and documents would be fetched without TLS.
    #[error("public_url {url} has no TLS; fit for test networks only")]
    PublicUrl {
        /// The URL.
        url: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_gets_a_suggestion_and_nonsense_none() {
        let reason = |field: &str| format!("unknown field `{field}`, expected `power` or `peer`");
        assert_eq!(suggestion(&reason("powr")), Some("power"));
        assert_eq!(suggestion(&reason("peers")), Some("peer"));
        assert_eq!(suggestion(&reason("colour_scheme")), None);
        assert_eq!(suggestion("missing field `power`"), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
