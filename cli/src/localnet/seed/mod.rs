//! Records that a localnet holds from its first start, so that users have something to look at: a
//! trust framework around one credential type. Ordinary operations write them once.

mod framework;
mod parties;

use std::path::{Path, PathBuf};

use registry_core::id::{Did, ListId};
use registry_core::names::Resource;
use serde::{Deserialize, Serialize};

use super::Localnet;
use crate::context::Context;
use crate::exit::Failure;
use crate::founders;
use parties::Parties;

/// DIDs and records of the framework. Times are RFC 3339.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seed {
    /// Authority from which all rights derive.
    pub(super) authority: Did,
    /// DIDs that the authority allows to grant the right further.
    pub(super) accreditors: Vec<Did>,
    /// Issuer that holds the right to issue from the first accreditor.
    pub(super) issuer: Did,
    /// Issuer that held the right from the second accreditor until it was revoked.
    pub(super) revoked_issuer: Did,
    /// Principal that holds the right from the issuer.
    pub(super) principal: Did,
    /// Agent that issues for the principal.
    pub(super) agent: Did,
    /// Credential type that they issue, which is the resource of all these grants.
    pub(super) credential_type: Resource,
    /// Status list of the issuer.
    pub(super) status_list: ListId,
    /// Block time at which both issuers held the right.
    pub(super) issued_at: String,
    /// Block time at which the revoked issuer lost the right.
    pub(super) revoked_at: String,
}

/// Returns the directory of the key files, one for each party.
pub(super) fn keys(dir: &Path) -> PathBuf {
    dir.join("keys")
}

/// Writes the records unless an earlier start has written them. A start that was interrupted leaves
/// DIDs in the key files, and the next start creates others.
pub(super) async fn seed(localnet: &Localnet, dir: &Path) -> Result<Seed, Failure> {
    if let Some(seed) = &localnet.seed {
        return Ok(seed.clone());
    }
    let node = localnet.nodes.first().ok_or_else(|| Failure::usage("a localnet without nodes"))?;
    let context = Context::new(Some(node.home.clone()), Some(node.rpc.clone()), false)?;
    let endorser = localnet.authority.clone();
    let endorser = endorser.map(|did| (did, founders::key_file(dir, founders::AUTHORITY)));
    framework::make(&Parties::register(&context, &keys(dir), endorser).await?).await
}
