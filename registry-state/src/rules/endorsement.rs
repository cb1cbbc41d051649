//! Rules for writing on a network where a DID needs a right to write
//! (docs/protocol/endorsement.md).

use super::author;
use super::checked::Checked;
use crate::state::{ApplyError, Context, Heads, Overlay, Quota, TransientKey, TransientKind};
use registry_core::code::{Code, Refusal};
use registry_core::governance::{EndorsedWrites, WritePolicy};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::HOUR_MS;
use registry_core::names::{EntityId, TrustKey};
use registry_core::operation::{ActionFacts, Family, Operation, Rank};
use registry_core::record::{RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::{Asked, ask};

/// Action of the grants by which the network's authority lets a DID write.
pub const WRITE: &str = "registry:write";

/// One of the three hourly quotas of a DID that may write, in units of cost (EN4). They are counted
/// apart, so that a thief of a method can use up neither what the control set needs to remove that
/// method, nor what other methods need to stop the harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteQuota {
    /// Counts what methods of the DID sign, as author or as endorser, except for stops.
    Methods,
    /// Counts what the control set of the DID signs.
    Control,
    /// Counts the stops that methods of the DID sign, as author or as endorser.
    Stops,
}

impl WriteQuota {
    /// Returns the quota that counts an action signed by a method of the DID.
    pub fn by_method(facts: &ActionFacts) -> Self {
        if facts.is_stop { Self::Stops } else { Self::Methods }
    }

    fn number(self) -> u8 {
        match self {
            Self::Methods => 1,
            Self::Control => 2,
            Self::Stops => 3,
        }
    }

    /// Returns what is counted, and the remedy if the quota is used up, as parts of a sentence.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Methods => (
                "operations signed by its methods",
                "its control set and stops have quotas of their own",
            ),
            Self::Control => {
                ("operations signed by its control set", "its methods have quotas of their own")
            }
            Self::Stops => {
                ("stops signed by its methods", "its control set has a quota of its own")
            }
        }
    }
}

/// DID by whose right an operation is written, and its quota of an hour.
pub(crate) struct Writer<'o> {
    payer: &'o Did,
    cost_per_hour: u64,
}

/// Checks rules EN1 to EN3 and returns the DID that vouches for the operation, or `None` if the
/// operation needs no endorsement. No signature of that DID is checked yet.
pub(crate) fn writer<'c>(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &'c Checked,
) -> Result<Option<Writer<'c>>, ApplyError> {
    // Height 0 needs no endorsement: all operators agreed on it, and no endorser existed before it.
    let policy = match &context.parameters.write_policy {
        WritePolicy::Endorsed(policy) if context.height > 0 => policy,
        WritePolicy::Open | WritePolicy::Endorsed(_) => return Ok(None),
    };
    let (heads, operation) = (Heads(overlay), checked.operation());
    let payer = payer(&heads, &context.network, policy, operation, context.time_ms)?;
    let cost_per_hour = policy.cost_per_hour;
    Ok(payer.map(|payer| Writer { payer, cost_per_hour }))
}

/// Checks the signature of the endorser and rule EN4. Returns the quota of the writer to which the
/// cost of the operation is added, if there is one.
pub(crate) fn check(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
    writer: Option<Writer<'_>>,
) -> Result<Option<Quota>, ApplyError> {
    author::check_endorser(overlay, context, checked)?;
    let Some(Writer { payer, cost_per_hour }) = writer else { return Ok(None) };
    let operation = checked.operation();
    // An endorser signs by a method; an author signs by a method or by its control set.
    let quota = match operation.endorser.is_none() && checked.rank() == Rank::Control {
        true => WriteQuota::Control,
        false => WriteQuota::by_method(operation.action.facts()),
    };
    open(overlay, context, (payer, quota), cost_per_hour).map(Some)
}

