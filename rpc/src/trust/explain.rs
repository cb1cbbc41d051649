//! Explains in sentences why a right holds or not, and names the DID that can repair it.

use registry_core::id::Did;
use registry_core::trust::{Answer, Chain, Link, RightWords};
use serde::Serialize;

use super::ask::{Params, Standing, Trust, TrustQuery};
use crate::error::ApiError;
use crate::reads::AsOf;

/// Answer of `trust_explain`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    #[serde(flatten)]
    question: TrustQuery,
    authorized: bool,
    #[serde(flatten)]
    standing: Standing,
    /// The whole answer as one sentence.
    explanation: String,
    /// Findings about the grants in order, from the one made by the authority to the first that is
    /// not live.
    steps: Vec<LinkFinding>,
    /// DID that can repair the broken grant. Absent if all grants are live or nobody can repair it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mender: Option<Did>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Finding about one grant of the chain.
#[derive(Debug, Clone, Serialize)]
struct LinkFinding {
    grantor: Did,
    entity: String,
    finding: String,
    ok: bool,
}

/// Returns the answer as one sentence.
pub(crate) fn sentence(question: &TrustQuery, answer: &Answer) -> String {
    let TrustQuery { authority, entity, action, resource, .. } = question;
    answer.sentence(RightWords { authority, entity, action, resource })
}

fn steps(chain: &Chain) -> Vec<LinkFinding> {
    let first_broken = chain.broken.as_ref().map_or(usize::MAX, |broken| broken.link);
    let links = chain.links.iter().enumerate().take_while(|(index, _)| *index <= first_broken);
    links
        .map(|(index, Link { key, grant, .. })| {
            let broken = chain.broken.as_ref().filter(|broken| broken.link == index);
            let granted =
                || format!("{} granted {} on {}", grant.grantor, key.action, key.resource);
            let finding = broken.and_then(|_| chain.fault()).unwrap_or_else(granted);
            let (grantor, entity) = (grant.grantor.clone(), key.entity.to_string());
            LinkFinding { grantor, entity, finding, ok: broken.is_none() }
        })
        .collect()
}

impl Trust {
    /// Answers `trust_explain`.
    pub(crate) async fn explain_right(&self, params: Params) -> Result<Explanation, ApiError> {
        let (question, moment) = self.asked(params).await?;
        let answer = self.ask_right(&question, &moment)?;
        let chain = answer.chain.as_ref();
        let broken = chain.and_then(|chain| chain.broken.as_ref());
        let mender = match chain {
            Some(_) => broken.and_then(|broken| broken.mender.clone()),
            None => question.authority.parse().ok().filter(|authority: &Did| {
                // No grant can help if no record can have such names.
                question.key(authority.clone()).is_some()
            }),
        };
        Ok(Explanation {
            authorized: answer.is_authorised(),
            standing: Standing::of_answer(&answer),
            explanation: sentence(&question, &answer),
            steps: chain.map(steps).unwrap_or_default(),
            mender,
            question,
            as_of: moment.as_of(),
        })
    }
}
