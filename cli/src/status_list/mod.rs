//! `idem status-list`: make status lists, set their entries and read them.

mod delegate;
mod entries;
mod import;
mod publish;
mod read;
pub(crate) mod write;

use clap::{ArgGroup, Args, Subcommand};
use registry_core::id::ListId;
use registry_core::status::StatusPurpose;

use super::author::AuthorArgs;
use super::context::Context;
use super::exit::Failure;
use super::time::time_ms;
use delegate::{DELEGATE_FORM, DelegateArg};
use entries::EntriesArgs;
use write::Mark;

#[derive(Debug, Subcommand)]
pub(super) enum StatusListCommand {
    /// Make a list whose entries are all zero
    Create(CreateArgs),
    /// Set entries of a list of any purpose to a value
    Set(SetArgs),
    /// Set entries of a suspension list
    Suspend(MarkArgs),
    /// Set entries of a revocation list, for ever
    Revoke(MarkArgs),
    /// Clear entries of a suspension list
    Resume(MarkArgs),
    /// Tell the value of an entry, now or at a past time
    Check(read::CheckArgs),
    /// Show a list, now or in the past
    Show(read::ShowArgs),
    /// List the versions of a list
    History(read::HistoryArgs),
    /// Make a list from an existing W3C or IETF list, with its entries
    Import(import::ImportArgs),
    /// Sign a token of a list as its issuer and have a node serve it
    Publish(publish::PublishArgs),
    /// Change the delegates of a list, or the end of its validity
    Update(UpdateArgs),
    /// End a list: it stays readable and never changes again
    Close(CloseArgs),
}

/// Options that describe a new list, besides its entries.
#[derive(Debug, Args)]
struct ListArgs {
    /// URI at which the list is published [default: at the nodes of the network]
    #[arg(long, value_name = "URI")]
    uri: Option<String>,
    /// Start of the list's validity: RFC 3339, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "T", value_parser = time_ms)]
    valid_from: Option<u64>,
    /// End of the list's validity: RFC 3339
    #[arg(long, value_name = "T", value_parser = time_ms)]
    valid_until: Option<u64>,
    /// Another DID that may set the entries A to B, at most N of them in an hour, until time T if
    /// given; may be repeated
    #[arg(long = "delegate", value_name = DELEGATE_FORM, value_parser = DelegateArg::parse)]
    delegates: Vec<DelegateArg>,
    /// Meaning of the next value, starting with 0, for the purpose message; may be repeated
    #[arg(long = "message", value_name = "TEXT")]
    messages: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    #[command(flatten)]
    author: AuthorArgs,
    /// Purpose of the list: revocation, suspension, refresh or message
    #[arg(long, value_parser = purpose)]
    purpose: StatusPurpose,
    /// Number of entries
    #[arg(long, value_name = "N")]
    length: u64,
    /// Bits per entry; more than 1 only for the purpose message
    #[arg(long, value_name = "N", default_value_t = 1)]
    bits: u8,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub(super) struct MarkArgs {
    /// The list
    list: ListId,
    #[command(flatten)]
    author: AuthorArgs,
    #[command(flatten)]
    entries: EntriesArgs,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    mark: MarkArgs,
    /// The new value of each entry
    #[arg(long, value_name = "V")]
    value: u8,
    /// The value that each entry must hold before
    #[arg(long, value_name = "V")]
    expect: Option<u8>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(super) struct UpdateArgs {
    /// The list
    list: ListId,
    #[command(flatten)]
    author: AuthorArgs,
    /// New end of the list's validity: RFC 3339
    #[arg(long, value_name = "T", value_parser = time_ms, group = "change")]
    valid_until: Option<u64>,
    /// Let the list have no end
    #[arg(long, group = "change", conflicts_with = "valid_until")]
    no_end: bool,
    /// A delegate that the list shall have, in place of all that it has; may be repeated
    #[arg(long = "delegate", value_name = DELEGATE_FORM, value_parser = DelegateArg::parse,
        group = "change")]
    delegates: Vec<DelegateArg>,
    /// Let the list have no delegates
    #[arg(long, group = "change", conflicts_with = "delegates")]
    no_delegates: bool,
}

#[derive(Debug, Args)]
pub(super) struct CloseArgs {
    /// The list
    list: ListId,
    #[command(flatten)]
    author: AuthorArgs,
}

pub(super) async fn run(command: StatusListCommand, context: &Context) -> Result<(), Failure> {
    match command {
        StatusListCommand::Create(args) => write::create(args, context).await,
        StatusListCommand::Set(args) => {
            let SetArgs { mark, value, expect } = args;
            write::mark(mark, Mark { command: "set", purpose: None, value, expect }, context).await
        }
        StatusListCommand::Suspend(args) => write::mark(args, Mark::SUSPEND, context).await,
        StatusListCommand::Revoke(args) => write::mark(args, Mark::REVOKE, context).await,
        StatusListCommand::Resume(args) => write::mark(args, Mark::RESUME, context).await,
        StatusListCommand::Check(args) => read::check(args, context).await,
        StatusListCommand::Show(args) => read::show(args, context).await,
        StatusListCommand::History(args) => read::history(args, context).await,
        StatusListCommand::Import(args) => import::run(args, context).await,
        StatusListCommand::Publish(args) => publish::run(args, context).await,
        StatusListCommand::Update(args) => write::update(args, context).await,
        StatusListCommand::Close(args) => write::close(args, context).await,
    }
}

/// Parses the purpose of a list, for clap.
pub(super) fn purpose(text: &str) -> Result<StatusPurpose, String> {
    let wrong = || format!("{text:?} must be revocation, suspension, refresh or message");
    StatusPurpose::from_name(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_are_those_of_the_ledger() {
        assert_eq!(purpose("suspension"), Ok(StatusPurpose::Suspension));
        assert!(purpose("Revocation").is_err());
    }
}
