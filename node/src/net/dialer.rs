//! The choice of peers to dial and of the time to dial them. Wanted peers, which are the configured
//! ones and the validators, are dialled for ever. Learnt peers, of which this node heard from
//! others, are dialled only while few peers are connected, and forgotten if they do not answer.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Instant;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::backoff::Backoff;
use super::config::PeerAddress;
use super::limits::{
    ADDRESSES_PER_PEER_MAX, LEARNT_ATTEMPTS_MAX, LEARNT_PEERS_MAX, PEERS_WANTED,
    PENDING_OUTBOUND_MAX,
};

/// Table of peers to dial.
pub(crate) struct Dialer {
    local: PeerId,
    targets: BTreeMap<PeerId, Target>,
}

struct Target {
    addresses: Vec<Multiaddr>,
    wanted: bool,
    dialling: bool,
    backoff: Backoff,
}

impl Dialer {
    pub(crate) fn new(local: PeerId) -> Self {
        Self { local, targets: BTreeMap::new() }
    }

    /// Replaces the wanted peers. A peer that is no longer wanted becomes a learnt one.
    pub(crate) fn want<'a>(&mut self, peers: impl Iterator<Item = &'a PeerAddress>, now: Instant) {
        for target in self.targets.values_mut() {
            target.wanted = false;
        }
        for PeerAddress { peer, addresses } in peers.filter(|p| p.peer != self.local) {
            let target = self.targets.entry(*peer).or_insert_with(|| Target::new(now));
            target.wanted = true;
            for address in addresses.iter().rev() {
                target.prefer(address);
            }
        }
    }

    /// Remembers a peer that `speaker` told of, if there is room. Loopback addresses are kept only
    /// if the speaker is on this machine too.
    pub(crate) fn learn(&mut self, heard: &PeerAddress, speaker: &Multiaddr, now: Instant) {
        if heard.peer == self.local {
            return;
        }
        let of_use = |a: &&Multiaddr| is_dialable(a) && (!is_loopback(a) || is_loopback(speaker));
        let addresses: Vec<&Multiaddr> = heard.addresses.iter().filter(of_use).collect();
        let learnt = self.targets.values().filter(|target| !target.wanted).count();
        let full = learnt >= LEARNT_PEERS_MAX && !self.targets.contains_key(&heard.peer);
        if addresses.is_empty() || full {
            return;
        }
        let target = self.targets.entry(heard.peer).or_insert_with(|| Target::new(now));
        for address in addresses {
            target.add(address);
        }
    }

    /// Peers to dial now, each with its addresses. They count as being dialled from this call on.
    pub(crate) fn due(
        &mut self,
        now: Instant,
        connected: usize,
        is_excluded: impl Fn(&PeerId) -> bool,
    ) -> Vec<PeerAddress> {
        let dialling = self.targets.values().filter(|target| target.dialling).count();
        let room = (PENDING_OUTBOUND_MAX as usize).saturating_sub(dialling);
        let few = connected < PEERS_WANTED;
        let due = self.targets.iter_mut().filter(|(peer, target)| {
            (target.wanted || few)
                && !target.dialling
                && !target.addresses.is_empty()
                && target.backoff.is_due(now)
                && !is_excluded(peer)
        });
        let due = due.take(room).map(|(peer, target)| {
            target.dialling = true;
            PeerAddress { peer: *peer, addresses: target.addresses.clone() }
        });
        due.collect()
    }

    pub(crate) fn connected(&mut self, peer: PeerId) {
        if let Some(target) = self.targets.get_mut(&peer) {
            target.dialling = false;
        }
    }

    /// The last connection with a peer, which was opened at `since`, has ended.
    pub(crate) fn disconnected(&mut self, peer: PeerId, since: Instant, now: Instant) {
        if let Some(target) = self.targets.get_mut(&peer) {
            target.dialling = false;
            target.backoff.ended(since, now);
            self.forget_silent(peer);
        }
    }

    /// Dialling failed. Returns the number of failures in a row.
    pub(crate) fn failed(&mut self, peer: PeerId, now: Instant) -> u32 {
        let Some(target) = self.targets.get_mut(&peer) else { return 0 };
        target.dialling = false;
        target.backoff.failed(now);
        let attempts = target.backoff.attempts();
        self.forget_silent(peer);
        attempts
    }

    fn forget_silent(&mut self, peer: PeerId) {
        let silent = |t: &Target| !t.wanted && t.backoff.attempts() >= LEARNT_ATTEMPTS_MAX;
        if self.targets.get(&peer).is_some_and(silent) {
            self.targets.remove(&peer);
        }
    }
}

