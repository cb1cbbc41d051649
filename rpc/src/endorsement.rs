//! Who may write on this network. On an endorsed network, a write needs an author with the right to
//! write or an endorser who has it (docs/protocol/endorsement.md).

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::did::is_deactivated;
use registry_core::governance::{EndorsedWrites, WritePolicy};
use registry_core::id::Did;
use registry_core::index::Listing;
use registry_core::names::{EntityId, TrustKey};
use registry_core::operation::{Action, ActionFacts, Family, Role};
use registry_core::record::{Entry, PartId, RecordKey, RecordView as _, StoreError};
use registry_state::rules::endorsement::{WRITE, WriteQuota, may_write, quota_key, quota_used};
use serde::{Deserialize, Serialize};

use crate::clock::{millis, now_ms};
use crate::error::ApiError;
use crate::limits::{ENDORSERS_SHOWN_MAX, TRUST_PAGE_MAX};
use crate::reads::{AsOf, Moment, Reads};
use crate::service::Head;

/// Parameters of `trust_explainWrite`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Params {
    /// DID that wants to write; `None` for a DID that is yet to be created.
    #[serde(default)]
    did: Option<Did>,
    /// Name of an action, such as `did_create`.
    operation: String,
    #[serde(default)]
    min_height: Option<u64>,
}

/// A DID with the right to write, and what is left of its quotas.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endorser {
    /// DID of the endorser.
    did: Did,
    /// Cost in units of the operations in the current hour under the quota that counts this
    /// operation if a method of the DID signs it.
    used: u64,
    /// The same under the quota that counts what the DID's control set signs; `None` if a method
    /// must sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by_control: Option<u64>,
    /// Cost in units that the operations of an hour may reach under each of the quotas.
    cost_per_hour: u64,
    /// Start of the next hour (RFC 3339).
    refills_at: String,
}

impl Endorser {
    /// True if a method of the DID may sign at least one more operation in the present hour.
    fn has_room(&self) -> bool {
        self.used < self.cost_per_hour
    }

    /// True if the DID's control set may sign at least one more operation in the present hour.
    fn control_has_room(&self) -> bool {
        self.used_by_control.is_some_and(|used| used < self.cost_per_hour)
    }
}

/// Answer of `trust_explainWrite`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WriteExplanation {
    #[serde(skip_serializing_if = "Option::is_none")]
    did: Option<Did>,
    operation: String,
    policy: &'static str,
    /// True if the operation can be written without an endorser.
    allowed: bool,
    explanation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<Did>,
    /// Resource on which the author or the endorser needs the right to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    /// Quotas of the DID itself, present if it has the right to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<Endorser>,
    /// DIDs that can endorse the operation.
    endorsers: Vec<Endorser>,
    #[serde(flatten)]
    as_of: AsOf,
}

fn resource(family: Family) -> String {
    format!("registry/{}", family.name())
}

/// A write on an endorsed network that somebody asks about.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    policy: &'w EndorsedWrites,
    facts: &'w ActionFacts,
    moment: &'w Moment,
}

/// Answers who may write on this network and who can endorse a write.
pub(crate) struct Endorsement {
    pub(crate) reads: Arc<Reads>,
}

