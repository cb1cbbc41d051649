//! Vectors of writes on a network where a DID needs a right to write
//! (docs/protocol/endorsement.md).

use std::sync::LazyLock;

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::governance::{EndorsedWrites, Parameters, WritePolicy};
use registry_core::limits::HOUR_MS;
use registry_core::names::TrustKey;
use registry_core::operation::{
    Action, Guard, Operation, Role, Signature, SignedOperation, operation_id,
};
use registry_core::status::StatusPurpose;
use registry_core::trust::Conditions;
use registry_state::rules::endorsement::WRITE;

use crate::catalogue::{At, Catalogue};
use crate::support::ledger::{Ledger, Start, parameters};
use crate::support::status::{
    authored, method_signature, method_signature_as, plain_list, seal_by_method, status_create,
};
use crate::support::trust::{
    Party, change_of, derecognise, grant, recognise, resume, revoke, right, signing, suspend,
    trust_operation,
};
use crate::support::{
    change, create, ed, reveal, rotate, seal, seal_body, signature, single, update,
};

/// Cost in units of what one endorser may vouch for in an hour on this network. Its own operations
/// cost 140 to 205 units here, so two do not reach the quota and three do. With a second signature
/// they cost more than 215, so two reach it.
const QUOTA: u64 = 420;

struct Parties {
    authority: Party,
    endorser: Party,
    /// Party that may endorse operations on status lists only.
    lists: Party,
    /// Registered party without any right.
    stranger: Party,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let [authority, endorser, lists, stranger] = [30, 33, 36, 39].map(Party::of_genesis);
    Parties { authority, endorser, lists, stranger }
});

fn right_to_write(resource: &str, entity: &Party) -> TrustKey {
    TrustKey {
        authority: PARTIES.authority.did.clone(),
        action: WRITE.parse().expect("an action"),
        resource: resource.parse().expect("a resource"),
        entity: entity.id().parse().expect("an entity"),
    }
}

/// Returns a network whose genesis lets only some parties write.
fn endorsed() -> Ledger {
    let Parties { authority, endorser, lists, stranger } = &*PARTIES;
    let granted = |resource: &str, entity: &Party| {
        let action = grant(&right_to_write(resource, entity), None, Conditions::default());
        let by_authority = authored(&authority.did, Guard::Absent, 7, action);
        let operation = Operation { chain: Hash::ZERO, ..by_authority };
        seal_by_method(&operation, authority.key)
    };
    let mut operations: Vec<_> =
        [authority, endorser, lists, stranger].map(|party| party.create.clone()).to_vec();
    let rights = [("registry/*", endorser), ("registry/status", lists)];
    operations.extend(rights.map(|(resource, entity)| granted(resource, entity)));
    let policy = EndorsedWrites { authority: authority.did.clone(), cost_per_hour: QUOTA };
    let parameters = Parameters { write_policy: WritePolicy::Endorsed(policy), ..parameters() };
    Ledger::start_from(Start { parameters, ..Start::default() }, operations)
}

/// Returns the create of a new DID.
fn newcomer(number: u8) -> Operation {
    let key = ed(50 + number);
    create(single(&key, &ed(60), &ed(61)), signing(key), number)
}

/// Returns an envelope with signatures over the operation's id.
fn with(operation: &Operation, sign: impl Fn(&Hash) -> Vec<Signature>) -> Vec<u8> {
    let body = operation.body();
    let signatures = sign(&operation_id(&body));
    SignedOperation::new(body, signatures).bytes()
}

fn as_endorser(party: &Party, id: &Hash) -> Signature {
    method_signature_as(Role::Endorser, &party.key, &party.did, "key-1", id)
}

/// Returns the operation with a party named as endorser in its body.
fn naming(endorser: &Party, operation: Operation) -> Operation {
    Operation { endorser: Some(endorser.did.clone()), ..operation }
}

fn by_newcomer(number: u8, id: &Hash) -> Signature {
    signature(&ed(50 + number), Role::Control, id)
}

