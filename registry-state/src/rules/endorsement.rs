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
use registry_core::operation::{Family, Operation};
use registry_core::record::{RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_core::trust::{Asked, ask};

/// Action of the grants by which the network's authority lets a DID write.
pub const WRITE: &str = "registry:write";

/// Checks rules EN1 to EN4. Returns the new value of the counter of the DID that vouches for the
/// operation, or `None` if the operation needs no endorsement.
pub(crate) fn check(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<Option<(TransientKey, Vec<u8>)>, ApplyError> {
    author::check_endorser(overlay, context, checked)?;
    // Height 0 needs no endorsement: all operators agreed on it, and no endorser existed before it.
    let policy = match &context.parameters.write_policy {
        WritePolicy::Endorsed(policy) if context.height > 0 => policy,
        WritePolicy::Open | WritePolicy::Endorsed(_) => return Ok(None),
    };
    let heads = Heads(overlay);
    let payer = payer(&heads, &context.network, policy, checked.operation(), context.time_ms)?;
    let Some(payer) = payer else { return Ok(None) };
    let hour = (context.time_ms, HOUR_MS);
    let quota = Quota::read(overlay, counter(payer), hour, policy.operations_per_hour)?;
    let (used, refills_ms) = (quota.used(), quota.ends_ms());
    let leaf = quota.take().ok_or_else(|| {
        let detail = format!(
            "{payer} has vouched for {used} operations in this hour, {} are allowed; its quota \
             refills at {}",
            policy.operations_per_hour,
            TimeMs(refills_ms).millis()
        );
        Refusal::new(Code::EndorserQuota, "endorser", detail)
    })?;
    Ok(Some(leaf))
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

fn counter(endorser: &Did) -> (TransientKind, Vec<u8>) {
    (TransientKind::EndorserQuota, endorser.suffix.0.to_vec())
}

/// Returns the key of the leaf that counts what a DID vouched for in the hour that contains
/// `time_ms`.
pub fn quota_key(endorser: &Did, time_ms: u64) -> TransientKey {
    Quota::key(counter(endorser), (time_ms, HOUR_MS))
}

/// Returns the count that the leaf holds; 0 if there is no leaf.
pub fn quota_used(leaf: Option<&[u8]>) -> u64 {
    leaf.map_or(0, Quota::count)
}
