//! Operations as they travel: the signed body, its envelope, both ids, and the checks that need
//! no state (docs/protocol/operations.md).

mod action;
mod signatures;

use serde::{Deserialize, Serialize};

pub use action::{Action, Family};

use crate::agent;
use crate::code::{Code, Refusal};
use crate::codec::{self, Bytes, CodecError, FixedBytes};
use crate::crypto::{Hash, PublicKey, Purpose};
use crate::did;
use crate::governance;
use crate::id::{Did, ListId, MethodUrl, NetworkName, SchemaId, Suffix};
use crate::limits::OPERATION_BYTES_MAX;
use crate::record::RecordKey;
use crate::schema;
use crate::status;
use crate::trust;

/// What must hold for the operation to be applied exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The record must not exist.
    Absent,
    /// The record's head must have this hash.
    Previous(Hash),
    /// Block time must be within the hour before this time (ms), and the id unseen.
    Until(u64),
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The network's chain id; zero inside genesis.
    pub chain: Hash,
    /// The DID that acts; none for a create and for the word of a validator's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Did>,
    /// When it may be applied.
    pub guard: Guard,
    /// Random bytes: they make the id unique and hide the value behind the record's hash.
    pub salt: FixedBytes<16>,
    /// What to do.
    pub action: Action,
}

impl Operation {
    /// Whether it makes a record.
    pub fn is_create(&self) -> bool {
        matches!(self.guard, Guard::Absent)
    }

    /// The DID that acts, where there is one.
    pub fn author(&self) -> Result<&Did, Refusal> {
        let missing = || Refusal::new(Code::AuthorMismatch, "author", "expected the DID as author");
        self.author.as_ref().ok_or_else(missing)
    }

    /// The canonical bytes that go into an envelope.
    pub fn body(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// The id of an operation, from its body: names it in receipts and is what signatures cover.
pub fn operation_id(body: &[u8]) -> Hash {
    Hash::of(Purpose::OperationId, &[body])
}

/// In which capacity a signature is given. The number is signed and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// By the DID's control set.
    Control,
    /// By the members that the control set committed to.
    Next,
    /// By the DID's recovery set.
    Recovery,
    /// By a method of the author's document.
    Author,
    /// By one who vouches for the author.
    Endorser,
    /// By another party that the action binds.
    Consent,
    /// By a member of the governing set.
    Approval,
}

impl Role {
    fn number(self) -> u8 {
        match self {
            Self::Control => 1,
            Self::Next => 2,
            Self::Recovery => 3,
            Self::Author => 4,
            Self::Endorser => 5,
            Self::Consent => 6,
            Self::Approval => 7,
        }
    }

    /// The 32 bytes that a signature in this role covers: H(role number ‖ operation id).
    pub fn message(self, operation: &Hash) -> [u8; 32] {
        Hash::of(Purpose::OperationSignature, &[&[self.number()], &operation.0]).0
    }
}

/// Who signed: a key by itself, or a verification method of a DID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// A key of a control, next or recovery set.
    Key(PublicKey),
    /// A verification method of the author's document.
    Method(MethodSigner),
}

impl Signer {
    /// The key that the signature verifies under.
    pub fn key(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key,
            Self::Method(method) => &method.key,
        }
    }
}

/// A verification method and the key in it. The key travels, so that the signature is verified
/// without any state; that the method holds it is for the state to say (docs/adr/0007).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodSigner {
    /// The key.
    pub key: PublicKey,
    /// The method, by DID URL.
    pub url: MethodUrl,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// In which capacity.
    pub role: Role,
    /// By whom.
    pub by: Signer,
    /// 64 bytes in the suite of the signer's key.
    pub value: Bytes,
}

/// An envelope: the body exactly as signed, and its signatures, strictly ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOperation {
    /// Canonical bytes of an [`Operation`].
    pub body: Bytes,
    /// Ascending by role, signer, value; no two alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
}

impl SignedOperation {
    /// An envelope with its signatures in order.
    pub fn new(body: Vec<u8>, mut signatures: Vec<Signature>) -> Self {
        signatures.sort();
        Self { body: Bytes(body), signatures }
    }

