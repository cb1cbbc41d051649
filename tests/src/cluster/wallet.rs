//! Keys of one DID and the operations that they sign.

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

/// What a client signs for.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Chain id.
    pub id: Hash,
    /// The network's name in its DIDs.
    pub network: NetworkName,
}

/// An operation as it is sent.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Its id.
    pub operation: Hash,
    /// The canonical envelope.
    pub envelope: Vec<u8>,
}

/// The control keys of a DID and those that it committed to.
pub struct Wallet {
    /// The chain it is on.
    pub chain: Chain,
    /// All of these sign.
    pub control: Vec<SecretKey>,
    /// The one key behind the commitment.
    pub next: SecretKey,
    /// Set by [`Wallet::create`].
    pub did: Option<Did>,
}

/// The envelope of a body that `keys` sign in `role`.
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

/// A document with `key` as its one method and `names` other names.
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

/// Random bytes for an operation; a new public key is as good as any.
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
    let commitments = vec![Member::Key(key.public().clone()).commitment()];
    NextSet { threshold: 1, commitments }
}

impl Wallet {
    /// New keys; `controllers` of them must all sign.
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

    /// The body of an operation of this DID on its chain.
    pub fn operation(&self, guard: Guard, action: Action) -> Operation {
        let (chain, author) = (self.chain.id, self.did.clone());
        Operation { chain, author, guard, salt: salt(), action }
    }

    fn by_control(&self, operation: &Operation) -> Signed {
        seal(operation.body(), Role::Control, &self.control.iter().collect::<Vec<_>>())
    }

    /// An operation outside the DID's own life, signed by the one method of its document.
    pub fn act(&self, guard: Guard, action: Action) -> Signed {
        let key = &self.control[0];
        let fragment = "key-1".parse().expect("a fragment");
        let url = MethodUrl { did: self.did(), fragment };
        let by = Signer::Method(MethodSigner { key: key.public().clone(), url });
        seal_by(self.operation(guard, action).body(), Role::Author, &[(by, key)])
    }

    /// The body of the create.
    pub fn create_operation(&self, names: usize) -> Operation {
        let document = document(&self.control[0], names);
        let create = DidCreate { sets: self.sets(), document };
        self.operation(Guard::Absent, Action::DidCreate(Box::new(create)))
    }

    /// A create; fixes the DID.
    pub fn create(&mut self) -> Signed {
        let signed = self.by_control(&self.create_operation(0));
        let suffix = Suffix::of_create(&signed.operation);
        self.did = Some(Did { network: self.chain.network.clone(), suffix });
        signed
    }

    /// Another document over the version with record hash `previous`.
    pub fn update(&self, previous: Hash, names: usize) -> Signed {
        let document = document(&self.control[0], names);
        let action = Action::DidUpdate(Box::new(DidUpdate { document }));
        self.by_control(&self.operation(Guard::Previous(previous), action))
    }

    /// Puts the next key into control and answers the control keys that are rotated out.
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
