//! `idem status-list import`: make a list of this ledger from an existing W3C or IETF list.

use std::path::PathBuf;

use clap::Args;
use registry_core::status::{Run, StatusPurpose};
use rpc::limits::STATUS_TOKEN_BYTES_MAX;
use rpc::view::ViewError;
use rpc::view::bits::entry;
use rpc::view::token::Token;

use super::ListArgs;
use super::write::{changed, check_range, make, set};
use crate::author::{Author, AuthorArgs};
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_input;

/// Options of the import. The import does not check the signature of the existing list: whoever
/// imports a list is responsible for its entries.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A W3C credential (JSON or JWT) or an IETF token (JWT or CWT); - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    author: AuthorArgs,
    /// Purpose of the list, which IETF tokens do not state [default: the purpose in FILE]
    #[arg(long, value_parser = super::purpose)]
    purpose: Option<StatusPurpose>,
    /// Bits per entry, if FILE is a W3C credential that does not state them
    #[arg(long, value_name = "N")]
    bits: Option<u8>,
    /// Number of entries [default: as many as FILE has room for]
    #[arg(long, value_name = "N")]
    length: Option<u64>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) async fn run(args: ImportArgs, context: &Context) -> Result<(), Failure> {
    let ImportArgs { file, author, purpose, bits, length, list } = args;
    let limit = u64::try_from(STATUS_TOKEN_BYTES_MAX).unwrap_or(u64::MAX);
    let token = read_input(&file, limit)?;
    let wrong = |error: ViewError| {
        let message = format!("{}: {}: {error}", file.display(), error.name());
        Failure::usage_with(message, error.hint())
    };
    let published = Token::parse(&token).and_then(|token| token.published(bits)).map_err(wrong)?;
    let purpose = purpose.or(published.purpose).ok_or_else(|| {
        let message = format!("{} does not say what its entries mean", file.display());
        Failure::usage_with(message, "give --purpose")
    })?;
    let (bits, array) = published.to_ledger(purpose).map_err(wrong)?;
    let length = length.unwrap_or_else(|| published.length());
    let runs = runs(&array, bits);
    check_range(&runs, length)?;
    let author = Author::open(context, author).await?;
    let created = make(&author, list.create(purpose, bits, length)).await?;
    let mut operations = vec![created.sent.clone()];
    operations.extend(set(&author, &created.list, &runs).await?);
    changed(created.list, &runs, operations, context)
}

/// Returns the nonzero entries. Neighbours with the same value form one run.
fn runs(array: &[u8], bits: u8) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (start, value) in (0..).map_while(|index| Some((index, entry(array, bits, index)?))) {
        match runs.last_mut() {
            _ if value == 0 => {}
            Some(run) if run.value == value && run.end() == Some(start) => run.length += 1,
            _ => runs.push(Run { start, length: 1, value, expect: None }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_value_are_one_run() {
        let run = |start, length, value| Run { start, length, value, expect: None };
        assert_eq!(runs(&[0b1110_0010, 0b1], 1), [run(1, 1, 1), run(5, 4, 1)]);
        assert_eq!(runs(&[0b1001_0101, 0b0011], 2), [run(0, 3, 1), run(3, 1, 2), run(4, 1, 3)]);
        assert_eq!(runs(&[0; 16], 1), []);
    }
}
