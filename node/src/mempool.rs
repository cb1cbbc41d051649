//! The mempool: operations that wait for a block. It is bounded. Each operation has been checked
//! against the head. Actions with priority come before all others, and older operations before
//! newer ones.

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

/// Reason why the mempool does not admit an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The rules refuse the operation over the present head.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no room, be it in total, for this record or for this author.
    #[error("the mempool is full ({what}); send again in a moment")]
    Full {
        /// Name of the limit that is reached.
        what: &'static str,
    },
    /// The operation is in the mempool already.
    #[error("the operation is already waiting")]
    Known,
    /// Reading the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Place in the queue: actions with priority first (`false`), then by order of arrival.
type Turn = (bool, u64);

/// Places in the queue by record.
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

/// Record of the DID that signs the operation as author.
fn author_key(checked: &Checked) -> Option<RecordKey> {
    let operation = checked.operation();
    let author = operation.author.as_ref()?;
    let by_method = [Some(Role::Author), Some(Role::Approval)];
    by_method.contains(&operation.action.facts().role).then(|| RecordKey::did(&author.suffix))
}

/// End of the operation's guard in Unix milliseconds, if the guard is a time.
fn until(checked: &Checked) -> Option<u64> {
    match checked.operation().guard {
        Guard::Until(until) => Some(until),
        Guard::Absent | Guard::Previous(_) => None,
    }
}

/// True if status changes of the same list by others may make this operation invalid. A change that
/// expects no old value commutes with them. In the rare remaining cases the next proposer finds
/// out.
fn depends_on_sets(checked: &Checked) -> bool {
    match &checked.operation().action {
        Action::StatusSet(set) => match &set.changes {
            EntryChanges::Runs(runs) => runs.iter().any(|run| run.expect.is_some()),
            EntryChanges::Entries(_) => false,
        },
        _ => true,
    }
}

/// Operations that wait for a block.
#[derive(Debug, Default)]
pub struct Mempool {
    by_turn: BTreeMap<Turn, Arc<Checked>>,
    by_envelope: BTreeMap<Hash, Turn>,
    by_operation: BTreeMap<Hash, Turn>,
    /// Operations by the record that they write.
    by_record: Index,
    /// Operations that an author signs, by the record of the author's DID.
    by_author: Index,
    /// Operations whose guard is a time, by the end of that time in milliseconds.
    by_until: BTreeSet<(u64, Turn)>,
    bytes: usize,
    arrivals: u64,
}

/// Block that a proposer built from the mempool.
pub struct Built {
    /// Result of executing the block.
    pub execution: Execution,
    /// Operations of the block, in order.
    pub operations: Vec<Arc<Checked>>,
    /// Operations that the present state refuses. They have been removed from the mempool.
    pub refused: Vec<(Hash, Refusal)>,
}

impl Mempool {
    /// Number of waiting operations.
    pub fn len(&self) -> usize {
        self.by_turn.len()
    }

    /// True if no operation waits.
    pub fn is_empty(&self) -> bool {
        self.by_turn.is_empty()
    }

    /// Total size of the waiting envelopes in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The waiting operation with this envelope id.
    pub fn get(&self, envelope: &Hash) -> Option<Arc<Checked>> {
        let turn = self.by_envelope.get(envelope)?;
        self.by_turn.get(turn).cloned()
    }

    /// True if an operation with this id waits, whatever its signatures are.
    pub fn contains_operation(&self, operation: &Hash) -> bool {
        self.by_operation.contains_key(operation)
    }

    /// At most `limit` waiting operations in queue order.
    pub fn envelopes(&self, limit: usize) -> impl Iterator<Item = &Arc<Checked>> {
        self.by_turn.values().take(limit)
    }

    /// Admits an operation that the rules in `probe` allow.
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

    /// Updates the mempool after a commit. It removes the operations that were applied, and returns
    /// those that it removes because the new state refuses them or their time has passed. `probe`
    /// checks over the new state; `applied` are the operations of the block.
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

    /// Waiting operations that must be checked again because a record that they depend on has
    /// changed or their time has passed.
    fn touched(&self, applied: &[Arc<Checked>], time_ms: u64) -> BTreeSet<Turn> {
        let late = self.by_until.range(..(time_ms, Turn::default()));
        let mut touched: BTreeSet<Turn> = late.map(|(_, turn)| *turn).collect();
        let records = |sets: bool| -> BTreeSet<RecordKey> {
            // Operations with an `until` guard commute and leave the other operations on the record
            // valid.
            let is_set = |checked: &Checked| checked.operation().guard.until().is_some();
            let chosen = applied.iter().filter(|checked| is_set(checked) == sets);
            chosen.map(|checked| checked.record_key().clone()).collect()
        };
        for key in records(false) {
            touched.extend(self.by_record.turns(&key).chain(self.by_author.turns(&key)));
        }
        for key in records(true) {
            let depends =
                |turn: &Turn| self.by_turn.get(turn).is_some_and(|each| depends_on_sets(each));
            touched.extend(self.by_record.turns(&key).filter(depends));
        }
        touched
    }

    /// Fills `block` in queue order. Operations that do not fit, or whose record has changed in
    /// this block, wait for the next block. Operations that the rules refuse are removed from the
    /// mempool.
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
