//! `idem bench`: ratios measured within one run on one machine (DESIGN section 10). What is
//! measured are the processes and the code of production; only the clients are made for it.

mod echo;
mod fill;
mod floors;
mod http;
mod latency;
mod network;
mod operations;
mod process;
mod reads;
mod report;
mod rights;
mod status;
mod subject;
mod submit;
mod views;
mod writes;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::Failure;
use crate::store::StoreError;

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// The floors: signature checks, store reads and synced batches on one core
    Floors(PlaceArgs),
    /// Fill a new HOME with DIDs by the real rules and store, without a network
    Load(LoadArgs),
    /// Resolve DIDs over JSON-RPC and HTTP, against an echo of equal size
    Reads(ReadsArgs),
    /// Ask for rights, direct and by chains, against an echo of equal size and a node with few
    Rights(RightsArgs),
    /// Submit signed operations to four validators and count what is committed
    Writes(WritesArgs),
    /// Set entries of status lists on four validators, and read lists against echoes of equal size
    Status(StatusArgs),
    /// Time from submission to receipt on four idle validators
    Latency(LatencyArgs),
    /// Serve a constant answer through the API until it is interrupted
    #[command(hide = true)]
    Echo(EchoArgs),
}

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// Where temporary databases are made; its disk is part of the result
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    /// DIDs to create
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    records: u64,
}

#[derive(Debug, Args)]
pub(super) struct ReadsArgs {
    /// DIDs in the node, in a home that is made for it
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    records: u64,
    #[command(flatten)]
    serving: ServingArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(super) struct RightsArgs {
    /// Grants at the ends of chains, and a tenth as many direct ones, in a home that is made for it
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = at_least_one())]
    grants: u64,
    #[command(flatten)]
    serving: ServingArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

/// How reads are loaded.
#[derive(Debug, Args)]
struct ServingArgs {
    /// Connections, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_one())]
    connections: u64,
    /// Seconds of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = at_least_one())]
    seconds: u64,
    /// Times that the floor and what is compared with it are measured, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one())]
    repeat: u64,
}

impl ServingArgs {
    fn load(&self) -> http::Load {
        let connections = usize::try_from(self.connections).unwrap_or(usize::MAX);
        let measured = Duration::from_secs(self.seconds);
        http::Load { connections, warm_up: subject::WARM_UP, measured }
    }
}

#[derive(Debug, Args)]
pub(super) struct WritesArgs {
    /// Operations to sign beforehand, half creates and half updates
    #[arg(long, value_name = "N", default_value_t = 30_000)]
    operations: u64,
    /// Connections to each node, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = at_least_one())]
    connections: u64,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Lists of 2^20 entries that are filled by runs, and as many that are by scattered entries
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one())]
    lists: u64,
    /// Connections for submissions to each node, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = at_least_one())]
    connections: u64,
    /// Connections for reads
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_one())]
    readers: u64,
    /// Seconds of each measurement of reads
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = at_least_one())]
    seconds: u64,
    /// Times that the floors and what is compared with them are measured, in turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = at_least_one())]
    repeat: u64,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(super) struct LatencyArgs {
    /// Writes, one after the other to rotating nodes
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one())]
    operations: u64,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(super) struct EchoArgs {
    /// Bytes of the constant document
    #[arg(long)]
    bytes: usize,
    /// Serve it by HTTP alone, without the API
    #[arg(long)]
    plain: bool,
}

fn at_least_one() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::usage(error.to_string())
    }
}

/// A failure of this machine: a file, a socket or a process.
fn local(error: io::Error) -> Failure {
    Failure::usage(error.to_string())
}

pub(super) async fn run(command: BenchCommand, context: &Context) -> Result<(), Failure> {
    let report = match command {
        BenchCommand::Floors(args) => tokio::task::block_in_place(|| floors::run(&args.dir))?,
        BenchCommand::Load(args) => {
            tokio::task::block_in_place(|| fill::run(&context.home, args.records))?
        }
        BenchCommand::Reads(args) => reads::run(args).await?,
        BenchCommand::Rights(args) => rights::run(args).await?,
        BenchCommand::Writes(args) => writes::run(args).await?,
        BenchCommand::Status(args) => status::run(args).await?,
        BenchCommand::Latency(args) => latency::run(args).await?,
        BenchCommand::Echo(EchoArgs { bytes, plain: false }) => return echo::run(bytes).await,
        BenchCommand::Echo(EchoArgs { bytes, plain: true }) => return echo::plain(bytes).await,
    };
    context.print(&report, &report)
}
