//! DE4 and DE5: whether the issuer had the right to issue, and with which assurance.

use super::kind::Kind;
use super::{Case, Fault, denied};
use crate::id::Did;
use crate::names::TrustKey;
use crate::record::StoreError;
use crate::trust::{Answer, Asked, Assurance, Chain, RightWords, ask};

/// What the records say about the issuer's right.
pub(super) struct Right {
    /// Right that the issuer needed; `None` if no record can have such names.
    key: Option<TrustKey>,
    /// Answer at issuance. It shows a chain with the required assurance, if there is one.
    then: Answer,
}

impl Case<'_> {
    /// Finds the issuer's right at issuance.
    pub(super) fn right(&self, kind: &Kind) -> Result<Right, StoreError> {
        let Some(key) = self.right_of(&self.question.issuer, kind) else {
            return Ok(Right { key: None, then: Answer { chain: None } });
        };
        let then = self.ask_then(&key, None, self.required(kind))?;
        let then = match then.is_authorised() {
            true => then,
            false => self.ask_then(&key, None, None)?,
        };
        Ok(Right { key: Some(key), then })
    }

    /// Takes step DE4.
    pub(super) fn authorization(&self, right: &Right) -> Result<String, Fault> {
        let Some(key) = &right.key else {
            let Self { question, .. } = self;
            let (issuer, authority) = (&question.issuer, &question.authority);
            return denied(format!(
                "no type is known on which {authority} might let {issuer} issue"
            ));
        };
        let then = format!("at {}, {}", self.issued_at(), sentence(key, &right.then));
        let now = self.ask_now(key)?;
        let changed = now.is_authorised() != right.then.is_authorised();
        let finding = match changed {
            true => format!("{then}; at {}, {}", self.at(), sentence(key, &now)),
            false => then,
        };
        if right.then.is_authorised() { Ok(finding) } else { denied(finding) }
    }

    /// Takes step DE5.
    pub(super) fn assurance(&self, kind: &Kind, right: &Right) -> Result<String, Fault> {
        let actual = right.then.chain.as_ref().and_then(|chain: &Chain| chain.assurance);
        let word = |level: Option<Assurance>| level.map_or("none", Assurance::name);
        let Some(required) = self.required(kind) else {
            return Ok(format!("none is required, the grants state {}", word(actual)));
        };
        let by = match self.question.minimum_assurance {
            Some(minimum) if minimum == required => "by who asks",
            _ => "for the type",
        };
        let (stated, required_name) = (word(actual), required.name());
        let finding = format!("the grants state {stated}, {required_name} is required {by}");
        if actual >= Some(required) { Ok(finding) } else { denied(finding) }
    }

    /// Returns the higher of the assurance levels that the verifier and the type require.
    fn required(&self, kind: &Kind) -> Option<Assurance> {
        let of_type = kind.terms.as_ref().and_then(|terms| terms.assurance);
        self.question.minimum_assurance.max(of_type)
    }

    /// Names the right of `entity` to issue credentials of this kind.
    pub(super) fn right_of(&self, entity: &str, kind: &Kind) -> Option<TrustKey> {
        Some(TrustKey {
            authority: self.question.authority.parse().ok()?,
            action: self.issue.clone(),
            resource: kind.resource.clone()?,
            entity: entity.parse().ok()?,
        })
    }

    /// Answers whether a right was held at issuance.
    pub(super) fn ask_then(
        &self,
        key: &TrustKey,
        through: Option<&Did>,
        minimum: Option<Assurance>,
    ) -> Result<Answer, StoreError> {
        let (network, time_ms) = (self.network, self.question.issued_at_ms);
        ask(self.moments.then, &Asked { network, key, through, minimum, time_ms })
    }

    fn ask_now(&self, key: &TrustKey) -> Result<Answer, StoreError> {
        let (network, time_ms) = (self.network, self.question.at_ms);
        ask(self.moments.now, &Asked { network, key, through: None, minimum: None, time_ms })
    }
}

fn sentence(key: &TrustKey, answer: &Answer) -> String {
    let TrustKey { authority, action, resource, entity } = key;
    let texts =
        [authority.to_string(), entity.to_string(), action.to_string(), resource.to_string()];
    let [authority, entity, action, resource] = &texts;
    answer.sentence(RightWords { authority, entity, action, resource })
}
