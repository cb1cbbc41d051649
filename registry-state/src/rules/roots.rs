//! Rules of the record of roots, which a grant under another authority writes beside the grant
//! (docs/protocol/trust.md, rules TR10 and TR11).

use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::id::{Did, NetworkName};
use registry_core::limits::TRUST_ROOTS_MAX;
use registry_core::record::{PartWrite, RecordKey, RecordView};
use registry_core::trust::{Root, Roots, TrustForgetRoot, TrustGrant, roots};

use super::request::{By, Request};
use super::trust;
use crate::state::{ApplyError, Effect, whole};

/// Checks the network of the authority that is removed.
pub(super) fn check_forget(forget: &TrustForgetRoot, network: &NetworkName) -> Result<(), Refusal> {
    if forget.authority.network == *network {
        return Ok(());
    }
    let detail = format!("{} is not on network {network}", forget.authority);
    Err(Refusal::new(Code::NetworkMismatch, "authority", detail))
}

/// Returns the effect of a grant: it writes the grant and, if its authority is a new root of the
/// author, the author's record of roots.
pub(super) fn grant<'c>(
    request: &Request<'_, 'c>,
    grant: &TrustGrant,
) -> Result<Effect<'c>, ApplyError> {
    request.by_author(|view, by| {
        let mut written = trust::grant(view, by, grant)?;
        written.beside.extend(with_root(view, by, &grant.key.authority)?);
        Ok(written)
    })
}

/// Applies rule TR10 to a grant under `authority`: returns the author's record of roots with the
/// authority in it; `None` if nothing is to be written. Nodes also call this and the function below
/// before they ask anyone to sign.
pub fn with_root(
    view: &dyn RecordView,
    by: By<'_>,
    authority: &Did,
) -> Result<Option<(RecordKey, Vec<PartWrite>)>, ApplyError> {
    if authority == by.author {
        return Ok(None);
    }
    let mut roots = roots(view, by.author)?;
    let Err(place) = roots.place(authority) else { return Ok(None) };
    if roots.0.len() >= TRUST_ROOTS_MAX {
        let detail = format!(
            "{} has granted under {TRUST_ROOTS_MAX} other authorities, and {authority} would be \
             one more",
            by.author
        );
        return Err(Refusal::new(Code::TrustRootsFull, "key/authority", detail).into());
    }
    roots.0.insert(place, Root { authority: authority.clone(), since: by.time_ms });
    Ok(Some((RecordKey::roots(by.author), whole(codec::encode(&roots)))))
}

/// Checks rule TR11 and returns the author's record of roots without the authority.
pub fn forget(
    view: &dyn RecordView,
    by: By<'_>,
    forget: &TrustForgetRoot,
) -> Result<Vec<PartWrite>, ApplyError> {
    let Roots(mut roots) = roots(view, by.author)?;
    let count = roots.len();
    roots.retain(|root| root.authority != forget.authority);
    if roots.len() == count {
        let detail = format!("{} is no root of {}", forget.authority, by.author);
        return Err(Refusal::new(Code::TrustNotFound, "authority", detail).into());
    }
    Ok(whole(codec::encode(&Roots(roots))))
}
