//! The settings that the network is started with.

use std::fmt;
use std::str::FromStr;

use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use registry_core::crypto::Hash;

use super::limits::Limits;

/// Settings of the network task.
#[derive(Clone)]
pub struct NetConfig {
    /// Addresses to listen on; only TCP. Port 0 selects a free port.
    pub listen: Vec<Multiaddr>,
    /// Addresses that other peers are told. If empty, they are told the ones listened on.
    pub external: Vec<Multiaddr>,
    /// Chain id. Peers with another chain id are refused.
    pub chain: Hash,
    /// Ed25519 key that determines this node's peer id. It is not the validator's signing key.
    pub identity: Keypair,
    /// Software version that other peers are told, cut to 64 bytes.
    pub version: String,
    /// Peers that this node dials again and again until they are connected.
    pub peers: Vec<PeerAddress>,
    /// Members of the validator mesh; the list may contain this node.
    pub validators: Vec<PeerAddress>,
    /// If given, only these peers, `peers` and `validators` may connect.
    pub allow: Option<Vec<PeerId>>,
    /// Rates that each peer must keep.
    pub limits: Limits,
}

/// A peer and the addresses at which it may be reached. In text, it is one address that ends in
/// `/p2p/<peer id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// The peer's id.
    pub peer: PeerId,
    /// Addresses without the `/p2p` part. The list may be empty for a peer that only dials in.
    pub addresses: Vec<Multiaddr>,
}

/// Error for an address that does not name a peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "peer address {text:?} is not a multiaddr that ends in /p2p/<peer id>; write for example \
         /ip4/192.0.2.1/tcp/26656/p2p/12D3KooW…"
)]
pub struct NotAPeerAddress {
    /// The rejected text.
    pub text: String,
}

impl FromStr for PeerAddress {
    type Err = NotAPeerAddress;

    fn from_str(text: &str) -> Result<Self, NotAPeerAddress> {
        let parsed = text.parse::<Multiaddr>().ok().and_then(Self::from_multiaddr);
        parsed.ok_or_else(|| NotAPeerAddress { text: text.to_owned() })
    }
}

impl PeerAddress {
    /// Splits an address that ends in `/p2p/<peer id>`. Returns `None` for any other address.
    pub fn from_multiaddr(mut address: Multiaddr) -> Option<Self> {
        let Some(Protocol::P2p(peer)) = address.pop() else { return None };
        let relayed = address.iter().any(|part| matches!(part, Protocol::P2p(_)));
        (!relayed && !address.is_empty()).then(|| Self { peer, addresses: vec![address] })
    }

    /// All addresses of the peer, each ending in `/p2p/<peer id>`.
    pub fn to_multiaddrs(&self) -> impl Iterator<Item = Multiaddr> + '_ {
        self.addresses.iter().map(|address| address.clone().with(Protocol::P2p(self.peer)))
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_multiaddrs().next() {
            Some(address) => address.fmt(f),
            None => write!(f, "/p2p/{}", self.peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_address_is_read_and_shown_alike() {
        let peer = PeerId::from(Keypair::generate_ed25519().public());
        let text = format!("/dns4/node.example/tcp/26656/p2p/{peer}");
        let address: PeerAddress = text.parse().unwrap();
        assert_eq!(address.peer, peer);
        assert_eq!(address.to_string(), text);
    }

    #[test]
    fn an_address_without_a_peer_is_refused_by_name() {
        for text in ["/ip4/127.0.0.1/tcp/1", "nonsense", ""] {
            let error = text.parse::<PeerAddress>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
