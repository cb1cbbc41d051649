//! Tests of whole blocks: their limits, each field of the header, and the state below the root.

mod support;

use registry_core::block::Header;
use registry_core::code::Code;
use registry_core::cost;
use registry_core::crypto::{Hash, Purpose, ValidatorKey};
use registry_core::did::Document;
use registry_core::governance::{HALTED, PARAMETERS, PUBLISHING, VALIDATORS, VERSION};
use registry_core::limits::{
    BLOCK_BYTES_MAX, BLOCK_FIRST_VERSIONS_MAX, BLOCK_OPERATIONS_MAX, DAY_MS, EXPIRED_PER_BLOCK_MAX,
};
use registry_core::mmr::root_of;
use registry_core::operation::Action;
use registry_core::record::{PartId, RecordKey};
use registry_core::trust::Conditions;
use registry_state::execution::{BlockBudget, BlockError};
use registry_state::rules::Checked;
use registry_state::state::{
    ApplyError, Changes, MemoryState, Overlay, StateView, TransientKey, TransientKind,
};

use support::ledger::{GENESIS_MS, Ledger, parameters};
use support::trust::{Party, grant, revoke, right, void};
use support::{change, create, did_of, ed, recover, reveal, roll, rotate, seal, single, update};

fn creation() -> registry_core::operation::Operation {
    create(single(&ed(10), &ed(11), &ed(12)), Document::default(), 1)
}

fn registered() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[seal(&creation(), &[ed(10)])]);
    ledger
}

fn checked(envelope: &[u8]) -> Checked {
    Ledger::check(envelope).expect("a good envelope")
}

/// Returns an update of which only the form is right.
fn an_update(also_known_as: usize) -> Checked {
    let alias = |number: usize| format!("https://{number}/{}", "a".repeat(500));
    let also_known_as = (0..also_known_as).map(alias).collect();
    let document = Document { also_known_as, ..Document::default() };
    let operation = change(&did_of(&creation()), Hash([7; 32]), 2, update(document));
    checked(&seal(&operation, &[ed(10)]))
}

fn a_rotate() -> Checked {
    let sets = single(&ed(20), &ed(21), &ed(22));
    let action = rotate(reveal(&[ed(11)]), sets, Document::default());
    let operation = change(&did_of(&creation()), Hash([7; 32]), 2, action);
    checked(&seal(&operation, &[ed(11)]))
}

/// Returns the smallest operation with priority, which is unsigned and has no content.
fn a_completion() -> Checked {
    let action = Action::DidRecoverComplete;
    checked(&seal(&change(&did_of(&creation()), Hash([7; 32]), 2, action), &[]))
}

/// Returns how many copies of `operation` fit, each of which changes a record that exists.
fn room(budget: &mut BlockBudget, operation: &Checked) -> usize {
    (0..=BLOCK_OPERATIONS_MAX).take_while(|_| budget.take(operation, 0, 0)).count()
}

/// Returns how many copies of `operation` fit, each of which writes the first version of a record.
fn first_room(budget: &mut BlockBudget, operation: &Checked) -> usize {
    (0..=BLOCK_OPERATIONS_MAX).take_while(|_| budget.take(operation, 1, 0)).count()
}

#[test]
fn a_block_keeps_a_tenth_for_senior_operations() {
    let mut budget = BlockBudget::new(u64::MAX);
    assert_eq!(room(&mut budget, &an_update(0)), 3_600);
    assert_eq!(room(&mut budget, &a_completion()), 400);
    assert!(!budget.take(&an_update(0), 0, 0));
    let mut budget = BlockBudget::new(u64::MAX);
    assert_eq!(room(&mut budget, &a_completion()), BLOCK_OPERATIONS_MAX);
}

#[test]
fn a_block_holds_1000_first_versions_whatever_their_guard() {
    let create = checked(&seal(&creation(), &[ed(10)]));
    for operation in [create, an_update(0), a_completion()] {
        let mut budget = BlockBudget::new(u64::MAX);
        assert_eq!(first_room(&mut budget, &operation), BLOCK_FIRST_VERSIONS_MAX);
        assert!(!budget.take(&operation, 1, 0));
        assert!(budget.take(&operation, 0, 0), "other operations still fit");
    }
    let mut budget = BlockBudget::new(u64::MAX);
    assert_eq!(first_room(&mut budget, &an_update(0)), BLOCK_FIRST_VERSIONS_MAX);
    assert_eq!(room(&mut budget, &an_update(0)), 2_600);
}

