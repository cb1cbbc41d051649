//! Commands that write status lists.

use indicatif::{ProgressBar, ProgressStyle};
use registry_core::code::{Code, Refusal};
use registry_core::id::ListId;
use registry_core::operation::{Action, Guard};
use registry_core::status::{Delegate, Run, StatusCreate, StatusPurpose, StatusSet};
use registry_core::time::TimeMs;
use rpc::limits::STATUS_SET_UNTIL_DEFAULT_MS;
use rpc::prepare::status::{Close, DelegateParam, Update};
use serde::Serialize;

use super::delegate::{check_delegate, delegates};
use super::entries::{count, plan, runs};
use super::read::Known;
use super::{CloseArgs, CreateArgs, ListArgs, MarkArgs, UpdateArgs};
use crate::author::{Author, Sent};
use crate::context::Context;
use crate::did::Ready;
use crate::exit::{Failure, warn};

/// Change that a command makes to entries, and the purpose that the list must have.
pub(super) struct Mark {
    pub(super) command: &'static str,
    pub(super) purpose: Option<StatusPurpose>,
    pub(super) value: u8,
    pub(super) expect: Option<u8>,
}

impl Mark {
    pub(super) const REVOKE: Self = Self::of("revoke", StatusPurpose::Revocation, 1);
    pub(super) const SUSPEND: Self = Self::of("suspend", StatusPurpose::Suspension, 1);
    pub(super) const RESUME: Self = Self::of("resume", StatusPurpose::Suspension, 0);

    const fn of(command: &'static str, purpose: StatusPurpose, value: u8) -> Self {
        Self { command, purpose: Some(purpose), value, expect: None }
    }

    fn check(&self, list: &ListId, actual: StatusPurpose) -> Result<(), Failure> {
        match self.purpose {
            Some(expected) if expected != actual => {
                let (command, actual, expected) = (self.command, actual.name(), expected.name());
                let message = format!(
                    "not sent: {list} is a {actual} list, and {command} is for {expected} lists"
                );
                Err(Failure::usage_with(message, "name another list, or use `set`"))
            }
            _ => Ok(()),
        }
    }
}

/// Answer of a command that made, updated or closed a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListWritten {
    pub(crate) list: ListId,
    #[serde(flatten)]
    pub(super) sent: Sent,
}

/// Answer of a command that set entries. The last operation comes first.
#[derive(Debug, Serialize)]
struct Changed {
    #[serde(flatten)]
    last: ListWritten,
    /// Number of entries named on the command line, whatever their values were before.
    entries: u64,
    operations: Vec<Sent>,
}

impl ListWritten {
    fn human(&self) -> String {
        let Self { list, sent: Sent { operation, height } } = self;
        format!("list       {list}\noperation  {operation}\nheight     {height}")
    }
}

pub(super) async fn create(args: CreateArgs, context: &Context) -> Result<(), Failure> {
    let CreateArgs { author, purpose, length, bits, list } = args;
    let author = Author::open(context, author).await?;
    let written = make(&author, list.create(purpose, bits, length)).await?;
    context.print(&written, written.human())
}

impl ListArgs {
    pub(super) fn create(self, purpose: StatusPurpose, bits: u8, length: u64) -> StatusCreate {
        let Self { uri, valid_from, valid_until, delegates: named, messages } = self;
        let delegates = delegates(named, length);
        StatusCreate { purpose, bits, length, uri, valid_from, valid_until, delegates, messages }
    }
}

pub(crate) async fn make(author: &Author, create: StatusCreate) -> Result<ListWritten, Failure> {
    let sent = author.send(Ready::creating(Action::StatusCreate(Box::new(create)))).await?;
    Ok(ListWritten { list: ListId::of_create(&sent.operation), sent })
}

pub(super) async fn mark(args: MarkArgs, mark: Mark, context: &Context) -> Result<(), Failure> {
    let MarkArgs { list, author, entries } = args;
    let runs = runs(&entries.stretches()?, mark.value, mark.expect);
    let known = Known::load(&context.client()?, &list).await?;
    mark.check(&list, known.purpose)?;
    check_range(&runs, known.length)?;
    let author = Author::open(context, author).await?;
    let by = author.did();
    let delegate = known.delegates.into_iter().find(|delegate| delegate.did == *by);
    if let Some(delegate) = delegate.filter(|_| known.issuer != *by) {
        check_delegate(&Delegate::from(delegate), &runs)?;
    }
    let operations = set(&author, &list, &runs).await?;
    changed(list, &runs, operations, context)
}

