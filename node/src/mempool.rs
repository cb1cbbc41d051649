//! Operations that wait for a block: bounded, checked against the head, oldest first, senior
//! actions before all others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::{NetworkName, Suffix};
use registry_core::operation::Checked;
use registry_core::state::{ApplyError, BlockExecution, Execution, Probe, StoreError};

use crate::limits::{MEMPOOL_BYTES_MAX, MEMPOOL_OPERATIONS_MAX, MEMPOOL_PER_SUBJECT_MAX};

/// Why the mempool does not take an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The rules refuse it against the present head.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No room, in all or for this DID.
    #[error("the mempool is full ({what}); send again in a moment")]
    Full {
        /// Which limit.
        what: &'static str,
    },
    /// Already here.
    #[error("the operation is already waiting")]
    Known,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Place in line: senior actions first, then by arrival.
type Turn = (bool, u64);

/// The waiting operations.
#[derive(Debug, Default)]
pub struct Mempool {
    by_turn: BTreeMap<Turn, Arc<Checked>>,
    by_envelope: BTreeMap<Hash, Turn>,
    by_operation: BTreeMap<Hash, Turn>,
    by_subject: BTreeMap<Suffix, BTreeSet<Turn>>,
    bytes: usize,
    arrivals: u64,
}

/// What a proposer makes of the mempool.
pub struct Built {
    /// The executed block.
    pub execution: Execution,
    /// Its operations, in order.
    pub operations: Vec<Arc<Checked>>,
    /// Operations that the present state refuses; they have left the pool.
    pub refused: Vec<(Hash, Refusal)>,
}

impl Mempool {
    /// Operations waiting.
    pub fn len(&self) -> usize {
        self.by_turn.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_turn.is_empty()
    }

    /// Bytes of the envelopes waiting.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A waiting operation by its envelope id.
    pub fn get(&self, envelope: &Hash) -> Option<Arc<Checked>> {
        let turn = self.by_envelope.get(envelope)?;
        self.by_turn.get(turn).cloned()
    }

    /// Whether an operation waits, in whatever envelope.
    pub fn contains_operation(&self, operation: &Hash) -> bool {
        self.by_operation.contains_key(operation)
    }

    /// Envelopes of waiting operations, in order, at most `limit`.
    pub fn envelopes(&self, limit: usize) -> impl Iterator<Item = &Arc<Checked>> {
        self.by_turn.values().take(limit)
    }

    /// Takes an operation that the rules in `probe` allow.
    pub fn admit(&mut self, probe: &Probe<'_>, checked: Arc<Checked>) -> Result<(), AdmitError> {
        if self.by_operation.contains_key(&checked.id()) {
            return Err(AdmitError::Known);
        }
        if self.by_turn.len() >= MEMPOOL_OPERATIONS_MAX {
            return Err(AdmitError::Full { what: "operations" });
        }
        let bytes = self.bytes.saturating_add(checked.bytes().len());
        if bytes > MEMPOOL_BYTES_MAX {
            return Err(AdmitError::Full { what: "bytes" });
        }
        let subject = checked.subject(&probe.context().network).suffix;
        let waiting = self.by_subject.get(&subject).map_or(0, BTreeSet::len);
        if waiting >= MEMPOOL_PER_SUBJECT_MAX {
            return Err(AdmitError::Full { what: "operations of one DID" });
        }
        probe.check(&checked).map_err(|error| match error {
            ApplyError::Refused(refusal) => AdmitError::Refused(refusal),
            ApplyError::Store(error) => AdmitError::Store(error),
            ApplyError::Full => AdmitError::Full { what: "block" },
        })?;
        let turn = (!checked.operation().action.is_senior(), self.arrivals);
        self.arrivals = self.arrivals.saturating_add(1);
        self.bytes = bytes;
        self.by_envelope.insert(checked.envelope_id(), turn);
        self.by_operation.insert(checked.id(), turn);
        self.by_subject.entry(subject).or_default().insert(turn);
        self.by_turn.insert(turn, checked);
        Ok(())
    }

    fn remove(&mut self, turn: Turn, network: &NetworkName) -> Option<Arc<Checked>> {
        let checked = self.by_turn.remove(&turn)?;
        self.by_envelope.remove(&checked.envelope_id());
        self.by_operation.remove(&checked.id());
        let subject = checked.subject(network).suffix;
        if let Some(turns) = self.by_subject.get_mut(&subject) {
            turns.remove(&turn);
            if turns.is_empty() {
                self.by_subject.remove(&subject);
            }
        }
        self.bytes = self.bytes.saturating_sub(checked.bytes().len());
        Some(checked)
    }

    /// After a commit: drops what was applied, and what the changed DIDs now refuse. `probe` is
    /// over the new state; `applied` are the block's operations.
    pub fn committed(
        &mut self,
        probe: &Probe<'_>,
        applied: &[Arc<Checked>],
    ) -> Result<Vec<(Hash, Refusal)>, StoreError> {
        let network = probe.context().network.clone();
        for checked in applied {
            if let Some(turn) = self.by_operation.get(&checked.id()).copied() {
                self.remove(turn, &network);
            }
        }
        let subjects = applied.iter().map(|checked| checked.subject(&network).suffix);
        let touched = subjects.filter_map(|subject| self.by_subject.get(&subject)).flatten();
        let touched: BTreeSet<Turn> = touched.copied().collect();
        let mut refused = Vec::new();
        for turn in touched {
            let Some(checked) = self.by_turn.get(&turn) else { continue };
            match probe.check(checked) {
                Ok(_) => {}
                Err(ApplyError::Store(error)) => return Err(error),
                Err(ApplyError::Full) => {}
                Err(ApplyError::Refused(refusal)) => {
                    refused.push((checked.id(), refusal));
                    self.remove(turn, &network);
                }
            }
        }
        Ok(refused)
    }

    /// Fills `block` from the front of the line. What does not fit or changed already in this
    /// block waits for the next; what the rules refuse leaves the pool.
    pub fn build(&mut self, mut block: BlockExecution<'_>) -> Result<Built, StoreError> {
        let network = block.probe().context().network.clone();
        let mut operations = Vec::new();
        let mut refused = Vec::new();
        for (turn, checked) in &self.by_turn {
            match block.apply(checked) {
                Ok(()) => operations.push(Arc::clone(checked)),
                Err(ApplyError::Store(error)) => return Err(error),
                Err(
                    ApplyError::Full
                    | ApplyError::Refused(Refusal { code: Code::ChangedInBlock, .. }),
                ) => {}
                Err(ApplyError::Refused(refusal)) => refused.push((*turn, checked.id(), refusal)),
            }
        }
        for (turn, ..) in &refused {
            self.remove(*turn, &network);
        }
        let refused = refused.into_iter().map(|(_, id, refusal)| (id, refusal)).collect();
        Ok(Built { execution: block.finish()?, operations, refused })
    }
}