    /// The canonical bytes that travel.
    pub fn bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// An operation whose form and signatures were checked. It exists only as the result of
/// [`check_stateless`], so nothing unverified can reach the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    operation: Operation,
    signatures: Vec<Signature>,
    id: Hash,
    envelope_id: Hash,
    bytes: Vec<u8>,
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

/// The id of an envelope, from its canonical bytes.
pub fn envelope_id(bytes: &[u8]) -> Hash {
    Hash::of(Purpose::EnvelopeId, &[bytes])
}

/// Everything about an envelope that needs no state: size, form, chain, roles, the action's own
/// rules and every signature. `chain` is zero for the operations of a genesis.
pub fn check_stateless(
    bytes: &[u8],
    chain: Hash,
    network: &NetworkName,
) -> Result<Checked, Refusal> {
    let envelope: SignedOperation = read(bytes, "operation")?;
    let operation: Operation = read(&envelope.body.0, "body")?;
    let bytes_max = operation.action.bytes_max();
    if bytes.len() > bytes_max {
        return Err(too_large("operation", bytes.len(), bytes_max));
    }
    if operation.chain != chain {
        let detail = format!("signed for chain {}, this is {chain}", operation.chain);
        return Err(Refusal::new(Code::ChainMismatch, "chain", detail));
    }
    signatures::check_list(&operation, network, &envelope.signatures)?;
    check_body(&operation, network)?;
    let id = operation_id(&envelope.body.0);
    for (index, signature) in envelope.signatures.iter().enumerate() {
        signatures::check(index, signature, &id)?;
    }
    Ok(Checked {
        operation,
        signatures: envelope.signatures,
        id,
        envelope_id: envelope_id(bytes),
        bytes: bytes.to_vec(),
    })
}

/// The rules of a body that need neither state nor signatures: what a node checks before it asks
/// anyone to sign.
pub fn check_body(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    check_author(operation, network)?;
    check_guard_kind(operation)?;
    did::check_stateless(&operation.action, network)?;
    status::check_stateless(&operation.action, network)?;
    trust::check_stateless(operation, network)?;
    agent::check_stateless(operation, network)?;
    schema::check_stateless(&operation.action)?;
    governance::check_stateless(operation, network)
}

fn check_author(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    if !operation.action.has_author() {
        return match operation.author {
            None => Ok(()),
            Some(_) => Err(Refusal::new(Code::AuthorMismatch, "author", "expected no author")),
        };
    }
    let author = operation.author()?;
    if author.network != *network {
        let detail = format!("{author} is not on network {network}");
        return Err(Refusal::new(Code::NetworkMismatch, "author", detail));
    }
    Ok(())
}

fn check_guard_kind(operation: &Operation) -> Result<(), Refusal> {
    let guard = &operation.guard;
    let (fits, expected) = match operation.action {
        Action::DidCreate(_)
        | Action::StatusCreate(_)
        | Action::SchemaPublish(_)
        | Action::GovernancePropose(_) => (matches!(guard, Guard::Absent), "absent"),
        Action::StatusSet(_) => (matches!(guard, Guard::Until(_)), "until"),
        Action::TrustGrant(_)
        | Action::TrustRecognise(_)
        | Action::AgentDelegate(_)
        | Action::CredentialTypePublish(_)
        | Action::ValidatorReady(_) => (!matches!(guard, Guard::Until(_)), "absent or previous"),
        _ => (matches!(guard, Guard::Previous(_)), "previous"),
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::new(Code::GuardKind, "guard", format!("expected {expected}")))
    }
}

fn too_large(field: &str, actual: usize, limit: usize) -> Refusal {
    let detail = format!("{actual} bytes, at most {limit} are allowed");
    Refusal::new(Code::OperationTooLarge, field, detail)
}

fn read<T>(bytes: &[u8], field: &str) -> Result<T, Refusal>
where
    T: Serialize + serde::de::DeserializeOwned,
{
    codec::decode(bytes, OPERATION_BYTES_MAX).map_err(|error| match error {
        CodecError::TooLarge { actual, limit } => too_large(field, actual, limit),
        CodecError::UnknownField { .. } => Refusal::new(Code::FieldUnknown, field, error),
        CodecError::Identifier { .. } => Refusal::new(Code::IdentifierMalformed, field, error),
        other => Refusal::new(Code::OperationMalformed, field, other),
    })
}
