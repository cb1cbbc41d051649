//! What the rules say of one operation over one state, before anything is written.

use std::sync::Arc;

use super::{Overlay, StateView, StoreError, TransientKey, TransientKind};
use crate::agent;
use crate::block::Header;
use crate::code::{Code, Refusal};
use crate::crypto::Hash;
use crate::did;
use crate::governance::{self, Parameters};
use crate::id::NetworkName;
use crate::limits::{LIVE_GAP_MS_MAX, UNTIL_WINDOW_MS};
use crate::operation::{Action, Checked, Guard};
use crate::record::{Kind, RecordKey};
use crate::status::{self, Bits, EntryChanges, StatusList};
use crate::trust;

/// Why an operation was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The block has no room for it; it may fit the next one.
    #[error("the block has no room for the operation")]
    Full,
    /// The store failed; nothing is known about the operation.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the rules may know besides records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The network's name in DIDs.
    pub network: NetworkName,
    /// Block height.
    pub height: u64,
    /// Block time in ms since 1970.
    pub time_ms: u64,
    /// Block time without the halts: what recovery delays are measured in.
    pub live_ms: u64,
    /// The chain's parameters at this height.
    pub parameters: Parameters,
}

impl Context {
    /// That of a block at `time_ms` after `parent`, over the state after `parent`.
    pub fn after(
        view: &dyn StateView,
        network: NetworkName,
        parameters: Parameters,
        parent: &Header,
        time_ms: u64,
    ) -> Result<Self, StoreError> {
        let halted_ms = halted_ms(view.transient(&TransientKey::halted())?);
        let halted_ms = halted_ms.saturating_add(halt_ms(parent.time, time_ms));
        let (height, live_ms) =
            (parent.height.saturating_add(1), time_ms.saturating_sub(halted_ms));
        Ok(Self { network, height, time_ms, live_ms, parameters })
    }
}

/// What an applied operation writes: one record version, and transient leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect<'a> {
    /// The record.
    pub key: RecordKey,
    /// What becomes of it.
    pub change: Change<'a>,
    /// Leaves set beside it.
    pub transient: Vec<(TransientKey, Vec<u8>)>,
    /// Bytes of the status array that the block has to hold for it, if it holds it not yet.
    pub array_bytes: usize,
}

impl<'a> Effect<'a> {
    /// A new value and nothing else.
    pub fn value(key: RecordKey, value: Vec<u8>) -> Self {
        Self { key, change: Change::Value(value), transient: Vec::new(), array_bytes: 0 }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// The next version has this canonical value.
    Value(Vec<u8>),
    /// Entries of a status list change. All such changes of one block are one version, whose value
    /// is known when the block ends.
    Entries {
        /// The list as stored; none where this block changed entries of it before.
        opened: Option<Box<Opened>>,
        /// Which entries get which value.
        changes: &'a EntryChanges,
    },
}

/// A status list with its array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The value of its head.
    pub list: StatusList,
    /// The array that this value commits to.
    pub array: Arc<Bits>,
}

/// A state and what the rules know beside it: says what would become of an operation.
pub struct Probe<'a> {
    pub(super) overlay: Overlay<'a>,
    pub(super) context: Context,
}

impl<'a> Probe<'a> {
    /// Over a stored state, without the work of opening a block. `context` is that of the block
    /// which the answers are meant for.
    pub fn new(view: &'a dyn StateView, context: Context) -> Self {
        Self { overlay: Overlay::new(view), context }
    }

