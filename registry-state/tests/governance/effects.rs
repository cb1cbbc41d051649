//! Tests of the height at which a change takes effect, and of a node that does not support the new
//! protocol version.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::governance::{
    Change, PROTOCOL_VERSION, Parameters, ProposalStatus, Publishing, ValidatorEntry,
    ValidatorReady, Validators,
};
use registry_core::operation::Role;
use registry_state::execution::{BlockError, BlockExecution, Genesis, execute_genesis};
use registry_state::rules::check_stateless;
use registry_state::state::MemoryState;

use crate::support::governance::{
    announces, approve, governance_operation, governed, governor, governors_of, governs, heartbeat,
    proposal, propose, proposes, put, ready, ready_operation, remove, says_ready, until, validator,
    validator_key, withdraw,
};
use crate::support::ledger::{GENESIS_MS, Ledger, Start, parameters, validators};
use crate::support::trust::Party;
use crate::support::{chain, network, seal, seal_body};

/// Returns a ledger with four validators and two governors, of which one is enough, and that
/// governor.
fn alone() -> (Ledger, Party) {
    let parties = [governor(1), governor(2)];
    let mut ledger = governed(4, 1, &parties);
    ledger.after(1_000, &[]).after(1_000, &[]);
    (ledger, parties[0].clone())
}

/// Returns the same, but changes need ten minutes of notice.
fn alone_with_notice() -> (Ledger, Party) {
    let parties = [governor(1), governor(2)];
    let parameters = Parameters { notice_ms_min: 600_000, ..parameters() };
    let start = Start { parameters, ..governed(4, 1, &parties).genesis };
    let creates = parties.iter().map(|party| party.create.clone()).collect();
    let mut ledger = Ledger::start_from(start, creates);
    ledger.after(1_000, &[]).after(1_000, &[]);
    (ledger, parties[0].clone())
}

fn proposed(ledger: &mut Ledger, party: &Party, change: Change, height: u64) -> Hash {
    let (envelope, id) = proposes(ledger, party, 7, change, height);
    ledger.after(1_000, &[envelope]);
    id
}

fn status(ledger: &Ledger, id: &Hash) -> &'static str {
    proposal(ledger, id).status.name()
}

#[test]
fn a_set_is_known_one_block_before_it_holds() {
    let (mut ledger, party) = alone();
    let id = proposed(&mut ledger, &party, put(&[validator(5)]), 20);
    let word = says_ready(&ledger, id, 5);
    ledger.after(1_000, &[word]);
    let old = ledger.head.validators;
    until(&mut ledger, 19);
    assert_eq!((ledger.head.height, ledger.head.next_validators), (18, old));
    ledger.after(1_000, &[]);
    let new = ledger.head.next_validators;
    assert_eq!(ledger.head.validators, old, "the block before is by the old set");
    assert_ne!(new, old);
    assert_eq!(status(&ledger, &id), "active");
    ledger.after(1_000, &[]);
    assert_eq!((ledger.head.height, ledger.head.validators), (20, new));
}

#[test]
fn a_change_waits_for_its_notice_however_fast_heights_pass() {
    let (mut ledger, party) = alone_with_notice();
    let id = proposed(&mut ledger, &party, heartbeat(10_000), 20);
    let since_ms = ledger.head.time;
    for _ in 0..200 {
        ledger.after(110, &[]);
    }
    assert_eq!(status(&ledger, &id), "approved", "200 heights are 22 s");
    ledger.block(since_ms + 50_000, &[]).expect("an empty block");
    while ledger.head.time + 50_000 < since_ms + 600_000 {
        ledger.after(50_000, &[]);
    }
    ledger.block(since_ms + 599_999, &[]).expect("an empty block");
    assert_eq!(status(&ledger, &id), "approved");
    ledger.after(1, &[]);
    assert_eq!(status(&ledger, &id), "active");
}

