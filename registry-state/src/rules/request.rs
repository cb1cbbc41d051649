//! An operation together with what its rule may read.

use registry_core::id::{Did, NetworkName};
use registry_core::record::RecordView;

use super::author;
use super::checked::Checked;
use crate::state::{ApplyError, Context, Effect, Heads, Overlay};

/// Author and moment of an action.
#[derive(Debug, Clone, Copy)]
pub struct By<'b> {
    /// The network's name in DIDs.
    pub network: &'b NetworkName,
    /// Block time in Unix milliseconds.
    pub time_ms: u64,
    /// DID that performs the action; its signatures are checked elsewhere.
    pub author: &'b Did,
}

/// An operation that a block may apply next.
#[derive(Clone, Copy)]
pub(crate) struct Request<'r, 'c> {
    /// The state with what the block wrote so far.
    pub(crate) overlay: &'r Overlay<'r>,
    /// The moment of the block.
    pub(crate) context: &'r Context,
    /// The operation.
    pub(crate) checked: &'c Checked,
}

impl<'c> Request<'_, 'c> {
    /// Effect of an action that the author signs, with the consent of whom it binds: `value` gives
    /// the next value of the record that the operation writes.
    pub(crate) fn by_author(
        &self,
        value: impl FnOnce(&dyn RecordView, By<'_>) -> Result<Vec<u8>, ApplyError>,
    ) -> Result<Effect<'c>, ApplyError> {
        let Self { overlay, context, checked } = self;
        let author = author::check(overlay, context, checked)?;
        author::check_consent(overlay, context, checked)?;
        let by = By { network: &context.network, time_ms: context.time_ms, author };
        let value = value(&Heads(overlay), by)?;
        Ok(Effect::value(checked.record_key().clone(), value))
    }
}
