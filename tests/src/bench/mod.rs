//! `scripts/bench`: measurements as ratios within one run on one machine. They measure the
//! production processes and the production code. Only the clients are made for the benchmarks.

mod dearest;
mod echo;
mod entries;
mod fill;
mod floors;
mod home;
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

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use keys::Home;

use report::Report;

/// Measures Idem on this machine.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
struct Bench {
    /// The home that `load` fills [default: ~/.idem]
    #[arg(long, global = true, env = "IDEM_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// Answer with JSON, and nothing but JSON, on standard output
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// The floors: signature checks, store reads and synced batches on one core
    Floors(PlaceArgs),
    /// The block of each action that its operations fill up to the budget, and how long it takes
    Dearest(DearestArgs),
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
struct PlaceArgs {
    /// Where temporary databases are made; its disk is part of the result
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
}

#[derive(Debug, Args)]
struct DearestArgs {
    /// Measure only the cases whose name begins so, such as `status_set`
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct LoadArgs {
    /// DIDs to create
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    records: u64,
    /// Update each DID once afterwards
    #[arg(long)]
    updates: bool,
}

#[derive(Debug, Args)]
struct ReadsArgs {
    /// DIDs in the node, in a home that is made for it
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    records: u64,
    #[command(flatten)]
    serving: ServingArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct RightsArgs {
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
struct WritesArgs {
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
struct StatusArgs {
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
struct LatencyArgs {
    /// Writes, one after the other to rotating nodes
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one())]
    operations: u64,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct EchoArgs {
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

/// Runs the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    let bench = Bench::parse();
    match measure(bench) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(Bench { home, json, command }: Bench) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Some(report) = runtime.block_on(report(home, command))? else { return Ok(()) };
    match json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => print!("{report}"),
    }
    Ok(())
}

/// Runs a command and returns what it measured. Returns `None` for an echo server, which only
/// serves.
async fn report(home: Option<PathBuf>, command: BenchCommand) -> Result<Option<Report>> {
    let report = match command {
        BenchCommand::Floors(args) => tokio::task::block_in_place(|| floors::run(&args.dir))?,
        BenchCommand::Dearest(DearestArgs { only, place }) => {
            tokio::task::block_in_place(|| dearest::run(&place.dir, &only))?
        }
        BenchCommand::Load(args) => {
            let home = match home {
                Some(path) => Home::new(path),
                None => Home::of_user()?,
            };
            tokio::task::block_in_place(|| fill::run(&home, args.records, args.updates))?
        }
        BenchCommand::Reads(args) => reads::run(args).await?,
        BenchCommand::Rights(args) => rights::run(args).await?,
        BenchCommand::Writes(args) => writes::run(args).await?,
        BenchCommand::Status(args) => status::run(args).await?,
        BenchCommand::Latency(args) => latency::run(args).await?,
        BenchCommand::Echo(args) => {
            match args.plain {
                true => echo::plain(args.bytes).await?,
                false => echo::run(args.bytes).await?,
            }
            return Ok(None);
        }
    };
    Ok(Some(report))
}