#[test]
fn a_halt_does_not_use_up_the_notice() {
    let (mut ledger, party) = alone_with_notice();
    let id = proposed(&mut ledger, &party, heartbeat(10_000), 20);
    until(&mut ledger, 30);
    ledger.after(3_600_000, &[]).after(1_000, &[]);
    assert_eq!(status(&ledger, &id), "approved");
    for _ in 0..10 {
        ledger.after(60_000, &[]);
    }
    assert_eq!(status(&ledger, &id), "active");
}

#[test]
fn approvals_and_withdrawals_end_in_the_block_in_which_the_notice_is_over() {
    let (mut ledger, party) = alone_with_notice();
    let id = proposed(&mut ledger, &party, heartbeat(10_000), 20);
    let due_ms = ledger.head.time + 600_000;
    for _ in 0..20 {
        ledger.after(29_000, &[]);
    }
    let taken_back = governs(&ledger, &party, 8, withdraw(id));
    assert_eq!(ledger.refusal(due_ms - 1, std::slice::from_ref(&taken_back)), None);
    assert_eq!(ledger.refusal(due_ms, &[taken_back]), Some(Code::ProposalClosed));
}

#[test]
fn changes_take_effect_one_a_block_in_the_order_of_height_and_id() {
    let (mut ledger, party) = alone();
    let mut ids: Vec<Hash> = [11_000, 12_000, 13_000]
        .map(|ms| proposed(&mut ledger, &party, heartbeat(ms), 20))
        .to_vec();
    ids.sort();
    let last = proposed(&mut ledger, &party, heartbeat(14_000), 21);
    ids.push(last);
    until(&mut ledger, 19);
    for done in 1..=4 {
        ledger.after(1_000, &[]);
        let statuses = ids.iter().map(|id| status(&ledger, id));
        let expected = (0..4).map(|at| if at < done { "active" } else { "approved" });
        assert!(statuses.eq(expected), "{done} after height {}", ledger.head.height);
    }
}

#[test]
fn a_change_of_validators_waits_until_the_last_one_has_held_for_ten_heights() {
    let (mut ledger, party) = alone();
    let first = proposed(&mut ledger, &party, remove(&["node-4"]), 20);
    let stronger = put(&[ValidatorEntry { power: 2, ..validator(1) }]);
    let second = proposed(&mut ledger, &party, stronger, 21);
    let behind = proposed(&mut ledger, &party, heartbeat(10_000), 22);
    let statuses = |ledger: &Ledger| [&first, &second, &behind].map(|id| status(ledger, id));
    until(&mut ledger, 29);
    assert_eq!((ledger.head.height, statuses(&ledger)), (28, ["active", "approved", "approved"]));
    let taken_back = governs(&ledger, &party, 8, withdraw(second));
    let refused = ledger.refusal(ledger.head.time + 1_000, &[taken_back]);
    assert_eq!(refused, Some(Code::ProposalClosed), "its notice is over");
    ledger.after(1_000, &[]);
    assert_eq!((ledger.head.height, statuses(&ledger)), (29, ["active", "active", "approved"]));
    ledger.after(1_000, &[]);
    assert_eq!(statuses(&ledger), ["active"; 3]);
}

#[test]
fn only_a_validator_of_its_height_proposes_a_block() {
    let (mut ledger, party) = alone();
    let id = proposed(&mut ledger, &party, put(&[validator(5)]), 20);
    let word = says_ready(&ledger, id, 5);
    ledger.after(1_000, &[word]);
    let by_newcomer = |ledger: &Ledger| {
        let (time_ms, key) = (ledger.head.time + 1_000, validator(5).key);
        let block = BlockExecution::new(&ledger.state, network(), &ledger.head, time_ms, key);
        let built = block.and_then(|block| Ok(block.finish()?)).expect("a sound store");
        ledger.execute(&built.header, &[]).map(drop)
    };
    until(&mut ledger, 19);
    let (proposer, height) = (validator(5).key, 19);
    assert_eq!(by_newcomer(&ledger), Err(BlockError::Proposer { proposer, height }));
    ledger.after(1_000, &[]);
    assert_eq!(by_newcomer(&ledger), Ok(()));
}