/// Returns the create of a new DID, endorsed by a party.
fn created(number: u8, endorser: &Party) -> Vec<u8> {
    with(&naming(endorser, newcomer(number)), |id| {
        vec![by_newcomer(number, id), as_endorser(endorser, id)]
    })
}

/// Returns the create of a party's status list.
fn list(party: &Party, number: u8) -> Operation {
    status_create(&party.did, number, plain_list(StatusPurpose::Revocation, 1, 8))
}

/// Returns the create of one party's status list, endorsed by another party.
fn endorsed_list(party: &Party, number: u8, endorser: &Party) -> Vec<u8> {
    with(&naming(endorser, list(party, number)), |id| {
        vec![method_signature(&party.key, &party.did, "key-1", id), as_endorser(endorser, id)]
    })
}

pub(crate) fn add(all: &mut Catalogue) {
    add_forms(all);
    add_rights(all);
    add_quotas(all);
    add_quotas_apart(all);
    add_endorsed_stop(all);
}

fn add_forms(all: &mut Catalogue) {
    let Parties { endorser, lists, stranger, .. } = &*PARTIES;
    let code = Code::EndorserInvalid;
    let endorsed = naming(endorser, newcomer(1));
    let rule = "An endorser signs by a method, which names its DID.";
    let by_key = with(&endorsed, |id| {
        vec![by_newcomer(1, id), signature(&endorser.key, Role::Endorser, id)]
    });
    all.refused("endorser_by_key", rule, code, &by_key);
    let rule = "Only the endorser that the body names signs as endorser.";
    let two = with(&endorsed, |id| {
        vec![by_newcomer(1, id), as_endorser(endorser, id), as_endorser(lists, id)]
    });
    all.refused("endorser_two", rule, code, &two);
    let rule = "The endorser signs once.";
    let twice = with(&endorsed, |id| {
        let second = method_signature_as(Role::Endorser, &ed(99), &endorser.did, "key-2", id);
        vec![by_newcomer(1, id), as_endorser(endorser, id), second]
    });
    all.refused("endorser_twice", rule, code, &twice);
    let rule = "An endorser is a DID of this network.";
    let mut foreign = endorser.clone();
    foreign.did.network = "other".parse().expect("a name");
    let foreign = created(1, &foreign);
    all.refused("endorser_of_other_network", rule, Code::NetworkMismatch, &foreign);
    let rule = "What needs no endorsement takes none.";
    let action = rotate(reveal(&[ed(60)]), newcomer_sets(), signing(ed(62)));
    let rotating = naming(endorser, change(&stranger.did, Hash::ZERO, 2, action));
    let rotating =
        with(&rotating, |id| vec![signature(&ed(60), Role::Next, id), as_endorser(endorser, id)]);
    all.refused("endorser_on_rotate", rule, code, &rotating);
    let rule = "An author vouches for itself by leaving the endorser out.";
    let own = endorsed_list(lists, 1, lists);
    all.refused("endorser_is_the_author", rule, code, &own);
    let rule = "A signature by an endorser alone signs nothing for the author.";
    let alone = with(&endorsed, |id| vec![as_endorser(endorser, id)]);
    all.refused("endorser_alone", rule, Code::SignatureCount, &alone);
    let rule = "The endorser's own signature verifies.";
    let forged = with(&endorsed, |id| {
        let value = as_endorser(lists, id).value;
        vec![by_newcomer(1, id), Signature { value, ..as_endorser(endorser, id) }]
    });
    all.refused("endorser_forged", rule, Code::SignatureInvalid, &forged);
    add_relays(all);
}

/// Adds what a relay could try to change who pays: it strips, adds or replaces the signature of the
/// endorser of an author who has the right to write itself.
fn add_relays(all: &mut Catalogue) {
    let Parties { endorser, lists, .. } = &*PARTIES;
    let own = |id: &Hash| method_signature(&lists.key, &lists.did, "key-1", id);
    let endorsed = naming(endorser, list(lists, 1));
    let rule = "The endorser that the body names must sign, also if the author may write itself.";
    let stripped = with(&endorsed, |id| vec![own(id)]);
    all.refused("endorser_stripped", rule, Code::EndorserMissing, &stripped);
    let rule = "Nobody endorses an operation whose body names no endorser.";
    let added = with(&list(lists, 1), |id| vec![own(id), as_endorser(endorser, id)]);
    all.refused("endorser_added", rule, Code::EndorserInvalid, &added);
    let rule = "No other DID endorses in place of the one that the body names.";
    let authority = &PARTIES.authority;
    let replaced = with(&endorsed, |id| vec![own(id), as_endorser(authority, id)]);
    all.refused("endorser_replaced", rule, Code::EndorserInvalid, &replaced);
}

