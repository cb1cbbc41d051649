//! Status lists, and operations signed by methods of their author.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::{Did, ListId};
use registry_core::limits::STATUS_SET_UNTIL_MS;
use registry_core::operation::{
    Action, Guard, MethodSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::RecordKey;
use registry_core::status::{EntryChanges, Run, Scattered, StatusCreate, StatusPurpose, StatusSet};

use super::ledger::GENESIS_MS;
use super::{Key, chain, salt};

/// Returns an operation of an author with a guard. Where it must name its last block time, that is
/// the first hour of the chain.
pub(crate) fn authored(author: &Did, guard: Guard, number: u8, action: Action) -> Operation {
    let operation = Operation {
        chain: chain(),
        author: Some(author.clone()),
        endorser: None,
        guard,
        until: None,
        salt: salt(number),
        action,
    };
    let until = GENESIS_MS + STATUS_SET_UNTIL_MS;
    Operation { until: operation.deadline().is_once().then_some(until), ..operation }
}

/// Returns the author's signature over an operation id by one of its methods.
pub(crate) fn method_signature(key: &Key, did: &Did, fragment: &str, id: &Hash) -> Signature {
    method_signature_as(Role::Author, key, did, fragment, id)
}

/// Returns the same signature in another role.
pub(crate) fn method_signature_as(
    role: Role,
    key: &Key,
    did: &Did,
    fragment: &str,
    id: &Hash,
) -> Signature {
    let url = format!("{did}#{fragment}").parse().expect("a method");
    let by = Signer::Method(MethodSigner { key: key.public(), url });
    Signature { role, by, value: Bytes(key.sign(&role.message(id))) }
}

/// Returns the envelope of an operation signed by methods of its author.
pub(crate) fn seal_by_methods(operation: &Operation, methods: &[(&str, Key)]) -> Vec<u8> {
    let body = operation.body();
    let id = operation_id(&body);
    let author = operation.author.as_ref().expect("an author");
    let sign = |(fragment, key): &(&str, Key)| method_signature(key, author, fragment, &id);
    SignedOperation::new(body, methods.iter().map(sign).collect()).bytes()
}

/// Returns the envelope of an operation signed by `key-1` of its author.
pub(crate) fn seal_by_method(operation: &Operation, key: Key) -> Vec<u8> {
    seal_by_methods(operation, &[("key-1", key)])
}

/// Returns a list with required fields only.
pub(crate) fn plain_list(purpose: StatusPurpose, bits: u8, length: u64) -> StatusCreate {
    let (uri, valid_from, valid_until) = (None, None, None);
    let (delegates, messages) = (Vec::new(), Vec::new());
    StatusCreate { purpose, bits, length, uri, valid_from, valid_until, delegates, messages }
}

pub(crate) fn status_create(issuer: &Did, number: u8, list: StatusCreate) -> Operation {
    authored(issuer, Guard::Absent, number, Action::StatusCreate(Box::new(list)))
}

pub(crate) fn list_of(operation: &Operation) -> ListId {
    ListId::of_create(&operation_id(&operation.body()))
}

pub(crate) fn status_set(
    author: &Did,
    until: u64,
    number: u8,
    list: ListId,
    changes: EntryChanges,
) -> Operation {
    let set = StatusSet { list, changes };
    let operation = authored(author, Guard::Nothing, number, Action::StatusSet(set));
    Operation { until: Some(until), ..operation }
}

pub(crate) fn run(start: u64, length: u64, value: u8) -> Run {
    Run { start, length, value, expect: None }
}

pub(crate) fn runs(runs: &[Run]) -> EntryChanges {
    EntryChanges::Runs(runs.to_vec())
}

pub(crate) fn entries(value: u8, indexes: &[u64]) -> EntryChanges {
    let scattered = Scattered::new(value, indexes.iter().copied());
    EntryChanges::Entries(scattered.expect("ascending indexes"))
}

/// Returns the key of the record that an author's action writes. It serves actions whose record key
/// does not depend on the operation.
pub(crate) fn record_of(author: &Did, action: &Action) -> RecordKey {
    action.record_key(Some(author), &Hash::ZERO).expect("an action with an author")
}