#[test]
fn no_block_is_made_or_executed_in_a_version_that_this_build_does_not_speak() {
    let (mut ledger, party) = alone();
    let version = PROTOCOL_VERSION + 1;
    let id = proposed(&mut ledger, &party, Change::Version(version), 20);
    let words: Vec<Vec<u8>> = (1..=3).map(|n| announces(&ledger, id, n, version)).collect();
    ledger.after(1_000, &words);
    until(&mut ledger, 20);
    assert_eq!(ledger.head.version, PROTOCOL_VERSION);
    assert_eq!(status(&ledger, &id), "active");
    let stop = BlockError::Version { height: 20, version };
    let time_ms = ledger.head.time + 1_000;
    let block =
        BlockExecution::new(&ledger.state, network(), &ledger.head, time_ms, validator(1).key);
    assert_eq!(block.err(), Some(stop.clone()));
    let mut header = ledger.head.clone();
    (header.height, header.time, header.version) = (20, time_ms, version);
    assert_eq!(ledger.execute(&header, &[]), Err(stop.clone()));
    let words = "from height 20 on the network speaks version 2 of the protocol, this build \
                 speaks 1 at most; install a newer one";
    assert_eq!(stop.to_string(), words);
}

/// Returns the status of a change whose newcomer announced itself this many heights, and this much
/// live time, before the turn of the change.
fn admitted(heights: u64, live_ms: u64) -> &'static str {
    let (mut ledger, party) = alone();
    let id = proposed(&mut ledger, &party, put(&[validator(5)]), 100);
    until(&mut ledger, 99 - heights);
    let word = says_ready(&ledger, id, 5);
    ledger.after(1_000, &[word]);
    let since_ms = ledger.head.time;
    for number in 1..=heights {
        ledger.block(since_ms + live_ms * number / heights, &[]).expect("an empty block");
    }
    assert_eq!(ledger.head.height, 99);
    status(&ledger, &id)
}

#[test]
fn a_word_is_too_old_after_both_forty_heights_and_ten_minutes() {
    assert_eq!(admitted(40, 600_001), "active", "40 heights");
    assert_eq!(admitted(41, 600_000), "active", "ten minutes");
    assert_eq!(admitted(41, 600_001), "cancelled");
    assert_eq!(admitted(90, 9_000), "active", "fast heights");
    assert_eq!(admitted(20, 1_100_000), "active", "slow heights");
}

#[test]
fn a_halt_does_not_age_a_word() {
    let (mut ledger, party) = alone();
    let id = proposed(&mut ledger, &party, put(&[validator(5)]), 100);
    let word = says_ready(&ledger, id, 5);
    ledger.after(1_000, &[word]).after(3_600_000, &[]);
    until(&mut ledger, 100);
    assert_eq!((ledger.head.height, status(&ledger, &id)), (99, "active"));
}

/// Returns the status of a change to version 2 among validators of these powers, of which the first
/// `count` announce the version.
fn moved(powers: &[u64], count: u8) -> ProposalStatus {
    let parties = [governor(1), governor(2)];
    let mut entries: Vec<ValidatorEntry> = (1..)
        .zip(powers)
        .map(|(n, power)| ValidatorEntry { power: *power, ..validator(n) })
        .collect();
    entries.sort_by_key(|entry| entry.key);
    let validators = Validators { validators: entries };
    let start = Start { validators, ..governed(4, 1, &parties).genesis };
    let creates = parties.iter().map(|party| party.create.clone()).collect();
    let mut ledger = Ledger::start_from(start, creates);
    ledger.after(1_000, &[]).after(1_000, &[]);
    let id = proposed(&mut ledger, &parties[0], Change::Version(2), 20);
    let words: Vec<Vec<u8>> = (1..=count).map(|n| announces(&ledger, id, n, 2)).collect();
    ledger.after(1_000, &words);
    until(&mut ledger, 20);
    proposal(&ledger, &id).status
}

