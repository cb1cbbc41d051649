//! Operations that wait for a block: bounded, checked against the head, oldest first, senior
//! actions before all others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::{RecordKey, StoreError};
use registry_core::status::EntryChanges;
use registry_state::execution::{BlockExecution, Execution, Probe};
use registry_state::rules::Checked;
use registry_state::state::ApplyError;

use crate::limits::{
    MEMPOOL_BYTES_MAX, MEMPOOL_OPERATIONS_MAX, MEMPOOL_PER_AUTHOR_MAX, MEMPOOL_PER_RECORD_MAX,
};

/// Why the mempool does not take an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The rules refuse it against the present head.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No room, in all, for this record or for this author.
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

/// Turns by a record.
#[derive(Debug, Default)]
struct Index(BTreeMap<RecordKey, BTreeSet<Turn>>);

impl Index {
    fn insert(&mut self, key: RecordKey, turn: Turn) {
        self.0.entry(key).or_default().insert(turn);
    }

    fn remove(&mut self, key: &RecordKey, turn: Turn) {
        if let Some(turns) = self.0.get_mut(key) {
            turns.remove(&turn);
            if turns.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn turns(&self, key: &RecordKey) -> impl Iterator<Item = Turn> {
        self.0.get(key).into_iter().flatten().copied()
    }

    fn count(&self, key: &RecordKey) -> usize {
        self.0.get(key).map_or(0, BTreeSet::len)
    }
}

/// The record of the DID that signs as author.
fn author_key(checked: &Checked) -> Option<RecordKey> {
    let operation = checked.operation();
    let author = operation.author.as_ref()?;
    let by_method = [Some(Role::Author), Some(Role::Approval)];
    by_method.contains(&operation.action.facts().role).then(|| RecordKey::did(&author.suffix))
}

/// When the guard of an operation ends, where it is a time.
fn until(checked: &Checked) -> Option<u64> {
    match checked.operation().guard {
        Guard::Until(until) => Some(until),
        Guard::Absent | Guard::Previous(_) => None,
    }
}

/// Whether sets of the same list by others may make this operation wrong. A set that expects
/// nothing commutes with them; what little else may happen the next builder finds.
fn minds_sets(checked: &Checked) -> bool {
    match &checked.operation().action {
        Action::StatusSet(set) => match &set.changes {
            EntryChanges::Runs(runs) => runs.iter().any(|run| run.expect.is_some()),
            EntryChanges::Entries(_) => false,
        },
        _ => true,
    }
}

/// The waiting operations.
#[derive(Debug, Default)]
pub struct Mempool {
    by_turn: BTreeMap<Turn, Arc<Checked>>,
    by_envelope: BTreeMap<Hash, Turn>,
    by_operation: BTreeMap<Hash, Turn>,
    /// By the record that they write.
    by_record: Index,
    /// Those of role author, by the record of the DID that signs.
    by_author: Index,
    /// Those guarded by time, by its end in ms.
    by_until: BTreeSet<(u64, Turn)>,
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
        self.check_room(&checked)?;
        probe.check(&checked).map_err(|error| match error {
            ApplyError::Refused(refusal) => AdmitError::Refused(refusal),
            ApplyError::Store(error) => AdmitError::Store(error),
            ApplyError::Full => AdmitError::Full { what: "block" },
        })?;
        let turn = (!checked.operation().action.facts().has_priority, self.arrivals);
        self.arrivals = self.arrivals.saturating_add(1);
        self.bytes = bytes;
        self.by_envelope.insert(checked.envelope_id(), turn);
        self.by_operation.insert(checked.id(), turn);
        self.by_record.insert(checked.record_key().clone(), turn);
        if let Some(author) = author_key(&checked) {
            self.by_author.insert(author, turn);
        }
        self.by_until.extend(until(&checked).map(|until| (until, turn)));
        self.by_turn.insert(turn, checked);
        Ok(())
    }

    fn check_room(&self, checked: &Checked) -> Result<(), AdmitError> {
        let waiting = |key: &RecordKey| {
            let waiting = self.by_record.turns(key).filter_map(|turn| self.by_turn.get(&turn));
            waiting.filter(|checked| until(checked).is_none()).count()
        };
        if until(checked).is_none() && waiting(checked.record_key()) >= MEMPOOL_PER_RECORD_MAX {
            return Err(AdmitError::Full { what: "operations on one record" });
        }
        let of_author = author_key(checked).map_or(0, |author| self.by_author.count(&author));
        if of_author >= MEMPOOL_PER_AUTHOR_MAX {
            return Err(AdmitError::Full { what: "operations of one author" });
        }
        Ok(())
    }

    fn remove(&mut self, turn: Turn) -> Option<Arc<Checked>> {
        let checked = self.by_turn.remove(&turn)?;
        self.by_envelope.remove(&checked.envelope_id());
        self.by_operation.remove(&checked.id());
        self.by_record.remove(checked.record_key(), turn);
        if let Some(author) = author_key(&checked) {
            self.by_author.remove(&author, turn);
        }
        if let Some(until) = until(&checked) {
            self.by_until.remove(&(until, turn));
        }
        self.bytes = self.bytes.saturating_sub(checked.bytes().len());
        Some(checked)
    }

    /// After a commit: drops what was applied, what the changed records now refuse, and what has
    /// waited too long. `probe` is over the new state; `applied` are the block's operations.
    pub fn committed(
        &mut self,
        probe: &Probe<'_>,
        applied: &[Arc<Checked>],
    ) -> Result<Vec<(Hash, Refusal)>, StoreError> {
        for checked in applied {
            if let Some(turn) = self.by_operation.get(&checked.id()).copied() {
                self.remove(turn);
            }
        }
        let mut refused = Vec::new();
        for turn in self.touched(applied, probe.context().time_ms) {
            let Some(checked) = self.by_turn.get(&turn) else { continue };
            match probe.check(checked) {
                Ok(_) => {}
                Err(ApplyError::Store(error)) => return Err(error),
                Err(ApplyError::Full) => {}
                Err(ApplyError::Refused(refusal)) => {
                    refused.push((checked.id(), refusal));
                    self.remove(turn);
                }
            }
        }
        Ok(refused)
    }

    /// Waiting operations that the rules may refuse after these, or since it is late.
    fn touched(&self, applied: &[Arc<Checked>], time_ms: u64) -> BTreeSet<Turn> {
        let late = self.by_until.range(..(time_ms, Turn::default()));
        let mut touched: BTreeSet<Turn> = late.map(|(_, turn)| *turn).collect();
        let records = |sets: bool| -> BTreeSet<RecordKey> {
            // Operations that commute carry an `until` guard; they leave others as they were.
            let is_set = |checked: &Checked| checked.operation().guard.until().is_some();
            let chosen = applied.iter().filter(|checked| is_set(checked) == sets);
            chosen.map(|checked| checked.record_key().clone()).collect()
        };
        for key in records(false) {
            touched.extend(self.by_record.turns(&key).chain(self.by_author.turns(&key)));
        }
        for key in records(true) {
            let minds = |turn: &Turn| self.by_turn.get(turn).is_some_and(|each| minds_sets(each));
            touched.extend(self.by_record.turns(&key).filter(minds));
        }
        touched
    }

    /// Fills `block` from the front of the line. What does not fit or changed already in this
    /// block waits for the next; what the rules refuse leaves the pool.
    pub fn build(&mut self, mut block: BlockExecution<'_>) -> Result<Built, StoreError> {
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
            self.remove(*turn);
        }
        let refused = refused.into_iter().map(|(_, id, refusal)| (id, refusal)).collect();
        Ok(Built { execution: block.finish()?, operations, refused })
    }
}

#[cfg(test)]
mod tests;
