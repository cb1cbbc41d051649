//! Operations on status lists.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use std::collections::BTreeMap;

use registry_core::code::{Code, Refusal};
use registry_core::id::{Did, ListId};
use registry_core::limits::UNTIL_WINDOW_MS;
use registry_core::operation::{Action, Guard};
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

use super::form::{Chosen, Draft, Salt, with_signers};
use super::ledger::{LedgerView, previous};
use super::signers::Subject;
use super::{PARAMS, Prepare, PrepareError, Visitor};
use crate::clock::{millis, time_ms};
use crate::limits::UNTIL_DEFAULT_MS;

/// Visits the parameters of each action on a status list.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Create>()?;
    visitor.visit::<Set>()?;
    visitor.visit::<Update>()?;
    visitor.visit::<Close>()
}

/// Parameters of `status_prepareCreate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `status_prepareSet`: entries and their value, or runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Set {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `status_prepareUpdate`: the complete new values.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    pub author: Did,
    pub list: ListId,
    pub valid_until: Option<TimeMs>,
    /// DIDs that may set entries besides the issuer, in any order.
    pub delegates: Vec<DelegateParam>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

/// Parameters of `status_prepareClose`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Close {
    pub author: Did,
    pub list: ListId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the author and signs too, if the author has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
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

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::StatusCreate(Box::new(self.payload())))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let create = self.payload();
        let (length, bits, purpose) = (create.length, create.bits, create.purpose.name());
        let action = Action::StatusCreate(Box::new(create));
        // All rules of this action are checked without state, by `form_by`.
        let form = ledger.form_by(&author, Guard::Absent, chosen, action)?;
        let id = ListId::of_create(&form.id);
        let what = format!(
            "Registers a {purpose} list {id} of {length} entries, {bits} bit each, all zero"
        );
        Ok(form.draft(Subject::List(id), with_signers(&what, &author.did)))
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

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::StatusSet(self.payload()?))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::status(&self.list)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, until) = (self.author.clone(), self.until);
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let set = self.payload()?;
        let author = ledger.author(&author)?;
        let (entry, list) = found(ledger, &set.list)?;
        let until_ms = until_ms(ledger, until)?;
        let action = Action::StatusSet(set.clone());
        let form = ledger.form_by(&author, Guard::Until(until_ms), chosen, action)?;
        let delegate = check_writer(&list, &author.did, ledger.time_ms)?;
        check_entries(&list, delegate, &set.changes)?;
        check_values(&list, &*ledger.records.status_array(&entry)?, &set.changes)?;
        let (sets, until) = (values(&set.changes), millis(until_ms));
        let what = format!("Sets {sets} in {}, until {until}", named(&set.list, &list));
        Ok(form.draft(Subject::List(set.list), with_signers(&what, &author.did)))
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

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::StatusUpdate(self.payload()))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::status(&self.list)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let author = ledger.author(&self.author)?;
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let update = self.payload();
        let (entry, list) = found(ledger, &update.list)?;
        let action = Action::StatusUpdate(update.clone());
        let form = ledger.form_by(&author, previous(&entry), chosen, action)?;
        check_update(&list, &author.did, &update)?;
        let (count, end) = (update.delegates.len(), update.valid_until.map(millis));
        let end = end.map_or("no end".to_owned(), |end| format!("the end {end}"));
        let named = named(&update.list, &list);
        let what = format!("Replaces validity and delegates of {named}: {end}, {count} delegates");
        Ok(form.draft(Subject::List(update.list), with_signers(&what, &author.did)))
    }
}

impl Prepare for Close {
    const ACTION: &'static str = "status_close";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::StatusClose(StatusClose { list: self.list }))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::status(&self.list)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, id) = (ledger.author(&self.author)?, self.list);
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let (entry, list) = found(ledger, &id)?;
        let form = ledger.form_by(&author, previous(&entry), chosen, self.action()?)?;
        check_close(&list, &author.did)?;
        let what = format!("Closes for ever {}", named(&id, &list));
        Ok(form.draft(Subject::List(id), with_signers(&what, &author.did)))
    }
}

/// Returns a list and its newest version. Fails with `STATUS_NOT_FOUND` if there is none.
fn found(ledger: &LedgerView<'_>, id: &ListId) -> Result<(Entry, StatusList), ApplyError> {
    let absent = || Refusal::new(Code::StatusNotFound, "list", format!("{id} is not registered"));
    let entry = ledger.head(&RecordKey::status(id), absent)?;
    let list = entry.value()?;
    Ok((entry, list))
}

/// Returns the `until` of a set: the one that was given, or the default. Fails if the next block
/// would refuse it as past or as too far ahead.
fn until_ms(ledger: &LedgerView<'_>, until: Option<TimeMs>) -> Result<u64, ApplyError> {
    let Some(TimeMs(until_ms)) = until else { return Ok(ledger.time_ms + UNTIL_DEFAULT_MS) };
    let (time, until) = (millis(ledger.time_ms), millis(until_ms));
    if until_ms < ledger.time_ms {
        let detail = format!("until {until}, the newest block is of {time}");
        return Err(Refusal::new(Code::UntilPassed, "until", detail).into());
    }
    if until_ms > ledger.last_time_ms()?.saturating_add(UNTIL_WINDOW_MS) {
        let detail = format!("until {until} is over an hour after the newest block of {time}");
        return Err(Refusal::new(Code::UntilTooFar, "until", detail).into());
    }
    Ok(until_ms)
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
