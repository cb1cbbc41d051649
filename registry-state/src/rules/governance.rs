//! Rules of each governance action (docs/protocol/governance.md, section "Rules").

mod ready;
mod result;
mod schedule;

use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::crypto::Hash;
use registry_core::governance::{
    Approval, Change, GovernancePropose, Governors, PARAMETERS, Parameters, Proposal,
    ProposalStatus, ScheduledChanges, VALIDATORS, ValidatorReady, governors, key, read,
};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{
    DAY_MS, NOTICE_HEIGHTS_MAX, NOTICE_HEIGHTS_MIN, PROPOSALS_PER_DAY, SCHEDULED_CHANGES_MAX,
    VALIDATOR_CHANGE_DISTANCE,
};
use registry_core::operation::Rank;
use registry_core::record::{PartId, PartWrite, RecordKey, RecordView, StoreError};
use registry_core::span::ChainTime;

use super::author;
use super::checked::Checked;
use super::governors::live_count;
use super::request::Request;
use crate::state::{ApplyError, Context, Effect, Heads, Quota, TransientKey, TransientKind};
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

/// Checks the rules of a proposal and the quota of the governor that makes it, and returns the
/// effect.
pub(super) fn propose<'c>(
    request: &Request<'_, 'c>,
    propose: &GovernancePropose,
) -> Result<Effect<'c>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let mut effect = by_governor(request, |rules, by| rules.propose(&checked.id(), by, propose))?;
    let author = checked.operation().author()?;
    // The counts are apart, so that a thief of a method cannot use up the control set's proposals.
    let (number, signer) = match is_by_control(checked) {
        false => (1, "its methods"),
        true => (2, "its control set"),
    };
    let of = (TransientKind::ProposalQuota, [&author.suffix.0[..], &[number]].concat());
    let quota = Quota::read(overlay, of, (context.time_ms, DAY_MS), PROPOSALS_PER_DAY)?;
    let used = quota.used();
    let leaf = quota.take().ok_or_else(|| {
        let detail = format!(
            "{author} made {used} proposals signed by {signer} today, {PROPOSALS_PER_DAY} are \
             allowed; its methods and its control set are counted apart"
        );
        Refusal::new(Code::QuotaExceeded, "author", detail)
    })?;
    effect.transient.push(leaf);
    Ok(effect)
}

/// True if a governor signs by its control set, and not by a method of its document.
fn is_by_control(checked: &Checked) -> bool {
    checked.rank() != Rank::Methods
}

/// Checks rules GV2 to GV8 and returns the effect of an action that a governor signs.
pub(super) fn by_governor<'c>(
    request: &Request<'_, 'c>,
    written: impl FnOnce(&Rules<'_>, Governor<'_>) -> Result<GovernanceWrite, ApplyError>,
) -> Result<Effect<'c>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let did = author::check(overlay, context, checked)?;
    let by_control = is_by_control(checked);
    effect(request, |rules| written(rules, Governor { did, by_control }))
}

/// Checks rule GV9 and returns the effect of a readiness announcement. Its only signature is made
/// with the validator key; the checks without state have verified it.
pub(super) fn ready<'c>(
    request: &Request<'_, 'c>,
    ready: &ValidatorReady,
) -> Result<Effect<'c>, ApplyError> {
    effect(request, |rules| {
        let written = rules.ready(ready)?;
        check_block(request.overlay, request.context, &ready.header)?;
        Ok(written)
    })
}

fn effect<'c>(
    request: &Request<'_, 'c>,
    written: impl FnOnce(&Rules<'_>) -> Result<GovernanceWrite, ApplyError>,
) -> Result<Effect<'c>, ApplyError> {
    let Request { overlay, context, checked } = request;
    let scheduled = overlay.scheduled_changes()?;
    let now = Now::of(context, &scheduled);
    let written = written(&Rules { view: &Heads(overlay), now })?;
    let scheduled = written
        .scheduled
        .map(|scheduled| (TransientKey::scheduled_changes(), codec::encode(&scheduled)));
    let effect = Effect::parts(checked.record_key().clone(), vec![written.part]);
    Ok(Effect { transient: scheduled.into_iter().collect(), ..effect })
}