    /// What the rules know.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whether the rules allow the operation; changes nothing.
    pub fn check<'c>(&self, checked: &'c Checked) -> Result<Effect<'c>, ApplyError> {
        self.check_guard(checked, &checked.record_key())?;
        let (overlay, context) = (&self.overlay, &self.context);
        match &checked.operation().action {
            Action::StatusCreate(create) => status::create(overlay, context, checked, create),
            Action::StatusSet(set) => status::set(overlay, context, checked, set),
            Action::StatusUpdate(update) => status::update(overlay, context, checked, update),
            Action::StatusClose(_) => status::close(overlay, context, checked),
            action if action.is_governance() => governance::apply(overlay, context, checked),
            action if action.agent().is_some() => agent::apply(overlay, context, checked),
            action if action.trust_key().is_some() => trust::apply(overlay, context, checked),
            _ => did::apply(overlay, context, checked),
        }
    }

    fn check_guard(&self, checked: &Checked, key: &RecordKey) -> Result<(), ApplyError> {
        match checked.operation().guard {
            Guard::Absent => match self.overlay.head(key)? {
                None => Ok(()),
                Some(head) if head.record.operation == checked.id() => {
                    Err(Refusal::new(Code::AlreadyApplied, "guard", "this create is applied")
                        .into())
                }
                Some(_) => {
                    Err(Refusal::new(Code::AlreadyExists, "guard", "the record exists").into())
                }
            },
            Guard::Previous(expected) => self.check_previous(checked, key, expected),
            Guard::Until(until) => {
                check_until(until, self.context.time_ms)?;
                check_unseen(&self.overlay, until, &checked.id())
            }
        }
    }

    fn check_previous(
        &self,
        checked: &Checked,
        key: &RecordKey,
        expected: Hash,
    ) -> Result<(), ApplyError> {
        let Some(head) = self.overlay.head(key)? else {
            return Err(not_found(key.kind).into());
        };
        if head.record.operation == checked.id() {
            return Err(Refusal::new(Code::AlreadyApplied, "guard", "it is the head").into());
        }
        let actual = head.record.hash();
        if self.overlay.changed(key) {
            let detail = "the record changed in this block; one change a block";
            return Err(Refusal::new(Code::ChangedInBlock, "guard", detail).into());
        }
        if actual != expected {
            let detail = format!("made for head {expected}, the head is {actual}");
            return Err(Refusal::new(Code::GuardStale, "guard", detail).into());
        }
        Ok(())
    }
}

fn not_found(kind: Kind) -> Refusal {
    match kind {
        Kind::Status => Refusal::new(Code::StatusNotFound, "list", "no such list"),
        Kind::Delegation => Refusal::new(Code::AgentNotFound, "agent", "it is no agent"),
        Kind::Grant => Refusal::new(Code::TrustNotFound, "key", "no such grant"),
        Kind::Proposal => Refusal::new(Code::ProposalNotFound, "proposal", "no such proposal"),
        Kind::Ready => Refusal::new(Code::ReadyNotExpected, "guard", "the key's first word"),
        Kind::Recognition => Refusal::new(Code::TrustNotFound, "key", "no such recognition"),
        _ => Refusal::new(Code::DidNotFound, "author", "it is not registered"),
    }
}

/// The halted time in its leaf; zero before the first halt.
fn halted_ms(leaf: Option<Vec<u8>>) -> u64 {
    leaf.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// The gap between two blocks if it is a halt, else zero.
fn halt_ms(parent_ms: u64, time_ms: u64) -> u64 {
    Some(time_ms.saturating_sub(parent_ms)).filter(|gap| *gap > LIVE_GAP_MS_MAX).unwrap_or(0)
}

/// Adds the gap before this block to the halted time if it is a halt.
pub(super) fn count_halt(
    overlay: &mut Overlay<'_>,
    parent_ms: u64,
    time_ms: u64,
) -> Result<(), StoreError> {
    let halt_ms = halt_ms(parent_ms, time_ms);
    if halt_ms > 0 {
        let key = TransientKey::halted();
        let halted_ms = halted_ms(overlay.transient(&key)?).saturating_add(halt_ms);
        overlay.set_transient(key, Some(halted_ms.to_be_bytes().to_vec()));
    }
    Ok(())
}

fn check_until(until: u64, time_ms: u64) -> Result<(), Refusal> {
    if time_ms > until {
        let detail = format!("block time {time_ms} is past {until}");
        return Err(Refusal::new(Code::UntilPassed, "guard", detail));
    }
    if until.saturating_sub(UNTIL_WINDOW_MS) > time_ms {
        let detail = format!("{until} is more than {UNTIL_WINDOW_MS} ms after {time_ms}");
        return Err(Refusal::new(Code::UntilTooFar, "guard", detail));
    }
    Ok(())
}

fn seen_key(until: u64, operation: &Hash) -> TransientKey {
    TransientKey { expires_ms: until, kind: TransientKind::Seen, id: operation.0.to_vec() }
}

fn check_unseen(overlay: &Overlay<'_>, until: u64, operation: &Hash) -> Result<(), ApplyError> {
    if overlay.transient(&seen_key(until, operation))?.is_some() {
        return Err(Refusal::new(Code::AlreadyApplied, "guard", "its id is among the seen").into());
    }
    Ok(())
}

pub(super) fn mark_seen(overlay: &mut Overlay<'_>, until: u64, operation: &Hash) {
    overlay.set_transient(seen_key(until, operation), Some(vec![1]));
}

#[cfg(test)]
mod tests;
