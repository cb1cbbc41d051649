//! Status sets in the mempool: they wait side by side, and end with their list, their author or
//! their time. The fixture serves the tests of ranks and priority too.

mod priority;
mod shares;

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::block::Header;
use registry_core::code::Code;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{PublicKey, Purpose, Suite, ValidatorKey};
use registry_core::did::document::{KeyMaterial, VerificationMethod};
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidUpdate, Document, KeySet, Member, NextSet, Recovery,
    Reveal, Sets,
};
use registry_core::governance::{Parameters, ValidatorEntry, Validators};
use registry_core::id::{Did, Fragment, ListId, NetworkName, Suffix};
use registry_core::operation::{
    Guard, MethodSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::{Entry, RecordView, StoreError};
use registry_core::status::{Run, StatusClose, StatusCreate, StatusPurpose, StatusSet};
use registry_state::execution::{Genesis, execute_genesis};
use registry_state::rules::check_stateless;
use registry_state::rules::guard::needed;
use registry_state::state::{Context, MemoryState, StateView as _};

use super::*;

const GENESIS_MS: u64 = 1_800_000_000_000;
const UNTIL_MS: u64 = GENESIS_MS + 600_000;

/// Recovery delay in milliseconds: two of the longest gaps between blocks that count as live time.
const DELAY_MS: u64 = 120_000;

/// The newest records of a state.
struct Newest<'s>(&'s MemoryState);

impl RecordView for Newest<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.0.head(key)
    }
}

/// A chain of one validator with one issuer and its list, and with other people.
#[derive(Clone)]
struct Fixture {
    network: NetworkName,
    state: MemoryState,
    head: Header,
    issuer: Did,
    list: ListId,
    /// DIDs with the same keys as the issuer.
    people: Vec<Did>,
    /// Number of operations made so far. It makes their salts different.
    made: std::cell::Cell<u64>,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn validator() -> ValidatorKey {
    ValidatorKey(key(9).verifying_key().to_bytes())
}

fn public(seed: u8) -> PublicKey {
    let raw = key(seed).verifying_key().to_bytes();
    PublicKey::new(Suite::Ed25519, &raw).expect("a key")
}

fn member(seed: u8) -> Member {
    Member::Key(public(seed))
}

fn salt(number: u64) -> FixedBytes<16> {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&number.to_be_bytes());
    FixedBytes(salt)
}

fn seal(operation: &Operation, role: Role, seed: u8, network: &NetworkName) -> Checked {
    let body = operation.body();
    let value = key(seed).sign(&role.message(&operation_id(&body))).to_bytes().to_vec();
    let signature = Signature { role, by: Signer::Key(public(seed)), value: Bytes(value) };
    let bytes = SignedOperation::new(body, vec![signature]).bytes();
    check_stateless(&bytes, operation.chain, network).expect("a good operation")
}

fn operation(chain: Hash, author: Option<&Did>, guard: Guard, action: Action) -> Operation {
    Operation {
        chain,
        author: author.cloned(),
        endorser: None,
        guard,
        until: None,
        salt: FixedBytes([7; 16]),
        action,
    }
}

/// Sets with key 1 in control, key 2 as the next and key 3 for recovery.
fn sets() -> Sets {
    let one = |seed: u8| KeySet { threshold: 1, members: vec![member(seed)] };
    let next = NextSet { threshold: 1, commitments: vec![NextSet::commitment(&public(2))] };
    Sets { control: one(1), next, recovery: Some(Recovery { keys: one(3), delay_ms: DELAY_MS }) }
}

/// A document in which key 1 is the method `key-1`.
fn with_method() -> Document {
    let key = public(1);
    let (valid_from, expires, revoked) = Default::default();
    let id: Fragment = "key-1".parse().expect("a fragment");
    let material = KeyMaterial::Multikey((&key).into());
    let method = VerificationMethod { id: id.clone(), material, valid_from, expires, revoked };
    Document {
        verification_method: vec![method],
        capability_invocation: vec![id],
        ..Document::default()
    }
}

