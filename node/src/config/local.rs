//! Settings of nodes that only this machine talks to, for localnets and benchmarks.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use toml::Value;

use crate::limits::LOCALNET_REQUESTS;

/// The three ports of one node on 127.0.0.1.
#[derive(Debug)]
pub struct Ports {
    p2p: u16,
    /// Port of the public listener.
    pub rpc: u16,
    /// Port of the private listener.
    pub admin: u16,
}

impl Ports {
    /// Finds free ports for `nodes` nodes. All ports are held until the last is found, so they
    /// differ.
    pub fn free(nodes: usize) -> std::io::Result<Vec<Self>> {
        let mut held = Vec::new();
        let mut port = || -> std::io::Result<u16> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            held.push(listener);
            Ok(port)
        };
        (0..nodes).map(|_| Ok(Self { p2p: port()?, rpc: port()?, admin: port()? })).collect()
    }

    /// Multiaddress at which other nodes reach this one.
    pub fn p2p_address(&self) -> String {
        format!("/ip4/127.0.0.1/tcp/{}", self.p2p)
    }

    /// Settings for these ports, with limits for load that comes from one address and is never
    /// hostile. Each is a pair of `section.key` and value.
    pub fn settings(&self) -> Vec<(&'static str, Value)> {
        let listen = |port| Value::from(SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string());
        let limit = |value: u64| Value::from(i64::try_from(value).unwrap_or(i64::MAX));
        let limits = LOCALNET_REQUESTS;
        vec![
            ("p2p.listen", Value::from(self.p2p_address())),
            ("rpc.listen", listen(self.rpc)),
            ("admin.listen", listen(self.admin)),
            ("rpc.connections_max", limit(limits.connections_max as u64)),
            ("rpc.connections_per_address_max", limit(limits.connections_per_address_max as u64)),
            ("rpc.concurrent_requests_max", limit(limits.concurrent_requests_max as u64)),
            (
                "rpc.requests_per_second_per_address",
                limit(limits.requests_per_second_per_address.into()),
            ),
            ("rpc.request_burst_per_address", limit(limits.request_burst_per_address.into())),
        ]
    }
}
