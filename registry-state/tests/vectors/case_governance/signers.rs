//! Vectors of the signatures of governors: their signers and roles.

use registry_core::code::Code;
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::did::{Document, Sets};
use registry_core::governance::Change;
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation, Role, Signature, operation_id};

use super::{GOVERNORS, network, next, with_proposal};
use crate::catalogue::{At, Catalogue};
use crate::support::agent::seal_with;
use crate::support::governance::{
    approve, governance_operation, governed, governors_of, governs, heartbeat, propose, proposes,
    put, ready, ready_operation, seal_approval, validator, validator_key, withdraw,
};
use crate::support::ledger::{Ledger, Start};
use crate::support::status::{authored, method_signature_as};
use crate::support::trust::Party;
use crate::support::{
    Key, change, create, did_member, did_of, ed, for_members, key_set, key_set_of, next_set_of,
    reveal, seal, seal_body, seal_for_members, signature,
};

pub(super) fn add(all: &mut Catalogue) {
    add_applied(all);
    add_roles(all);
    add_ready_signers(all);
    add_thresholds(all);
    add_members(all);
    add_strangers(all);
}

fn by_keys(operation: &Operation, keys: &[Key]) -> Vec<u8> {
    seal_body(operation.body(), Role::Approval, keys)
}

fn add_applied(all: &mut Catalogue) {
    let (ledger, id) = with_proposal();
    let by = &GOVERNORS[1];
    let rule = "A governor approves by a method of its document.";
    all.applied_at("governance_approve_by_method", rule, &next(&ledger, 1, approve(id)));
    let rule = "A governor approves by keys of its control set, in role approval.";
    let operation = governance_operation(&ledger, &by.did, 7, approve(id));
    let at = At::new(&ledger, 1_000, by_keys(&operation, &[by.key]));
    all.applied_at("governance_approve_by_control", rule, &at);
}

fn add_roles(all: &mut Catalogue) {
    let by = &GOVERNORS[1];
    let operation = authored(&by.did, Guard::Nothing, 7, approve(Hash([8; 32])));
    let rule = "A signature in another role, as that of an endorser, is never an approval.";
    for (role, code) in [
        (Role::Endorser, Code::EndorserInvalid),
        (Role::Author, Code::SignatureRole),
        (Role::Consent, Code::SignatureRole),
    ] {
        let envelope = seal_with(&operation, |id| {
            vec![method_signature_as(role, &by.key, &by.did, "key-1", id)]
        });
        let name = format!("approval_in_role_{role:?}").to_lowercase();
        all.refused(&name, rule, code, &envelope);
    }
    let envelope = seal_body(operation.body(), Role::Control, &[by.key]);
    all.refused("approval_in_role_control", rule, Code::SignatureRole, &envelope);
    let rule = "What was signed as an endorser does not verify as an approval.";
    let envelope = seal_with(&operation, |id| {
        let endorsed = method_signature_as(Role::Endorser, &by.key, &by.did, "key-1", id);
        vec![Signature { role: Role::Approval, ..endorsed }]
    });
    all.refused("approval_signed_as_endorser", rule, Code::SignatureInvalid, &envelope);
    let rule = "A governor approves by its own methods.";
    let envelope = seal_approval(&operation, &GOVERNORS[2]);
    all.refused("approval_by_method_of_another", rule, Code::SignatureRole, &envelope);
    let rule = "An approval is by methods or by keys, not by both.";
    let envelope = seal_with(&operation, |id| {
        let by_method = method_signature_as(Role::Approval, &by.key, &by.did, "key-1", id);
        vec![by_method, signature(&by.key, Role::Approval, id)]
    });
    all.refused("approval_by_method_and_key", rule, Code::SignatureRole, &envelope);
}

fn add_ready_signers(all: &mut Catalogue) {
    let mut ledger = network();
    let change = put(&[validator(5)]);
    let (envelope, id) = proposes(&ledger, &GOVERNORS[0], 7, change, 20);
    ledger.after(1_000, &[envelope]);
    let operation = ready_operation(&ledger, 7, ready(&ledger, id, 5));
    let rule = "A newcomer's word is signed by the key that it names, as author, alone.";
    let own = validator_key(5);
    let envelope = seal(&operation, &[validator_key(6)]);
    all.refused("validator_ready_by_another_key", rule, Code::SignatureRole, &envelope);
    let envelope = seal(&operation, &[own, validator_key(6)]);
    all.refused("validator_ready_by_two_keys", rule, Code::SignatureRole, &envelope);
    let envelope = seal_body(operation.body(), Role::Control, &[own]);
    all.refused("validator_ready_in_role_control", rule, Code::SignatureRole, &envelope);
    let by = &GOVERNORS[0];
    let envelope = seal_with(&operation, |id| {
        vec![method_signature_as(Role::Author, &own, &by.did, "key-1", id)]
    });
    all.refused("validator_ready_by_method", rule, Code::SignatureRole, &envelope);
    let envelope = seal(&operation, &[]);
    all.refused("validator_ready_unsigned", rule, Code::SignatureCount, &envelope);
    let mut forged = signature(&own, Role::Author, &operation_id(&operation.body()));
    forged.value = Bytes(validator_key(6).sign(&forged.role.message(&Hash([9; 32]))));
    let envelope = seal_with(&operation, |_| vec![forged.clone()]);
    all.refused("validator_ready_forged", rule, Code::SignatureInvalid, &envelope);
}

