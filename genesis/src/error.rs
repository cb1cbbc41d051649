//! Errors of a genesis file and of its ceremony, and warnings about what is allowed but risky.

use registry_core::code::Refusal;
use registry_core::crypto::SignatureError;
use registry_core::governance::GovernanceError;
use registry_state::execution::BlockError;

use crate::limits::SUGGESTION_DISTANCE_MAX;

/// Reason why a genesis file or an entry of the ceremony is refused. Paths name fields of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The JSON is longer than a genesis file may be.
    #[error("{actual} bytes of JSON, at most {limit} are allowed")]
    TooLarge {
        /// Length of the JSON in bytes.
        actual: usize,
        /// Largest allowed length in bytes.
        limit: usize,
    },
    /// The text is not JSON, or a field is unknown, missing or of the wrong type or spelling.
    #[error("line {line}, column {column}: {reason}{hint}")]
    Json {
        /// Line of the error, counted from 1.
        line: usize,
        /// Column of the error, counted from 1.
        column: usize,
        /// What the parser found and what it expected.
        reason: String,
        /// Suggestion that names the field that was probably meant; empty if there is none.
        hint: String,
    },
    /// A value has the right type but breaks a rule.
    #[error(transparent)]
    Rule(#[from] GovernanceError),
    /// An operation is not well formed, or it does not apply at height 0.
    #[error("operations[{index}] is refused: {refusal}; {}", refusal.code.hint())]
    Operation {
        /// Index of the operation in the list, counted from 0.
        index: usize,
        /// Code and text of the refusal.
        refusal: Refusal,
    },
    /// The signature of an entry does not fit its content and validator key.
    #[error("entry of {name}: {error}; its operator must make it again")]
    Entry {
        /// Name of the validator.
        name: String,
        /// Reason why the signature does not verify.
        error: SignatureError,
    },
    /// The execution of height 0 failed for another reason than an operation.
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

/// Returns the expected field that is most like the unknown one. Serde quotes both in backticks; if
/// it ever stops doing so, only this hint is lost.
fn suggestion(reason: &str) -> Option<&str> {
    let mut quoted = reason.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let known = quoted.map(|field| (distance(unknown, field), field));
    known.min().filter(|(distance, _)| *distance <= SUGGESTION_DISTANCE_MAX).map(|(_, field)| field)
}

/// Computes the Levenshtein distance in bytes, row by row.
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

/// A setting that is allowed but that the operators should know of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A recovery may take effect in less than a day.
    #[error(
        "parameters.recovery_delay_ms_min is {actual_ms} ms: owners may have less than \
         {usual_ms_min} ms (24 h) to veto a thief's recovery; fit for test networks only"
    )]
    RecoveryDelay {
        /// Shortest recovery delay that the network allows, in milliseconds.
        actual_ms: u64,
        /// Shortest recovery delay that networks usually allow, in milliseconds.
        usual_ms_min: u64,
    },
    /// A change of the network may take effect before anyone can object to it.
    #[error(
        "parameters.notice_ms_min is {actual_ms} ms: a proposal may take effect in less than \
         {usual_ms_min} ms (10 min), before governors and operators can object; fit for test \
         networks only"
    )]
    Notice {
        /// Shortest notice that the network allows, in milliseconds.
        actual_ms: u64,
        /// Shortest notice that networks usually allow, in milliseconds.
        usual_ms_min: u64,
    },
    /// The network halts if one of these validators fails, since the others are no quorum.
    #[error(
        "no block is committed while one of {} is down; a network of four validators of equal \
         power survives the loss of any one",
        names.join(", ")
    )]
    NoFaultTolerated {
        /// Names of these validators.
        names: Vec<String>,
    },
    /// Clients would fetch status lists and documents without TLS.
    #[error("public_url {url} has no TLS; fit for test networks only")]
    PublicUrl {
        /// The configured URL.
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
