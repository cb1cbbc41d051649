//! DIDs: their documents, the sets that control them, and the content of the actions that change
//! them (docs/protocol/did-idem.md).

pub mod control;
pub mod document;

use serde::{Deserialize, Serialize};

pub use control::{KeySet, Member, NextSet, Recovery, Sets};
pub use document::Document;

use crate::codec::{self};
use crate::crypto::Hash;
use crate::record::{Kind, RecordValue};

/// Content of `did_create`: a new DID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidCreate {
    /// Sets that will control the DID.
    pub sets: Sets,
    /// First document of the DID.
    pub document: Document,
}

/// Content of `did_update`: a new document in place of the present one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidUpdate {
    /// Complete new document.
    pub document: Document,
}

/// Keys of the next set, which the operation reveals for the first time. It is the content of
/// `did_deactivate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// Revealed members, strictly ascending. All are keys. Each must match a commitment, and those
    /// that sign count towards the threshold of the next set.
    pub revealed: Vec<Member>,
}

/// Content of `did_rotate`: new sets and a new document, authorised by the next set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidRotate {
    /// Keys of the next set that the operation reveals.
    pub reveal: Reveal,
    /// Complete new sets.
    pub sets: Sets,
    /// Complete new document.
    pub document: Document,
}

/// Content of `did_recover`: new sets and a new document that take effect after the recovery delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidRecover {
    /// Complete new sets.
    pub sets: Sets,
    /// Complete new document.
    pub document: Document,
}

/// A recovery whose delay has not been completed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingRecovery {
    /// Block time in ms at which the recovery was started.
    pub started_ms: u64,
    /// Live time in ms from which the recovery can be completed.
    pub matures_live_ms: u64,
    /// Id of the `did_recover` operation.
    pub operation: Hash,
    /// Sets and document that the recovery will put in place.
    pub recover: DidRecover,
}

/// State of a DID that is not deactivated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidState {
    /// Sets that control the DID.
    pub sets: Sets,
    /// Present document of the DID.
    pub document: Document,
    /// Pending recovery, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingRecovery>,
    /// Live time in ms before which no recovery may start, because the last one was vetoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover_from_live_ms: Option<u64>,
}

/// Value of a DID's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DidValue {
    /// The DID is in use.
    Active(Box<DidState>),
    /// The DID is deactivated for ever. Earlier versions of its record stay readable.
    Deactivated,
}

impl RecordValue for DidValue {
    const KIND: Kind = Kind::Did;
}

impl DidValue {
    /// True if these are the value bytes of a deactivated DID. The function decodes no document.
    pub fn is_deactivated(bytes: &[u8]) -> bool {
        bytes == codec::encode(&Self::Deactivated)
    }
}
