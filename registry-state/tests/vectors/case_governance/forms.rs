//! Vectors of checks without state: authors, the form of each change, and sizes.

use registry_core::code::Code;
use registry_core::codec::encode;
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    Approval, Change, Edits, Governors, Parameters, Proposal, ProposalStatus, Readiness,
    ValidatorEntry, ValidatorReady,
};
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation};

use super::{GOVERNORS, network};
use crate::catalogue::Catalogue;
use crate::format::EncodingType;
use crate::support::governance::{
    endorsed, governors_of, heartbeat, propose, publishing_key, put, remove, seal_approval,
    validator, validator_key,
};
use crate::support::ledger::GENESIS_MS;
use crate::support::status::authored;
use crate::support::{chain, salt, seal};

const ID: Hash = Hash([7; 32]);

fn sealed(guard: Guard, action: Action) -> Vec<u8> {
    seal_approval(&authored(&GOVERNORS[0].did, guard, 7, action), &GOVERNORS[0])
}

fn word() -> ValidatorReady {
    let ValidatorEntry { key, peer, .. } = validator(5);
    let header = network().head;
    ValidatorReady { proposal: ID, key, peer, version: 1, header }
}

fn said(author: Option<Did>, guard: Guard) -> Operation {
    let action = Action::ValidatorReady(Box::new(word()));
    let (endorser, until, salt) = (None, None, salt(7));
    Operation { chain: chain(), author, endorser, guard, until, salt, action }
}

pub(super) fn add(all: &mut Catalogue) {
    add_authors(all);
    add_lists(all);
    add_validators(all);
    add_others(all);
    add_governors(all);
    add_sizes(all);
    add_values(all);
}

fn add_authors(all: &mut Catalogue) {
    let rule = "A newcomer's word has no author.";
    let operation = said(Some(GOVERNORS[0].did.clone()), Guard::Absent);
    let envelope = seal(&operation, &[validator_key(5)]);
    all.refused("author_on_validator_ready", rule, Code::AuthorMismatch, &envelope);
}

fn refused_change(all: &mut Catalogue, name: &str, rule: &str, change: Change) {
    let envelope = sealed(Guard::Absent, propose(change, 20));
    all.refused(&format!("governance_{name}"), rule, Code::GovernanceChange, &envelope);
}

fn add_lists(all: &mut Catalogue) {
    let rule = "A change of a list changes something.";
    refused_change(all, "validators_empty", rule, put(&[]));
    let nothing = Edits { put: Vec::new(), remove: Vec::new() };
    refused_change(all, "publishing_empty", rule, Change::Publishing(nothing));
    let rule = "Names ascend strictly in each list, and none is in both.";
    refused_change(all, "put_unordered", rule, put(&[validator(6), validator(5)]));
    refused_change(all, "put_twice", rule, put(&[validator(5), validator(5)]));
    refused_change(all, "remove_unordered", rule, remove(&["node-2", "node-1"]));
    refused_change(all, "remove_twice", rule, remove(&["node-1", "node-1"]));
    let both = Edits { put: vec![validator(1)], remove: vec!["node-1".to_owned()] };
    refused_change(all, "name_in_both_lists", rule, Change::Validators(both));
    let keys = Edits { put: vec![publishing_key(6), publishing_key(5)], remove: Vec::new() };
    refused_change(all, "publishing_unordered", rule, Change::Publishing(keys));
}

fn add_validators(all: &mut Catalogue) {
    let rule = "A validator keeps the rules of a genesis.";
    let with = |change: &dyn Fn(&mut ValidatorEntry)| {
        let mut entry = validator(5);
        change(&mut entry);
        put(&[entry])
    };
    let (own, other) = (validator(5), validator(6));
    for (name, change) in [
        ("name_with_capital", with(&|entry| entry.name = "Node-5".to_owned())),
        ("power_zero", with(&|entry| entry.power = 0)),
        ("power_above_limit", with(&|entry| entry.power = (1 << 32) + 1)),
        ("key_weak", with(&|entry| entry.key = ValidatorKey([0; 32]))),
        ("peer_malformed", with(&|entry| entry.peer = "12D3KooW".to_owned())),
        ("no_address", with(&|entry| entry.addresses.clear())),
        ("address_without_port", with(&|entry| entry.addresses = vec!["/ip4/192.0.2.5".into()])),
        ("remove_no_name", remove(&["node_1"])),
        ("key_twice", put(&[own.clone(), ValidatorEntry { key: own.key, ..other.clone() }])),
        ("peer_twice", put(&[own.clone(), ValidatorEntry { peer: own.peer, ..other }])),
    ] {
        refused_change(all, &format!("validator_{name}"), rule, change);
    }
}

fn add_others(all: &mut Catalogue) {
    let rule = "Parameters keep the bounds of a genesis.";
    refused_change(all, "heartbeat_too_long", rule, heartbeat(30_001));
    let short = Parameters { recovery_delay_ms_min: 999, ..Parameters::default() };
    refused_change(all, "recovery_delay_too_short", rule, Change::Parameters(short));
    let short = Parameters { notice_ms_min: 999, ..Parameters::default() };
    refused_change(all, "notice_too_short", rule, Change::Parameters(short));
    let with = |change: &dyn Fn(&mut Parameters)| {
        let mut parameters = Parameters::default();
        change(&mut parameters);
        Change::Parameters(parameters)
    };
    for (name, change) in [
        ("timeout_propose_too_short", with(&|of| of.timeout_propose_ms = 786)),
        ("timeout_prevote_too_short", with(&|of| of.timeout_prevote_ms = 99)),
        ("timeout_precommit_too_short", with(&|of| of.timeout_precommit_ms = 99)),
        ("timeout_step_too_short", with(&|of| of.timeout_step_ms = 99)),
        ("timeout_max_too_short", with(&|of| of.timeout_ms_max = 3_999)),
        ("block_cost_too_small", with(&|of| of.block_cost_max = 117_999)),
        ("block_cost_too_large_for_the_timeout", with(&|of| of.timeout_propose_ms = 999)),
    ] {
        refused_change(all, name, rule, change);
    }
    let rule = "A heartbeat and two rounds together are shorter than a halt.";
    let long = Parameters {
        heartbeat_ms: 30_000,
        timeout_propose_ms: 5_000,
        timeout_prevote_ms: 5_000,
        timeout_precommit_ms: 5_000,
        ..Parameters::default()
    };
    refused_change(all, "idle_gap_is_a_halt", rule, Change::Parameters(long));
    let rule = "Versions begin at 1.";
    refused_change(all, "version_zero", rule, Change::Version(0));
}

