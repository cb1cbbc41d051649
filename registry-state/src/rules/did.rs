//! What each DID action needs and does (docs/protocol/operations.md, section "DID actions").

use super::checked::Checked;
use super::governors::check_deactivation;
use crate::state::{
    ApplyError, Context, Effect, Heads, Overlay, Quota, TransientKey, TransientKind,
};
use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::crypto::PublicKey;
use registry_core::did::control::{check_members, check_threshold};
use registry_core::did::{
    DidRecover, DidState, DidValue, KeySet, Member, PendingRecovery, Recovery, Reveal, Sets,
};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{DAY_MS, SENIOR_OPERATIONS_PER_DAY};
use registry_core::operation::{Action, Role};
use registry_core::record::RecordKey;

/// Rules of sets and documents that need no state.
pub(crate) fn check_stateless(action: &Action, network: &NetworkName) -> Result<(), Refusal> {
    let (sets, document) = match action {
        Action::DidCreate(create) => (Some(&create.sets), Some(&create.document)),
        Action::DidUpdate(update) => (None, Some(&update.document)),
        Action::DidRotate(rotate) => {
            check_reveal(&rotate.reveal, network)?;
            (Some(&rotate.sets), Some(&rotate.document))
        }
        Action::DidRecover(recover) => (Some(&recover.sets), Some(&recover.document)),
        Action::DidDeactivate(reveal) => {
            check_reveal(reveal, network)?;
            (None, None)
        }
        _ => (None, None),
    };
    if let Some(sets) = sets {
        sets.check("sets", network)?;
    }
    document.map_or(Ok(()), |document| document.check().map_err(Refusal::from))
}

fn check_reveal(reveal: &Reveal, network: &NetworkName) -> Result<(), Refusal> {
    check_members(&reveal.revealed, "reveal/revealed", network)
}

/// Applies a DID action whose guard holds: the new value, or the reason against it.
pub(crate) fn apply(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<Effect<'static>, ApplyError> {
    let request = Request { overlay, context, checked };
    let key = checked.record_key();
    if let Action::DidCreate(create) = &checked.operation().action {
        request.check_sets(&create.sets)?;
        request.signed_by(&create.sets.control)?;
        let state = DidState {
            sets: create.sets.clone(),
            document: create.document.clone(),
            pending: None,
            recover_from_live_ms: None,
        };
        return Ok(effect(key, DidValue::Active(Box::new(state)), None));
    }
    let state = active(overlay, checked.operation().author()?)?;
    let quota = request.quota(&key)?;
    let value = request.transition(*state)?;
    Ok(effect(key, value, quota))
}

fn effect(
    key: RecordKey,
    value: DidValue,
    quota: Option<(TransientKey, Vec<u8>)>,
) -> Effect<'static> {
    Effect { transient: quota.into_iter().collect(), ..Effect::value(key, codec::encode(&value)) }
}

/// One operation against one state.
struct Request<'a> {
    overlay: &'a Overlay<'a>,
    context: &'a Context,
    checked: &'a Checked,
}