/// Rule EN4: returns a quota of a DID whose count has not reached what an hour allows. The count is
/// compared before the cost of the operation is added, because its writer need not know that cost.
fn open(
    overlay: &Overlay<'_>,
    context: &Context,
    (payer, quota): (&Did, WriteQuota),
    allowed: u64,
) -> Result<Quota, ApplyError> {
    let hour = (context.time_ms, HOUR_MS);
    let count = Quota::read(overlay, counter(payer, quota), hour, allowed)?;
    let (used, refills) = (count.used(), TimeMs(count.ends_ms()).millis());
    if used < allowed {
        return Ok(count);
    }
    let (what, remedy) = quota.words();
    let detail = format!(
        "{payer} has spent {used} units of cost on {what} in this hour, {allowed} are allowed; \
         this quota refills at {refills}; {remedy}"
    );
    Err(Refusal::new(Code::EndorserQuota, "endorser", detail).into())
}

/// Rules EN2 and EN3: returns the DID by whose right the operation is written at block time
/// `time_ms` (Unix time in milliseconds) over the records of `view`. It is the endorser that the
/// body names, else the author. Returns `None` if the action needs no endorsement. Fails with
/// `ENDORSER_NOT_GRANTED` or `ENDORSEMENT_NEEDED` if that DID has no right to write.
pub fn payer<'o>(
    view: &dyn RecordView,
    network: &NetworkName,
    policy: &EndorsedWrites,
    operation: &'o Operation,
    time_ms: u64,
) -> Result<Option<&'o Did>, ApplyError> {
    let Some(family) = operation.action.facts().family else { return Ok(None) };
    let granted = |did: &Did| may_write(view, network, policy, family, did, time_ms);
    match (&operation.endorser, &operation.author) {
        (Some(endorser), _) if granted(endorser)? => Ok(Some(endorser)),
        (Some(endorser), _) => Err(not_granted(policy, family, endorser).into()),
        (None, Some(author)) if granted(author)? => Ok(Some(author)),
        (None, author) => Err(needed(policy, family, author.as_ref()).into()),
    }
}

fn needed(policy: &EndorsedWrites, family: Family, author: Option<&Did>) -> Refusal {
    let who = author.map_or_else(|| "a new DID".to_owned(), Did::to_string);
    let (authority, family) = (&policy.authority, family.name());
    let detail = format!(
        "{who} has no grant of {WRITE} on registry/{family} by {authority}, and the body names no \
         endorser that has one"
    );
    Refusal::new(Code::EndorsementNeeded, "endorser", detail)
}

fn not_granted(policy: &EndorsedWrites, family: Family, endorser: &Did) -> Refusal {
    let (authority, family) = (&policy.authority, family.name());
    let detail =
        format!("{endorser} has no live grant of {WRITE} on registry/{family} by {authority}");
    Refusal::new(Code::EndorserNotGranted, "endorser", detail)
}

/// Rule EN2: returns true if the DID may write, and so also endorse the writes of others, at block
/// time `time_ms` (Unix time in milliseconds) over the records of `view`. The authority always may,
/// since otherwise nobody could revoke the grant of the last endorser.
pub fn may_write(
    view: &dyn RecordView,
    network: &NetworkName,
    policy: &EndorsedWrites,
    family: Family,
    did: &Did,
    time_ms: u64,
) -> Result<bool, StoreError> {
    if *did == policy.authority {
        return Ok(true);
    }
    let key = TrustKey {
        authority: policy.authority.clone(),
        action: WRITE.parse().map_err(StoreError::new)?,
        resource: format!("registry/{}", family.name()).parse().map_err(StoreError::new)?,
        entity: EntityId::from(did),
    };
    let asked = Asked { network, key: &key, through: None, minimum: None, time_ms };
    Ok(ask(view, &asked)?.is_authorised())
}

fn counter(payer: &Did, quota: WriteQuota) -> (TransientKind, Vec<u8>) {
    (TransientKind::EndorserQuota, [&payer.suffix.0[..], &[quota.number()]].concat())
}

/// Returns the key of the leaf that counts what a DID vouched for in the hour that contains
/// `time_ms`, under one of its quotas.
pub fn quota_key(payer: &Did, quota: WriteQuota, time_ms: u64) -> TransientKey {
    Quota::key(counter(payer, quota), (time_ms, HOUR_MS))
}

/// Returns the count that the leaf holds; 0 if there is no leaf.
pub fn quota_used(leaf: Option<&[u8]>) -> u64 {
    leaf.map_or(0, Quota::count)
}
