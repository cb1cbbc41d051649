//! Committing of blocks that this node decided or that block sync brought with a certificate.

use std::sync::Arc;

use libp2p::PeerId;
use registry_core::block::Block;
use registry_core::certificate::Certificate;
use registry_core::code::Refusal;
use registry_core::codec;
use registry_core::crypto::Hash;
use registry_state::execution::{BlockError, Execution, execute};
use tracing::{info, warn};

use super::candidates::Candidate;
use super::{Action, Driver, Fatal, Settlement, Wanted};
use crate::net::Acceptance;
use crate::store::{Column, Ledger, Read, Row, Store, StoreError, commit_rows};
use crate::wire::{CertifiedBlock, Decided, Response};

impl Driver {
    /// Commits the block that the consensus core decided. It was executed before anyone voted for
    /// it.
    pub(super) fn on_decision(
        &mut self,
        certificate: &Certificate,
        rows: Vec<Row>,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        // Block sync may have brought the block while the core was still counting votes for it.
        if certificate.height <= self.head.height {
            return Ok(store.write(rows, false)?);
        }
        let candidate = match self.executed.remove(&certificate.value) {
            Some(candidate) => candidate,
            None => self.restore_candidate(certificate, store)?,
        };
        self.commit(candidate, certificate.clone(), Seen::Decided(rows), store)?;
        self.publish_decided();
        Ok(())
    }

    /// Executes the decided block again. After a restart it is only on disk.
    fn restore_candidate(
        &self,
        certificate: &Certificate,
        store: &dyn Store,
    ) -> Result<Candidate, Fatal> {
        let read: &dyn Read = store;
        let block = Ledger(read).candidate(certificate.height, &certificate.value)?;
        let missing = || StoreError::new(format!("decided block {} is lost", certificate.value));
        let block = block.ok_or_else(missing)?;
        self.replay(&block, store).map_err(|reason| match reason {
            Replay::Fatal(fatal) => fatal,
            Replay::Wrong(reason) => Fatal::Diverged { height: certificate.height, reason },
        })
    }

    fn replay(&self, block: &Block, store: &dyn Store) -> Result<Candidate, Replay> {
        let operations = self.check_all(&block.operations).map_err(Replay::Wrong)?;
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let network = self.network.clone();
        match execute(&ledger, network, &self.head, &block.header, &operations) {
            Ok(execution) => Ok(Candidate { execution, operations }),
            Err(error @ (BlockError::Store(_) | BlockError::Version { .. })) => {
                Err(Replay::Fatal(error.into()))
            }
            Err(error) => Err(Replay::Wrong(error.to_string())),
        }
    }

    fn commit(
        &mut self,
        candidate: Candidate,
        certificate: Certificate,
        seen: Seen,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let block = candidate.block();
        let mut rows = commit_rows(&*store, &candidate.execution, &block, &certificate)?;
        let live = match seen {
            Seen::Decided(pending) => {
                // The log of a decided height is deleted with it; only the guard is kept.
                rows.extend(pending.into_iter().filter(|row| row.column != Column::Wal));
                // A block that was decided in a later round may rightly have an old time.
                certificate.round == 0
            }
            Seen::Fetched => false,
        };
        store.write(rows, true)?;
        let Execution { header, changes, .. } = candidate.execution;
        let height = header.height;
        let operations = candidate.operations.len();
        info!(height, operations, hash = %certificate.value, "committed");
        self.head = header.clone();
        self.certificate = Some(certificate);
        self.executed.clear();
        self.proposed.retain(|(proposed, _), _| *proposed > height);
        self.pace.committed(self.now);
        self.reconsider_deferred_height();
        self.build = None;
        self.follow_rules(&changes, store)?;
        self.note_proposals(&changes)?;
        for checked in &candidate.operations {
            let settlement = Settlement::Applied { height };
            self.actions.push(Action::Settled { operation: checked.id(), settlement });
        }
        self.refresh_mempool(&candidate.operations, store)?;
        self.actions.push(Action::Committed { header, live });
        Ok(())
    }

    fn refresh_mempool(
        &mut self,
        applied: &[Arc<registry_state::rules::Checked>],
        store: &dyn Store,
    ) -> Result<(), Fatal> {
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let probe = self.probe(&ledger)?;
        for (operation, refusal) in self.mempool.committed(&probe, applied)? {
            self.settle_refused(operation, refusal);
        }
        Ok(())
    }

    pub(super) fn settle_refused(&mut self, operation: Hash, refusal: Refusal) {
        let settlement = Settlement::Refused(refusal);
        self.actions.push(Action::Settled { operation, settlement });
    }

    fn publish_decided(&mut self) {
        if self.decided_seen >= self.head.height {
            return;
        }
        self.decided_seen = self.head.height;
        if let Some(certificate) = self.certificate.clone() {
            let decided = Decided { header: self.head.clone(), certificate };
            self.actions.push(Action::PublishDecided(codec::encode(&decided)));
        }
    }

