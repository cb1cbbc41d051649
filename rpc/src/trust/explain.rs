//! Why a right holds or does not, in sentences, and who can mend it.

use registry_core::id::Did;
use registry_core::trust::{Answer, Chain, Link, RightWords};
use serde::Serialize;

use super::ask::{Params, Standing, Trust, TrustQuery};
use crate::error::ApiError;
use crate::reads::AsOf;

/// The answer of `trust_explain`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    #[serde(flatten)]
    question: TrustQuery,
    authorized: bool,
    #[serde(flatten)]
    standing: Standing,
    /// The whole answer in a sentence.
    explanation: String,
    /// From the authority down, up to the first link that does not count.
    steps: Vec<LinkFinding>,
    /// Who can mend that link; absent where all count or nobody can.
    #[serde(skip_serializing_if = "Option::is_none")]
    mender: Option<Did>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// One link.
#[derive(Debug, Clone, Serialize)]
struct LinkFinding {
    grantor: Did,
    entity: String,
    finding: String,
    ok: bool,
}

/// What an answer says, in a sentence.
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
    /// `trust_explain`.
    pub(crate) async fn explain_right(&self, params: Params) -> Result<Explanation, ApiError> {
        let (question, moment) = self.asked(params).await?;
        let answer = self.ask_right(&question, &moment)?;
        let chain = answer.chain.as_ref();
        let broken = chain.and_then(|chain| chain.broken.as_ref());
        let mender = match chain {
            Some(_) => broken.and_then(|broken| broken.mender.clone()),
            None => question.authority.parse().ok().filter(|authority: &Did| {
                // Nobody can grant what no record can name.
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