/// Height and times of the block that an action is in, with the changes scheduled before it.
#[derive(Debug, Clone, Copy)]
pub struct Now<'n> {
    /// Height and live time of the block.
    pub at: ChainTime,
    /// Block time, as Unix time in milliseconds.
    pub time_ms: u64,
    /// Approved changes that wait for their turn.
    pub scheduled: &'n ScheduledChanges,
}

impl<'n> Now<'n> {
    pub(super) fn of(context: &Context, scheduled: &'n ScheduledChanges) -> Self {
        let at = ChainTime { height: context.height, live_ms: context.live_ms };
        Self { at, time_ms: context.time_ms, scheduled }
    }
}

/// A governor that says something about a proposal.
#[derive(Debug, Clone, Copy)]
pub struct Governor<'g> {
    /// DID of the governor.
    pub did: &'g Did,
    /// True if its control set signs; false if a method of its document does.
    pub by_control: bool,
}

/// Refuses what a governor may not say any more, since methods approve and withdraw once and cannot
/// undo what the control set said.
fn said_last(said: &Approval) -> Refusal {
    let what = if said.withdrawn { "withdrew its approval" } else { "approved" };
    let who = if said.by_control { "the control set of" } else { "a method of" };
    let detail = format!("{who} {} {what}", said.governor);
    Refusal::new(Code::ApprovalFinal, "proposal", detail)
}