#[test]
fn a_block_holds_two_mebibytes_a_tenth_of_them_for_senior_operations() {
    let (update, rotate) = (an_update(16), a_rotate());
    let mut budget = BlockBudget::new(u64::MAX);
    let ordinary = BLOCK_BYTES_MAX - BLOCK_BYTES_MAX / 10;
    let updates = ordinary / update.bytes().len();
    assert_eq!(room(&mut budget, &update), updates);
    let left = BLOCK_BYTES_MAX - updates * update.bytes().len();
    let rotates = (left / rotate.bytes().len()).min(BLOCK_OPERATIONS_MAX - updates);
    assert_eq!(room(&mut budget, &rotate), rotates);
}

#[test]
fn a_block_with_one_create_too_many_is_refused() {
    let ledger = Ledger::new();
    let envelope = |number: u16| {
        let mut operation = creation();
        operation.salt.0[..2].copy_from_slice(&number.to_be_bytes());
        seal(&operation, &[ed(10)])
    };
    let count = u16::try_from(BLOCK_FIRST_VERSIONS_MAX).expect("small");
    let mut envelopes: Vec<Vec<u8>> = (0..count).map(envelope).collect();
    let built = ledger.attempt(GENESIS_MS + 1_000, &envelopes).expect("all fit");
    assert_eq!(ledger.execute(&built.header, &envelopes), Ok(built.clone()));
    envelopes.push(envelope(count));
    let error = ledger.execute(&built.header, &envelopes);
    assert_eq!(error, Err(BlockError::Full { index: BLOCK_FIRST_VERSIONS_MAX }));
}

#[test]
fn a_void_in_a_full_block_counts_as_the_first_version_that_it_writes() {
    let authority = Party::new(20);
    let mut ledger = Ledger::new();
    ledger.after(1_000, std::slice::from_ref(&authority.create));
    let key = right(&authority.did, "degrees", "did:web:school.example");
    let granted = authority.signs(&ledger, grant(&key, None, Conditions::default()));
    ledger.after(1_000, std::slice::from_ref(&granted));
    // A void names the grant in its guard and writes a record of its own.
    let voids = checked(&authority.voids(checked(&granted).id(), void(&key)));
    let revokes = checked(&authority.signs(&ledger, revoke(&key)));
    let mut block = ledger.start(ledger.head.time + 1_000);
    for number in 0..BLOCK_FIRST_VERSIONS_MAX {
        let mut operation = creation();
        operation.salt.0[..8].copy_from_slice(&number.to_be_bytes());
        assert_eq!(block.apply(&checked(&seal(&operation, &[ed(10)]))), Ok(()));
    }
    assert_eq!(block.apply(&voids), Err(ApplyError::Full));
    assert_eq!(block.apply(&revokes), Ok(()), "it writes a record that exists");
}

#[test]
fn a_header_that_differs_in_any_field_is_refused() {
    let ledger = Ledger::new();
    let envelopes = [seal(&creation(), &[ed(10)])];
    let built = ledger.attempt(GENESIS_MS + 1_000, &envelopes).expect("applies");
    assert_eq!(ledger.execute(&built.header, &envelopes).as_ref(), Ok(&built));
    const OTHER: Hash = Hash([7; 32]);
    type Edit = fn(&mut Header);
    let edits: [(&str, Edit); 10] = [
        ("chain", |header| header.chain = OTHER),
        ("height", |header| header.height += 1),
        ("previous", |header| header.previous = OTHER),
        ("version", |header| header.version += 1),
        ("operations_root", |header| header.operations_root = OTHER),
        ("receipts_root", |header| header.receipts_root = OTHER),
        ("state_root", |header| header.state_root = OTHER),
        ("history_root", |header| header.history_root = OTHER),
        ("validators", |header| header.validators = OTHER),
        ("next_validators", |header| header.next_validators = OTHER),
    ];
    for (name, edit) in edits {
        let mut header = built.header.clone();
        edit(&mut header);
        match ledger.execute(&header, &envelopes) {
            Err(BlockError::Header { field, .. }) => assert_eq!(field, name),
            result => panic!("{name}: {result:?}"),
        }
    }
    let stranger = Header { proposer: ValidatorKey([7; 32]), ..built.header.clone() };
    let result = ledger.execute(&stranger, &envelopes);
    assert!(matches!(result, Err(BlockError::Proposer { height: 1, .. })), "{result:?}");
    let late = Header { time: built.header.time + 1, ..built.header.clone() };
    assert!(matches!(ledger.execute(&late, &envelopes), Err(BlockError::Header { .. })));
    let still = Header { time: ledger.head.time, ..built.header.clone() };
    let result = ledger.execute(&still, &envelopes);
    assert!(matches!(result, Err(BlockError::Header { field: "time", .. })), "{result:?}");
    assert!(ledger.execute(&built.header, &[]).is_err());
}

