//! Rules of each governance action (docs/protocol/governance.md, section "Rules").

use super::author;
use super::governors::{check_live, is_live, live_count};
use super::request::Request;
use crate::state::{ApplyError, Effect, Heads, Overlay, TransientKey};
use registry_core::code::{Code, Refusal};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    Approval, Change, GovernancePropose, Governors, PUBLISHING, Proposal, ProposalStatus,
    Publishing, ScheduledChanges, VALIDATORS, VERSION, ValidatorEntry, ValidatorReady, Validators,
    WritePolicy, governors, key, read,
};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{
    APPROVAL_HEIGHTS_MIN, NOTICE_HEIGHTS_MAX, NOTICE_HEIGHTS_MIN, READY_HEIGHTS_MAX,
    READY_INTERVAL_MS_MIN, READY_MS_MAX, SCHEDULED_CHANGES_MAX, VALIDATOR_CHANGE_HEIGHTS_MIN,
};
use registry_core::record::{RecordKey, RecordView, StoreError};
use registry_core::{codec, mmr};

/// Checks rule GV1: the form of a proposal.
pub(super) fn check_propose(
    propose: &GovernancePropose,
    network: &NetworkName,
) -> Result<(), Refusal> {
    let invalid = |error| Refusal::new(Code::GovernanceChange, "change", error);
    propose.change.check(network).map_err(invalid)
}

/// Checks rules GV2 to GV8 and returns the effect of an action that a governor signs.
pub(super) fn by_governor<'c>(
    request: &Request<'_, 'c>,
    written: impl FnOnce(&Rules<'_>, &Did) -> Result<GovernanceWrite, ApplyError>,
) -> Result<Effect<'c>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let author = author::check(overlay, context, checked)?;
    effect(request, |rules| written(rules, author))
}

/// Checks rule GV9 and returns the effect of a readiness announcement. Its only signature is made
/// with the validator key; the checks without state have verified it.
pub(super) fn ready<'c>(
    request: &Request<'_, 'c>,
    ready: &ValidatorReady,
) -> Result<Effect<'c>, ApplyError> {
    effect(request, |rules| {
        let written = rules.ready(ready)?;
        check_block(request.overlay, request.context.height, ready)?;
        Ok(written)
    })
}

fn effect<'c>(
    request: &Request<'_, 'c>,
    written: impl FnOnce(&Rules<'_>) -> Result<GovernanceWrite, ApplyError>,
) -> Result<Effect<'c>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let scheduled = overlay.scheduled_changes()?;
    let now = Now { height: context.height, time_ms: context.time_ms, scheduled: &scheduled };
    let written = written(&Rules { view: &Heads(overlay), now })?;
    let scheduled = written
        .scheduled
        .map(|scheduled| (TransientKey::scheduled_changes(), codec::encode(&scheduled)));
    let effect = Effect::value(checked.record_key().clone(), written.value);
    Ok(Effect { transient: scheduled.into_iter().collect(), ..effect })
}

/// Height and time of the block that an action is in, with the changes scheduled before it.
#[derive(Debug, Clone, Copy)]
pub struct Now<'n> {
    /// Height of the block.
    pub height: u64,
    /// Block time, as Unix time in milliseconds.
    pub time_ms: u64,
    /// Approved changes whose height has not come.
    pub scheduled: &'n ScheduledChanges,
}

/// What a governance action writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernanceWrite {
    /// Next value of the record.
    pub value: Vec<u8>,
    /// Scheduled changes after the action; `None` if the action does not alter them.
    pub scheduled: Option<ScheduledChanges>,
}

/// Result of a change, computed from the present records.
pub(super) struct ChangeResult {
    /// Next value of the record that the change is about.
    pub(super) value: Vec<u8>,
    /// Validators of the result whose keys have no power at present.
    newcomers: Vec<ValidatorEntry>,
}

/// The rules of governance, checked against the newest records. A node also checks them before it
/// asks anyone to sign.
pub struct Rules<'r> {
    /// Newest record of each key.
    pub view: &'r dyn RecordView,
    /// Height and time of the block, and the scheduled changes.
    pub now: Now<'r>,
}