/// Registers a governor that any two of three other DIDs control. The first two of these share a
/// key.
fn council() -> (Ledger, Did, [(Did, Key); 3]) {
    let keys = [ed(70), ed(73), ed(76)];
    let shared = |own: Key, also: Key| {
        let (next, recovery) = (next_set_of(1, &[ed(81)]), None);
        let sets = Sets { control: key_set_of(1, &[own, also]), next, recovery };
        let mut operation = create(sets, Document::default(), 1);
        operation.chain = Hash::ZERO;
        (did_of(&operation), seal(&operation, &[own]))
    };
    let members = [shared(keys[0], ed(79)), shared(keys[1], ed(79)), shared(keys[2], ed(80))];
    let of = members.iter().map(|(did, _)| did_member(did)).collect();
    let sets = Sets { control: key_set(2, of), next: next_set_of(1, &[ed(81)]), recovery: None };
    let mut operation = create(sets, Document::default(), 2);
    operation.chain = Hash::ZERO;
    let did = did_of(&operation);
    let mut creates: Vec<Vec<u8>> = members.iter().map(|(_, create)| create.clone()).collect();
    creates
        .push(seal_for_members(&operation, &[(&members[0].0, keys[0]), (&members[1].0, keys[1])]));
    let party = Party { did: did.clone(), key: keys[0], create: Vec::new() };
    let governors = governors_of(1, &[party]);
    let start = Start { governors: Some(governors), ..governed(4, 1, &*GOVERNORS).genesis };
    let mut ledger = Ledger::start_from(start, creates);
    ledger.after(1_000, &[]);
    let [first, second, third] = members.map(|(did, _)| did);
    (ledger, did, [(first, keys[0]), (second, keys[1]), (third, keys[2])])
}

fn add_thresholds(all: &mut Catalogue) {
    let (ledger, did, [first, second, third]) = council();
    let action = propose(heartbeat(10_000), 20);
    let operation = governance_operation(&ledger, &did, 7, action);
    let by = |of: &[(&Did, Key)]| {
        let keys: Vec<Key> = of.iter().map(|(_, key)| *key).collect();
        At::new(&ledger, 1_000, for_members(&by_keys(&operation, &keys), of))
    };
    let [one, two, three] = [&first, &second, &third].map(|(did, key)| (did, *key));
    let rule = "A governor that others control acts by as many of them as its threshold says.";
    let at = by(&[one, two]);
    all.applied_at("approval_by_two_of_three_members", rule, &at);
    let rule = "One key that two members share counts for one of them.";
    let at = by(&[(&first.0, ed(79))]);
    all.refused_at("approval_by_one_key_of_two_members", rule, Code::ThresholdNotMet, &at);
    let rule = "A member counts once, however many of its keys sign.";
    let at = by(&[three, (&third.0, ed(80))]);
    all.refused_at("approval_by_two_keys_of_one_member", rule, Code::ThresholdNotMet, &at);
    let rule = "A governor that others control does not act by its methods.";
    let envelope = seal_with(&operation, |id| {
        vec![method_signature_as(Role::Approval, &first.1, &did, "key-1", id)]
    });
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at("approval_by_method_of_controlled", rule, Code::ControlRequired, &at);
    let rule = "A key of nobody in the set is refused.";
    let at = by(&[one, two, (&second.0, ed(82))]);
    all.refused_at("approval_with_stranger_key", rule, Code::SignerNotMember, &at);
}

/// Adds the deactivation of the members of a governor that two of three must sign for.
fn add_members(all: &mut Catalogue) {
    let (mut ledger, _, members) = council();
    let members = members.map(|(did, _)| did);
    let gone = |ledger: &Ledger, did: &Did| {
        let action = Action::DidDeactivate(reveal(&[ed(81)]));
        seal(&change(did, ledger.previous(did), 2, action), &[ed(81)])
    };
    let rule = "A member of a governor is deactivated while the others reach the threshold.";
    let first = gone(&ledger, &members[0]);
    all.applied_at("governor_member_deactivated", rule, &At::new(&ledger, 1_000, first.clone()));
    let rule = "The last member that a needed governor needs is not deactivated.";
    let second = gone(&ledger, &members[1]);
    let at = At::new(&ledger, 1_000, second).following(first.clone());
    let code = Code::GovernorsTooFew;
    all.refused_at("governor_members_deactivated_in_same_block", rule, code, &at);
    ledger.after(1_000, &[first]);
    let at = At::new(&ledger, 1_000, gone(&ledger, &members[1]));
    all.refused_at("governor_member_deactivated_too_few_left", rule, code, &at);
}

fn add_strangers(all: &mut Catalogue) {
    let rule = "Only governors propose, approve and withdraw.";
    let stranger = Party::new(90);
    let (mut ledger, id) = with_proposal();
    ledger.after(1_000, std::slice::from_ref(&stranger.create));
    for (name, action) in [
        ("propose", propose(heartbeat(9_000), 30)),
        ("approve", approve(id)),
        ("withdraw", withdraw(id)),
    ] {
        let at = At::new(&ledger, 1_000, governs(&ledger, &stranger, 7, action));
        all.refused_at(&format!("governance_{name}_by_stranger"), rule, Code::NotGovernor, &at);
    }
    let rule = "An author that is not registered is no governor to ask about.";
    let unknown = Party::new(93);
    let at = At::new(&ledger, 1_000, governs(&ledger, &unknown, 7, approve(id)));
    all.refused_at("governance_approve_by_unknown", rule, Code::DidNotFound, &at);
    let rule = "A network whose genesis names no governors changes nothing.";
    let mut ledger = Ledger::new();
    ledger.after(1_000, std::slice::from_ref(&stranger.create));
    let action = propose(Change::Version(2), 20);
    let at = At::new(&ledger, 1_000, governs(&ledger, &stranger, 7, action));
    all.refused_at("governance_propose_without_governors", rule, Code::GovernanceNone, &at);
}
