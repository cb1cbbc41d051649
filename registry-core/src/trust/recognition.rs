//! Recognition of one authority by another, for an action on a resource.

use serde::{Deserialize, Serialize};

use crate::crypto::Hash;
use crate::id::Did;
use crate::names::{ActionName, EntityId, Resource, TrustKey};
use crate::record::{Entry, Kind, RecordValue, RecordView, StoreError, Timed, voided_since};

/// Checkpoint of another network: a block of it that the recognising authority vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Chain id of the other network.
    pub chain: Hash,
    /// Height of the block.
    pub height: u64,
    /// Hash of the block's header.
    pub header: Hash,
    /// Hash of the validator set that certifies the next block.
    pub validators: Hash,
}

/// Content of `trust_recognise`: a recognition, which is new or replaces the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRecognise {
    /// Authority that recognises, authority that is recognised, and what for.
    pub key: TrustKey,
    /// Unix time in ms from which the recognition is in force; `None` for no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix time in ms before which the recognition is in force; `None` for no upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Hash of a document, kept elsewhere, on which the recognition rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    /// URI of the terms of the recognition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Checkpoint of the entity's network; `None` unless the entity is an authority of another Idem
    /// network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Checkpoint>,
}

/// Value of a recognition's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recognition {
    /// Authority that recognises.
    pub authority: Did,
    /// Action for which it recognises the entity.
    pub action: ActionName,
    /// Resource or pattern for which it recognises the entity.
    pub resource: Resource,
    /// Authority that is recognised.
    pub entity: EntityId,
    /// Unix time in ms from which the recognition is in force; `None` for no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix time in ms before which the recognition is in force; `None` for no upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Hash of a document, kept elsewhere, on which the recognition rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    /// URI of the terms of the recognition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Checkpoint of the entity's network; `None` unless the entity is an authority of another Idem
    /// network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Checkpoint>,
    /// True if the authority has ended the recognition.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// Block time in ms at which the recognition was made or ended.
    #[serde(skip)]
    pub since: u64,
    /// Id of the operation that made the recognition.
    pub made: Hash,
    /// Block time in ms at which the recognition was made.
    #[serde(skip)]
    pub recognised: u64,
}

impl RecordValue for Recognition {
    const KIND: Kind = Kind::Recognition;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        entry.timed()
    }
}

impl Timed for Recognition {
    fn times(&self) -> Vec<u64> {
        vec![self.since, self.recognised]
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        let [since, recognised] = *times else { return None };
        Some(Self { since, recognised, ..self })
    }
}

impl Recognition {
    /// Returns what the operation `made` records at block time `time_ms`.
    pub fn new(recognise: TrustRecognise, made: Hash, time_ms: u64) -> Self {
        let TrustKey { authority, action, resource, entity } = recognise.key;
        Self {
            authority,
            action,
            resource,
            entity,
            valid_from: recognise.valid_from,
            valid_until: recognise.valid_until,
            evidence: recognise.evidence,
            terms: recognise.terms,
            network: recognise.network,
            withdrawn: false,
            since: time_ms,
            made,
            recognised: time_ms,
        }
    }

    /// Returns the block time in ms at which the recognition was voided, as far as the view knows.
    pub fn voided(&self, view: &dyn RecordView) -> Result<Option<u64>, StoreError> {
        voided_since(view, &self.made, !self.withdrawn)
    }

    /// Returns the right that the recognition is about.
    pub fn key(&self) -> TrustKey {
        TrustKey {
            authority: self.authority.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            entity: self.entity.clone(),
        }
    }
}
