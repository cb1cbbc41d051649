//! Vectors of create, update, rotate and deactivate: authors, guards, replays, thresholds and
//! quotas.

use registry_core::code::Code;
use registry_core::crypto::{Hash, PublicKey, Suite};
use registry_core::did::{Document, Member, Reveal, Sets};
use registry_core::id::Did;
use registry_core::limits::DAY_MS;
use registry_core::operation::{Action, Operation, Role};

use crate::catalogue::{At, Catalogue, Guarded, document};
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::{
    Key, change, create, did_member, did_of, ed, key_member, key_set, next_set_of, recover, reveal,
    rotate, seal, seal_body, single, update,
};

/// Returns sets with control key 10, next key 11 and recovery key 12.
pub(crate) fn plain_sets() -> Sets {
    single(&ed(10), &ed(11), &ed(12))
}

/// Returns the sets that a rotate from [`plain_sets`] puts in place, with keys 20, 21 and 22.
pub(crate) fn rotated_sets() -> Sets {
    single(&ed(20), &ed(21), &ed(22))
}

pub(crate) fn plain_create() -> Operation {
    create(plain_sets(), document(), 1)
}

pub(crate) fn plain_did() -> Did {
    did_of(&plain_create())
}

/// Returns a ledger whose block 1 creates the plain DID.
pub(crate) fn registered() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[seal(&plain_create(), &[ed(10)])]);
    ledger
}

/// Returns an envelope that changes the newest version of a DID.
pub(crate) fn changing(
    ledger: &Ledger,
    did: &Did,
    number: u8,
    action: Action,
    keys: &[Key],
) -> Vec<u8> {
    seal(&change(did, ledger.previous(did), number, action), keys)
}

pub(crate) fn updating(ledger: &Ledger, number: u8, keys: &[Key]) -> Vec<u8> {
    changing(ledger, &plain_did(), number, update(Document::default()), keys)
}

pub(crate) fn rotating(ledger: &Ledger, number: u8, next: &[Key], sets: Sets) -> Vec<u8> {
    changing(ledger, &plain_did(), number, rotate(reveal(next), sets, document()), next)
}

pub(crate) fn deactivating(ledger: &Ledger, number: u8, next: &[Key]) -> Vec<u8> {
    changing(ledger, &plain_did(), number, Action::DidDeactivate(reveal(next)), next)
}

/// Returns each action of the family with the kinds of guards that it takes.
pub(crate) fn actions() -> Vec<Guarded> {
    let next = || reveal(&[ed(30)]);
    vec![
        (create(plain_sets(), Document::default(), 7).action, &["absent"]),
        (update(Document::default()), &["parts"]),
        (rotate(next(), rotated_sets(), Document::default()), &["parts"]),
        (recover(rotated_sets(), Document::default()), &["parts"]),
        (Action::DidRecoverCancel, &["operation"]),
        (Action::DidRecoverComplete, &["operation"]),
        (Action::DidDeactivate(next()), &["parts"]),
    ]
}

pub(crate) fn add(all: &mut Catalogue) {
    add_chains(all);
    add_authors_and_guards(all);
    add_replays(all);
    add_updates(all);
    add_rotates(all);
    add_deactivated(all);
    add_quota(all);
}

fn add_chains(all: &mut Catalogue) {
    let code = Code::ChainMismatch;
    let elsewhere = Operation { chain: Hash([0xc5; 32]), ..plain_create() };
    let rule = "An operation is for one chain, whatever its network is called.";
    all.refused("chain_of_other_network", rule, code, &seal(&elsewhere, &[ed(10)]));
    let genesis = Operation { chain: Hash::ZERO, ..plain_create() };
    let rule = "Chain zero is for operations of the genesis.";
    all.refused("chain_zero_outside_genesis", rule, code, &seal(&genesis, &[ed(10)]));
    let ledger = Ledger::with_genesis_operations(vec![seal(&genesis, &[ed(10)])]);
    let did = did_of(&genesis);
    let envelope = changing(&ledger, &did, 2, update(Document::default()), &[ed(10)]);
    let rule = "A DID of the genesis is changed as any other.";
    all.applied_at("update_of_genesis_did", rule, &At::new(&ledger, 1_000, envelope));
}

