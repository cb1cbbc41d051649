//! Rules of each DID action (docs/protocol/operations.md, section "DID actions").

use super::actors::{active, control_of, recovery_of};
use super::checked::Checked;
use super::governors::check_deactivation;
use super::request::Request;
use crate::state::{
    ApplyError, Context, Effect, Heads, Overlay, Quota, TransientKey, TransientKind,
};
use registry_core::code::{Code, Refusal};
use registry_core::did::control::{check_revealed, check_threshold};
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidUpdate, Document, KeySet, Marks, Member, PendingRecovery,
    Recovery, RecoveryPart, Reveal, Sets, control_part, deactivated_parts, document_part,
};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{DAY_MS, PRIORITY_OPERATIONS_PER_DAY};
use registry_core::operation::{Rank, Role};
use registry_core::record::{PartId, PartWrite, RecordKey, StoreError};

/// Checks the form of complete sets with a complete document. `own` is the DID that gets them, if
/// it exists already.
pub(super) fn check_form(
    sets: &Sets,
    document: &Document,
    network: &NetworkName,
    own: Option<&Did>,
) -> Result<(), Refusal> {
    sets.check("sets", network, own)?;
    check_document(document)
}

/// Checks the form of a recovery.
pub(super) fn check_recover(
    recover: &DidRecover,
    network: &NetworkName,
    own: Option<&Did>,
) -> Result<(), Refusal> {
    check_form(&recover.sets, &recover.document, network, own)?;
    check_marks(recover.marks.as_ref())
}

fn check_marks(marks: Option<&Marks>) -> Result<(), Refusal> {
    marks.map_or(Ok(()), |marks| marks.check("marks"))
}

/// Checks the form of a document.
pub(super) fn check_document(document: &Document) -> Result<(), Refusal> {
    document.check().map_err(Refusal::from)
}

/// Checks the form of a rotation.
pub(super) fn check_rotate(
    rotate: &DidRotate,
    network: &NetworkName,
    own: Option<&Did>,
) -> Result<(), Refusal> {
    check_reveal(&rotate.reveal)?;
    rotate.sets.check("sets", network, own)?;
    rotate.document.as_ref().map_or(Ok(()), check_document)?;
    check_marks(rotate.marks.as_ref())
}

/// Checks the form of the keys that an operation reveals.
pub(super) fn check_reveal(reveal: &Reveal) -> Result<(), Refusal> {
    check_revealed(&reveal.revealed, "reveal/revealed")
}

/// Registers a DID.
pub(super) fn create(
    request: &Request<'_, '_>,
    create: &DidCreate,
) -> Result<Effect<'static>, ApplyError> {
    request.check_members(&create.sets)?;
    request.check_sets(&create.sets)?;
    request.signed_by(&create.sets.control)?;
    let mut parts = vec![control_part(&create.sets), document_part(&create.document)];
    parts.extend(request.marks_of_control(&create.document)?);
    Ok(Effect::parts(request.checked.record_key().clone(), parts))
}

/// Replaces the document. In a block that changes the sets the operation waits, so that a version
/// of the record never mixes what two control sets signed.
pub(super) fn update(
    request: &Request<'_, '_>,
    update: &DidUpdate,
) -> Result<Effect<'static>, ApplyError> {
    let sets = request.sets()?;
    request.signed_by(&sets.control)?;
    if request.overlay.changed_part(request.checked.record_key(), PartId::CONTROL)? {
        return Err(ApplyError::Full);
    }
    let mut parts = vec![document_part(&update.document)];
    parts.extend(request.marks_of_control(&update.document)?);
    request.writes(parts)
}

/// Replaces the sets, and the document and the marked keys if the operation has them. If a recovery
/// is pending, the rotation vetoes it.
pub(super) fn rotate(
    request: &Request<'_, '_>,
    rotate: &DidRotate,
) -> Result<Effect<'static>, ApplyError> {
    let (sets, recovery) = (request.sets()?, request.recovery()?);
    request.check_next(&sets, &recovery, &rotate.reveal)?;
    request.check_sets(&rotate.sets)?;
    let mut parts = vec![control_part(&rotate.sets)];
    parts.extend(rotate.document.as_ref().map(document_part));
    parts.extend(request.marks_of_senior(rotate.marks.as_ref(), rotate.document.as_ref())?);
    if recovery.pending.is_some() {
        // The next recovery may start one delay of the vetoed recovery set later.
        let delay_ms = sets.recovery.map(|recovery| recovery.delay_ms);
        let from = delay_ms.map(|delay_ms| request.context.live_ms.saturating_add(delay_ms));
        parts.push(recovery_part(&RecoveryPart { pending: None, recover_from_live_ms: from }));
    }
    request.writes(parts)
}

