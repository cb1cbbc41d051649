//! Answers `registry_decide`: whether a credential is to be accepted (docs/protocol/decision.md).

use registry_core::decision::{
    DecisionError, DecisionQuery, DecisionStep, Moments, StatusEntry, decide,
};
use registry_core::time::TimeMs;
use registry_core::trust::Assurance;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, PARAMS};
use crate::reads::{AsOf, Selector};
use crate::trust::ask::Trust;

/// Parameters of `registry_decide`. Names are plain strings here: a name that no record can have
/// makes a step of the decision fail and is no error of the parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Params {
    issuer: String,
    verification_method: String,
    #[serde(default)]
    credential_type: Option<String>,
    #[serde(default)]
    schema: Option<String>,
    issued_at: TimeMs,
    /// Entries of status lists: one for each purpose that the type wants, and any others.
    #[serde(default)]
    status: Option<Vec<StatusParams>>,
    authority: String,
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    minimum_assurance: Option<Assurance>,
    #[serde(default)]
    at: Option<TimeMs>,
    #[serde(default)]
    min_height: Option<u64>,
}

/// An entry of a status list, named by list id and index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusParams {
    list: String,
    entry: u64,
}

/// Answer of `registry_decide`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DecisionAnswer {
    decision: &'static str,
    steps: Vec<FindingJson>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Finding of one step of the decision.
#[derive(Debug, Clone, Serialize)]
struct FindingJson {
    step: &'static str,
    finding: String,
    ok: bool,
}

impl From<DecisionStep> for FindingJson {
    fn from(DecisionStep { name, finding, ok }: DecisionStep) -> Self {
        Self { step: name.name(), finding, ok }
    }
}

impl From<DecisionError> for ApiError {
    fn from(error: DecisionError) -> Self {
        match error {
            DecisionError::Store(error) => error.into(),
            DecisionError::IssuedLater { .. } => Self::params("issuedAt", error),
            DecisionError::NoType => Self::params(PARAMS, error),
            DecisionError::StatusEntries { .. } => Self::params("status", error),
        }
    }
}

impl Trust {
    /// Answers `registry_decide`. The states at the time of issue and at the time of the decision
    /// are both read as of the same head.
    pub(crate) async fn decide(&self, params: Params) -> Result<DecisionAnswer, ApiError> {
        let TimeMs(issued_at_ms) = params.issued_at;
        if let Some(TimeMs(at_ms)) = params.at
            && at_ms < issued_at_ms
        {
            return Err(DecisionError::IssuedLater { issued_at_ms, at_ms }.into());
        }
        let now = self.reads.moment(params.at, params.min_height).await?;
        let then = self.reads.moment_as_of(now.head, Selector::At(issued_at_ms))?;
        let status = params.status.unwrap_or_default().into_iter();
        let status = status.map(|StatusParams { list, entry }| StatusEntry { list, entry });
        let question = DecisionQuery {
            issuer: params.issuer,
            verification_method: params.verification_method,
            credential_type: params.credential_type,
            schema: params.schema,
            issued_at_ms: then.time_ms,
            status: status.collect(),
            authority: params.authority,
            agent: params.agent,
            minimum_assurance: params.minimum_assurance,
            at_ms: now.time_ms,
        };
        let moments = Moments { then: &self.reads.at(&then), now: &self.reads.at(&now) };
        let decision = decide(self.reads.network(), moments, &question)?;
        Ok(DecisionAnswer {
            decision: if decision.is_permit() { "permit" } else { "deny" },
            steps: decision.steps.into_iter().map(FindingJson::from).collect(),
            as_of: now.as_of(),
        })
    }
}
