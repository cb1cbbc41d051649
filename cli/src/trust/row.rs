//! Rows of an import: the grant that each asks for, and its outcome.

use std::fmt::Display;
use std::str::FromStr;

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::limits::TRUST_NAME_BYTES_MAX;
use registry_core::names::TrustKey;
use registry_core::trust::Conditions;
use rpc::prepare::trust::ParentParam;
use serde::Serialize;

use crate::author::Sent;
use crate::did::Ready;
use crate::exit::Failure;

/// Number of characters of a cell that a report repeats: the length of the longest name.
const SHOWN_CHARACTERS_MAX: usize = TRUST_NAME_BYTES_MAX;

/// A grant that a row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) key: TrustKey,
    pub(super) conditions: Conditions,
    /// Parent grant, if the file names one.
    pub(super) parent: Option<ParentParam>,
    /// Grantor, if the file names one.
    pub(super) grantor: Option<Did>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RowOutcome {
    /// This import granted the right.
    Granted,
    /// The author had granted the right before.
    Exists,
    /// The row was refused.
    Refused,
    /// The grant was sent, and the node did not say what became of it.
    Unknown,
    /// The import did not try to grant the right.
    Skipped,
}

impl RowOutcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Exists => "exists",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

/// Outcome of a row, with details for the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    pub(super) outcome: RowOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

impl Verdict {
    fn new(outcome: RowOutcome) -> Self {
        Self { outcome, operation: None, code: None, name: None, detail: None }
    }

    pub(super) fn granted(sent: &Sent) -> Self {
        Self { operation: Some(sent.operation), ..Self::new(RowOutcome::Granted) }
    }

    pub(super) fn exists(detail: Option<&str>) -> Self {
        Self { detail: detail.map(str::to_owned), ..Self::new(RowOutcome::Exists) }
    }

    pub(super) fn skipped(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(RowOutcome::Skipped) }
    }

    /// Makes the verdict on a grant whose operation was sent without an answer.
    pub(super) fn unknown(operation: Hash, failure: &Failure) -> Self {
        let detail = format!("`ledger_getReceipt` tells what became of its operation: {failure}");
        let (operation, detail) = (Some(operation), Some(detail));
        Self { operation, detail, ..Self::new(RowOutcome::Unknown) }
    }

    /// Makes a verdict for a rule that has no code, such as the form of the file.
    pub(super) fn refused(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(RowOutcome::Refused) }
    }

    /// Makes the verdict that the ledger would give.
    pub(super) fn refused_by(code: Code, field: &'static str, detail: String) -> Self {
        Self::from(Failure::known(&Refusal::new(code, field, detail)))
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { code, name, reason, .. } => {
                Self { code: Some(code), name: Some(name), ..Self::refused(reason) }
            }
            other => Self::refused(other.to_string()),
        }
    }
}

/// Progress of a row.
#[derive(Debug)]
pub(super) enum State {
    Wanted(Box<Wanted>),
    Ready(Ready),
    Done(Verdict),
}

/// A row with the names that it contains, shortened for the report.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) entity: String,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) state: State,
}

impl Row {
    pub(super) fn new(
        [entity, action, resource]: [&str; 3],
        read: Result<Wanted, Verdict>,
    ) -> Self {
        Self {
            entity: shown(entity),
            action: shown(action),
            resource: shown(resource),
            state: read.map_or_else(State::Done, |wanted| State::Wanted(Box::new(wanted))),
        }
    }

    pub(super) fn wanted(&self) -> Option<&Wanted> {
        match &self.state {
            State::Wanted(wanted) => Some(wanted),
            _ => None,
        }
    }
}

/// Shortens a text to what a report repeats.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Parses a name and checks that it is not longer than the ledger allows.
pub(super) fn name<T: FromStr<Err: Display>>(
    field: &'static str,
    text: &str,
) -> Result<T, Verdict> {
    let malformed = |detail| Verdict::refused_by(Code::IdentifierMalformed, field, detail);
    if text.len() > TRUST_NAME_BYTES_MAX {
        let actual = text.len();
        let detail = format!("{actual} bytes, at most {TRUST_NAME_BYTES_MAX} are allowed");
        return Err(malformed(detail));
    }
    text.parse().map_err(|error: T::Err| malformed(error.to_string()))
}
