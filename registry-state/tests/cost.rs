//! Tests of the cost of operations and of the budget of a block (docs/protocol/state.md B4).

#[path = "cost/counted.rs"]
mod counted;
#[path = "cost/reads.rs"]
mod reads;
#[allow(dead_code, reason = "the scenes of another test program")]
#[path = "seniority/scenes.rs"]
mod scenes;
mod support;

use registry_core::code::Code;
use registry_core::cost::{self, BLOCK_COST_MAX_MIN, OPERATION_COST_MAX};
use registry_core::crypto::Hash;
use registry_core::did::{Document, Member, Sets};
use registry_core::governance::{EndorsedWrites, Parameters, WritePolicy};
use registry_core::id::Did;
use registry_core::limits::{
    CONTROL_MEMBERS_MAX, DID_OPERATION_BYTES_MAX, GOVERNORS_MAX, SIGNATURES_MAX,
    VERIFICATION_METHODS_MAX,
};
use registry_core::operation::{
    MemberSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::status::StatusPurpose;
use registry_state::execution::{BlockBudget, BlockError, BlockExecution};
use registry_state::rules::{Checked, cost_alone};
use registry_state::state::ApplyError;

use counted::Counted;
use support::ledger::{Ledger, Start, parameters};
use support::status::{entries, list_of, plain_list, run, runs, status_create, status_set};
use support::{
    Key, change, create, did_member, did_of, ed, k256, key_member, key_set, next_set_of, p256,
    reveal, roll, rotate, seal, seal_body, seal_for_members, signature, single, update,
};

/// Returns the control key of a DID. The first DIDs have different ones.
fn control(number: u16) -> Key {
    ed(100 + u8::try_from(number % 100).expect("small"))
}

/// Returns the create of a DID that one key controls. The `number` tells them apart.
fn creation(number: u16) -> Operation {
    let sets = single(&control(number), &ed(11), &ed(12));
    let mut operation = create(sets, Document::default(), 1);
    operation.salt.0[..2].copy_from_slice(&number.to_be_bytes());
    operation
}

/// A DID and its control key.
type Owner = (Did, Key);

/// Returns a ledger with the first `count` of these DIDs. Its blocks may cost `cost_max`.
fn ledger(count: u16, cost_max: u64) -> (Ledger, Vec<Owner>) {
    let parameters = Parameters { block_cost_max: cost_max, ..parameters() };
    let mut ledger = Ledger::start_from(Start { parameters, ..Start::default() }, Vec::new());
    let numbers: Vec<u16> = (0..count).collect();
    for some in numbers.chunks(400) {
        let sealed = some.iter().map(|number| seal(&creation(*number), &[control(*number)]));
        ledger.after(1_000, &sealed.collect::<Vec<_>>());
    }
    let owners = numbers.iter().map(|number| (did_of(&creation(*number)), control(*number)));
    (ledger, owners.collect())
}

fn checked(envelope: &[u8]) -> Checked {
    Ledger::check(envelope).expect("a good envelope")
}

fn start(ledger: &Ledger) -> BlockExecution<'_> {
    ledger.start(ledger.head.time + 1_000)
}

fn an_update(ledger: &Ledger, (did, key): &Owner) -> Vec<u8> {
    let alias = vec!["did:web:example.org".to_owned()];
    let document = Document { also_known_as: alias, ..Document::default() };
    seal(&change(did, ledger.previous(did), 2, update(document)), &[*key])
}

/// Returns what an operation costs at the end of a block.
fn cost_of(block: &mut BlockExecution<'_>, envelope: &[u8]) -> u64 {
    block.apply(&checked(envelope)).expect("applies");
    block.probe().paid().cost
}

#[test]
fn the_default_budget_has_room_for_1000_small_operations_and_a_legal_one_for_3600() {
    let default = Parameters::default();
    assert_eq!(default.check(), Ok(()));
    let ordinary =
        |parameters: &Parameters| parameters.block_cost_max - parameters.block_cost_max / 10;
    let wide = Parameters { block_cost_max: 510_000, timeout_propose_ms: 3_400, ..parameters() };
    assert_eq!(wide.check(), Ok(()));
    let (mut ledger, dids) = ledger(1, default.block_cost_max);
    let updated = cost_of(&mut start(&ledger), &an_update(&ledger, &dids[0]));
    println!("an update costs {updated}");
    assert!(updated * 1_290 <= ordinary(&default), "{updated}");
    assert!(updated * 3_600 <= ordinary(&wide), "{updated}");
    let (did, key) = &dids[0];
    let list = status_create(did, 3, plain_list(StatusPurpose::Revocation, 1, 131_072));
    ledger.after(1_000, &[by_control(&list, *key)]);
    let until = ledger.head.time + 60_000;
    let mut block = start(&ledger);
    let set = |entry: u64, number| {
        let set = status_set(did, until, number, list_of(&list), entries(1, &[entry]));
        by_control(&set, *key)
    };
    let first = cost_of(&mut block, &set(0, 1));
    let next = cost_of(&mut block, &set(1, 2));
    println!("the first set of a list costs {first}, further ones {next}");
    assert!(first > next, "the first one opens the array");
    assert!(next * 1_000 <= ordinary(&default), "{next}");
    assert!(next * 3_600 <= ordinary(&wide), "{next}");
}

