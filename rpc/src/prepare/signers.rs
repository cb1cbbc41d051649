//! What an operation is about and who signs it, as JSON answers hold them.

use registry_core::crypto::Hash;
use registry_core::did::Member;
use registry_core::id::{Did, ListId, SchemaId};
use registry_core::names::{Resource, TrustKey};
use registry_core::operation::{Role, Signer};
use serde::Serialize;

/// What an operation is about.
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
    /// Who publishes it.
    pub publisher: Did,
    /// Its name there.
    pub name: Resource,
}

/// Who may sign in one role, and how many of them must.
#[derive(Debug, Clone, Serialize)]
pub struct Signers {
    /// The DID that signs by them, where several DIDs must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Did>,
    /// The role in which they sign.
    pub role: Role,
    /// How many of them must sign.
    pub threshold: u8,
    /// Those who may.
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
    /// Members of one of a DID's sets.
    pub(super) fn of_set(role: Role, threshold: u8, members: Vec<Member>) -> Self {
        let members = members.into_iter().map(OneSigner::Member).collect();
        Self { of: None, role, threshold, members }
    }
}
