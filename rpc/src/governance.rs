//! The network's governance: its parameters, validators and proposals
//! (docs/protocol/governance.md).

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::governance::{
    Approval, Change, Governors, PARAMETERS, PUBLISHING, Parameters, Proposal, ProposalStatus,
    Publishing, Readiness, VALIDATORS, VERSION, ValidatorEntry, ValidatorReady, Validators,
    governors, key, read,
};
use registry_core::id::Did;
use registry_core::index::Listing;
use registry_core::record::{Entry, RecordKey, RecordView as _, StoreError};
use registry_core::time::TimeMs;
use serde::{Deserialize, Serialize};

use crate::clock::millis;
use crate::error::ApiError;
use crate::limits::{PROPOSALS_PAGE_DEFAULT, PROPOSALS_PAGE_MAX};
use crate::prepare::Records as _;
use crate::reads::{AsOf, Moment, Reads, RecordsAt, Selector, check_limit};

/// Parameters of `governance_show`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ShowParams {
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `governance_getProposal`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProposalParams {
    proposal: Hash,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Parameters of `governance_list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Last proposal of the previous page.
    #[serde(default)]
    after: Option<Hash>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Answer of `governance_show`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rules {
    /// The governors. Absent if genesis names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    governors: Option<Governors>,
    version: u64,
    parameters: Parameters,
    validators: Vec<ValidatorEntry>,
    publishing: Publishing,
    /// Approved proposals that wait for their turn, in this order. They are as of the head, also if
    /// the question is about the past.
    agenda: Vec<Waiting>,
    #[serde(flatten)]
    as_of: AsOf,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    activation_height: u64,
    /// Block time before which the change does not take effect. A halt puts it off.
    not_before: String,
    proposal: Hash,
}

/// A proposal as JSON answers show it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProposalJson {
    proposal: Hash,
    proposer: Did,
    change: Change,
    activation_height: u64,
    /// Block time before which the change does not take effect. A halt puts it off.
    not_before: String,
    proposed: String,
    /// Approvals that stand.
    approvals: Vec<ApprovalJson>,
    /// Approvals that were taken back, with the time at which they were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withdrawn: Vec<ApprovalJson>,
    status: &'static str,
    /// Number of the rule's code that the change broke when it should have taken effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_for: Option<u16>,
    version: u64,
}

/// What one governor last said about a proposal.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApprovalJson {
    governor: Did,
    time: String,
    /// True if the control set of the governor signed. Methods cannot undo what it said.
    by_control: bool,
}

impl From<Approval> for ApprovalJson {
    fn from(Approval { governor, time, by_control, .. }: Approval) -> Self {
        Self { governor, time: millis(time), by_control }
    }
}

impl ProposalJson {
    /// Shows a proposal as of a moment up to which the halts have this duration.
    fn of(id: Hash, entry: &Entry, halted_ms: u64) -> Result<Self, StoreError> {
        let proposal: Proposal = entry.value()?;
        let (withdrawn, approvals): (Vec<Approval>, Vec<Approval>) =
            proposal.approvals.into_iter().partition(|approval| approval.withdrawn);
        let shown = |said: Vec<Approval>| said.into_iter().map(ApprovalJson::from).collect();
        let cancelled_for = match proposal.status {
            ProposalStatus::Cancelled { code } => Some(code),
            _ => None,
        };
        Ok(Self {
            proposal: id,
            proposer: proposal.proposer,
            change: proposal.change,
            activation_height: proposal.height,
            not_before: millis(proposal.due_live_ms.saturating_add(halted_ms)),
            proposed: millis(proposal.proposed),
            approvals: shown(approvals),
            withdrawn: shown(withdrawn),
            status: proposal.status.name(),
            cancelled_for,
            version: entry.record.version,
        })
    }
}

/// A validator with its latest readiness announcement.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadinessJson {
    name: String,
    /// Block time of the announcement. Absent if the validator has made none that counts for this
    /// proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_at: Option<String>,
}

/// Answer of `governance_getProposal`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProposalAnswer {
    #[serde(flatten)]
    shown: ProposalJson,
    /// Number of approvals that the proposal needs; 0 if the network has no governors.
    threshold: u8,
    /// New validators that the proposal would add, with their readiness.
    newcomers: Vec<ReadinessJson>,
    /// Present validators, with their announcements of the protocol version that the proposal would
    /// move to. Empty for other changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    validators: Vec<ReadinessJson>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `governance_list`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProposalsPage {
    proposals: Vec<ProposalJson>,
    /// Value of `after` for the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Hash>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Reads the network's governance records and proposals.
pub(crate) struct Governance {
    pub(crate) reads: Arc<Reads>,
}

impl Governance {
    /// Answers `governance_show`.
    pub(crate) async fn governance(&self, params: ShowParams) -> Result<Rules, ApiError> {
        let moment = self.reads.moment(params.at, params.min_height).await?;
        let records = self.since_genesis(&moment)?;
        let validators: Validators = read(&records, VALIDATORS)?;
        Ok(Rules {
            governors: governors(&records)?,
            version: read(&records, VERSION)?,
            parameters: read(&records, PARAMETERS)?,
            validators: validators.validators,
            publishing: read(&records, PUBLISHING)?,
            agenda: self.agenda(&moment)?,
            as_of: moment.as_of(),
        })
    }

    /// Returns the changes that wait now, whatever the moment.
    fn agenda(&self, moment: &Moment) -> Result<Vec<Waiting>, StoreError> {
        let scheduled = self.reads.at(moment).scheduled_changes()?.0.into_iter();
        let waiting = scheduled.map(|(activation_height, proposal)| {
            let entry = self.reads.node.newest(&RecordKey::proposal(&proposal))?;
            let entry = entry.ok_or_else(|| StoreError::new("a scheduled proposal is missing"))?;
            let due_live_ms = entry.value::<Proposal>()?.due_live_ms;
            let not_before = millis(due_live_ms.saturating_add(moment.head.halted_ms));
            Ok(Waiting { activation_height, not_before, proposal })
        });
        waiting.collect()
    }

    /// Returns the records at a moment. Fails if the moment is before genesis, since all governance
    /// records exist from genesis on.
    fn since_genesis(&self, moment: &Moment) -> Result<RecordsAt<'_>, ApiError> {
        let records = self.reads.at(moment);
        if let Selector::At(at_ms) = moment.selector
            && records.entry(&key(VERSION))?.is_none()
        {
            let detail = format!("at {} is before genesis; ask for a later time", millis(at_ms));
            return Err(ApiError::params("at", detail));
        }
        Ok(records)
    }

    /// Answers `governance_getProposal`.
    pub(crate) async fn proposal(
        &self,
        params: ProposalParams,
    ) -> Result<ProposalAnswer, ApiError> {
        let ProposalParams { proposal: id, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        let records = self.reads.at(&moment);
        let halted_ms = self.reads.halted_ms(&moment.head, moment.time_ms)?;
        let shown = ProposalJson::of(id, &proposal_at(&records, &id)?, halted_ms)?;
        let governors = governors(&records)?;
        Ok(ProposalAnswer {
            newcomers: newcomers(&shown, &records)?,
            validators: announcing(&shown, &records)?,
            threshold: governors.map_or(0, |governors| governors.threshold),
            shown,
            as_of: moment.as_of(),
        })
    }

    /// Answers `governance_list`.
    pub(crate) async fn proposals(&self, params: ListParams) -> Result<ProposalsPage, ApiError> {
        let limit = params.limit.unwrap_or(PROPOSALS_PAGE_DEFAULT);
        check_limit(limit, PROPOSALS_PAGE_MAX)?;
        let moment = self.reads.moment(None, params.min_height).await?;
        let listing = Listing::proposals();
        let after = params.after.map(|after| listing.behind(&RecordKey::proposal(&after)));
        let (found, next) = self.reads.list(&listing, after.as_deref(), limit)?;
        let proposals = self.reads.at(&moment).existing(&found, |entry| {
            let id = proposal_id(&entry.record.record_key())?;
            ProposalJson::of(id, entry, moment.head.halted_ms)
        })?;
        let last = found.last().filter(|_| next.is_some());
        let next = last.map(|last| proposal_id(&last.record)).transpose()?;
        Ok(ProposalsPage { proposals, next, as_of: moment.as_of() })
    }
}

fn newcomers(
    shown: &ProposalJson,
    records: &RecordsAt<'_>,
) -> Result<Vec<ReadinessJson>, StoreError> {
    let Change::Validators(edits) = &shown.change else { return Ok(Vec::new()) };
    let present: Validators = read(records, VALIDATORS)?;
    let is_new =
        |entry: &&ValidatorEntry| !present.validators.iter().any(|other| other.key == entry.key);
    let mut newcomers = Vec::new();
    for entry in edits.put.iter().filter(is_new) {
        let counts = |ready: &ValidatorReady| ready.proposal == shown.proposal;
        newcomers.push(readiness(entry, records, counts)?);
    }
    Ok(newcomers)
}

/// Returns the present validators with their announcements of the version that a proposal moves to.
fn announcing(
    shown: &ProposalJson,
    records: &RecordsAt<'_>,
) -> Result<Vec<ReadinessJson>, StoreError> {
    let Change::Version(version) = &shown.change else { return Ok(Vec::new()) };
    let present: Validators = read(records, VALIDATORS)?;
    let entries = present.validators.iter();
    entries.map(|entry| readiness(entry, records, |ready| ready.version >= *version)).collect()
}

/// Returns a validator with its latest announcement, if that one counts.
fn readiness(
    entry: &ValidatorEntry,
    records: &RecordsAt<'_>,
    counts: impl Fn(&ValidatorReady) -> bool,
) -> Result<ReadinessJson, StoreError> {
    let mut ready_at = None;
    if let Some(found) = records.entry(&RecordKey::ready(&entry.key))?
        && counts(&found.value::<Readiness>()?.announcement)
    {
        ready_at = Some(millis(found.record.time));
    }
    Ok(ReadinessJson { name: entry.name.clone(), ready_at })
}

fn proposal_id(key: &RecordKey) -> Result<Hash, StoreError> {
    Ok(Hash(key.key.0.as_slice().try_into().map_err(StoreError::new)?))
}

fn proposal_at(records: &RecordsAt<'_>, id: &Hash) -> Result<Entry, ApiError> {
    let absent = || Refusal::new(Code::ProposalNotFound, "proposal", format!("no proposal {id}"));
    records.required(&RecordKey::proposal(id), absent)
}