fn add_authors_and_guards(all: &mut Catalogue) {
    let code = Code::AuthorMismatch;
    let author = Operation { author: Some(plain_did()), ..plain_create() };
    let rule = "A create names no author.";
    all.refused("author_on_create", rule, code, &seal(&author, &[ed(10)]));
    let ledger = registered();
    let previous = ledger.previous(&plain_did());
    let operation = change(&plain_did(), previous.clone(), 2, update(document()));
    let anonymous = Operation { author: None, ..operation.clone() };
    let rule = "All but a create name their DID as author.";
    all.refused("author_missing_on_update", rule, code, &seal(&anonymous, &[ed(10)]));
    let elsewhere = Did { network: "other".parse().expect("a name"), ..plain_did() };
    let foreign = Operation { author: Some(elsewhere), ..operation.clone() };
    let rule = "An author is of this network.";
    let code = Code::NetworkMismatch;
    all.refused("author_of_other_network", rule, code, &seal(&foreign, &[ed(10)]));
    let unknown =
        change(&did_of(&create(plain_sets(), document(), 9)), previous, 2, update(document()));
    let rule = "Only a registered DID changes.";
    let at = At::new(&ledger, 1_000, seal(&unknown, &[ed(10)]));
    all.refused_at("did_not_registered", rule, Code::DidNotFound, &at);
    let wrong = change(&plain_did(), Hash([7; 32]), 2, update(document()));
    let rule = "The guard of an update names control and document as they are.";
    let at = At::new(&ledger, 1_000, seal(&wrong, &[ed(10)]));
    all.refused_at("guard_parts_unknown", rule, Code::GuardStale, &at);
}

fn add_replays(all: &mut Catalogue) {
    let ledger = registered();
    let first = updating(&ledger, 2, &[ed(10)]);
    let second = updating(&ledger, 3, &[ed(10)]);
    let create_again = seal(&plain_create(), &[ed(10)]);
    let applied = Code::AlreadyApplied;
    let rule = "A create applies once.";
    let at = At::new(&ledger, 1_000, create_again.clone());
    all.refused_at("replay_of_create", rule, applied, &at);
    let empty = Ledger::new();
    let at = At::new(&empty, 1_000, create_again.clone()).following(create_again.clone());
    all.refused_at("replay_of_create_in_one_block", rule, applied, &at);
    let mut updated = ledger.clone();
    updated.after(1_000, std::slice::from_ref(&first));
    let rule = "A record exists for ever, so its create never applies again.";
    let at = At::new(&updated, 1_000, create_again);
    all.refused_at("replay_of_create_after_update", rule, Code::AlreadyExists, &at);
    let rule = "An update applies once.";
    let at = At::new(&updated, 1_000, first.clone());
    all.refused_at("replay_of_update", rule, applied, &at);
    let at = At::new(&ledger, 1_000, first.clone()).following(first.clone());
    all.refused_at("replay_of_update_in_one_block", rule, applied, &at);
    let rule = "Of two updates of one document, the first wins.";
    let at = At::new(&updated, 1_000, second.clone());
    all.refused_at("guard_parts_stale", rule, Code::GuardStale, &at);
    let at = At::new(&ledger, 1_000, second.clone()).following(first.clone());
    all.refused_at("guard_parts_stale_in_one_block", rule, Code::GuardStale, &at);
    let create = seal(&plain_create(), &[ed(10)]);
    let later = updating(&updated, 3, &[ed(10)]);
    let rule = "A DID changes again in the next block.";
    all.applied_at("update_in_the_next_block", rule, &At::new(&updated, 1, later.clone()));
    updated.after(1_000, &[later]);
    let rule = "An update of an older version never applies again.";
    let at = At::new(&updated, 1_000, first);
    all.refused_at("replay_of_update_after_another", rule, Code::GuardStale, &at);
    let other = seal(&crate::support::create(plain_sets(), document(), 2), &[ed(10)]);
    let rule = "The salt makes two creates of the same content two DIDs.";
    let at = At::new(&empty, 1_000, other).following(create);
    all.applied_at("create_of_same_content_with_other_salt", rule, &at);
}