/// What a governance action writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernanceWrite {
    /// Next value of the record.
    pub part: PartWrite,
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
        by: Governor<'_>,
        propose: &GovernancePropose,
    ) -> Result<GovernanceWrite, ApplyError> {
        let author = by.did;
        let governors = self.governors_with(author)?;
        let GovernancePropose { change, height } = propose.clone();
        let notice = height.saturating_sub(self.now.at.height);
        if !(NOTICE_HEIGHTS_MIN..=NOTICE_HEIGHTS_MAX).contains(&notice) {
            let (min, max) = (NOTICE_HEIGHTS_MIN, NOTICE_HEIGHTS_MAX);
            let present = self.now.at.height;
            let detail = format!("{height} is not {min} to {max} above the present {present}");
            return Err(Refusal::new(Code::ActivationHeight, "height", detail).into());
        }
        self.check_outcome(id, &change, height)?;
        let (proposer, proposed) = (author.clone(), self.now.time_ms);
        let notice_ms = read::<Parameters>(self.view, PARAMETERS)?.notice_ms_min;
        let due_live_ms = self.now.at.live_ms.saturating_add(notice_ms);
        let (governor, by_control) = (author.clone(), by.by_control);
        let approvals = vec![Approval { governor, time: proposed, withdrawn: false, by_control }];
        let status = ProposalStatus::Open;
        self.settle(
            id,
            &governors,
            Proposal { proposer, change, height, proposed, due_live_ms, approvals, status },
        )
    }

    /// Checks rules GV2 to GV8, and returns what the approval of a proposal writes.
    pub fn approve(&self, id: &Hash, by: Governor<'_>) -> Result<GovernanceWrite, ApplyError> {
        let governors = self.governors_with(by.did)?;
        let mut proposal = self.pending(id)?;
        let approval = Approval {
            governor: by.did.clone(),
            time: self.now.time_ms,
            withdrawn: false,
            by_control: by.by_control,
        };
        let said = proposal.approvals.iter_mut().find(|said| said.governor == *by.did);
        match said {
            None => proposal.approvals.push(approval),
            Some(said) if !said.withdrawn && (said.by_control || !by.by_control) => {
                let detail = format!("{} has approved it", by.did);
                return Err(Refusal::new(Code::ApprovedAlready, "proposal", detail).into());
            }
            Some(said) if said.by_control || !by.by_control => return Err(said_last(said).into()),
            Some(said) => *said = approval,
        }
        self.check_notice(&proposal)?;
        self.settle(id, &governors, proposal)
    }

    /// Checks rules GV2 to GV4, and returns what the withdrawal of an approval writes.
    pub fn withdraw(&self, id: &Hash, by: Governor<'_>) -> Result<GovernanceWrite, ApplyError> {
        let governors = self.governors_with(by.did)?;
        let mut proposal = self.pending(id)?;
        let said = proposal.approvals.iter_mut().find(|said| said.governor == *by.did);
        let Some(said) = said.filter(|said| !said.withdrawn || by.by_control) else {
            let detail = format!("{} has not approved it", by.did);
            return Err(Refusal::new(Code::NotApproved, "proposal", detail).into());
        };
        if said.by_control && (said.withdrawn || !by.by_control) {
            return Err(said_last(said).into());
        }
        (said.withdrawn, said.by_control, said.time) = (true, by.by_control, self.now.time_ms);
        self.check_notice(&proposal)?;
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

    /// Checks rule GV3 and returns the proposal, which still waits for approvals or for its turn.
    fn pending(&self, id: &Hash) -> Result<Proposal, ApplyError> {
        let proposal = self.proposal(id)?;
        if !proposal.status.is_pending() {
            let detail = format!("it is {}", proposal.status.name());
            return Err(Refusal::new(Code::ProposalClosed, "proposal", detail).into());
        }
        Ok(proposal)
    }

    /// Checks rule GV4: the notice of the proposal is not over in this block.
    fn check_notice(&self, proposal: &Proposal) -> Result<(), Refusal> {
        if proposal.is_due(self.now.at) {
            let ChainTime { height, live_ms } = self.now.at;
            let detail = format!(
                "its notice of height {} and live time {} ms is over in this block of height \
                 {height} and live time {live_ms} ms",
                proposal.height, proposal.due_live_ms
            );
            return Err(Refusal::new(Code::ProposalClosed, "proposal", detail));
        }
        Ok(())
    }

    /// Counts the approvals by DIDs that are governors now and can still sign.
    fn approvals(&self, governors: &Governors, proposal: &Proposal) -> Result<usize, StoreError> {
        live_count(governors, self.view, proposal.approved().map(|approval| &approval.governor))
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
            part: PartWrite::set(PartId::WHOLE, codec::encode(&proposal)),
            scheduled: (was != is).then_some(scheduled),
        })
    }

    /// True if the proposal, whose turn is next, cannot take effect at the end of this block yet:
    /// by GV4 its notice is not over, or by GV7 the validators changed too short a time ago.
    pub(super) fn waits(&self, proposal: &Proposal) -> Result<bool, StoreError> {
        Ok(!proposal.is_due(self.now.at) || self.is_kept_back(&proposal.change)?)
    }

    /// True if GV7 keeps a change of validators back, because the present validators have not
    /// decided enough blocks.
    fn is_kept_back(&self, change: &Change) -> Result<bool, StoreError> {
        if change.record() != VALIDATORS {
            return Ok(false);
        }
        let last = self.view.entry(&key(VALIDATORS))?.filter(|last| last.record.version > 1);
        Ok(last.is_some_and(|last| {
            let since = ChainTime { height: last.record.height, live_ms: self.now.at.live_ms };
            !VALIDATOR_CHANGE_DISTANCE.has_passed(since, self.now.at)
        }))
    }

    /// Checks rule GV10 when the turn of the proposal has come, and returns the value that it
    /// writes. Fails with the first rule that the proposal breaks.
    pub(super) fn effect(&self, proposal: &Proposal) -> Result<Vec<u8>, ApplyError> {
        let governors = governors(self.view)?;
        let governors = governors.ok_or_else(|| StoreError::new("a proposal without governors"))?;
        let (count, threshold) = (self.approvals(&governors, proposal)?, governors.threshold);
        if count < usize::from(threshold) {
            let detail = format!("{count} governors approve, {threshold} are needed");
            return Err(Refusal::new(Code::ThresholdNotMet, "proposal", detail).into());
        }
        let ChangeResult { value, newcomers } = result(self.view, &proposal.change)?;
        for newcomer in &newcomers {
            self.check_newcomer(newcomer)?;
        }
        if let Change::Version(version) = &proposal.change {
            self.check_version(*version)?;
        }
        Ok(value)
    }

    /// Checks rules GV5, GV6 and GV8 of a change that is not scheduled yet and names `height`, and
    /// that there is room for it (GV7).
    fn check_outcome(&self, id: &Hash, change: &Change, height: u64) -> Result<(), ApplyError> {
        self.check_schedule(id, change, height)?;
        if self.now.scheduled.0.len() >= SCHEDULED_CHANGES_MAX {
            let detail = format!("{SCHEDULED_CHANGES_MAX} changes wait");
            return Err(Refusal::new(Code::AgendaFull, "change", detail).into());
        }
        Ok(())
    }
}
