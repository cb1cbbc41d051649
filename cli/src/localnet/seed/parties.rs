//! The parties of the framework, each with its own key file.

use std::path::{Path, PathBuf};

use futures::future::try_join_all;
use keys::{KeysError, UserKeyFile};
use registry_core::id::Did;

use crate::author::{Author, AuthorArgs};
use crate::context::Context;
use crate::did::{self, DidArg, SignerArgs};
use crate::exit::Failure;

/// Names of the key files.
const NAMES: [&str; 7] =
    ["authority", "accreditor-1", "accreditor-2", "issuer", "revoked-issuer", "principal", "agent"];

/// The parties, all of them registered.
pub(super) struct Parties {
    pub(super) authority: Author,
    pub(super) accreditors: [Author; 2],
    pub(super) issuer: Author,
    pub(super) revoked_issuer: Author,
    /// Author that can also sign for the agent, which consents to the delegation.
    pub(super) principal: Author,
    pub(super) agent: Did,
}

impl Parties {
    /// Registers new DIDs with their keys in `dir`. `endorser` is the DID and key file of the
    /// endorser, if writes need endorsement.
    pub(super) async fn register(
        context: &Context,
        dir: &Path,
        endorser: Option<(Did, PathBuf)>,
    ) -> Result<Self, Failure> {
        let cannot = |error| Failure::usage(format!("cannot write in {}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(cannot)?;
        let files = NAMES.map(|name| dir.join(format!("{name}.json")));
        let signer = |file: &PathBuf| {
            let plain = SignerArgs::plain(file.clone());
            match endorser.clone() {
                Some((endorser, keys)) => plain.and(keys).endorsed_by(endorser),
                None => plain,
            }
        };
        for file in &files {
            // The key file exists before it is opened, so that no warning of plain keys appears:
            // the localnet has warned already.
            UserKeyFile::new(file, None).update(|_| Ok::<_, KeysError>(()))?;
        }
        let creates = files.iter().map(|file| did::register(signer(file), context));
        let dids: Vec<Did> = try_join_all(creates).await?.into_iter().map(|new| new.did).collect();
        let agents = files.last().cloned();
        let open = |(file, did): (&PathBuf, &Did)| {
            let signer = signer(file);
            let signer = match &agents {
                Some(agent) if file.ends_with("principal.json") => signer.and(agent.clone()),
                _ => signer,
            };
            let author = AuthorArgs { signer, did: DidArg { did: Some(did.clone()) } };
            Author::open(context, author)
        };
        let authors = try_join_all(files.iter().zip(&dids).map(open)).await?;
        let authors: Result<[Author; NAMES.len()], _> = authors.try_into();
        let Ok([authority, first, second, issuer, revoked_issuer, principal, agent]) = authors
        else {
            return Err(Failure::usage("not all parties are there"));
        };
        let (accreditors, agent) = ([first, second], agent.did().clone());
        Ok(Self { authority, accreditors, issuer, revoked_issuer, principal, agent })
    }
}
