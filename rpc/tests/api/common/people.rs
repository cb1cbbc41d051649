//! Owners of DIDs in the tests, with their keys, documents and signed operations.

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey, Suite};
use registry_core::did::document::Document;
use registry_core::did::{DidCreate, KeySet, Member, NextSet, Recovery, Sets};
use registry_core::operation::{
    Action, Guard, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use serde_json::{Value, json};

use super::DELAY_MS;

/// A person whose keys are derived from a number. `generation` counts the rotations.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) number: u8,
    pub(crate) generation: u8,
}

impl Person {
    pub(crate) fn new(number: u8) -> Self {
        Self { number, generation: 0 }
    }

    /// Returns the same person after a rotation.
    pub(crate) fn rotated(self) -> Self {
        Self { generation: self.generation + 1, ..self }
    }

    fn key(self, purpose: u8, generation: u8) -> SigningKey {
        let mut seed = [0; 32];
        seed[..3].copy_from_slice(&[self.number, purpose, generation]);
        SigningKey::from_bytes(&seed)
    }

    pub(crate) fn control(self) -> SigningKey {
        self.key(1, self.generation)
    }

    pub(crate) fn next(self) -> SigningKey {
        self.key(2, self.generation)
    }

    pub(crate) fn recovery(self) -> SigningKey {
        self.key(3, 0)
    }

    pub(crate) fn sets(self) -> Sets {
        let one = |key: &SigningKey| KeySet { threshold: 1, members: vec![member(key)] };
        let commitments = vec![NextSet::commitment(&public(&self.next()))];
        Sets {
            control: one(&self.control()),
            next: NextSet { threshold: 1, commitments },
            recovery: Some(Recovery { keys: one(&self.recovery()), delay_ms: DELAY_MS }),
        }
    }

    /// Returns a document with a method in two relationships, a method in none, and two services.
    pub(crate) fn document_json(self) -> Value {
        let multikey = public(&self.control()).to_string();
        json!({
            "verificationMethod": [
                { "id": "key-1", "publicKeyMultibase": multikey },
                { "id": "idle", "publicKeyMultibase": public(&self.next()).to_string() },
            ],
            "authentication": ["key-1"],
            "assertionMethod": ["key-1"],
            "service": [
                {
                    "id": "files",
                    "type": ["LinkedDomains"],
                    "serviceEndpoint": ["https://files.example/store/"],
                },
                {
                    "id": "chat",
                    "type": ["DIDCommMessaging"],
                    "serviceEndpoint": [{
                        "uri": "https://chat.example/in",
                        "accept": ["didcomm/v2"],
                    }],
                },
            ],
        })
    }

    pub(crate) fn document(self) -> Document {
        serde_json::from_value(self.document_json()).expect("a document")
    }

    /// Returns the same document with a method that may also sign operations.
    pub(crate) fn invoking(self) -> Document {
        let mut document = self.document_json();
        document["capabilityInvocation"] = json!(["key-1"]);
        serde_json::from_value(document).expect("a document")
    }
}

pub(crate) fn public(key: &SigningKey) -> PublicKey {
    PublicKey::new(Suite::Ed25519, key.verifying_key().as_bytes()).expect("32 bytes")
}

pub(crate) fn member(key: &SigningKey) -> Member {
    Member::Key(public(key))
}

/// Makes an envelope over `body` that `key` signs in `role`.
pub(crate) fn sign(body: Vec<u8>, role: Role, key: &SigningKey) -> SignedOperation {
    let message = role.message(&operation_id(&body));
    let value = Bytes(key.sign(&message).to_bytes().to_vec());
    let by = Signer::Key(public(key));
    SignedOperation::new(body, vec![Signature { role, by, value }])
}

/// Makes a signed operation that creates a DID. Every byte of its salt is `salt`.
pub(crate) fn create(chain: Hash, person: Person, salt: u8) -> SignedOperation {
    create_with(chain, person, person.document(), salt)
}

/// Does the same as [`create`] with another document.
pub(crate) fn create_with(
    chain: Hash,
    person: Person,
    document: Document,
    salt: u8,
) -> SignedOperation {
    let create = DidCreate { sets: person.sets(), document };
    let action = Action::DidCreate(Box::new(create));
    let salt = FixedBytes([salt; 16]);
    let (author, endorser, guard, until) = (None, None, Guard::Absent, None);
    let operation = Operation { chain, author, endorser, guard, until, salt, action };
    sign(operation.body(), Role::Control, &person.control())
}