fn add_updates(all: &mut Catalogue) {
    let ledger = registered();
    let rule = "Control changes the document.";
    let envelope = updating(&ledger, 2, &[ed(10)]);
    all.applied_at("update_by_control", rule, &At::new(&ledger, 1_000, envelope));
    let code = Code::SignerNotMember;
    for (name, key) in [("next", ed(11)), ("recovery", ed(12)), ("stranger", ed(99))] {
        let at = At::new(&ledger, 1_000, updating(&ledger, 2, &[key]));
        all.refused_at(&format!("update_by_{name}_key"), rule, code, &at);
    }
    let without = Sets { recovery: None, ..plain_sets() };
    let envelope = seal(&create(without, document(), 1), &[ed(10)]);
    all.applied("create_without_recovery_set", "A recovery set is optional.", envelope);
    let envelope = seal(&create(plain_sets(), Document::default(), 1), &[ed(10)]);
    all.applied("create_with_empty_document", "A document may be empty.", envelope);
    let empty = Ledger::new();
    let at = At::new(&empty, 1_000, seal(&plain_create(), &[ed(11)]));
    let rule = "A create is signed by its own control set.";
    all.refused_at("create_by_next_key", rule, code, &at);
}

fn add_rotates(all: &mut Catalogue) {
    let ledger = registered();
    let rule = "The members committed to set everything anew.";
    let envelope = rotating(&ledger, 2, &[ed(11)], rotated_sets());
    all.applied_at("rotate_by_next", rule, &At::new(&ledger, 1_000, envelope.clone()));
    let mut rotated = ledger.clone();
    rotated.after(1_000, &[envelope]);
    let rule = "After a rotate only the new control changes the document.";
    let by_new = updating(&rotated, 3, &[ed(20)]);
    all.applied_at("update_by_rotated_in_key", rule, &At::new(&rotated, 1_000, by_new));
    let at = At::new(&rotated, 1_000, updating(&rotated, 3, &[ed(10)]));
    all.refused_at("update_by_rotated_out_key", rule, Code::SignerNotMember, &at);
    let code = Code::NextNotCommitted;
    let rule = "Only members whose hash was committed to are revealed.";
    let at = At::new(&rotated, 1_000, rotating(&rotated, 3, &[ed(11)], plain_sets()));
    all.refused_at("rotate_by_used_next_key", rule, code, &at);
    let at = At::new(&ledger, 1_000, rotating(&ledger, 2, &[ed(10)], rotated_sets()));
    all.refused_at("rotate_by_control_key", rule, code, &at);
    let at = At::new(&ledger, 1_000, rotating(&ledger, 2, &[ed(12)], rotated_sets()));
    all.refused_at("rotate_by_recovery_key", rule, code, &at);
    let at = At::new(&ledger, 1_000, rotating(&ledger, 2, &[ed(11), ed(99)], rotated_sets()));
    all.refused_at("rotate_reveals_one_too_many", rule, code, &at);
    let mut signed_by = |name: &str, rule: &str, code, revealed: &[Key], keys: &[Key]| {
        let action = rotate(reveal(revealed), rotated_sets(), document());
        let envelope = changing(&ledger, &plain_did(), 2, action, keys);
        all.refused_at(name, rule, code, &At::new(&ledger, 1_000, envelope));
    };
    let rule = "Who is revealed signs, who signs is revealed.";
    let member = Code::SignerNotMember;
    signed_by("rotate_signed_by_hidden_key", rule, member, &[], &[ed(11)]);
    signed_by("rotate_signed_by_control_key", rule, member, &[ed(11)], &[ed(10)]);
    add_rotate_thresholds(all);
    add_reveals(all);
}

