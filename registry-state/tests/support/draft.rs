//! A block under construction, as those see it who sign the next operation for it. Operations that
//! were applied are sent again, and none may apply a second time.

use std::collections::BTreeMap;

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Action, Guard};
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_state::execution::{BlockExecution, Execution, execute};
use registry_state::rules::{Checked, guard};
use registry_state::state::{ApplyError, StateView as _};

use super::guards::unknown;
use super::ledger::Ledger;
use super::network;

/// Operation that nobody ever made.
pub(crate) const NOBODY: Hash = Hash([9; 32]);

/// The operations of the next block so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) time_ms: u64,
    envelopes: Vec<Vec<u8>>,
    kept: Vec<Checked>,
    /// Records as these operations leave them.
    entries: Vec<Entry>,
}

impl Draft {
    pub(crate) fn new(time_ms: u64) -> Self {
        Self { time_ms, ..Self::default() }
    }

    fn block<'l>(&self, ledger: &'l Ledger) -> BlockExecution<'l> {
        let mut block = ledger.start(self.time_ms);
        for checked in &self.kept {
            block.apply(checked).expect("applied before");
        }
        block
    }

    /// Adds an operation if the rules allow it, and returns its id.
    pub(crate) fn add(&mut self, ledger: &Ledger, envelope: Vec<u8>) -> Result<Hash, ApplyError> {
        let checked = Ledger::check(&envelope)?;
        let mut block = self.block(ledger);
        block.apply(&checked)?;
        self.entries = block.finish().expect("a sound store").changes.entries;
        let id = checked.id();
        self.envelopes.push(envelope);
        self.kept.push(checked);
        Ok(id)
    }

    /// Returns a record as the next operation of the block finds it.
    pub(crate) fn entry(&self, ledger: &Ledger, key: &RecordKey) -> Option<Entry> {
        Seen { draft: self, ledger }.entry(key).expect("a sound store")
    }

    /// Returns the guard that an action needs next. Where there is nothing to name, it names an
    /// operation that nobody made.
    pub(crate) fn guard(&self, ledger: &Ledger, author: Option<&Did>, action: &Action) -> Guard {
        let key = action.record_key(author, &Hash::ZERO).expect("an action with an author");
        let needed = guard::needed(&Seen { draft: self, ledger }, action, author, &key);
        needed.expect("a sound store").unwrap_or_else(|| unknown(action, NOBODY))
    }

    /// Keeps the block. The last `most` applied operations are sent again at its end and after it.
    pub(crate) fn commit(
        self,
        ledger: &mut Ledger,
        applied: &mut Applied,
        most: usize,
    ) -> Execution {
        let execution = self.block(ledger).finish().expect("a sound store");
        let header = &execution.header;
        let executed = execute(&ledger.state, network(), &ledger.head, header, &self.kept);
        assert_eq!(executed.as_ref(), Ok(&execution), "builder and executor differ");
        applied.all.extend(self.kept.iter().cloned());
        applied.send_again(&self.block(ledger), most);
        ledger.state.commit(&execution.changes);
        ledger.parent = std::mem::replace(&mut ledger.head, execution.header.clone());
        applied.send_again(&ledger.start(self.time_ms + 1), most);
        execution
    }
}

/// The newest records of a ledger with those of the draft.
struct Seen<'d> {
    draft: &'d Draft,
    ledger: &'d Ledger,
}

impl RecordView for Seen<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let found = self.draft.entries.iter().find(|entry| entry.record.record_key() == *key);
        found.map_or_else(|| self.ledger.state.head(key), |found| Ok(Some(found.clone())))
    }
}

/// All operations that a history applied, and the codes with which they were refused later.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) all: Vec<Checked>,
    pub(crate) codes: BTreeMap<Code, u32>,
}

impl Applied {
    /// Checks that a block refuses each of the last `most` operations.
    fn send_again(&mut self, block: &BlockExecution<'_>, most: usize) {
        for checked in self.all.iter().rev().take(most) {
            match block.check(checked) {
                Err(ApplyError::Refused(refusal)) => {
                    *self.codes.entry(refusal.code).or_default() += 1;
                }
                result => panic!("{result:?} a second time: {:?}", checked.operation()),
            }
        }
    }
}

/// Returns the code of a refusal.
pub(crate) fn code_of(error: &ApplyError) -> Code {
    match error {
        ApplyError::Refused(refusal) => refusal.code,
        error => panic!("{error}"),
    }
}
