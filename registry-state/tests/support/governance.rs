//! Governors, validators, and the operations by which governors change the network.

use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    Change, Edits, EndorsedWrites, GovernancePropose, GovernanceStep, Governors, Parameters,
    Proposal, PublishingKey, ValidatorEntry, ValidatorReady, Validators, WritePolicy,
};
use registry_core::id::Did;
use registry_core::operation::{Action, Operation, Role, operation_id};
use registry_core::record::RecordKey;
use registry_state::state::StateView as _;

use super::agent::seal_with;
use super::guards::needed;
use super::ledger::{Ledger, Start, parameters};
use super::status::method_signature_as;
use super::trust::Party;
use super::{Key, chain, ed, salt, seal};

/// Returns governor n, which genesis creates.
pub(crate) fn governor(n: u8) -> Party {
    Party::of_genesis(50 + 3 * n)
}

/// Returns the validator key of node n.
pub(crate) fn validator_key(n: u8) -> Key {
    ed(100 + n)
}

/// Returns the peer id of an Ed25519 key by the libp2p specification.
fn peer_id(key: Key) -> String {
    let public = key.public();
    bs58::encode([&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20][..], public.raw()].concat()).into_string()
}

/// Returns node n as a validator with power 1.
pub(crate) fn validator(n: u8) -> ValidatorEntry {
    ValidatorEntry {
        name: format!("node-{n}"),
        key: ValidatorKey(validator_key(n).ed25519().verifying_key().to_bytes()),
        power: 1,
        peer: peer_id(ed(150 + n)),
        addresses: vec![format!("/ip4/192.0.2.{n}/tcp/7640")],
    }
}

/// Returns the publishing key of node n.
pub(crate) fn publishing_key(n: u8) -> PublishingKey {
    let name = format!("node-{n}").parse().expect("a fragment");
    PublishingKey::new(name, ed(200 + n).public())
}

pub(crate) fn members(of: &[Party]) -> Vec<Did> {
    let mut members: Vec<Did> = of.iter().map(|party| party.did.clone()).collect();
    members.sort();
    members
}

pub(crate) fn governors_of(threshold: u8, of: &[Party]) -> Governors {
    Governors { threshold, members: members(of) }
}

/// Returns a chain with `validators` validators of power 1 and these governors.
pub(crate) fn governed(validators: u8, threshold: u8, governors: &[Party]) -> Ledger {
    let mut entries: Vec<_> = (1..=validators).map(validator).collect();
    entries.sort_by_key(|entry| entry.key);
    let creates = governors.iter().map(|party| party.create.clone()).collect();
    let governors = governors_of(threshold, governors);
    let validators = Validators { validators: entries };
    let start = Start { validators, governors: Some(governors), ..Start::default() };
    Ledger::start_from(start, creates)
}

pub(crate) fn put(entries: &[ValidatorEntry]) -> Change {
    Change::Validators(Edits { put: entries.to_vec(), remove: Vec::new() })
}

pub(crate) fn remove(names: &[&str]) -> Change {
    let remove = names.iter().map(|name| (*name).to_owned()).collect();
    Change::Validators(Edits { put: Vec::new(), remove })
}

/// Returns a change to parameters that differ in the heartbeat.
pub(crate) fn heartbeat(heartbeat_ms: u64) -> Change {
    Change::Parameters(Parameters { heartbeat_ms, ..parameters() })
}

/// Returns a change after which only DIDs with the authority's grant may write.
pub(crate) fn endorsed(authority: &Did, cost_per_hour: u64) -> Change {
    let policy = EndorsedWrites { authority: authority.clone(), cost_per_hour };
    Change::Parameters(Parameters { write_policy: WritePolicy::Endorsed(policy), ..parameters() })
}

pub(crate) fn propose(change: Change, height: u64) -> Action {
    Action::GovernancePropose(Box::new(GovernancePropose { change, height }))
}

pub(crate) fn approve(proposal: Hash) -> Action {
    Action::GovernanceApprove(GovernanceStep { proposal })
}

pub(crate) fn withdraw(proposal: Hash) -> Action {
    Action::GovernanceWithdraw(GovernanceStep { proposal })
}

/// Returns an operation of governance that fits the present state.
pub(crate) fn governance_operation(
    ledger: &Ledger,
    author: &Did,
    number: u8,
    action: Action,
) -> Operation {
    ledger.operation(author, number, action)
}

/// Returns the envelope of an operation with a party's approval by its method.
pub(crate) fn seal_approval(operation: &Operation, party: &Party) -> Vec<u8> {
    seal_with(operation, |id| {
        vec![method_signature_as(Role::Approval, &party.key, &party.did, "key-1", id)]
    })
}

/// Returns the envelope of a party's action, signed by the party.
pub(crate) fn governs(ledger: &Ledger, party: &Party, number: u8, action: Action) -> Vec<u8> {
    seal_approval(&governance_operation(ledger, &party.did, number, action), party)
}

/// Returns the envelope and the id of a proposal.
pub(crate) fn proposes(
    ledger: &Ledger,
    party: &Party,
    number: u8,
    change: Change,
    height: u64,
) -> (Vec<u8>, Hash) {
    let operation = governance_operation(ledger, &party.did, number, propose(change, height));
    (seal_approval(&operation, party), operation_id(&operation.body()))
}

/// Returns the readiness announcement of node n, which names the block two heights below the next.
pub(crate) fn ready(ledger: &Ledger, proposal: Hash, n: u8) -> ValidatorReady {
    let ValidatorEntry { key, peer, .. } = validator(n);
    ValidatorReady { proposal, key, peer, version: 1, header: ledger.parent.clone() }
}

pub(crate) fn ready_operation(ledger: &Ledger, number: u8, ready: ValidatorReady) -> Operation {
    let action = Action::ValidatorReady(Box::new(ready));
    let guard = needed(&ledger.state, None, &action);
    let (author, endorser, until, salt) = (None, None, None, salt(number));
    Operation { chain: chain(), author, endorser, guard, until, salt, action }
}

/// Returns the envelope of node n's readiness announcement.
pub(crate) fn says_ready(ledger: &Ledger, proposal: Hash, n: u8) -> Vec<u8> {
    let operation = ready_operation(ledger, 7, ready(ledger, proposal, n));
    seal(&operation, &[validator_key(n)])
}

/// Returns the envelope in which node n announces that it speaks the protocol up to `version`.
pub(crate) fn announces(ledger: &Ledger, proposal: Hash, n: u8, version: u64) -> Vec<u8> {
    let word = ValidatorReady { version, ..ready(ledger, proposal, n) };
    seal(&ready_operation(ledger, 7, word), &[validator_key(n)])
}

/// Adds empty blocks until the next block has this height.
pub(crate) fn until(ledger: &mut Ledger, height: u64) {
    while ledger.head.height + 1 < height {
        ledger.after(1_000, &[]);
    }
}

pub(crate) fn proposal(ledger: &Ledger, id: &Hash) -> Proposal {
    let entry = ledger.state.head(&RecordKey::proposal(id)).expect("a sound store");
    entry.expect("a proposal").value().expect("a proposal")
}
