//! DIDs that exist from genesis on and sign with one key: the issuer of the status list and the
//! governors.

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey, Purpose, Suite};
use registry_core::did::{DidCreate, Document, KeySet, Member, NextSet, Sets};
use registry_core::id::{Did, NetworkName, Suffix};
use registry_core::operation::{
    Action, Guard, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_state::rules::{Checked, check_stateless};

/// A DID that exists from genesis on, with its key.
#[derive(Debug, Clone)]
pub struct Author {
    /// The DID.
    pub did: Did,
    key: SigningKey,
}

fn public(key: &SigningKey) -> PublicKey {
    let raw = key.verifying_key().to_bytes();
    PublicKey::new(Suite::Ed25519, &raw).expect("an Ed25519 key")
}

fn seal(operation: &Operation, role: Role, key: &SigningKey, network: &NetworkName) -> Checked {
    let body = operation.body();
    let value = key.sign(&role.message(&operation_id(&body))).to_bytes().to_vec();
    let by = Signer::Key(public(key));
    let bytes =
        SignedOperation::new(body, vec![Signature { role, by, value: Bytes(value) }]).bytes();
    check_stateless(&bytes, operation.chain, network).expect("a good operation")
}

impl Author {
    /// Makes the DID with this name, and the operation of genesis that creates it.
    pub fn genesis(name: &str, network: &NetworkName) -> (Self, Checked) {
        let key = SigningKey::from_bytes(&Hash::of(Purpose::Gossip, &[name.as_bytes()]).0);
        let public = public(&key);
        let next = NextSet { threshold: 1, commitments: vec![NextSet::commitment(&public)] };
        let control = KeySet { threshold: 1, members: vec![Member::Key(public)] };
        let sets = Sets { control, next, recovery: None };
        let create = DidCreate { sets, document: Document::default() };
        let operation = Operation {
            chain: Hash::ZERO,
            author: None,
            endorser: None,
            guard: Guard::Absent,
            until: None,
            salt: FixedBytes([0; 16]),
            action: Action::DidCreate(Box::new(create)),
        };
        let create = seal(&operation, Role::Control, &key, network);
        let suffix = Suffix::of_create(&create.id());
        (Self { did: Did { network: network.clone(), suffix }, key }, create)
    }

    /// An operation of this DID, signed by its control key in `role`.
    pub fn act(
        &self,
        chain: Hash,
        (guard, until): (Guard, Option<u64>),
        salt: FixedBytes<16>,
        (role, action): (Role, Action),
    ) -> Checked {
        let operation = Operation {
            chain,
            author: Some(self.did.clone()),
            endorser: None,
            guard,
            until,
            salt,
            action,
        };
        seal(&operation, role, &self.key, &self.did.network)
    }
}
