//! A whole node: keys, genesis, height floor, database, driver, network and API. They are started
//! in this order and stopped in the reverse order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use genesis::GenesisFile;
use keys::{Home, KeysError, NodeKeys, NodeRole};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::PROTOCOL_VERSION;
use rpc::service::Reader as _;
use rpc::status::publisher::Publisher;
use rpc::view::Signer as _;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::driver::{Driver, Fatal, Identity, Now};
use crate::floor::{FloorError, FloorFile};
use crate::identity::p2p_keypair;
use crate::net::limits::Limits;
use crate::net::{NetConfig, NetError, PeerAddress};
use crate::service::{Service, Tokens};
use crate::shell::{OpenError, Shell, ShellError, open_store, peer_addresses};

/// Reason why a node does not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is no usable height floor.
    #[error(transparent)]
    Floor(#[from] FloorError),
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The driver did not start, or it stopped.
    #[error(transparent)]
    Driver(#[from] Fatal),
    /// The shell does not start.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// The network does not start.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The API does not start.
    #[error(transparent)]
    Rpc(#[from] rpc::ServeError),
    /// The directory of issuers' status tokens cannot be used.
    #[error("cannot open the status tokens in {}: {source}", path.display())]
    Tokens {
        /// Path of the directory.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The file with the process id cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Pid {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
}

/// A running node.
pub struct Running {
    /// Address of the public listener.
    pub public: SocketAddr,
    /// Address of the private listener.
    pub admin: SocketAddr,
    shell: Shell,
    api: rpc::Running,
    stop: CancellationToken,
    pid_file: PathBuf,
}

/// Opens the floor file of a validator. `init_floor` creates a lost one, which only the operator
/// may ask for.
fn open_floor(
    home: &Home,
    chain: Hash,
    key: ValidatorKey,
    init_floor: Option<u64>,
) -> Result<FloorFile, FloorError> {
    let path = home.height_floor_file();
    match init_floor {
        Some(height) => FloorFile::create(&path, chain, key, height),
        None => FloorFile::open(&path, chain, key),
    }
}

/// Returns the milliseconds since the first call.
fn steady_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX), steady_ms: 0 }
}

fn net_config(config: &Config, driver: &Driver, identity: libp2p::identity::Keypair) -> NetConfig {
    let peers = config.p2p.peers.iter().cloned().filter_map(PeerAddress::from_multiaddr);
    NetConfig {
        listen: vec![config.p2p.listen.clone()],
        external: config.p2p.external_addresses.clone(),
        chain: driver.head().chain,
        identity,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peers: peers.collect(),
        validators: peer_addresses(driver.validators()),
        allow: (!config.p2p.allow.is_empty()).then(|| config.p2p.allow.clone()),
        limits: Limits::default(),
    }
}

fn rpc_config(config: &Config, genesis: &GenesisFile) -> rpc::RpcConfig {
    let rpc = &config.rpc;
    rpc::RpcConfig {
        listen: rpc.listen,
        admin: config.admin.listen,
        public_url: rpc.public_url.clone(),
        // The genesis rules have checked that this is a URL.
        network_url: genesis.public_url.as_ref().and_then(|url| url.parse().ok()),
        trusted_proxies: rpc.trusted_proxies.clone(),
        status_check_from: rpc.status_check_from.clone(),
        limits: rpc::Limits {
            connections_max: rpc.connections_max as usize,
            connections_per_address_max: rpc.connections_per_address_max as usize,
            subscriptions_per_connection_max: rpc.subscriptions_per_connection_max,
            batch_entries_max: rpc.batch_entries_max,
            concurrent_requests_max: rpc.concurrent_requests_max as usize,
            requests_per_second_per_address: rpc.requests_per_second_per_address,
            request_burst_per_address: rpc.request_burst_per_address,
            request_timeout_ms: rpc.request_timeout_ms,
        },
    }
}

/// Starts the node of `home` on the chain of `genesis`. `init_floor` creates a lost height floor.
pub async fn start(
    home: &Home,
    config: &Config,
    genesis: GenesisFile,
    keys: NodeKeys,
    init_floor: Option<u64>,
) -> Result<Running, RunError> {
    for warning in genesis.warnings() {
        warn!("genesis: {warning}");
    }
    let own_key = keys.validator.as_ref().map(|signer| signer.key());
    let floor = match own_key {
        Some(key) => Some(open_floor(home, genesis.chain_id(), key, init_floor)?),
        None => None,
    };
    let floor_height = floor.as_ref().map_or(0, FloorFile::height);
    let data = home.resolve(&config.storage.path);
    let cache_bytes = (config.storage.block_cache_mib as usize) << 20;
    let store = open_store(&data, cache_bytes, floor, &genesis)?;
    let tokens = open_tokens(&data)?;
    let pid_file = write_pid(home)?;
    let p2p = p2p_keypair(&keys)?;
    let identity = Identity {
        network: genesis.network.clone(),
        peer: p2p.public().to_peer_id(),
        signer: keys.validator.as_ref().map(|signer| signer.signing_key()),
        floor: floor_height,
        version: PROTOCOL_VERSION,
    };
    let driver = Driver::open(identity, &store, now())?.with_clock(steady_ms);
    let (net, events) = crate::net::spawn(net_config(config, &driver, p2p)).await?;
    let role = if config.node.role == NodeRole::Validator { "validator" } else { "follower" };
    let head = driver.head();
    info!(network = %genesis.network, chain = %head.chain, height = head.height, role, "starting");
    let view = store.view();
    let shell = Shell::start(driver, store, net.clone(), events)?;
    let service = Service::new(Arc::clone(&shell.hub), net.clone(), view, (data, tokens), keys);
    log_publisher(&service);
    let mut metrics = prometheus_client::registry::Registry::default();
    net.metrics().register(&mut metrics);
    let service = Arc::new(service);
    crate::service::register_metrics(&service, &mut metrics);
    let stop = CancellationToken::new();
    let api = rpc::serve(rpc_config(config, &genesis), service, metrics, stop.clone()).await?;
    let (public, admin) = (api.public, api.admin);
    info!(%public, %admin, p2p = ?net.listen_addresses(), "listening");
    Ok(Running { public, admin, shell, api, stop, pid_file })
}

/// Logs the verification method by which the node signs status views, or the reason why it signs
/// none.
fn log_publisher(service: &Service) {
    let time_ms = service.heads().borrow().time_ms;
    match Publisher::of(service, time_ms) {
        Ok(publisher) => info!(method = publisher.method(), "signs status views"),
        Err(reason) => warn!("signs no status views: {reason}"),
    }
}

/// Opens the status tokens of issuers. They belong to the database, because they present data that
/// it holds.
fn open_tokens(data: &Path) -> Result<Tokens, RunError> {
    let path = data.join("tokens");
    Tokens::open(path.clone()).map_err(|source| RunError::Tokens { path, source })
}

fn write_pid(home: &Home) -> Result<PathBuf, RunError> {
    let path = home.pid_file();
    let written = std::fs::write(&path, format!("{}\n", std::process::id()));
    written.map_err(|source| RunError::Pid { path: path.clone(), source })?;
    Ok(path)
}

impl Running {
    /// Runs until `signal` resolves or the driver fails, then stops all parts in order.
    pub async fn until(mut self, signal: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::select! {
            () = signal => info!("stopping"),
            () = self.shell.failed() => {}
        }
        self.stop.cancel();
        self.api.stopped().await;
        let result = self.shell.stop().await;
        // The file only tells which process to signal. Its readers recognise a stale one.
        let _gone = std::fs::remove_file(&self.pid_file);
        info!("stopped");
        Ok(result?)
    }
}