#[test]
fn the_example_of_the_page_is_what_the_operation_costs() {
    let (ledger, dids) = ledger(1, 500_000);
    let envelope = an_update(&ledger, &dids[0]);
    let entry = ledger.previous(&dids[0].0);
    let whole: usize = entry.parts.iter().map(|part| part.value.0.len()).sum();
    let control = entry.parts[0].value.0.len();
    let written = 38;
    let expected = cost::OPERATION
        + u64::try_from(envelope.len().div_ceil(cost::ENVELOPE_BYTES)).expect("small")
        + cost::ED25519
        + cost::of_read(whole)
        + cost::of_read(control)
        + cost::of_write(Some(2), written);
    assert_eq!(cost_of(&mut start(&ledger), &envelope), expected);
    assert_eq!((envelope.len(), whole, control, written), (379, 227, 226, 38));
    assert_eq!(expected, 104, "the example of the page");
}

#[test]
fn a_block_at_its_budget_is_full_and_keeps_a_tenth_for_seniors() {
    let (ledger, dids) = ledger(1_200, BLOCK_COST_MAX_MIN);
    let mut block = start(&ledger);
    let (mut sum, mut applied) = (0, Vec::new());
    let mut rest = dids.iter();
    let last = loop {
        let did = rest.next().expect("the budget ends first");
        let envelope = an_update(&ledger, did);
        match block.apply(&checked(&envelope)) {
            Ok(()) => sum += block.probe().paid().cost,
            Err(error) => {
                assert_eq!(error, ApplyError::Full);
                break envelope;
            }
        }
        applied.push(envelope);
    };
    let ordinary = BLOCK_COST_MAX_MIN - BLOCK_COST_MAX_MIN / 10;
    assert!(sum <= ordinary && sum + 200 > ordinary, "{sum} of {ordinary}");
    let roll = |(did, _): &Owner| {
        let action = roll(reveal(&[ed(11)]), single(&ed(20), &ed(21), &ed(22)));
        seal(&change(did, ledger.previous(did), 2, action), &[ed(11)])
    };
    let mut seniors = 0;
    for did in rest {
        let envelope = roll(did);
        match block.apply(&checked(&envelope)) {
            Ok(()) => (sum, seniors) = (sum + block.probe().paid().cost, seniors + 1),
            Err(error) => {
                assert_eq!(error, ApplyError::Full);
                break;
            }
        }
        applied.push(envelope);
    }
    assert!(seniors > 30, "{seniors} seniors");
    assert!(sum <= BLOCK_COST_MAX_MIN && sum + 300 > BLOCK_COST_MAX_MIN, "{sum}");
    // Another node refuses a block with one operation more.
    let header = block.finish().expect("a sound store").header;
    assert!(ledger.execute(&header, &applied).is_ok());
    let index = applied.len();
    applied.push(last);
    assert_eq!(ledger.execute(&header, &applied), Err(BlockError::Full { index }));
}

#[test]
fn the_budget_of_cost_has_two_parts() {
    let (senior, junior) = {
        let (ledger, dids) = ledger(1, 500_000);
        let action = roll(reveal(&[ed(11)]), single(&ed(20), &ed(21), &ed(22)));
        let rolled = seal(&change(&dids[0].0, ledger.previous(&dids[0].0), 2, action), &[ed(11)]);
        (checked(&rolled), checked(&an_update(&ledger, &dids[0])))
    };
    let mut budget = BlockBudget::new(1_000);
    assert_eq!((budget.cost_left(&junior), budget.cost_left(&senior)), (900, 1_000));
    assert!(!budget.take(&junior, 0, 901) && budget.take(&junior, 0, 900));
    assert_eq!((budget.cost_left(&junior), budget.cost_left(&senior)), (0, 100));
    assert!(!budget.take(&junior, 0, 1) && !budget.take(&senior, 0, 101));
    assert!(budget.take(&senior, 0, 100));
    assert_eq!(budget.cost_left(&senior), 0);
}

/// Returns sets whose control set holds these member DIDs, one of which must sign.
fn sets_of(members: &[Owner]) -> Sets {
    Sets {
        control: key_set(1, members.iter().map(|(did, _)| did_member(did)).collect()),
        ..single(&ed(10), &ed(11), &ed(12))
    }
}