fn add_governors(all: &mut Catalogue) {
    let rule = "Governors are 1 to 16 ascending DIDs of this network with a threshold among them.";
    let good = governors_of(2, &*GOVERNORS);
    let with = |change: &dyn Fn(&mut Governors)| {
        let mut governors = good.clone();
        change(&mut governors);
        Change::Governors(governors)
    };
    let elsewhere = Did { network: "other".parse().expect("a name"), ..good.members[0].clone() };
    let many = |count: u8| {
        (0..count)
            .map(|n| Did { suffix: registry_core::id::Suffix([n; 20]), ..good.members[0].clone() })
    };
    for (name, change) in [
        ("none", with(&|of| of.members.clear())),
        ("17", with(&|of| of.members = many(17).collect())),
        ("unordered", with(&|of| of.members.swap(0, 1))),
        ("twice", with(&|of| of.members[1] = of.members[0].clone())),
        ("elsewhere", with(&|of| of.members = vec![elsewhere.clone()])),
        ("threshold_zero", with(&|of| of.threshold = 0)),
        ("threshold_above_number", with(&|of| of.threshold = 4)),
    ] {
        refused_change(all, &format!("governors_{name}"), rule, change);
    }
    let rule = "The authority of endorsed writes is of this network, and its quota within bounds.";
    for (name, authority, per_hour) in [
        ("authority_elsewhere", &elsewhere, 1),
        ("per_hour_zero", &good.members[0], 0),
        ("per_hour_above_bound", &good.members[0], 10_000_000_001),
    ] {
        refused_change(all, &format!("endorsed_{name}"), rule, endorsed(authority, per_hour));
    }
}

/// Returns a change to validators that have addresses of the greatest length.
fn large(count: u8) -> Change {
    let label = "a".repeat(60);
    let address = format!("/dns/{label}.{label}.{label}.{label}/tcp/7640");
    let entry = |n: u8| ValidatorEntry {
        name: format!("node-{n:02}"),
        addresses: vec![address.clone(); 4],
        ..validator(n)
    };
    put(&(1..=count).map(entry).collect::<Vec<_>>())
}

fn add_sizes(all: &mut Catalogue) {
    let rule = "The envelope of a proposal has at most 16,384 bytes.";
    let envelope = sealed(Guard::Absent, propose(large(16), 20));
    all.refused("governance_propose_too_large", rule, Code::OperationTooLarge, &envelope);
    let rule = "That of other actions of governance has at most 8,192.";
    let mut operation = said(None, Guard::Absent);
    let peer = "1".repeat(8_192);
    operation.action = Action::ValidatorReady(Box::new(ValidatorReady { peer, ..word() }));
    let envelope = seal(&operation, &[validator_key(5)]);
    all.refused("validator_ready_too_large", rule, Code::OperationTooLarge, &envelope);
}

fn add_values(all: &mut Catalogue) {
    let rule = "The value of a proposal's record.";
    let governor = GOVERNORS[0].did.clone();
    let by_method = Approval {
        governor: governor.clone(),
        time: GENESIS_MS,
        withdrawn: false,
        by_control: false,
    };
    let taken_back = Approval {
        governor: GOVERNORS[1].did.clone(),
        withdrawn: true,
        by_control: true,
        ..by_method.clone()
    };
    let approvals = vec![by_method, taken_back];
    let of = |change: Change, status: ProposalStatus| Proposal {
        proposer: governor.clone(),
        change,
        height: 20,
        proposed: GENESIS_MS,
        due_live_ms: GENESIS_MS + 600_000,
        approvals: approvals.clone(),
        status,
    };
    let cancelled = ProposalStatus::Cancelled { code: 2063 };
    let keys = Edits { put: vec![publishing_key(5)], remove: vec!["node-6".parse().expect("one")] };
    let governors = governors_of(2, &*GOVERNORS);
    for (name, change, status) in [
        ("validators", put(&[validator(5)]), ProposalStatus::Open),
        ("removal", remove(&["node-1", "node-2"]), ProposalStatus::Approved),
        ("publishing", Change::Publishing(keys), ProposalStatus::Active),
        ("parameters", heartbeat(10_000), cancelled),
        ("version", Change::Version(2), ProposalStatus::Open),
        ("governors", Change::Governors(governors), ProposalStatus::Open),
    ] {
        let bytes = encode(&of(change, status));
        all.encoding(&format!("proposal_of_{name}"), rule, EncodingType::Proposal, &bytes, true);
    }
    let mut bytes = encode(&of(Change::Version(2), ProposalStatus::Open));
    bytes.push(0);
    all.encoding("proposal_with_tail", rule, EncodingType::Proposal, &bytes, false);
    let rule = "The value of a newcomer's word.";
    let bytes = encode(&Readiness { announcement: word(), live_ms: GENESIS_MS });
    all.encoding("readiness_value", rule, EncodingType::Readiness, &bytes, true);
}
