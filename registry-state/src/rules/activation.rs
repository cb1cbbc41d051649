//! Lets scheduled changes take effect at the end of a block (docs/protocol/governance.md, section
//! "Taking effect").

use super::governance::{Now, Rules};
use crate::state::{ApplyError, Context, Heads, Overlay, TransientKey, WriteContext, whole};
use registry_core::codec::{self, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::governance::{Proposal, ProposalStatus, key};
use registry_core::record::{RecordKey, StoreError};

/// Applies rules GV10 and GV11: the scheduled change whose turn is next takes effect, is cancelled
/// with the code of the rule that it breaks, or waits. Changes behind one that waits wait too,
/// because they were judged in this order.
pub(crate) fn take_effect(overlay: &mut Overlay<'_>, context: &Context) -> Result<(), StoreError> {
    let mut scheduled = overlay.scheduled_changes()?;
    let Some(place) = scheduled.next(context.height.saturating_add(1)) else { return Ok(()) };
    let (_, id) = place;
    let now = Now::of(context, &scheduled);
    let Some((proposal, outcome)) = judge(overlay, now, &id)? else { return Ok(()) };
    let at = WriteContext { height: context.height, time_ms: context.time_ms, operation: id };
    let status = match outcome {
        Ok(value) => {
            let record = key(proposal.change.record());
            overlay.write(&record, whole(value), FixedBytes([0; 16]), at)?;
            ProposalStatus::Active
        }
        Err(code) => ProposalStatus::Cancelled { code },
    };
    let value = codec::encode(&Proposal { status, ..proposal });
    overlay.write(&RecordKey::proposal(&id), whole(value), FixedBytes([0; 16]), at)?;
    scheduled.0.remove(&place);
    overlay.set_transient(TransientKey::scheduled_changes(), Some(codec::encode(&scheduled)));
    Ok(())
}

/// A proposal whose turn has come, with the value that it writes or the code that cancels it.
type Judged = (Proposal, Result<Vec<u8>, u16>);

/// Judges the proposal that is next in turn. Returns `None` if it waits.
fn judge(overlay: &Overlay<'_>, now: Now<'_>, id: &Hash) -> Result<Option<Judged>, StoreError> {
    let heads = Heads(overlay);
    let rules = Rules { view: &heads, now };
    let proposal = rules.proposal(id).map_err(StoreError::new)?;
    if rules.waits(&proposal)? {
        return Ok(None);
    }
    match rules.effect(&proposal) {
        Ok(value) => Ok(Some((proposal, Ok(value)))),
        Err(ApplyError::Refused(refusal)) => Ok(Some((proposal, Err(refusal.code.number())))),
        Err(ApplyError::Store(error)) => Err(error),
        Err(error @ ApplyError::Full) => Err(StoreError::new(error)),
    }
}