/// Returns sets of 16 keys, `own` among them.
fn large_sets(own: Key) -> Sets {
    let keys: Vec<Key> = (0..15).map(|number| p256(100 + number)).collect();
    let mut members: Vec<Member> = keys.iter().map(key_member).collect();
    members.push(key_member(&own));
    let next: Vec<Key> = (0..16).map(|number| k256(100 + number)).collect();
    let sets = single(&ed(10), &ed(11), &ed(12));
    Sets { control: key_set(1, members), next: next_set_of(1, &next), ..sets }
}

/// Registers a DID that these members control, and a status list of it. Returns an operation that
/// sets one entry of the list, signed by all members.
fn set_by(ledger: &mut Ledger, members: &[Owner]) -> Vec<u8> {
    let issuer = create(sets_of(members), Document::default(), 9);
    let author = did_of(&issuer);
    let signers: Vec<(&Did, Key)> = members.iter().map(|(did, key)| (did, *key)).collect();
    ledger.after(1_000, &[seal_for_members(&issuer, &signers[..1])]);
    let list = status_create(&author, 3, plain_list(StatusPurpose::Revocation, 1, 8_192));
    ledger.after(1_000, &[by_members(&list, &signers[..1])]);
    let until = ledger.head.time + 60_000;
    let set = status_set(&author, until, 1, list_of(&list), runs(&[run(0, 1, 1)]));
    by_members(&set, &signers)
}

#[test]
fn sets_that_members_make_dear_in_the_same_block_are_priced_as_they_are_then() {
    let (mut ledger, dids) = ledger(16, 500_000);
    let members = &dids[..15];
    let set = set_by(&mut ledger, members);
    let before = cost_of(&mut start(&ledger), &set);
    let mut block = start(&ledger);
    let document = Document {
        also_known_as: (0..16).map(|n| format!("https://{n}/{}", "a".repeat(500))).collect(),
        ..Document::default()
    };
    for (did, key) in members {
        let action = rotate(reveal(&[ed(11)]), large_sets(*key), document.clone());
        let rotated = seal(&change(did, ledger.previous(did), 2, action), &[ed(11)]);
        block.apply(&checked(&rotated)).expect("room");
    }
    let after = cost_of(&mut block, &set);
    println!("{before} before the members rotated, {after} after");
    assert!(after > before + 15, "longer control parts cost more: {before}, {after}");
    assert!(after < before + 200, "documents of members are not read: {before}, {after}");
}

/// Signs in role control, whatever the role of the action is.
fn by_control(operation: &Operation, key: Key) -> Vec<u8> {
    seal_body(operation.body(), Role::Control, &[key])
}

/// Signs in role control for members, whatever the role of the action is.
fn by_members(operation: &Operation, of: &[(&Did, Key)]) -> Vec<u8> {
    let body = operation.body();
    let id = operation_id(&body);
    let sign = |(did, key): &(&Did, Key)| {
        let by = Signer::Member(MemberSigner { did: (*did).clone(), key: key.public() });
        Signature { by, ..signature(key, Role::Control, &id) }
    };
    let mut signatures: Vec<Signature> = of.iter().map(sign).collect();
    signatures.sort_by(|first, second| first.by.cmp(&second.by));
    SignedOperation::new(body, signatures).bytes()
}

#[test]
fn what_became_too_dear_is_full_before_its_members_are_read() {
    let (mut ledger, dids) = ledger(1_200, BLOCK_COST_MAX_MIN);
    let set = set_by(&mut ledger, &dids[..15]);
    let whole = cost_of(&mut start(&ledger), &set);
    let counted = Counted::new(&ledger.state);
    let parent = &ledger.head;
    let proposer = ledger.present_validators().validators[0].key;
    let time_ms = parent.time + 1_000;
    let network = support::network();
    let start = || {
        BlockExecution::new(&counted, network.clone(), parent, time_ms, proposer)
            .expect("a sound store")
    };
    let reads = |block: &mut BlockExecution<'_>| {
        counted.reset();
        let result = block.apply(&checked(&set));
        (result, counted.counts().0)
    };
    let (applied, enough) = reads(&mut start());
    assert_eq!(applied, Ok(()));
    let mut block = start();
    let ordinary = BLOCK_COST_MAX_MIN - BLOCK_COST_MAX_MIN / 10;
    let mut sum = 0;
    let alone = checked(&set).cost();
    // Updates leave some reads less than the set costs, but what follows from the set alone.
    for did in &dids[15..] {
        if ordinary - sum < whole - 100 {
            break;
        }
        sum += cost_of(&mut block, &an_update(&ledger, did));
    }
    assert!((alone..whole).contains(&(ordinary - sum)), "{} left", ordinary - sum);
    let (full, few) = reads(&mut block);
    assert_eq!(full, Err(ApplyError::Full));
    assert!(few < enough, "{few} reads of {enough} before the operation was found too dear");
}

