//! Status sets in the waiting room: they wait side by side, and end with their list, their author
//! or their time.

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::block::Header;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{PublicKey, Purpose, Suite, ValidatorKey};
use registry_core::did::{DidCreate, Document, KeySet, Member, NextSet, Reveal, Sets};
use registry_core::governance::{Parameters, ValidatorEntry, Validators};
use registry_core::id::{Did, ListId, NetworkName, Suffix};
use registry_core::operation::{Operation, Signature, SignedOperation, Signer, operation_id};
use registry_core::status::{Run, StatusClose, StatusCreate, StatusPurpose, StatusSet};
use registry_state::execution::{Genesis, execute_genesis};
use registry_state::rules::check_stateless;
use registry_state::state::{Context, MemoryState, StateView as _};

use super::*;

const GENESIS_MS: u64 = 1_800_000_000_000;
const UNTIL_MS: u64 = GENESIS_MS + 600_000;

/// A chain of one validator with one issuer and its list.
struct Fixture {
    network: NetworkName,
    state: MemoryState,
    head: Header,
    issuer: Did,
    list: ListId,
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
        salt: FixedBytes([7; 16]),
        action,
    }
}

impl Fixture {
    fn new() -> Self {
        let network: NetworkName = "local".parse().expect("a name");
        let control = KeySet { threshold: 1, members: vec![member(1)] };
        let next = NextSet { threshold: 1, commitments: vec![NextSet::commitment(&public(2))] };
        let sets = Sets { control, next, recovery: None };
        let create = DidCreate { sets, document: Document::default() };
        let action = Action::DidCreate(Box::new(create));
        let create = operation(Hash::ZERO, None, Guard::Absent, action);
        let create = seal(&create, Role::Control, 1, &network);
        let issuer = Did { network: network.clone(), suffix: Suffix::of_create(&create.id()) };
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
            parameters: Parameters::default(),
            publishing: Default::default(),
            governors: None,
            operations: vec![create, list],
        };
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, &genesis).expect("a good genesis");
        state.commit(&execution.changes);
        Self { network, state, head: execution.header, issuer, list: id }
    }

    fn probe(&self, time_ms: u64) -> Probe<'_> {
        let (network, parameters) = (self.network.clone(), Parameters::default());
        let context = Context::after(&self.state, network, parameters, &self.head, time_ms);
        Probe::new(&self.state, context.expect("memory"))
    }

    fn admit(&self, pool: &mut Mempool, checked: &Arc<Checked>) -> Result<(), AdmitError> {
        pool.admit(&self.probe(self.head.time + 1), Arc::clone(checked))
    }

    fn authored(&self, guard: Guard, action: Action) -> Arc<Checked> {
        let operation = operation(self.head.chain, Some(&self.issuer), guard, action);
        Arc::new(seal(&operation, Role::Control, 1, &self.network))
    }

    fn set(&self, entry: u64, expect: Option<u8>) -> Arc<Checked> {
        let runs = vec![Run { start: entry, length: 1, value: 1, expect }];
        let set = StatusSet { list: self.list, changes: EntryChanges::Runs(runs) };
        self.authored(Guard::Until(UNTIL_MS), Action::StatusSet(set))
    }

    fn previous(&self, key: &RecordKey) -> Guard {
        Guard::Previous(self.state.head(key).expect("memory").expect("a record").record.hash())
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
    let built = pool.build(block.expect("memory")).expect("memory");
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
    let previous = fixture.previous(&RecordKey::status(&fixture.list));
    let close = Action::StatusClose(StatusClose { list: fixture.list });
    let close = fixture.authored(previous, close);
    let refused = fixture.commit(&mut pool, &[close]);
    assert_eq!(codes(&refused), [Code::StatusClosed]);
    assert!(pool.is_empty());
}

#[test]
fn waiting_sets_end_with_their_author() {
    let mut fixture = Fixture::new();
    let mut pool = Mempool::default();
    fixture.admit(&mut pool, &fixture.set(1, None)).expect("room");
    let previous = fixture.previous(&RecordKey::did(&fixture.issuer.suffix));
    let action = Action::DidDeactivate(Reveal { revealed: vec![member(2)] });
    let end = operation(fixture.head.chain, Some(&fixture.issuer), previous, action);
    let end = Arc::new(seal(&end, Role::Next, 2, &fixture.network));
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
