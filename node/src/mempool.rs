//! The mempool: operations that wait for a block. It is bounded. Each operation has been checked
//! against the head.
//!
//! Operations with priority and all others have parts of their own in the mempool and in a block,
//! so that neither kind keeps the other out. The most urgent of the former and the oldest of the
//! latter come first. A junior signer of a DID never takes a place that a senior one needs.

mod build;
mod waiting;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use registry_core::code::Refusal;
use registry_core::crypto::Hash;
use registry_core::limits::{BLOCK_RESERVED_DIVISOR, DAY_MS};
use registry_core::operation::Action;
use registry_core::record::{RecordKey, StoreError};
use registry_core::status::EntryChanges;
use registry_state::execution::{BlockExecution, Probe};
use registry_state::rules::Checked;
use registry_state::state::ApplyError;

pub use build::Built;
use waiting::{Arrival, Pool, Turn, Waiting, commutes};

use crate::limits::{
    MEMPOOL_BYTES_MAX, MEMPOOL_OPERATIONS_MAX, MEMPOOL_PER_AUTHOR_MAX, MEMPOOL_PER_RECORD_MAX,
    PRIORITY_SHARE_DIVISOR,
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

/// What the admission of an operation did to others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Operations that gave up their place to the new one. Their senders may send them again.
    pub displaced: Vec<Hash>,
    /// Operations on the same record that the rules no longer allow.
    pub refused: Vec<(Hash, Refusal)>,
}

/// Operations that wait for a block.
#[derive(Debug, Default)]
pub struct Mempool {
    pool: Pool,
    /// Day (UTC) for which the operations with priority are in order, counted from Unix time 0.
    day: u64,
}

impl Mempool {
    /// Number of waiting operations.
    pub fn len(&self) -> usize {
        self.pool.len()
    }

    /// True if no operation waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Total size of the waiting envelopes in bytes.
    pub fn bytes(&self) -> usize {
        self.pool.bytes()
    }

    /// The waiting operation with this envelope id.
    pub fn get(&self, envelope: &Hash) -> Option<Arc<Checked>> {
        Some(Arc::clone(&self.pool.by_envelope(envelope)?.checked))
    }

    /// True if an operation with this id waits, whatever its signatures are.
    pub fn contains_operation(&self, operation: &Hash) -> bool {
        self.pool.by_operation(operation).is_some()
    }

    /// At most `limit` waiting operations: the most urgent ones with priority and the oldest
    /// others. Neither kind takes more than half if more of the other kind wait.
    pub fn envelopes(&self, limit: usize) -> impl Iterator<Item = &Arc<Checked>> {
        let half = limit / PRIORITY_SHARE_DIVISOR;
        let urgent = self.pool.urgent().take(half);
        let all = urgent.chain(self.pool.ordinary()).chain(self.pool.urgent().skip(half));
        all.map(|(_, waiting)| &waiting.checked).take(limit)
    }

    /// Admits an operation that the rules in `probe` allow. If there is no room, a junior operation
    /// of the same author, or a less urgent one with priority, gives up its place.
    pub fn admit(
        &mut self,
        probe: &Probe<'_>,
        checked: Arc<Checked>,
    ) -> Result<Admitted, AdmitError> {
        if self.contains_operation(&checked.id()) {
            return Err(AdmitError::Known);
        }
        let waiting = self.waiting(probe, checked)?;
        // An operation without any chance is refused before it costs a check.
        self.leaving(&waiting)?;
        probe.check(&waiting.checked).map_err(|error| match error {
            ApplyError::Refused(refusal) => AdmitError::Refused(refusal),
            ApplyError::Store(error) => AdmitError::Store(error),
            ApplyError::Full => AdmitError::Full { what: "block" },
        })?;
        let refused = self.clear_rivals(probe, &waiting)?;
        let mut displaced = Vec::new();
        if let Some(rival) = self.leaving_rival(&waiting)? {
            displaced.extend(self.pool.remove(rival));
        }
        for arrival in self.leaving(&waiting)? {
            displaced.extend(self.pool.remove(arrival));
        }
        self.pool.insert(waiting);
        let displaced = displaced.iter().map(|checked| checked.id()).collect();
        Ok(Admitted { displaced, refused })
    }

