//! Responses to peers, and the requests that keep this node in step with them.

use libp2p::PeerId;
use registry_core::codec::{self, Bytes};

use super::{Action, Driver, Fatal, Timer, Wanted};
use crate::limits::{
    ENVELOPES_PER_REQUEST_MAX, FOLLOW_GRACE_MS, REPUBLISHED_MAX, RESPONSE_BYTES_MAX,
    STATUS_INTERVAL_MS, SYNC_BLOCKS_MAX,
};
use crate::store::{Ledger, Read, Store, StoreError};
use crate::wire::{CertifiedBlock, Request, Response};

impl Driver {
    /// Answers a request of a peer.
    pub(super) fn serve(
        &mut self,
        peer: PeerId,
        bytes: &[u8],
        token: u64,
        store: &dyn Store,
    ) -> Result<(), Fatal> {
        let request = match Request::decode(bytes) {
            Ok(request) => request,
            Err(error) => {
                self.cut(peer, format!("malformed request: {error}"));
                return Ok(());
            }
        };
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let response = match request {
            Request::Status => Response::Status { height: self.head.height },
            Request::Blocks { from, to } => Response::Blocks(blocks(&ledger, from, to)?),
            Request::Candidate { height, value } => {
                let block = match self.executed.get(&value) {
                    Some(candidate) => Some(candidate.block()),
                    None => ledger.candidate(height, &value)?,
                };
                Response::Candidate(block.map(Box::new))
            }
            Request::Envelopes { ids } => {
                let known = ids.iter().take(ENVELOPES_PER_REQUEST_MAX).filter_map(|id| {
                    let own = self.executed.values().flat_map(|candidate| &candidate.operations);
                    let found = self.mempool.get(id);
                    found
                        .or_else(|| own.into_iter().find(|each| each.envelope_id() == *id).cloned())
                });
                let mut room = RESPONSE_BYTES_MAX;
                let fitting = known.take_while(|checked| take(&mut room, checked.bytes().len()));
                Response::Envelopes(
                    fitting.map(|checked| Bytes(checked.bytes().to_vec())).collect(),
                )
            }
        };
        self.actions.push(Action::Respond { token, bytes: codec::encode(&response) });
        Ok(())
    }

    /// Asks a peer for its height.
    pub(super) fn ask_status(&mut self, peer: PeerId) {
        self.sync.saw(peer, 0);
        self.request(peer, &Request::Status, Wanted::Status);
    }

    /// Asks all peers for their height if nothing was committed for a while. After a partition
    /// heals, a node learns in this way that it lags.
    pub(super) fn status_round(&mut self) {
        self.set_timer(Timer::Status, self.now.steady_ms.saturating_add(STATUS_INTERVAL_MS));
        let quiet = self.pace.quiet_ms(self.now) >= STATUS_INTERVAL_MS;
        if quiet || self.ordering.is_none() {
            self.publish_waiting();
        }
        if !quiet {
            return;
        }
        let peers: Vec<_> = self.sync.peers().collect();
        for peer in peers {
            self.ask_status(peer);
        }
    }

    /// Publishes waiting operations again, because gossip may have lost them in a partition and a
    /// follower has no other way to bring them into a block. The gossip protocol drops those that
    /// peers received recently.
    fn publish_waiting(&mut self) {
        let waiting = self.mempool.envelopes(REPUBLISHED_MAX).cloned();
        self.actions.extend(waiting.map(Action::PublishOperation));
    }

    /// True if this node should fetch blocks and not wait until it decides them. A validator that
    /// is one block behind will most likely decide it soon; a follower never decides.
    pub(super) fn sync_is_behind(&self) -> bool {
        let target = self.sync.target();
        let behind = target.saturating_sub(self.head.height);
        match (&self.ordering, behind) {
            (_, 0) => false,
            (Some(_), 1) => self.pace.quiet_ms(self.now) >= FOLLOW_GRACE_MS,
            _ => true,
        }
    }

    /// Requests the next blocks if this node is behind.
    pub(super) fn continue_sync(&mut self) {
        let head = self.head.height;
        if self.sync.target() <= head {
            return;
        }
        if !self.sync_is_behind() {
            let at_ms = self.now.steady_ms.saturating_add(FOLLOW_GRACE_MS);
            self.set_timer(Timer::Sync, at_ms);
            return;
        }
        match self.sync.next(self.next_request, head, self.now.steady_ms) {
            Some((peer, request)) => drop(self.request(peer, &request, Wanted::Blocks)),
            None => {
                if let Some(at_ms) = self.sync.wakes_at(head).filter(|at| *at > self.now.steady_ms)
                {
                    self.set_timer(Timer::Sync, at_ms);
                }
            }
        }
    }
}

fn take(room: &mut usize, bytes: usize) -> bool {
    let fits = *room >= bytes;
    *room = room.saturating_sub(bytes);
    fits
}

fn blocks<R: Read + ?Sized>(
    ledger: &Ledger<'_, R>,
    from: u64,
    to: u64,
) -> Result<Vec<CertifiedBlock>, StoreError> {
    let mut room = RESPONSE_BYTES_MAX;
    let mut found = Vec::new();
    for height in from..=to.min(from.saturating_add(SYNC_BLOCKS_MAX)) {
        let (Some(block), Some(certificate)) = (ledger.block(height)?, ledger.certificate(height)?)
        else {
            break;
        };
        let bytes: usize = block.operations.iter().map(|operation| operation.0.len()).sum();
        let framing = 4_096;
        if !take(&mut room, bytes.saturating_add(framing)) && !found.is_empty() {
            break;
        }
        found.push(CertifiedBlock { block, certificate });
    }
    Ok(found)
}