/// A document of about half a KiB for each alias, at most 16.
fn with_aliases(count: usize) -> Document {
    let alias = |number| format!("https://example.org/{number}/{}", "a".repeat(480));
    Document { also_known_as: (0..count).map(alias).collect(), ..Document::default() }
}

/// The budget is so large that operations and bytes fill a block first.
fn parameters() -> Parameters {
    let block_cost_max = 1_000_000;
    Parameters { recovery_delay_ms_min: DELAY_MS, block_cost_max, ..Parameters::default() }
}

impl Fixture {
    fn new() -> Self {
        Self::with(0)
    }

    /// A chain with this number of people besides the issuer.
    fn with(people: u64) -> Self {
        Self::with_parameters(people, parameters())
    }

    fn with_parameters(people: u64, parameters: Parameters) -> Self {
        let network: NetworkName = "local".parse().expect("a name");
        let create = |number: u64| {
            let create = DidCreate { sets: sets(), document: with_method() };
            let action = Action::DidCreate(Box::new(create));
            let create = operation(Hash::ZERO, None, Guard::Absent, action);
            seal(&Operation { salt: salt(number), ..create }, Role::Control, 1, &network)
        };
        let mut operations: Vec<Checked> = (0..=people).map(create).collect();
        let did = |create: &Checked| Did {
            network: network.clone(),
            suffix: Suffix::of_create(&create.id()),
        };
        let mut people: Vec<Did> = operations.iter().map(did).collect();
        let issuer = people.remove(0);
        let list = StatusCreate {
            purpose: StatusPurpose::Suspension,
            bits: 1,
            length: 100_000,
            uri: None,
            valid_from: None,
            valid_until: None,
            delegates: Vec::new(),
            messages: Vec::new(),
        };
        let action = Action::StatusCreate(Box::new(list));
        let list = operation(Hash::ZERO, Some(&issuer), Guard::Absent, action);
        let list = seal(&list, Role::Control, 1, &network);
        let id = ListId::of_create(&list.id());
        operations.push(list);
        let validator = ValidatorEntry {
            name: "one".to_owned(),
            key: validator(),
            power: 1,
            peer: String::new(),
            addresses: Vec::new(),
        };
        let genesis = Genesis {
            chain: Hash::of(Purpose::Chain, &[b"mempool"]),
            network: network.clone(),
            time_ms: GENESIS_MS,
            validators: Validators { validators: vec![validator] },
            parameters,
            publishing: Default::default(),
            governors: None,
            operations,
        };
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, &genesis).expect("a good genesis");
        state.commit(&execution.changes);
        let (head, made) = (execution.header, std::cell::Cell::default());
        Self { network, state, head, issuer, list: id, people, made }
    }

    fn probe(&self, time_ms: u64) -> Probe<'_> {
        let network = self.network.clone();
        let context = Context::after(&self.state, network, parameters(), &self.head, time_ms);
        Probe::new(&self.state, context.expect("memory"))
    }

    fn admit(&self, pool: &mut Mempool, checked: &Arc<Checked>) -> Result<Admitted, AdmitError> {
        pool.admit(&self.probe(self.head.time + 1), Arc::clone(checked))
    }

    /// An operation of a DID on the newest version of the record that it writes, signed in `role`
    /// by the key with this seed.
    fn by(&self, did: &Did, action: Action, (role, seed): (Role, u8)) -> Arc<Checked> {
        self.made.set(self.made.get() + 1);
        let key = action.record_key(Some(did), &Hash::ZERO).expect("an author");
        let guard = needed(&Newest(&self.state), &action, Some(did), &key).expect("memory");
        let guard = guard.expect("something that the guard can name");
        let operation = operation(self.head.chain, Some(did), guard, action);
        let until = operation.deadline().is_once().then_some(UNTIL_MS);
        let operation = Operation { until, salt: salt(self.made.get()), ..operation };
        Arc::new(seal(&operation, role, seed, &self.network))
    }

    fn update(&self, did: &Did, document: Document) -> Arc<Checked> {
        let action = Action::DidUpdate(Box::new(DidUpdate { document }));
        self.by(did, action, (Role::Control, 1))
    }

    fn rotate(&self, did: &Did, document: Document) -> Arc<Checked> {
        let reveal = Reveal { revealed: vec![member(2)] };
        let rotate = DidRotate { reveal, sets: sets(), document: Some(document), marks: None };
        self.by(did, Action::DidRotate(Box::new(rotate)), (Role::Next, 2))
    }

    fn recover(&self, did: &Did) -> Arc<Checked> {
        let recover = DidRecover { sets: sets(), document: Document::default(), marks: None };
        self.by(did, Action::DidRecover(Box::new(recover)), (Role::Recovery, 3))
    }

    fn deactivate(&self, did: &Did) -> Arc<Checked> {
        let action = Action::DidDeactivate(Reveal { revealed: vec![member(2)] });
        self.by(did, action, (Role::Next, 2))
    }

    fn cancel(&self, did: &Did) -> Arc<Checked> {
        self.by(did, Action::DidRecoverCancel, (Role::Recovery, 3))
    }

    /// Lets a proposer build a block `gap_ms` milliseconds after the last one, and commits it.
    fn build(&mut self, pool: &mut Mempool, gap_ms: u64) -> Vec<Arc<Checked>> {
        let time_ms = self.head.time + gap_ms;
        let (network, proposer) = (self.network.clone(), validator());
        let block = BlockExecution::new(&self.state, network, &self.head, time_ms, proposer);
        let built = pool.build(block.expect("memory"), &|| false).expect("memory");
        self.state.commit(&built.execution.changes);
        self.head = built.execution.header;
        let refused = pool.committed(&self.probe(time_ms + 1), &built.operations);
        refused.expect("memory");
        built.operations
    }

    fn authored(&self, until: Option<u64>, guard: Guard, action: Action) -> Arc<Checked> {
        let operation = operation(self.head.chain, Some(&self.issuer), guard, action);
        let operation = Operation { until, ..operation };
        Arc::new(seal(&operation, Role::Control, 1, &self.network))
    }

    fn set(&self, entry: u64, expect: Option<u8>) -> Arc<Checked> {
        let runs = vec![Run { start: entry, length: 1, value: 1, expect }];
        let set = StatusSet { list: self.list, changes: EntryChanges::Runs(runs) };
        self.authored(Some(UNTIL_MS), Guard::Nothing, Action::StatusSet(set))
    }

    /// Commits a block with these operations, and tells the pool.
    fn commit(&mut self, pool: &mut Mempool, operations: &[Arc<Checked>]) -> Vec<(Hash, Refusal)> {
        let time_ms = self.head.time + 1;
        let (network, proposer) = (self.network.clone(), validator());
        let block = BlockExecution::new(&self.state, network, &self.head, time_ms, proposer);
        let mut block = block.expect("memory");
        for checked in operations {
            block.apply(checked).expect("a good operation");
        }
        let execution = block.finish().expect("memory");
        self.state.commit(&execution.changes);
        self.head = execution.header;
        pool.committed(&self.probe(time_ms + 1), operations).expect("memory")
    }
}

