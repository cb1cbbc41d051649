//! `idem localnet`: run a whole network on this machine, for development and tests.

mod earlier;
mod make;
mod process;
mod seed;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use keys::{Home, NodeRole, write_atomic};
use node::limits::LOCALNET_NODES_MAX;
use node::store::FORMAT_VERSION;
use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::context::Context;
use super::exit::{Failure, warn};
use process::Node;
use seed::Seed;

/// Longest time that all nodes together may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Subcommand)]
pub(super) enum LocalnetCommand {
    /// Make the network if there is none in DIR, and run it
    Start(LocalnetStartArgs),
    /// Stop all nodes of the network, also those that were restarted by hand
    Stop(LocalnetDirArgs),
    /// Tell which nodes of the network are ready
    Status(LocalnetDirArgs),
}

#[derive(Debug, Args)]
pub(super) struct LocalnetDirArgs {
    /// The network's directory
    #[arg(long, value_name = "DIR", default_value = "localnet")]
    dir: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct LocalnetStartArgs {
    #[command(flatten)]
    place: LocalnetDirArgs,
    /// Number of validators
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count(1))]
    nodes: u16,
    /// Number of followers
    #[arg(long, value_name = "F", default_value_t = 1, value_parser = count(0))]
    followers: u16,
    /// Name of the network in its DIDs
    #[arg(long, value_name = "NAME", default_value = "local")]
    network: String,
    /// Require endorsement for writes; each quota of an endorser is COST units an hour, of which an
    /// ordinary operation takes 100 to 250
    #[arg(long, value_name = "COST", value_parser = clap::value_parser!(u64).range(1..))]
    endorsed: Option<u64>,
    /// Put aside a network that another version of idem left in DIR, and make a new one
    #[arg(long)]
    renew: bool,
    /// Return when all nodes are ready and leave them running
    #[arg(long)]
    detach: bool,
}

/// Parses a number of nodes from `least` to the number that one machine can run.
fn count(least: i64) -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(least..=i64::from(LOCALNET_NODES_MAX))
}

/// Content of `DIR/localnet.json`: what scripts need to use the network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Localnet {
    /// Format of the nodes' data. A binary with another format cannot run the nodes.
    data_format: u64,
    network: NetworkName,
    chain_id: Hash,
    genesis: PathBuf,
    nodes: Vec<LocalnetNode>,
    /// DID whose grants let others endorse; `None` if writes need no endorsement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authority: Option<Did>,
    /// Records that the first start wrote; `None` until that start has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<Seed>,
}

/// A node of the network. Validators come first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LocalnetNode {
    name: String,
    role: NodeRole,
    pid: u32,
    rpc: String,
    admin: String,
    home: PathBuf,
}

impl LocalnetNode {
    fn home(&self) -> Home {
        Home::new(&self.home)
    }
}

impl Localnet {
    fn path(dir: &Path) -> PathBuf {
        dir.join("localnet.json")
    }

    /// Reads the network in `dir`; `None` if there is none. Puts aside a network of another version
    /// if `renew` is set.
    fn find(dir: &Path, renew: bool) -> Result<Option<Self>, Failure> {
        if !Self::path(dir).exists() {
            return Ok(None);
        }
        let made: Made = read(dir)?;
        if made.data_format == FORMAT_VERSION {
            return read(dir).map(Some);
        }
        earlier::put_aside(dir, &made, renew)?;
        Ok(None)
    }

    fn write(&self, dir: &Path) -> Result<(), Failure> {
        let path = Self::path(dir);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::usage(error.to_string()))?;
        write_atomic(&path, text.as_bytes(), 0o644)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))
    }
}

/// Members of `localnet.json` that all versions of the binary write.
#[derive(Debug, Deserialize)]
struct Made {
    /// Format of the nodes' data; 0 in files of versions that did not record it.
    #[serde(default)]
    data_format: u64,
    nodes: Vec<LocalnetNode>,
}

fn read<T: DeserializeOwned>(dir: &Path) -> Result<T, Failure> {
    let path = Localnet::path(dir);
    let unreadable = |reason: String| {
        let message = format!("cannot read {}: {reason}", path.display());
        Failure::usage_with(message, "name the directory given to `idem localnet start --dir`")
    };
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
}

pub(super) async fn run(command: LocalnetCommand, context: &Context) -> Result<(), Failure> {
    match command {
        LocalnetCommand::Start(args) => start(args, context).await,
        LocalnetCommand::Stop(args) => stop(&args.dir, context),
        LocalnetCommand::Status(args) => status(&args.dir, context).await,
    }
}