impl Rules<'_> {
    /// Checks rules GV2 and GV4 to GV8, and returns what a new proposal with this operation id
    /// writes.
    pub fn propose(
        &self,
        id: &Hash,
        author: &Did,
        propose: &GovernancePropose,
    ) -> Result<GovernanceWrite, ApplyError> {
        let governors = self.governors_with(author)?;
        let GovernancePropose { change, height } = propose.clone();
        let notice = height.saturating_sub(self.now.height);
        if !(NOTICE_HEIGHTS_MIN..=NOTICE_HEIGHTS_MAX).contains(&notice) {
            let (min, max) = (NOTICE_HEIGHTS_MIN, NOTICE_HEIGHTS_MAX);
            let present = self.now.height;
            let detail = format!("{height} is not {min} to {max} above the present {present}");
            return Err(Refusal::new(Code::ActivationHeight, "height", detail).into());
        }
        self.outcome(id, &change, height)?;
        let (proposer, proposed) = (author.clone(), self.now.time_ms);
        let approvals = vec![Approval { governor: author.clone(), time: proposed }];
        let status = ProposalStatus::Open;
        self.settle(
            id,
            &governors,
            Proposal { proposer, change, height, proposed, approvals, status },
        )
    }

    /// Checks rules GV2 to GV8, and returns what the approval of a proposal writes.
    pub fn approve(&self, id: &Hash, author: &Did) -> Result<GovernanceWrite, ApplyError> {
        let governors = self.governors_with(author)?;
        let mut proposal = self.pending(id)?;
        if proposal.is_approved_by(author) {
            let detail = format!("{author} has approved it");
            return Err(Refusal::new(Code::ApprovedAlready, "proposal", detail).into());
        }
        self.check_notice(&proposal)?;
        let approval = Approval { governor: author.clone(), time: self.now.time_ms };
        proposal.approvals.push(approval);
        self.settle(id, &governors, proposal)
    }

    /// Checks rules GV2 to GV4, and returns what the withdrawal of an approval writes.
    pub fn withdraw(&self, id: &Hash, author: &Did) -> Result<GovernanceWrite, ApplyError> {
        let governors = self.governors_with(author)?;
        let mut proposal = self.pending(id)?;
        if !proposal.is_approved_by(author) {
            let detail = format!("{author} has not approved it");
            return Err(Refusal::new(Code::NotApproved, "proposal", detail).into());
        }
        self.check_notice(&proposal)?;
        proposal.approvals.retain(|approval| approval.governor != *author);
        self.settle(id, &governors, proposal)
    }

    /// Checks rule GV9 and returns what a readiness announcement writes. It does not check the
    /// named block, for which it would need the block history.
    pub fn ready(&self, ready: &ValidatorReady) -> Result<GovernanceWrite, ApplyError> {
        let ValidatorReady { proposal: id, key, peer, .. } = ready;
        let proposal = self.proposal(id)?;
        let named = match &proposal.change {
            Change::Validators(edits) if proposal.status.is_pending() => {
                edits.put.iter().any(|entry| entry.key == *key && entry.peer == *peer)
            }
            Change::Validators(_)
            | Change::Publishing(_)
            | Change::Parameters(_)
            | Change::Version(_)
            | Change::Governors(_) => false,
        };
        let not_expected =
            |detail| Err(Refusal::new(Code::ReadyNotExpected, "proposal", detail).into());
        if !named {
            return not_expected(format!("{id} does not wait for {key} at {peer}"));
        }
        let present: Validators = read(self.view, VALIDATORS)?;
        if present.validators.iter().any(|entry| entry.key == *key) {
            return not_expected(format!("{key} is a validator already"));
        }
        if let Some((last, time_ms)) = self.last_ready(key)?
            && last.proposal == *id
            && self.now.time_ms < time_ms.saturating_add(READY_INTERVAL_MS_MIN)
        {
            let detail = format!("the last one is of {time_ms}, {READY_INTERVAL_MS_MIN} ms apart");
            return Err(Refusal::new(Code::ReadyTooSoon, "proposal", detail).into());
        }
        Ok(GovernanceWrite { value: codec::encode(ready), scheduled: None })
    }

    /// Checks rule GV2: the author is a governor.
    fn governors_with(&self, author: &Did) -> Result<Governors, ApplyError> {
        let Some(governors) = governors(self.view)? else {
            let detail = "the genesis of this network names no governors";
            return Err(Refusal::new(Code::GovernanceNone, "author", detail).into());
        };
        if !governors.members.contains(author) {
            let detail = format!("{author} is no governor");
            return Err(Refusal::new(Code::NotGovernor, "author", detail).into());
        }
        Ok(governors)
    }

    pub(super) fn proposal(&self, id: &Hash) -> Result<Proposal, ApplyError> {
        let Some(entry) = self.view.entry(&RecordKey::proposal(id))? else {
            let detail = format!("no proposal {id}");
            return Err(Refusal::new(Code::ProposalNotFound, "proposal", detail).into());
        };
        Ok(entry.value::<Proposal>()?)
    }

    /// Checks rule GV3 and returns the proposal, which still waits for approvals or for its height.
    fn pending(&self, id: &Hash) -> Result<Proposal, ApplyError> {
        let proposal = self.proposal(id)?;
        if !proposal.status.is_pending() {
            let detail = format!("it is {}", proposal.status.name());
            return Err(Refusal::new(Code::ProposalClosed, "proposal", detail).into());
        }
        Ok(proposal)
    }

    /// Checks rule GV4: enough heights are left before the proposal's height.
    fn check_notice(&self, proposal: &Proposal) -> Result<(), Refusal> {
        let last = proposal.height.saturating_sub(APPROVAL_HEIGHTS_MIN);
        if self.now.height > last {
            let detail = format!("approvals ended with height {last}");
            return Err(Refusal::new(Code::ProposalClosed, "proposal", detail));
        }
        Ok(())
    }

    /// Counts the approvals by DIDs that are governors now and can still sign.
    fn approvals(&self, governors: &Governors, proposal: &Proposal) -> Result<usize, StoreError> {
        live_count(
            governors,
            self.view,
            proposal.approvals.iter().map(|approval| &approval.governor),
        )
    }

    /// Sets the status that follows from the approvals, and adds the proposal to the scheduled
    /// changes or removes it from them.
    fn settle(
        &self,
        id: &Hash,
        governors: &Governors,
        mut proposal: Proposal,
    ) -> Result<GovernanceWrite, ApplyError> {
        let was = proposal.status == ProposalStatus::Approved;
        let is = self.approvals(governors, &proposal)? >= usize::from(governors.threshold);
        let place = (proposal.height, *id);
        let mut scheduled = self.now.scheduled.clone();
        match (was, is) {
            (false, true) => {
                self.outcome(id, &proposal.change, proposal.height)?;
                scheduled.0.insert(place);
                proposal.status = ProposalStatus::Approved;
            }
            (true, false) => {
                scheduled.0.remove(&place);
                proposal.status = ProposalStatus::Open;
            }
            _ => {}
        }
        Ok(GovernanceWrite {
            value: codec::encode(&proposal),
            scheduled: (was != is).then_some(scheduled),
        })
    }

    /// Checks rule GV10 at the height of the proposal, and returns the value that it writes. Fails
    /// with the first rule that the proposal breaks.
    pub(super) fn effect(&self, id: &Hash, proposal: &Proposal) -> Result<Vec<u8>, ApplyError> {
        let governors = governors(self.view)?;
        let governors = governors.ok_or_else(|| StoreError::new("a proposal without governors"))?;
        let (count, threshold) = (self.approvals(&governors, proposal)?, governors.threshold);
        if count < usize::from(threshold) {
            let detail = format!("{count} governors approve, {threshold} are needed");
            return Err(Refusal::new(Code::ThresholdNotMet, "proposal", detail).into());
        }
        let outcome = self.outcome(id, &proposal.change, proposal.height)?;
        for newcomer in &outcome.newcomers {
            self.check_newcomer(newcomer)?;
        }
        Ok(outcome.value)
    }

    /// Checks rules GV5 to GV8 of a change that takes effect at `height`.
    fn outcome(&self, id: &Hash, change: &Change, height: u64) -> Result<ChangeResult, ApplyError> {
        let outcome = self.result(change)?;
        self.check_distance(id, change, height)?;
        if let Change::Governors(governors) = change {
            check_live(governors, self.view)?;
        }
        Ok(outcome)
    }

    /// Checks rules GV5 and GV6.
    fn result(&self, change: &Change) -> Result<ChangeResult, ApplyError> {
        let broken = |detail: String| Refusal::new(Code::GovernanceResult, "change", detail);
        let mut newcomers = Vec::new();
        let value = match change {
            Change::Validators(edits) => {
                let present: Validators = read(self.view, VALIDATORS)?;
                let publishing: Publishing = read(self.view, PUBLISHING)?;
                let next = edits.result(&present, &publishing);
                let next = next.map_err(|error| broken(error.to_string()))?;
                check_power(&present, &next)?;
                let is_new = |entry: &&ValidatorEntry| power_of(&present, entry) == 0;
                newcomers = next.validators.iter().filter(is_new).cloned().collect();
                codec::encode(&next)
            }
            Change::Publishing(edits) => {
                let present: Publishing = read(self.view, PUBLISHING)?;
                let validators: Validators = read(self.view, VALIDATORS)?;
                let next = edits.result(&present, &validators);
                codec::encode(&next.map_err(|error| broken(error.to_string()))?)
            }
            Change::Parameters(parameters) => {
                if let WritePolicy::Endorsed(policy) = &parameters.write_policy
                    && !is_live(self.view, &policy.authority)?
                {
                    return Err(broken(format!("{} cannot grant", policy.authority)).into());
                }
                codec::encode(parameters)
            }
            Change::Version(version) => {
                let present: u64 = read(self.view, VERSION)?;
                if *version <= present {
                    return Err(broken(format!("version {version} is not above {present}")).into());
                }
                codec::encode(version)
            }
            Change::Governors(governors) => codec::encode(governors),
        };
        let present = self.view.entry(&key(change.record()))?;
        if present.is_some_and(|present| present.value.0 == value) {
            return Err(broken("it changes nothing".to_owned()).into());
        }
        Ok(ChangeResult { value, newcomers })
    }

    /// Checks rule GV7: the change is far enough from other scheduled changes, and there is room
    /// for it.
    fn check_distance(&self, id: &Hash, change: &Change, height: u64) -> Result<(), ApplyError> {
        let near = |other: u64| {
            let detail = format!("another change holds from {other} on");
            ApplyError::from(Refusal::new(Code::ActivationHeight, "height", detail))
        };
        let moves = |change: &Change| matches!(change, Change::Validators(_));
        let others = self.now.scheduled.0.iter().filter(|(_, other)| other != id);
        for (other, proposal) in others.clone() {
            let distance = other.abs_diff(height);
            let is_near = distance < VALIDATOR_CHANGE_HEIGHTS_MIN
                && moves(change)
                && moves(&self.proposal(proposal)?.change);
            if distance == 0 || is_near {
                return Err(near(*other));
            }
        }
        if moves(change)
            && let Some(last) = self.view.entry(&key(VALIDATORS))?
            && last.record.version > 1
        {
            let held = last.record.height.saturating_add(1);
            if height < held.saturating_add(VALIDATOR_CHANGE_HEIGHTS_MIN) {
                return Err(near(held));
            }
        }
        if others.count() >= SCHEDULED_CHANGES_MAX {
            let detail = format!("{SCHEDULED_CHANGES_MAX} changes wait");
            return Err(Refusal::new(Code::AgendaFull, "change", detail).into());
        }
        Ok(())
    }

    /// Checks rule GV10: the newcomer's node announced recently that it is ready.
    fn check_newcomer(&self, newcomer: &ValidatorEntry) -> Result<(), ApplyError> {
        let ValidatorEntry { name, key, peer, .. } = newcomer;
        let version: u64 = read(self.view, VERSION)?;
        let is_there = |(ready, time_ms): (ValidatorReady, u64)| {
            ready.peer == *peer
                && ready.version >= version
                && self.now.time_ms <= time_ms.saturating_add(READY_MS_MAX)
        };
        if self.last_ready(key)?.is_some_and(is_there) {
            return Ok(());
        }
        let detail = format!("{name} has not said that it is ready in the last {READY_MS_MAX} ms");
        Err(Refusal::new(Code::ValidatorNotReady, "change", detail).into())
    }

    /// Returns the last readiness announcement of a validator key with its block time, as Unix time
    /// in milliseconds.
    fn last_ready(&self, key: &ValidatorKey) -> Result<Option<(ValidatorReady, u64)>, StoreError> {
        let Some(entry) = self.view.entry(&RecordKey::ready(key))? else { return Ok(None) };
        let ready: ValidatorReady = entry.value()?;
        Ok(Some((ready, entry.record.time)))
    }
}