fn codes(refused: &[(Hash, Refusal)]) -> Vec<Code> {
    refused.iter().map(|(_, refusal)| refusal.code).collect()
}

#[test]
fn sets_of_one_list_wait_side_by_side_and_make_one_block() {
    let fixture = Fixture::new();
    let mut pool = Mempool::default();
    let sets: Vec<_> = (0..100).map(|entry| fixture.set(entry, None)).collect();
    for set in &sets {
        fixture.admit(&mut pool, set).expect("room");
    }
    assert!(matches!(fixture.admit(&mut pool, &sets[0]), Err(AdmitError::Known)));
    let (time_ms, proposer) = (fixture.head.time + 1, validator());
    let network = fixture.network.clone();
    let block = BlockExecution::new(&fixture.state, network, &fixture.head, time_ms, proposer);
    let built = pool.build(block.expect("memory"), &|| false).expect("memory");
    assert_eq!(built.operations.len(), sets.len());
    assert_eq!(built.execution.changes.entries.len(), 1, "one version of one record");
    assert!(built.refused.is_empty());
}

#[test]
fn one_author_leaves_room_for_others() {
    let fixture = Fixture::new();
    let mut pool = Mempool::default();
    for entry in 0..MEMPOOL_PER_AUTHOR_MAX as u64 {
        fixture.admit(&mut pool, &fixture.set(entry, None)).expect("room");
    }
    let one_more = fixture.set(99_999, None);
    assert!(matches!(fixture.admit(&mut pool, &one_more), Err(AdmitError::Full { .. })));
}

