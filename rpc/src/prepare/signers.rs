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
    /// A DID with its keys, its document and its roots.
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

    /// True if the members are methods of a DID's document.
    pub(super) fn are_methods(&self) -> bool {
        matches!(self.members.first(), Some(OneSigner::Method(_)))
    }

    /// True if `other` can sign in place of these signers.
    fn is_alternative(&self, other: &Self) -> bool {
        self.of.is_some() && self.of == other.of
    }
}

/// Returns a sentence that says who signs. Sets of one DID are alternatives; see
/// [`super::Draft::signers`].
pub(super) fn needs(signers: &[Signers]) -> String {
    let parties = signers.chunk_by(Signers::is_alternative).map(|alternatives| {
        let [first, others @ ..] = alternatives else { return String::new() };
        let Some(did) = &first.of else {
            return format!("{} of {} members", first.threshold, first.members.len());
        };
        match (first.are_methods(), others.is_empty()) {
            (true, true) => format!("{did} by one method under capabilityInvocation"),
            (true, false) => {
                format!("{did} by one method under capabilityInvocation or by its control set")
            }
            (false, _) => format!("{did} by its control set alone"),
        }
    });
    let parties: Vec<String> = parties.collect();
    match parties.is_empty() {
        true => "It needs no signature.".to_owned(),
        false => format!("It needs signatures of {}.", parties.join(" and of ")),
    }
}
