//! Exit codes and how failures are shown; the only place that knows either.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use genesis::GenesisError;
use keys::{HomeError, KeysError};
use miette::Diagnostic;
use registry_core::code::Refusal;
use rpc::prepare::PrepareError;

/// Done.
pub(crate) const DONE: u8 = 0;
/// Refused by the ledger, or not found.
pub(crate) const REFUSED: u8 = 1;
/// Wrong usage or bad input, from the command line, a file or this machine.
pub(crate) const USAGE: u8 = 2;
/// No node could be reached.
pub(crate) const UNREACHABLE: u8 = 3;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum Failure {
    /// A node answered with one of the documented codes.
    #[error("refused: {code} {name}: {reason}")]
    Refused {
        /// The stable number.
        code: i64,
        /// The stable name.
        name: String,
        /// What is wrong, with the field's path where there is one.
        reason: String,
        /// The remedy.
        #[help]
        hint: Option<String>,
    },
    /// What was asked for does not exist.
    #[error("not found: {what}")]
    NotFound {
        /// What was looked for, and why it is not there.
        what: String,
    },
    /// The input or this machine's files are not usable.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// The remedy.
        #[help]
        remedy: Option<String>,
    },
    /// A command did what it could of many things, and reported the rest.
    #[error("{refused} of {all} rows were refused")]
    Rows {
        /// How many.
        refused: usize,
        /// Of how many.
        all: usize,
    },
    /// No node answers.
    #[error("no node answers at {url}: {reason}")]
    #[diagnostic(help("start a node there, or name another one with --rpc URL"))]
    Unreachable {
        /// The address tried.
        url: String,
        /// What the network said.
        reason: String,
    },
}

impl Failure {
    /// Bad input without a remedy of its own.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), remedy: None }
    }

    /// Bad input and what to do about it.
    pub(crate) fn usage_with(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), remedy: Some(remedy.into()) }
    }

    /// An operation that this program already knows to be wrong: it is not sent, so it is bad
    /// input, with the code that the ledger would give.
    pub(crate) fn local(refusal: &Refusal) -> Self {
        Self::usage_with(format!("not sent: {refusal}"), refusal.code.hint())
    }

    /// What the ledger would answer, by the state that was just read from it.
    pub(crate) fn known(refusal: &Refusal) -> Self {
        Self::Refused {
            code: i64::from(refusal.code.number()),
            name: refusal.code.name().to_owned(),
            reason: format!("{}: {}", refusal.field, refusal.detail),
            hint: Some(refusal.code.hint().to_owned()),
        }
    }

    /// The process's exit code.
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

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Self::usage(error.to_string())
    }
}

/// Sets how failures are drawn: each message on lines of its own, whatever the width, so that
/// scripts can search it.
pub(super) fn install_reporter() {
    let installed = miette::set_hook(Box::new(|_| {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())
    }));
    // A second hook could only come from a second call in one process; the first one stays.
    drop(installed);
}

/// Shows a failure on standard error and answers the exit code.
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

/// A remark for people, on standard error.
pub(super) fn warn(message: impl std::fmt::Display) {
    if std::io::stderr().is_terminal() {
        eprintln!("\u{1b}[33mwarning\u{1b}[0m: {message}");
    } else {
        eprintln!("warning: {message}");
    }
}
