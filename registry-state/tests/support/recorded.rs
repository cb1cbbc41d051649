//! A ledger that keeps every version of its records, so that tests can ask about its past.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::record::Entry;

use super::ledger::Ledger;
use super::trust::Moment;

/// A ledger with all versions of all records.
#[derive(Clone)]
pub(crate) struct Recorded {
    pub(crate) ledger: Ledger,
    pub(crate) entries: Vec<Entry>,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        Self { ledger: Ledger::new(), entries: Vec::new() }
    }

    /// Adds a block that must apply, and returns its time.
    pub(crate) fn after(&mut self, gap_ms: u64, envelopes: &[Vec<u8>]) -> u64 {
        let time_ms = self.now() + gap_ms;
        let block = self.ledger.attempt(time_ms, envelopes).expect("the block applies");
        self.entries.extend(block.changes.entries);
        self.ledger.after(gap_ms, envelopes);
        time_ms
    }

    /// Returns the code with which a block after `gap_ms` refuses an envelope.
    pub(crate) fn refusal(&self, gap_ms: u64, envelope: &[u8]) -> Option<Code> {
        self.ledger.refusal(self.now() + gap_ms, &[envelope.to_vec()])
    }

    pub(crate) fn now(&self) -> u64 {
        self.ledger.head.time
    }

    /// Returns the records as they were at a time.
    pub(crate) fn at(&self, time_ms: u64) -> Moment<'_> {
        Moment { entries: &self.entries, time_ms }
    }
}

/// Returns the id of the operation in an envelope.
pub(crate) fn id_of(envelope: &[u8]) -> Hash {
    Ledger::check(envelope).map(|checked| checked.id()).expect("a good envelope")
}