    /// Handles a decided header that arrived by gossip. Its certificate is checked before the
    /// message may be passed on.
    pub(super) fn on_decided(&mut self, source: PeerId, bytes: &[u8]) -> Acceptance {
        let Ok(Decided { header, certificate }) = Decided::decode(bytes) else {
            return Acceptance::Reject;
        };
        if header.height <= self.head.height.max(self.decided_seen) {
            return Acceptance::Ignore;
        }
        if header.validators != self.rules.set.hash() {
            // This node does not know the validator set yet; it can check the certificate once it
            // has synced.
            self.sync.saw(source, header.height);
            return Acceptance::Ignore;
        }
        let sound = header.chain == self.chain
            && header.hash() == certificate.value
            && header.height == certificate.height;
        if !sound || certificate.check(self.chain, &self.rules.set).is_err() {
            return Acceptance::Reject;
        }
        self.decided_seen = header.height;
        self.sync.proved(source, header.height);
        Acceptance::Accept
    }

    /// Commits the blocks of a block sync response. Each is checked by its certificate and by
    /// execution.
    pub(super) fn on_blocks(
        &mut self,
        peer: PeerId,
        claimed: u64,
        blocks: Vec<CertifiedBlock>,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let before = self.head.height;
        let was_empty = blocks.is_empty();
        for CertifiedBlock { block, certificate } in blocks {
            if block.header.height <= self.head.height {
                continue;
            }
            // This program does not support the protocol version of the block; the node is about to
            // stop.
            if self.rules.check_version(self.head.height).is_err() {
                break;
            }
            if let Err(reason) = self.check_certified(&block, &certificate) {
                self.sync.useless(&peer, self.head.height, self.now.steady_ms);
                warn!(%peer, reason, "bad block in block sync");
                self.cut(peer, reason);
                return Ok(());
            }
            let candidate = match self.replay(&block, store) {
                Ok(candidate) => candidate,
                Err(Replay::Fatal(fatal)) => return Err(fatal),
                Err(Replay::Wrong(reason)) => {
                    return Err(Fatal::Diverged { height: block.header.height, reason });
                }
            };
            self.commit(candidate, certificate, Seen::Fetched, store)?;
        }
        if self.head.height > before {
            self.sync.useful(&peer);
        } else {
            let lied = was_empty && claimed > before;
            self.sync.useless(&peer, before, self.now.steady_ms);
            if lied {
                self.cut(peer, format!("it claims blocks after {before} and has none"));
            }
        }
        Ok(())
    }

    fn check_certified(&self, block: &Block, certificate: &Certificate) -> Result<(), String> {
        let header = &block.header;
        if header.height != self.head.height.saturating_add(1)
            || certificate.height != header.height
        {
            return Err(format!("height {} after {}", header.height, self.head.height));
        }
        if header.hash() != certificate.value || header.previous != self.head.hash() {
            return Err(format!("block {} is not the certified successor", header.height));
        }
        certificate.check(self.chain, &self.rules.set).map_err(|error| error.to_string())?;
        let leaves = block.operations.len();
        if leaves > registry_core::limits::BLOCK_OPERATIONS_MAX {
            return Err(format!("{leaves} operations in a block"));
        }
        // Only if the envelopes are those of the certified header can their execution prove that
        // this node diverges.
        let checked = self.check_all(&block.operations)?;
        let ids: Vec<_> =
            checked.iter().map(|checked| (checked.envelope_id(), checked.id())).collect();
        let root =
            registry_core::block::operations_root(ids.iter().map(|(envelope, id)| (envelope, id)));
        if root != header.operations_root {
            return Err(format!("the operations of block {} are not its own", header.height));
        }
        Ok(())
    }

    /// Handles the response to a request of this node.
    pub(super) fn on_response(
        &mut self,
        id: u64,
        peer: PeerId,
        bytes: &[u8],
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let Some(wanted) = self.requests.remove(&id) else { return Ok(()) };
        let response = Response::decode(bytes);
        match (wanted, response) {
            (Wanted::Status, Ok(Response::Status { height })) => self.sync.claims(peer, height),
            (Wanted::Blocks, Ok(Response::Blocks(blocks))) => {
                let claimed = self.sync.finish(id);
                self.on_blocks(peer, claimed, blocks, store)?;
            }
            (Wanted::Proposed(height, value), Ok(Response::Envelopes(envelopes))) => {
                self.on_envelopes((height, value), peer, &envelopes, store)?;
            }
            (Wanted::Proposed(height, value), Ok(Response::Candidate(block))) => {
                let block = block.map(|block| *block);
                self.on_candidate((height, value), peer, block, store)?;
            }
            (wanted, _) => {
                self.failed(id, peer, wanted);
                self.cut(peer, "an answer of another kind than asked for".to_owned());
            }
        }
        Ok(())
    }

    /// Handles the failure of a request of this node.
    pub(super) fn on_request_failed(&mut self, id: u64, peer: PeerId) {
        if let Some(wanted) = self.requests.remove(&id) {
            self.failed(id, peer, wanted);
        }
    }

    fn failed(&mut self, id: u64, peer: PeerId, wanted: Wanted) {
        match wanted {
            Wanted::Status => {}
            Wanted::Blocks => {
                self.sync.finish(id);
                self.sync.useless(&peer, self.head.height, self.now.steady_ms);
            }
            Wanted::Proposed(height, value) => self.retry_proposed((height, value)),
        }
    }
}

/// Where a committed block came from.
enum Seen {
    /// This node decided it. The rows are those of the deciding input; they go into the same batch.
    Decided(Vec<Row>),
    /// Block sync fetched it.
    Fetched,
}

/// Reason why a block could not be executed again.
enum Replay {
    Fatal(Fatal),
    Wrong(String),
}