/// Deactivates the DID.
pub(super) fn deactivate(
    request: &Request<'_, '_>,
    reveal: &Reveal,
) -> Result<Effect<'static>, ApplyError> {
    request.check_next(&request.sets()?, &request.recovery()?, reveal)?;
    let author = request.checked.operation().author()?;
    check_deactivation(&Heads(request.overlay), author)?;
    request.writes(deactivated_parts())
}

/// Starts a recovery.
pub(super) fn recover(
    request: &Request<'_, '_>,
    recover: &DidRecover,
) -> Result<Effect<'static>, ApplyError> {
    let sets = request.sets()?;
    let Recovery { keys, delay_ms } = configured(&sets)?;
    request.signed_by(keys)?;
    let RecoveryPart { pending, recover_from_live_ms } = request.recovery()?;
    if let Some(pending) = pending {
        let detail = format!("{} is pending", pending.operation);
        return Err(Refusal::new(Code::RecoveryPending, "action", detail).into());
    }
    let live_ms = request.context.live_ms;
    if let Some(from) = recover_from_live_ms.filter(|from| live_ms < *from) {
        let left_ms = from.saturating_sub(live_ms);
        let detail = format!("{left_ms} ms of live time left since the veto");
        return Err(Refusal::new(Code::RecoveryTooSoon, "action", detail).into());
    }
    request.check_sets(&recover.sets)?;
    let pending = PendingRecovery {
        started_ms: request.context.time_ms,
        matures_live_ms: live_ms.saturating_add(*delay_ms),
        operation: request.checked.id(),
        recover: recover.clone(),
    };
    let recovery = RecoveryPart { pending: Some(pending), recover_from_live_ms: None };
    request.writes(vec![recovery_part(&recovery)])
}

/// Cancels the pending recovery. That there is one is checked before the signatures: a veto may
/// have replaced the recovery set, and its members should learn that nothing is left to cancel.
pub(super) fn recover_cancel(request: &Request<'_, '_>) -> Result<Effect<'static>, ApplyError> {
    let sets = request.sets()?;
    let Recovery { keys, .. } = configured(&sets)?;
    pending_of(request.recovery()?)?;
    request.signed_by(keys)?;
    request.writes(vec![recovery_part(&RecoveryPart::default())])
}

/// Puts the pending recovery into effect if its delay is over.
pub(super) fn recover_complete(request: &Request<'_, '_>) -> Result<Effect<'static>, ApplyError> {
    request.sets()?;
    let PendingRecovery { matures_live_ms, recover, .. } = pending_of(request.recovery()?)?;
    let live_ms = request.context.live_ms;
    if live_ms < matures_live_ms {
        let left_ms = matures_live_ms.saturating_sub(live_ms);
        let detail = format!("matures in {left_ms} ms of live time");
        return Err(Refusal::new(Code::RecoveryNotMature, "action", detail).into());
    }
    request.check_reachable(&recover.sets)?;
    let mut parts = vec![
        control_part(&recover.sets),
        recovery_part(&RecoveryPart::default()),
        document_part(&recover.document),
    ];
    parts.extend(request.marks_of_senior(recover.marks.as_ref(), Some(&recover.document))?);
    request.writes(parts)
}

fn recovery_part(recovery: &RecoveryPart) -> PartWrite {
    PartWrite::timed(PartId::RECOVERY, recovery)
}

impl Request<'_, '_> {
    /// Returns the sets of the author, which is not deactivated and has not used up the quota of
    /// the day.
    fn sets(&self) -> Result<Sets, ApplyError> {
        let sets = active(&Heads(self.overlay), self.checked.operation().author()?)?;
        self.quota(self.checked.record_key())?;
        Ok(sets)
    }

    /// Returns the pending recovery of the author and when the next may start.
    fn recovery(&self) -> Result<RecoveryPart, ApplyError> {
        Ok(recovery_of(&Heads(self.overlay), self.checked.record_key())?)
    }