impl Target {
    fn new(now: Instant) -> Self {
        let backoff = Backoff::new(now);
        Self { addresses: Vec::new(), wanted: false, dialling: false, backoff }
    }

    fn add(&mut self, address: &Multiaddr) {
        if self.addresses.len() < ADDRESSES_PER_PEER_MAX && !self.addresses.contains(address) {
            self.addresses.push(address.clone());
        }
    }

    /// Puts an address before those learnt from others, so that they can never push it out.
    fn prefer(&mut self, address: &Multiaddr) {
        self.addresses.retain(|known| known != address);
        self.addresses.insert(0, address.clone());
        self.addresses.truncate(ADDRESSES_PER_PEER_MAX);
    }
}

fn is_dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && ip != Ipv4Addr::BROADCAST,
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => true,
        _ => false,
    };
    let tcp = matches!(parts.next(), Some(Protocol::Tcp(port)) if port != 0);
    host && tcp && parts.next().is_none()
}

fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HERE: &str = "/ip4/127.0.0.1/tcp/1";
    const FAR: &str = "/ip4/192.0.2.1/tcp/1";

    fn heard(addresses: &[&str]) -> PeerAddress {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        PeerAddress { peer: PeerId::random(), addresses }
    }

    #[test]
    fn a_wanted_peer_is_dialled_for_ever_and_a_learnt_one_is_forgotten() {
        let start = Instant::now();
        let mut dialer = Dialer::new(PeerId::random());
        let (wanted, learnt) = (heard(&[FAR]), heard(&[FAR]));
        dialer.want([&wanted].into_iter(), start);
        dialer.learn(&learnt, &FAR.parse().unwrap(), start);
        let mut now = start;
        for round in 0..20 {
            let due: Vec<PeerId> = dialer.due(now, 0, |_| false).iter().map(|p| p.peer).collect();
            assert!(due.contains(&wanted.peer), "round {round}");
            assert_eq!(due.contains(&learnt.peer), round < LEARNT_ATTEMPTS_MAX);
            for peer in due {
                dialer.failed(peer, now);
            }
            now += Duration::from_secs(5);
        }
    }

    #[test]
    fn learnt_addresses_are_kept_only_if_they_can_be_of_use() {
        let now = Instant::now();
        let far: Multiaddr = FAR.parse().unwrap();
        let here: Multiaddr = HERE.parse().unwrap();
        let none = ["/ip4/0.0.0.0/tcp/1", "/ip4/192.0.2.1/udp/1", "/ip4/192.0.2.1/tcp/0", HERE];
        let mut dialer = Dialer::new(PeerId::random());
        dialer.learn(&heard(&none), &far, now);
        assert!(dialer.due(now, 0, |_| false).is_empty());
        dialer.learn(&heard(&none), &here, now);
        assert_eq!(dialer.due(now, 0, |_| false)[0].addresses, [here]);
        let own = PeerAddress { peer: dialer.local, addresses: vec![far.clone()] };
        dialer.learn(&own, &far, now);
        assert!(dialer.due(now, 0, |_| false).is_empty());
    }

    #[test]
    fn learnt_peers_are_not_dialled_while_enough_are_connected() {
        let now = Instant::now();
        let mut dialer = Dialer::new(PeerId::random());
        dialer.learn(&heard(&[FAR]), &FAR.parse().unwrap(), now);
        assert!(dialer.due(now, PEERS_WANTED, |_| false).is_empty());
        assert_eq!(dialer.due(now, PEERS_WANTED - 1, |_| false).len(), 1);
    }

    #[test]
    fn the_table_of_learnt_peers_is_bounded() {
        let now = Instant::now();
        let mut dialer = Dialer::new(PeerId::random());
        for _ in 0..LEARNT_PEERS_MAX + 10 {
            dialer.learn(&heard(&[FAR]), &FAR.parse().unwrap(), now);
        }
        assert_eq!(dialer.targets.len(), LEARNT_PEERS_MAX);
    }
}
