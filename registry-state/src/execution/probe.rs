//! Checks one operation against a state before anything is written.

use registry_core::code::{Code, Refusal};
use registry_core::cost::{self, OPERATION_COST_MAX};
use registry_core::record::StoreError;

use crate::rules::did::{Urgency, urgency};
use crate::rules::{Checked, apply, endorsement, guard};
use crate::state::{ApplyError, Context, Effect, Exceeded, Heads, Overlay, Paid, StateView};

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
        let effect = self.priced(checked, u64::MAX, |_| Ok(()));
        self.overlay.meter().stop();
        effect
    }

    /// Returns what the operation that was checked last has paid until it was applied or refused.
    pub fn paid(&self) -> Paid {
        self.overlay.meter().paid()
    }

    /// Checks the operation, which may cost `left` units at most, and pays for each step before it
    /// is done (rule B4). `room` is checked before the rules.
    pub(super) fn priced<'c>(
        &self,
        checked: &'c Checked,
        left: u64,
        room: impl FnOnce(&Overlay<'a>) -> Result<(), ApplyError>,
    ) -> Result<Effect<'c>, ApplyError> {
        let meter = self.overlay.meter();
        meter.start(left);
        let effect = self.rules(checked, room);
        match meter.exceeded() {
            None => effect,
            Some(Exceeded::Block) => Err(ApplyError::Full),
            Some(Exceeded::Operation) => {
                let detail = format!(
                    "the operation costs {} units and more, {OPERATION_COST_MAX} are allowed",
                    meter.paid().cost
                );
                Err(Refusal::new(Code::OperationCost, "operation", detail).into())
            }
        }
    }

    /// Checks all rules. Who may write comes first, so that the others cost nothing if a stranger
    /// writes.
    fn rules<'c>(
        &self,
        checked: &'c Checked,
        room: impl FnOnce(&Overlay<'a>) -> Result<(), ApplyError>,
    ) -> Result<Effect<'c>, ApplyError> {
        let Self { overlay, context } = self;
        overlay.meter().pay(checked.cost())?;
        room(overlay)?;
        guard::check_deadline(overlay, context, checked)?;
        let writer = endorsement::writer(overlay, context, checked)?;
        guard::check(&Heads(overlay), checked)?;
        let mut effect = apply(overlay, context, checked)?;
        effect.transient.extend(guard::seen(checked).map(|key| (key, vec![1])));
        let quota = endorsement::check(overlay, context, checked, writer)?;
        overlay.pay_for(&effect)?;
        if let Some(quota) = quota {
            // The quota counts the whole cost, that of its own leaf included.
            overlay.meter().pay(cost::LEAF)?;
            effect.transient.push(quota.add(self.paid().cost));
        }
        Ok(effect)
    }

    /// Returns how urgent the operation is in this state; `None` if it has no priority.
    pub fn urgency(&self, checked: &Checked) -> Result<Option<Urgency>, StoreError> {
        urgency(&self.overlay, &self.context, checked)
    }
}

#[cfg(test)]
mod tests;
