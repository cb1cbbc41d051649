//! Clients with real keys. Each has one DID, changes it repeatedly, and sends each operation until
//! it is settled.

use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use node::store::{Ledger, Read};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey, Purpose, Suite};
use registry_core::did::{
    DidCreate, DidRotate, DidUpdate, DidValue, Document, KeySet, Member, NextSet, Reveal, Sets,
};
use registry_core::id::{Did, Suffix};
use registry_core::limits::STATUS_SET_UNTIL_MS;
use registry_core::operation::{
    Action, Guard, Operation, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::{PartId, RecordKey};
use registry_state::rules::{Checked, check_stateless};
use registry_state::state::StateView;

use super::chain::{Chain, GENESIS_MS};
use super::random::Random;

/// Number of rotations of one DID. The ledger allows eight a day, and a client would wait for ever
/// for a refused one.
const ROTATIONS_MAX: u64 = 8;

/// A client and its DID.
#[derive(Debug)]
pub struct Client {
    number: u64,
    sent: u64,
    did: Option<Did>,
    /// Version of the record that the waiting operation follows.
    follows: u64,
    /// Operation that waits to be settled.
    pub pending: Option<Arc<Checked>>,
}

impl Client {
    /// A client that has no DID yet.
    pub fn new(number: u64) -> Self {
        Self { number, sent: 0, did: None, follows: 0, pending: None }
    }

    fn key(&self, generation: u64) -> SigningKey {
        let parts: [&[u8]; 3] = [b"client", &self.number.to_be_bytes(), &generation.to_be_bytes()];
        SigningKey::from_bytes(&Hash::of(Purpose::Gossip, &parts).0)
    }

    fn public(&self, generation: u64) -> PublicKey {
        let raw = self.key(generation).verifying_key().to_bytes();
        PublicKey::new(Suite::Ed25519, &raw).expect("an Ed25519 key")
    }

    fn member(&self, generation: u64) -> Member {
        Member::Key(self.public(generation))
    }

    fn sets(&self, generation: u64) -> Sets {
        let control = KeySet { threshold: 1, members: vec![self.member(generation)] };
        let commitments = vec![NextSet::commitment(&self.public(generation + 1))];
        Sets { control, next: NextSet { threshold: 1, commitments }, recovery: None }
    }

    fn document(&self) -> Document {
        let also_known_as = vec![format!("https://example.org/{}/{}", self.number, self.sent)];
        Document { also_known_as, ..Document::default() }
    }

    fn seal(&mut self, chain: &Chain, operation: &Operation, generation: u64) -> Arc<Checked> {
        let body = operation.body();
        let id = operation_id(&body);
        let role = operation.action.facts().role.expect("clients send signed actions");
        let value = self.key(generation).sign(&role.message(&id)).to_bytes().to_vec();
        let Member::Key(key) = self.member(generation) else { unreachable!("made from a key") };
        let signature = Signature { role, by: Signer::Key(key), value: Bytes(value) };
        let bytes = SignedOperation::new(body, vec![signature]).bytes();
        let checked = check_stateless(&bytes, chain.id, &chain.network).expect("a good operation");
        let checked = Arc::new(checked);
        self.pending = Some(Arc::clone(&checked));
        checked
    }

    fn salt(&mut self) -> FixedBytes<16> {
        self.sent += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.number.to_be_bytes());
        salt[8..].copy_from_slice(&self.sent.to_be_bytes());
        FixedBytes(salt)
    }

    /// Creates a new DID and makes it the client's DID.
    pub fn create(&mut self, chain: &Chain) -> Arc<Checked> {
        let salt = self.salt();
        let action = Action::DidCreate(Box::new(DidCreate {
            sets: self.sets(0),
            document: self.document(),
        }));
        let operation = Operation {
            chain: chain.id,
            author: None,
            endorser: None,
            guard: Guard::Absent,
            until: None,
            salt,
            action,
        };
        let suffix = Suffix::of_create(&operation_id(&operation.body()));
        self.did = Some(Did { network: chain.network.clone(), suffix });
        self.seal(chain, &operation, 0)
    }

    /// The next change of the DID over its state on `disk`: an update, or a rotation if `rotate` is
    /// true. Without a DID it is a create. Returns `None` if the disk does not have the DID yet.
    pub fn change(&mut self, chain: &Chain, disk: &dyn Read, rotate: bool) -> Option<Arc<Checked>> {
        let Some(did) = self.did.clone() else { return Some(self.create(chain)) };
        let head = StateView::head(&Ledger(disk), &RecordKey::did(&did.suffix)).ok().flatten()?;
        let Ok(DidValue::Active(state)) = head.value::<DidValue>() else { return None };
        let generation =
            (0..=ROTATIONS_MAX).find(|number| self.sets(*number).control == state.sets.control)?;
        let salt = self.salt();
        let document = self.document();
        let (action, covers, generation) = if rotate && generation < ROTATIONS_MAX {
            let reveal = Reveal { revealed: vec![self.member(generation + 1)] };
            let sets = self.sets(generation + 1);
            let rotate = DidRotate { reveal, sets, document: Some(document), marks: None };
            (Action::DidRotate(Box::new(rotate)), &[PartId::CONTROL][..], generation + 1)
        } else {
            let update = Action::DidUpdate(Box::new(DidUpdate { document }));
            (update, &[PartId::CONTROL, PartId::DOCUMENT][..], generation)
        };
        let guard = Guard::of_parts(&head, covers.iter().copied());
        self.follows = head.record.version;
        let (chain_id, author) = (chain.id, Some(did));
        let operation =
            Operation { chain: chain_id, author, endorser: None, guard, until: None, salt, action };
        Some(self.seal(chain, &operation, generation))
    }

    /// Sets entries of the status list of genesis, at virtual time `now_ms`.
    pub fn set(&mut self, chain: &Chain, now_ms: u64, random: &mut Random) -> Arc<Checked> {
        let salt = self.salt();
        let until_ms = GENESIS_MS + now_ms + STATUS_SET_UNTIL_MS / 2;
        // The operation follows no version, so no newer version makes it stale.
        self.follows = u64::MAX;
        let checked = Arc::new(chain.list.set(chain.id, until_ms, salt, random));
        self.pending = Some(Arc::clone(&checked));
        checked
    }

    /// True if `disk` has a newer version than the waiting operation follows. This happens if the
    /// nodes with the newer version were down when the operation was made.
    pub fn is_stale(&self, disk: &dyn Read) -> bool {
        self.version(disk) > self.follows
    }

    /// The version of the DID's record on `disk`, 0 if it is not there.
    pub fn version(&self, disk: &dyn Read) -> u64 {
        let Some(did) = &self.did else { return 0 };
        let newest = Ledger(disk).newest(&RecordKey::did(&did.suffix));
        newest.ok().flatten().map_or(0, |newest| newest.record.version)
    }
}
