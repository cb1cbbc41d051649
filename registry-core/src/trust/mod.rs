//! Trust records: which entity may do what, on whose authority (docs/protocol/trust.md).

pub mod answer;
mod recognition;
mod roots;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use answer::{Answer, Asked, Broken, Chain, Link, Reason, Recognised, ask, ask_recognition};
pub(crate) use answer::{Fault, deactivated_since, left_place, window_fault};
pub use recognition::{Checkpoint, Recognition, TrustRecognise};
pub use roots::{Root, Roots, TrustForgetRoot, roots};
pub use words::RightWords;
pub(crate) use words::since_text;

use crate::crypto::Hash;
use crate::id::Did;
use crate::names::{ActionName, EntityId, Resource, TrustKey};
use crate::record::{
    Entry, Kind, PartId, RecordValue, RecordView, StoreError, Timed, voided_since,
};

/// Assurance level: how sure the grantor is of the entity. ITU-T X.1254 and eIDAS use the same
/// three levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// The grantor has limited confidence in the entity.
    Low,
    /// The grantor has substantial confidence in the entity.
    Substantial,
    /// The grantor has high confidence in the entity.
    High,
}

impl Assurance {
    const ALL: [Self; 3] = [Self::Low, Self::Substantial, Self::High];

    /// Returns the name of the level in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Substantial => "substantial",
            Self::High => "high",
        }
    }

    /// Finds the level with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// Conditions under which a right is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Unix time in ms from which the grant is in force; `None` for no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<u64>,
    /// Unix time in ms before which the grant is in force; `None` for no upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Assurance level that the grantor states; `None`, which is lower than `low`, if it states
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// Number of further grants that may follow below this one, 1 to 7; `None` if the entity may
    /// not grant the right on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
    /// Hash of a document, kept elsewhere, on which the grant rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Hash>,
    /// URI of the terms of the grant, at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

impl Conditions {
    /// Returns how many grants may follow below this one, from 0 to 7.
    pub fn depth(&self) -> usize {
        self.max_depth.map_or(0, usize::from)
    }
}

/// Names the parent grant, by which the grantor itself holds the right. It has the same authority
/// and action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Resource of the parent grant.
    pub resource: Resource,
    /// Grantor of the parent grant.
    pub grantor: Did,
    /// Id of the operation that made the parent grant. If the grantor grants the right again, that
    /// is another grant, on which nothing rests yet.
    pub made: Hash,
}

/// Content of `trust_grant`: a new grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustGrant {
    /// Right that is granted, together with its entity.
    pub key: TrustKey,
    /// Parent grant; `None` if the authority itself grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Conditions of the grant.
    pub conditions: Conditions,
}

/// Content of `trust_change`: new conditions for a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustChange {
    /// Right that was granted, together with its entity.
    pub key: TrustKey,
    /// Parent grant on which the grant rests from now on; `None` if the authority itself granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Complete new conditions.
    pub conditions: Conditions,
}

/// Content of `trust_suspend` and `trust_resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStep {
    /// Right that the grant is about, together with its entity.
    pub key: TrustKey,
}

/// Content of `trust_revoke` and `trust_derecognise`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustEnd {
    /// Right that the grant or recognition is about, together with its entity.
    pub key: TrustKey,
    /// True if the grant or recognition is void: it counts as never made. The guard names the
    /// operation that made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// Status of a grant or of a delegation to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStatus {
    /// The grant counts.
    Active,
    /// The grant does not count until it is resumed.
    Suspended,
    /// The grant no longer counts and cannot be resumed.
    Revoked,
}

impl GrantStatus {
    /// Returns the name of the status in records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

/// A grant as its record holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// DID that made the grant.
    pub grantor: Did,
    /// Parent grant; `None` if the authority itself granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Conditions of the grant.
    pub conditions: Conditions,
    /// Status that the grantor last gave the grant.
    pub status: GrantStatus,
    /// Block time in ms of the last change of status.
    #[serde(skip)]
    pub since: u64,
    /// Id of the operation that suspended the grant; `None` if it is not suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Hash>,
    /// Id of the operation that made the grant. It names the grant: later operations are about this
    /// grant and not about one that replaced it.
    pub made: Hash,
    /// Block time in ms at which the grant was made.
    #[serde(skip)]
    pub granted: u64,
    /// Block time in ms at which the grant was made or last changed, when the chain above was found
    /// live.
    #[serde(skip)]
    pub confirmed: u64,
}

impl Timed for Grant {
    fn times(&self) -> Vec<u64> {
        vec![self.since, self.granted, self.confirmed]
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        let [since, granted, confirmed] = *times else { return None };
        Some(Self { since, granted, confirmed, ..self })
    }
}

impl Grant {
    /// Returns the block time in ms at which the grant was voided, as far as the view knows.
    pub fn voided(&self, view: &dyn RecordView) -> Result<Option<u64>, StoreError> {
        voided_since(view, &self.made, self.status != GrantStatus::Revoked)
    }
}

/// Value of a record of grants: all grants of one right to one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// DID from which the right comes.
    pub authority: Did,
    /// Action that the right allows.
    pub action: ActionName,
    /// Resource or pattern on which it is allowed.
    pub resource: Resource,
    /// Entity that holds the right.
    pub entity: EntityId,
    /// The grants by their places, at most one for each grantor. The first place is that of the
    /// authority.
    pub slots: BTreeMap<PartId, Grant>,
}

impl RecordValue for Grants {
    const KIND: Kind = Kind::Grant;

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        let mut grants = Self::new(&entry.part_value::<TrustKey>(PartId::RIGHT)?);
        for part in entry.parts.iter().filter(|part| PartId::SLOTS.contains(&part.id)) {
            grants.slots.insert(part.id, part.timed()?);
        }
        Ok(grants)
    }
}

impl Grants {
    /// Makes the value of a record that holds no grant yet.
    pub fn new(key: &TrustKey) -> Self {
        let TrustKey { authority, action, resource, entity } = key.clone();
        Self { authority, action, resource, entity, slots: BTreeMap::new() }
    }

    /// Returns the right that the grants are about.
    pub fn key(&self) -> TrustKey {
        TrustKey {
            authority: self.authority.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            entity: self.entity.clone(),
        }
    }

    /// Returns the grant made by this grantor.
    pub fn by(&self, grantor: &Did) -> Option<&Grant> {
        self.slots.values().find(|grant| grant.grantor == *grantor)
    }

    /// Returns the grant that this operation made.
    pub fn made_by(&self, operation: &Hash) -> Option<&Grant> {
        self.slots.values().find(|grant| grant.made == *operation)
    }

    /// Returns the place of the grant made by this grantor.
    pub fn slot_of(&self, grantor: &Did) -> Option<PartId> {
        let mut slots = self.slots.iter();
        slots.find(|(_, grant)| grant.grantor == *grantor).map(|(slot, _)| *slot)
    }

    /// Returns the grants made by others than the authority, ascending by grantor.
    pub fn by_others(&self) -> Vec<&Grant> {
        let others = self.slots.values().filter(|grant| grant.grantor != self.authority);
        let mut others: Vec<&Grant> = others.collect();
        others.sort_by_key(|grant| &grant.grantor);
        others
    }

    /// Returns all grants: that of the authority, then those of others, ascending by grantor.
    pub fn all(&self) -> Vec<&Grant> {
        self.by(&self.authority).into_iter().chain(self.by_others()).collect()
    }
}
