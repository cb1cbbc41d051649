//! Bodies for clients to sign: what all prepare methods share.

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::did::{DidState, Member};
use registry_core::id::{Did, ListId, MethodUrl, SchemaId};
use registry_core::names::{Resource, TrustKey};
use registry_core::operation::{
    Action, Guard, MethodSigner, Operation, Role, Signer, operation_id,
};
use registry_core::time::TimeMs;
use registry_state::rules::check_body;
use serde::Serialize;

use crate::endorsement::{Endorsement, Endorser};
use crate::error::{ApiError, NodeCode};
use crate::reads::Reads;

/// A body and what is needed to make an envelope of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Prepared {
    /// Canonical bytes: the `body` of the envelope.
    body: Bytes,
    /// Id of the operation, whoever signs it.
    operation: Hash,
    #[serde(flatten)]
    subject: Subject,
    /// Empty where no signature is needed. Of those of one DID, one is enough.
    signatures: Vec<SignatureRequest>,
    /// What an endorser signs, where the author may not write by its own right.
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsement: Option<EndorsementRequest>,
    /// What it does, for the person who signs.
    explanation: String,
}

/// What an operation is about.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Subject {
    Did(Did),
    List(ListId),
    Right(TrustKey),
    Agent(Did),
    Proposal(Hash),
    Schema(SchemaId),
    #[serde(rename = "credentialType")]
    CredentialType(TypeOf),
}

/// Whose credential type.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TypeOf {
    pub(crate) publisher: Did,
    pub(crate) name: Resource,
}

/// Who must sign, and what.
#[derive(Debug, Clone, Serialize)]
struct SignatureRequest {
    #[serde(flatten)]
    signers: Signers,
    /// The 32 bytes to sign.
    message: Bytes,
}

/// The endorsement that an operation needs, by any one of those named.
#[derive(Debug, Clone, Serialize)]
struct EndorsementRequest {
    role: Role,
    /// The 32 bytes to sign.
    message: Bytes,
    endorsers: Vec<Endorser>,
}

/// Who may sign in one role, and how many of them must.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Signers {
    /// The DID that signs by them, where several DIDs must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<Did>,
    pub(crate) role: Role,
    pub(crate) threshold: u8,
    pub(crate) members: Vec<OneSigner>,
}

/// A member of a set, or a method as the envelope names it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum OneSigner {
    Member(Member),
    Method(Signer),
}

impl Signers {
    /// Members of one of a DID's sets.
    pub(crate) fn of_set(role: Role, threshold: u8, members: Vec<Member>) -> Self {
        let members = members.into_iter().map(OneSigner::Member).collect();
        Self { of: None, role, threshold, members }
    }
}

/// A body that keeps the rules which need no state.
pub(crate) struct Drafted {
    pub(crate) operation: Operation,
    pub(crate) id: Hash,
    body: Vec<u8>,
    /// Who can endorse it, where that is needed.
    endorsers: Option<Vec<Endorser>>,
}

impl Drafted {
    pub(crate) fn prepared(
        self,
        subject: Subject,
        signers: impl IntoIterator<Item = Signers>,
        explanation: String,
    ) -> Prepared {
        let request = |signers: Signers| SignatureRequest {
            message: Bytes(signers.role.message(&self.id).to_vec()),
            signers,
        };
        let signatures = signers.into_iter().map(request).collect();
        let role = Role::Endorser;
        let endorsement = self.endorsers.map(|endorsers| EndorsementRequest {
            role,
            message: Bytes(role.message(&self.id).to_vec()),
            endorsers,
        });
        let (body, operation) = (Bytes(self.body), self.id);
        Prepared { body, operation, subject, signatures, endorsement, explanation }
    }
}

/// Prepares operations for clients to sign.
pub(crate) struct Preparer {
    pub(crate) reads: Arc<Reads>,
    pub(crate) endorsement: Arc<Endorsement>,
}

impl Preparer {
    /// The body of an operation, with random salt unless there is one.
    pub(crate) fn draft(
        &self,
        author: Option<Did>,
        guard: Guard,
        salt: Option<FixedBytes<16>>,
        action: Action,
    ) -> Result<Drafted, ApiError> {
        let salt = salt.map_or_else(random_salt, Ok)?;
        let operation = Operation { chain: self.reads.node.chain(), author, guard, salt, action };
        check_body(&operation, self.reads.network())?;
        let body = operation.body();
        let (actual, limit) = (body.len(), operation.action.facts().bytes_max);
        if actual > limit {
            let detail = format!("{actual} bytes before signatures, at most {limit} are allowed");
            return Err(Refusal::new(Code::OperationTooLarge, "body", detail).into());
        }
        let endorsers = self.endorsement.endorsers_needed(&operation)?;
        Ok(Drafted { id: operation_id(&body), operation, body, endorsers })
    }
}

/// Who may sign for a party in a role of its own, author or consent, of which one suffices: a
/// method of its document, or its control set (docs/protocol/operations.md, "Signatures of an
/// author").
pub(crate) fn author_signers(
    party: &Did,
    state: &DidState,
    time_ms: u64,
    role: Role,
) -> Vec<Signers> {
    let (document, control) = (&state.document, &state.sets.control);
    let methods = document.capability_invocation.iter().filter_map(|fragment| {
        let method = document.method(fragment).filter(|method| method.is_valid_at(time_ms))?;
        let url = MethodUrl { did: party.clone(), fragment: fragment.clone() };
        let signer = MethodSigner { key: method.signing_key()?, url };
        Some(OneSigner::Method(Signer::Method(signer)))
    });
    let methods: Vec<OneSigner> = match control.dids().next() {
        None => methods.collect(),
        Some(_) => Vec::new(),
    };
    let of = Some(party.clone());
    let by_method = (!methods.is_empty()).then_some(Signers {
        of: of.clone(),
        role,
        threshold: 1,
        members: methods,
    });
    let by_key = if role == Role::Author { Role::Control } else { role };
    let by_control = Signers::of_set(by_key, control.threshold, control.members.clone());
    by_method.into_iter().chain([Signers { of, ..by_control }]).collect()
}

/// A time as operations write it.
pub(crate) fn time_ms(time: Option<TimeMs>) -> Option<u64> {
    time.map(|TimeMs(time_ms)| time_ms)
}

fn random_salt() -> Result<FixedBytes<16>, ApiError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| ApiError::node(NodeCode::NotReady, format!("no randomness: {error}")))?;
    Ok(FixedBytes(salt))
}