impl Endorsement {
    /// Answers `trust_explainWrite`.
    pub(crate) async fn explain_write(&self, params: Params) -> Result<WriteExplanation, ApiError> {
        let Params { did, operation, min_height } = params;
        let named = Action::ALL.iter().find(|facts| facts.name == operation);
        let Some(facts) = named else {
            let names: Vec<&str> = Action::ALL.iter().map(|facts| facts.name).collect();
            let detail = format!("operation {operation:?} must be one of {}", names.join(", "));
            return Err(ApiError::params("operation", detail));
        };
        let moment = self.reads.moment(None, min_height).await?;
        if let Some(did) = &did {
            self.reads.active(did, &moment.head, "did")?;
        }
        let policy = self.reads.parameters(&moment.head)?.write_policy;
        let mut answer = WriteExplanation {
            did,
            operation,
            policy: "open",
            allowed: true,
            explanation: "this network is open: anyone writes".to_owned(),
            authority: None,
            resource: None,
            own: None,
            endorsers: Vec::new(),
            as_of: moment.as_of(),
        };
        let WritePolicy::Endorsed(policy) = policy else { return Ok(answer) };
        answer.policy = "endorsed";
        answer.authority = Some(policy.authority.clone());
        let wanted = Wanted { policy: &policy, facts, moment: &moment };
        match facts.family {
            None => answer.explanation = format!("{} needs no endorsement", answer.operation),
            Some(family) => self.explain_family(&mut answer, wanted, family)?,
        }
        Ok(answer)
    }

    fn explain_family(
        &self,
        answer: &mut WriteExplanation,
        wanted: Wanted<'_>,
        family: Family,
    ) -> Result<(), ApiError> {
        let Wanted { policy, facts, moment } = wanted;
        answer.resource = Some(resource(family));
        answer.endorsers = self.endorsers(wanted, family)?;
        if let Some(did) = &answer.did
            && self.has_right(policy, family, did, moment)?
        {
            let own = self.own(wanted, did.clone())?;
            // The control set alone signs an update of the DID, and everything if DIDs are in it.
            let (_, state) = self.reads.active(did, &moment.head, "did")?;
            let control_alone =
                facts.role == Some(Role::Control) || state.sets.control.dids().next().is_some();
            let by_method = !facts.has_author || !control_alone;
            let (method, control) = (by_method && own.has_room(), own.control_has_room());
            answer.allowed = method || control;
            answer.explanation = match (method, control) {
                (true, _) => format!("{did} has the right {WRITE} on {}", resource(family)),
                (false, true) if by_method => format!(
                    "{did} has the right; its methods have used up their quota, which refills at \
                     {}, and its control set can sign",
                    own.refills_at
                ),
                (false, true) => format!("{did} has the right {WRITE} on {}", resource(family)),
                (false, false) => format!(
                    "{did} has the right, and has used up its quota; it refills at {}",
                    own.refills_at
                ),
            };
            answer.own = Some(own);
        } else {
            let who = answer.did.as_ref().map_or_else(|| "a newcomer".to_owned(), Did::to_string);
            answer.allowed = false;
            let remedy = match answer.endorsers.is_empty() {
                true => "nobody can endorse it",
                false => "prepare the operation with one of the endorsers, which signs too",
            };
            answer.explanation = format!(
                "{who} has no grant of {WRITE} on {} by {}: {remedy}",
                resource(family),
                policy.authority
            );
        }
        Ok(())
    }

    fn has_right(
        &self,
        policy: &EndorsedWrites,
        family: Family,
        did: &Did,
        moment: &Moment,
    ) -> Result<bool, StoreError> {
        let view = self.reads.at(moment);
        may_write(&view, self.reads.network(), policy, family, did, moment.time_ms)
    }

    /// Returns how much of a quota of a DID is used, and when it refills in Unix milliseconds.
    fn used(&self, did: &Did, quota: WriteQuota, head: &Head) -> Result<(u64, u64), StoreError> {
        // The next block will have the present time. On a quiet network, the hour may have changed
        // since the newest block.
        let key = quota_key(did, quota, head.time_ms.max(now_ms()));
        Ok((quota_used(self.reads.node.transient(&key)?.as_deref()), key.expires_ms))
    }

    /// Returns what is left to a DID that signs as endorser.
    fn endorser(&self, wanted: Wanted<'_>, did: Did) -> Result<Endorser, StoreError> {
        let Wanted { policy, facts, moment } = wanted;
        let (used, expires_ms) = self.used(&did, WriteQuota::by_method(facts), &moment.head)?;
        let (cost_per_hour, refills_at) = (policy.cost_per_hour, millis(expires_ms));
        Ok(Endorser { did, used, used_by_control: None, cost_per_hour, refills_at })
    }

