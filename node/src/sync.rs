//! Block sync for nodes that lag, join late or lost their data: it decides which peer to ask for
//! which blocks. It keeps the heights of the peers and one request in flight. The driver checks and
//! commits the blocks.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use libp2p::PeerId;

use crate::limits::{SYNC_BLOCKS_MAX, SYNC_PEERS_MAX, SYNC_RETRY_MS};
use crate::wire::Request;

/// State of one peer.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Height that the peer is believed to have. Only the blocks that it serves prove it.
    height: u64,
    /// Greatest height that the peer itself claimed; `height` may come from other evidence.
    claimed: u64,
    not_before_ms: u64,
    /// Number of requests in a row that brought no new blocks.
    failures: u32,
}

/// A request for blocks that has no response yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InFlight {
    id: u64,
    peer: PeerId,
    /// Height that the peer had claimed before it was asked.
    claimed: u64,
}

/// Heights of the peers, and the request in flight.
#[derive(Debug, Default)]
pub struct Sync {
    peers: BTreeMap<PeerId, Known>,
    in_flight: Option<InFlight>,
    /// Greatest height for which a valid certificate was seen.
    proven: u64,
}

impl Sync {
    /// Notes evidence that a peer has committed `height`. It never lowers a known height, so a peer
    /// cannot confuse block sync by taking its height back.
    pub fn saw(&mut self, peer: PeerId, height: u64) {
        if self.peers.len() < SYNC_PEERS_MAX || self.peers.contains_key(&peer) {
            let known = self.peers.entry(peer).or_default();
            known.height = known.height.max(height);
        }
    }

    /// Notes that a checked certificate from `peer` proves that `height` is decided.
    pub fn proved(&mut self, peer: PeerId, height: u64) {
        self.saw(peer, height);
        self.proven = self.proven.max(height);
    }

    /// Greatest height that is proven or that two peers claim, or one peer if there is only one.
    /// Status and readiness use it, so that a single lying peer does not make the node look behind.
    pub fn credible(&self) -> u64 {
        let mut claims: Vec<u64> = self.peers.values().map(|known| known.height).collect();
        claims.sort_unstable_by(|one, other| other.cmp(one));
        let claim = claims.get(1).or(claims.first()).copied();
        claim.unwrap_or(0).max(self.proven)
    }

    /// Notes that a peer claims to have committed `height`.
    pub fn claims(&mut self, peer: PeerId, height: u64) {
        self.saw(peer, height);
        if let Some(known) = self.peers.get_mut(&peer) {
            known.claimed = known.claimed.max(height);
        }
    }

    /// Forgets a peer that disconnected.
    pub fn forget(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
        if self.in_flight.is_some_and(|request| request.peer == *peer) {
            self.in_flight = None;
        }
    }

    /// Greatest height that any peer is believed to have.
    pub fn target(&self) -> u64 {
        self.peers.values().map(|known| known.height).max().unwrap_or(0)
    }

    /// All known peers, to ask them for their height.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.keys().copied()
    }

    /// The next request for blocks after `head`, if one is due. It goes to a peer that claims such
    /// blocks and did not fail a moment ago: to the most reliable one, and among equals to the
    /// highest.
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

    /// Ends request `id`. Returns the height that its peer had claimed before it was asked, and
    /// therefore must be able to serve; 0 if the request was given up before.
    pub fn finish(&mut self, id: u64) -> u64 {
        self.in_flight.take_if(|request| request.id == id).map_or(0, |request| request.claimed)
    }

    /// Notes that a peer sent blocks that were needed.
    pub fn useful(&mut self, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.failures = 0;
        }
    }

    /// Notes that a peer sent nothing useful. It is believed to be at `head` and is not asked again
    /// for `SYNC_RETRY_MS`.
    pub fn useless(&mut self, peer: &PeerId, head: u64, now_ms: u64) {
        if let Some(known) = self.peers.get_mut(peer) {
            let failures = known.failures.saturating_add(1);
            let not_before_ms = now_ms.saturating_add(SYNC_RETRY_MS);
            known.height = head;
            known.not_before_ms = not_before_ms;
            known.failures = failures;
        }
    }

    /// Time at which a peer with blocks after `head` may be asked again, on the steady clock in
    /// milliseconds; `None` if no peer has such blocks.
    pub fn wakes_at(&self, head: u64) -> Option<u64> {
        let waiting = self.peers.values().filter(|known| known.height > head);
        waiting.map(|known| known.not_before_ms).min()
    }
}