fn newcomer_sets() -> registry_core::did::Sets {
    single(&ed(62), &ed(63), &ed(64))
}

fn add_rights(all: &mut Catalogue) {
    let Parties { authority, endorser, lists, stranger } = &*PARTIES;
    let ledger = endorsed();
    let at = |envelope| At::new(&ledger, 1_000, envelope);
    let rule = "A newcomer needs an endorser.";
    let alone = seal(&newcomer(1), &[ed(51)]);
    all.refused_at("endorsement_needed_by_create", rule, Code::EndorsementNeeded, &at(alone));
    let rule = "An author without the right needs an endorser.";
    let own = seal_by_method(&list(stranger, 1), stranger.key);
    all.refused_at("endorsement_needed_by_stranger", rule, Code::EndorsementNeeded, &at(own));
    let rule = "The authority writes by its own right, or nobody could stop an endorser.";
    let own = seal_by_method(&list(authority, 1), authority.key);
    all.applied_at("endorsed_by_being_the_authority", rule, &at(own));
    let rule = "The authority endorses by its own right.";
    all.applied_at("endorsed_by_the_authority", rule, &at(created(1, authority)));
    let rule = "A right to write lists is none to create DIDs.";
    let code = Code::EndorserNotGranted;
    all.refused_at("endorser_of_other_family", rule, code, &at(created(1, lists)));
    let rule = "Only who has the right endorses.";
    all.refused_at("endorser_without_grant", rule, code, &at(created(1, stranger)));
    let rule = "A newcomer is endorsed.";
    all.applied_at("endorsed_did_create", rule, &at(created(1, endorser)));
    let rule = "An endorser of lists endorses a list.";
    all.applied_at("endorsed_status_create", rule, &at(endorsed_list(stranger, 1, lists)));
    let rule = "Who has the right writes by itself.";
    let own = seal_by_method(&list(lists, 1), lists.key);
    all.applied_at("endorsed_by_own_right", rule, &at(own));
    let rule = "Rotate, recovery and deactivation need no endorsement.";
    let action = rotate(reveal(&[ed(40)]), newcomer_sets(), signing(ed(62)));
    let rotating = change(&stranger.did, ledger.previous(&stranger.did), 2, action);
    all.applied_at("endorsed_network_rotate", rule, &at(seal(&rotating, &[ed(40)])));
    let rule = "An endorser's signature is checked on an open network too.";
    let mut open = Ledger::new();
    open.after(1_000, &[]);
    let nobody = At::new(&open, 1_000, created(1, endorser));
    all.refused_at("endorser_not_registered", rule, Code::DidNotFound, &nobody);
    let rule = "An endorser whose grant is suspended endorses nothing.";
    let mut suspended = endorsed();
    let action: Action = suspend(&right_to_write("registry/*", endorser));
    let envelope = authority.signs(&suspended, action);
    suspended.after(1_000, &[envelope]);
    let at = At::new(&suspended, 1_000, created(1, endorser));
    all.refused_at("endorser_suspended", rule, code, &at);
    let suspending = authority.signs(&ledger, suspend(&right_to_write("registry/*", endorser)));
    let at = At::new(&ledger, 1_000, created(1, endorser)).following(suspending);
    all.refused_at("endorser_suspended_in_the_block", rule, code, &at);
    let rule = "A right to write is one in its window.";
    let mut ending = endorsed();
    let until = Conditions { valid_until: Some(ending.head.time + 3_000), ..Conditions::default() };
    let action = change_of(&right_to_write("registry/*", endorser), until);
    let envelope = authority.signs(&ending, action);
    ending.after(1_000, &[envelope]);
    let at = At::new(&ending, 1_999, created(1, endorser));
    all.applied_at("endorser_before_its_right_ends", rule, &at);
    let at = At::new(&ending, 2_000, created(1, endorser));
    all.refused_at("endorser_after_its_right_ended", rule, code, &at);
}

