//! The roots of a DID: the other authorities under which it has granted rights.

use registry_core::id::Did;
use registry_core::time::TimeMs;
use registry_core::trust::{Root, roots};
use serde::{Deserialize, Serialize};

use super::ask::Trust;
use crate::clock::millis;
use crate::error::ApiError;
use crate::reads::AsOf;

/// Parameters of `trust_roots`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RootsParams {
    did: Did,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// Answer of `trust_roots`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RootsAnswer {
    did: Did,
    /// Roots in the order in which they are searched.
    roots: Vec<RootJson>,
    #[serde(flatten)]
    as_of: AsOf,
}

#[derive(Debug, Clone, Serialize)]
struct RootJson {
    authority: Did,
    since: String,
}

impl From<Root> for RootJson {
    fn from(Root { authority, since }: Root) -> Self {
        Self { authority, since: millis(since) }
    }
}

impl Trust {
    /// Answers `trust_roots`. Fails if the DID is not registered.
    pub(crate) async fn roots(&self, params: RootsParams) -> Result<RootsAnswer, ApiError> {
        let RootsParams { did, at, min_height } = params;
        let moment = self.reads.moment(at, min_height).await?;
        self.reads.did_at(&did, &moment, "did")?;
        let roots = roots(&self.reads.at(&moment), &did)?.0.into_iter();
        Ok(RootsAnswer { did, roots: roots.map(RootJson::from).collect(), as_of: moment.as_of() })
    }
}
