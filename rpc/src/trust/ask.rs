//! Evaluates a question about a right or a recognition for JSON-RPC and TRQP.

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::id::{Did, IdError};
use registry_core::names::TrustKey;
use registry_core::time::TimeMs;
use registry_core::trust::{
    Answer, Asked, Assurance, Chain, Reason, Recognised, Root, ask, ask_recognition, roots,
};
use serde::{Deserialize, Serialize};

use super::json::LinkJson;
use crate::clock::millis;
use crate::error::ApiError;
use crate::reads::{AsOf, Moment, Reads};

/// Parameters of `trust_authorization`, `trust_recognition`, `trust_chain` and `trust_explain`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Params {
    pub(crate) authority: String,
    pub(crate) entity: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    #[serde(default)]
    pub(crate) at: Option<TimeMs>,
    #[serde(default)]
    pub(crate) min_height: Option<u64>,
    /// Minimum assurance that a chain must have to count. Questions about recognitions do not take
    /// it.
    #[serde(default)]
    pub(crate) minimum_assurance: Option<Assurance>,
    /// Time up to which the ledger is known. Without it, what is known is what was known at the
    /// moment asked about.
    #[serde(default)]
    pub(crate) known_at: Option<TimeMs>,
}

/// Question about a right or a recognition, in the caller's own spelling. A name that no record can
/// have is no error: nobody has such a right.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustQuery {
    pub(crate) authority: String,
    pub(crate) entity: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minimum_assurance: Option<Assurance>,
}

impl TrustQuery {
    /// Parses the authority. Fails with `DID_NOT_FOUND` if it is no DID.
    fn authority(&self) -> Result<Did, ApiError> {
        let unknown = |detail| Refusal::new(Code::DidNotFound, "authority", detail);
        Ok(self.authority.parse().map_err(|error: IdError| unknown(error.to_string()))?)
    }

    /// Returns the key of the right under `authority`, or `None` if no record can have such names.
    pub(super) fn key(&self, authority: Did) -> Option<TrustKey> {
        let action = self.action.parse().ok()?;
        let (resource, entity) = (self.resource.parse().ok()?, self.entity.parse().ok()?);
        Some(TrustKey { authority, action, resource, entity })
    }
}

/// State of a right or a recognition, in the lifecycle terms that TRQP issue 176 asks for.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing {
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) valid_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suspended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<String>,
    /// Time at which the DID that made the grant or recognition voided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) voided_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assurance: Option<&'static str>,
}

impl Standing {
    fn new(broken: Option<(Reason, Option<u64>)>) -> Self {
        let (status, since) = match broken {
            None => ("active", None),
            Some((reason, since)) => (status_of(reason), since.map(millis)),
        };
        Self {
            status,
            valid_from: None,
            valid_until: None,
            suspended_at: since.clone().filter(|_| status == "suspended"),
            revoked_at: since.clone().filter(|_| status == "revoked"),
            voided_at: since.filter(|_| status == "voided"),
            assurance: None,
        }
    }

    /// Returns the same state in the terms of TRQP, which knows no voids: what is void is revoked.
    pub(crate) fn in_trqp_terms(self) -> Self {
        match self.voided_at {
            Some(_) => {
                Self { status: "revoked", revoked_at: self.voided_at, voided_at: None, ..self }
            }
            None => self,
        }
    }

    /// Creates the state of a right from its answer.
    pub(crate) fn of_answer(answer: &Answer) -> Self {
        let Some(chain) = &answer.chain else {
            return Self { status: "unknown", ..Self::new(None) };
        };
        let broken = chain.broken.as_ref().map(|broken| (broken.reason, broken.since));
        Self {
            valid_from: chain.valid_from.map(millis),
            valid_until: chain.valid_until.map(millis),
            assurance: chain.assurance.map(|level| level.name()),
            ..Self::new(broken)
        }
    }

    /// Creates the state of a recognition from its answer.
    pub(crate) fn of_recognised(recognised: &Recognised) -> Self {
        let Some(recognition) = &recognised.recognition else {
            let unknown = Self { status: "unknown", ..Self::new(None) };
            return recognised.broken.map_or(unknown, |broken| Self::new(Some(broken)));
        };
        Self {
            valid_from: recognition.valid_from.map(millis),
            valid_until: recognition.valid_until.map(millis),
            ..Self::new(recognised.broken)
        }
    }
}

fn status_of(reason: Reason) -> &'static str {
    match reason {
        Reason::Suspended => "suspended",
        Reason::Voided => "voided",
        Reason::NotYetValid { .. } => "pending",
        Reason::Expired { .. } => "expired",
        Reason::AuthorityUnknown => "unknown",
        Reason::AssuranceTooLow { .. } => "insufficient",
        Reason::Revoked
        | Reason::NotDelegated
        | Reason::ParentGone
        | Reason::TooDeep { .. }
        | Reason::AuthorityDeactivated
        | Reason::EntityDeactivated => "revoked",
    }
}

