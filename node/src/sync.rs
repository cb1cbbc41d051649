//! Block sync: whom to ask for what, for nodes that lag, join late or lost their data. It keeps
//! heights and one request in flight; checking and committing the blocks is the driver's.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use libp2p::PeerId;

use crate::limits::{SYNC_BLOCKS_MAX, SYNC_PEERS_MAX, SYNC_RETRY_MS};
use crate::wire::Request;

/// What is known of one peer.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// What it claims; nothing proves it but the blocks it serves.
    height: u64,
    /// What it said of itself; the rest is known from others.
    claimed: u64,
    not_before_ms: u64,
    /// Requests in a row that brought nothing.
    failures: u32,
}

/// A request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InFlight {
    id: u64,
    peer: PeerId,
    /// What the peer had claimed before it was asked.
    claimed: u64,
}

/// Peers' heights and the request in flight.
#[derive(Debug, Default)]
pub struct Sync {
    peers: BTreeMap<PeerId, Known>,
    in_flight: Option<InFlight>,
    /// Greatest height of which a certificate was seen.
    proven: u64,
}

impl Sync {
    /// A peer showed that it has committed `height`. Never lowers what is known, so a peer cannot
    /// keep the node in sync by taking its height back.
    pub fn saw(&mut self, peer: PeerId, height: u64) {
        if self.peers.len() < SYNC_PEERS_MAX || self.peers.contains_key(&peer) {
            let known = self.peers.entry(peer).or_default();
            known.height = known.height.max(height);
        }
    }

    /// A checked certificate shows that `height` is decided; `peer` brought it.
    pub fn proved(&mut self, peer: PeerId, height: u64) {
        self.saw(peer, height);
        self.proven = self.proven.max(height);
    }

    /// Greatest height that is proven or that two peers claim (one, if there is but one): what to
    /// show people, so that a single liar does not make the node look behind.
    pub fn credible(&self) -> u64 {
        let mut claims: Vec<u64> = self.peers.values().map(|known| known.height).collect();
        claims.sort_unstable_by(|one, other| other.cmp(one));
        let claim = claims.get(1).or(claims.first()).copied();
        claim.unwrap_or(0).max(self.proven)
    }

    /// A peer says that it has committed `height`.
    pub fn claims(&mut self, peer: PeerId, height: u64) {
        self.saw(peer, height);
        if let Some(known) = self.peers.get_mut(&peer) {
            known.claimed = known.claimed.max(height);
        }
    }

    /// The peer is gone.
    pub fn forget(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
        if self.in_flight.is_some_and(|request| request.peer == *peer) {
            self.in_flight = None;
        }
    }

    /// The greatest height that a peer claims.
    pub fn target(&self) -> u64 {
        self.peers.values().map(|known| known.height).max().unwrap_or(0)
    }

    /// Peers that are known, to ask for their height.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.keys().copied()
    }

    /// The next request for blocks after `head`, if one is due: a peer that claims them and was
    /// not useless a moment ago; the most reliable first, then the highest.
    pub fn next(&mut self, id: u64, head: u64, now_ms: u64) -> Option<(PeerId, Request)> {
        if self.in_flight.is_some() {
            return None;
        }
        let useful = self
            .peers
            .iter()
            .filter(|(_, known)| known.height > head && known.not_before_ms <= now_ms);
        let (peer, known) =
            useful.max_by_key(|(_, known)| (Reverse(known.failures), known.height))?;
        let from = head.saturating_add(1);
        let to = known.height.min(head.saturating_add(SYNC_BLOCKS_MAX));
        self.in_flight = Some(InFlight { id, peer: *peer, claimed: known.claimed });
        Some((*peer, Request::Blocks { from, to }))
    }

    /// Request `id` is no longer in flight. Hands out the height that its peer had claimed when
    /// it was asked, and so has to serve; 0 if the request was given up before.
    pub fn finish(&mut self, id: u64) -> u64 {
        self.in_flight.take_if(|request| request.id == id).map_or(0, |request| request.claimed)
    }

    /// The peer gave blocks that were needed.
    pub fn useful(&mut self, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.failures = 0;
        }
    }

    /// The peer had nothing to give: it is believed to stand at `head` and rests for a while.
    pub fn useless(&mut self, peer: &PeerId, head: u64, now_ms: u64) {
        if let Some(known) = self.peers.get_mut(peer) {
            let failures = known.failures.saturating_add(1);
            let not_before_ms = now_ms.saturating_add(SYNC_RETRY_MS);
            known.height = head;
            known.not_before_ms = not_before_ms;
            known.failures = failures;
        }
    }

    /// When a resting peer may be asked again, if that is what sync after `head` waits for.
    pub fn wakes_at(&self, head: u64) -> Option<u64> {
        let waiting = self.peers.values().filter(|known| known.height > head);
        waiting.map(|known| known.not_before_ms).min()
    }
}