fn add_rotate_thresholds(all: &mut Catalogue) {
    let next = [ed(11), ed(13), ed(15)];
    let sets = Sets { next: next_set_of(2, &next), ..plain_sets() };
    let operation = create(sets, document(), 1);
    let did = did_of(&operation);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[seal(&operation, &[ed(10)])]);
    let envelope = |revealed: &[Key], keys: &[Key]| {
        let action = rotate(reveal(revealed), rotated_sets(), document());
        changing(&ledger, &did, 2, action, keys)
    };
    let rule = "As many revealed members sign as the next threshold says.";
    let at = At::new(&ledger, 1_000, envelope(&next[..2], &next[..2]));
    all.applied_at("rotate_by_two_of_three", rule, &at);
    let at = At::new(&ledger, 1_000, envelope(&next, &next[1..]));
    all.applied_at("rotate_reveals_three_signed_by_two", rule, &at);
    let code = Code::ThresholdNotMet;
    let at = At::new(&ledger, 1_000, envelope(&next[..1], &next[..1]));
    all.refused_at("rotate_by_one_of_two_needed", rule, code, &at);
    let at = At::new(&ledger, 1_000, envelope(&next, &next[..1]));
    all.refused_at("rotate_reveals_three_signed_by_one", rule, code, &at);
    let action = Action::DidDeactivate(reveal(&next[..1]));
    let at = At::new(&ledger, 1_000, changing(&ledger, &did, 2, action, &next[..1]));
    all.refused_at("deactivate_by_one_of_two_needed", rule, code, &at);
    let action = Action::DidDeactivate(reveal(&next[1..]));
    let at = At::new(&ledger, 1_000, changing(&ledger, &did, 2, action, &next[1..]));
    all.applied_at("deactivate_by_two_of_three", rule, &at);
}

fn add_reveals(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, code, revealed: Vec<Member>| {
        let action = rotate(Reveal { revealed }, rotated_sets(), document());
        let operation = change(&plain_did(), Hash([7; 32]), 2, action);
        let envelope = seal_body(operation.body(), Role::Next, &[ed(11)]);
        all.refused(name, rule, code, &envelope);
    };
    let code = Code::ControlInvalid;
    let rule = "Revealed members ascend strictly.";
    let mut members = vec![key_member(&ed(11)), key_member(&ed(13))];
    members.sort_by(|first, second| second.cmp(first));
    refused("reveal_unsorted", rule, code, members);
    refused("reveal_member_twice", rule, code, vec![key_member(&ed(11)); 2]);
    let rule = "A next set reveals keys only, no DIDs.";
    let code = Code::RevealNotKey;
    refused("reveal_did", rule, code, vec![did_member(&plain_did())]);
    let both = vec![key_member(&ed(11)), did_member(&plain_did())];
    refused("reveal_did_beside_key", rule, code, both);
    let zero = PublicKey::new(Suite::Ed25519, &[0; 32]).expect("32 bytes");
    let rule = "Revealed keys are usable.";
    refused("reveal_key_small_order", rule, Code::KeyUnusable, vec![Member::Key(zero)]);
    let rule = "A next set reveals keys only, no DIDs.";
    let action = Action::DidDeactivate(Reveal { revealed: vec![did_member(&plain_did())] });
    let operation = change(&plain_did(), Hash([7; 32]), 2, action);
    let envelope = seal_body(operation.body(), Role::Next, &[ed(11)]);
    all.refused("deactivate_reveals_did", rule, Code::RevealNotKey, &envelope);
}