    /// Returns what is left to a DID that writes by its own right. It can endorse a create, but a
    /// create is never its own.
    fn own(&self, wanted: Wanted<'_>, did: Did) -> Result<Endorser, StoreError> {
        let used_by_control = match wanted.facts.has_author {
            true => Some(self.used(&did, WriteQuota::Control, &wanted.moment.head)?.0),
            false => None,
        };
        Ok(Endorser { used_by_control, ..self.endorser(wanted, did)? })
    }

    /// Returns the DIDs that can endorse writes of a family at a moment, at most
    /// `ENDORSERS_SHOWN_MAX`. The authority comes last. The list is empty if the authority is
    /// deactivated or not registered.
    fn endorsers(&self, wanted: Wanted<'_>, family: Family) -> Result<Vec<Endorser>, StoreError> {
        let Wanted { policy, moment, .. } = wanted;
        let action = WRITE.parse().map_err(StoreError::new)?;
        let rights = Listing::rights_by(&policy.authority, Some(&action));
        let records = self.reads.at(moment);
        let own = records.entry(&RecordKey::did(&policy.authority.suffix))?;
        if own.is_none_or(|own| is_deactivated(&own)) {
            return Ok(Vec::new());
        }
        let mut found: Vec<Endorser> = Vec::new();
        for right in self.reads.node.listed(&rights, None, TRUST_PAGE_MAX)? {
            let entry = records.entry(&right.record)?;
            let Some(did) = entry.as_ref().and_then(|entry| self.local_entity(entry)) else {
                continue;
            };
            let known = found.iter().any(|endorser| endorser.did == did);
            if !known && self.has_right(policy, family, &did, moment)? {
                found.push(self.endorser(wanted, did)?);
            }
            if found.len() + 1 == ENDORSERS_SHOWN_MAX {
                break;
            }
        }
        found.push(self.endorser(wanted, policy.authority.clone())?);
        Ok(found)
    }

    /// Returns the entity of a record of grants if it is a DID of this network.
    fn local_entity(&self, entry: &Entry) -> Option<Did> {
        let right: TrustKey = entry.part_value(PartId::RIGHT).ok()?;
        EntityId::local(&right.entity, self.reads.network())
    }

    /// Adds the DIDs that can endorse an action with these facts to a refusal that concerns its
    /// endorsement. Returns other errors unchanged.
    pub(crate) fn naming_endorsers(
        &self,
        error: ApiError,
        facts: Option<&ActionFacts>,
    ) -> ApiError {
        let ApiError::Refused(Refusal { code, field, detail }) = error else { return error };
        let named = match code {
            Code::EndorsementNeeded | Code::EndorserNotGranted | Code::EndorserQuota => {
                facts.and_then(|facts| self.endorser_names(facts))
            }
            _ => None,
        };
        let detail = match named {
            Some(names) => format!("{detail}; who can endorse: {names}"),
            None => detail,
        };
        Refusal { code, field, detail }.into()
    }

    fn endorser_names(&self, facts: &ActionFacts) -> Option<String> {
        let (family, moment) = (facts.family?, self.reads.now());
        let WritePolicy::Endorsed(policy) = self.reads.parameters(&moment.head).ok()?.write_policy
        else {
            return None;
        };
        let wanted = Wanted { policy: &policy, facts, moment: &moment };
        let endorsers = self.endorsers(wanted, family).ok()?;
        if endorsers.is_empty() {
            return None;
        }
        let names = endorsers.iter().map(|endorser| match endorser.has_room() {
            true => endorser.did.to_string(),
            false => format!("{} (its quota refills at {})", endorser.did, endorser.refills_at),
        });
        Some(names.collect::<Vec<_>>().join(", "))
    }
}