impl Request<'_> {
    fn transition(&self, mut state: DidState) -> Result<DidValue, ApplyError> {
        match &self.checked.operation().action {
            Action::DidUpdate(update) => {
                self.signed_by(&state.sets.control)?;
                state.document = update.document.clone();
            }
            Action::DidRotate(rotate) => {
                self.check_next(&state, &rotate.reveal)?;
                self.check_sets(&rotate.sets)?;
                state.recover_from_live_ms = self.veto(&state);
                state.pending = None;
                state.sets = rotate.sets.clone();
                state.document = rotate.document.clone();
            }
            Action::DidDeactivate(reveal) => {
                self.check_next(&state, reveal)?;
                let author = self.checked.operation().author()?;
                check_deactivation(&Heads(self.overlay), author)?;
                return Ok(DidValue::Deactivated);
            }
            Action::DidRecover(recover) => self.recover(&mut state, recover)?,
            Action::DidRecoverCancel => {
                let recovery = recovery_of(&state)?;
                self.signed_by(&recovery.keys)?;
                pending_of(&state)?;
                state.pending = None;
            }
            Action::DidRecoverComplete => {
                let pending = pending_of(&state)?;
                if self.context.live_ms < pending.matures_live_ms {
                    let left = pending.matures_live_ms.saturating_sub(self.context.live_ms);
                    let detail = format!("matures in {left} ms of live time");
                    return Err(Refusal::new(Code::RecoveryNotMature, "action", detail).into());
                }
                let DidRecover { sets, document } = pending.recover.clone();
                state = DidState { sets, document, pending: None, recover_from_live_ms: None };
            }
            _ => {
                let detail = "this action does not change a DID that exists";
                return Err(Refusal::new(Code::OperationMalformed, "action", detail).into());
            }
        }
        Ok(DidValue::Active(Box::new(state)))
    }

    /// After a veto the next recovery waits for one delay of the recovery set that was vetoed.
    fn veto(&self, state: &DidState) -> Option<u64> {
        match (&state.pending, &state.sets.recovery) {
            (Some(_), Some(recovery)) => {
                Some(self.context.live_ms.saturating_add(recovery.delay_ms))
            }
            _ => state.recover_from_live_ms,
        }
    }

    fn recover(&self, state: &mut DidState, recover: &DidRecover) -> Result<(), ApplyError> {
        let recovery = recovery_of(state)?;
        let delay_ms = recovery.delay_ms;
        self.signed_by(&recovery.keys)?;
        if let Some(pending) = &state.pending {
            let detail = format!("{} is pending", pending.operation);
            return Err(Refusal::new(Code::RecoveryPending, "action", detail).into());
        }
        let live_ms = self.context.live_ms;
        if let Some(from) = state.recover_from_live_ms
            && live_ms < from
        {
            let detail =
                format!("{} ms of live time left since the veto", from.saturating_sub(live_ms));
            return Err(Refusal::new(Code::RecoveryTooSoon, "action", detail).into());
        }
        self.check_sets(&recover.sets)?;
        state.pending = Some(PendingRecovery {
            started_ms: self.context.time_ms,
            matures_live_ms: live_ms.saturating_add(delay_ms),
            operation: self.checked.id(),
            recover: recover.clone(),
        });
        state.recover_from_live_ms = None;
        Ok(())
    }

    /// The threshold of the next set: revealed against the commitments, then signed.
    fn check_next(&self, state: &DidState, reveal: &Reveal) -> Result<(), ApplyError> {
        if let Some(pending) = &state.pending
            && self.context.live_ms >= pending.matures_live_ms
        {
            let detail = format!("recovery {} can only be completed now", pending.operation);
            return Err(Refusal::new(Code::RecoveryMature, "action", detail).into());
        }
        for (index, member) in reveal.revealed.iter().enumerate() {
            if !state.sets.next.commitments.contains(&member.commitment()) {
                let detail = "its hash is none of the commitments of the next set";
                let field = format!("reveal/revealed/{index}");
                return Err(Refusal::new(Code::NextNotCommitted, field, detail).into());
            }
        }
        self.signed(state.sets.next.threshold, &reveal.revealed, Role::Next)
    }

    /// State rules of new sets: a delay that the network allows, members that exist, and control
    /// that is not out of reach for ever.
    fn check_sets(&self, sets: &Sets) -> Result<(), ApplyError> {
        let delay_ms_min = self.context.parameters.recovery_delay_ms_min;
        if let Some(recovery) = &sets.recovery
            && recovery.delay_ms < delay_ms_min
        {
            let detail = format!("{} ms, at least {delay_ms_min}", recovery.delay_ms);
            let field = "sets/recovery/delay_ms";
            return Err(Refusal::new(Code::RecoveryDelay, field, detail).into());
        }
        for (field, did) in sets.dids() {
            if control_of(self.overlay, did)?.is_none() {
                let detail = format!("{did} is not registered or deactivated");
                return Err(Refusal::new(Code::MemberNotFound, field, detail).into());
            }
        }
        Ok(())
    }

    fn signed_by(&self, set: &KeySet) -> Result<(), ApplyError> {
        let role = self.checked.operation().action.role().unwrap_or(Role::Control);
        self.signed(set.threshold, &set.members, role)
    }

    fn signed(&self, threshold: u8, members: &[Member], role: Role) -> Result<(), ApplyError> {
        let signatures = self.checked.signatures().iter();
        let signatures = signatures.filter(|signature| signature.role == role);
        let signers: Vec<&PublicKey> = signatures.map(|signature| signature.by.key()).collect();
        check_threshold(threshold, members, &signers, |did| control_of(self.overlay, did))
    }

    /// Counts rotate and deactivate apart from recover and cancel, so that a thief of the recovery
    /// set cannot use up the day's vetoes.
    fn quota(&self, key: &RecordKey) -> Result<Option<(TransientKey, Vec<u8>)>, ApplyError> {
        let role = self.checked.operation().action.role();
        let kind = match role {
            Some(Role::Next) => TransientKind::NextQuota,
            Some(Role::Recovery) => TransientKind::RecoveryQuota,
            _ => return Ok(None),
        };
        let period = (self.context.time_ms, DAY_MS);
        let of = (kind, key.storage_key());
        let quota = Quota::read(self.overlay, of, period, SENIOR_OPERATIONS_PER_DAY)?;
        let used = quota.used();
        let leaf = quota.take().ok_or_else(|| {
            let detail =
                format!("{used} such operations today, {SENIOR_OPERATIONS_PER_DAY} allowed");
            Refusal::new(Code::QuotaExceeded, "action", detail)
        })?;
        Ok(Some(leaf))
    }
}

/// The state of a DID that acts: it is registered and not deactivated.
pub(crate) fn active(overlay: &Overlay<'_>, did: &Did) -> Result<Box<DidState>, ApplyError> {
    let Some(head) = overlay.head(&RecordKey::did(&did.suffix))? else {
        let detail = format!("{did} is not registered");
        return Err(Refusal::new(Code::DidNotFound, "author", detail).into());
    };
    match overlay.did_value(&head)? {
        DidValue::Active(state) => Ok(state),
        DidValue::Deactivated => {
            let detail = format!("{did} is deactivated");
            Err(Refusal::new(Code::DidDeactivated, "author", detail).into())
        }
    }
}

/// The control set of a DID that is registered and not deactivated.
pub(crate) fn control_of(overlay: &Overlay<'_>, did: &Did) -> Result<Option<KeySet>, ApplyError> {
    let Some(head) = overlay.head(&RecordKey::did(&did.suffix))? else { return Ok(None) };
    Ok(match overlay.did_value(&head)? {
        DidValue::Active(state) => Some(state.sets.control),
        DidValue::Deactivated => None,
    })
}

fn recovery_of(state: &DidState) -> Result<&Recovery, Refusal> {
    state.sets.recovery.as_ref().ok_or_else(|| {
        Refusal::new(Code::RecoveryNotConfigured, "action", "the DID has no recovery set")
    })
}

fn pending_of(state: &DidState) -> Result<&PendingRecovery, Refusal> {
    state
        .pending
        .as_ref()
        .ok_or_else(|| Refusal::new(Code::RecoveryNotPending, "action", "no recovery is pending"))
}
