//! Operations on status lists.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use std::collections::BTreeMap;

use registry_core::code::{Code, Refusal};
use registry_core::id::{Did, ListId};
use registry_core::operation::Action;
use registry_core::record::{Entry, RecordKey};
use registry_core::status::{
    Delegate, EntryChanges, Run, Scattered, StatusClose, StatusCreate, StatusList, StatusPurpose,
    StatusSet, StatusUpdate,
};
use registry_core::time::TimeMs;
use registry_state::rules::status::{
    check_close, check_entries, check_update, check_values, check_writer,
};
use registry_state::state::ApplyError;
use serde::{Deserialize, Serialize};

use super::form::{Draft, parameters};
use super::ledger::LedgerView;
use super::signers::Subject;
use super::{PARAMS, Prepare, PrepareError, Visitor};
use crate::clock::{millis, time_ms};

/// Visits the parameters of each action on a status list.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Create>()?;
    visitor.visit::<Set>()?;
    visitor.visit::<Update>()?;
    visitor.visit::<Close>()
}

parameters! {
    /// Parameters of `status_prepareCreate`.
    Create {
        pub author: Did,
        pub purpose: StatusPurpose,
        pub length: u64,
        /// Number of bits of an entry: 1, 2, 4 or 8 [default: 1].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub bits: Option<u8>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub uri: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub valid_from: Option<TimeMs>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub valid_until: Option<TimeMs>,
        /// DIDs that may set entries besides the issuer, in any order.
        #[serde(default)]
        pub delegates: Vec<DelegateParam>,
        /// Meaning of each value of an entry, from value 0 on.
        #[serde(default)]
        pub messages: Vec<String>,
    }
}

parameters! {
    /// Parameters of `status_prepareSet`: entries and their value, or runs.
    Set {
        /// The issuer, or one of its delegates.
        pub author: Did,
        pub list: ListId,
        /// Indexes of entries, in any order, that all get `value`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub entries: Option<Vec<u64>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<u8>,
        /// Runs of neighbouring entries. Use either these or `entries`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub runs: Option<Vec<RunParam>>,
    }
}

parameters! {
    /// Parameters of `status_prepareUpdate`: the complete new values.
    Update {
        pub author: Did,
        pub list: ListId,
        pub valid_until: Option<TimeMs>,
        /// DIDs that may set entries besides the issuer, in any order.
        pub delegates: Vec<DelegateParam>,
    }
}

parameters! {
    /// Parameters of `status_prepareClose`.
    Close {
        pub author: Did,
        pub list: ListId,
    }
}

/// A DID that may set some entries besides the issuer. Range and hourly number have no defaults.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelegateParam {
    pub did: Did,
    /// Index of the first entry that the delegate may set.
    pub start: u64,
    /// Number of entries that the delegate may set.
    pub length: u64,
    /// Number of entries that the delegate may name in one hour (UTC).
    pub entries_per_hour: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<TimeMs>,
}

/// A run of neighbouring entries that get the same value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunParam {
    pub start: u64,
    pub length: u64,
    pub value: u8,
    /// Value that the entries must have before; any value without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u8>,
}

impl From<Delegate> for DelegateParam {
    fn from(Delegate { did, start, length, entries_per_hour, valid_until }: Delegate) -> Self {
        Self { did, start, length, entries_per_hour, valid_until: valid_until.map(TimeMs) }
    }
}

impl From<DelegateParam> for Delegate {
    fn from(param: DelegateParam) -> Self {
        let DelegateParam { did, start, length, entries_per_hour, valid_until } = param;
        Self { did, start, length, entries_per_hour, valid_until: time_ms(valid_until) }
    }
}

impl From<Run> for RunParam {
    fn from(Run { start, length, value, expect }: Run) -> Self {
        Self { start, length, value, expect }
    }
}

/// Returns the delegates in the ascending order that operations need.
fn delegates(params: Vec<DelegateParam>) -> Vec<Delegate> {
    let mut delegates: Vec<Delegate> = params.into_iter().map(Delegate::from).collect();
    delegates.sort_by(|one, other| one.did.cmp(&other.did));
    delegates
}

fn run(RunParam { start, length, value, expect }: RunParam) -> Run {
    Run { start, length, value, expect }
}

fn scattered(mut entries: Vec<u64>, value: u8) -> Result<EntryChanges, Refusal> {
    entries.sort_unstable();
    entries.dedup();
    let scattered = Scattered::new(value, entries);
    let beyond = || Refusal::new(Code::StatusRange, "entries", "an entry is beyond every list");
    Ok(EntryChanges::Entries(scattered.ok_or_else(beyond)?))
}