fn add_deactivated(all: &mut Catalogue) {
    let mut ledger = registered();
    let envelope = deactivating(&ledger, 2, &[ed(11)]);
    let rule = "The members committed to end the DID.";
    all.applied_at("deactivate_by_next", rule, &At::new(&ledger, 1_000, envelope.clone()));
    let at = At::new(&ledger, 1_000, deactivating(&ledger, 2, &[ed(10)]));
    all.refused_at("deactivate_by_control_key", rule, Code::NextNotCommitted, &at);
    let at = At::new(&ledger, 1_000, deactivating(&ledger, 2, &[ed(12)]));
    all.refused_at("deactivate_by_recovery_key", rule, Code::NextNotCommitted, &at);
    ledger.after(1_000, std::slice::from_ref(&envelope));
    let rule = "A deactivated DID stays so.";
    let did = plain_did();
    let actions = [
        ("update", update(document()), vec![ed(10)]),
        ("rotate", rotate(reveal(&[ed(11)]), rotated_sets(), document()), vec![ed(11)]),
        ("recover", crate::support::recover(rotated_sets(), document()), vec![ed(12)]),
        ("recover_cancel", Action::DidRecoverCancel, vec![ed(12)]),
        ("recover_complete", Action::DidRecoverComplete, vec![]),
        ("deactivate", Action::DidDeactivate(reveal(&[ed(11)])), vec![ed(11)]),
    ];
    for (name, action, keys) in actions {
        let at = At::new(&ledger, 1_000, changing(&ledger, &did, 3, action, &keys));
        all.refused_at(&format!("deactivated_did_{name}"), rule, Code::DidDeactivated, &at);
    }
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at("replay_of_deactivate", rule, Code::AlreadyApplied, &at);
    let member = key_set(1, vec![did_member(&did), key_member(&ed(30))]);
    let envelope =
        seal(&create(Sets { control: member, ..rotated_sets() }, document(), 5), &[ed(30)]);
    let rule = "A member DID is not deactivated.";
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at("member_did_deactivated", rule, Code::MemberNotFound, &at);
}

/// Adds blocks in which the plain DID rotates `count` times between the same two sets of keys.
pub(crate) fn rotated_times(ledger: &mut Ledger, count: u8) {
    for turn in 0..count {
        let envelope = rotate_turn(ledger, turn);
        ledger.after(1_000, &[envelope]);
    }
}

fn rotate_turn(ledger: &Ledger, turn: u8) -> Vec<u8> {
    let (next, sets) =
        if turn.is_multiple_of(2) { (ed(11), rotated_sets()) } else { (ed(21), plain_sets()) };
    rotating(ledger, 100 + turn, &[next], sets)
}

fn add_quota(all: &mut Catalogue) {
    let mut ledger = registered();
    rotated_times(&mut ledger, 7);
    let rule = "A DID rotates or is deactivated at most eight times in a UTC day.";
    let at = At::new(&ledger, 1_000, rotate_turn(&ledger, 7));
    all.applied_at("quota_eighth_rotate_of_a_day", rule, &at);
    let eighth = rotate_turn(&ledger, 7);
    ledger.after(1_000, &[eighth]);
    let ninth = rotate_turn(&ledger, 8);
    let code = Code::QuotaExceeded;
    let at = At::new(&ledger, 1_000, ninth.clone());
    all.refused_at("quota_ninth_rotate_of_a_day", rule, code, &at);
    let at = At::new(&ledger, 1_000, deactivating(&ledger, 2, &[ed(11)]));
    all.refused_at("quota_deactivate_after_eight_rotates", rule, code, &at);
    let to_midnight = GENESIS_MS + DAY_MS - ledger.head.time;
    let at = At::new(&ledger, to_midnight - 1, ninth.clone());
    all.refused_at("quota_ninth_rotate_in_last_ms_of_the_day", rule, code, &at);
    let at = At::new(&ledger, to_midnight, ninth);
    all.applied_at("quota_first_rotate_of_the_next_day", rule, &at);
    let at = At::new(&ledger, 1_000, updating(&ledger, 2, &[ed(10)]));
    let rule = "Updates have no quota.";
    all.applied_at("quota_does_not_count_updates", rule, &at);
    let recover = crate::support::recover(rotated_sets(), document());
    let envelope = changing(&ledger, &plain_did(), 2, recover, &[ed(12)]);
    let rule = "Rotates and recoveries are counted apart.";
    let at = At::new(&ledger, 1_000, envelope);
    all.applied_at("quota_of_rotates_does_not_count_recoveries", rule, &at);
    let other = create(single(&ed(60), &ed(61), &ed(62)), document(), 60);
    ledger.after(1_000, &[seal(&other, &[ed(60)])]);
    let action = rotate(reveal(&[ed(61)]), rotated_sets(), document());
    let envelope = changing(&ledger, &did_of(&other), 61, action, &[ed(61)]);
    let rule = "Each DID has its own quota.";
    all.applied_at("quota_of_another_did", rule, &At::new(&ledger, 1_000, envelope));
}
