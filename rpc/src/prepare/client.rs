//! Preparation by a client. The client fetches the records that a preparation reads and prepares
//! again, until the preparation finds all of them:
//!
//! ```text
//! missing = preparation.records_needed()
//! loop {
//!     fetch the missing records and add them to `fetched`
//!     draft = preparation.prepare(&fetched.ledger(…))
//!     missing = fetched.take_missing()
//!     if missing is empty, return draft
//! }
//! ```
//!
//! The client builds the operation by itself from its parameters. A node that gives wrong records
//! can only cause a refusal, since guards and ids of operations in the body name what they rest on.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::governance::{self, PARAMETERS, ScheduledChanges};
use registry_core::id::NetworkName;
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::status::Bits;
use serde_json::{Map, Value};

use super::{
    Draft, LedgerView, Prepare, PrepareError, Records, Visitor, facts, prepare, visit_all,
};

/// Something that a preparation reads and the client has not fetched yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Newest version of a record.
    Record(RecordKey),
    /// Approved proposals that wait for their height.
    ScheduledChanges,
}

/// What a client has fetched from a node.
#[derive(Debug, Default)]
pub struct Fetched {
    height: u64,
    time_ms: u64,
    records: BTreeMap<RecordKey, Option<Entry>>,
    scheduled: Option<ScheduledChanges>,
    missing: RefCell<BTreeSet<Missing>>,
}

impl Fetched {
    /// Adds the newest version of a record, or that there is no such record. The caller has checked
    /// that the entry is the whole version of this record.
    pub fn add(&mut self, key: RecordKey, entry: Option<Entry>) {
        self.records.insert(key, entry);
    }

    /// Adds the approved proposals that wait for their height.
    pub fn add_scheduled(&mut self, scheduled: ScheduledChanges) {
        self.scheduled = Some(scheduled);
    }

    /// Sets the newest block: its height, and its time as Unix time in milliseconds.
    pub fn set_block(&mut self, height: u64, time_ms: u64) {
        (self.height, self.time_ms) = (height, time_ms);
    }

    /// Returns what preparations wanted to read since the last call and did not find here. If this
    /// is not empty, their results mean nothing.
    pub fn take_missing(&self) -> BTreeSet<Missing> {
        self.missing.take()
    }

    /// Returns the view over which operations of a chain are prepared. Operations whose parameters
    /// give no salt get `salt`.
    pub fn ledger<'l>(
        &'l self,
        network: &'l NetworkName,
        chain: Hash,
        salt: FixedBytes<16>,
    ) -> LedgerView<'l> {
        let (height, time_ms) = (self.height, self.time_ms);
        LedgerView { records: self, network, chain, height, time_ms, salt }
    }

    fn note(&self, missing: Missing) -> StoreError {
        let error = StoreError::new(format!("{missing:?} is not fetched yet"));
        self.missing.borrow_mut().insert(missing);
        error
    }
}

impl RecordView for Fetched {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let found = self.records.get(key).cloned();
        found.ok_or_else(|| self.note(Missing::Record(key.clone())))
    }
}

impl Records for Fetched {
    fn status_array(&self, _: &Entry) -> Result<Option<Arc<Bits>>, StoreError> {
        Ok(None)
    }

    fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        self.scheduled.clone().ok_or_else(|| self.note(Missing::ScheduledChanges))
    }
}

/// Error of parameters that a client names by a method.
#[derive(Debug, thiserror::Error)]
pub enum PreparationError {
    /// No action is prepared by a method of this name.
    #[error("{method} prepares no operation")]
    Method {
        /// Name of the method.
        method: String,
    },
    /// The method does not take these parameters.
    #[error("{method}: {error}")]
    Params {
        /// Name of the method.
        method: String,
        /// Parameter at fault, and what is expected of it.
        error: serde_json::Error,
    },
}

type Run = dyn Fn(&LedgerView<'_>) -> Result<Draft, PrepareError> + Send + Sync;

/// The parameters of an operation, whatever its action.
pub struct Preparation {
    needed: Vec<RecordKey>,
    run: Box<Run>,
}

impl Preparation {
    /// Reads the parameters of a prepare method, given by name.
    pub fn of(method: &str, params: Map<String, Value>) -> Result<Self, PreparationError> {
        let mut search = Search { method, params: Some(params), found: None };
        let method = method.to_owned();
        match visit_all(&mut search) {
            Err(error) => Err(PreparationError::Params { method, error }),
            Ok(()) => search.found.ok_or(PreparationError::Method { method }),
        }
    }

    /// Returns what to fetch before the first attempt.
    pub fn records_needed(&self) -> BTreeSet<Missing> {
        let parameters = std::iter::once(governance::key(PARAMETERS));
        parameters.chain(self.needed.iter().cloned()).map(Missing::Record).collect()
    }

    /// Prepares the operation over a view of the ledger.
    pub fn prepare(&self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        (self.run)(ledger)
    }
}

/// Searches the action that a method prepares.
struct Search<'m> {
    method: &'m str,
    params: Option<Map<String, Value>>,
    found: Option<Preparation>,
}

impl Visitor for Search<'_> {
    type Error = serde_json::Error;

    fn visit<P: Prepare + Send + Sync + 'static>(&mut self) -> Result<(), serde_json::Error> {
        if facts::<P>().and_then(|facts| facts.prepare) != Some(self.method) {
            return Ok(());
        }
        let Some(params) = self.params.take() else { return Ok(()) };
        let params: P = serde_json::from_value(Value::Object(params))?;
        let needed = params.records_needed();
        let run = Box::new(move |ledger: &LedgerView<'_>| prepare(params.clone(), ledger));
        self.found = Some(Preparation { needed, run });
        Ok(())
    }
}
