//! What a localnet holds from the start, so that there is something to look at: a trust framework
//! around one credential type, made by ordinary operations, once.

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

/// What was made. Times are RFC 3339.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seed {
    /// From which all rights come.
    pub(super) authority: Did,
    /// Those that it lets grant on.
    pub(super) accreditors: Vec<Did>,
    /// Has the right to issue, from the first of them.
    pub(super) issuer: Did,
    /// Had it, from the second.
    pub(super) revoked_issuer: Did,
    /// Has the right from the issuer.
    pub(super) principal: Did,
    /// Issues for the principal.
    pub(super) agent: Did,
    /// What they issue; the resource of all these grants.
    pub(super) credential_type: Resource,
    /// The issuer's.
    pub(super) status_list: ListId,
    /// A moment when all of them might issue.
    pub(super) issued_at: String,
    /// When one lost the right.
    pub(super) revoked_at: String,
}

/// The key files, one for each party.
pub(super) fn keys(dir: &Path) -> PathBuf {
    dir.join("keys")
}

/// Makes what is not there yet. A start that was cut off leaves DIDs in the key files, and the
/// next one makes others.
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
