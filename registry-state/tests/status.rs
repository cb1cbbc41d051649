//! Tests of status lists over whole blocks: against a plain array, at the limits of a block, and
//! for the number of reads.

mod support;

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::id::{Did, ListId};
use registry_core::limits::{
    BLOCK_FIRST_VERSIONS_MAX, BLOCK_STATUS_BYTES_MAX, STATUS_ARRAY_BYTES_MAX, STATUS_BITS_MAX,
    STATUS_SET_UNTIL_MS,
};
use registry_core::mmr::Position;
use registry_core::operation::Action;
use registry_core::record::{Entry, PartId, RecordKey, StoreError};
use registry_core::status::{Bits, EntryChanges, StatusList, StatusPurpose, StatusUpdate};
use registry_state::execution::{BlockExecution, Execution};
use registry_state::state::{ApplyError, MemoryState, StateView, TransientKey};

use support::draft::{Applied, Draft};
use support::ledger::{GENESIS_MS, Ledger, validators};
use support::status::{
    authored, entries, list_of, plain_list, run, runs, seal_by_method, status_create, status_set,
};
use support::{create, did_of, ed, network, seal, single};

fn document() -> Document {
    let method = serde_json::json!({
        "id": "key-1",
        "publicKeyMultibase": ed(10).public().to_string(),
    });
    let json = serde_json::json!({
        "verificationMethod": [method],
        "capabilityInvocation": ["key-1"],
    });
    serde_json::from_value(json).expect("a document")
}

/// Returns a ledger with one issuer, and the issuer.
fn registered() -> (Ledger, Did) {
    let operation = create(single(&ed(10), &ed(11), &ed(12)), document(), 1);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[seal(&operation, &[ed(10)])]);
    (ledger, did_of(&operation))
}

/// Returns a ledger with one issuer and a list of it.
fn with_list(purpose: StatusPurpose, bits: u8, length: u64) -> (Ledger, Did, ListId) {
    let (mut ledger, issuer) = registered();
    let operation = status_create(&issuer, 1, plain_list(purpose, bits, length));
    ledger.after(1_000, &[seal_by_method(&operation, ed(10))]);
    (ledger, issuer, list_of(&operation))
}

fn head(ledger: &Ledger, list: &ListId) -> Entry {
    ledger.state.head(&RecordKey::status(list)).expect("a sound store").expect("a list")
}

fn value(entry: &Entry) -> StatusList {
    assert!(entry.is_whole());
    entry.value().expect("a list")
}

/// Returns the numbers of the parts of a list: terms and array.
fn numbers(entry: &Entry) -> (u64, u64) {
    let number = |id| entry.part(id).map_or(0, |part| part.number);
    (number(PartId::TERMS), number(PartId::ARRAY))
}

/// Returns the time until which the operations of these tests for the next block are valid.
fn until(ledger: &Ledger) -> u64 {
    ledger.head.time + STATUS_SET_UNTIL_MS / 2
}

fn setting(ledger: &Ledger, issuer: &Did, salt: u8, list: ListId, to: EntryChanges) -> Vec<u8> {
    seal_by_method(&status_set(issuer, until(ledger), salt, list, to), ed(10))
}

/// What one operation of a random history does.
#[derive(Debug, Clone)]
enum Deed {
    Runs(Vec<(u64, u64, u8)>),
    Entries(u8, Vec<u64>),
    Update,
}

const LENGTH: u64 = 5_000;

fn deed() -> impl Strategy<Value = Deed> {
    let pieces = prop::collection::vec((0u64..900, 1u64..90, any::<u8>()), 1..5);
    let indexes = prop::collection::btree_set(0..LENGTH, 1..40);
    prop_oneof![
        4 => pieces.prop_map(Deed::Runs),
        4 => (any::<u8>(), indexes).prop_map(|(v, all)| Deed::Entries(v, Vec::from_iter(all))),
        1 => Just(Deed::Update),
    ]
}

