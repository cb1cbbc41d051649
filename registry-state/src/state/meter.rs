//! Counts what an operation costs while its rules read (docs/protocol/state.md, section "Cost").
//!
//! A record, a part or a transient leaf that an operation reads several times is paid for once. The
//! meter keeps the first answer, so the store is asked once too.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use registry_core::cost::{self, OPERATION_COST_MAX};
use registry_core::record::{Entry, Part, PartId, RecordKey, StoreError};

use super::TransientKey;

/// What an operation has paid so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paid {
    /// Cost in units, including those that pay for no read.
    pub cost: u64,
    /// Number of reads.
    pub reads: u64,
    /// Number of bytes that these reads may give.
    pub bytes: u64,
}

/// Limit that an operation has exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// The operation costs more than any may.
    Operation,
    /// The operation costs more than the block has left.
    Block,
}

/// The answers that an operation has paid for.
#[derive(Default)]
struct Answers {
    entries: BTreeMap<RecordKey, Option<Entry>>,
    parts: BTreeMap<(RecordKey, PartId), Option<Part>>,
    leaves: BTreeMap<TransientKey, Option<Vec<u8>>>,
}

/// Meter of one operation at a time. Between two operations reads are not counted.
#[derive(Default)]
pub(crate) struct Meter {
    /// Units that the block has left; `None` while no operation is measured.
    left: Cell<Option<u64>>,
    paid: Cell<Paid>,
    exceeded: Cell<Option<Exceeded>>,
    answers: RefCell<Answers>,
}

impl Meter {
    /// Starts to measure an operation, for which the block has `left` units.
    pub(crate) fn start(&self, left: u64) {
        self.stop();
        self.left.set(Some(left));
        self.paid.set(Paid::default());
        self.exceeded.set(None);
    }

    /// Ends the measurement. What was paid can still be read.
    pub(crate) fn stop(&self) {
        self.left.set(None);
        self.answers.replace(Answers::default());
    }

    /// Ends the payments, but keeps the answers for the writes of the operation.
    pub(crate) fn settle(&self) {
        self.left.set(None);
    }

    /// Returns what the newest operation has paid.
    pub(crate) fn paid(&self) -> Paid {
        self.paid.get()
    }

    /// Returns the limit that the newest operation has exceeded. Whatever error its rules gave then
    /// has no meaning.
    pub(crate) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    /// Pays for a step before it is done. Fails if a limit is exceeded; the caller must then stop.
    pub(crate) fn pay(&self, cost: u64) -> Result<(), StoreError> {
        let Some(left) = self.left.get() else { return Ok(()) };
        let mut paid = self.paid.get();
        paid.cost = paid.cost.saturating_add(cost);
        self.paid.set(paid);
        let exceeded = match paid.cost {
            cost if cost > OPERATION_COST_MAX => Exceeded::Operation,
            cost if cost > left => Exceeded::Block,
            _ => return Ok(()),
        };
        self.exceeded.set(Some(exceeded));
        Err(StoreError::new("the operation costs more than it may"))
    }

    /// Notes reads that a payment has covered.
    pub(crate) fn covers(&self, reads: u64, bytes: u64) {
        let Paid { cost, reads: before, bytes: known } = self.paid.get();
        let (reads, bytes) = (before.saturating_add(reads), known.saturating_add(bytes));
        self.paid.set(Paid { cost, reads, bytes });
    }

    /// Does one read that gives `T`, and pays for it first and then for its length.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce() -> Result<T, StoreError>,
        length: impl FnOnce(&T) -> usize,
    ) -> Result<T, StoreError> {
        if self.left.get().is_none() {
            return read();
        }
        self.pay(cost::READ)?;
        let answer = read()?;
        let bytes = length(&answer);
        self.covers(1, u64::try_from(bytes).unwrap_or(u64::MAX));
        self.pay(cost::of_read(bytes).saturating_sub(cost::READ))?;
        Ok(answer)
    }

    /// Returns a record, which `read` reads from the state.
    pub(crate) fn entry(
        &self,
        key: &RecordKey,
        read: impl FnOnce() -> Result<Option<Entry>, StoreError>,
    ) -> Result<Option<Entry>, StoreError> {
        if let Some(known) = self.answers.borrow().entries.get(key) {
            return Ok(known.clone());
        }
        let answer = self.read(read, |entry| entry.as_ref().map_or(0, entry_bytes))?;
        self.keep(|answers| answers.entries.insert(key.clone(), answer.clone()));
        Ok(answer)
    }

    /// Returns one part of a record, which `read` reads from the state.
    pub(crate) fn part(
        &self,
        key: &RecordKey,
        id: PartId,
        read: impl FnOnce() -> Result<Option<Part>, StoreError>,
    ) -> Result<Option<Part>, StoreError> {
        let place = (key.clone(), id);
        if let Some(known) = self.answers.borrow().parts.get(&place) {
            return Ok(known.clone());
        }
        let answer = self.read(read, |part| part.as_ref().map_or(0, |part| part.value.0.len()))?;
        self.keep(|answers| answers.parts.insert(place, answer.clone()));
        Ok(answer)
    }

    /// Returns a transient leaf, which `read` reads from the state.
    pub(crate) fn leaf(
        &self,
        key: &TransientKey,
        read: impl FnOnce() -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(known) = self.answers.borrow().leaves.get(key) {
            return Ok(known.clone());
        }
        let answer = self.read(read, |leaf| leaf.as_ref().map_or(0, Vec::len))?;
        self.keep(|answers| answers.leaves.insert(key.clone(), answer.clone()));
        Ok(answer)
    }

    fn keep<T>(&self, keep: impl FnOnce(&mut Answers) -> T) {
        if self.left.get().is_some() {
            keep(&mut self.answers.borrow_mut());
        }
    }
}

/// Returns the length of a record: that of the values of its parts.
pub(crate) fn entry_bytes(entry: &Entry) -> usize {
    entry.parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.value.0.len()))
}
