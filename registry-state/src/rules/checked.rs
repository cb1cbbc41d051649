//! An operation that passed the checks which need no state.

use registry_core::crypto::Hash;
use registry_core::id::{Did, ListId, SchemaId, Suffix};
use registry_core::operation::{Action, Operation, Role, Signature, Signer};
use registry_core::record::RecordKey;

/// An operation whose form and signatures were checked. It exists only as the result of
/// [`super::stateless::check_stateless`], so nothing unverified can reach the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub(super) operation: Operation,
    pub(super) signatures: Vec<Signature>,
    pub(super) id: Hash,
    pub(super) envelope_id: Hash,
    pub(super) bytes: Vec<u8>,
}

impl Checked {
    /// The operation.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Its verified signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The DID that vouches for the author by a signature of its own.
    pub fn endorser(&self) -> Option<&Did> {
        self.signatures.iter().find_map(|signature| match &signature.by {
            Signer::Method(method) if signature.role == Role::Endorser => Some(&method.url.did),
            _ => None,
        })
    }

    /// H(body): receipts and de-duplication.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// H(envelope): gossip, mempool and blocks.
    pub fn envelope_id(&self) -> Hash {
        self.envelope_id
    }

    /// The envelope's canonical bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record that the operation writes.
    pub fn record_key(&self) -> RecordKey {
        if let Some(agent) = self.operation.action.agent() {
            return RecordKey::delegation(agent);
        }
        match (&self.operation.action, &self.operation.author) {
            (Action::StatusCreate(_), _) => RecordKey::status(&ListId::of_create(&self.id)),
            (Action::StatusSet(set), _) => RecordKey::status(&set.list),
            (Action::StatusUpdate(update), _) => RecordKey::status(&update.list),
            (Action::StatusClose(close), _) => RecordKey::status(&close.list),
            (Action::GovernancePropose(_), _) => RecordKey::proposal(&self.id),
            (Action::GovernanceApprove(step) | Action::GovernanceWithdraw(step), _) => {
                RecordKey::proposal(&step.proposal)
            }
            (Action::ValidatorReady(ready), _) => RecordKey::ready(&ready.key),
            (Action::TrustRecognise(recognise), _) => RecordKey::recognition(&recognise.key),
            (Action::TrustDerecognise(step), _) => RecordKey::recognition(&step.key),
            (Action::SchemaPublish(publish), Some(author)) => {
                RecordKey::schema(&SchemaId::of_content(author, &publish.content))
            }
            (Action::SchemaWithdraw(withdraw), _) => RecordKey::schema(&withdraw.schema),
            (Action::CredentialTypePublish(publish), Some(author)) => {
                RecordKey::credential_type(author, &publish.name)
            }
            (Action::CredentialTypeWithdraw(withdraw), Some(author)) => {
                RecordKey::credential_type(author, &withdraw.name)
            }
            (action, author) => match (action.trust_key(), author) {
                (Some(key), _) => RecordKey::grant(key),
                (None, Some(author)) => RecordKey::did(&author.suffix),
                (None, None) => RecordKey::did(&Suffix::of_create(&self.id)),
            },
        }
    }
}

impl AsRef<Checked> for Checked {
    fn as_ref(&self) -> &Checked {
        self
    }
}