    fn waiting(&self, probe: &Probe<'_>, checked: Arc<Checked>) -> Result<Waiting, StoreError> {
        let (rank, urgency) = (checked.rank(), probe.urgency(&checked)?);
        let mut waiting = Waiting { checked, rank, turn: None };
        if let Some(urgency) = urgency {
            let equals = self.pool.rivals(&waiting).filter(|(_, each)| each.rank == rank).count();
            waiting.turn = Some(Turn::new(urgency, u64::try_from(equals).unwrap_or(u64::MAX)));
        }
        Ok(waiting)
    }

    /// If the operations on one record have used up their places, removes those that the rules no
    /// longer allow, and returns them.
    fn clear_rivals(
        &mut self,
        probe: &Probe<'_>,
        waiting: &Waiting,
    ) -> Result<Vec<(Hash, Refusal)>, StoreError> {
        if !self.rivals_are_full(waiting) {
            return Ok(Vec::new());
        }
        let rivals = self.pool.rivals(waiting).map(|(arrival, _)| arrival).collect();
        self.remove_refused(probe, rivals)
    }

    fn rivals_are_full(&self, waiting: &Waiting) -> bool {
        !commutes(&waiting.checked) && self.pool.rivals(waiting).count() >= MEMPOOL_PER_RECORD_MAX
    }

    /// The operation of the same author on the same record that gives up its place, if one must.
    /// It is the newest of the lowest rank.
    fn leaving_rival(&self, waiting: &Waiting) -> Result<Option<Arrival>, AdmitError> {
        if !self.rivals_are_full(waiting) {
            return Ok(None);
        }
        let juniors = self.pool.rivals(waiting).filter(|(_, each)| each.rank < waiting.rank);
        let junior = juniors.min_by_key(|(arrival, each)| (each.rank, Reverse(*arrival)));
        match junior {
            Some((arrival, _)) => Ok(Some(arrival)),
            None => Err(AdmitError::Full { what: "operations on one record" }),
        }
    }