#[test]
fn a_version_needs_the_word_of_more_than_two_thirds_of_the_power() {
    let cancelled = ProposalStatus::Cancelled { code: Code::VersionNotReady.number() };
    assert_eq!(moved(&[1, 1, 1, 1], 3), ProposalStatus::Active);
    assert_eq!(moved(&[1, 1, 1, 1], 2), cancelled);
    assert_eq!(moved(&[1, 1, 1], 2), cancelled, "exactly two thirds");
    assert_eq!(moved(&[5, 1, 1], 1), ProposalStatus::Active, "power counts");
    assert_eq!(moved(&[1, 1, 5], 2), cancelled);
}

#[test]
fn a_word_about_a_version_grows_old() {
    let (mut ledger, party) = alone();
    let id = proposed(&mut ledger, &party, Change::Version(2), 60);
    let words: Vec<Vec<u8>> = (1..=4).map(|n| announces(&ledger, id, n, 2)).collect();
    ledger.after(1_000, &words);
    while ledger.head.height < 59 {
        ledger.after(20_000, &[]);
    }
    assert_eq!(status(&ledger, &id), "cancelled", "55 heights and 18 minutes later");
}

#[test]
fn a_word_is_of_the_peer_that_the_change_names() {
    let (mut ledger, party) = alone();
    let elsewhere = ValidatorEntry { peer: validator(6).peer, ..validator(5) };
    let silent = proposed(&mut ledger, &party, put(&[elsewhere]), 20);
    let expected = proposed(&mut ledger, &party, put(&[validator(5)]), 30);
    let word = says_ready(&ledger, expected, 5);
    ledger.after(1_000, &[word]);
    until(&mut ledger, 30);
    assert_eq!(status(&ledger, &silent), "cancelled");
    assert_eq!(status(&ledger, &expected), "active");
}

#[test]
fn a_word_names_a_block_of_the_last_thousand_or_of_ten_minutes() {
    let refusal = |heights: u64, gap_ms: u64| {
        let (mut ledger, party) = alone();
        let id = proposed(&mut ledger, &party, put(&[validator(5)]), 5_000);
        let header = ready(&ledger, id, 5).header;
        while ledger.head.height + 1 < header.height + heights {
            ledger.after(gap_ms, &[]);
        }
        let word = ValidatorReady { header, ..ready(&ledger, id, 5) };
        let envelope = seal(&ready_operation(&ledger, 7, word), &[validator_key(5)]);
        ledger.refusal(ledger.head.time + gap_ms, &[envelope])
    };
    assert_eq!(refusal(1_000, 1_000), None);
    assert_eq!(refusal(1_001, 1_000), Some(Code::ReadyBlock));
    assert_eq!(refusal(2_000, 200), None, "younger than ten minutes");
}

#[test]
fn approvals_of_those_who_govern_no_more_do_not_count() {
    let parties = [1, 2, 3, 4].map(governor);
    let [first, second, third, fourth] = &parties;
    let creates = parties.iter().map(|party| party.create.clone()).collect();
    let governors = governors_of(2, &parties[..3]);
    let start = Start { governors: Some(governors), ..governed(4, 1, &parties).genesis };
    let mut ledger = Ledger::start_from(start, creates);
    ledger.after(1_000, &[]);
    let approved = |ledger: &mut Ledger, change, height, by: &Party| {
        let (envelope, id) = proposes(ledger, first, 7, change, height);
        ledger.after(1_000, &[envelope]);
        let approval = governs(ledger, by, 7, approve(id));
        ledger.after(1_000, &[approval]);
        assert_eq!(status(ledger, &id), "approved");
        id
    };
    let others = governors_of(2, &[first.clone(), third.clone(), fourth.clone()]);
    let handover = approved(&mut ledger, Change::Governors(others), 20, second);
    let early = approved(&mut ledger, heartbeat(10_000), 19, second);
    let late = approved(&mut ledger, heartbeat(11_000), 21, second);
    let mended = approved(&mut ledger, heartbeat(12_000), 30, second);
    until(&mut ledger, 21);
    assert_eq!(["active"; 2], [&handover, &early].map(|id| status(&ledger, id)));
    assert_eq!(status(&ledger, &late), "cancelled", "its second governor left at 20");
    let approval = governs(&ledger, fourth, 7, approve(mended));
    ledger.after(1_000, &[approval]);
    until(&mut ledger, 30);
    assert_eq!(status(&ledger, &mended), "active", "a new governor took the place");
}

