//! Exit codes and the display of failures. No other module deals with either.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use genesis::GenesisError;
use keys::{HomeError, KeysError};
use miette::Diagnostic;
use registry_core::code::Refusal;

/// Exit code of a command that succeeded.
pub(crate) const DONE: u8 = 0;
/// Exit code if the ledger refused the operation, or what was asked for does not exist.
pub(crate) const REFUSED: u8 = 1;
/// Exit code for wrong usage or bad input from the command line, a file or this machine.
pub(crate) const USAGE: u8 = 2;
/// Exit code if no node could be reached.
pub(crate) const UNREACHABLE: u8 = 3;

/// Reason why a command failed.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum Failure {
    /// A node answered with one of the documented codes.
    #[error("refused: {code} {name}: {reason}")]
    Refused {
        /// Stable number of the code.
        code: i64,
        /// Stable name of the code.
        name: String,
        /// What is wrong, starting with the path of the field if there is one.
        reason: String,
        /// What the user can do about it.
        #[help]
        hint: Option<String>,
    },
    /// The object that the user asked for does not exist.
    #[error("not found: {what}")]
    NotFound {
        /// Object that was looked for, and why it does not exist.
        what: String,
    },
    /// The input or a file on this machine is unusable.
    #[error("{message}")]
    Usage {
        message: String,
        /// What the user can do about it.
        #[help]
        remedy: Option<String>,
    },
    /// Some rows of an import were refused; the command has handled and reported all of them.
    #[error("{refused} of {all} rows were refused")]
    Rows {
        /// Number of rows that were refused.
        refused: usize,
        /// Number of all rows.
        all: usize,
    },
    /// No node answers.
    #[error("no node answers at {url}: {reason}")]
    #[diagnostic(help("start a node there, or name another one with --rpc URL"))]
    Unreachable {
        /// URL that was tried.
        url: String,
        /// Description of the network error.
        reason: String,
    },
}

impl Failure {
    /// Makes a failure for bad input without a remedy.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), remedy: None }
    }

    /// Makes a failure for bad input with a remedy.
    pub(crate) fn usage_with(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), remedy: Some(remedy.into()) }
    }

    /// Makes a failure for an operation that this program already knows to be invalid. The
    /// operation is not sent, so the failure is bad input, with the code that the ledger would
    /// give.
    pub(crate) fn local(refusal: &Refusal) -> Self {
        Self::usage_with(format!("not sent: {refusal}"), refusal.code.hint())
    }

    /// Makes the refusal that the ledger would return, judged by the state that was just read from
    /// it.
    pub(crate) fn known(refusal: &Refusal) -> Self {
        Self::Refused {
            code: i64::from(refusal.code.number()),
            name: refusal.code.name().to_owned(),
            reason: format!("{}: {}", refusal.field, refusal.detail),
            hint: Some(refusal.code.hint().to_owned()),
        }
    }

    /// Returns the exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::NotFound { .. } | Self::Rows { .. } => REFUSED,
            Self::Usage { .. } => USAGE,
            Self::Unreachable { .. } => UNREACHABLE,
        }
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<GenesisError> for Failure {
    fn from(error: GenesisError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Self::usage(error.to_string())
    }
}

/// Sets how failures are displayed: a message is never wrapped, whatever the width of the terminal,
/// so that scripts can search it.
pub(super) fn install_reporter() {
    let installed = miette::set_hook(Box::new(|_| {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())
    }));
    // Setting a hook fails only if there is one already; the first one then stays.
    drop(installed);
}

/// Shows a failure on standard error and returns the exit code.
pub(super) fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::from(DONE),
        Err(failure) => {
            let code = failure.exit_code();
            eprintln!("{:?}", miette::Report::new(failure));
            ExitCode::from(code)
        }
    }
}

/// Prints a warning on standard error.
pub(super) fn warn(message: impl std::fmt::Display) {
    if std::io::stderr().is_terminal() {
        eprintln!("\u{1b}[33mwarning\u{1b}[0m: {message}");
    } else {
        eprintln!("warning: {message}");
    }
}
