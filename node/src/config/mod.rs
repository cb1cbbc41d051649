//! The configuration of a node, from one TOML file, the environment and flags
//! (docs/operations/config.md).
//!
//! It holds nothing that belongs to the chain: settings that all nodes must agree on are in the
//! genesis file.

mod layers;
pub mod local;
mod rules;
pub mod template;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use keys::NodeRole;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};
use url::Url;

pub use layers::{Loaded, Problem, Problems, Source};

use crate::limits;

/// All settings of a node, typed and checked. Sections and keys are those of `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Role of the node.
    pub node: NodeConfig,
    /// The peer-to-peer listener.
    pub p2p: P2pConfig,
    /// The public HTTP listener: JSON-RPC and REST.
    pub rpc: RpcConfig,
    /// The private HTTP listener: metrics and administration.
    pub admin: AdminConfig,
    /// Level and format of log lines.
    pub log: LogConfig,
    /// The database.
    pub storage: StorageConfig,
}

/// Section `[node]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeConfig {
    /// Role of the node: validator or follower.
    pub role: NodeRole,
}

/// Section `[p2p]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct P2pConfig {
    /// TCP address to listen on.
    pub listen: Multiaddr,
    /// Addresses under which other nodes reach this node, if they differ from `listen`.
    pub external_addresses: Vec<Multiaddr>,
    /// Peers to dial; each ends in `/p2p/<peer id>`.
    pub peers: Vec<Multiaddr>,
    /// If not empty, only these peers may connect.
    #[serde(with = "peer_ids")]
    pub allow: Vec<PeerId>,
}

impl Default for P2pConfig {
    fn default() -> Self {
        let listen = Multiaddr::empty()
            .with(libp2p::multiaddr::Protocol::Ip4(Ipv4Addr::UNSPECIFIED))
            .with(libp2p::multiaddr::Protocol::Tcp(7640));
        Self { listen, external_addresses: Vec::new(), peers: Vec::new(), allow: Vec::new() }
    }
}

/// Section `[rpc]`. The default limits suit a public listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RpcConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Base URL that clients use, if a reverse proxy stands in front of the node.
    #[serde(with = "optional_url")]
    pub public_url: Option<Url>,
    /// Addresses of proxies whose `X-Forwarded-For` header is trusted to name the client.
    pub trusted_proxies: Vec<IpAddr>,
    /// Networks, besides loopback, whose clients may ask for single status entries.
    pub status_check_from: Vec<IpNet>,
    /// True if a validator may listen on other addresses than loopback.
    pub public_on_validator: bool,
    /// Number of open connections of all clients together.
    pub connections_max: u32,
    /// Number of open connections from one address.
    pub connections_per_address_max: u32,
    /// Number of subscriptions on one WebSocket connection.
    pub subscriptions_per_connection_max: u32,
    /// Number of calls in one JSON-RPC batch.
    pub batch_entries_max: u32,
    /// Number of requests processed at the same time.
    pub concurrent_requests_max: u32,
    /// Sustained number of requests a second from one address.
    pub requests_per_second_per_address: u32,
    /// Number of requests that one address may send at once after a pause.
    pub request_burst_per_address: u32,
    /// Time limit of one read in milliseconds.
    pub request_timeout_ms: u64,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7641)),
            public_url: None,
            trusted_proxies: Vec::new(),
            status_check_from: Vec::new(),
            public_on_validator: false,
            connections_max: limits::RPC_CONNECTIONS_DEFAULT,
            connections_per_address_max: limits::RPC_CONNECTIONS_PER_ADDRESS_DEFAULT,
            subscriptions_per_connection_max: limits::RPC_SUBSCRIPTIONS_PER_CONNECTION_DEFAULT,
            batch_entries_max: limits::RPC_BATCH_ENTRIES_DEFAULT,
            concurrent_requests_max: limits::RPC_CONCURRENT_REQUESTS_DEFAULT,
            requests_per_second_per_address: limits::RPC_REQUESTS_PER_SECOND_DEFAULT,
            request_burst_per_address: limits::RPC_REQUEST_BURST_DEFAULT,
            request_timeout_ms: limits::RPC_REQUEST_TIMEOUT_MS_DEFAULT,
        }
    }
}

/// Section `[admin]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdminConfig {
    /// Address to listen on. It must be a loopback address, since these routes have no
    /// authentication.
    pub listen: SocketAddr,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7642)) }
    }
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human when standard error is a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Section `[log]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogConfig {
    /// A level, or directives such as `info,libp2p=warn`.
    pub level: String,
    /// Format of log lines.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// Section `[storage]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StorageConfig {
    /// The database's directory; a relative path is inside HOME.
    pub path: PathBuf,
    /// Memory for RocksDB's block cache in MiB.
    pub block_cache_mib: u32,
}

impl Default for StorageConfig {
    fn default() -> Self {
        let block_cache_mib = limits::STORAGE_BLOCK_CACHE_MIB_DEFAULT;
        Self { path: PathBuf::from("data"), block_cache_mib }
    }
}

impl Config {
    /// Base URL at which a client on this machine reaches the public listener.
    pub fn local_rpc_url(&self) -> String {
        let mut address = self.rpc.listen;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }
}

/// Serialises an absent URL as an empty text, so that `config show` lists every setting.
mod optional_url {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use url::Url;

    pub(super) fn serialize<S: Serializer>(url: &Option<Url>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(url.as_ref().map_or("", Url::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
    }
}

/// Serialises peer ids as text. libp2p's own implementation needs a feature that nothing else uses.
mod peer_ids {
    use libp2p::PeerId;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(peers: &[PeerId], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(peers.iter().map(PeerId::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PeerId>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}