#[test]
fn a_block_with_a_refused_operation_is_refused_with_its_code() {
    let ledger = registered();
    let bad = seal(&creation(), &[ed(10)]);
    let empty = ledger.attempt(ledger.head.time + 1, &[]).expect("an empty block");
    match ledger.execute(&empty.header, &[bad]) {
        Err(BlockError::Operation { index: 0, refusal }) => {
            assert_eq!(refusal.code, Code::AlreadyApplied);
        }
        result => panic!("{result:?}"),
    }
}

#[test]
fn versions_and_history_are_ranges_over_all_before() {
    let mut ledger = registered();
    let did = did_of(&creation());
    let key = RecordKey::did(&did.suffix);
    let mut records = vec![ledger.previous(&did).record.hash()];
    let mut blocks = vec![Ledger::new().head.hash(), ledger.head.hash()];
    for number in 2..20 {
        let operation = change(&did, ledger.previous(&did), number, update(Document::default()));
        ledger.after(1_000, &[seal(&operation, &[ed(10)])]);
        let record = ledger.entry(&did).expect("registered").record;
        assert_eq!(record.version, u64::from(number));
        assert_eq!(record.versions, root_of(records.iter().copied()));
        assert_eq!(ledger.head.history_root, root_of(blocks.iter().copied()));
        records.push(record.hash());
        blocks.push(ledger.head.hash());
        for (version, hash) in (1..).zip(&records) {
            let entry = ledger.state.version(&key, version).expect("all versions are kept");
            assert_eq!(entry.record.hash(), *hash);
        }
    }
}

#[test]
fn the_operations_of_a_block_on_one_record_make_one_version() {
    let mut ledger = registered();
    let did = did_of(&creation());
    let numbers = |ledger: &Ledger| -> Vec<(PartId, u64)> {
        let entry = ledger.entry(&did).expect("registered");
        assert!(entry.is_whole());
        entry.parts.iter().map(|part| (part.id, part.number)).collect()
    };
    assert_eq!(numbers(&ledger), [(PartId::CONTROL, 1), (PartId::DOCUMENT, 1)]);
    // Both updates are signed before the block, so the second names what the first will write.
    let updated = |ledger: &Ledger, number: u8| {
        let operation = change(&did, ledger.previous(&did), number, update(Document::default()));
        seal(&operation, &[ed(10)])
    };
    let first = updated(&ledger, 2);
    let after_first = ledger.with(std::slice::from_ref(&first));
    let second = updated(&after_first, 3);
    let recovering = recover(single(&ed(20), &ed(21), &ed(22)), Document::default());
    let third = seal(&change(&did, ledger.previous(&did), 4, recovering), &[ed(12)]);
    let envelopes = [first, second, third];
    let execution = ledger.attempt(ledger.head.time + 1, &envelopes).expect("all apply");
    let [entry] = &execution.changes.entries[..] else { panic!("one version of one record") };
    assert_eq!(entry.record.version, 2);
    assert_eq!(entry.record.operation, checked(&envelopes[2]).id());
    for receipt in &execution.receipts {
        assert_eq!((receipt.version, receipt.record), (2, entry.record.hash()));
    }
    ledger.after(1, &envelopes);
    let expected = [(PartId::CONTROL, 1), (PartId::RECOVERY, 1), (PartId::DOCUMENT, 3)];
    assert_eq!(numbers(&ledger), expected);
}

#[test]
fn a_rotation_holds_however_often_the_document_was_written_since() {
    let mut ledger = registered();
    let did = did_of(&creation());
    let rotation =
        rotate(reveal(&[ed(11)]), single(&ed(20), &ed(21), &ed(22)), Document::default());
    let rotation = seal(&change(&did, ledger.previous(&did), 90, rotation), &[ed(11)]);
    for number in 2..10 {
        let operation = change(&did, ledger.previous(&did), number, update(Document::default()));
        ledger.after(1_000, &[seal(&operation, &[ed(10)])]);
    }
    let operation = change(&did, ledger.previous(&did), 10, update(Document::default()));
    ledger.after(1_000, &[seal(&operation, &[ed(10)]), rotation]);
}

