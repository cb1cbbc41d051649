//! The values of records that these tests alter, and their parts.

use registry_core::agent::Delegation;
use registry_core::codec::{self, Bytes, FixedBytes};
use registry_core::did::{DidState, DidValue, RecoveryPart, Sets};
use registry_core::record::{Part, PartId, RecordValue};
use registry_core::schema::{CredentialType, Schema};
use registry_core::status::StatusList;
use registry_core::trust::Grants;
use serde::Serialize;

/// A value that can be written back into its record.
pub(crate) trait Parts: RecordValue {
    fn parts(&self) -> Vec<Part>;
}

fn part(id: PartId, value: &impl Serialize) -> Part {
    Part { id, number: 1, salt: FixedBytes([0; 16]), value: Bytes(codec::encode(value)) }
}

impl Parts for Delegation {
    fn parts(&self) -> Vec<Part> {
        vec![part(PartId::WHOLE, self)]
    }
}

impl Parts for Schema {
    fn parts(&self) -> Vec<Part> {
        vec![part(PartId::WHOLE, self)]
    }
}

impl Parts for CredentialType {
    fn parts(&self) -> Vec<Part> {
        vec![part(PartId::WHOLE, self)]
    }
}

impl Parts for StatusList {
    fn parts(&self) -> Vec<Part> {
        vec![part(PartId::TERMS, self), part(PartId::ARRAY, &self.root)]
    }
}

impl Parts for Grants {
    fn parts(&self) -> Vec<Part> {
        let slots = self.slots.iter().map(|(id, grant)| part(*id, grant));
        [part(PartId::RIGHT, &self.key())].into_iter().chain(slots).collect()
    }
}

impl Parts for DidValue {
    fn parts(&self) -> Vec<Part> {
        let Self::Active(state) = self else { return vec![part(PartId::CONTROL, &None::<Sets>)] };
        let DidState { sets, document, pending, recover_from_live_ms, marks } = (**state).clone();
        let mut parts = vec![
            part(PartId::CONTROL, &Some(sets)),
            part(PartId::RECOVERY, &RecoveryPart { pending, recover_from_live_ms }),
            part(PartId::DOCUMENT, &document),
        ];
        parts.extend((!marks.is_empty()).then(|| part(PartId::MARKS, &marks)));
        parts
    }
}
