//! Checks one operation against a state before anything is written.

use registry_core::record::StoreError;

use crate::rules::did::{Urgency, urgency};
use crate::rules::{Checked, apply, endorsement, guard};
use crate::state::{ApplyError, Context, Effect, Heads, Overlay, StateView};

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
        guard::check_deadline(&self.overlay, &self.context, checked)?;
        guard::check(&Heads(&self.overlay), checked)?;
        let mut effect = apply(&self.overlay, &self.context, checked)?;
        effect.transient.extend(guard::seen(checked).map(|key| (key, vec![1])));
        effect.transient.extend(endorsement::check(&self.overlay, &self.context, checked)?);
        Ok(effect)
    }

    /// Returns how urgent the operation is in this state; `None` if it has no priority.
    pub fn urgency(&self, checked: &Checked) -> Result<Option<Urgency>, StoreError> {
        urgency(&self.overlay, &self.context, checked)
    }
}

#[cfg(test)]
mod tests;