    /// Returns the effect of an action that writes these parts of the author's record.
    fn writes(&self, parts: Vec<PartWrite>) -> Result<Effect<'static>, ApplyError> {
        let key = self.checked.record_key();
        let transient = self.quota(key)?.into_iter().collect();
        Ok(Effect { transient, ..Effect::parts(key.clone(), parts) })
    }

    /// Checks that the revealed keys are among the commitments of the next set and that enough
    /// of them signed. Fails if a pending recovery has matured, since it can then only be completed
    /// or cancelled. A recovery that cannot be completed stops nobody.
    fn check_next(
        &self,
        sets: &Sets,
        recovery: &RecoveryPart,
        reveal: &Reveal,
    ) -> Result<(), ApplyError> {
        if let Some(pending) = &recovery.pending
            && self.context.live_ms >= pending.matures_live_ms
            && self.can_complete(&pending.recover)?
        {
            let detail = format!("recovery {} can only be completed now", pending.operation);
            return Err(Refusal::new(Code::RecoveryMature, "action", detail).into());
        }
        for (index, member) in reveal.revealed.iter().enumerate() {
            if !sets.next.commits_to(member) {
                let detail = "its hash is none of the commitments of the next set";
                let field = format!("reveal/revealed/{index}");
                return Err(Refusal::new(Code::NextNotCommitted, field, detail).into());
            }
        }
        self.signed(sets.next.threshold, &reveal.revealed, Role::Next)
    }

    /// Returns true if the rules let a mature recovery complete: the live members of its sets can
    /// sign, and there is room for its marks.
    fn can_complete(&self, recover: &DidRecover) -> Result<bool, ApplyError> {
        if self.unreachable(&recover.sets)?.is_some() {
            return Ok(false);
        }
        match self.marks_of_senior(recover.marks.as_ref(), Some(&recover.document)) {
            Ok(_) => Ok(true),
            Err(ApplyError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Checks that every DID that the sets of a new DID name is registered and not deactivated.
    fn check_members(&self, sets: &Sets) -> Result<(), ApplyError> {
        for (field, did) in sets.dids() {
            if control_of(&Heads(self.overlay), did)?.is_none() {
                let detail = format!("{did} is not registered or deactivated");
                return Err(Refusal::new(Code::MemberNotFound, field, detail).into());
            }
        }
        Ok(())
    }

    /// Checks new sets against the state: the network allows the recovery delay, and no set is
    /// unusable from the start.
    fn check_sets(&self, sets: &Sets) -> Result<(), ApplyError> {
        let delay_ms_min = self.context.parameters.recovery_delay_ms_min;
        if let Some(recovery) = &sets.recovery
            && recovery.delay_ms < delay_ms_min
        {
            let detail = format!("{} ms, at least {delay_ms_min}", recovery.delay_ms);
            let field = "sets/recovery/delay_ms";
            return Err(Refusal::new(Code::RecoveryDelay, field, detail).into());
        }
        self.check_reachable(sets)
    }

    /// Checks that the live members of the control set, and those of the recovery set, can reach
    /// their threshold. One dead member among enough others refuses nothing.
    fn check_reachable(&self, sets: &Sets) -> Result<(), ApplyError> {
        match self.unreachable(sets)? {
            Some(refusal) => Err(refusal.into()),
            None => Ok(()),
        }
    }

    /// Returns the refusal of the first set whose live members cannot reach its threshold.
    fn unreachable(&self, sets: &Sets) -> Result<Option<Refusal>, ApplyError> {
        let recovery = sets.recovery.as_ref();
        let recovery = recovery.map(|recovery| ("sets/recovery/keys", &recovery.keys));
        for (field, set) in [("sets/control", &sets.control)].into_iter().chain(recovery) {
            let (live, wanted) = (self.live_members(set)?, usize::from(set.threshold));
            if live < wanted {
                let count = set.members.len();
                let detail = format!(
                    "{live} of {count} members can sign, {wanted} are needed; a DID that is not \
                     registered, is deactivated or has too few keys in its control set cannot"
                );
                return Ok(Some(Refusal::new(Code::SetUnreachable, field, detail)));
            }
        }
        Ok(None)
    }

    /// Returns the number of members that can sign: keys, and DIDs that are registered, not
    /// deactivated and controlled by enough keys.
    fn live_members(&self, set: &KeySet) -> Result<usize, ApplyError> {
        let mut live: usize = 0;
        for member in &set.members {
            let counts = match member {
                Member::Key(_) => true,
                Member::Did(did) => control_of(&Heads(self.overlay), did)?
                    .is_some_and(|control| control.keys_suffice()),
            };
            live = live.saturating_add(usize::from(counts));
        }
        Ok(live)
    }

    fn signed_by(&self, set: &KeySet) -> Result<(), ApplyError> {
        let role = self.checked.operation().action.facts().role.unwrap_or(Role::Control);
        self.signed(set.threshold, &set.members, role)
    }

    fn signed(&self, threshold: u8, members: &[Member], role: Role) -> Result<(), ApplyError> {
        let signatures = self.checked.signatures().iter();
        let signatures = signatures.filter(|signature| signature.role == role);
        let signers = signatures.filter_map(|signature| signature.by.of_set());
        let control_of = |did: &Did| Ok(control_of(&Heads(self.overlay), did)?);
        check_threshold(threshold, members, signers, control_of)
    }

    /// Counts the actions of one day. Rotate and deactivate have another counter than recover and
    /// cancel, so that a thief of the recovery set cannot use up the vetoes of the day.
    fn quota(&self, key: &RecordKey) -> Result<Option<(TransientKey, Vec<u8>)>, ApplyError> {
        let rank = self.checked.rank();
        // Nobody signs a completion, and each recovery that was counted is completed at most once.
        let counted = daily_quota(rank).filter(|_| rank != Rank::Completion);
        let Some(kind) = counted else { return Ok(None) };
        let quota = daily(self.overlay, self.context, (kind, key))?;
        let used = quota.used();
        let leaf = quota.take().ok_or_else(|| {
            let detail =
                format!("{used} such operations today, {PRIORITY_OPERATIONS_PER_DAY} allowed");
            Refusal::new(Code::QuotaExceeded, "action", detail)
        })?;
        Ok(Some(leaf))
    }
}

/// Returns the kind of the leaf that counts the operations of this rank on one day; `None` if they
/// have no daily quota. A completion belongs to the recovery that it completes.
fn daily_quota(rank: Rank) -> Option<TransientKind> {
    match rank {
        Rank::Next => Some(TransientKind::NextQuota),
        Rank::Recovery | Rank::Completion => Some(TransientKind::RecoveryQuota),
        Rank::Control | Rank::Methods => None,
    }
}

fn daily(
    overlay: &Overlay<'_>,
    context: &Context,
    (kind, key): (TransientKind, &RecordKey),
) -> Result<Quota, StoreError> {
    let (of, period) = ((kind, key.storage_key()), (context.time_ms, DAY_MS));
    Quota::read(overlay, of, period, PRIORITY_OPERATIONS_PER_DAY)
}

/// How urgent an operation with priority is, by the state before it. The rules do not depend on it.
/// Nodes use it to decide which operations go into a block first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Urgency {
    /// Live time in ms at which the recovery matures that the operation would veto; `None` if it
    /// would veto none.
    pub vetoes_before_ms: Option<u64>,
    /// Number of operations that were counted for the same DID today under the same daily quota.
    pub used_today: u64,
}

/// Returns how urgent an operation is; `None` if it has no priority.
pub(crate) fn urgency(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<Option<Urgency>, StoreError> {
    let (rank, key) = (checked.rank(), checked.record_key());
    let Some(kind) = daily_quota(rank) else { return Ok(None) };
    let used_today = daily(overlay, context, (kind, key))?.used();
    let pending = match rank {
        Rank::Next => recovery_of(&Heads(overlay), key)?.pending,
        Rank::Methods | Rank::Control | Rank::Completion | Rank::Recovery => None,
    };
    let vetoes_before_ms = pending.map(|pending| pending.matures_live_ms);
    Ok(Some(Urgency { vetoes_before_ms, used_today }))
}

fn configured(sets: &Sets) -> Result<&Recovery, Refusal> {
    sets.recovery.as_ref().ok_or_else(|| {
        Refusal::new(Code::RecoveryNotConfigured, "action", "the DID has no recovery set")
    })
}

fn pending_of(recovery: RecoveryPart) -> Result<PendingRecovery, Refusal> {
    recovery
        .pending
        .ok_or_else(|| Refusal::new(Code::RecoveryNotPending, "action", "no recovery is pending"))
}