fn add_quotas(all: &mut Catalogue) {
    let Parties { endorser, lists, stranger, .. } = &*PARTIES;
    let mut used = endorsed();
    used.after(1_000, &[created(1, endorser)]);
    used.after(1_000, &[endorsed_list(stranger, 1, endorser)]);
    let rule = "An endorser vouches for operations of so much cost in an hour, whoever's they are.";
    let at = At::new(&used, 1_000, created(3, endorser));
    all.refused_at("endorser_quota", rule, Code::EndorserQuota, &at);
    let rule = "The quota of another endorser is its own.";
    let at = At::new(&used, 1_000, endorsed_list(stranger, 2, lists));
    all.applied_at("endorser_quota_of_another", rule, &at);
    let rule = "An endorser pays for an author who may write itself; it is named in the body.";
    let at = At::new(&used, 1_000, endorsed_list(lists, 2, endorser));
    all.refused_at("endorser_quota_of_author_with_right", rule, Code::EndorserQuota, &at);
    let rule = "The quota refills with the hour.";
    let at = At::new(&used, HOUR_MS - 2_000, created(3, endorser));
    all.applied_at("endorser_quota_refilled", rule, &at);
    let rule = "One millisecond before the hour it has not refilled.";
    let at = At::new(&used, HOUR_MS - 2_001, created(3, endorser));
    all.refused_at("endorser_quota_before_the_hour", rule, Code::EndorserQuota, &at);
    let rule = "What an author writes by its own right counts as well.";
    let mut own = endorsed();
    for number in 1..=3 {
        own.after(1_000, &[seal_by_method(&list(lists, number), lists.key)]);
    }
    let at = At::new(&own, 1_000, seal_by_method(&list(lists, 4), lists.key));
    all.refused_at("endorser_quota_of_own_writes", rule, Code::EndorserQuota, &at);
    let rule = "With the quota used up a rotate goes through all the same.";
    let action = rotate(reveal(&[ed(37)]), newcomer_sets(), signing(ed(62)));
    let rotating = change(&lists.did, own.previous(&lists.did), 2, action);
    let at = At::new(&own, 1_000, seal(&rotating, &[ed(37)]));
    all.applied_at("endorser_quota_spares_rotate", rule, &at);
}

/// Returns an operation signed by the control set of its author.
fn by_control(operation: &Operation, party: &Party) -> Vec<u8> {
    seal_body(operation.body(), Role::Control, &[party.key])
}

/// Returns the revocation of the authority's grant to the party that may endorse lists only.
fn last_stop(ledger: &Ledger) -> Operation {
    let Parties { authority, lists, .. } = &*PARTIES;
    let action = revoke(&right_to_write("registry/status", lists));
    trust_operation(ledger, &authority.did, action)
}

/// Returns a network on which so many operations of the authority count under its quota of methods,
/// of control, and of stops.
fn spent([methods, control, stops]: [u8; 3]) -> Ledger {
    let Parties { authority, endorser, lists, .. } = &*PARTIES;
    let mut ledger = endorsed();
    for number in 21..=20 + methods {
        ledger.after(1_000, &[seal_by_method(&list(authority, number), authority.key)]);
    }
    for number in 1..=control {
        ledger.after(1_000, &[by_control(&list(authority, number), authority)]);
    }
    let first = right_to_write("registry/*", endorser);
    let second = right_to_write("registry/status", lists);
    let actions = [suspend(&second), suspend(&first), revoke(&first)];
    for action in actions.into_iter().take(usize::from(stops)) {
        let envelope = authority.signs(&ledger, action);
        ledger.after(1_000, &[envelope]);
    }
    ledger
}

