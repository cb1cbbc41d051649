//! Proposed blocks. This node builds them or assembles them from a compact block, executes them,
//! and makes them durable together with the validity that lets the consensus core vote.

use std::collections::BTreeMap;
use std::sync::Arc;

use libp2p::PeerId;
use ordering::{Input, Message, Validity};
use registry_core::block::{Block, CompactBlock, Header, operations_root};
use registry_core::codec::{self, Bytes};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{SignedOperation, operation_id};
use registry_state::execution::{BlockError, BlockExecution, Execution, execute};
use registry_state::rules::{Checked, check_stateless, cost_alone, envelope_id};
use tracing::{debug, warn};

use super::cost::check_cost;
use super::timeliness::is_timely;
use super::{Driver, Fatal, Timer, Wanted};
use crate::limits::{
    BUILD_SHARE_DIVISOR, ENVELOPES_PER_REQUEST_MAX, PROPOSAL_HEIGHTS_AHEAD_MAX, PROPOSALS_MAX,
};
use crate::store::{Ledger, Read, Store, candidate_row};
use crate::wire::Request;

/// An executed block that follows the head.
pub(super) struct Candidate {
    pub(super) execution: Execution,
    pub(super) operations: Vec<Arc<Checked>>,
}

impl Candidate {
    pub(super) fn block(&self) -> Block {
        let operations = self.operations.iter().map(|checked| Bytes(checked.bytes().to_vec()));
        Block { header: self.execution.header.clone(), operations: operations.collect() }
    }

    fn compact(&self) -> CompactBlock {
        let envelopes = self.operations.iter().map(|checked| checked.envelope_id()).collect();
        CompactBlock { header: self.execution.header.clone(), envelopes }
    }
}

/// A block that a validator proposed.
pub(super) struct Proposed {
    /// `None` while only the hash of the block is known. The node then asks for the whole block.
    compact: Option<CompactBlock>,
    /// Operations found so far, by envelope id.
    bodies: BTreeMap<Hash, Arc<Checked>>,
    /// True if the block's time fitted the clock of this node when its header arrived.
    timely: bool,
    /// Set once the consensus core has asked whether the block is valid.
    asked: Option<Asked>,
    verdict: Option<Validity>,
    /// Number of requests sent so far; it selects the peer to ask next.
    attempts: usize,
    in_flight: bool,
}

#[derive(Clone, Copy)]
struct Asked {
    round: u32,
    proposer: ValidatorKey,
    /// True if a polka for the block is known, so that its time no longer matters.
    any_time: bool,
}

/// True if these pairs of envelope id and operation id are those of the block, in order.
fn holds(header: &Header, ids: impl Iterator<Item = (Hash, Hash)>) -> bool {
    let ids: Vec<_> = ids.collect();
    operations_root(ids.iter().map(|(envelope, id)| (envelope, id))) == header.operations_root
}

/// Envelope id and operation id of an encoded envelope, which need not be valid; `None` if the
/// bytes are no envelope.
fn ids_of(bytes: &Bytes) -> Option<(Hash, Hash)> {
    let envelope: SignedOperation = codec::decode(&bytes.0, OPERATION_BYTES_MAX).ok()?;
    Some((envelope_id(&bytes.0), operation_id(&envelope.body.0)))
}

impl Driver {
    /// Builds a block if the core waits for one and the clock has reached the time of the previous
    /// block.
    pub(super) fn build_if_due(&mut self, store: &mut dyn Store) -> Result<(), Fatal> {
        let Some((height, round)) = self.build else { return Ok(()) };
        let proposer = self.ordering.as_ref().map(ordering::State::key);
        let (Some(proposer), true) = (proposer, height == self.head.height.saturating_add(1))
        else {
            self.build = None;
            return Ok(());
        };
        if self.now.wall_ms < self.head.time {
            let wait_ms = self.head.time.saturating_sub(self.now.wall_ms);
            self.set_timer(Timer::Build, self.now.steady_ms.saturating_add(wait_ms));
            return Ok(());
        }
        self.build = None;
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let time_ms = self.now.wall_ms.max(self.head.time.saturating_add(1));
        let block =
            BlockExecution::new(&ledger, self.network.clone(), &self.head, time_ms, proposer)?;
        let built = self.mempool.build(block, &self.build_clock())?;
        for (operation, refusal) in built.refused {
            self.settle_refused(operation, refusal);
        }
        let candidate = Candidate { execution: built.execution, operations: built.operations };
        let value = candidate.execution.header.hash();
        let row = candidate_row(&candidate.block());
        self.executed.insert(value, candidate);
        self.feed_with(Input::Propose { height, round, value }, vec![row]);
        Ok(())
    }

