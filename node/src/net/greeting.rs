//! The greeting that members exchange in the handshake.

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

use super::config::PeerAddress;
use super::limits::{ADDRESS_BYTES_MAX, ADDRESSES_PER_PEER_MAX, GREETING_PEERS_MAX};

/// Description of a member and of the members that it is connected to. On the wire it is a DAG-CBOR
/// map with addresses as text, at most 8 KiB long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Greeting {
    /// Addresses at which the member listens.
    pub(crate) listen: Vec<String>,
    /// Addresses of other members, each ending in `/p2p/<peer id>`.
    pub(crate) peers: Vec<String>,
    /// Software version of the member.
    pub(crate) version: String,
}

impl Greeting {
    /// The listen addresses that this version can read. Others are skipped, since a later version
    /// may have sent them.
    pub(crate) fn addresses(&self) -> Vec<Multiaddr> {
        let short = self.listen.iter().filter(|text| text.len() <= ADDRESS_BYTES_MAX);
        let read = short.filter_map(|text| text.parse().ok());
        read.take(ADDRESSES_PER_PEER_MAX).collect()
    }

    /// The other members whose addresses this version can read.
    pub(crate) fn members(&self) -> impl Iterator<Item = PeerAddress> + '_ {
        self.peers.iter().filter_map(|text| text.parse().ok()).take(GREETING_PEERS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_read_are_left_out() {
        let long = format!("/dns4/{}/tcp/1", "a".repeat(ADDRESS_BYTES_MAX));
        let listen = vec!["/future/1".to_owned(), long, "/ip4/192.0.2.1/tcp/1".to_owned()];
        let greeting = Greeting { listen, ..Greeting::default() };
        assert_eq!(greeting.addresses(), ["/ip4/192.0.2.1/tcp/1".parse().unwrap()]);
    }
}