#[test]
fn an_update_waits_for_the_block_after_a_change_of_sets() {
    let mut ledger = registered();
    let did = did_of(&creation());
    let rotation = roll(reveal(&[ed(11)]), single(&ed(20), &ed(21), &ed(22)));
    let rotation = seal(&change(&did, ledger.previous(&did), 2, rotation), &[ed(11)]);
    let rotated = ledger.with(std::slice::from_ref(&rotation));
    let operation = change(&did, rotated.previous(&did), 3, update(Document::default()));
    let waiting = seal(&operation, &[ed(20)]);
    let mut block = ledger.start(ledger.head.time + 1_000);
    block.apply(&checked(&rotation)).expect("it applies");
    assert_eq!(block.apply(&checked(&waiting)), Err(ApplyError::Full));
    ledger.after(1_000, &[rotation]).after(1_000, &[waiting]);
    // The sets of a DID are those of its creation in the block that makes it.
    let operation = create(single(&ed(60), &ed(61), &ed(62)), Document::default(), 4);
    let made = ledger.with(&[seal(&operation, &[ed(60)])]);
    let did = did_of(&operation);
    let at_once = change(&did, made.previous(&did), 5, update(Document::default()));
    ledger.after(1_000, &[seal(&operation, &[ed(60)]), seal(&at_once, &[ed(60)])]);
}

/// Returns the state root of `ledger` after a block that only sets these transient leaves.
fn root_with(ledger: &Ledger, leaves: &[(TransientKey, u64)]) -> Hash {
    let mut overlay = Overlay::new(&ledger.state);
    for (key, value) in leaves {
        overlay.set_transient(key.clone(), Some(value.to_be_bytes().to_vec()));
    }
    overlay.finish(ledger.head.height + 1).expect("a sound store").0
}

#[test]
fn every_transient_leaf_is_under_the_state_root() {
    let ledger = registered();
    let leaf = |kind| TransientKey { expires_ms: GENESIS_MS, kind, id: vec![1] };
    let mut roots = vec![root_with(&ledger, &[])];
    for kind in [TransientKind::Seen, TransientKind::NextQuota, TransientKind::RecoveryQuota] {
        roots.push(root_with(&ledger, &[(leaf(kind), 1)]));
        roots.push(root_with(&ledger, &[(leaf(kind), 2)]));
    }
    for (index, root) in roots.iter().enumerate() {
        assert!(!roots[..index].contains(root), "root {index} is not new");
    }
}

/// Returns the root of a tree of leaves (key, value), computed as docs/protocol/state.md defines
/// it.
fn tree_root(leaves: &[(Hash, Vec<u8>)], bit: usize) -> [u8; 32] {
    let hash = |parts: &[&[u8]]| Hash::of(Purpose::Tree, parts).0;
    match leaves {
        [] => *b"SPARSE_MERKLE_PLACEHOLDER_HASH__",
        [(key, value)] => hash(&[b"JMT::LeafNode", &key.0, &hash(&[value])]),
        _ => {
            let goes_right = |key: &Hash| key.0[bit / 8] >> (7 - bit % 8) & 1 == 1;
            let (right, left): (Vec<_>, Vec<_>) =
                leaves.iter().cloned().partition(|(key, _)| goes_right(key));
            let (left, right) = (tree_root(&left, bit + 1), tree_root(&right, bit + 1));
            hash(&[b"JMT::IntrnalNode", &left, &right])
        }
    }
}

#[test]
fn the_state_root_follows_from_the_leaves_alone() {
    let mut ledger = Ledger::new();
    let mut keys: Vec<RecordKey> = [VALIDATORS, PARAMETERS, VERSION, PUBLISHING, HALTED]
        .into_iter()
        .map(RecordKey::governance)
        .collect();
    for number in 1..60 {
        let operation = create(single(&ed(10), &ed(11), &ed(12)), Document::default(), number);
        keys.push(RecordKey::did(&did_of(&operation).suffix));
        // Each halt writes a record; an empty block leaves the tree as it is.
        ledger.after(1 + 30_000 * u64::from(number % 4), &[seal(&operation, &[ed(10)])]);
        ledger.after(1, &[]);
        let leaves: Vec<(Hash, Vec<u8>)> = keys
            .iter()
            .filter_map(|key| {
                let head = ledger.state.head(key).expect("a sound store")?;
                Some((key.tree_key(), head.record.hash().0.to_vec()))
            })
            .collect();
        assert!(leaves.len() >= 4 + usize::from(number), "{number} DIDs and genesis");
        assert_eq!(ledger.head.state_root.0, tree_root(&leaves, 0), "{number} DIDs");
    }
}

