//! The keys of one DID, and the operations that they sign.

use keys::SecretKey;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, Suite};
use registry_core::did::document::{KeyMaterial, Multikey, VerificationMethod};
use registry_core::did::{
    DidCreate, DidRotate, DidUpdate, Document, KeySet, Member, NextSet, Reveal, Sets,
};
use registry_core::id::{Did, MethodUrl, NetworkName, Suffix};
use registry_core::operation::{
    Action, Guard, MethodSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};

/// Facts of a chain that clients need to sign.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Chain id.
    pub id: Hash,
    /// The network's name in its DIDs.
    pub network: NetworkName,
}

/// A signed operation.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Operation id.
    pub operation: Hash,
    /// Canonical encoding of the envelope.
    pub envelope: Vec<u8>,
}

/// Control keys of a DID, and the next key that it committed to.
pub struct Wallet {
    /// Chain of the DID.
    pub chain: Chain,
    /// Control keys, all of which must sign.
    pub control: Vec<SecretKey>,
    /// Key behind the commitment.
    pub next: SecretKey,
    /// DID; set by [`Wallet::create`].
    pub did: Option<Did>,
}

/// Envelope of a body, signed by `keys` in `role`.
pub fn seal(body: Vec<u8>, role: Role, keys: &[&SecretKey]) -> Signed {
    let signer = |key: &&SecretKey| Signer::Key(key.public().clone());
    let signers: Vec<_> = keys.iter().map(|key| (signer(key), *key)).collect();
    seal_by(body, role, &signers)
}

fn seal_by(body: Vec<u8>, role: Role, signers: &[(Signer, &SecretKey)]) -> Signed {
    let operation = operation_id(&body);
    let sign = |(by, key): &(Signer, &SecretKey)| Signature {
        role,
        by: by.clone(),
        value: Bytes(key.sign_operation(&role.message(&operation)).to_vec()),
    };
    let envelope = SignedOperation::new(body, signers.iter().map(sign).collect()).bytes();
    Signed { operation, envelope }
}

/// A document with `key` as its only verification method and `names` alternative names.
pub fn document(key: &SecretKey, names: usize) -> Document {
    let material = Multikey::from_text(&key.public().to_string()).expect("a multikey");
    let id: registry_core::id::Fragment = "key-1".parse().expect("a fragment");
    let name = |number| format!("https://example.org/{number}");
    Document {
        also_known_as: (0..names).map(name).collect(),
        verification_method: vec![VerificationMethod::new(
            id.clone(),
            KeyMaterial::Multikey(material),
        )],
        authentication: vec![id.clone()],
        assertion_method: vec![id.clone()],
        capability_invocation: vec![id],
        ..Document::default()
    }
}

fn new_key(suite: Suite) -> SecretKey {
    SecretKey::generate(suite).expect("the system's randomness")
}

/// Random bytes for an operation, taken from a new public key.
pub(super) fn salt() -> FixedBytes<16> {
    let key = new_key(Suite::Ed25519);
    FixedBytes(key.public().raw()[..16].try_into().expect("16 bytes"))
}

fn key_set(keys: &[SecretKey]) -> KeySet {
    let mut members: Vec<_> = keys.iter().map(|key| Member::Key(key.public().clone())).collect();
    members.sort();
    KeySet { threshold: keys.len().try_into().expect("few keys"), members }
}

fn next_set(key: &SecretKey) -> NextSet {
    let commitments = vec![NextSet::commitment(key.public())];
    NextSet { threshold: 1, commitments }
}

impl Wallet {
    /// Makes new keys, of which `controllers` must all sign.
    pub fn new(chain: &Chain, suite: Suite, controllers: usize) -> Self {
        let control = (0..controllers).map(|_| new_key(suite)).collect();
        Self { chain: chain.clone(), control, next: new_key(suite), did: None }
    }

    /// The DID, once [`Wallet::create`] was called.
    pub fn did(&self) -> Did {
        self.did.clone().expect("create comes first")
    }

    fn sets(&self) -> Sets {
        Sets { control: key_set(&self.control), next: next_set(&self.next), recovery: None }
    }

    /// Body of an operation of this DID on its chain.
    pub fn operation(&self, guard: Guard, action: Action) -> Operation {
        let (chain, author) = (self.chain.id, self.did.clone());
        Operation { chain, author, endorser: None, guard, salt: salt(), action }
    }

    fn by_control(&self, operation: &Operation) -> Signed {
        seal(operation.body(), Role::Control, &self.control.iter().collect::<Vec<_>>())
    }

    /// An operation that does not change the DID itself, signed by the only verification method of
    /// its document.
    pub fn act(&self, guard: Guard, action: Action) -> Signed {
        let key = &self.control[0];
        let fragment = "key-1".parse().expect("a fragment");
        let url = MethodUrl { did: self.did(), fragment };
        let by = Signer::Method(MethodSigner { key: key.public().clone(), url });
        seal_by(self.operation(guard, action).body(), Role::Author, &[(by, key)])
    }

    /// Body of the create operation.
    pub fn create_operation(&self, names: usize) -> Operation {
        let document = document(&self.control[0], names);
        let create = DidCreate { sets: self.sets(), document };
        self.operation(Guard::Absent, Action::DidCreate(Box::new(create)))
    }

    /// The create operation. It determines the DID.
    pub fn create(&mut self) -> Signed {
        let signed = self.by_control(&self.create_operation(0));
        let suffix = Suffix::of_create(&signed.operation);
        self.did = Some(Did { network: self.chain.network.clone(), suffix });
        signed
    }

    /// An update of the document over the version with record hash `previous`.
    pub fn update(&self, previous: Hash, names: usize) -> Signed {
        let document = document(&self.control[0], names);
        let action = Action::DidUpdate(Box::new(DidUpdate { document }));
        self.by_control(&self.operation(Guard::Previous(previous), action))
    }

    /// Makes the next key the control key. Returns the operation and the old control keys.
    pub fn rotate(&mut self, previous: Hash) -> (Signed, Vec<SecretKey>) {
        let suite = self.next.public().suite();
        let revealed = std::mem::replace(&mut self.next, new_key(suite));
        let reveal = Reveal { revealed: vec![Member::Key(revealed.public().clone())] };
        let old = std::mem::replace(&mut self.control, vec![revealed]);
        let document = document(&self.control[0], 0);
        let rotate = DidRotate { reveal, sets: self.sets(), document };
        let action = Action::DidRotate(Box::new(rotate));
        let operation = self.operation(Guard::Previous(previous), action);
        (seal(operation.body(), Role::Next, &[&self.control[0]]), old)
    }
}
