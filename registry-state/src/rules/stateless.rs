//! The checks of an operation that need no state (docs/protocol/operations.md, section "Checks
//! without state").

use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, CodecError};
use registry_core::crypto::{Hash, Purpose};
use registry_core::id::NetworkName;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{Action, Guard, Operation, SignedOperation, operation_id};
use serde::Serialize;

use super::checked::Checked;
use super::{agent, did, governance, schema, signatures, status, trust};

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
