//! The link between the driver and the consensus core. It feeds inputs to the core in order and
//! carries out its outputs. Signed messages leave this node only after everything that justifies
//! them is durable.

use ordering::{Input, Message, Output, Unsent, release, step};
use registry_core::certificate::Certificate;
use registry_core::crypto::{Hash, ValidatorKey};
use tracing::{info, warn};

use super::{Action, Driver, Fatal, TimeoutKindKey, Timer};
use crate::store::{Row, Store, certificate_row, guard_row, wal_row, write_synced};
use crate::wire::{Frame, SignedFrame};

/// An input for the core, together with rows that must be durable when its outputs are carried out.
pub(super) struct QueuedInput {
    input: Input,
    rows: Vec<Row>,
}

impl Driver {
    pub(super) fn feed(&mut self, input: Input) {
        self.inputs.push_back(QueuedInput { input, rows: Vec::new() });
    }

    pub(super) fn feed_with(&mut self, input: Input, rows: Vec<Row>) {
        self.inputs.push_back(QueuedInput { input, rows });
    }

    /// Feeds the queued inputs to the core, including those that arise meanwhile, and carries out
    /// the outputs.
    pub(super) fn run_inputs(&mut self, store: &mut dyn Store) -> Result<(), Fatal> {
        let replayed = std::mem::take(&mut self.replayed);
        self.carry_out(replayed, Vec::new(), store)?;
        while let Some(QueuedInput { input, rows }) = self.inputs.pop_front() {
            let Some(state) = &mut self.ordering else { continue };
            let outputs = step(state, input);
            self.carry_out(outputs, rows, store)?;
        }
        Ok(())
    }

    /// Writes log, guard and block in one batch before anything else. The batch is synced if a
    /// signed message or a decision waits for it. The other outputs follow in order.
    fn carry_out(
        &mut self,
        outputs: Vec<Output>,
        mut rows: Vec<Row>,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let mut sends = Vec::new();
        let mut decided = None;
        let mut rest = Vec::new();
        for output in outputs {
            match output {
                Output::Wal { sequence, entry } => {
                    rows.push(wal_row(entry.height(), sequence, entry.encode()));
                }
                Output::Guard(guard) => {
                    rows.push(guard_row(guard.encode()));
                }
                Output::Send(message) => sends.push(message),
                Output::Decide { certificate } => decided = Some(certificate),
                other => rest.push(other),
            }
        }
        // The batch that commits the block syncs the rows of a decision that sends no message.
        let mut pending = Vec::new();
        if !sends.is_empty() {
            self.release(sends, rows, store)?;
        } else if decided.is_some() {
            pending = rows;
        } else if !rows.is_empty() {
            store.write(rows, false)?;
        }
        for output in rest {
            self.follow(output, store)?;
        }
        if let Some(certificate) = decided {
            self.on_decision(certificate.get(), pending, store)?;
        }
        Ok(())
    }

    fn release(
        &mut self,
        sends: Vec<Unsent<Message>>,
        rows: Vec<Row>,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let synced = write_synced(store, rows)?;
        // A replay sends messages again, so it raises the floor too: the node may have crashed
        // after it synced the batch and before it raised the floor.
        if let Some(state) = &self.ordering {
            store.raise_floor(state.guard().height())?;
        }
        for message in sends {
            let message = release(message, &synced);
            let block = match message.get() {
                Message::Proposal(proposal) => {
                    self.compact(proposal.height, &proposal.value, store)?
                }
                Message::Vote(_) | Message::Polka(_) | Message::Round(_) => None,
            };
            self.actions.push(Action::Broadcast(SignedFrame::new(&message, block)));
        }
        Ok(())
    }

    fn follow(&mut self, output: Output, store: &mut dyn Store) -> Result<(), Fatal> {
        match output {
            Output::Wal { .. } | Output::Guard(_) | Output::Send(_) | Output::Decide { .. } => {}
            Output::BuildBlock { height, round, .. } => {
                self.build = Some((height, round));
                self.build_if_due(store)?;
            }
            Output::NeedCandidate { height, value, round, proposer, polka_round, polka } => {
                let known = polka || polka_round.is_some();
                self.need_candidate((height, value), round, proposer, known, store)?;
            }
            Output::Timer { kind, height, round, duration_ms } => {
                let timer = Timer::Consensus(TimeoutKindKey::of(kind), height, round);
                self.set_timer(timer, self.now.steady_ms.saturating_add(duration_ms));
            }
            Output::CancelTimer { kind, height, round } => {
                let timer = Timer::Consensus(TimeoutKindKey::of(kind), height, round);
                self.timers.remove(&timer);
            }
            Output::CancelAllTimers => {
                self.timers.retain(|timer, _| !matches!(timer, Timer::Consensus(..)));
            }
            Output::NewRound { height, round, proposer } => {
                if round > 0 {
                    info!(height, round, %proposer, "new round");
                }
            }
            Output::LatePrecommit { certificate } => self.on_late_precommit(certificate, store)?,
            Output::Evidence(evidence) => {
                let (validator, height) = (evidence.validator(), evidence.height());
                warn!(%validator, height, "validator signed twice");
                self.evidence = self.evidence.saturating_add(1);
            }
            Output::Ahead { height, validator } => self.on_ahead(height, &validator),
            Output::Rejected(rejection) => warn!(%rejection, "consensus message rejected"),
            Output::Fault { reason } => warn!(reason, "consensus refused an input"),
            Output::Halt(halt) => return Err(Fatal::Halt(halt.to_string())),
        }
        Ok(())
    }

    /// A validator works on a later height. If it is the next height, this node starts it too. If
    /// it is a later one, the validator must have committed the heights before it.
    fn on_ahead(&mut self, height: u64, validator: &ValidatorKey) {
        let next = self.head.height.saturating_add(1);
        self.want(height);
        if height > next
            && let Some(peer) = self.peer_of(validator)
        {
            self.sync.saw(peer, height.saturating_sub(1));
        }
    }

    fn on_late_precommit(
        &mut self,
        certificate: Certificate,
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        if certificate.value == self.head.hash() {
            store.write(vec![certificate_row(&certificate)], false)?;
            self.certificate = Some(certificate);
        }
        Ok(())
    }

    /// Handles a frame from a validator stream.
    pub(super) fn on_frame(
        &mut self,
        peer: libp2p::PeerId,
        bytes: &[u8],
        store: &mut dyn Store,
    ) -> Result<(), Fatal> {
        let frame = match Frame::decode(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                self.cut(peer, format!("malformed frame: {error}"));
                return Ok(());
            }
        };
        match frame {
            Frame::Wake { height, operation } => self.on_wake(peer, height, operation, store),
            Frame::Consensus { message, block } => {
                let message = match Message::decode(&message.0) {
                    Ok(message) => message,
                    Err(error) => {
                        self.cut(peer, format!("malformed message: {error}"));
                        return Ok(());
                    }
                };
                if let Some(block) = block {
                    self.on_proposed_block(peer, &message, *block);
                }
                self.feed(Input::Message(message));
                Ok(())
            }
        }
    }

    pub(super) fn cut(&mut self, peer: libp2p::PeerId, reason: String) {
        self.actions.push(Action::Cut { peer, reason });
    }

    /// Validators that prevoted a value, which can therefore be asked for its block.
    pub(super) fn prevoters(&self, value: &Hash) -> Vec<ValidatorKey> {
        self.ordering.as_ref().map_or_else(Vec::new, |state| state.prevoters(value))
    }
}
