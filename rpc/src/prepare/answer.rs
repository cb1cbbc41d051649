//! The JSON answer of the prepare methods.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::Role;
use serde::Serialize;

use super::form::Draft;
use super::signers::{Signers, Subject};

/// The body of an operation, and the signatures that its envelope needs.
#[derive(Debug, Clone, Serialize)]
pub struct Prepared {
    /// Canonical bytes of the operation, which become the `body` of the envelope.
    body: Bytes,
    /// Id of the operation. It does not depend on who signs.
    operation: Hash,
    #[serde(flatten)]
    subject: Subject,
    /// Signatures that are needed; empty if none is. If several requests name the same DID, one
    /// of them is enough.
    signatures: Vec<SignatureRequest>,
    /// DID that the body names as endorser, which must sign too; absent if it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    endorser: Option<Did>,
    /// Effect of the operation in words, for the person who signs.
    explanation: String,
}

/// A request for signatures in one role.
#[derive(Debug, Clone, Serialize)]
struct SignatureRequest {
    #[serde(flatten)]
    signers: Signers,
    /// The 32 bytes to sign.
    message: Bytes,
}

impl Draft {
    /// Returns the answer to the client.
    pub fn answer(self) -> Prepared {
        let message = |role: Role| Bytes(role.message(&self.id).to_vec());
        let signatures = self.signers.into_iter();
        let signatures = signatures
            .map(|signers| SignatureRequest { message: message(signers.role), signers })
            .collect();
        Prepared {
            body: Bytes(self.body),
            operation: self.id,
            subject: self.subject,
            signatures,
            endorser: self.operation.endorser,
            explanation: self.explanation,
        }
    }
}
