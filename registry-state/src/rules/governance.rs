//! Rules of each governance action (docs/protocol/governance.md, section "Rules").

mod ready;
mod result;
mod schedule;

use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::crypto::Hash;
use registry_core::governance::{
    Approval, Change, GovernancePropose, Governors, Proposal, ProposalStatus, ScheduledChanges,
    VALIDATORS, ValidatorReady, governors, key,
};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{
    APPROVAL_HEIGHTS_MIN, NOTICE_HEIGHTS_MAX, NOTICE_HEIGHTS_MIN, SCHEDULED_CHANGES_MAX,
    VALIDATOR_CHANGE_HEIGHTS_MIN,
};
use registry_core::record::{RecordKey, RecordView, StoreError};

use super::author;
use super::governors::live_count;
use super::request::Request;
use crate::state::{ApplyError, Effect, Heads, TransientKey};
use ready::check_block;
use result::{ChangeResult, result};

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
        self.check_outcome(id, &change, height)?;
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
                self.check_outcome(id, &proposal.change, proposal.height)?;
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
        let ChangeResult { value, newcomers } = result(self.view, &proposal.change)?;
        self.check_distance(id, &proposal.change, proposal.height)?;
        for newcomer in &newcomers {
            self.check_newcomer(newcomer)?;
        }
        Ok(value)
    }

    /// Checks rules GV5 to GV8 of a change that is to take effect at `height`.
    fn check_outcome(&self, id: &Hash, change: &Change, height: u64) -> Result<(), ApplyError> {
        self.check_schedule(id, change, height)?;
        self.check_distance(id, change, height)
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
}
