//! Vectors of the readiness announcements of new validators.

use registry_core::block::Header;
use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::governance::{Change, ValidatorReady};
use registry_core::operation::Guard;

use super::{network, proposed, then, with_proposal};
use crate::catalogue::{At, Catalogue};
use crate::support::governance::{
    approve, put, ready, ready_operation, says_ready, until, validator, validator_key,
};
use crate::support::ledger::Ledger;
use crate::support::seal;

/// Returns a ledger in which node 5 is scheduled to become a validator at height 30 and may
/// announce that it is ready.
fn expecting() -> (Ledger, Hash) {
    let mut ledger = network();
    let id = proposed(&mut ledger, put(&[validator(5)]), 30);
    (ledger, id)
}

fn said(ledger: &Ledger, word: ValidatorReady, n: u8) -> At<'_> {
    At::new(ledger, 1_000, seal(&ready_operation(ledger, 7, word), &[validator_key(n)]))
}

pub(super) fn add(all: &mut Catalogue) {
    add_expected(all);
    add_versions(all);
    add_blocks(all);
    add_times(all);
}

fn add_expected(all: &mut Catalogue) {
    let code = Code::ReadyNotExpected;
    let (ledger, id) = expecting();
    let rule = "A newcomer says that it is there.";
    all.applied_at("validator_ready", rule, &At::new(&ledger, 1_000, says_ready(&ledger, id, 5)));
    let rule = "A pending proposal names the key and its peer.";
    let at = said(&ledger, ready(&ledger, id, 6), 6);
    all.refused_at("validator_ready_of_another_key", rule, code, &at);
    let elsewhere = ValidatorReady { peer: validator(6).peer, ..ready(&ledger, id, 5) };
    all.refused_at("validator_ready_at_another_peer", rule, code, &said(&ledger, elsewhere, 5));
    let (other, heartbeat) = with_proposal();
    let at = said(&other, ready(&other, heartbeat, 5), 5);
    all.refused_at("validator_ready_for_parameters", rule, code, &at);
    let rule = "The proposal exists.";
    let at = said(&ledger, ready(&ledger, Hash([7; 32]), 5), 5);
    all.refused_at("validator_ready_for_unknown", rule, Code::ProposalNotFound, &at);
    let rule = "A validator has no need to say that it is there.";
    let mut ledger = network();
    let stronger = registry_core::governance::ValidatorEntry { power: 2, ..validator(1) };
    let id = proposed(&mut ledger, put(&[stronger]), 30);
    let at = said(&ledger, ready(&ledger, id, 1), 1);
    all.refused_at("validator_ready_of_validator", rule, code, &at);
    let rule = "The proposal is pending.";
    let (mut ledger, id) = expecting();
    then(&mut ledger, 1, 7, approve(id));
    all.applied_at("validator_ready_for_approved", rule, &said(&ledger, ready(&ledger, id, 5), 5));
    until(&mut ledger, 30);
    let at = said(&ledger, ready(&ledger, id, 5), 5);
    all.refused_at("validator_ready_for_cancelled", rule, code, &at);
    let rule = "A key's first word has no version before it.";
    let (ledger, id) = expecting();
    let mut operation = ready_operation(&ledger, 7, ready(&ledger, id, 5));
    operation.guard = Guard::Parts(Hash([7; 32]));
    let at = At::new(&ledger, 1_000, seal(&operation, &[validator_key(5)]));
    all.refused_at("validator_ready_previous_of_none", rule, code, &at);
}

/// Adds announcements for a proposal of version 2.
fn add_versions(all: &mut Catalogue) {
    let mut ledger = network();
    let id = proposed(&mut ledger, Change::Version(2), 30);
    let word = |n: u8, version: u64| ValidatorReady { version, ..ready(&ledger, id, n) };
    let rule = "A validator says that it speaks a proposed version.";
    all.applied_at("validator_ready_for_version", rule, &said(&ledger, word(1, 2), 1));
    all.applied_at("validator_ready_for_lower_version", rule, &said(&ledger, word(1, 3), 1));
    let rule =
        "Only a present validator at its peer says so, and only of that version or a higher one.";
    let code = Code::ReadyNotExpected;
    let elsewhere = ValidatorReady { peer: validator(6).peer, ..word(1, 2) };
    for (name, word, n) in [
        ("of_lower_version", word(1, 1), 1),
        ("for_version_by_stranger", word(5, 2), 5),
        ("for_version_at_another_peer", elsewhere, 1),
    ] {
        all.refused_at(&format!("validator_ready_{name}"), rule, code, &said(&ledger, word, n));
    }
}

fn add_blocks(all: &mut Catalogue) {
    let (ledger, id) = expecting();
    let code = Code::ReadyBlock;
    let rule = "The block is one of this chain.";
    let with = |header: Header| ValidatorReady { header, ..ready(&ledger, id, 5) };
    let good = &ledger.parent;
    let wrong = with(Header { state_root: Hash([7; 32]), ..good.clone() });
    all.refused_at("validator_ready_wrong_block", rule, code, &said(&ledger, wrong, 5));
    let wrong = with(Header { height: good.height - 1, ..good.clone() });
    all.refused_at("validator_ready_wrong_height", rule, code, &said(&ledger, wrong, 5));
    let rule = "The block is at least two below the present.";
    let near = with(ledger.head.clone());
    all.refused_at("validator_ready_parent", rule, code, &said(&ledger, near, 5));
    let beyond = with(Header { height: ledger.head.height + 9, ..ledger.head.clone() });
    all.refused_at("validator_ready_future_block", rule, code, &said(&ledger, beyond, 5));
}

fn add_times(all: &mut Catalogue) {
    let (mut ledger, id) = expecting();
    let envelope = says_ready(&ledger, id, 5);
    ledger.after(1_000, &[envelope]);
    let rule = "Two words of a key for one proposal are a minute apart.";
    let again = |gap_ms| {
        let mut at = said(&ledger, ready(&ledger, id, 5), 5);
        at.gap_ms = gap_ms;
        at
    };
    let code = Code::ReadyTooSoon;
    all.refused_at("validator_ready_within_a_minute", rule, code, &again(59_999));
    all.applied_at("validator_ready_after_a_minute", rule, &again(60_000));
    let rule = "An announcement is for the record as it was when it was signed.";
    let (mut other, id) = expecting();
    let first = says_ready(&other, id, 5);
    other.after(1_000, &[first]);
    let signed = seal(&ready_operation(&other, 8, ready(&other, id, 5)), &[validator_key(5)]);
    let second = says_ready(&other, id, 5);
    other.after(60_000, &[second]);
    let at = At::new(&other, 60_000, signed);
    all.refused_at("validator_ready_stale_after_another", rule, Code::GuardStale, &at);
    let rule = "Another proposal may be answered at once.";
    let mut ledger = ledger.clone();
    let other = proposed_again(&mut ledger);
    let at = said(&ledger, ready(&ledger, other, 5), 5);
    all.applied_at("validator_ready_for_another_proposal", rule, &at);
}

fn proposed_again(ledger: &mut Ledger) -> Hash {
    proposed(ledger, put(&[validator(5)]), 31)
}