/// Answer of `trust_authorization`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorizationAnswer {
    #[serde(flatten)]
    question: TrustQuery,
    authorized: bool,
    #[serde(flatten)]
    standing: Standing,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `trust_recognition`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecognitionAnswer {
    #[serde(flatten)]
    question: TrustQuery,
    recognized: bool,
    #[serde(flatten)]
    standing: Standing,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answer of `trust_chain`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChainAnswer {
    #[serde(flatten)]
    question: TrustQuery,
    authorized: bool,
    #[serde(flatten)]
    standing: Standing,
    /// Grants in order, starting with the one made by the authority. The chain is given whether or
    /// not it is live.
    chain: Vec<LinkJson>,
    #[serde(flatten)]
    as_of: AsOf,
}

/// Answers questions about rights and recognitions. The methods for agents and decisions, which
/// build on rights, are in other files.
pub(crate) struct Trust {
    pub(crate) reads: Arc<Reads>,
}

impl Trust {
    /// Returns the question of a call, and the moment that it is about.
    pub(super) async fn asked(&self, params: Params) -> Result<(TrustQuery, Moment), ApiError> {
        let Params { authority, entity, action, resource, minimum_assurance, .. } = params;
        let (at, known_at) = (params.at, params.known_at);
        let moment = self.reads.moment_known(at, known_at, params.min_height).await?;
        Ok((TrustQuery { authority, entity, action, resource, minimum_assurance }, moment))
    }

    /// Fails if the authority is not registered at the moment: there is no answer about an unknown
    /// authority.
    fn check_authority(&self, authority: &Did, moment: &Moment) -> Result<(), ApiError> {
        self.reads.did_at(authority, moment, "authority").map(drop)
    }

    /// Evaluates whether an entity has a right under the authority itself, or under another
    /// authority below which the asked one has made grants (docs/protocol/trust.md, TA5).
    pub(crate) fn ask_right(
        &self,
        question: &TrustQuery,
        moment: &Moment,
    ) -> Result<Answer, ApiError> {
        let authority = question.authority()?;
        let Some(own) = question.key(authority.clone()) else {
            self.check_authority(&authority, moment)?;
            return Ok(Answer { chain: None });
        };
        let view = self.reads.at(moment);
        let (network, time_ms) = (self.reads.network(), moment.time_ms);
        let minimum = question.minimum_assurance;
        let mut first = ask(&view, &Asked { network, key: &own, through: None, minimum, time_ms })?;
        if first.is_authorised() {
            return Ok(first);
        }
        // The check comes only now, because only a known authority can have led to a positive
        // answer above.
        self.check_authority(&authority, moment)?;
        for Root { authority: root, .. } in roots(&view, &authority)?.0 {
            let key = TrustKey { authority: root, ..own.clone() };
            let through = Some(&authority);
            let answer = ask(&view, &Asked { network, key: &key, through, minimum, time_ms })?;
            if answer.is_authorised() {
                return Ok(answer);
            }
            if first.chain.as_ref().is_none_or(|chain| chain.links.is_empty()) {
                first.chain = answer.chain.filter(|chain| chain.passes(&authority)).or(first.chain);
            }
        }
        Ok(first)
    }

    /// Evaluates whether an authority recognises an entity for an action on a resource.
    pub(crate) fn ask_recognised(
        &self,
        question: &TrustQuery,
        moment: &Moment,
    ) -> Result<Recognised, ApiError> {
        let authority = question.authority()?;
        self.check_authority(&authority, moment)?;
        let Some(key) = question.key(authority) else {
            return Ok(Recognised { recognition: None, broken: None });
        };
        let (network, time_ms) = (self.reads.network(), moment.time_ms);
        let asked = Asked { network, key: &key, through: None, minimum: None, time_ms };
        Ok(ask_recognition(&self.reads.at(moment), &asked)?)
    }

    /// Answers `trust_authorization`.
    pub(crate) async fn authorization(
        &self,
        params: Params,
    ) -> Result<AuthorizationAnswer, ApiError> {
        let (question, moment) = self.asked(params).await?;
        let answer = self.ask_right(&question, &moment)?;
        let (authorized, standing) = (answer.is_authorised(), Standing::of_answer(&answer));
        Ok(AuthorizationAnswer { question, authorized, standing, as_of: moment.as_of() })
    }

    /// Answers `trust_recognition`.
    pub(crate) async fn recognition(&self, params: Params) -> Result<RecognitionAnswer, ApiError> {
        if params.minimum_assurance.is_some() {
            let detail = "minimumAssurance: a recognition states no assurance; leave it out";
            return Err(ApiError::params("minimumAssurance", detail));
        }
        let (question, moment) = self.asked(params).await?;
        let found = self.ask_recognised(&question, &moment)?;
        let (recognized, standing) = (found.is_recognised(), Standing::of_recognised(&found));
        Ok(RecognitionAnswer { question, recognized, standing, as_of: moment.as_of() })
    }

    /// Answers `trust_chain`.
    pub(crate) async fn chain_of_right(&self, params: Params) -> Result<ChainAnswer, ApiError> {
        let (question, moment) = self.asked(params).await?;
        let answer = self.ask_right(&question, &moment)?;
        let links = answer.chain.iter().flat_map(|chain: &Chain| &chain.links);
        let view = self.reads.at(&moment);
        let chain = links.map(|link| LinkJson::new(link, &view)).collect::<Result<_, _>>()?;
        Ok(ChainAnswer {
            question,
            authorized: answer.is_authorised(),
            standing: Standing::of_answer(&answer),
            chain,
            as_of: moment.as_of(),
        })
    }
}