    /// The operations that must give up their places, so that the author and the mempool have room
    /// for `waiting`.
    fn leaving(&self, waiting: &Waiting) -> Result<Vec<Arrival>, AdmitError> {
        let junior = self.pool.junior_of_author(waiting);
        let mut leaving = Vec::new();
        if self.pool.of_author(waiting) >= MEMPOOL_PER_AUTHOR_MAX {
            let full = AdmitError::Full { what: "operations of one author" };
            leaving.push(junior.ok_or(full)?);
        }
        let mut room = Room::without(&self.pool, waiting, &leaving);
        let spare = junior.filter(|_| leaving.is_empty());
        let mut others: Box<dyn Iterator<Item = Arrival> + '_> = match waiting.turn {
            // Less urgent operations, the least urgent first.
            Some(turn) => {
                let later = self
                    .pool
                    .urgent()
                    .rev()
                    .take_while(move |(_, each)| each.turn.is_some_and(|other| other > turn));
                Box::new(later.map(|(arrival, _)| arrival))
            }
            None => Box::new(spare.into_iter()),
        };
        while let Err(full) = room.check() {
            let arrival = others.next().ok_or(full)?;
            leaving.push(arrival);
            room.leave(&self.pool, arrival);
        }
        Ok(leaving)
    }

    /// Removes those of the operations that the present state refuses, and returns them.
    fn remove_refused(
        &mut self,
        probe: &Probe<'_>,
        arrivals: Vec<Arrival>,
    ) -> Result<Vec<(Hash, Refusal)>, StoreError> {
        let mut refused = Vec::new();
        for arrival in arrivals {
            let Some(waiting) = self.pool.get(arrival) else { continue };
            match probe.check(&waiting.checked) {
                Ok(_) | Err(ApplyError::Full) => {}
                Err(ApplyError::Store(error)) => return Err(error),
                Err(ApplyError::Refused(refusal)) => {
                    refused.push((waiting.checked.id(), refusal));
                    self.pool.remove(arrival);
                }
            }
        }
        Ok(refused)
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
            if let Some(arrival) = self.pool.by_operation(&checked.id()) {
                self.pool.remove(arrival);
            }
        }
        let time_ms = probe.context().time_ms;
        let touched = self.touched(applied, time_ms);
        let refused = self.remove_refused(probe, touched.iter().copied().collect())?;
        let day = time_ms / DAY_MS;
        let changed: Vec<Arrival> = match day == self.day {
            true => touched.into_iter().collect(),
            false => self.pool.urgent().map(|(arrival, _)| arrival).collect(),
        };
        self.day = day;
        for arrival in changed {
            let Some(waiting) = self.pool.get(arrival) else { continue };
            if let Some(urgency) = probe.urgency(&waiting.checked)? {
                self.pool.place(arrival, urgency);
            }
        }
        Ok(refused)
    }

    /// Waiting operations that must be checked again because a record that they depend on has
    /// changed or their time has passed.
    fn touched(&self, applied: &[Arc<Checked>], time_ms: u64) -> BTreeSet<Arrival> {
        let mut touched: BTreeSet<Arrival> = self.pool.late(time_ms).collect();
        let records = |sets: bool| -> BTreeSet<RecordKey> {
            let chosen = applied.iter().filter(|checked| commutes(checked) == sets);
            chosen.map(|checked| checked.record_key().clone()).collect()
        };
        for key in records(false) {
            touched.extend(self.pool.writing(&key).chain(self.pool.authored(&key)));
        }
        for key in records(true) {
            let depends = |arrival: &Arrival| {
                self.pool.get(*arrival).is_some_and(|each| depends_on_sets(&each.checked))
            };
            touched.extend(self.pool.writing(&key).filter(depends));
        }
        touched
    }

    /// Fills `block` from the mempool. Operations that do not fit wait for the next block.
    /// Operations that the rules refuse are removed from the mempool. The block prices each
    /// operation anew, so one whose members have changed since it was admitted waits or leaves.
    /// Once `is_late` says so, all that is left waits for the next block.
    pub fn build(
        &mut self,
        block: BlockExecution<'_>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Built, StoreError> {
        let (execution, operations, refused) = build::build(&self.pool, block, is_late)?;
        for (arrival, ..) in &refused {
            self.pool.remove(*arrival);
        }
        let refused = refused.into_iter().map(|(_, id, refusal)| (id, refusal)).collect();
        Ok(Built { execution, operations, refused })
    }
}

/// What the mempool would hold with one more operation and without some others.
struct Room {
    has_priority: bool,
    /// Number and bytes of all operations.
    all: (usize, usize),
    /// Number and bytes of the operations with priority, or of all others, whichever the new
    /// operation belongs to.
    part: (usize, usize),
}

impl Room {
    fn without(pool: &Pool, waiting: &Waiting, leaving: &[Arrival]) -> Self {
        let has_priority = waiting.turn.is_some();
        let more = |(count, bytes): (usize, usize)| {
            (count.saturating_add(1), bytes.saturating_add(waiting.bytes()))
        };
        let (all, part) = (more((pool.len(), pool.bytes())), more(pool.part(has_priority)));
        let mut room = Self { has_priority, all, part };
        leaving.iter().for_each(|arrival| room.leave(pool, *arrival));
        room
    }

    /// Takes out an operation of the same part.
    fn leave(&mut self, pool: &Pool, arrival: Arrival) {
        let bytes = pool.get(arrival).map_or(0, Waiting::bytes);
        for (count, sum) in [&mut self.all, &mut self.part] {
            (*count, *sum) = (count.saturating_sub(1), sum.saturating_sub(bytes));
        }
    }

    fn check(&self) -> Result<(), AdmitError> {
        let share = |limit: usize| match self.has_priority {
            true => limit / PRIORITY_SHARE_DIVISOR,
            false => limit.saturating_sub(limit / BLOCK_RESERVED_DIVISOR),
        };
        let (operations, bytes) = (MEMPOOL_OPERATIONS_MAX, MEMPOOL_BYTES_MAX);
        let what = match (self.all, self.part) {
            ((count, _), (part, _)) if count > operations || part > share(operations) => {
                "operations"
            }
            ((_, sum), (_, part)) if sum > bytes || part > share(bytes) => "bytes",
            _ => return Ok(()),
        };
        Err(AdmitError::Full { what })
    }
}

#[cfg(test)]
mod tests;
