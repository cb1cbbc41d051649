//! Why a right holds or does not, in sentences, and who can mend it.

use registry_core::id::Did;
use registry_core::trust::{Answer, Broken, Chain, Link, Reason};
use serde::Serialize;

use super::ask::{Params, Question, Standing};
use crate::api::{Api, AsOf};
use crate::clock::millis;
use crate::error::ApiError;

/// The answer of `trust_explain`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    #[serde(flatten)]
    question: Question,
    authorized: bool,
    #[serde(flatten)]
    standing: Standing,
    /// The whole answer in a sentence.
    explanation: String,
    /// From the authority down, up to the first link that does not count.
    steps: Vec<Step>,
    /// Who can mend that link; absent where all count or nobody can.
    #[serde(skip_serializing_if = "Option::is_none")]
    mender: Option<Did>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// One link.
#[derive(Debug, Clone, Serialize)]
struct Step {
    grantor: Did,
    entity: String,
    finding: String,
    ok: bool,
}

/// What an answer says, in a sentence.
pub(crate) fn sentence(question: &Question, answer: &Answer) -> String {
    let Question { authority, entity, action, resource } = question;
    let Some(chain) = &answer.chain else {
        return format!("{authority} has granted {entity} no right to {action} on {resource}");
    };
    match &chain.broken {
        None => {
            let by = match chain.links.len() {
                1 => "directly".to_owned(),
                count => format!("by a chain of {count} grants"),
            };
            format!("{entity} may {action} on {resource}: granted under {authority} {by}")
        }
        Some(broken) => {
            let fault = fault(chain, broken);
            format!("{entity} may not {action} on {resource} under {authority}: {fault}")
        }
    }
}

fn fault(chain: &Chain, broken: &Broken) -> String {
    let what = match broken.reason {
        Reason::NotYetValid { valid_from } => format!("begins at {}", millis(valid_from)),
        Reason::Expired { valid_until } => format!("ended at {}", millis(valid_until)),
        Reason::Suspended => format!("is suspended{}", since(broken)),
        Reason::Revoked => format!("is revoked{}", since(broken)),
        Reason::TooDeep { max_depth, beneath } => {
            format!("allows {max_depth} grants beneath it, and {beneath} follow")
        }
        Reason::ParentGone => "rests on one that is gone or was granted anew".to_owned(),
        Reason::NotDelegated => format!("does not count: {}", broken.reason),
        Reason::EntityDeactivated => format!("is of a DID deactivated{}", since(broken)),
        Reason::AuthorityUnknown => return "the authority was not registered then".to_owned(),
        Reason::AuthorityDeactivated => {
            return format!("the authority is deactivated{}", since(broken));
        }
    };
    match chain.links.get(broken.link) {
        Some(Link { key, grant, .. }) => {
            format!("the grant of {} on {} by {} {what}", key.entity, key.resource, grant.grantor)
        }
        None => what,
    }
}

fn since(broken: &Broken) -> String {
    broken.since.map_or(String::new(), |time_ms| format!(" since {}", millis(time_ms)))
}

fn steps(chain: &Chain) -> Vec<Step> {
    let first_broken = chain.broken.as_ref().map_or(usize::MAX, |broken| broken.link);
    let links = chain.links.iter().enumerate().take_while(|(index, _)| *index <= first_broken);
    links
        .map(|(index, Link { key, grant, .. })| {
            let broken = chain.broken.as_ref().filter(|broken| broken.link == index);
            let finding = broken.map_or_else(
                || format!("{} granted {} on {}", grant.grantor, key.action, key.resource),
                |broken| fault(chain, broken),
            );
            let (grantor, entity) = (grant.grantor.clone(), key.entity.to_string());
            Step { grantor, entity, finding, ok: broken.is_none() }
        })
        .collect()
}

impl Api {
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
