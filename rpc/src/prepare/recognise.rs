//! The operation by which one authority recognises another.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource, TrustKey};
use registry_core::operation::Action;
use registry_core::record::RecordKey;
use registry_core::time::TimeMs;
use registry_core::trust::{Checkpoint, TrustRecognise};

use super::form::{Draft, parameters};
use super::ledger::LedgerView;
use super::right::{key, right};
use super::signers::Subject;
use super::{Prepare, PrepareError};
use crate::clock::time_ms;

parameters! {
    /// Parameters of `trust_prepareRecognise`.
    Recognise {
        pub author: Did,
        /// Authority of the right [default: the author].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub authority: Option<Did>,
        pub action: ActionName,
        pub resource: Resource,
        pub entity: EntityId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub valid_from: Option<TimeMs>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub valid_until: Option<TimeMs>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub evidence: Option<Hash>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub terms: Option<String>,
        /// Checkpoint of the other network, if the entity is an authority there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub network: Option<Checkpoint>,
    }
}

impl Recognise {
    fn key(&self) -> TrustKey {
        let Self { author, authority, action, resource, entity, .. } = self.clone();
        key(&author, authority, action, resource, entity)
    }
}

impl Prepare for Recognise {
    const ACTION: &'static str = "trust_recognise";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::recognition(&self.key())]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, key) = (ledger.author(&self.author)?, self.chosen(), self.key());
        let action = Action::TrustRecognise(Box::new(TrustRecognise {
            key: key.clone(),
            valid_from: time_ms(self.valid_from),
            valid_until: time_ms(self.valid_until),
            evidence: self.evidence,
            terms: self.terms,
            network: self.network,
        }));
        // All rules of this action are checked without state, by `form_by`.
        let form = ledger.form_by(&author, chosen, action)?;
        let what = format!("Recognises {} to {}", key.entity, right(&key));
        Ok(form.draft(Subject::Right(key), &what))
    }
}