#[test]
fn waiting_sets_end_with_their_list() {
    let mut fixture = Fixture::new();
    let mut pool = Mempool::default();
    fixture.admit(&mut pool, &fixture.set(1, None)).expect("room");
    fixture.admit(&mut pool, &fixture.set(2, Some(0))).expect("room");
    let other = fixture.set(2, None);
    let refused = fixture.commit(&mut pool, &[other]);
    assert_eq!(codes(&refused), [Code::StatusUnexpected], "a set minds others if it expects");
    let close = Action::StatusClose(StatusClose { list: fixture.list });
    let close = fixture.authored(None, Guard::Nothing, close);
    let refused = fixture.commit(&mut pool, &[close]);
    assert_eq!(codes(&refused), [Code::StatusClosed]);
    assert!(pool.is_empty());
}

#[test]
fn waiting_sets_end_with_their_author() {
    let mut fixture = Fixture::new();
    let mut pool = Mempool::default();
    fixture.admit(&mut pool, &fixture.set(1, None)).expect("room");
    let end = fixture.deactivate(&fixture.issuer);
    let refused = fixture.commit(&mut pool, &[end]);
    assert_eq!(codes(&refused), [Code::DidDeactivated]);
    assert!(pool.is_empty());
}

#[test]
fn waiting_sets_end_with_their_time() {
    let fixture = Fixture::new();
    let mut pool = Mempool::default();
    let set = fixture.set(1, None);
    fixture.admit(&mut pool, &set).expect("room");
    let refused = pool.committed(&fixture.probe(UNTIL_MS), &[]).expect("memory");
    assert!(refused.is_empty(), "until holds at its very end");
    let refused = pool.committed(&fixture.probe(UNTIL_MS + 1), &[]).expect("memory");
    assert_eq!(codes(&refused), [Code::UntilPassed]);
    assert!(pool.is_empty());
    let one_more = fixture.set(1, None);
    fixture.admit(&mut pool, &one_more).expect("its place is free again");
}

#[test]
fn a_builder_whose_time_is_over_leaves_the_rest_to_the_next_block() {
    let mut fixture = Fixture::new();
    let mut pool = Mempool::default();
    for entry in 0..5 {
        let set = fixture.set(entry, None);
        fixture.admit(&mut pool, &set).expect("room");
    }
    let (time_ms, network) = (fixture.head.time + 1, fixture.network.clone());
    let block = BlockExecution::new(&fixture.state, network, &fixture.head, time_ms, validator());
    let asked = std::cell::Cell::new(0);
    let is_late = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let built = pool.build(block.expect("memory"), &is_late).expect("memory");
    assert_eq!(built.operations.len(), 3);
    assert!(built.refused.is_empty());
    assert_eq!(pool.len(), 5, "all wait until the block is decided");
    assert_eq!(fixture.build(&mut pool, 1).len(), 5, "the next proposer takes them");
}