    /// Returns a function that tells whether the time for building a block is over. It is the same
    /// quarter of the timeout for which the budget of a block is made.
    fn build_clock(&self) -> impl Fn() -> bool + use<> {
        let span_ms = self.rules.parameters.timeout_propose_ms / BUILD_SHARE_DIVISOR;
        let clock = self.clock;
        let start_ms = clock.map(|clock| clock());
        move || match (clock, start_ms) {
            (Some(clock), Some(start_ms)) => clock().saturating_sub(start_ms) >= span_ms,
            _ => false,
        }
    }

    /// Compact form of a block that this node proposes, or proposed before a restart.
    pub(super) fn compact(
        &self,
        height: u64,
        value: &Hash,
        store: &dyn Store,
    ) -> Result<Option<CompactBlock>, Fatal> {
        if let Some(candidate) = self.executed.get(value) {
            return Ok(Some(candidate.compact()));
        }
        let read: &dyn Read = store;
        let block = Ledger(read).candidate(height, value)?;
        Ok(block.map(|block| CompactBlock {
            envelopes: block.operations.iter().map(|bytes| envelope_id(&bytes.0)).collect(),
            header: block.header,
        }))
    }

    /// Notes the compact block that arrived with a proposal. The node executes nothing before the
    /// core has checked the proposal's signature and asks for the block.
    pub(super) fn on_proposed_block(
        &mut self,
        peer: PeerId,
        message: &Message,
        compact: CompactBlock,
    ) {
        let Message::Proposal(proposal) = message else {
            return self.cut(peer, "a block beside a message that is no proposal".to_owned());
        };
        let header = &compact.header;
        if header.hash() != proposal.value || header.height != proposal.height {
            return self.cut(peer, "a block that is not the proposed one".to_owned());
        }
        let timely = is_timely(header.time, self.now.wall_ms, proposal.round);
        if let Some(proposed) = self.proposed_entry((proposal.height, proposal.value))
            && proposed.compact.is_none()
        {
            proposed.compact = Some(compact);
            proposed.timely = timely;
        }
    }

    /// Entry of a proposed block, created if its height is near. If there is no room, another entry
    /// is dropped.
    fn proposed_entry(&mut self, key: (u64, Hash)) -> Option<&mut Proposed> {
        let next = self.head.height.saturating_add(1);
        let near = (next..=next.saturating_add(PROPOSAL_HEIGHTS_AHEAD_MAX)).contains(&key.0);
        if !near {
            return None;
        }
        if !self.proposed.contains_key(&key) && self.proposed.len() >= PROPOSALS_MAX {
            // Blocks that the core has not asked for are dropped first, then those of the oldest
            // round, since a height may see any number of rounds. A dropped block can be requested
            // again.
            let round = |proposed: &Proposed| proposed.asked.map(|asked| asked.round);
            let spare = self.proposed.iter().min_by_key(|(_, proposed)| round(proposed));
            let spare = spare.map(|(key, _)| *key);
            self.proposed.remove(&spare?);
        }
        Some(self.proposed.entry(key).or_insert_with(|| Proposed {
            compact: None,
            bodies: BTreeMap::new(),
            timely: false,
            asked: None,
            verdict: None,
            attempts: 0,
            in_flight: false,
        }))
    }

    /// The core needs to know whether a proposed block is valid. A block whose time does not fit
    /// the clock gets no answer unless `any_time` says that more than two thirds of the power voted
    /// for it all the same.
    pub(super) fn need_candidate(
        &mut self,
        key: (u64, Hash),
        round: u32,
        proposer: ValidatorKey,
        any_time: bool,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        if key.0 != self.head.height.saturating_add(1) {
            return Ok(());
        }
        if self.executed.contains_key(&key.1) {
            self.answer(key, Asked { round, proposer, any_time }, Validity::Valid);
            return Ok(());
        }
        let Some(proposed) = self.proposed_entry(key) else { return Ok(()) };
        let asked = Asked { round, proposer, any_time };
        proposed.asked = Some(asked);
        if let Some(verdict) = proposed.verdict {
            self.answer(key, asked, verdict);
            return Ok(());
        }
        self.assemble(key, store)
    }

