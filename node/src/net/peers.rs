//! The directory of connected peers, and the rates that each peer must keep.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use rpc::bucket::Bucket;

use super::event::{Direction, PeerInfo};
use super::greeting::Greeting;
use super::limits::{
    ACCOUNTS_MAX, BLOCKED_PEERS_MAX, CONNECTIONS_RATE, GREETING_PEERS_BYTES_MAX,
    GREETING_PEERS_MAX, Limits, REJECTS_RATE, STREAMS_RATE,
};
use super::lock;
use super::traffic::Traffic;

/// The connected members. The network task writes it; handles and handshakes read it.
#[derive(Default)]
pub(crate) struct Directory(Mutex<BTreeMap<PeerId, Member>>);

struct Member {
    links: Vec<Link>,
    addresses: Vec<Multiaddr>,
    version: String,
    since: Instant,
}

struct Link {
    id: ConnectionId,
    address: Multiaddr,
    direction: Direction,
    traffic: Arc<Traffic>,
}

impl Directory {
    /// Adds a connection. Returns true if it is the peer's first.
    pub(crate) fn add(
        &self,
        peer: PeerId,
        link: (ConnectionId, &ConnectedPoint, Arc<Traffic>),
        greeting: &Greeting,
        now: Instant,
    ) -> bool {
        let (id, endpoint, traffic) = link;
        let direction = if endpoint.is_dialer() { Direction::Outbound } else { Direction::Inbound };
        let address = endpoint.get_remote_address().clone();
        let mut members = lock(&self.0);
        let member = members.entry(peer).or_insert_with(|| Member {
            links: Vec::new(),
            addresses: greeting.addresses(),
            version: greeting.version.clone(),
            since: now,
        });
        member.links.push(Link { id, address, direction, traffic });
        member.links.len() == 1
    }

    /// Removes a connection. If it was the peer's last one, returns the time at which the peer
    /// connected.
    pub(crate) fn remove(&self, peer: PeerId, id: ConnectionId) -> Option<Instant> {
        let mut members = lock(&self.0);
        let member = members.get_mut(&peer)?;
        member.links.retain(|link| link.id != id);
        if !member.links.is_empty() {
            return None;
        }
        members.remove(&peer).map(|member| member.since)
    }

    pub(crate) fn contains(&self, peer: &PeerId) -> bool {
        lock(&self.0).contains_key(peer)
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Addresses that members announced of themselves, for the peer exchange. Addresses that
    /// members announced of others are not passed on.
    pub(crate) fn known(&self) -> Vec<String> {
        let members = lock(&self.0);
        let told = members.iter().flat_map(|(peer, member)| {
            let addresses = member.addresses.iter();
            addresses.map(|address| address.clone().with(Protocol::P2p(*peer)).to_string())
        });
        let mut bytes = 0;
        let in_budget = told.take(GREETING_PEERS_MAX).take_while(|text| {
            bytes += text.len();
            bytes <= GREETING_PEERS_BYTES_MAX
        });
        in_budget.collect()
    }

    /// Number of bytes that each peer sent since the last call.
    pub(crate) fn meter(&self) -> Vec<(PeerId, u64)> {
        let members = lock(&self.0);
        let metered = members.iter().map(|(peer, member)| {
            (*peer, member.links.iter().map(|link| link.traffic.meter()).sum())
        });
        metered.collect()
    }

    pub(crate) fn list(&self, is_validator: impl Fn(&PeerId) -> bool) -> Vec<PeerInfo> {
        let members = lock(&self.0);
        let listed = members.iter().filter_map(|(peer, member)| {
            let first = member.links.first()?;
            Some(PeerInfo {
                peer: *peer,
                address: first.address.clone(),
                direction: first.direction,
                version: member.version.clone(),
                validator: is_validator(peer),
                since: member.since,
                bytes_in: member.links.iter().map(|link| link.traffic.received()).sum(),
                bytes_out: member.links.iter().map(|link| link.traffic.sent()).sum(),
            })
        });
        listed.collect()
    }
}

/// Token buckets of one peer. They outlive its connections, because reconnecting would else refill
/// them.
pub(crate) struct Account {
    pub(crate) gossip: Bucket,
    pub(crate) requests: Bucket,
    pub(crate) rejects: Bucket,
    pub(crate) bytes: Bucket,
    pub(crate) streams: Bucket,
    pub(crate) connections: Bucket,
}

impl Account {
    fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            gossip: Bucket::new(limits.gossip, now),
            requests: Bucket::new(limits.requests, now),
            rejects: Bucket::new(REJECTS_RATE, now),
            bytes: Bucket::new(limits.inbound_bytes, now),
            streams: Bucket::new(STREAMS_RATE, now),
            connections: Bucket::new(CONNECTIONS_RATE, now),
        }
    }

    fn is_full(&mut self, now: Instant) -> bool {
        let Self { gossip, requests, rejects, bytes, streams, connections } = self;
        [gossip, requests, rejects, bytes, streams, connections].into_iter().all(|b| b.is_full(now))
    }
}

