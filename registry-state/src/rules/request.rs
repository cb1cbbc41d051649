//! An operation together with the state that its rule may read.

use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use registry_core::record::{PartWrite, RecordKey, RecordView};

use super::author;
use super::checked::Checked;
use crate::state::{ApplyError, Context, Effect, Heads, Overlay};

/// Author and block time of an action.
#[derive(Debug, Clone, Copy)]
pub struct By<'b> {
    /// Name of the network, which is part of its DIDs.
    pub network: &'b NetworkName,
    /// Block time in Unix milliseconds.
    pub time_ms: u64,
    /// DID that performs the action; its signatures are checked elsewhere.
    pub author: &'b Did,
    /// Id of the operation. What it makes is named by it.
    pub operation: Hash,
    /// Id of the operation that made what this one voids; `None` if it voids nothing.
    pub voids: Option<Hash>,
}

/// What an action writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Parts of the operation's own record.
    pub parts: Vec<PartWrite>,
    /// Records beside it, with their parts.
    pub beside: Vec<(RecordKey, Vec<PartWrite>)>,
}

impl From<Vec<PartWrite>> for Written {
    fn from(parts: Vec<PartWrite>) -> Self {
        Self { parts, beside: Vec::new() }
    }
}

/// An operation that a block may apply next.
#[derive(Clone, Copy)]
pub(crate) struct Request<'r, 'c> {
    /// State before the operation: the stored state with the writes of earlier operations of the
    /// block.
    pub(crate) overlay: &'r Overlay<'r>,
    /// Height, time and parameters of the block.
    pub(crate) context: &'r Context,
    pub(crate) checked: &'c Checked,
}

impl<'c> Request<'_, 'c> {
    /// Returns the effect of an action that its author signs. It checks the author's signatures
    /// and, if the action needs it, the consent of another DID. `written` then gives what the
    /// operation writes.
    pub(crate) fn by_author<W: Into<Written>>(
        &self,
        written: impl FnOnce(&dyn RecordView, By<'_>) -> Result<W, ApplyError>,
    ) -> Result<Effect<'c>, ApplyError> {
        let Self { overlay, context, checked } = self;
        let author = author::check(overlay, context, checked)?;
        author::check_consent(overlay, context, checked)?;
        let (time_ms, operation) = (context.time_ms, checked.id());
        let voids = checked.operation().voids();
        let by = By { network: &context.network, time_ms, author, operation, voids };
        let Written { parts, beside } = written(&Heads(overlay), by)?.into();
        Ok(Effect { beside, ..Effect::parts(checked.record_key().clone(), parts) })
    }
}
