//! A network in a temporary directory.

use std::path::PathBuf;
use std::process::Stdio;

use genesis::GenesisFile;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use super::{Chain, Client, Node, command, run};

/// Lets only one network run at a time, because its processes are as many as a small machine can
/// carry.
static TURN: Mutex<()> = Mutex::const_new(());

/// A running localnet. Dropping it ends all its processes.
pub struct Localnet {
    /// All nodes, validators first.
    pub nodes: Vec<Node>,
    /// Content of `localnet.json`.
    pub description: Value,
    /// Genesis file of the chain.
    pub genesis: GenesisFile,
    /// Directory with the homes. It is dropped after the nodes.
    pub dir: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Localnet {
    /// Starts a network by the command line.
    pub async fn start(validators: usize, followers: usize) -> Self {
        Self::start_after(validators, followers, || ()).await.0
    }

    /// Starts a network of four validators in which one endorser may vouch for operations that cost
    /// `cost_per_hour` units together in an hour.
    pub async fn start_endorsed(cost_per_hour: u64) -> Self {
        let cost_per_hour = cost_per_hour.to_string();
        Self::start_with((4, 0), &["--endorsed", &cost_per_hour], || ()).await.0
    }

    /// Waits for its turn, calls `prepare`, and starts the network.
    pub async fn start_after<T>(
        validators: usize,
        followers: usize,
        prepare: impl FnOnce() -> T,
    ) -> (Self, T) {
        Self::start_with((validators, followers), &[], prepare).await
    }

    async fn start_with<T>(
        (validators, followers): (usize, usize),
        options: &[&str],
        prepare: impl FnOnce() -> T,
    ) -> (Self, T) {
        let turn = TURN.lock().await;
        let prepared = prepare();
        let dir = tempfile::tempdir().expect("a directory");
        let output = command()
            .args(["localnet", "start", "--detach", "--json", "--dir"])
            .arg(dir.path())
            .args(["--nodes", &validators.to_string(), "--followers", &followers.to_string()])
            .args(options)
            .stdin(Stdio::null())
            .output()
            .expect("idem runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", output.status);
        let description: Value = serde_json::from_slice(&output.stdout).expect("only JSON");
        let nodes = description["nodes"].as_array().expect("a list").iter().map(Node::running);
        let genesis = description["genesis"].as_str().expect("a path");
        let genesis = std::fs::read_to_string(genesis).expect("a genesis file");
        let genesis = GenesisFile::parse(&genesis).expect("a valid genesis");
        let network = Self { nodes: nodes.collect(), description, genesis, dir, _turn: turn };
        (network, prepared)
    }

    /// Runs a command against one node, with `--json`.
    pub fn idem(&self, node: usize, arguments: &[&str]) -> (i32, Value, String) {
        let url = self.description["nodes"][node]["rpc"].as_str().expect("a URL");
        run(&[&["--rpc", url, "--json"], arguments].concat())
    }

    /// Output of a command, which must succeed.
    pub fn done(&self, node: usize, arguments: &[&str]) -> Value {
        let (code, json, errors) = self.idem(node, arguments);
        assert_eq!(code, 0, "{arguments:?}: {errors}");
        json
    }

    /// Facts of the chain that clients need to sign.
    pub fn chain(&self) -> Chain {
        Chain { id: self.genesis.chain_id(), network: self.genesis.network.clone() }
    }

    /// Clients of all nodes, in order.
    pub fn clients(&self) -> Vec<Client> {
        self.nodes.iter().map(|node| node.client.clone()).collect()
    }

    /// Clients of the nodes that run, in order.
    pub fn live_clients(&self) -> Vec<Client> {
        let live = self.nodes.iter().filter(|node| node.pid.is_some());
        live.map(|node| node.client.clone()).collect()
    }

    /// A path in the directory of the network.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Multiaddresses of the validators with their peer ids, in the order of the nodes.
    pub fn peers(&self) -> Vec<String> {
        let names = self.nodes.iter().map(|node| &node.name);
        let entries = names
            .filter_map(|name| self.genesis.validators.iter().find(|entry| entry.name == *name));
        entries.map(|entry| format!("{}/p2p/{}", entry.addresses[0], entry.peer)).collect()
    }
}
