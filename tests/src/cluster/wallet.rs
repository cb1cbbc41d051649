//! The keys of one DID, and the operations that they sign.

use keys::SecretKey;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, Suite};
use registry_core::did::document::{KeyMaterial, Multikey, VerificationMethod};
use registry_core::did::{
    DidCreate, DidRotate, DidUpdate, Document, KeySet, Member, NextSet, Reveal, Sets, control_part,
    document_part,
};
use registry_core::id::{Did, MethodUrl, NetworkName, Suffix};
use registry_core::operation::{
    Action, Guard, MethodSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::{PartHead, PartId, PartWrite, RecordKey};

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

/// The control and the document of a DID as one of its operations left them. An operation over them
/// can be signed before a block holds the earlier one.
#[derive(Debug, Clone)]
pub struct Held {
    control: PartHead,
    document: PartHead,
}

impl Held {
    /// The parts after an operation that wrote `write` over them.
    fn after(&self, write: PartWrite, salt: &FixedBytes<16>) -> Self {
        let mut held = self.clone();
        let part = if write.id == PartId::CONTROL { &mut held.control } else { &mut held.document };
        let number = part.1 + 1;
        *part = write.written(number, salt).expect("a part that stays").head();
        held
    }
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
    /// What the newest operation left; set by [`Wallet::create`].
    pub held: Option<Held>,
}

/// Envelope of a body, signed by `keys` in `role`.
pub fn seal(body: Vec<u8>, role: Role, keys: &[&SecretKey]) -> Signed {
    let signer = |key: &&SecretKey| Signer::Key(key.public().clone());
    let signers: Vec<_> = keys.iter().map(|key| (signer(key), *key)).collect();
    seal_by(body, role, &signers)
}

/// Envelope of a body, signed in `role` by these signers, each with the key given beside it.
pub fn seal_by(body: Vec<u8>, role: Role, signers: &[(Signer, &SecretKey)]) -> Signed {
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

/// A new key.
pub fn new_key(suite: Suite) -> SecretKey {
    SecretKey::generate(suite).expect("the system's randomness")
}

/// Random bytes for an operation, taken from a new public key.
pub fn salt() -> FixedBytes<16> {
    let key = new_key(Suite::Ed25519);
    FixedBytes(key.public().raw()[..16].try_into().expect("16 bytes"))
}

fn key_set(keys: &[SecretKey]) -> KeySet {
    let mut members: Vec<_> = keys.iter().map(|key| Member::Key(key.public().clone())).collect();
    members.sort();
    KeySet { threshold: keys.len().try_into().expect("few keys"), members }
}

/// A set that needs this key, of which it holds only the commitment.
pub fn next_set(key: &SecretKey) -> NextSet {
    let commitments = vec![NextSet::commitment(key.public())];
    NextSet { threshold: 1, commitments }
}

impl Wallet {
    /// Makes new keys, of which `controllers` must all sign.
    pub fn new(chain: &Chain, suite: Suite, controllers: usize) -> Self {
        let control = (0..controllers).map(|_| new_key(suite)).collect();
        Self { chain: chain.clone(), control, next: new_key(suite), did: None, held: None }
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
        Operation { chain, author, endorser: None, guard, until: None, salt: salt(), action }
    }

    /// Guard over the DID's own record that names these parts.
    fn guard(&self, heads: &[PartHead]) -> Guard {
        Guard::of_heads(&RecordKey::did(&self.did().suffix), heads)
    }

    fn by_control(&self, operation: &Operation) -> Signed {
        seal(operation.body(), Role::Control, &self.control.iter().collect::<Vec<_>>())
    }

    /// An operation that does not change the DID itself, signed by the only verification method of
    /// its document.
    pub fn act(&self, guard: Guard, until: Option<u64>, action: Action) -> Signed {
        let key = &self.control[0];
        let fragment = "key-1".parse().expect("a fragment");
        let url = MethodUrl { did: self.did(), fragment };
        let by = Signer::Method(MethodSigner { key: key.public().clone(), url });
        let operation = Operation { until, ..self.operation(guard, action) };
        seal_by(operation.body(), Role::Author, &[(by, key)])
    }

    /// Body of the create operation.
    pub fn create_operation(&self, names: usize) -> Operation {
        let document = document(&self.control[0], names);
        let create = DidCreate { sets: self.sets(), document };
        self.operation(Guard::Absent, Action::DidCreate(Box::new(create)))
    }

    /// The create operation. It determines the DID.
    pub fn create(&mut self) -> Signed {
        let operation = self.create_operation(0);
        let signed = self.by_control(&operation);
        let suffix = Suffix::of_create(&signed.operation);
        self.did = Some(Did { network: self.chain.network.clone(), suffix });
        let empty = |id| PartHead(id, 0, Hash::ZERO);
        let empty = Held { control: empty(PartId::CONTROL), document: empty(PartId::DOCUMENT) };
        let document = document_part(&document(&self.control[0], 0));
        let held = empty.after(control_part(&self.sets()), &operation.salt);
        self.held = Some(held.after(document, &operation.salt));
        signed
    }

    /// What the newest operation left.
    pub fn held(&self) -> Held {
        self.held.clone().expect("create comes first")
    }

    /// An update of the document over what the newest operation left.
    pub fn update(&mut self, names: usize) -> Signed {
        let document = document(&self.control[0], names);
        let (held, part) = (self.held(), document_part(&document));
        let action = Action::DidUpdate(Box::new(DidUpdate { document }));
        let operation = self.operation(self.guard(&[held.control, held.document]), action);
        self.held = Some(held.after(part, &operation.salt));
        self.by_control(&operation)
    }

    /// Makes the next key the control key. The document becomes one of that key. Returns the
    /// operation and the old control keys.
    pub fn rotate(&mut self) -> (Signed, Vec<SecretKey>) {
        self.rotate_to(|key| document(key, 0))
    }

    /// Makes the next key the control key, with a document that `of` makes of that key. Returns the
    /// operation and the old control keys.
    pub fn rotate_to(
        &mut self,
        of: impl FnOnce(&SecretKey) -> Document,
    ) -> (Signed, Vec<SecretKey>) {
        let suite = self.next.public().suite();
        let revealed = std::mem::replace(&mut self.next, new_key(suite));
        let reveal = Reveal { revealed: vec![Member::Key(revealed.public().clone())] };
        let old = std::mem::replace(&mut self.control, vec![revealed]);
        let (held, sets) = (self.held(), self.sets());
        let document = of(&self.control[0]);
        let (control, part) = (control_part(&sets), document_part(&document));
        let rotate = DidRotate { reveal, sets, document: Some(document), marks: None };
        let action = Action::DidRotate(Box::new(rotate));
        let operation = self.operation(self.guard(&[held.control]), action);
        let salt = &operation.salt;
        self.held = Some(held.after(control, salt).after(part, salt));
        (seal(operation.body(), Role::Next, &[&self.control[0]]), old)
    }
}
