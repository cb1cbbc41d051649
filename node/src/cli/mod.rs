//! The command line of `idem`. Standard output carries the answer alone, everything else goes to
//! standard error; exit codes are in [`exit`].

mod agent;
mod author;
mod bench;
pub mod client;
mod config;
mod context;
mod did;
pub mod exit;
mod file;
mod genesis;
mod homes;
mod init;
mod keys;
mod localnet;
mod passphrase;
mod schema;
mod start;
mod status;
mod status_list;
mod testnet;
mod time;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use context::Context;
use exit::Failure;

/// A decentralized identity registry node on a ledger.
#[derive(Debug, Parser)]
#[command(name = "idem", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// The node's home directory [default: ~/.idem]
    #[arg(long, global = true, env = "IDEM_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// The node to talk to [default: the rpc.listen of HOME's configuration]
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
    Init(init::InitArgs),
    /// Run a node
    Start(start::StartArgs),
    /// A whole network on this machine
    #[command(subcommand)]
    Localnet(localnet::LocalnetCommand),
    /// Make the homes of a network on several hosts
    Testnet(testnet::TestnetArgs),
    /// Make a genesis file together: each operator an entry, one builds, all compare the hash
    #[command(subcommand)]
    Genesis(genesis::GenesisCommand),
    /// What a node is doing
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
    /// Publish schemas and credential types, withdraw and read them
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
    /// Keys of DIDs and of the node
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The node's configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Measure
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

/// Runs the command line of this process and answers its exit code.
pub fn run() -> ExitCode {
    exit::install_reporter();
    match Cli::try_parse() {
        Ok(cli) => exit::finish(run_command(cli)),
        // Help and version go to standard output with 0, mistakes to standard error with 2.
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
            Command::Init(args) => init::run(args, &context),
            Command::Start(args) => start::run(args, &context).await,
            Command::Localnet(command) => localnet::run(command, &context).await,
            Command::Testnet(args) => testnet::run(args, &context),
            Command::Genesis(command) => genesis::run(command, &context),
            Command::Status(args) => status::run(args, &context).await,
            Command::Did(command) => did::run(command, &context).await,
            Command::StatusList(command) => status_list::run(command, &context).await,
            Command::Trust(command) => trust::run(command, &context).await,
            Command::Agent(command) => agent::run(command, &context).await,
            Command::Schema(command) => schema::run(command, &context).await,
            Command::Keys(command) => keys::run(command, &context),
            Command::Config(command) => config::run(command, &context),
            Command::Bench(command) => bench::run(command, &context).await,
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