/// Returns the changes of a deed and makes them in `plain` too. `Runs` holds gap, length and value.
fn changes(deed: &Deed, mask: u8, plain: &mut [u8]) -> EntryChanges {
    let place = |index: u64| usize::try_from(index).expect("small");
    match deed {
        Deed::Runs(pieces) => {
            let mut all = Vec::new();
            let mut at = 0;
            for (gap, length, value) in pieces {
                all.push(run(at + gap, *length, value & mask));
                plain[place(at + gap)..place(at + gap + length)].fill(value & mask);
                at += gap + length;
            }
            runs(&all)
        }
        Deed::Entries(value, indexes) => {
            indexes.iter().for_each(|index| plain[place(*index)] = value & mask);
            entries(value & mask, indexes)
        }
        Deed::Update => panic!("an update changes no entry"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Blocks hold several sets, some with updates between them, over more versions than a keyframe
    /// spans. Each update is signed over the terms before its block, whatever is set in the block.
    #[test]
    fn all_versions_of_a_random_history_equal_a_plain_array(
        bits in prop_oneof![Just(1u8), Just(2), Just(4), Just(8)],
        history in prop::collection::vec(prop::collection::vec(deed(), 1..4), 66..140),
    ) {
        let (mut ledger, issuer, list) = with_list(StatusPurpose::Message, bits, LENGTH);
        let mask = u8::MAX >> (8 - bits);
        let mut plain = vec![0u8; usize::try_from(LENGTH).expect("small")];
        let mut versions = vec![plain.clone()];
        let (mut written, mut applied) = ((1, 0), Applied::default());
        for deeds in &history {
            let mut draft = Draft::new(ledger.head.time + 1);
            let mut operations = Vec::new();
            for (salt, deed) in (1..).zip(deeds) {
                let envelope = if matches!(deed, Deed::Update) {
                    written.0 += 1;
                    let valid_until = Some(GENESIS_MS + 1_000_000 + versions.len() as u64);
                    let update = StatusUpdate { list, valid_until, delegates: Vec::new() };
                    let update = Action::StatusUpdate(update);
                    let guard = draft.guard(&ledger, Some(&issuer), &update);
                    seal_by_method(&authored(&issuer, guard, salt, update), ed(10))
                } else {
                    written.1 += 1;
                    let to = changes(deed, mask, &mut plain);
                    setting(&ledger, &issuer, salt, list, to)
                };
                operations.push(draft.add(&ledger, envelope).expect("it applies"));
            }
            let execution = draft.commit(&mut ledger, &mut applied, 50);
            check_one_version(&execution, &operations, versions.len() as u64 + 1);
            prop_assert_eq!(numbers(&head(&ledger, &list)), written);
            versions.push(plain.clone());
        }
        for (version, plain) in (1..).zip(&versions) {
            let entry = ledger.state.version(&RecordKey::status(&list), version);
            let entry = entry.expect("a version");
            let array = ledger.state.status_array(entry).expect("a sound store");
            let read: Vec<u8> = (0..LENGTH).map(|at| array.get(at).expect("in range")).collect();
            prop_assert_eq!(&read, plain, "version {}", version);
            prop_assert_eq!(value(entry).root, array.root());
        }
    }
}

/// Checks that all operations of a block make one version, which each receipt names, and that the
/// version names the last operation.
fn check_one_version(execution: &Execution, operations: &[Hash], version: u64) {
    let [entry] = &execution.changes.entries[..] else { panic!("one record version a block") };
    let made: Vec<Hash> = execution.receipts.iter().map(|receipt| receipt.operation).collect();
    assert_eq!(made, operations);
    assert_eq!(execution.changes.status_rows.len(), 1);
    for receipt in &execution.receipts {
        assert_eq!((receipt.version, receipt.record), (version, entry.record.hash()));
    }
    let last = operations.last().copied();
    assert_eq!((entry.record.version, Some(entry.record.operation)), (version, last));
}

/// A state that counts the reads of arrays.
struct Counting<'a> {
    state: &'a MemoryState,
    arrays: Cell<usize>,
}

impl StateView for Counting<'_> {
    fn head(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.state.head(key)
    }

    fn mmr_node(&self, range: &Hash, at: Position) -> Result<Option<Hash>, StoreError> {
        self.state.mmr_node(range, at)
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.state.transient(key)
    }

    fn expired(&self, time_ms: u64, limit: usize) -> Result<Vec<TransientKey>, StoreError> {
        self.state.expired(time_ms, limit)
    }

    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        self.arrays.set(self.arrays.get() + 1);
        self.state.status_array(entry)
    }

    fn tree_node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.state.tree_node(key)
    }
}

