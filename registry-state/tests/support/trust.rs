//! Parties that grant rights to each other, and their operations.

use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::id::Did;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard, Operation, Role};
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::trust::{
    Conditions, Parent, TrustChange, TrustEnd, TrustGrant, TrustRecognise, TrustStep,
};
use serde_json::json;

use super::ledger::Ledger;
use super::status::{authored, seal_by_method};
use super::{Key, change, create, did_of, ed, reveal, seal, single};

/// A DID that signs by its method `key-1`, with a key of its own.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) did: Did,
    pub(crate) key: Key,
    /// Envelope that registers the DID.
    pub(crate) create: Vec<u8>,
}

impl Party {
    /// Makes a party with control key `seed`, next key `seed + 1` and recovery key `seed + 2`.
    pub(crate) fn new(seed: u8) -> Self {
        Self::of(seed, super::chain(), signing(ed(seed)))
    }

    /// Makes such a party with a document of its own.
    pub(crate) fn with_document(seed: u8, document: Document) -> Self {
        Self::of(seed, super::chain(), document)
    }

    /// Makes a party that genesis creates.
    pub(crate) fn of_genesis(seed: u8) -> Self {
        Self::of(seed, Hash::ZERO, signing(ed(seed)))
    }

    fn of(seed: u8, chain: Hash, document: Document) -> Self {
        let key = ed(seed);
        let sets = single(&key, &ed(seed + 1), &ed(seed + 2));
        let operation = Operation { chain, ..create(sets, document, 1) };
        Self { did: did_of(&operation), key, create: seal(&operation, &[key]) }
    }

    /// Returns the text of the party's DID.
    pub(crate) fn id(&self) -> String {
        self.did.to_string()
    }

    /// Returns the envelope that deactivates the DID.
    pub(crate) fn deactivating(&self, ledger: &Ledger) -> Vec<u8> {
        let next = ed(self.key.seed + 1);
        let action = Action::DidDeactivate(reveal(&[next]));
        seal(&change(&self.did, ledger.previous(&self.did), 2, action), &[next])
    }

    /// Returns the envelope of an action that the party's control set signs.
    pub(crate) fn controls(&self, ledger: &Ledger, action: Action) -> Vec<u8> {
        let operation = ledger.operation(&self.did, 7, action);
        super::seal_body(operation.body(), Role::Control, &[self.key])
    }

    /// Returns the envelope of a void by the party's control set of what this operation made.
    pub(crate) fn voids(&self, made: Hash, action: Action) -> Vec<u8> {
        let operation = authored(&self.did, Guard::Operation(made), 8, action);
        super::seal_body(operation.body(), Role::Control, &[self.key])
    }

    /// Returns the envelope of an operation on the present grant or recognition.
    pub(crate) fn signs(&self, ledger: &Ledger, action: Action) -> Vec<u8> {
        seal_by_method(&trust_operation(ledger, &self.did, action), self.key)
    }
}

/// Returns a document with the method `key-1` for all purposes that these tests need.
pub(crate) fn signing(key: Key) -> Document {
    let method = json!({"id": "key-1", "publicKeyMultibase": key.public().to_string()});
    let json = json!({"verificationMethod": [method], "capabilityInvocation": ["key-1"]});
    serde_json::from_value(json).expect("a document")
}

/// Returns an operation that fits the present state, with the parent grant that stands there now.
pub(crate) fn trust_operation(ledger: &Ledger, author: &Did, action: Action) -> Operation {
    ledger.operation(author, 7, action)
}

/// Returns the key of the right to issue.
pub(crate) fn right(authority: &Did, resource: &str, entity: &str) -> TrustKey {
    TrustKey {
        authority: authority.clone(),
        action: "issue".parse().expect("an action"),
        resource: resource.parse().expect("a resource"),
        entity: entity.parse().expect("an entity"),
    }
}

/// Returns conditions that allow `max_depth` more grants below.
pub(crate) fn depth(max_depth: u8) -> Conditions {
    Conditions { max_depth: Some(max_depth), ..Conditions::default() }
}

/// Names the parent grant by resource and grantor. [`trust_operation`] adds the operation that made
/// it.
pub(crate) fn parent(resource: &str, grantor: &Did) -> Option<Parent> {
    parent_made(resource, grantor, Hash::ZERO)
}

/// Names the parent grant that an operation made.
pub(crate) fn parent_made(resource: &str, grantor: &Did, made: Hash) -> Option<Parent> {
    let (resource, grantor) = (resource.parse().expect("a resource"), grantor.clone());
    Some(Parent { resource, grantor, made })
}

pub(crate) fn grant(key: &TrustKey, parent: Option<Parent>, conditions: Conditions) -> Action {
    Action::TrustGrant(Box::new(TrustGrant { key: key.clone(), parent, conditions }))
}

/// Returns new conditions. [`trust_operation`] adds the parent of the author's grant.
pub(crate) fn change_of(key: &TrustKey, conditions: Conditions) -> Action {
    change_with(key, None, conditions)
}

/// Returns new conditions with a parent.
pub(crate) fn change_with(
    key: &TrustKey,
    parent: Option<Parent>,
    conditions: Conditions,
) -> Action {
    Action::TrustChange(Box::new(TrustChange { key: key.clone(), parent, conditions }))
}

pub(crate) fn suspend(key: &TrustKey) -> Action {
    Action::TrustSuspend(step(key))
}

pub(crate) fn resume(key: &TrustKey) -> Action {
    Action::TrustResume(step(key))
}

pub(crate) fn revoke(key: &TrustKey) -> Action {
    Action::TrustRevoke(end(key, false))
}

/// Returns the revocation that declares a grant void.
pub(crate) fn void(key: &TrustKey) -> Action {
    Action::TrustRevoke(end(key, true))
}

/// Returns the withdrawal that declares a recognition void.
pub(crate) fn void_recognition(key: &TrustKey) -> Action {
    Action::TrustDerecognise(end(key, true))
}

fn end(key: &TrustKey, void: bool) -> Box<TrustEnd> {
    Box::new(TrustEnd { key: key.clone(), void })
}

pub(crate) fn derecognise(key: &TrustKey) -> Action {
    Action::TrustDerecognise(end(key, false))
}

fn step(key: &TrustKey) -> Box<TrustStep> {
    Box::new(TrustStep { key: key.clone() })
}

/// Returns a recognition without network and conditions.
pub(crate) fn recognition(key: &TrustKey) -> TrustRecognise {
    let (valid_from, valid_until, evidence, terms, network) = Default::default();
    TrustRecognise { key: key.clone(), valid_from, valid_until, evidence, terms, network }
}

pub(crate) fn recognise(key: &TrustKey) -> Action {
    Action::TrustRecognise(Box::new(recognition(key)))
}

/// The records as they were at one time.
pub(crate) struct Moment<'h> {
    pub(crate) entries: &'h [Entry],
    pub(crate) time_ms: u64,
}

impl RecordView for Moment<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let is = |entry: &&Entry| {
            let record = &entry.record;
            record.time <= self.time_ms && (record.kind, &record.key) == (key.kind, &key.key)
        };
        Ok(self.entries.iter().rev().find(is).cloned())
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        let is = |entry: &&Entry| {
            let record = &entry.record;
            record.version == number && (record.kind, &record.key) == (key.kind, &key.key)
        };
        Ok(self.entries.iter().find(is).cloned())
    }
}
