//! What is measured: four validators on this machine, as `idem localnet start` makes them, or one.

use std::path::Path;
use std::time::Duration;

use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use serde::Deserialize;
use serde_json::{Map, json};
use tempfile::TempDir;

use super::local;
use super::operations::Maker;
use super::process::{Process, cpu_s};
use crate::cli::client::{Client, object};
use crate::cli::exit::Failure;
use crate::config::{Home, Loaded};

/// Longer than a store that has something to merge rests.
const MERGING_INTERVAL: Duration = Duration::from_secs(1);

/// The part of `localnet.json` that is needed here.
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
    /// `host:port` of its public listener.
    pub(super) fn address(&self) -> &str {
        self.rpc.strip_prefix("http://").unwrap_or(&self.rpc)
    }
}

/// A validator that is a network by itself, on a home that was filled before.
pub(super) struct Alone {
    /// `host:port` of its public listener.
    pub(super) address: String,
    pub(super) process: Process,
    /// How long it took until it was ready.
    pub(super) ready: Duration,
}

impl Alone {
    pub(super) async fn start(home: &Home) -> Result<Self, Failure> {
        let address = Loaded::load(home, &[])?.config.rpc.listen.to_string();
        let path = home.path().to_string_lossy();
        let mut process = Process::start(["--home", &path, "start", "--no-passphrase"])?;
        let ready = process.ready(&address).await?;
        Ok(Self { address, process, ready })
    }

    /// Waits until its store has merged what was loaded: that work is none of the readers'.
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

    /// Where requests go, and whose CPU they cost.
    pub(super) fn at(&self) -> (&str, u32) {
        (&self.address, self.process.id())
    }
}

/// A running network; it and its files end with this value.
pub(super) struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) clients: Vec<Client>,
    pub(super) maker: Maker,
    process: Process,
    _place: TempDir,
}

impl Network {
    pub(super) async fn start(dir: &Path) -> Result<Self, Failure> {
        let place = tempfile::tempdir_in(dir).map_err(local)?;
        let home = place.path().join("localnet");
        let path = home.to_string_lossy();
        let arguments = ["--json", "localnet", "start", "--followers", "0", "--dir", &path];
        let mut process = Process::start(arguments)?;
        let line = process.line().await?;
        let Localnet { network, chain_id, nodes } =
            serde_json::from_str(&line).map_err(|error| Failure::usage(error.to_string()))?;
        let clients = nodes.iter().map(|node| Client::new(&node.rpc)).collect::<Result<_, _>>()?;
        let maker = Maker { chain: chain_id, network };
        Ok(Self { nodes, clients, maker, process, _place: place })
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.process.stop().await
    }

    /// The height of the first node.
    pub(super) async fn height(&self) -> Result<u64, Failure> {
        #[derive(Deserialize)]
        struct Status {
            height: u64,
        }
        let status: Status = self.clients[0].call("ledger_status", Map::new()).await?;
        Ok(status.height)
    }

    /// The hash of a DID's head record, at the first node.
    pub(super) async fn head_of(&self, did: &Did) -> Result<Hash, Failure> {
        Ok(self.clients[0].record(did).await?.record.hash())
    }

    /// Operations in the block of a height.
    pub(super) async fn operations_at(&self, height: u64) -> Result<usize, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Block {
            operations_count: usize,
        }
        // Asking from beyond the last operation leaves the operations themselves out.
        let params = object(json!({ "height": height, "from": u32::MAX }));
        let block: Block = self.clients[0].call("ledger_getBlock", params).await?;
        Ok(block.operations_count)
    }
}