    /// Collects the operations of a proposed block and executes the block once it is complete. A
    /// block whose time does not fit the clock is withheld, wherever its header came from.
    fn assemble(&mut self, key: (u64, Hash), store: &mut dyn Store) -> Result<(), Fatal> {
        let Some(proposed) = self.proposed.get_mut(&key) else { return Ok(()) };
        let Some(compact) = &proposed.compact else {
            self.ask_for_proposed(key, Vec::new());
            return Ok(());
        };
        if !proposed.timely && !proposed.asked.is_some_and(|asked| asked.any_time) {
            debug!(height = key.0, "proposal withheld: its time does not fit the clock");
            return Ok(());
        }
        let mut missing = Vec::new();
        for id in &compact.envelopes {
            if proposed.bodies.contains_key(id) {
                continue;
            }
            match self.mempool.get(id) {
                Some(checked) => drop(proposed.bodies.insert(*id, checked)),
                None => missing.push(*id),
            }
        }
        if !missing.is_empty() {
            missing.truncate(ENVELOPES_PER_REQUEST_MAX);
            self.ask_for_proposed(key, missing);
            return Ok(());
        }
        let header = compact.header.clone();
        let found = compact.envelopes.iter().filter_map(|id| proposed.bodies.get(id).cloned());
        let operations: Vec<_> = found.collect();
        let ids = operations.iter().map(|checked| (checked.envelope_id(), checked.id()));
        if !holds(&header, ids) {
            warn!(height = key.0, "the envelopes beside a proposal are not those of its header");
            self.forget_compact(key);
            return Ok(());
        }
        self.judge(key, &header, operations, store)
    }

    /// Requests the `missing` operations, or the whole block if not even its compact form is known.
    /// The proposer is asked first, then in turn those who prevoted the block.
    fn ask_for_proposed(&mut self, key: (u64, Hash), missing: Vec<Hash>) {
        let prevoters = self.prevoters(&key.1);
        let Some(proposed) = self.proposed.get_mut(&key) else { return };
        let Some(asked) = proposed.asked else { return };
        if proposed.in_flight {
            return;
        }
        let own = self.ordering.as_ref().map(ordering::State::key);
        let mut sources = vec![asked.proposer];
        sources.extend(prevoters);
        sources.retain(|source| Some(*source) != own);
        let attempt = proposed.attempts;
        proposed.attempts = attempt.saturating_add(1);
        let Some(source) = sources.get(attempt % sources.len().max(1)).copied() else { return };
        proposed.in_flight = true;
        // The second attempt asks for the whole block, because the first peer may have dropped some
        // operations from its mempool.
        let request = if missing.is_empty() || attempt > 0 {
            Request::Candidate { height: key.0, value: key.1 }
        } else {
            Request::Envelopes { ids: missing }
        };
        match self.peer_of(&source) {
            Some(peer) => drop(self.request(peer, &request, Wanted::Proposed(key.0, key.1))),
            None => {
                warn!(%source, "a validator without a peer id cannot be asked");
                self.retry_proposed(key);
            }
        }
    }

    /// Handles the operations of a proposed block that a peer sent.
    pub(super) fn on_envelopes(
        &mut self,
        key: (u64, Hash),
        peer: PeerId,
        envelopes: &[Bytes],
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let chain = self.chain;
        let network = self.network.clone();
        let Some(proposed) = self.proposed.get_mut(&key) else { return Ok(()) };
        proposed.in_flight = false;
        let known = proposed.bodies.values().map(|checked| checked.cost());
        let known = known.fold(0, u64::saturating_add);
        let cost_max = self.rules.parameters.block_cost_max;
        if let Err(reason) = check_cost((known, cost_max), envelopes, cost_alone) {
            warn!(height = key.0, reason, "operations beside a proposal");
            self.forget_compact(key);
            return Ok(());
        }
        let mut progress = false;
        for bytes in envelopes {
            let id = envelope_id(&bytes.0);
            let wanted =
                proposed.compact.as_ref().is_some_and(|block| block.envelopes.contains(&id));
            if !wanted {
                self.cut(peer, "envelopes that were not asked for".to_owned());
                return Ok(());
            }
            match check_stateless(&bytes.0, chain, &network) {
                Ok(checked) => {
                    progress |= proposed.bodies.insert(id, Arc::new(checked)).is_none();
                }
                // It is not yet proven that the operation belongs to the header; the whole block
                // will tell.
                Err(refusal) => {
                    warn!(height = key.0, %refusal, "invalid operation beside a proposal");
                    self.forget_compact(key);
                    return Ok(());
                }
            }
        }
        if progress {
            self.assemble(key, store)
        } else {
            self.retry_proposed(key);
            Ok(())
        }
    }

    /// Drops the compact block that came with a proposal because it is wrong, and requests the
    /// whole block.
    fn forget_compact(&mut self, key: (u64, Hash)) {
        if let Some(proposed) = self.proposed.get_mut(&key) {
            proposed.compact = None;
            proposed.bodies.clear();
        }
        self.retry_proposed(key);
    }

