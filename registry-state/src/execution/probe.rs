//! Checks one operation against a state before anything is written.

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::limits::UNTIL_WINDOW_MS;
use registry_core::operation::Guard;
use registry_core::record::{RecordKey, StoreError};

use crate::rules::did::{Urgency, urgency};
use crate::rules::{Checked, apply, endorsement};
use crate::state::{ApplyError, Context, Effect, Overlay, StateView, TransientKey, TransientKind};

/// A state with the context of a block. It tells what an operation would do in that block.
pub struct Probe<'a> {
    pub(super) overlay: Overlay<'a>,
    pub(super) context: Context,
}

impl<'a> Probe<'a> {
    /// Starts over a stored state. This is cheaper than opening a block. `context` is that of the
    /// block which the answers are meant for.
    pub fn new(view: &'a dyn StateView, context: Context) -> Self {
        Self { overlay: Overlay::new(view), context }
    }

    /// Returns height, time and parameters of the block.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Checks the operation and returns its effect. It changes nothing.
    pub fn check<'c>(&self, checked: &'c Checked) -> Result<Effect<'c>, ApplyError> {
        self.check_guard(checked, checked.record_key())?;
        let mut effect = apply(&self.overlay, &self.context, checked)?;
        effect.transient.extend(endorsement::check(&self.overlay, &self.context, checked)?);
        Ok(effect)
    }

    /// Returns how urgent the operation is in this state; `None` if it has no priority.
    pub fn urgency(&self, checked: &Checked) -> Result<Option<Urgency>, StoreError> {
        urgency(&self.overlay, &self.context, checked)
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
            return Err(key.kind.missing().into());
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