/// Returns the changes of one block to transient leaves.
fn transient(changes: &Changes) -> &[(TransientKey, Option<Vec<u8>>)] {
    &changes.transient
}

#[test]
fn a_halt_is_written_as_a_record_and_a_quota_as_a_leaf() {
    let ledger = registered();
    let did = did_of(&creation());
    let action = rotate(reveal(&[ed(11)]), single(&ed(20), &ed(21), &ed(22)), Document::default());
    let envelope = seal(&change(&did, ledger.previous(&did), 2, action), &[ed(11)]);
    let block = ledger.attempt(ledger.head.time + 60_001, &[envelope]).expect("applies");
    let quota = TransientKey {
        expires_ms: GENESIS_MS + DAY_MS,
        kind: TransientKind::NextQuota,
        id: RecordKey::did(&did.suffix).storage_key(),
    };
    assert_eq!(transient(&block.changes), [(quota, Some(1u64.to_be_bytes().to_vec()))]);
    let halted = block.changes.entry(&RecordKey::governance(HALTED)).expect("written");
    assert_eq!(halted.part_value(PartId::WHOLE), Ok(60_001_u64));
    assert_eq!((halted.record.version, halted.record.operation), (1, Hash::ZERO));
    let idle = ledger.attempt(ledger.head.time + 60_000, &[]).expect("an empty block");
    assert_eq!((transient(&idle.changes), &idle.changes.entries[..]), (&[][..], &[][..]));
    assert_eq!(idle.header.state_root, ledger.head.state_root);
}

#[test]
fn leaves_expire_in_order_and_as_many_a_block_as_a_block_can_add() {
    // An operation adds a seen id and two counters at most.
    const { assert!(EXPIRED_PER_BLOCK_MAX >= 3 * BLOCK_OPERATIONS_MAX) };
    assert_eq!(cost::expired_max(u64::MAX), EXPIRED_PER_BLOCK_MAX);
    let mut ledger = Ledger::new();
    let budget = parameters().block_cost_max;
    let most = budget / cost::EXPIRED;
    assert_eq!((budget, most), (450_000, 5_625));
    let count = most + 10;
    let key = |place: u64| TransientKey {
        expires_ms: GENESIS_MS + 1 + place / 2,
        kind: TransientKind::Seen,
        id: place.to_be_bytes().to_vec(),
    };
    let mut overlay = Overlay::new(&ledger.state);
    (0..count).rev().for_each(|place| overlay.set_transient(key(place), Some(vec![1])));
    overlay.append_history(0, &ledger.head.hash()).expect("a sound store");
    let (state_root, changes) = overlay.finish(1).expect("a sound store");
    ledger.state.commit(&changes);
    let previous = ledger.head.hash();
    let time = GENESIS_MS + 1;
    ledger.head = Header { height: 1, previous, state_root, time, ..ledger.head.clone() };
    let deleted = |ledger: &Ledger, time_ms: u64| {
        let block = ledger.attempt(time_ms, &[]).expect("an empty block");
        assert!(block.changes.transient.iter().all(|(_, value)| value.is_none()));
        block.changes.transient.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    // A leaf still has an effect at its expiry. One millisecond later it is deleted.
    assert_eq!(deleted(&ledger, GENESIS_MS + 2), vec![key(0), key(1)]);
    assert_eq!(deleted(&ledger, GENESIS_MS + 3), (0..4).map(key).collect::<Vec<_>>());
    let late_ms = GENESIS_MS + 30_000;
    let first: Vec<_> = (0..most).map(key).collect();
    assert_eq!(deleted(&ledger, late_ms), first);
    ledger.block(late_ms, &[]).expect("an empty block");
    let rest: Vec<_> = (most..count).map(key).collect();
    assert_eq!(deleted(&ledger, late_ms + 1), rest);
    ledger.block(late_ms + 1, &[]).expect("an empty block");
    assert_eq!(ledger.head.state_root, Ledger::new().head.state_root);
    let expired = |state: &MemoryState| state.expired(u64::MAX, 10).expect("a sound store");
    assert_eq!(expired(&ledger.state), vec![]);
}
