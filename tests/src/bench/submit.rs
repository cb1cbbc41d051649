//! Submission of many signed operations to a network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use registry_core::codec::base64url;
use rpc::error::NodeCode;
use serde_json::Value;
use tokio::task::JoinSet;

use super::http::{Connection, call};
use super::network::Network;
use super::process::{cpu_s, total_cpu_s};
use super::report::Report;

/// Pause of a client after a node had no room for its operation.
const FULL_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two queries of the height.
const LOOK: Duration = Duration::from_millis(10);

/// Time and resources that the submission of a set of operations took.
pub(super) struct Phase {
    pub(super) seconds: f64,
    pub(super) operations: usize,
    /// CPU seconds that the clients used.
    own_s: f64,
    blocks: u64,
    waits: usize,
    nodes: usize,
    /// CPU seconds of all nodes, by thread name.
    used_s: BTreeMap<String, f64>,
}

impl Phase {
    /// Returns the number of this machine's cores that the clients do not use.
    pub(super) fn free_cores(&self) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        cores - self.own_s / self.seconds
    }

    /// Adds the blocks and the use of CPU to the report. `of` precedes the names.
    pub(super) fn report(&self, of: &str, report: &mut Report) {
        let waits = format!("{of}submissions that found the mempool full");
        report.add(format!("{of}blocks"), self.blocks as f64 / self.seconds, "/s");
        let each = self.operations as f64 / self.blocks as f64;
        report.add(format!("{of}operations a block"), each, "");
        report.add(waits, self.waits as f64, "");
        let each = (self.operations * self.nodes) as f64;
        for (name, used_s) in self.used_s.iter().filter(|(_, used_s)| **used_s > 0.0) {
            let name = format!("{of}CPU of `{name}` threads");
            report.add(name, used_s * 1e6 / each, "µs an operation and node");
        }
    }
}

/// Sends envelopes to all nodes in turn and returns when all are committed.
pub(super) async fn submit(
    network: &Network,
    envelopes: &[Vec<u8>],
    connections: u64,
) -> Result<Phase> {
    let submit =
        |bytes| call("ledger_submit", &format!(r#"{{"envelope":"{}"}}"#, base64url(bytes)));
    let requests: Arc<Vec<Vec<u8>>> =
        Arc::new(envelopes.iter().map(|bytes| submit(bytes)).collect());
    let (next, waits) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let first = network.height().await?;
    let (own_s, before) = (total_cpu_s(std::process::id()), node_cpu_s(network));
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
                    if error["code"] != NodeCode::MempoolFull.number() {
                        return Err(anyhow!("{error}"));
                    }
                    waits.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(FULL_PAUSE).await;
                }
            }
            Ok(())
        });
    }
    while let Some(result) = clients.join_next().await {
        result??;
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
            let mut used_s = node_cpu_s(network);
            for (name, used_s) in &mut used_s {
                *used_s -= before.get(name).unwrap_or(&0.0);
            }
            return Ok(Phase {
                seconds: elapsed.as_secs_f64(),
                operations,
                own_s: total_cpu_s(std::process::id()) - own_s,
                blocks: height - first,
                waits: waits.load(Ordering::Relaxed),
                nodes: network.nodes.len(),
                used_s,
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn refusal(body: &str) -> Option<Value> {
    // Few answers are errors, and the clients shall use little CPU.
    let body = Some(body).filter(|body| body.contains(r#""error":"#))?;
    let answer = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    Some(answer.get("error").cloned().unwrap_or(answer))
}

/// Returns the CPU seconds of all nodes, by thread name.
fn node_cpu_s(network: &Network) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for node in &network.nodes {
        for (name, used_s) in cpu_s(node.pid) {
            *all.entry(name).or_insert(0.0) += used_s;
        }
    }
    all
}
