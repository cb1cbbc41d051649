//! Configuration of the API server.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use crate::limits::Limits;

/// Addresses, URLs and limits with which the API is served.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// Address of the public listener. The system chooses a free port if the port is 0.
    pub listen: SocketAddr,
    /// Address of the admin listener for metrics and detailed probes. It belongs on a loopback
    /// address, since it has no access control.
    pub admin: SocketAddr,
    /// Base URL of this node as clients see it, if a reverse proxy forwards to the public listener.
    pub public_url: Option<Url>,
    /// Base URL of the network from its genesis, under which status lists are published.
    pub network_url: Option<Url>,
    /// Addresses of the proxies whose `X-Forwarded-For` header is trusted to name the client.
    pub trusted_proxies: Vec<IpAddr>,
    /// Networks from which callers, besides those on loopback, may ask about single status entries.
    pub status_check_from: Vec<IpNet>,
    /// Limits that protect the node from its clients.
    pub limits: Limits,
}