    /// Handles a whole proposed block; `None` means that the peer does not have it.
    pub(super) fn on_candidate(
        &mut self,
        key: (u64, Hash),
        peer: PeerId,
        block: Option<Block>,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let Some(proposed) = self.proposed.get_mut(&key) else { return Ok(()) };
        proposed.in_flight = false;
        let Some(block) = block else {
            self.retry_proposed(key);
            return Ok(());
        };
        let ids = block.operations.iter().map_while(ids_of);
        if block.header.hash() != key.1 || !holds(&block.header, ids) {
            self.retry_proposed(key);
            self.cut(peer, "another block than the one asked for".to_owned());
            return Ok(());
        }
        let operations = match self.check_all(&block.operations) {
            Ok(operations) => operations,
            Err(reason) => {
                warn!(height = key.0, reason, "proposal with an invalid operation");
                self.conclude(key, Validity::Invalid);
                return Ok(());
            }
        };
        let now_ms = self.now.wall_ms;
        let Some(proposed) = self.proposed.get_mut(&key) else { return Ok(()) };
        let envelopes = operations.iter().map(|checked| checked.envelope_id()).collect();
        if proposed.compact.is_none() {
            let round = proposed.asked.map_or(0, |asked| asked.round);
            proposed.timely = is_timely(block.header.time, now_ms, round);
        }
        proposed.compact = Some(CompactBlock { header: block.header, envelopes });
        proposed.bodies =
            operations.into_iter().map(|checked| (checked.envelope_id(), checked)).collect();
        self.assemble(key, store)
    }

    /// Asks the next peer after the pause `CANDIDATE_RETRY_MS`.
    pub(super) fn retry_proposed(&mut self, key: (u64, Hash)) {
        if let Some(proposed) = self.proposed.get_mut(&key) {
            proposed.in_flight = false;
        }
        let at_ms = self.now.steady_ms.saturating_add(crate::limits::CANDIDATE_RETRY_MS);
        self.set_timer(Timer::Candidate, at_ms);
    }

    /// Requests again every proposed block that the core waits for.
    pub(super) fn retry_all_proposed(&mut self, store: &mut dyn Store) -> Result<(), Fatal> {
        let next = self.head.height.saturating_add(1);
        let waiting = self.proposed.iter().filter(|((height, _), proposed)| {
            *height == next && proposed.asked.is_some() && proposed.verdict.is_none()
        });
        let waiting: Vec<_> = waiting.map(|(key, _)| *key).collect();
        for key in waiting {
            self.assemble(key, store)?;
        }
        Ok(())
    }

    /// Checks the envelopes of a whole block. Those in the mempool have been checked before.
    pub(super) fn check_all(&self, operations: &[Bytes]) -> Result<Vec<Arc<Checked>>, String> {
        let cost = |bytes: &[u8]| match self.mempool.get(&envelope_id(bytes)) {
            Some(checked) => Ok(checked.cost()),
            None => cost_alone(bytes),
        };
        check_cost((0, self.rules.parameters.block_cost_max), operations, cost)?;
        let check = |bytes: &Bytes| match self.mempool.get(&envelope_id(&bytes.0)) {
            Some(checked) => Ok(checked),
            None => check_stateless(&bytes.0, self.chain, &self.network)
                .map(Arc::new)
                .map_err(|refusal| refusal.to_string()),
        };
        operations.iter().map(check).collect()
    }

    /// Executes a complete block and so finds out whether it is valid.
    fn judge(
        &mut self,
        key: (u64, Hash),
        header: &Header,
        operations: Vec<Arc<Checked>>,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let network = self.network.clone();
        match execute(&ledger, network, &self.head, header, &operations) {
            Ok(execution) => {
                self.executed.insert(key.1, Candidate { execution, operations });
                self.conclude(key, Validity::Valid);
            }
            Err(error @ (BlockError::Store(_) | BlockError::Version { .. })) => {
                return Err(error.into());
            }
            Err(error) => {
                warn!(height = key.0, %error, "invalid proposal");
                self.conclude(key, Validity::Invalid);
            }
        }
        Ok(())
    }

    fn conclude(&mut self, key: (u64, Hash), verdict: Validity) {
        let Some(proposed) = self.proposed.get_mut(&key) else { return };
        proposed.verdict = Some(verdict);
        proposed.bodies.clear();
        if let Some(asked) = proposed.asked {
            self.answer(key, asked, verdict);
        }
    }

    /// Tells the core whether a block is valid. The validity and the whole block go into the same
    /// synced batch.
    fn answer(&mut self, key: (u64, Hash), asked: Asked, validity: Validity) {
        let Asked { round, proposer, .. } = asked;
        let row = self.executed.get(&key.1).map(|candidate| candidate_row(&candidate.block()));
        let candidate =
            ordering::Candidate { height: key.0, round, value: key.1, proposer, validity };
        self.feed_with(Input::Candidate(candidate), row.into_iter().collect());
    }
}