fn power_of(validators: &Validators, entry: &ValidatorEntry) -> u64 {
    let own = validators.validators.iter().find(|own| own.key == entry.key);
    own.map_or(0, |own| own.power)
}

/// Checks rule GV6: less than a third of the old power leaves, and less than a third of the new
/// power joins.
fn check_power(old: &Validators, new: &Validators) -> Result<(), Refusal> {
    let total = |of: &Validators| {
        of.validators.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.power))
    };
    // Sums up the power that keys have in `of` beyond their power in `than`.
    let beyond = |of: &Validators, than: &Validators| {
        let more = of.validators.iter().map(|entry| {
            let other = power_of(than, entry);
            entry.power.saturating_sub(other)
        });
        more.fold(0, u64::saturating_add)
    };
    for (moved, of, what) in
        [(beyond(old, new), total(old), "leaves"), (beyond(new, old), total(new), "joins")]
    {
        if u128::from(moved).saturating_mul(3) >= u128::from(of) {
            let detail = format!("power {moved} of {of} {what}; less than a third may at once");
            return Err(Refusal::new(Code::PowerMoved, "change", detail));
        }
    }
    Ok(())
}

/// Checks rule GV9: the named block is a recent block of this chain.
fn check_block(
    overlay: &Overlay<'_>,
    height: u64,
    ready: &ValidatorReady,
) -> Result<(), ApplyError> {
    // The history does not hold the previous block yet when an operation is checked.
    let below = height.saturating_sub(ready.height);
    let known = match (2..=READY_HEIGHTS_MAX).contains(&below) {
        true => overlay.history_node(ready.height)?,
        false => None,
    };
    if known == Some(mmr::leaf(&ready.block)) {
        return Ok(());
    }
    let detail = format!(
        "{} is not the hash of the block of {}, 2 to {READY_HEIGHTS_MAX} below the present",
        ready.block, ready.height
    );
    Err(Refusal::new(Code::ReadyBlock, "block", detail).into())
}
