//! Signed operations whose keys follow from a number. So a filled home can be read and updated
//! later without a key file. Such keys protect nothing.

use anyhow::{Result, anyhow};
use keys::SecretKey;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, Suite};
use registry_core::did::{
    DidCreate, DidUpdate, Document, KeySet, Member, NextSet, Sets, control_part, document_part,
};
use registry_core::id::{Did, ListId, NetworkName, Suffix};
use registry_core::names::TrustKey;
use registry_core::operation::{
    Action, Guard, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::{Part, PartHead, RecordKey};
use registry_core::status::{EntryChanges, StatusCreate, StatusPurpose, StatusSet};
use registry_core::trust::{TrustGrant, TrustStep};

use crate::cluster::document;

#[derive(Clone, Copy)]
enum Use {
    Control = 1,
    Next,
    Document,
    NewDocument,
}

/// Creates the operations of one chain.
pub(super) struct Maker {
    pub(super) chain: Hash,
    pub(super) network: NetworkName,
}

/// Guard of an operation, and the last block time in ms at which it may be applied.
type Terms = (Guard, Option<u64>);

fn key(part: Use, number: u64) -> Result<SecretKey> {
    let mut seed = [part as u8; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_raw(Suite::Ed25519, &seed).ok_or_else(|| anyhow!("not a key"))
}

fn salt(part: Use, number: u64) -> FixedBytes<16> {
    let mut salt = [part as u8; 16];
    salt[..8].copy_from_slice(&number.to_be_bytes());
    FixedBytes(salt)
}

/// Returns sets and first document of DID `number`, with one key in each.
fn parts(number: u64) -> Result<(Sets, Document)> {
    let members = vec![Member::Key(key(Use::Control, number)?.public().clone())];
    let commitments = vec![NextSet::commitment(key(Use::Next, number)?.public())];
    let sets = Sets {
        control: KeySet { threshold: 1, members },
        next: NextSet { threshold: 1, commitments },
        recovery: None,
    };
    Ok((sets, document(&key(Use::Document, number)?, 0)))
}

impl Maker {
    /// Returns DID `number` and the envelope of its create, with one key in each of its parts.
    pub(super) fn create(&self, number: u64) -> Result<(Did, Vec<u8>)> {
        let control = key(Use::Control, number)?;
        let (sets, document) = parts(number)?;
        let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
        let salt = salt(Use::Control, number);
        let (id, bytes) = self.sign(None, (Guard::Absent, None), salt, action, &control);
        Ok((Did { network: self.network.clone(), suffix: Suffix::of_create(&id) }, bytes))
    }

    /// Returns the envelope of the first update of DID `number`, to another document key.
    pub(super) fn update(&self, number: u64, did: Did) -> Result<Vec<u8>> {
        let control = key(Use::Control, number)?;
        let (sets, made) = parts(number)?;
        let written = [control_part(&sets), document_part(&made)];
        let written = written.map(|part| part.written(1, &salt(Use::Control, number)));
        let heads: Vec<PartHead> = written.iter().flatten().map(Part::head).collect();
        let guard = Guard::of_heads(&RecordKey::did(&did.suffix), &heads);
        let document = document(&key(Use::NewDocument, number)?, 0);
        let action = Action::DidUpdate(Box::new(DidUpdate { document }));
        let salt = salt(Use::NewDocument, number);
        Ok(self.sign(Some(did), (guard, None), salt, action, &control).1)
    }

    /// Returns id and envelope of a grant by DID `number`, valid until `until_ms`.
    pub(super) fn grant(
        &self,
        number: u64,
        author: Did,
        grant: TrustGrant,
        until_ms: u64,
    ) -> Result<(Hash, Vec<u8>)> {
        let action = Action::TrustGrant(Box::new(grant));
        let (control, salt) = (key(Use::Control, number)?, salt(Use::Control, number));
        Ok(self.sign(Some(author), (Guard::Absent, Some(until_ms)), salt, action, &control))
    }

    /// Returns the envelope by which DID `number` suspends the grant of a right that the operation
    /// `made` made, valid until `until_ms`.
    pub(super) fn suspend(
        &self,
        number: u64,
        author: Did,
        (of, made): (TrustKey, Hash),
        until_ms: u64,
    ) -> Result<Vec<u8>> {
        let action = Action::TrustSuspend(Box::new(TrustStep { key: of }));
        let (control, salt) = (key(Use::Control, number)?, salt(Use::Control, number));
        let terms = (Guard::Operation(made), Some(until_ms));
        Ok(self.sign(Some(author), terms, salt, action, &control).1)
    }

    /// Returns DID 0 as an issuer of lists, and the envelope of its create. The issuer's operations
    /// on entries are valid until `until_ms`, a Unix time in milliseconds.
    pub(super) fn issuer(&self, until_ms: u64) -> Result<(Issuer<'_>, Vec<u8>)> {
        let (did, create) = self.create(0)?;
        Ok((Issuer { maker: self, did, control: key(Use::Control, 0)?, until_ms }, create))
    }

    fn sign(
        &self,
        author: Option<Did>,
        (guard, until): Terms,
        salt: FixedBytes<16>,
        action: Action,
        key: &SecretKey,
    ) -> (Hash, Vec<u8>) {
        let (role, chain) = (Role::Control, self.chain);
        let operation = Operation { chain, author, endorser: None, guard, until, salt, action };
        let body = operation.body();
        let id = operation_id(&body);
        let value = Bytes(key.sign_operation(&role.message(&id)).to_vec());
        let by = Signer::Key(key.public().clone());
        (id, SignedOperation::new(body, vec![Signature { role, by, value }]).bytes())
    }
}

/// DID that issues lists, with its control key.
pub(super) struct Issuer<'a> {
    maker: &'a Maker,
    did: Did,
    control: SecretKey,
    until_ms: u64,
}

impl Issuer<'_> {
    /// Returns revocation list `number` and the envelope of its create.
    pub(super) fn list(&self, number: u64, length: u64) -> (ListId, Vec<u8>) {
        let create = StatusCreate {
            purpose: StatusPurpose::Revocation,
            bits: 1,
            length,
            uri: None,
            valid_from: None,
            valid_until: None,
            delegates: Vec::new(),
            messages: Vec::new(),
        };
        let action = Action::StatusCreate(Box::new(create));
        let (id, bytes) = self.sign((Guard::Absent, None), salt(Use::Control, number), action);
        (ListId::of_create(&id), bytes)
    }

    /// Returns the envelope that changes entries of a list. The changes must differ from those of
    /// all other operations, since they alone make the operation unique.
    pub(super) fn set(&self, list: ListId, changes: EntryChanges) -> Vec<u8> {
        let action = Action::StatusSet(StatusSet { list, changes });
        self.sign((Guard::Nothing, Some(self.until_ms)), salt(Use::Control, 0), action).1
    }

    fn sign(&self, terms: Terms, salt: FixedBytes<16>, action: Action) -> (Hash, Vec<u8>) {
        self.maker.sign(Some(self.did.clone()), terms, salt, action, &self.control)
    }
}
