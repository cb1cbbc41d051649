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
    /// Endorsement that is needed; absent if the author may write by its own right.
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsement: Option<EndorsementRequest>,
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

/// The endorsement that an operation needs. One of the endorsers listed must sign.
#[derive(Debug, Clone, Serialize)]
struct EndorsementRequest {
    role: Role,
    /// The 32 bytes to sign.
    message: Bytes,
    endorsers: Vec<Endorser>,
}

/// A DID with the right to write, and what is left of its quota.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endorser {
    /// DID of the endorser.
    pub did: Did,
    /// Number of operations that it endorsed in the current hour.
    pub used: u64,
    /// Number of operations that it may endorse in an hour.
    pub operations_per_hour: u64,
    /// Start of the next hour (RFC 3339).
    pub refills_at: String,
}

impl Draft {
    /// Returns the answer to the client. `endorsers` are the DIDs that can endorse the operation;
    /// `None` if it needs no endorsement.
    pub fn answer(self, endorsers: Option<Vec<Endorser>>) -> Prepared {
        let message = |role: Role| Bytes(role.message(&self.id).to_vec());
        let signatures = self.signers.into_iter();
        let signatures = signatures
            .map(|signers| SignatureRequest { message: message(signers.role), signers })
            .collect();
        let role = Role::Endorser;
        let endorsement = endorsers.map(|endorsers| EndorsementRequest {
            role,
            message: message(role),
            endorsers,
        });
        Prepared {
            body: Bytes(self.body),
            operation: self.id,
            subject: self.subject,
            signatures,
            endorsement,
            explanation: self.explanation,
        }
    }
}
