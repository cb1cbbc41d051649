//! Bodies of operations on status lists for clients to sign.

use std::collections::BTreeMap;

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::id::{Did, ListId};
use registry_core::limits::UNTIL_WINDOW_MS;
use registry_core::operation::{Action, Guard, Operation, Role};
use registry_core::status::{
    Delegate, EntryChanges, Run, Scattered, StatusClose, StatusCreate, StatusList, StatusPurpose,
    StatusSet, StatusUpdate,
};
use registry_core::time::TimeMs;
use registry_state::rules::status::{check_changes, check_close, check_update, check_writer};
use serde::Deserialize;

use super::list::FoundList;
use crate::clock::millis;
use crate::error::{ApiError, PARAMS};
use crate::limits::UNTIL_DEFAULT_MS;
use crate::prepare::{Prepared, Preparer, Subject, author_signers, time_ms};
use crate::reads::Moment;
use crate::service::Head;

/// Parameters of `status_prepareCreate`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Create {
    author: Did,
    purpose: StatusPurpose,
    length: u64,
    /// 1 without it.
    #[serde(default)]
    bits: Option<u8>,
    #[serde(default)]
    uri: Option<String>,
    #[serde(default)]
    valid_from: Option<TimeMs>,
    #[serde(default)]
    valid_until: Option<TimeMs>,
    #[serde(default)]
    delegates: Vec<DelegateParam>,
    #[serde(default)]
    messages: Vec<String>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `status_prepareSet`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Set {
    author: Did,
    list: ListId,
    /// Entries in any order, all of which get `value`.
    #[serde(default)]
    entries: Option<Vec<u64>>,
    #[serde(default)]
    value: Option<u8>,
    #[serde(default)]
    runs: Option<Vec<RunParam>>,
    #[serde(default)]
    until: Option<TimeMs>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `status_prepareUpdate`: the complete new values.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    author: Did,
    list: ListId,
    valid_until: Option<TimeMs>,
    delegates: Vec<DelegateParam>,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

/// Parameters of `status_prepareClose`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Close {
    author: Did,
    list: ListId,
    #[serde(default)]
    salt: Option<FixedBytes<16>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DelegateParam {
    did: Did,
    #[serde(default)]
    valid_until: Option<TimeMs>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunParam {
    start: u64,
    length: u64,
    value: u8,
    #[serde(default)]
    expect: Option<u8>,
}

/// What a prepare method was asked for.
pub(crate) struct Draft {
    author: Did,
    action: Action,
    /// Of a set alone.
    until: Option<TimeMs>,
    salt: Option<FixedBytes<16>>,
}

/// In the order that the ledger wants.
fn delegates(params: Vec<DelegateParam>) -> Vec<Delegate> {
    let mut delegates: Vec<Delegate> = params
        .into_iter()
        .map(|param| Delegate { did: param.did, valid_until: time_ms(param.valid_until) })
        .collect();
    delegates.sort_by(|one, other| one.did.cmp(&other.did));
    delegates
}

impl TryFrom<Create> for Draft {
    type Error = ApiError;

    fn try_from(params: Create) -> Result<Self, ApiError> {
        let action = Action::StatusCreate(Box::new(StatusCreate {
            purpose: params.purpose,
            bits: params.bits.unwrap_or(1),
            length: params.length,
            uri: params.uri,
            valid_from: time_ms(params.valid_from),
            valid_until: time_ms(params.valid_until),
            delegates: delegates(params.delegates),
            messages: params.messages,
        }));
        Ok(Self { author: params.author, action, until: None, salt: params.salt })
    }
}

impl TryFrom<Set> for Draft {
    type Error = ApiError;

    fn try_from(params: Set) -> Result<Self, ApiError> {
        let Set { author, list, entries, value, runs, until, salt } = params;
        let changes = match (entries, value, runs) {
            (Some(entries), Some(value), None) => scattered(entries, value)?,
            (None, None, Some(runs)) => EntryChanges::Runs(runs.into_iter().map(run).collect()),
            _ => {
                let detail = "give either entries and value, or runs";
                return Err(ApiError::params(PARAMS, detail));
            }
        };
        let action = Action::StatusSet(StatusSet { list, changes });
        Ok(Self { author, action, until, salt })
    }
}

impl TryFrom<Update> for Draft {
    type Error = ApiError;

    fn try_from(params: Update) -> Result<Self, ApiError> {
        let Update { author, list, valid_until, delegates: named, salt } = params;
        let (valid_until, delegates) = (time_ms(valid_until), delegates(named));
        let action = Action::StatusUpdate(StatusUpdate { list, valid_until, delegates });
        Ok(Self { author, action, until: None, salt })
    }
}

impl TryFrom<Close> for Draft {
    type Error = ApiError;

    fn try_from(Close { author, list, salt }: Close) -> Result<Self, ApiError> {
        let action = Action::StatusClose(StatusClose { list });
        Ok(Self { author, action, until: None, salt })
    }
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

impl Preparer {
    /// All `status_prepare…` methods of operations.
    pub(crate) fn prepare_status(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { author, action, until, salt } = draft;
        let head = self.reads.head();
        let (_, state) = self.reads.active(&author, &head, "author")?;
        let list = match &action {
            Action::StatusSet(StatusSet { list, .. })
            | Action::StatusUpdate(StatusUpdate { list, .. })
            | Action::StatusClose(StatusClose { list }) => {
                let found = FoundList::at(&self.reads, list, Moment::now(head))?;
                Some((*list, (found.entry, found.list)))
            }
            _ => None,
        };
        let guard = match (&action, &list) {
            (Action::StatusSet(_), _) => Guard::Until(self.until(until, &head)?),
            (_, Some((_, (entry, _)))) => Guard::Previous(entry.record.hash()),
            (_, None) => Guard::Absent,
        };
        let drafted = self.draft(Some(author.clone()), guard, salt, action)?;
        let action = &drafted.operation.action;
        if let Some((_, (entry, list))) = &list {
            match action {
                Action::StatusSet(set) => {
                    check_writer(list, &author, head.time_ms)?;
                    check_changes(list, &*self.reads.node.status_array(entry)?, &set.changes)?;
                }
                Action::StatusUpdate(update) => check_update(list, &author, update)?,
                _ => check_close(list, &author)?,
            }
        }
        let id = list.as_ref().map_or_else(|| ListId::of_create(&drafted.id), |(id, _)| *id);
        let signers = author_signers(&author, &state, head.time_ms, Role::Author);
        let explanation =
            explain(&drafted.operation, &author, &id, list.map(|(_, (_, list))| list));
        Ok(drafted.prepared(Subject::List(id), signers, explanation))
    }

    /// The `until` of a set, which must not be refused by what the head already says.
    fn until(&self, until: Option<TimeMs>, head: &Head) -> Result<u64, ApiError> {
        let Some(TimeMs(until_ms)) = until else { return Ok(head.time_ms + UNTIL_DEFAULT_MS) };
        let (time, until) = (millis(head.time_ms), millis(until_ms));
        if until_ms < head.time_ms {
            let detail = format!("until {until}, the newest block is of {time}");
            return Err(Refusal::new(Code::UntilPassed, "until", detail).into());
        }
        if until_ms > self.reads.last_time_ms(head)?.saturating_add(UNTIL_WINDOW_MS) {
            let detail = format!("until {until} is over an hour after the newest block of {time}");
            return Err(Refusal::new(Code::UntilTooFar, "until", detail).into());
        }
        Ok(until_ms)
    }
}

fn explain(operation: &Operation, author: &Did, id: &ListId, list: Option<StatusList>) -> String {
    let named = match &list {
        Some(list) => format!("the {} list {id} of {}", list.purpose.name(), list.issuer),
        None => format!("list {id}"),
    };
    let what = match &operation.action {
        Action::StatusCreate(create) => {
            let StatusCreate { purpose, length, bits, .. } = &**create;
            let purpose = purpose.name();
            format!("Registers a {purpose} {named} of {length} entries, {bits} bit each, all zero")
        }
        Action::StatusSet(set) => {
            format!("{} in {named}{}", changes(&set.changes), until(&operation.guard))
        }
        Action::StatusUpdate(update) => {
            let (count, end) = (update.delegates.len(), update.valid_until.map(millis));
            let end = end.map_or("no end".to_owned(), |end| format!("the end {end}"));
            format!("Replaces validity and delegates of {named}: {end}, {count} delegates")
        }
        _ => format!("Closes for ever {named}"),
    };
    format!(
        "{what}. It needs signatures of {author}: of one method under capabilityInvocation, or \
         of its control set."
    )
}

/// How many entries get which value.
fn changes(changes: &EntryChanges) -> String {
    let mut values: BTreeMap<u8, u64> = BTreeMap::new();
    for run in changes.runs() {
        *values.entry(run.value).or_default() += run.length;
    }
    let parts = values.iter().map(|(value, count)| format!("{count} entries to {value}"));
    format!("Sets {}", parts.collect::<Vec<_>>().join(", "))
}

fn until(guard: &Guard) -> String {
    match guard {
        Guard::Until(until_ms) => format!(", until {}", millis(*until_ms)),
        _ => String::new(),
    }
}