impl Create {
    fn payload(self) -> StatusCreate {
        StatusCreate {
            purpose: self.purpose,
            bits: self.bits.unwrap_or(1),
            length: self.length,
            uri: self.uri,
            valid_from: time_ms(self.valid_from),
            valid_until: time_ms(self.valid_until),
            delegates: delegates(self.delegates),
            messages: self.messages,
        }
    }
}

impl Prepare for Create {
    const ACTION: &'static str = "status_create";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        let create = self.payload();
        let (length, bits, purpose) = (create.length, create.bits, create.purpose.name());
        let action = Action::StatusCreate(Box::new(create));
        // All rules of this action are checked without state, by `form_by`.
        let form = ledger.form_by(&author, chosen, action)?;
        let id = ListId::of_create(&form.id);
        let what = format!(
            "Registers a {purpose} list {id} of {length} entries, {bits} bit each, all zero"
        );
        Ok(form.draft(Subject::List(id), &what))
    }
}

impl Set {
    fn payload(self) -> Result<StatusSet, PrepareError> {
        let changes = match (self.entries, self.value, self.runs) {
            (Some(entries), Some(value), None) => scattered(entries, value)?,
            (None, None, Some(runs)) => EntryChanges::Runs(runs.into_iter().map(run).collect()),
            _ => {
                let detail = "give either entries and value, or runs";
                return Err(PrepareError::Params { field: PARAMS, detail });
            }
        };
        Ok(StatusSet { list: self.list, changes })
    }
}

impl Prepare for Set {
    const ACTION: &'static str = "status_set";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::status(&self.list)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (self.author.clone(), self.chosen());
        let set = self.payload()?;
        let author = ledger.author(&author)?;
        let (entry, list) = found(ledger, &set.list)?;
        let form = ledger.form_by(&author, chosen, Action::StatusSet(set.clone()))?;
        let delegate = check_writer(&list, &author.did, ledger.time_ms)?;
        check_entries(&list, delegate, &set.changes)?;
        if let Some(array) = ledger.records.status_array(&entry)? {
            check_values(&list, &array, &set.changes)?;
        }
        let what = format!("Sets {} in {}", values(&set.changes), named(&set.list, &list));
        Ok(form.draft(Subject::List(set.list), &what))
    }
}

impl Update {
    fn payload(self) -> StatusUpdate {
        let Self { list, valid_until, delegates: named, .. } = self;
        StatusUpdate { list, valid_until: time_ms(valid_until), delegates: delegates(named) }
    }
}

impl Prepare for Update {
    const ACTION: &'static str = "status_update";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::status(&self.list)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        let update = self.payload();
        let (_, list) = found(ledger, &update.list)?;
        let form = ledger.form_by(&author, chosen, Action::StatusUpdate(update.clone()))?;
        check_update(&list, &author.did, &update)?;
        let (count, end) = (update.delegates.len(), update.valid_until.map(millis));
        let end = end.map_or("no end".to_owned(), |end| format!("the end {end}"));
        let named = named(&update.list, &list);
        let what = format!("Replaces validity and delegates of {named}: {end}, {count} delegates");
        Ok(form.draft(Subject::List(update.list), &what))
    }
}

impl Prepare for Close {
    const ACTION: &'static str = "status_close";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::status(&self.list)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, id) = (ledger.author(&self.author)?, self.chosen(), self.list);
        let (_, list) = found(ledger, &id)?;
        let action = Action::StatusClose(StatusClose { list: id });
        let form = ledger.form_by(&author, chosen, action)?;
        check_close(&list, &author.did)?;
        let what = format!("Closes for ever {}", named(&id, &list));
        Ok(form.draft(Subject::List(id), &what))
    }
}

/// Returns a list and its newest version. Fails with `STATUS_NOT_FOUND` if there is none.
fn found(ledger: &LedgerView<'_>, id: &ListId) -> Result<(Entry, StatusList), ApplyError> {
    let absent = || Refusal::new(Code::StatusNotFound, "list", format!("{id} is not registered"));
    let entry = ledger.records.entry(&RecordKey::status(id))?.ok_or_else(absent)?;
    let list = entry.value()?;
    Ok((entry, list))
}

fn named(id: &ListId, list: &StatusList) -> String {
    format!("the {} list {id} of {}", list.purpose.name(), list.issuer)
}

/// Returns words for how many entries get which value.
fn values(changes: &EntryChanges) -> String {
    let mut values: BTreeMap<u8, u64> = BTreeMap::new();
    for run in changes.runs() {
        *values.entry(run.value).or_default() += run.length;
    }
    let parts = values.iter().map(|(value, count)| format!("{count} entries to {value}"));
    parts.collect::<Vec<_>>().join(", ")
}
