//! The networks under measurement: four validators on this machine as `idem localnet start` makes
//! them, or a single one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use keys::Home;
use node::config::Loaded;
use registry_core::crypto::Hash;
use registry_core::id::NetworkName;
use registry_core::time::TimeMs;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::operations::Maker;
use super::process::{Process, cpu_s};
use crate::cluster::Client;

/// Longest wait for a commit, equal to the node's own default.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longer than RocksDB ever pauses between compactions, so without CPU use for this long it is
/// done.
const MERGING_INTERVAL: Duration = Duration::from_secs(1);

/// The members of `localnet.json` that the benchmarks need.
#[derive(Deserialize)]
struct Localnet {
    network: NetworkName,
    chain_id: Hash,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
pub(super) struct Node {
    pub(super) pid: u32,
    pub(super) rpc: String,
    pub(super) admin: String,
}

impl Node {
    /// Returns `host:port` of the node's public listener.
    pub(super) fn address(&self) -> &str {
        self.rpc.strip_prefix("http://").unwrap_or(&self.rpc)
    }
}

/// A running validator that is a network by itself, on a home that was filled before.
pub(super) struct Alone {
    /// `host:port` of the public listener.
    pub(super) address: String,
    pub(super) process: Process,
    /// Time from the start of the process until the node was ready.
    pub(super) ready: Duration,
}

impl Alone {
    pub(super) async fn start(home: &Home) -> Result<Self> {
        let address = Loaded::load(home, &[])?.config.rpc.listen.to_string();
        let path = home.path().to_string_lossy();
        let mut process = Process::idem(["--home", &path, "start", "--no-passphrase"])?;
        let ready = process.ready(&address).await?;
        Ok(Self { address, process, ready })
    }

    /// Waits until RocksDB has compacted what was loaded, so that compaction does not slow down the
    /// reads that are measured.
    pub(super) async fn settled(&self) {
        let merging_s = || -> f64 {
            let used_s = cpu_s(self.process.id());
            used_s.iter().filter(|(name, _)| name.starts_with("rocksdb")).map(|(_, s)| s).sum()
        };
        let mut before_s = f64::NAN;
        while before_s != merging_s() {
            before_s = merging_s();
            tokio::time::sleep(MERGING_INTERVAL).await;
        }
    }

    /// Returns the address for requests and the id of the process whose CPU they use.
    pub(super) fn at(&self) -> (&str, u32) {
        (&self.address, self.process.id())
    }
}

/// A running network. It stops, and its files are removed, when this value is dropped.
pub(super) struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) clients: Vec<Client>,
    pub(super) maker: Maker,
    process: Process,
    _place: TempDir,
}

impl Network {
    pub(super) async fn start(dir: &Path) -> Result<Self> {
        let place = tempfile::tempdir_in(dir)?;
        let home = place.path().join("localnet");
        let path = home.to_string_lossy();
        let arguments = ["--json", "localnet", "start", "--followers", "0", "--dir", &path];
        let mut process = Process::idem(arguments)?;
        let line = process.line().await?;
        let Localnet { network, chain_id, nodes } = serde_json::from_str(&line)?;
        let clients = nodes.iter().map(|node| Client::new(&node.rpc)).collect();
        let maker = Maker { chain: chain_id, network };
        Ok(Self { nodes, clients, maker, process, _place: place })
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.process.stop().await
    }

    /// Returns the height of the first node.
    pub(super) async fn height(&self) -> Result<u64> {
        Ok(self.clients[0].height().await?)
    }

    /// Returns the time of the first node's newest block as Unix time in milliseconds.
    pub(super) async fn time_ms(&self) -> Result<u64> {
        let status = self.clients[0].status().await?;
        let time: TimeMs = serde_json::from_value(status["time"].clone())?;
        Ok(time.0)
    }

    /// Returns the number of operations in the block at a height.
    pub(super) async fn operations_at(&self, height: u64) -> Result<usize> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Block {
            operations_count: usize,
        }
        // A page that starts beyond the last operation contains no operations.
        let params = json!({ "height": height, "from": u32::MAX });
        let block = self.clients[0].call("ledger_getBlock", params).await?;
        Ok(serde_json::from_value::<Block>(block)?.operations_count)
    }
}

/// Submits an operation to a node, waits for its commit and returns the height of its block.
pub(super) async fn commit(client: &Client, envelope: &[u8]) -> Result<u64> {
    let committed = client.submit_and_wait(envelope, COMMIT_TIMEOUT).await?;
    committed["height"].as_u64().context("a commit has a height")
}
