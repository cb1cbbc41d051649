//! Checks of an operation that need no state (docs/protocol/operations.md, section "Checks without
//! state").

use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, CodecError};
use registry_core::cost;
use registry_core::crypto::{Hash, Purpose};
use registry_core::id::NetworkName;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{Operation, Signature, SignedOperation, operation_id};
use serde::Serialize;

use super::checked::Checked;
use super::dispatch::check_form;
use super::signatures;

/// Computes the id of an envelope from its canonical bytes.
pub fn envelope_id(bytes: &[u8]) -> Hash {
    Hash::of(Purpose::EnvelopeId, &[bytes])
}

/// Checks everything about an envelope that needs no state: size, form, chain, roles, the action's
/// own rules and every signature. `chain` is the chain id, which is zero for the operations of a
/// genesis.
pub fn check_stateless(
    bytes: &[u8],
    chain: Hash,
    network: &NetworkName,
) -> Result<Checked, Refusal> {
    let (envelope, operation) = decode(bytes)?;
    let bytes_max = operation.action.facts().bytes_max;
    if bytes.len() > bytes_max {
        return Err(too_large("operation", bytes.len(), bytes_max));
    }
    if operation.chain != chain {
        let detail = format!("signed for chain {}, this is {chain}", operation.chain);
        return Err(Refusal::new(Code::ChainMismatch, "chain", detail));
    }
    signatures::check_list(&operation, &envelope.signatures)?;
    check_body(&operation, network)?;
    let id = operation_id(&envelope.body.0);
    let record_key = operation.record_key(&id)?;
    for (index, signature) in envelope.signatures.iter().enumerate() {
        signatures::check(index, signature, &id)?;
    }
    let cost = cost_of(&operation, &envelope.signatures, bytes.len());
    Ok(Checked {
        operation,
        signatures: envelope.signatures,
        id,
        envelope_id: envelope_id(bytes),
        bytes: bytes.to_vec(),
        record_key,
        cost,
    })
}

/// Returns the part of the cost of an envelope that follows from the envelope alone (rule B4). It
/// is known before the envelope is checked. Fails if the bytes are no envelope.
pub fn cost_alone(bytes: &[u8]) -> Result<u64, Refusal> {
    let (envelope, operation) = decode(bytes)?;
    Ok(cost_of(&operation, &envelope.signatures, bytes.len()))
}

fn decode(bytes: &[u8]) -> Result<(SignedOperation, Operation), Refusal> {
    let envelope: SignedOperation = read(bytes, "operation")?;
    let operation = read(&envelope.body.0, "body")?;
    Ok((envelope, operation))
}

/// Returns the part of an operation's cost that follows from the operation alone.
fn cost_of(operation: &Operation, signatures: &[Signature], bytes: usize) -> u64 {
    let suites = signatures.iter().map(|signature| signature.by.key().suite());
    let action = &operation.action;
    let own = cost::of_operation(action.facts().work, bytes, action.keys(), suites);
    let changes = action.entries();
    let changes =
        changes.map_or(0, |changes| cost::of_changes(changes.runs().count(), changes.count()));
    own.saturating_add(changes)
}

/// Checks the rules of a body that need neither state nor signatures. A node does this before it
/// asks anyone to sign.
pub fn check_body(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    check_author(operation, network)?;
    check_endorser(operation, network)?;
    operation.check_guard()?;
    check_form(operation, network)
}

fn check_author(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    if !operation.action.facts().has_author {
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

/// Checks the endorser that the body names: the action takes one, and it is another DID of this
/// network than the author.
fn check_endorser(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    let Some(endorser) = &operation.endorser else { return Ok(()) };
    let refusal = |code, detail: String| Err(Refusal::new(code, "endorser", detail));
    let facts = operation.action.facts();
    if facts.family.is_none() {
        let detail = format!("{} takes no endorser, leave {endorser} out", facts.name);
        return refusal(Code::EndorserInvalid, detail);
    }
    if endorser.network != *network {
        return refusal(Code::NetworkMismatch, format!("{endorser} is not on network {network}"));
    }
    if operation.author.as_ref() == Some(endorser) {
        let detail = format!("{endorser} is the author and vouches for nobody else; leave it out");
        return refusal(Code::EndorserInvalid, detail);
    }
    Ok(())
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
        other @ (CodecError::Malformed { .. } | CodecError::NotCanonical { .. }) => {
            Refusal::new(Code::OperationMalformed, field, other)
        }
    })
}
