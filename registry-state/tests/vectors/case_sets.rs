//! Vectors of the rules of control, next and recovery sets.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::{KeySet, Member, NextSet, Recovery, Sets};
use registry_core::id::Did;
use registry_core::limits::RECOVERY_DELAY_MS_MAX;
use registry_core::operation::Role;

use crate::case_operations::{plain_did, plain_sets};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::Ledger;
use crate::support::{
    DELAY_MS, Key, create, did_member, ed, key_member, key_set_of, next_set_of, seal, seal_body,
};

fn signed(sets: Sets) -> Vec<u8> {
    seal(&create(sets, document(), 1), &[ed(10)])
}

fn keys(count: u8) -> Vec<Key> {
    (0..count).map(|number| ed(10 + number)).collect()
}

pub(crate) fn add(all: &mut Catalogue) {
    for place in ["control", "recovery"] {
        add_key_sets(all, place);
    }
    add_next(all);
    add_foreign(all);
    add_delays(all);
}

/// Returns the plain sets with another control or recovery set.
fn with(place: &str, set: KeySet) -> Sets {
    match place {
        "control" => Sets { control: set, ..plain_sets() },
        _ => Sets { recovery: Some(Recovery { keys: set, delay_ms: DELAY_MS }), ..plain_sets() },
    }
}

fn add_key_sets(all: &mut Catalogue, place: &str) {
    let code = Code::ControlInvalid;
    let mut refused = |name: &str, rule: &str, set: KeySet| {
        all.refused(&format!("{place}_{name}"), rule, code, &signed(with(place, set)));
    };
    let rule = "A threshold is at least 1.";
    refused("threshold_0", rule, KeySet { threshold: 0, ..key_set_of(1, &keys(1)) });
    let rule = "A threshold is at most the number of members.";
    refused("threshold_over_members", rule, key_set_of(3, &keys(2)));
    let rule = "A set has at least one member.";
    refused("without_members", rule, key_set_of(1, &[]));
    let rule = "A set has at most 16 members.";
    refused("17_members", rule, key_set_of(1, &keys(17)));
    let rule = "Members ascend strictly.";
    let mut descending = key_set_of(1, &keys(3));
    descending.members.reverse();
    refused("members_unsorted", rule, descending);
    let members = vec![key_member(&ed(10)); 2];
    refused("member_twice", rule, KeySet { threshold: 1, members });
    let mut mixed = key_set_of(1, &keys(1));
    mixed.members.insert(0, did_member(&plain_did()));
    refused("members_did_before_key", "Keys stand before DIDs.", mixed);
    let rule = "A set has 1 to 16 members and a threshold of all of them at most.";
    let mut most = key_set_of(if place == "control" { 1 } else { 16 }, &keys(16));
    all.applied(&format!("{place}_16_members"), rule, signed(with(place, most.clone())));
    most.threshold = 16;
    let envelope = seal(&create(with(place, most), document(), 1), &keys(16)[..signers(place)]);
    all.applied(&format!("{place}_threshold_16_of_16"), rule, envelope);
    let identity = [&[0xed, 1, 1][..], &[0; 31]].concat();
    let mut body = crate::support::cbor::Cbor::read(
        &create(with(place, key_set_of(1, &keys(1))), document(), 1).body(),
    );
    let path: &[&str] = match place {
        "control" => &["action", "did_create", "sets", "control", "members", "0", "key"],
        _ => &["action", "did_create", "sets", "recovery", "keys", "members", "0", "key"],
    };
    *body.at(path) = crate::support::cbor::Cbor::Bytes(identity);
    let envelope = seal_body(body.write(), Role::Control, &[ed(10)]);
    let rule = "Keys of a set are usable.";
    all.refused(&format!("{place}_key_small_order"), rule, Code::KeyUnusable, &envelope);
}

/// Returns how many of the keys must sign the create.
fn signers(place: &str) -> usize {
    if place == "control" { 16 } else { 1 }
}

fn add_next(all: &mut Catalogue) {
    let code = Code::ControlInvalid;
    let mut refused = |name: &str, rule: &str, next: NextSet| {
        let envelope = signed(Sets { next, ..plain_sets() });
        all.refused(&format!("next_{name}"), rule, code, &envelope);
    };
    let rule = "A threshold is at least 1.";
    refused("threshold_0", rule, NextSet { threshold: 0, ..next_set_of(1, &keys(1)) });
    let rule = "A threshold is at most the number of commitments.";
    refused("threshold_over_commitments", rule, next_set_of(3, &keys(2)));
    let rule = "Pre-rotation is mandatory: there is at least one commitment.";
    refused("without_commitments", rule, next_set_of(1, &[]));
    let rule = "There are at most 16 commitments.";
    refused("17_commitments", rule, next_set_of(1, &keys(17)));
    let rule = "Commitments ascend strictly.";
    let mut descending = next_set_of(1, &keys(3));
    descending.commitments.reverse();
    refused("commitments_unsorted", rule, descending);
    let commitments = vec![Hash([7; 32]); 2];
    refused("commitment_twice", rule, NextSet { threshold: 1, commitments });
    let rule = "There are at most 16 commitments.";
    let envelope = signed(Sets { next: next_set_of(16, &keys(16)), ..plain_sets() });
    all.applied("next_16_commitments", rule, envelope);
    let rule = "Nobody can tell what a commitment hides until it is revealed.";
    let commitments = vec![Hash([0; 32])];
    let next = NextSet { threshold: 1, commitments };
    all.applied("next_commitment_to_nothing", rule, signed(Sets { next, ..plain_sets() }));
}

fn add_foreign(all: &mut Catalogue) {
    let foreign = Did { network: "other".parse().expect("a name"), ..plain_did() };
    let rule = "Member DIDs are of this network.";
    for place in ["control", "recovery"] {
        let members: Vec<Member> = vec![key_member(&ed(10)), did_member(&foreign)];
        let set = KeySet { threshold: 1, members };
        let name = format!("{place}_member_of_other_network");
        all.refused(&name, rule, Code::NetworkMismatch, &signed(with(place, set)));
    }
}

fn add_delays(all: &mut Catalogue) {
    let with = |delay_ms: u64| {
        let keys = key_set_of(1, &[ed(12)]);
        signed(Sets { recovery: Some(Recovery { keys, delay_ms }), ..plain_sets() })
    };
    let ledger = Ledger::new();
    let rule = "A recovery delay is at least the network's minimum.";
    all.applied("recovery_delay_at_minimum", rule, with(DELAY_MS));
    let at = At::new(&ledger, 1_000, with(DELAY_MS - 1));
    all.refused_at("recovery_delay_1_ms_under_minimum", rule, Code::RecoveryDelay, &at);
    let rule = "A recovery delay is at most 90 days.";
    all.applied("recovery_delay_at_maximum", rule, with(RECOVERY_DELAY_MS_MAX));
    let envelope = with(RECOVERY_DELAY_MS_MAX + 1);
    all.refused("recovery_delay_1_ms_over_maximum", rule, Code::RecoveryDelay, &envelope);
}