async fn start(args: LocalnetStartArgs, context: &Context) -> Result<(), Failure> {
    let dir = std::path::absolute(&args.place.dir)
        .map_err(|error| Failure::usage(format!("{}: {error}", args.place.dir.display())))?;
    let mut localnet = match Localnet::find(&dir, args.renew)? {
        Some(localnet) => localnet,
        None => {
            warn(
                "a localnet keeps plain secret keys in its homes; it is for development and tests",
            );
            make::make(&dir, &args.network, (args.nodes, args.followers), args.endorsed)?
        }
    };
    let mut nodes = Vec::new();
    for node in &mut localnet.nodes {
        let running = Node::spawn(&node.home())?;
        node.pid = running.id();
        nodes.push(running);
    }
    localnet.write(&dir)?;
    let ready = async {
        wait_until_ready(&localnet, &mut nodes).await?;
        seed::seed(&localnet, &dir).await
    };
    match ready.await {
        Ok(seed) => localnet.seed = Some(seed),
        Err(failure) => {
            stop_all(&localnet.nodes)?;
            return Err(failure);
        }
    }
    localnet.write(&dir)?;
    context.print(&localnet, human(&localnet, &dir))?;
    if args.detach {
        return Ok(());
    }
    let interrupted = tokio::signal::ctrl_c().await;
    interrupted.map_err(|error| Failure::usage(format!("cannot listen for signals: {error}")))?;
    stop_all(&localnet.nodes).map(drop)
}

fn human(localnet: &Localnet, dir: &Path) -> String {
    let mut text = format!("network {}  chain {}\n\n", localnet.network, localnet.chain_id);
    for node in &localnet.nodes {
        let role = node.role.name();
        let (name, rpc, pid) = (&node.name, &node.rpc, node.pid);
        // Writing to a String cannot fail.
        let _written = writeln!(text, "{name:<12} {role:<10} {rpc:<24} pid {pid}");
    }
    let rpc = localnet.nodes.first().map_or("", |node| node.rpc.as_str());
    if let Some(seed) = &localnet.seed {
        let (keys, issued_at) = (seed::keys(dir), &seed.issued_at);
        let Seed { authority, issuer, credential_type, status_list, .. } = seed;
        let _written = write!(
            text,
            "\nauthority    {authority}, keys of all in {}\nissuer       {issuer}, of \
             {credential_type}, since before {issued_at}\nstatus list  \
             {rpc}/status-lists/{status_list}\n",
            keys.display()
        );
    }
    let keys = dir.join("my-keys.json");
    let (keys, dir) = (keys.display(), dir.display());
    let _written = write!(text, "\ntry   idem --rpc {rpc} did create --keys {keys}");
    let _written =
        write!(text, "\nstop  idem localnet stop --dir {dir}, or Ctrl-C if not detached");
    text
}

async fn wait_until_ready(localnet: &Localnet, nodes: &mut [Node]) -> Result<(), Failure> {
    let all = async {
        for (node, process) in localnet.nodes.iter().zip(nodes) {
            process.ready(&node.rpc).await?;
        }
        Ok(())
    };
    match tokio::time::timeout(READY_TIMEOUT, all).await {
        Ok(result) => result,
        Err(_) => {
            let seconds = READY_TIMEOUT.as_secs();
            let message = format!("the network is not ready after {seconds} s");
            let log = localnet.nodes.first().map(|node| node.home().log());
            let log = log.unwrap_or_default();
            Err(Failure::usage_with(message, format!("see the logs, first {}", log.display())))
        }
    }
}

fn stop_all(nodes: &[LocalnetNode]) -> Result<Vec<String>, Failure> {
    let mut stopped = Vec::new();
    let mut ending = Vec::new();
    for node in nodes {
        if let Some(process) = process::terminate(&node.home(), node.pid)? {
            stopped.push(node.name.clone());
            ending.push(process);
        }
    }
    ending.into_iter().try_for_each(process::Ending::wait)?;
    Ok(stopped)
}

fn stop(dir: &Path, context: &Context) -> Result<(), Failure> {
    let stopped = stop_all(&read::<Made>(dir)?.nodes)?;
    let human = format!(
        "stopped {}",
        if stopped.is_empty() { "nothing, no node runs".into() } else { stopped.join(", ") }
    );
    context.print(&json!({ "stopped": stopped }), human)
}

async fn status(dir: &Path, context: &Context) -> Result<(), Failure> {
    let made: Made = read(dir)?;
    let mut nodes = Vec::new();
    let mut human = String::new();
    for node in &made.nodes {
        let ready = process::is_ready(&node.rpc).await;
        let _written =
            writeln!(human, "{:<12} {}", node.name, if ready { "ready" } else { "not ready" });
        nodes.push(json!({ "name": node.name, "ready": ready }));
    }
    context.print(&json!({ "nodes": nodes }), human)
}