/// Token buckets of all peers, and the blocked peers with the end of each block.
pub(crate) struct Policy {
    limits: Limits,
    accounts: BTreeMap<PeerId, Account>,
    blocked: BTreeMap<PeerId, Instant>,
}

impl Policy {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, accounts: BTreeMap::new(), blocked: BTreeMap::new() }
    }

    pub(crate) fn account(&mut self, peer: PeerId, now: Instant) -> &mut Account {
        if self.accounts.len() >= ACCOUNTS_MAX && !self.accounts.contains_key(&peer) {
            self.accounts.pop_first();
        }
        self.accounts.entry(peer).or_insert_with(|| Account::new(&self.limits, now))
    }

    /// Drops the account of each peer that is not connected and whose buckets are full again.
    pub(crate) fn sweep(&mut self, now: Instant, is_connected: impl Fn(&PeerId) -> bool) {
        self.accounts.retain(|peer, account| is_connected(peer) || !account.is_full(now));
    }

    pub(crate) fn is_blocked(&self, peer: &PeerId) -> bool {
        self.blocked.contains_key(peer)
    }

    /// Blocks `peer`. Returns a peer whose block ends early because there are too many.
    pub(crate) fn block(&mut self, peer: PeerId, now: Instant) -> Option<PeerId> {
        self.blocked.insert(peer, now + self.limits.block_time);
        if self.blocked.len() <= BLOCKED_PEERS_MAX {
            return None;
        }
        let first = self.blocked.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer);
        first.inspect(|peer| {
            self.blocked.remove(peer);
        })
    }

    /// Takes out the peers whose block has ended.
    pub(crate) fn released(&mut self, now: Instant) -> Vec<PeerId> {
        let ended = |until: &Instant| *until <= now;
        let peers = self.blocked.iter().filter(|(_, until)| ended(until)).map(|(peer, _)| *peer);
        let peers: Vec<PeerId> = peers.collect();
        self.blocked.retain(|_, until| !ended(until));
        peers
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;

    use super::*;
    use crate::net::limits::{ADDRESSES_PER_PEER_MAX, BLOCK_TIME};

    #[test]
    fn what_is_told_of_others_fits_whatever_they_said() {
        let directory = Directory::default();
        let host = "a".repeat(250);
        let listen = (1..=ADDRESSES_PER_PEER_MAX).map(|port| format!("/dns4/{host}/tcp/{port}"));
        let greeting = Greeting { listen: listen.collect(), ..Greeting::default() };
        let endpoint = ConnectedPoint::Dialer {
            address: Multiaddr::empty(),
            role_override: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        for id in 0..20 {
            let link = (ConnectionId::new_unchecked(id), &endpoint, Arc::default());
            assert!(directory.add(PeerId::random(), link, &greeting, Instant::now()));
        }
        let told = directory.known();
        assert!(told.len() > 10);
        assert!(told.iter().map(String::len).sum::<usize>() <= GREETING_PEERS_BYTES_MAX);
    }

    #[test]
    fn blocks_end_in_time_and_the_oldest_makes_room() {
        let start = Instant::now();
        let mut policy = Policy::new(Limits::default());
        let first = PeerId::random();
        assert_eq!(policy.block(first, start), None);
        let later = start + Duration::from_secs(1);
        for _ in 1..BLOCKED_PEERS_MAX {
            assert_eq!(policy.block(PeerId::random(), later), None);
        }
        assert_eq!(policy.block(PeerId::random(), later), Some(first));
        assert!(policy.released(start + BLOCK_TIME).is_empty());
        assert_eq!(policy.released(later + BLOCK_TIME).len(), BLOCKED_PEERS_MAX);
    }

    #[test]
    fn an_account_is_forgotten_only_when_its_peer_is_gone_and_it_is_full() {
        let start = Instant::now();
        let mut policy = Policy::new(Limits::default());
        let peer = PeerId::random();
        assert!(policy.account(peer, start).rejects.take(8, start).is_ok());
        policy.sweep(start, |_| false);
        assert!(policy.account(peer, start).rejects.take(1, start).is_err());
        let later = start + Duration::from_secs(60);
        policy.account(peer, later).bytes.credit(1 << 40);
        policy.sweep(later, |_| true);
        assert!(
            policy.account(peer, later).bytes.take(1 << 40, later).is_ok(),
            "the credit was kept"
        );
        let later = later + Duration::from_secs(60);
        policy.sweep(later, |_| false);
        assert!(policy.accounts.is_empty());
    }
}