#[test]
fn what_an_operation_costs_by_itself_is_known_before_its_signatures_are_checked() {
    let (ledger, dids) = ledger(1, 500_000);
    let good = an_update(&ledger, &dids[0]);
    let (did, _) = &dids[0];
    let forged = change(did, ledger.previous(did), 2, update(Document::default()));
    let forged = seal(&forged, &[ed(99), p256(98)]);
    assert_eq!(cost_alone(&good), Ok(checked(&good).cost()));
    let expected = checked(&good).cost() + cost::P256;
    assert!((expected - 5..expected + 5).contains(&cost_alone(&forged).expect("an envelope")));
    assert!(cost_alone(&good[1..]).is_err());
}

#[test]
fn an_operation_that_costs_more_than_any_may_is_refused() {
    let (ledger, dids) = ledger(1, 500_000);
    let block = start(&ledger);
    let probe = block.probe();
    assert!(probe.check(&checked(&an_update(&ledger, &dids[0]))).is_ok());
    assert!(probe.paid().cost < OPERATION_COST_MAX);
    // A list of the largest size at its most expensive version, with 16 dear signatures.
    let suites = [registry_core::crypto::Suite::P256; 16];
    let alone = cost::of_operation(cost::Work::Entries, 64 * 1_024, 0, suites)
        + cost::of_changes(32_768, 32_768);
    assert!(alone + cost::of_array(1 << 20, 63) > OPERATION_COST_MAX);
    assert!(alone < OPERATION_COST_MAX);
}

/// Computes from the limits what the operations that end a theft cost at most.
#[test]
fn what_ends_a_theft_is_never_too_dear() {
    let suites = [registry_core::crypto::Suite::P256; SIGNATURES_MAX];
    let alone = |keys| cost::of_operation(cost::Work::Plain, DID_OPERATION_BYTES_MAX, keys, suites);
    // A control part holds two sets of members and a set of commitments.
    let control = cost::of_read(CONTROL_MEMBERS_MAX * (96 + 96 + 36));
    let record = 3 * DID_OPERATION_BYTES_MAX;
    let members = u64::try_from(CONTROL_MEMBERS_MAX).expect("small") * control;
    // Both sets that the operation brings and both of a pending recovery name DIDs only, and the
    // signers sign for other members.
    let sets = 5 * members;
    let own = cost::of_read(record) + control + cost::of_read(DID_OPERATION_BYTES_MAX);
    let write = cost::of_write(Some(u64::MAX), record) + cost::LEAF + cost::of_read(8);
    // The keys are those revealed and those of the document.
    let rotate = alone(CONTROL_MEMBERS_MAX + VERIFICATION_METHODS_MAX) + sets + own + write;
    assert!(rotate <= OPERATION_COST_MAX, "{rotate}");
    // A deactivation brings no sets. If the DID is a governor or a member of one, it reads the
    // control sets of all governors and of all their members.
    let governors = u64::try_from(GOVERNORS_MAX).expect("small") * (control + members);
    let deactivate =
        alone(CONTROL_MEMBERS_MAX) + 2 * members + own + write + cost::of_read(8_192) + governors;
    assert!(deactivate <= OPERATION_COST_MAX, "{deactivate}");
    println!("rotate {rotate}, deactivate {deactivate}");
}

#[test]
fn a_strangers_create_is_refused_after_a_few_reads() {
    let authority = create(single(&ed(10), &ed(11), &ed(12)), Document::default(), 7);
    let authority = Operation { chain: Hash::ZERO, ..authority };
    let policy = EndorsedWrites { authority: did_of(&authority), cost_per_hour: 1_000 };
    let parameters = Parameters { write_policy: WritePolicy::Endorsed(policy), ..parameters() };
    let members: Vec<Operation> =
        (0..16).map(|number| Operation { chain: Hash::ZERO, ..creation(number) }).collect();
    let mut operations = vec![seal(&authority, &[ed(10)])];
    let sealed = (0..16).zip(&members).map(|(number, each)| seal(each, &[control(number)]));
    operations.extend(sealed);
    let ledger = Ledger::start_from(Start { parameters, ..Start::default() }, operations);
    let owners = (0..16).zip(&members).map(|(number, did)| (did_of(did), control(number)));
    let owners: Vec<Owner> = owners.collect();
    let stranger = create(sets_of(&owners), Document::default(), 9);
    let envelope = seal_for_members(&stranger, &[(&owners[0].0, owners[0].1)]);
    let block = start(&ledger);
    let error = block.probe().check(&checked(&envelope)).expect_err("a stranger");
    let ApplyError::Refused(refusal) = error else { panic!("{error}") };
    assert_eq!(refusal.code, Code::EndorsementNeeded);
    let paid = block.probe().paid();
    assert_eq!(paid.reads, 0, "a create without an endorser is refused before any read");
}
