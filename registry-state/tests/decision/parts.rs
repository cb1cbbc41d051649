//! The values of records that these tests alter, and their parts.

use registry_core::agent::Delegation;
use registry_core::codec::{self, FixedBytes};
use registry_core::did::{DidState, DidValue, RecoveryPart, Sets};
use registry_core::record::{Part, PartId, PartWrite, RecordValue, Timed};
use registry_core::schema::{CredentialType, Schema};
use registry_core::status::StatusList;
use registry_core::trust::Grants;
use serde::Serialize;

/// A value that can be written back into its record.
pub(crate) trait Parts: RecordValue {
    fn parts(&self) -> Vec<Part>;
}

fn part(id: PartId, value: &impl Serialize) -> Part {
    written(PartWrite::set(id, codec::encode(value)))
}

fn timed(id: PartId, value: &impl Timed) -> Part {
    written(PartWrite::timed(id, value))
}

fn written(write: PartWrite) -> Part {
    write.written(1, &FixedBytes([0; 16])).expect("a part that is set")
}

impl Parts for Delegation {
    fn parts(&self) -> Vec<Part> {
        vec![timed(PartId::WHOLE, self)]
    }
}

impl Parts for Schema {
    fn parts(&self) -> Vec<Part> {
        vec![timed(PartId::WHOLE, self)]
    }
}

impl Parts for CredentialType {
    fn parts(&self) -> Vec<Part> {
        vec![timed(PartId::WHOLE, self)]
    }
}

impl Parts for StatusList {
    fn parts(&self) -> Vec<Part> {
        vec![part(PartId::TERMS, self), part(PartId::ARRAY, &self.root)]
    }
}

impl Parts for Grants {
    fn parts(&self) -> Vec<Part> {
        let slots = self.slots.iter().map(|(id, grant)| timed(*id, grant));
        [part(PartId::RIGHT, &self.key())].into_iter().chain(slots).collect()
    }
}

impl Parts for DidValue {
    fn parts(&self) -> Vec<Part> {
        let Self::Active(state) = self else { return vec![part(PartId::CONTROL, &None::<Sets>)] };
        let DidState { sets, document, pending, recover_from_live_ms, marks } = (**state).clone();
        let mut parts = vec![
            part(PartId::CONTROL, &Some(sets)),
            timed(PartId::RECOVERY, &RecoveryPart { pending, recover_from_live_ms }),
            part(PartId::DOCUMENT, &document),
        ];
        parts.extend((!marks.is_empty()).then(|| part(PartId::MARKS, &marks)));
        parts
    }
}
