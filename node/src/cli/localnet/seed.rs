//! What a localnet holds from the start, so that there is something to look at: made by ordinary
//! operations, once.

use std::path::{Path, PathBuf};

use registry_core::id::{Did, ListId};
use registry_core::status::{Run, StatusCreate, StatusPurpose};
use serde::{Deserialize, Serialize};

use super::Localnet;
use crate::cli::author::{Author, AuthorArgs};
use crate::cli::context::Context;
use crate::cli::did::{self, DidArg, SignerArgs};
use crate::cli::exit::Failure;
use crate::cli::status_list::{make, set};
use crate::keys::{KeysError, UserKeyFile};

/// The fewest entries that a W3C list shows.
const LENGTH: u64 = 131_072;
/// First and number of the entries that are revoked.
const REVOKED: [(u64, u64); 3] = [(3, 1), (1_000, 10), (LENGTH - 1, 1)];

/// What was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seed {
    pub(super) issuer: Did,
    pub(super) status_list: ListId,
}

/// The key file of the issuer.
pub(super) fn issuer_keys(dir: &Path) -> PathBuf {
    dir.join("keys").join("issuer.json")
}

/// Makes what is not there yet. A start that was cut off leaves a DID in the key file, and the
/// next one makes another.
pub(super) async fn seed(localnet: &Localnet, dir: &Path) -> Result<Seed, Failure> {
    if let Some(seed) = &localnet.seed {
        return Ok(seed.clone());
    }
    super::keys(dir)?;
    let keys = issuer_keys(dir);
    // The key file is there before it is opened: a localnet has warned of plain keys already.
    UserKeyFile::new(&keys, None).update(|_| Ok::<_, KeysError>(()))?;
    let node = localnet.nodes.first().ok_or_else(|| Failure::usage("a localnet without nodes"))?;
    let context = Context::new(Some(node.home.clone()), Some(node.rpc.clone()), false)?;
    let issuer = did::register(SignerArgs::plain(keys.clone()), &context).await?.did;
    let did = DidArg { did: Some(issuer.clone()) };
    let author = AuthorArgs { signer: SignerArgs::plain(keys), did };
    let author = Author::open(&context, author).await?;
    let create = StatusCreate {
        purpose: StatusPurpose::Revocation,
        bits: 1,
        length: LENGTH,
        uri: None,
        valid_from: None,
        valid_until: None,
        delegates: Vec::new(),
        messages: Vec::new(),
    };
    let status_list = make(&author, create).await?.list;
    let runs = REVOKED.map(|(start, length)| Run { start, length, value: 1, expect: None });
    set(&author, &status_list, &runs).await?;
    Ok(Seed { issuer, status_list })
}
