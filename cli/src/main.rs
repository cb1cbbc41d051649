//! The command line of the `idem` binary. Standard output carries only the answer, everything else
//! goes to standard error. The exit codes are in [`exit`].
//!
//! The commands that make and run nodes are behind the feature `node`. Without it the binary is a
//! client of nodes that others run, and a tool for genesis ceremonies.

mod agent;
mod author;
mod ceremony;
mod client;
#[cfg(feature = "node")]
mod config;
mod context;
mod did;
mod exit;
mod file;
#[cfg(feature = "node")]
mod founders;
mod genesis;
mod governance;
#[cfg(feature = "node")]
mod homes;
mod import;
#[cfg(feature = "node")]
mod init;
mod keys;
mod limits;
#[cfg(feature = "node")]
mod localnet;
mod operation;
mod passphrase;
mod prepare;
mod schema;
#[cfg(feature = "node")]
mod start;
mod status;
mod status_list;
#[cfg(feature = "node")]
mod testnet;
mod time;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use context::Context;
use exit::Failure;

/// Building answers takes many small allocations on many threads. With the system's allocator they
/// cost more than anything else in a resolution. The feature `override` of mimalloc replaces
/// RocksDB's allocator too, whose cache would otherwise return memory to the system and request it
/// again all the time.
#[cfg(feature = "node")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A decentralized identity registry node on a ledger.
#[derive(Debug, Parser)]
#[command(name = "idem", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// The node's home directory [default: ~/.idem]
    #[arg(long, global = true, env = "IDEM_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    #[cfg_attr(
        feature = "node",
        doc = "The node to talk to [default: the rpc.listen of HOME's configuration]"
    )]
    #[cfg_attr(not(feature = "node"), doc = "The node to talk to")]
    #[arg(long, global = true, env = "IDEM_RPC", value_name = "URL")]
    rpc: Option<String>,
    /// Answer with JSON, and nothing but JSON, on standard output
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a node's home: configuration and keys
    #[cfg(feature = "node")]
    Init(init::InitArgs),
    /// Run a node
    #[cfg(feature = "node")]
    Start(start::StartArgs),
    /// Run a whole network on this machine
    #[cfg(feature = "node")]
    #[command(subcommand)]
    Localnet(localnet::LocalnetCommand),
    /// Make the homes of a network on several hosts
    #[cfg(feature = "node")]
    Testnet(testnet::TestnetArgs),
    /// Make a genesis file together: each operator writes an entry, one builds, all compare the
    /// hash
    #[command(subcommand)]
    Genesis(genesis::GenesisCommand),
    /// Show what a node is doing
    Status(status::StatusArgs),
    /// Register and read DIDs
    #[command(subcommand)]
    Did(did::DidCommand),
    /// Make, change and read lists of credential status
    #[command(subcommand)]
    StatusList(status_list::StatusListCommand),
    /// Grant rights, ask who has them, import and export them
    #[command(subcommand)]
    Trust(trust::TrustCommand),
    /// Delegate to agents, stop them, and ask what they may do
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// Propose and approve changes of the network's own rules
    #[command(subcommand)]
    Governance(governance::GovernanceCommand),
    /// Have an operation signed by several parties, each on its own machine
    #[command(subcommand)]
    Operation(operation::OperationCommand),
    /// Publish schemas and credential types, withdraw and read them
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
    /// Make and show keys of DIDs, and show those of the node
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Check and show the node's configuration
    #[cfg(feature = "node")]
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

fn main() -> ExitCode {
    exit::install_reporter();
    match Cli::try_parse() {
        Ok(cli) => exit::finish(run_command(cli)),
        // Help and version go to standard output with exit code 0, usage errors to standard error
        // with 2.
        Err(error) => error.exit(),
    }
}

fn run_command(cli: Cli) -> Result<(), Failure> {
    let context = Context::new(cli.home, cli.rpc, cli.json)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        match cli.command {
            #[cfg(feature = "node")]
            Command::Init(args) => init::run(args, &context),
            #[cfg(feature = "node")]
            Command::Start(args) => start::run(args, &context).await,
            #[cfg(feature = "node")]
            Command::Localnet(command) => localnet::run(command, &context).await,
            #[cfg(feature = "node")]
            Command::Testnet(args) => testnet::run(args, &context),
            Command::Genesis(command) => genesis::run(command, &context),
            Command::Status(args) => status::run(args, &context).await,
            Command::Did(command) => did::run(command, &context).await,
            Command::StatusList(command) => status_list::run(command, &context).await,
            Command::Trust(command) => trust::run(command, &context).await,
            Command::Agent(command) => agent::run(command, &context).await,
            Command::Governance(command) => governance::run(command, &context).await,
            Command::Operation(command) => operation::run(command, &context).await,
            Command::Schema(command) => schema::run(command, &context).await,
            Command::Keys(command) => keys::run(command, &context),
            #[cfg(feature = "node")]
            Command::Config(command) => config::run(command, &context),
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
