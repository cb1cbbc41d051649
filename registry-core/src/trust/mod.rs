//! The trusted registry: who may do what, on whose authority (docs/protocol/trust.md).

pub mod answer;
mod recognition;
mod words;

use serde::{Deserialize, Serialize};

pub use answer::{Answer, Asked, Broken, Chain, Link, Reason, Recognised, ask, ask_recognition};
pub(crate) use answer::{Fault, deactivated_since, grants_at, window_fault};
pub use recognition::{Checkpoint, Recognition, TrustRecognise};
pub use words::RightWords;
pub(crate) use words::since_text;

use crate::crypto::Hash;
use crate::id::Did;
use crate::names::{ActionName, EntityId, Resource, TrustKey};
use crate::record::{Kind, RecordValue};

/// How sure the grantor is of the entity; ITU-T X.1254 and eIDAS name the same three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Limited confidence.
    Low,
    /// Substantial confidence.
    Substantial,
    /// High confidence.
    High,
}

impl Assurance {
    const ALL: [Self; 3] = [Self::Low, Self::Substantial, Self::High];

    /// Its name in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Substantial => "substantial",
            Self::High => "high",
        }
    }

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// Under which conditions a right is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// In force from this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// In force before this time (ms).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Stated by the grantor; none is less than low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// How many grants may follow beneath; none: the entity may not grant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
    /// Hash of the document on which the grant rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    /// Where its terms can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

impl Conditions {
    /// How many grants may follow beneath.
    pub fn depth(&self) -> usize {
        self.max_depth.map_or(0, usize::from)
    }
}

/// The grantor's own grant, of the same authority and action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its resource.
    pub resource: Resource,
    /// Who granted it.
    pub grantor: Did,
}

/// A new grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustGrant {
    /// Of which right, to whom.
    pub key: TrustKey,
    /// What it is granted from, unless the authority grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Under which conditions.
    pub conditions: Conditions,
}

/// Other conditions of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustChange {
    /// Of which right, to whom.
    pub key: TrustKey,
    /// All of them.
    pub conditions: Conditions,
}

/// What a suspension, a resumption, a revocation and the end of a recognition need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStep {
    /// Of which right, to whom.
    pub key: TrustKey,
}

/// Whether a grant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStatus {
    /// It counts.
    Active,
    /// It does not count for now.
    Suspended,
    /// It counts no more.
    Revoked,
}

impl GrantStatus {
    /// Its name in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

/// A grant as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// By whom.
    pub grantor: Did,
    /// What it was granted from, unless the authority granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Under which conditions.
    pub conditions: Conditions,
    /// Whether it counts.
    pub status: GrantStatus,
    /// Block time in ms of the last change of status.
    pub since: u64,
    /// Block time in ms of the grant.
    pub granted: u64,
    /// Block time in ms of the grant or its last change, when the chain above was found live. A
    /// parent granted later is another than the one it rests on.
    pub confirmed: u64,
}

/// The value of a record of grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// From whom the right comes.
    pub authority: Did,
    /// To do what.
    pub action: ActionName,
    /// On what.
    pub resource: Resource,
    /// Who may.
    pub entity: EntityId,
    /// Ascending by grantor, one each.
    pub grants: Vec<Grant>,
}

impl RecordValue for Grants {
    const KIND: Kind = Kind::Grant;
}

impl Grants {
    /// No grant yet.
    pub fn new(key: &TrustKey) -> Self {
        let TrustKey { authority, action, resource, entity } = key.clone();
        Self { authority, action, resource, entity, grants: Vec::new() }
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

    /// The grant by one grantor.
    pub fn by(&self, grantor: &Did) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.grantor == *grantor)
    }
}
