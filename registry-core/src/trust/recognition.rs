//! One authority recognises another, for an action on a resource.

use serde::{Deserialize, Serialize};

use crate::crypto::Hash;
use crate::id::Did;
use crate::names::{ActionName, EntityId, Resource, TrustKey};
use crate::record::{Kind, RecordValue};

/// Another network, by a block of it that the authority vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its chain id.
    pub chain: Hash,
    /// The block's height.
    pub height: u64,
    /// The hash of the block's header.
    pub header: Hash,
    /// The hash of the validator set that certifies the next block.
    pub validators: Hash,
}

/// A recognition, or another in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRecognise {
    /// Whom, for what.
    pub key: TrustKey,
    /// In force from this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// In force before this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Hash of the document on which it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    /// Where its terms can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// The network of an authority that is not of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Checkpoint>,
}

/// The value of a recognition's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recognition {
    /// Who recognises.
    pub authority: Did,
    /// To do what.
    pub action: ActionName,
    /// On what.
    pub resource: Resource,
    /// Who is recognised.
    pub entity: EntityId,
    /// In force from this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// In force before this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Hash of the document on which it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    /// Where its terms can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// The network of an authority that is not of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Checkpoint>,
    /// Whether it has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// Block time in ms of the recognition or its end.
    pub since: u64,
}

impl RecordValue for Recognition {
    const KIND: Kind = Kind::Recognition;
}

impl Recognition {
    /// What a `trust_recognise` records at block time `time_ms`.
    pub fn new(recognise: TrustRecognise, time_ms: u64) -> Self {
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
        }
    }

    /// What it is about.
    pub fn key(&self) -> TrustKey {
        TrustKey {
            authority: self.authority.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            entity: self.entity.clone(),
        }
    }
}
