//! Lets scheduled changes take effect at the end of a block (docs/protocol/governance.md, section
//! "Taking effect").

use super::governance::{Now, Rules};
use crate::state::{ApplyError, Context, Heads, Overlay, TransientKey, WriteContext};
use registry_core::codec::{self, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::governance::{Proposal, ProposalStatus, key};
use registry_core::record::{RecordKey, StoreError};

/// Applies rules GV10 and GV11: each change that is scheduled for the next height takes effect, or
/// is cancelled with the code of the rule that it breaks.
pub(crate) fn take_effect(overlay: &mut Overlay<'_>, context: &Context) -> Result<(), StoreError> {
    let mut scheduled = overlay.scheduled_changes()?;
    let due = scheduled.due(context.height.saturating_add(1));
    if due.is_empty() {
        return Ok(());
    }
    for place in due {
        let (_, id) = place;
        let now = Now { height: context.height, time_ms: context.time_ms, scheduled: &scheduled };
        let (proposal, outcome) = judge(overlay, now, &id)?;
        let at = WriteContext { height: context.height, time_ms: context.time_ms, operation: id };
        let status = match outcome {
            Ok(value) => {
                overlay.write(&key(proposal.change.record()), value, FixedBytes([0; 16]), at)?;
                ProposalStatus::Active
            }
            Err(code) => ProposalStatus::Cancelled { code },
        };
        let value = codec::encode(&Proposal { status, ..proposal });
        overlay.write(&RecordKey::proposal(&id), value, FixedBytes([0; 16]), at)?;
        scheduled.0.remove(&place);
    }
    overlay.set_transient(TransientKey::scheduled_changes(), Some(codec::encode(&scheduled)));
    Ok(())
}

/// Returns a proposal whose height has come, with the value that it writes or the code that cancels
/// it.
fn judge(
    overlay: &Overlay<'_>,
    now: Now<'_>,
    id: &Hash,
) -> Result<(Proposal, Result<Vec<u8>, u16>), StoreError> {
    let heads = Heads(overlay);
    let rules = Rules { view: &heads, now };
    let proposal = rules.proposal(id).map_err(StoreError::new)?;
    match rules.effect(id, &proposal) {
        Ok(value) => Ok((proposal, Ok(value))),
        Err(ApplyError::Refused(refusal)) => Ok((proposal, Err(refusal.code.number()))),
        Err(ApplyError::Store(error)) => Err(error),
        Err(error @ ApplyError::Full) => Err(StoreError::new(error)),
    }
}
