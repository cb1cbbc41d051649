//! A prepared operation as JSON answers hold it.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::Role;
use serde::Serialize;

use super::form::Draft;
use super::signers::{Signers, Subject};

/// A body and what is needed to make an envelope of it.
#[derive(Debug, Clone, Serialize)]
pub struct Prepared {
    /// Canonical bytes: the `body` of the envelope.
    body: Bytes,
    /// Id of the operation, whoever signs it.
    operation: Hash,
    #[serde(flatten)]
    subject: Subject,
    /// Empty where no signature is needed. Of those of one DID, one is enough.
    signatures: Vec<SignatureRequest>,
    /// What an endorser signs, where the author may not write by its own right.
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsement: Option<EndorsementRequest>,
    /// What it does, for the person who signs.
    explanation: String,
}

/// Who must sign, and what.
#[derive(Debug, Clone, Serialize)]
struct SignatureRequest {
    #[serde(flatten)]
    signers: Signers,
    /// The 32 bytes to sign.
    message: Bytes,
}

/// The endorsement that an operation needs, by any one of those named.
#[derive(Debug, Clone, Serialize)]
struct EndorsementRequest {
    role: Role,
    /// The 32 bytes to sign.
    message: Bytes,
    endorsers: Vec<Endorser>,
}

/// Somebody with the right to write, and what is left of its quota.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endorser {
    /// Who it is.
    pub did: Did,
    /// Operations that it vouched for in this hour.
    pub used: u64,
    /// Operations that it may vouch for in an hour.
    pub operations_per_hour: u64,
    /// When the next hour begins, RFC 3339.
    pub refills_at: String,
}

impl Draft {
    /// The answer to the client, with those who can endorse the operation where it needs that.
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
