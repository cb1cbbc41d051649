//! Rights in the form in which a node lists them.

use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource};
use registry_core::time::TimeMs;
use registry_core::trust::{Assurance, Conditions, GrantStatus, Parent};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::author::patiently;
use crate::client::{Client, given};
use crate::exit::Failure;

/// Number of rights to ask for in one request: the most that a node returns.
const PAGE: usize = rpc::limits::TRUST_PAGE_MAX;

/// Method that lists rights.
const METHOD: &str = "trust_list";

/// All grants of one right to one entity.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Right {
    pub(super) authority: Did,
    pub(super) action: ActionName,
    pub(super) resource: Resource,
    pub(super) entity: EntityId,
    pub(super) grants: Vec<Listed>,
}

/// One grant of a right.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    pub(super) grantor: Did,
    #[serde(default)]
    pub(super) parent: Option<Parent>,
    pub(super) status: GrantStatus,
    pub(super) since: TimeMs,
    #[serde(default)]
    valid_from: Option<TimeMs>,
    #[serde(default)]
    valid_until: Option<TimeMs>,
    #[serde(default)]
    assurance: Option<Assurance>,
    max_depth: u8,
    #[serde(default)]
    evidence: Option<Hash>,
    #[serde(default)]
    terms: Option<String>,
}

impl Listed {
    pub(super) fn conditions(&self) -> Conditions {
        Conditions {
            valid_from: self.valid_from.map(|time| time.0),
            valid_until: self.valid_until.map(|time| time.0),
            assurance: self.assurance,
            max_depth: Some(self.max_depth).filter(|depth| *depth > 0),
            evidence: self.evidence,
            terms: self.terms.clone(),
        }
    }
}

/// Height of the block that a list is based on, and the time that the list is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct AsOf {
    pub(super) height: u64,
    pub(super) time: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    rights: Vec<Value>,
    #[serde(default)]
    next: Option<String>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Calls `take` for each right with grants that `trust_list` finds for `params`, with the JSON of
/// the node and the same right as a type. All pages are about the time of the first one.
/// Recognitions are left out.
pub(super) async fn each(
    client: &Client,
    params: Map<String, Value>,
    mut take: impl FnMut(Value, Right) -> Result<(), Failure>,
) -> Result<AsOf, Failure> {
    let with_grants = |shown: Value| {
        if shown.get("grants").is_none() {
            return Ok(());
        }
        let right = serde_json::from_value(shown.clone());
        take(shown, right.map_err(|error| client.unreadable(METHOD, error))?)
    };
    each_shown(client, params, with_grants).await
}

/// Calls `take` for each right and recognition that `trust_list` finds for `params`, as the node
/// shows it. All pages are about the time of the first one.
pub(super) async fn each_shown(
    client: &Client,
    mut params: Map<String, Value>,
    mut take: impl FnMut(Value) -> Result<(), Failure>,
) -> Result<AsOf, Failure> {
    params.insert("limit".to_owned(), PAGE.into());
    let mut first: Option<AsOf> = None;
    loop {
        let page: Page = patiently(async || client.call(METHOD, params.clone()).await).await?;
        for shown in page.rights {
            take(shown)?;
        }
        let as_of = first.get_or_insert(page.as_of);
        let Some(next) = page.next else { return Ok(as_of.clone()) };
        params.extend(given(json!({ "after": next, "at": as_of.time })));
    }
}