/// Prints the operations that set entries.
pub(super) fn changed(
    list: ListId,
    runs: &[Run],
    operations: Vec<Sent>,
    context: &Context,
) -> Result<(), Failure> {
    let Some(sent) = operations.last().cloned() else {
        return Err(Failure::usage("no entries are named"));
    };
    let changed = Changed { last: ListWritten { list, sent }, entries: count(runs), operations };
    let human = format!("{}\nentries    {}", changed.last.human(), changed.entries);
    context.print(&changed, human)
}

/// Fails if an entry is not in the list. The command checks this itself because the entries may
/// need several operations, and the ledger refuses only a single operation as a whole.
pub(super) fn check_range(runs: &[Run], length: u64) -> Result<(), Failure> {
    match runs.last().and_then(Run::end) {
        Some(end) if end > length => {
            let detail = format!("entry {} is not below {length}", end.saturating_sub(1));
            Err(Failure::known(&Refusal::new(Code::StatusRange, "entries", detail)))
        }
        _ => Ok(()),
    }
}

/// Sets entries with as many operations as needed, one after the other.
pub(crate) async fn set(
    author: &Author,
    list: &ListId,
    runs: &[Run],
) -> Result<Vec<Sent>, Failure> {
    let plan = plan(runs);
    let bar = ProgressBar::new(plan.len().try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} operations, {eta} left") {
        bar.set_style(style);
    }
    let (all, mut sent) = (plan.len(), Vec::new());
    for changes in plan {
        let action = Action::StatusSet(StatusSet { list: *list, changes });
        let outcome = match author.client().chain().await {
            Ok(chain) => author.send(setting(action, chain.time)).await,
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok(done) => sent.push(done),
            Err(failure) => {
                bar.finish_and_clear();
                if !sent.is_empty() {
                    let done = sent.len();
                    warn(format!("{done} of {all} operations on list {list} are committed"));
                }
                return Err(failure);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(sent)
}

/// Returns an action that sets entries, to be sent when the newest block is of `newest`.
fn setting(action: Action, newest: TimeMs) -> Ready {
    let until = newest.0.saturating_add(STATUS_SET_UNTIL_DEFAULT_MS);
    Ready { guard: Guard::Nothing, until: Some(until), action }
}

/// Replaces what the options name. The rest of the list stays as it is.
pub(super) async fn update(args: UpdateArgs, context: &Context) -> Result<(), Failure> {
    let UpdateArgs { list, author, valid_until, no_end, delegates: named, no_delegates } = args;
    let known = Known::load(&context.client()?, &list).await?;
    let author = Author::open(context, author).await?;
    let valid_until = match valid_until.map(TimeMs) {
        None if !no_end => known.valid_until,
        given => given,
    };
    let delegates = match delegates(named, known.length) {
        none if none.is_empty() && !no_delegates => known.delegates,
        given => given.into_iter().map(DelegateParam::from).collect(),
    };
    let params = Update {
        author: author.did().clone(),
        list,
        valid_until,
        delegates,
        salt: None,
        endorser: None,
        until: None,
    };
    let written = ListWritten { list, sent: author.write(params).await? };
    context.print(&written, written.human())
}

pub(super) async fn close(args: CloseArgs, context: &Context) -> Result<(), Failure> {
    let CloseArgs { list, author } = args;
    let author = Author::open(context, author).await?;
    let (did, salt, endorser, until) = (author.did().clone(), None, None, None);
    let sent = author.write(Close { author: did, list, salt, endorser, until }).await?;
    let written = ListWritten { list, sent };
    context.print(&written, written.human())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_behind_the_list_have_the_ledgers_code() {
        let stretch = |first, last| runs(&[(first, last)], 1, None);
        assert!(check_range(&stretch(0, 9), 10).is_ok());
        let failure = check_range(&stretch(5, 10), 10).expect_err("behind the end");
        assert!(failure.to_string().contains("2028 STATUS_RANGE"), "{failure}");
    }
}
