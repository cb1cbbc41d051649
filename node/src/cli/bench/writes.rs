//! Committed operations a second of four validators, held against the bound that signature checks
//! alone would allow: every validator checks every operation, and all share this machine's cores.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use registry_core::codec::base64url;
use registry_core::id::Did;
use tokio::task::JoinSet;

use super::WritesArgs;
use super::floors::verify_s;
use super::http::{Connection, call};
use super::network::Network;
use super::process::{cpu_s, memory_mib, total_cpu_s};
use super::report::Report;
use crate::cli::exit::Failure;

/// Pause of a client whose operation found no room.
const FULL_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two looks at the height.
const LOOK: Duration = Duration::from_millis(10);

/// What one phase did.
struct Phase {
    seconds: f64,
    blocks: u64,
    operations: usize,
    waits: usize,
}

/// Sends envelopes to all nodes in turn and returns when all are committed.
async fn submit(
    network: &Network,
    envelopes: &[Vec<u8>],
    connections: u64,
) -> Result<Phase, Failure> {
    let submit =
        |bytes| call("ledger_submit", &format!(r#"{{"envelope":"{}"}}"#, base64url(bytes)));
    let requests: Arc<Vec<Vec<u8>>> =
        Arc::new(envelopes.iter().map(|bytes| submit(bytes)).collect());
    let (next, waits) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let first = network.height().await?;
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for node in network.nodes.iter().cycle().take(network.nodes.len() * connections as usize) {
        let (requests, next, waits) =
            (Arc::clone(&requests), Arc::clone(&next), Arc::clone(&waits));
        let address = node.address().to_owned();
        clients.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                while let Some(error) = refusal(connection.exchange(request).await?) {
                    if !error.contains("full") {
                        return Err(Failure::usage(error));
                    }
                    waits.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(FULL_PAUSE).await;
                }
            }
            Ok(())
        });
    }
    while let Some(result) = clients.join_next().await {
        result.map_err(|error| Failure::usage(error.to_string()))??;
    }
    let (mut operations, mut height) = (0, first);
    loop {
        let head = network.height().await?;
        let elapsed = started.elapsed();
        while height < head {
            height += 1;
            operations += network.operations_at(height).await?;
        }
        if operations >= envelopes.len() {
            let (seconds, waits) = (elapsed.as_secs_f64(), waits.load(Ordering::Relaxed));
            return Ok(Phase { seconds, blocks: height - first, operations, waits });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn refusal(body: &str) -> Option<String> {
    body.contains(r#""error":"#).then(|| body.to_owned())
}

/// CPU seconds of all nodes by kind of thread.
fn node_cpu_s(network: &Network) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for node in &network.nodes {
        for (name, used_s) in cpu_s(node.pid) {
            *all.entry(name).or_insert(0.0) += used_s;
        }
    }
    all
}

pub(super) async fn run(args: WritesArgs) -> Result<Report, Failure> {
    let mut report = Report::default();
    report.add_load();
    let verify_s = tokio::task::block_in_place(verify_s)?;
    let network = Network::start(&args.place.dir).await?;
    let half = args.operations / 2;
    let created = (0..half).map(|number| network.maker.create(number));
    let (dids, creates): (Vec<Did>, Vec<_>) = created.collect::<Result<_, _>>()?;
    submit(&network, &creates, args.connections).await?;
    let mut envelopes = Vec::new();
    for (number, did) in (0..half).zip(dids) {
        let previous = network.head_of(&did).await?;
        envelopes.push(network.maker.update(number, did, previous)?);
        envelopes.push(network.maker.create(half + number)?.1);
    }
    let (own_s, before) = (total_cpu_s(std::process::id()), node_cpu_s(&network));
    let phase = submit(&network, &envelopes, args.connections).await?;
    let own_s = total_cpu_s(std::process::id()) - own_s;
    let mut used = node_cpu_s(&network);
    for (name, used_s) in &mut used {
        *used_s -= before.get(name).unwrap_or(&0.0);
    }

    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let free_cores = cores - own_s / phase.seconds;
    let bound = free_cores / (network.nodes.len() as f64 * verify_s);
    let rate = phase.operations as f64 / phase.seconds;
    report.add("verify_strict, 600 B, one core", 1.0 / verify_s, "/s");
    report.add("cores left by the clients", free_cores, "");
    report.add("bound: those cores over four checks", bound, "/s");
    report.add("committed operations", rate, "/s");
    report.add("**committed operations: of the bound**", 100.0 * rate / bound, "%");
    report.add("blocks", phase.blocks as f64 / phase.seconds, "/s");
    report.add("operations a block", phase.operations as f64 / phase.blocks as f64, "");
    report.add("submissions that found the mempool full", phase.waits as f64, "");
    let each = phase.operations as f64 * network.nodes.len() as f64;
    for (name, used_s) in used.iter().filter(|(_, used_s)| **used_s > 0.0) {
        let name = format!("CPU of `{name}` threads");
        report.add(name, used_s * 1e6 / each, "µs an operation and node");
    }
    let memory = network.nodes.iter().map(|node| memory_mib(node.pid, "VmHWM"));
    report.add("memory of a validator, greatest", memory.fold(0.0, f64::max), "MiB");
    network.stop().await?;
    Ok(report)
}
