//! Where and how the API is served.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use crate::limits::Limits;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// The public listener; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The admin listener: metrics and detailed probes. Keep it on loopback.
    pub admin: SocketAddr,
    /// The base URL that clients use when a reverse proxy stands in front.
    pub public_url: Option<Url>,
    /// The network's own base URL, from its genesis: where status lists are published.
    pub network_url: Option<Url>,
    /// Proxies whose `X-Forwarded-For` names the client.
    pub trusted_proxies: Vec<IpAddr>,
    /// Networks besides loopback from which single status entries may be asked for.
    pub status_check_from: Vec<IpNet>,
    /// What clients may use.
    pub limits: Limits,
}
