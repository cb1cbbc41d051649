//! `idem agent`: delegate to agents, which are programs that act for a principal; suspend, resume
//! and revoke delegations; verify what an agent may do.

use clap::{Args, Subcommand};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, Resource};
use registry_core::time::TimeMs;
use rpc::prepare::agent::{self as prepare, Resuming, Step, StepKind, Suspending};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::author::{Author, AuthorArgs, Sent};
use super::client::given;
use super::context::Context;
use super::exit::Failure;
use super::time::time_ms;

#[derive(Debug, Subcommand)]
pub(super) enum AgentCommand {
    /// Delegate to an agent, or replace its delegation; the agent signs too (--cosigner-keys)
    Delegate(DelegateArgs),
    /// Suspend the delegation to an agent, and all below it, until it is resumed
    Suspend(StepArgs),
    /// Resume a suspended delegation
    Resume(StepArgs),
    /// Revoke the delegation to an agent; the agent itself may do so too
    Revoke(RevokeArgs),
    /// Tell whether an agent may perform an action on a resource, and for which principal
    Verify(VerifyArgs),
    /// Show the delegation to an agent
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct StepArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    agent: Did,
    #[command(flatten)]
    author: AuthorArgs,
}

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    step: StepArgs,
    /// Declare for ever that the delegation never was, within 30 days of its making; the control
    /// set of the principal signs
    #[arg(long)]
    void: bool,
    /// Operation that made the delegation that is voided [default: the present one]
    #[arg(long, value_name = "HEX", requires = "void")]
    operation: Option<Hash>,
}

#[derive(Debug, Args)]
pub(super) struct DelegateArgs {
    #[command(flatten)]
    step: StepArgs,
    /// Action that the agent may perform; may be repeated
    #[arg(long = "action", value_name = "A", required = true)]
    actions: Vec<ActionName>,
    /// Resource, or pattern such as mail/*, that it may act on; may be repeated
    #[arg(long = "resource", value_name = "R", required = true)]
    resources: Vec<Resource>,
    /// Start of the delegation: RFC 3339, such as 2026-11-21T08:00:00Z [default: at once]
    #[arg(long, value_name = "T", value_parser = time_ms)]
    valid_from: Option<u64>,
    /// End of the delegation: RFC 3339
    #[arg(long, value_name = "T", value_parser = time_ms)]
    valid_until: u64,
    /// Number of further delegations that may follow below this one, 1 to 7 [default: none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=7))]
    max_depth: Option<u8>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    agent: Did,
    /// Action to ask about
    #[arg(long, value_name = "A")]
    action: ActionName,
    /// Resource to ask about
    #[arg(long, value_name = "R")]
    resource: Resource,
    /// The time to ask about: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    agent: Did,
    /// The time at which to show it: RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Answer of a command that changed a delegation.
#[derive(Debug, Serialize)]
struct AgentWritten {
    agent: Did,
    #[serde(flatten)]
    sent: Sent,
}

pub(super) async fn run(command: AgentCommand, context: &Context) -> Result<(), Failure> {
    match command {
        AgentCommand::Delegate(args) => delegate(args, context).await,
        AgentCommand::Suspend(args) => step::<Suspending>(args, context).await,
        AgentCommand::Resume(args) => step::<Resuming>(args, context).await,
        AgentCommand::Revoke(args) => revoke(args, context).await,
        AgentCommand::Verify(args) => {
            let VerifyArgs { agent, action, resource, at } = args;
            let asked = json!({ "agent": agent, "action": action, "resource": resource, "at": at });
            let answer: Map<String, Value> =
                context.client()?.call("agent_verify", given(asked)).await?;
            context.print_fields(&answer)
        }
        AgentCommand::Show(ShowArgs { agent, at }) => {
            let asked = given(json!({ "agent": agent, "at": at }));
            let shown: Map<String, Value> = context.client()?.call("agent_get", asked).await?;
            context.print_fields(&shown)
        }
    }
}

async fn delegate(args: DelegateArgs, context: &Context) -> Result<(), Failure> {
    let DelegateArgs { step, mut actions, mut resources, valid_from, valid_until, max_depth } =
        args;
    let author = Author::open(context, step.author).await?;
    actions.sort();
    actions.dedup();
    resources.sort();
    resources.dedup();
    let agent = step.agent;
    let sent = author
        .write(prepare::Delegate {
            author: author.did().clone(),
            agent: agent.clone(),
            actions,
            resources,
            valid_from: valid_from.map(TimeMs),
            valid_until: TimeMs(valid_until),
            max_depth,
            beneath: None,
            salt: None,
            endorser: None,
            until: None,
        })
        .await?;
    print(agent, sent, context)
}

async fn step<K: StepKind>(args: StepArgs, context: &Context) -> Result<(), Failure> {
    let StepArgs { agent, author } = args;
    let author = Author::open(context, author).await?;
    let sent = author.write(Step::<K>::new(author.did().clone(), agent.clone())).await?;
    print(agent, sent, context)
}

async fn revoke(args: RevokeArgs, context: &Context) -> Result<(), Failure> {
    let RevokeArgs { step: StepArgs { agent, author }, void, operation } = args;
    let author = Author::open(context, author).await?;
    let revoke = prepare::Revoke::new(author.did().clone(), agent.clone(), void, operation);
    let sent = author.write(revoke).await?;
    print(agent, sent, context)
}

fn print(agent: Did, sent: Sent, context: &Context) -> Result<(), Failure> {
    let Sent { operation, height } = &sent;
    let human = format!("agent      {agent}\noperation  {operation}\nheight     {height}");
    context.print(&AgentWritten { agent, sent }, human)
}
