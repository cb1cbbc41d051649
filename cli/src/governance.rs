//! `idem governance`: show governors, validators and parameters; propose and approve changes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use registry_core::crypto::Hash;
use registry_core::governance::{Change, Edits, PublishingKey, ValidatorEntry};
use registry_core::id::Fragment;
use rpc::prepare::governance::{Approving, Propose, Step, StepKind, Withdrawing};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::author::{Author, AuthorArgs, Sent};
use super::client::given;
use super::context::Context;
use super::exit::Failure;
use super::file::read_text;
use super::genesis::{read_entry, read_parameters};
use crate::limits::GENESIS_FILE_BYTES_MAX;

#[derive(Debug, Subcommand)]
pub(super) enum GovernanceCommand {
    /// Show governors, validators, parameters, publishing keys, version and scheduled changes
    Show(AtArgs),
    /// List proposals
    List(ListArgs),
    /// Show a proposal: approvals, status, and whether its new validators are ready
    Proposal(ProposalArgs),
    /// Propose a change; the proposer approves it thereby
    Propose(Box<ProposeArgs>),
    /// Approve a proposal
    Approve(StepArgs),
    /// Withdraw an approval
    Withdraw(StepArgs),
}

#[derive(Debug, Args)]
pub(super) struct AtArgs {
    /// The time to ask about: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Begin after this proposal
    #[arg(long, value_name = "ID")]
    after: Option<Hash>,
    /// Largest number of proposals to list
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct ProposalArgs {
    /// Id of the operation that made the proposal
    #[arg(value_name = "ID")]
    proposal: Hash,
    #[command(flatten)]
    at: AtArgs,
}

#[derive(Debug, Args)]
pub(super) struct StepArgs {
    /// Id of the operation that made the proposal
    #[arg(value_name = "ID")]
    proposal: Hash,
    #[command(flatten)]
    author: AuthorArgs,
}

#[derive(Debug, Args)]
pub(super) struct ProposeArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// Lowest height at which the change holds [default: 100 above the present]; it also waits for
    /// the notice of the parameters
    #[arg(long, value_name = "HEIGHT")]
    height: Option<u64>,
    #[command(flatten)]
    author: AuthorArgs,
}

/// Options that describe a change of exactly one record.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct ChangeArgs {
    /// Add a validator, or replace the one with its name; ENTRY is the file that its operator made
    /// with `idem genesis entry`; may be repeated
    #[arg(long, value_name = "ENTRY")]
    put_validator: Vec<PathBuf>,
    /// Name of a validator to remove; may be repeated
    #[arg(long, value_name = "NAME")]
    remove_validator: Vec<String>,
    /// Add the publishing key of an entry, or replace the one with its name; may be repeated
    #[arg(long, value_name = "ENTRY", conflicts_with_all = ["put_validator", "remove_validator"])]
    put_publishing: Vec<PathBuf>,
    /// Name of a publishing key to remove; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with_all = ["put_validator", "remove_validator"])]
    remove_publishing: Vec<Fragment>,
    /// Replace all parameters by those of a JSON file, like `parameters` of the genesis file
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// Change to the next protocol version: the present one plus 1
    #[arg(long, value_name = "N")]
    protocol_version: Option<u64>,
    /// File with any change, as the JSON that docs/protocol/governance.md describes
    #[arg(long, value_name = "FILE")]
    change: Option<PathBuf>,
}

impl ChangeArgs {
    fn change(self) -> Result<Change, Failure> {
        let mut changes = Vec::new();
        if !self.put_validator.is_empty() || !self.remove_validator.is_empty() {
            let mut put: Vec<ValidatorEntry> = Vec::new();
            for path in &self.put_validator {
                put.push(read_entry(path)?.validator);
            }
            put.sort_by(|one, other| one.name.cmp(&other.name));
            let mut remove = self.remove_validator;
            remove.sort();
            changes.push(Change::Validators(Edits { put, remove }));
        }
        if !self.put_publishing.is_empty() || !self.remove_publishing.is_empty() {
            let mut put: Vec<PublishingKey> = Vec::new();
            for path in &self.put_publishing {
                put.push(read_entry(path)?.publishing);
            }
            put.sort_by(|one, other| one.name.cmp(&other.name));
            let mut remove = self.remove_publishing;
            remove.sort();
            changes.push(Change::Publishing(Edits { put, remove }));
        }
        if let Some(path) = &self.parameters {
            changes.push(Change::Parameters(read_parameters(path)?));
        }
        changes.extend(self.protocol_version.map(Change::Version));
        if let Some(path) = &self.change {
            let text = read_text(path, GENESIS_FILE_BYTES_MAX)?;
            let read = serde_json::from_str(&text);
            changes.push(read.map_err(|error| {
                Failure::usage(format!("{} holds no change: {error}", path.display()))
            })?);
        }
        match (changes.pop(), changes.is_empty()) {
            (Some(change), true) => Ok(change),
            _ => Err(Failure::usage_with(
                "a proposal changes one record",
                "propose validators, publishing keys, parameters and version each by itself",
            )),
        }
    }
}

/// Answer of a command that made, approved or withdrew approval of a proposal.
#[derive(Debug, Serialize)]
struct ProposalWritten {
    proposal: Hash,
    #[serde(flatten)]
    sent: Sent,
}

pub(super) async fn run(command: GovernanceCommand, context: &Context) -> Result<(), Failure> {
    match command {
        GovernanceCommand::Show(AtArgs { at }) => {
            show("governance_show", json!({ "at": at }), context).await
        }
        GovernanceCommand::List(ListArgs { after, limit }) => {
            show("governance_list", json!({ "after": after, "limit": limit }), context).await
        }
        GovernanceCommand::Proposal(ProposalArgs { proposal, at: AtArgs { at } }) => {
            let params = json!({ "proposal": proposal, "at": at });
            show("governance_getProposal", params, context).await
        }
        GovernanceCommand::Propose(args) => propose(*args, context).await,
        GovernanceCommand::Approve(args) => step::<Approving>(args, context).await,
        GovernanceCommand::Withdraw(args) => step::<Withdrawing>(args, context).await,
    }
}

async fn show(method: &str, params: Value, context: &Context) -> Result<(), Failure> {
    let answer: Map<String, Value> = context.client()?.call(method, given(params)).await?;
    context.print_value(&Value::Object(answer))
}

async fn propose(args: ProposeArgs, context: &Context) -> Result<(), Failure> {
    let ProposeArgs { change, height, author } = args;
    let change = change.change()?;
    let author = Author::open(context, author).await?;
    let did = author.did().clone();
    let sent =
        author.write(Propose { author: did, change, height, salt: None, until: None }).await?;
    print(sent.operation, sent, context)
}

async fn step<K: StepKind>(args: StepArgs, context: &Context) -> Result<(), Failure> {
    let StepArgs { proposal, author } = args;
    let author = Author::open(context, author).await?;
    let sent = author.write(Step::<K>::new(author.did().clone(), proposal)).await?;
    print(proposal, sent, context)
}

fn print(proposal: Hash, sent: Sent, context: &Context) -> Result<(), Failure> {
    let Sent { operation, height } = &sent;
    let human = format!("proposal   {proposal}\noperation  {operation}\nheight     {height}");
    context.print(&ProposalWritten { proposal, sent }, human)
}
