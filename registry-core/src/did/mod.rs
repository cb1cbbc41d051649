//! DIDs: what is registered, who controls it, and the rules of its life
//! (docs/protocol/did-idem.md).

pub mod control;
pub mod document;

use serde::{Deserialize, Serialize};

pub use control::{KeySet, Member, NextSet, Recovery, Sets};
pub use document::Document;

use crate::codec::{self};
use crate::crypto::Hash;
use crate::record::{Kind, RecordValue};

/// A new DID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidCreate {
    /// Who controls it.
    pub sets: Sets,
    /// Its document.
    pub document: Document,
}

/// Another document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidUpdate {
    /// The whole new document.
    pub document: Document,
}

/// Members of the next set, shown for the first time; strictly ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// Each must match a commitment; those who sign count towards the next threshold.
    pub revealed: Vec<Member>,
}

/// New sets and document, by the next set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidRotate {
    /// The members that act.
    pub reveal: Reveal,
    /// The complete new sets.
    pub sets: Sets,
    /// The complete new document.
    pub document: Document,
}

/// New sets and document after the recovery delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidRecover {
    /// The complete new sets.
    pub sets: Sets,
    /// The complete new document.
    pub document: Document,
}

/// A recovery that waits for its delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingRecovery {
    /// Block time of its start in ms.
    pub started_ms: u64,
    /// Live time in ms from which it can be completed.
    pub matures_live_ms: u64,
    /// The recover operation.
    pub operation: Hash,
    /// What it will put in place.
    pub recover: DidRecover,
}

/// A DID that is not deactivated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidState {
    /// Who controls it.
    pub sets: Sets,
    /// Its document.
    pub document: Document,
    /// The recovery under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingRecovery>,
    /// Live time in ms before which no recovery may start, after a veto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover_from_live_ms: Option<u64>,
}

/// The value of a DID's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DidValue {
    /// In use.
    Active(Box<DidState>),
    /// Ended for ever; earlier versions stay readable.
    Deactivated,
}

impl RecordValue for DidValue {
    const KIND: Kind = Kind::Did;
}

impl DidValue {
    /// Whether these are the value bytes of a deactivated DID; spends nothing on a document.
    pub fn is_deactivated(bytes: &[u8]) -> bool {
        bytes == codec::encode(&Self::Deactivated)
    }
}
