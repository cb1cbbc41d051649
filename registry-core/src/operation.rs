//! Operations as they travel: the signed body, its envelope, both ids, and the checks that need
//! no state (docs/protocol/operations.md).

mod action;

use serde::{Deserialize, Serialize};

pub use action::Action;

use crate::agent;
use crate::code::{Code, Refusal};
use crate::codec::{self, Bytes, CodecError, FixedBytes};
use crate::crypto::{self, Hash, PublicKey, Purpose, SignatureError};
use crate::did;
use crate::governance;
use crate::id::{Did, ListId, MethodUrl, NetworkName, Suffix};
use crate::limits::{OPERATION_BYTES_MAX, SIGNATURES_MAX};
use crate::record::RecordKey;
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
    check_signature_list(&operation, &envelope.signatures)?;
    check_body(&operation, network)?;
    let id = operation_id(&envelope.body.0);
    for (index, signature) in envelope.signatures.iter().enumerate() {
        check_signature(index, signature, &id)?;
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
        Action::DidCreate(_) | Action::StatusCreate(_) | Action::GovernancePropose(_) => {
            (matches!(guard, Guard::Absent), "absent")
        }
        Action::StatusSet(_) => (matches!(guard, Guard::Until(_)), "until"),
        Action::TrustGrant(_)
        | Action::TrustRecognise(_)
        | Action::AgentDelegate(_)
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

fn check_signature_list(operation: &Operation, signatures: &[Signature]) -> Result<(), Refusal> {
    let minimum = usize::from(operation.action.role().is_some());
    if signatures.len() < minimum || signatures.len() > SIGNATURES_MAX {
        let detail =
            format!("{} signatures, {minimum} to {SIGNATURES_MAX} expected", signatures.len());
        return Err(Refusal::new(Code::SignatureCount, "signatures", detail));
    }
    let (consents, own): (Vec<_>, Vec<_>) =
        signatures.iter().enumerate().partition(|(_, signature)| signature.role == Role::Consent);
    check_one_kind(&own, |signature| takes(operation, signature), || expected(operation))?;
    let consenting = operation.action.consents();
    check_one_kind(
        &consents,
        |signature| takes_consent(consenting, signature),
        || match consenting {
            Some(did) => format!("consent is given by methods of {did}, or by keys"),
            None => "this action needs nobody's consent".to_owned(),
        },
    )?;
    if own.len() < minimum {
        let detail = "only signatures of role consent, where the author's own are expected";
        return Err(Refusal::new(Code::SignatureCount, "signatures", detail));
    }
    if let Some(did) = consenting.filter(|_| consents.is_empty()) {
        let detail = format!("{did} must consent");
        return Err(Refusal::new(Code::ConsentMissing, "signatures", detail));
    }
    let ascending = signatures.windows(2).all(|pair| match pair {
        [first, second] => (first.role, &first.by) < (second.role, &second.by),
        _ => true,
    });
    if !ascending {
        let detail = "signatures must ascend strictly by role and signer, one a signer";
        return Err(Refusal::new(Code::SignatureOrder, "signatures", detail));
    }
    Ok(())
}

/// All of one role and one kind of signer, and each one that the action takes.
fn check_one_kind(
    signatures: &[(usize, &Signature)],
    takes: impl Fn(&Signature) -> bool,
    expected: impl Fn() -> String,
) -> Result<(), Refusal> {
    let kind = |signature: &Signature| (signature.role, matches!(signature.by, Signer::Key(_)));
    let first = signatures.first().map(|(_, signature)| kind(signature));
    match signatures.iter().find(|(_, each)| Some(kind(each)) != first || !takes(each)) {
        Some((index, _)) => {
            let field = format!("signatures/{index}/role");
            Err(Refusal::new(Code::SignatureRole, field, expected()))
        }
        None => Ok(()),
    }
}

fn expected(operation: &Operation) -> String {
    match operation.action.role() {
        Some(Role::Author) if !operation.action.has_author() => {
            "this action takes one signature of role author by the key that it names".to_owned()
        }
        Some(Role::Author) => "this action takes either signatures of role author by methods of \
                               its author, or of role control by keys"
            .to_owned(),
        Some(Role::Approval) => "this action takes signatures of role approval, either by methods \
                                 of its author or by keys"
            .to_owned(),
        Some(role) => format!("this action takes signatures of role {role:?} by a key only"),
        None => "this action takes no signature".to_owned(),
    }
}

/// Whether the operation takes a signature in such a role by such a signer.
fn takes(operation: &Operation, signature: &Signature) -> bool {
    if let Action::ValidatorReady(ready) = &operation.action {
        let own = Signer::Key(ready.key.public_key());
        return signature.role == Role::Author && signature.by == own;
    }
    match (operation.action.role(), &signature.by) {
        (Some(role @ (Role::Author | Role::Approval)), Signer::Method(method)) => {
            signature.role == role && operation.author.as_ref() == Some(&method.url.did)
        }
        (Some(Role::Author), Signer::Key(_)) => signature.role == Role::Control,
        (role, Signer::Key(_)) => role == Some(signature.role),
        (_, Signer::Method(_)) => false,
    }
}

/// Whether a signature may be the consent of `did`.
fn takes_consent(did: Option<&Did>, signature: &Signature) -> bool {
    match &signature.by {
        Signer::Method(method) => did == Some(&method.url.did),
        Signer::Key(_) => did.is_some(),
    }
}

fn check_signature(index: usize, signature: &Signature, id: &Hash) -> Result<(), Refusal> {
    let key = signature.by.key();
    key.check().map_err(|error| {
        Refusal::new(Code::KeyUnusable, format!("signatures/{index}/by"), error)
    })?;
    crypto::verify(key, &signature.role.message(id), &signature.value.0).map_err(|error| {
        let code = match error {
            SignatureError::Length { .. } => Code::SignatureLength,
            SignatureError::HighS => Code::SignatureHighS,
            SignatureError::Invalid => Code::SignatureInvalid,
        };
        Refusal::new(code, format!("signatures/{index}/value"), error)
    })
}