#[test]
fn a_governor_makes_eight_proposals_a_day() {
    let (mut ledger, party) = alone();
    for number in 0..8 {
        proposed(&mut ledger, &party, heartbeat(10_000 + number), 100);
    }
    let (ninth, _) = proposes(&ledger, &party, 7, heartbeat(11_000), 100);
    let (by_another, _) = proposes(&ledger, &governor(2), 7, heartbeat(11_000), 100);
    let now_ms = ledger.head.time + 1_000;
    assert_eq!(ledger.refusal(now_ms, std::slice::from_ref(&ninth)), Some(Code::QuotaExceeded));
    assert_eq!(ledger.refusal(now_ms, &[by_another]), None);
    let next_day_ms = GENESIS_MS + 86_400_000;
    assert_eq!(
        ledger.refusal(next_day_ms - 1, std::slice::from_ref(&ninth)),
        Some(Code::QuotaExceeded)
    );
    assert_eq!(ledger.refusal(next_day_ms, &[ninth]), None);
}

#[test]
fn a_thief_of_a_governors_method_leaves_its_control_set_eight_proposals() {
    // Both governors must approve, so the proposals stay open and need no room in the schedule.
    let parties = [governor(1), governor(2)];
    let (mut ledger, party) = (governed(4, 2, &parties), parties[0].clone());
    ledger.after(1_000, &[]).after(1_000, &[]);
    for number in 0..8 {
        proposed(&mut ledger, &party, heartbeat(10_000 + number), 100);
    }
    let by_control = |ledger: &Ledger, number: u8| {
        let change = heartbeat(11_000 + u64::from(number));
        let operation = governance_operation(ledger, &party.did, number, propose(change, 100));
        seal_body(operation.body(), Role::Approval, &[party.key])
    };
    for number in 0..8 {
        let envelope = by_control(&ledger, number);
        ledger.after(1_000, &[envelope]);
    }
    let ninth = by_control(&ledger, 8);
    let now_ms = ledger.head.time + 1_000;
    assert_eq!(ledger.refusal(now_ms, &[ninth]), Some(Code::QuotaExceeded));
}

#[test]
fn governors_of_a_genesis_are_created_by_it() {
    let execute = |operations: &[&Party], governors: &[Party]| {
        let checked =
            operations.iter().map(|party| check_stateless(&party.create, Hash::ZERO, &network()));
        let genesis = Genesis {
            chain: chain(),
            network: network(),
            time_ms: GENESIS_MS,
            validators: validators(),
            parameters: parameters(),
            publishing: Publishing::default(),
            governors: Some(governors_of(1, governors)),
            operations: checked.collect::<Result<_, _>>().expect("good operations"),
        };
        execute_genesis(&MemoryState::default(), &genesis).map(drop)
    };
    let [first, second] = [governor(1), governor(2)];
    let both = [first.clone(), second.clone()];
    assert_eq!(execute(&[&first, &second], &both), Ok(()));
    let missing = BlockError::Governor { did: second.did.clone() };
    assert_eq!(execute(&[&first], &both), Err(missing));
}
