//! DIDs: their documents, the sets that control them, and the content of the actions that change
//! them (docs/protocol/did-idem.md).

pub mod control;
pub mod document;
pub mod marks;

use serde::{Deserialize, Serialize};

pub use control::{KeySet, Member, NextSet, Recovery, Sets};
pub use document::Document;
pub use marks::{Mark, Marks};

use crate::codec;
use crate::crypto::Hash;
use crate::record::{Entry, Kind, Part, PartId, PartWrite, RecordValue, StoreError, Timed};

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

/// Content of `did_rotate`: new sets, authorised by the next set, and a new document if the present
/// one shall not stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidRotate {
    /// Keys of the next set that the operation reveals.
    pub reveal: Reveal,
    /// Complete new sets.
    pub sets: Sets,
    /// Complete new document in place of whatever stands there, such as what a thief wrote; `None`
    /// if the present document stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
    /// Complete new list of marked keys, to which those of the new document are added; `None` if
    /// the present list stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Marks>,
}

/// Content of `did_recover`: new sets and a new document that take effect after the recovery delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidRecover {
    /// Complete new sets.
    pub sets: Sets,
    /// Complete new document.
    pub document: Document,
    /// Complete new list of marked keys, to which those of the document are added at completion;
    /// `None` if the list that stands then stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Marks>,
}

impl DidRotate {
    /// Returns the number of public keys that the operation brings.
    pub fn keys(&self) -> usize {
        let document = self.document.as_ref().map_or(0, Document::keys);
        self.reveal.revealed.len().saturating_add(self.sets.keys()).saturating_add(document)
    }
}

impl DidRecover {
    /// Returns the number of public keys that the operation brings.
    pub fn keys(&self) -> usize {
        self.sets.keys().saturating_add(self.document.keys())
    }
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
    /// Keys that the DID has disowned.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
}

/// Value of the part of a DID's record that holds its recovery. The part is absent until the first
/// recovery starts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "RecoveryRow", into = "RecoveryRow")]
pub struct RecoveryPart {
    /// Pending recovery, if there is one.
    pub pending: Option<PendingRecovery>,
    /// Live time in ms before which no recovery may start, because the last one was vetoed. `None`
    /// while a recovery is pending.
    pub recover_from_live_ms: Option<u64>,
}

/// The recovery of a DID as it is encoded. A pending recovery has the times `started_ms` and
/// `matures_live_ms` beside it, and a vetoed one `recover_from_live_ms`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoveryRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingRow>,
}

/// Operation of a pending recovery and its content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PendingRow {
    operation: Hash,
    recover: DidRecover,
}

impl From<RecoveryRow> for RecoveryPart {
    fn from(RecoveryRow { pending }: RecoveryRow) -> Self {
        let pending = pending.map(|PendingRow { operation, recover }| PendingRecovery {
            started_ms: 0,
            matures_live_ms: 0,
            operation,
            recover,
        });
        Self { pending, recover_from_live_ms: None }
    }
}

impl From<RecoveryPart> for RecoveryRow {
    fn from(RecoveryPart { pending, .. }: RecoveryPart) -> Self {
        let row = |PendingRecovery { operation, recover, .. }| PendingRow { operation, recover };
        Self { pending: pending.map(row) }
    }
}

impl Timed for RecoveryPart {
    fn times(&self) -> Vec<u64> {
        match &self.pending {
            Some(pending) => vec![pending.started_ms, pending.matures_live_ms],
            None => self.recover_from_live_ms.into_iter().collect(),
        }
    }

    fn with_times(self, times: &[u64]) -> Option<Self> {
        match (self.pending, times) {
            (Some(pending), &[started_ms, matures_live_ms]) => {
                let pending = Some(PendingRecovery { started_ms, matures_live_ms, ..pending });
                Some(Self { pending, recover_from_live_ms: None })
            }
            (None, []) => Some(Self::default()),
            (None, &[from]) => Some(Self { pending: None, recover_from_live_ms: Some(from) }),
            (Some(_) | None, _) => None,
        }
    }
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

    fn read(entry: &Entry) -> Result<Self, StoreError> {
        let Some(sets) = entry.part_value::<Option<Sets>>(PartId::CONTROL)? else {
            return Ok(Self::Deactivated);
        };
        let recovery = entry.part(PartId::RECOVERY).map(|part| part.timed()).transpose()?;
        let RecoveryPart { pending, recover_from_live_ms } = recovery.unwrap_or_default();
        let document = entry.part_value(PartId::DOCUMENT)?;
        let marks = entry.part(PartId::MARKS).map(|part| part.value()).transpose()?;
        let marks = marks.unwrap_or_default();
        let state = DidState { sets, document, pending, recover_from_live_ms, marks };
        Ok(Self::Active(Box::new(state)))
    }
}

/// Returns the part that holds these sets.
pub fn control_part(sets: &Sets) -> PartWrite {
    PartWrite::set(PartId::CONTROL, codec::encode(&Some(sets)))
}

/// Returns the part that holds this document.
pub fn document_part(document: &Document) -> PartWrite {
    PartWrite::set(PartId::DOCUMENT, codec::encode(document))
}

/// Returns the part that holds this list of marked keys.
pub fn marks_part(marks: &Marks) -> PartWrite {
    PartWrite::set(PartId::MARKS, codec::encode(marks))
}

/// Returns the parts that a deactivation writes. Nothing but the sign of the deactivation remains.
/// Whoever needs the marked keys of a deactivated DID reads the version before.
pub fn deactivated_parts() -> Vec<PartWrite> {
    let sign = PartWrite::set(PartId::CONTROL, codec::encode(&None::<Sets>));
    let gone = [PartId::RECOVERY, PartId::DOCUMENT, PartId::MARKS];
    let gone = gone.map(PartWrite::remove);
    [sign].into_iter().chain(gone).collect()
}

/// True if this is a version of a DID's record that says that the DID is deactivated. The function
/// decodes no document.
pub fn is_deactivated(entry: &Entry) -> bool {
    entry.part(PartId::CONTROL).is_some_and(says_deactivated)
}

/// True if this control part says that the DID is deactivated.
pub fn says_deactivated(control: &Part) -> bool {
    control.value.0 == codec::encode(&None::<Sets>)
}