#[test]
fn a_block_reads_the_array_of_a_list_once() {
    let (ledger, issuer, list) = with_list(StatusPurpose::Revocation, 1, 1_000);
    let view = Counting { state: &ledger.state, arrays: Cell::new(0) };
    let (time_ms, proposer) = (ledger.head.time + 1, validators().validators[0].key);
    let block = BlockExecution::new(&view, network(), &ledger.head, time_ms, proposer);
    let mut block = block.expect("a sound store");
    for salt in 1..10 {
        let to = entries(1, &[u64::from(salt)]);
        let checked = Ledger::check(&setting(&ledger, &issuer, salt, list, to)).expect("good");
        block.apply(&checked).expect("applies");
    }
    assert_eq!(block.finish().expect("a sound store").changes.status_rows.len(), 1);
    assert_eq!(view.arrays.get(), 1);
}

#[test]
fn a_block_has_room_for_32_mib_of_arrays() {
    let (mut ledger, issuer) = registered();
    let room = BLOCK_STATUS_BYTES_MAX / STATUS_ARRAY_BYTES_MAX;
    let lists = u8::try_from(room).expect("few") + 1;
    let list = |number| plain_list(StatusPurpose::Revocation, 1, STATUS_BITS_MAX - number);
    let operations = (0..lists).map(|salt| status_create(&issuer, salt, list(u64::from(salt))));
    let operations: Vec<_> = operations.collect();
    let envelopes: Vec<_> = operations.iter().map(|each| seal_by_method(each, ed(10))).collect();
    ledger.after(1_000, &envelopes);
    let mut block = ledger.start(ledger.head.time + 1);
    let mut set = |salt: u8, operation| {
        let to = runs(&[run(u64::from(salt), 1, 1)]);
        let envelope = setting(&ledger, &issuer, salt, list_of(operation), to);
        block.apply(&Ledger::check(&envelope).expect("good"))
    };
    for (salt, operation) in (0..).zip(&operations[..room]) {
        assert_eq!(set(salt, operation), Ok(()));
    }
    assert_eq!(set(100, &operations[room]), Err(ApplyError::Full));
    assert_eq!(set(101, &operations[0]), Ok(()), "an open list needs no more room");
    let update =
        StatusUpdate { list: list_of(&operations[room]), valid_until: None, delegates: Vec::new() };
    let update = ledger.operation(&issuer, 1, Action::StatusUpdate(update));
    let update = Ledger::check(&seal_by_method(&update, ed(10))).expect("good");
    assert_eq!(block.apply(&update), Err(ApplyError::Full));
    let execution = block.finish().expect("a sound store");
    assert_eq!(execution.changes.status_rows.len(), room);
    let bytes: usize = execution.changes.status_rows.iter().map(|(_, _, row)| row.len()).sum();
    assert!(bytes < room * 16, "{bytes} bytes for single entries");
}

/// A block with 999 new lists and one new DID has no room for another new list.
#[test]
fn new_lists_and_dids_share_the_room_for_first_versions() {
    let (ledger, issuer) = registered();
    let list = |number: usize| {
        let list = plain_list(StatusPurpose::Revocation, 1, 8);
        let mut operation = status_create(&issuer, 1, list);
        operation.salt.0[..8].copy_from_slice(&number.to_be_bytes());
        Ledger::check(&seal_by_method(&operation, ed(10))).expect("good")
    };
    let mut block = ledger.start(ledger.head.time + 1_000);
    for number in 1..BLOCK_FIRST_VERSIONS_MAX {
        block.apply(&list(number)).expect("it fits");
    }
    let sets = single(&ed(60), &ed(61), &ed(62));
    let create = create(sets, Document::default(), 60);
    block.apply(&Ledger::check(&seal(&create, &[ed(60)])).expect("good")).expect("it fits");
    let one_more = block.apply(&list(BLOCK_FIRST_VERSIONS_MAX));
    assert!(matches!(one_more, Err(ApplyError::Full)), "{one_more:?}");
}

/// A run over the whole of the largest list must cost one pass over its bytes, not one step per
/// entry.
#[test]
fn a_run_over_the_largest_list_is_set_and_expected() {
    let (mut ledger, issuer, list) = with_list(StatusPurpose::Suspension, 1, STATUS_BITS_MAX);
    let whole = |value, expect| {
        let all = run(0, STATUS_BITS_MAX, value);
        runs(&[registry_core::status::Run { expect: Some(expect), ..all }])
    };
    let envelopes: Vec<_> = (0..100)
        .map(|salt| setting(&ledger, &issuer, salt, list, whole(1 - salt % 2, salt % 2)))
        .chain([setting(&ledger, &issuer, 200, list, whole(1, 0))])
        .collect();
    ledger.after(1, &envelopes);
    let array = ledger.state.status_array(&head(&ledger, &list)).expect("a sound store");
    assert!(array.is_filled(0, STATUS_BITS_MAX, 1));
}
