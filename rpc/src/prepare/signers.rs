//! The subject of an operation and its signers, as JSON answers hold them.

use registry_core::crypto::Hash;
use registry_core::did::Member;
use registry_core::id::{Did, ListId, SchemaId};
use registry_core::names::{Resource, TrustKey};
use registry_core::operation::{Role, Signer};
use serde::Serialize;

/// The object that an operation changes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A DID and its keys or document.
    Did(Did),
    /// A status list.
    List(ListId),
    /// The right that a grant or a recognition is about.
    Right(TrustKey),
    /// An agent.
    Agent(Did),
    /// A proposal of governance.
    Proposal(Hash),
    /// A schema.
    Schema(SchemaId),
    /// A credential type.
    #[serde(rename = "credentialType")]
    CredentialType(PublishedType),
}

/// A credential type by its publisher and name.
#[derive(Debug, Clone, Serialize)]
pub struct PublishedType {
    /// DID of the publisher.
    pub publisher: Did,
    /// Name of the type, unique for its publisher.
    pub name: Resource,
}

/// A set of signers in one role.
#[derive(Debug, Clone, Serialize)]
pub struct Signers {
    /// DID that the set signs for; absent if the operation has only one party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Did>,
    /// Role of the signatures.
    pub role: Role,
    /// Number of members that must sign.
    pub threshold: u8,
    /// Keys, DIDs or methods that may sign.
    pub members: Vec<OneSigner>,
}

/// A member of a set, or a method as the envelope names it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum OneSigner {
    /// A member of a DID's set of keys.
    Member(Member),
    /// A method of a DID's document.
    Method(Signer),
}

impl Signers {
    /// Makes the signers of one of a DID's key sets.
    pub(super) fn of_set(role: Role, threshold: u8, members: Vec<Member>) -> Self {
        let members = members.into_iter().map(OneSigner::Member).collect();
        Self { of: None, role, threshold, members }
    }
}