/// Adds what is refused and what is not while one quota of the authority is used up. The other two
/// have room for one more operation each, so a vector fails if two quotas are counted as one.
fn add_quotas_apart(all: &mut Catalogue) {
    let (authority, code) = (&PARTIES.authority, Code::EndorserQuota);
    let method_list = seal_by_method(&list(authority, 9), authority.key);
    let control_list = by_control(&list(authority, 9), authority);

    let used = spent([3, 2, 2]);
    let at = |envelope: &[u8]| At::new(&used, 1_000, envelope.to_vec());
    let rule = "What methods sign has a quota.";
    all.refused_at("endorser_quota_of_methods", rule, code, &at(&method_list));
    let rule = "A resume is no stop.";
    let second = right_to_write("registry/status", &PARTIES.lists);
    let resumed = authority.signs(&used, resume(&second));
    all.refused_at("endorser_quota_of_methods_holds_resume", rule, code, &at(&resumed));
    let rule = "With the quota of its methods used up, a method still revokes a grant.";
    let stop = seal_by_method(&last_stop(&used), authority.key);
    all.applied_at("endorser_quota_of_methods_spares_stops", rule, &at(&stop));
    let rule = "With the quota of its methods used up, the control set still signs.";
    all.applied_at("endorser_quota_of_methods_spares_control", rule, &at(&control_list));
    let rule = "With the quota of its methods used up, the control set removes a method.";
    let without = update(Document::default());
    let removing = change(&authority.did, used.previous(&authority.did), 2, without);
    let removing = by_control(&removing, authority);
    all.applied_at("endorser_quota_of_methods_spares_update", rule, &at(&removing));

    let used = spent([2, 3, 2]);
    let at = |envelope: &[u8]| At::new(&used, 1_000, envelope.to_vec());
    let rule = "What the control set signs has a quota.";
    all.refused_at("endorser_quota_of_control", rule, code, &at(&control_list));
    let rule = "A stop that the control set signs counts as signed by control.";
    let stop = by_control(&last_stop(&used), authority);
    all.refused_at("endorser_quota_of_control_holds_stops", rule, code, &at(&stop));
    let rule = "With the quota of control used up, methods still write.";
    all.applied_at("endorser_quota_of_control_spares_methods", rule, &at(&method_list));
    let rule = "An endorser signs by a method, whoever signs for the author.";
    let vouched = created(9, authority);
    all.applied_at("endorser_quota_of_control_spares_endorsing", rule, &at(&vouched));

    let used = spent([2, 2, 3]);
    let at = |envelope: &[u8]| At::new(&used, 1_000, envelope.to_vec());
    let rule = "Stops that methods sign have a quota.";
    let stop = seal_by_method(&last_stop(&used), authority.key);
    all.refused_at("endorser_quota_of_stops", rule, code, &at(&stop));
    let rule = "With the quota of stops used up, the control set still stops.";
    let stop = by_control(&last_stop(&used), authority);
    all.applied_at("endorser_quota_of_stops_spares_control", rule, &at(&stop));
    let rule = "With the quota of stops used up, methods still write what is no stop.";
    all.applied_at("endorser_quota_of_stops_spares_methods", rule, &at(&method_list));
}

/// Adds a stop by an author for whom an endorser vouches.
fn add_endorsed_stop(all: &mut Catalogue) {
    let Parties { endorser, lists, stranger, .. } = &*PARTIES;
    let key = right(&stranger.did, "degrees", &lists.id());
    let vouched = |ledger: &Ledger, action| {
        let operation = naming(endorser, trust_operation(ledger, &stranger.did, action));
        with(&operation, |id| {
            let own = method_signature(&stranger.key, &stranger.did, "key-1", id);
            vec![own, as_endorser(endorser, id)]
        })
    };
    let mut used = endorsed();
    let recognised = vouched(&used, recognise(&key));
    used.after(1_000, &[created(1, endorser), recognised]);
    let rule = "An endorser vouches for a stop with its quota of stops.";
    let at = At::new(&used, 1_000, vouched(&used, derecognise(&key)));
    all.applied_at("endorser_quota_of_methods_spares_endorsed_stop", rule, &at);
}
