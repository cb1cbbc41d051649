//! Vectors of an author's signatures, by methods of its document or by its control set.

use registry_core::code::Code;
use registry_core::did::{Document, Sets};
use registry_core::id::Did;
use registry_core::operation::{Operation, Role, SignedOperation, operation_id};
use registry_core::status::StatusPurpose;
use serde_json::{Value, json};

use crate::case_operations::{deactivating, plain_did, plain_sets, registered, rotated_sets};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::status::{
    method_signature, plain_list, seal_by_method, seal_by_methods, status_create,
};
use crate::support::{
    Key, change, create, did_member, did_of, ed, for_members, key_set, key_set_of, p256, recover,
    seal, seal_body, seal_for_members, signature, update,
};

/// Returns an operation that any DID may author.
fn authored(author: &Did) -> Operation {
    status_create(author, 9, plain_list(StatusPurpose::Revocation, 1, 8))
}

fn method(id: &str, key: Key) -> Value {
    json!({"id": id, "publicKeyMultibase": key.public().to_string()})
}

/// Returns a document whose methods may all sign operations.
fn document(methods: &[Value]) -> Document {
    let ids: Vec<&Value> = methods.iter().map(|method| &method["id"]).collect();
    let json = json!({"verificationMethod": methods, "capabilityInvocation": ids});
    serde_json::from_value(json).expect("the shape of a document")
}

/// Returns a ledger that holds a DID with this document and these sets, and the DID.
fn holding(sets: Sets, document: Document) -> (Ledger, Did) {
    let operation = create(sets, document, 5);
    let mut ledger = registered();
    ledger.after(1_000, &[seal(&operation, &[ed(10)])]);
    (ledger, did_of(&operation))
}

pub(crate) fn add(all: &mut Catalogue) {
    add_forms(all);
    add_lives(all);
    add_methods(all);
    add_times(all);
    add_controls(all);
}

fn add_forms(all: &mut Catalogue) {
    let did = plain_did();
    let operation = authored(&did);
    let code = Code::SignatureRole;
    let id = operation_id(&operation.body());
    let by_method = method_signature(&ed(10), &did, "key-1", &id);
    let envelope = |signatures| SignedOperation::new(operation.body(), signatures).bytes();
    let rule = "An author signs by methods or by control, never by both.";
    let both = vec![by_method.clone(), signature(&ed(10), Role::Control, &id)];
    all.refused("author_by_method_and_control", rule, code, &envelope(both));
    let rule = "In role author sign methods, in role control keys.";
    let bare = seal_body(operation.body(), Role::Author, &[ed(10)]);
    all.refused("author_by_bare_key", rule, code, &bare);
    let mut control = by_method.clone();
    control.role = Role::Control;
    all.refused("author_control_by_method", rule, code, &envelope(vec![control]));
    let rule = "An author signs by methods of its own document.";
    let other = did_of(&create(plain_sets(), Document::default(), 9));
    let by_other = vec![method_signature(&ed(10), &other, "key-1", &id)];
    all.refused("author_by_method_of_other_did", rule, code, &envelope(by_other));
    let rule = "An author signs.";
    all.refused("author_without_signature", rule, Code::SignatureCount, &envelope(vec![]));
    let rule = "The signature verifies under the key that it names.";
    let mut wrong = by_method.clone();
    wrong.value = method_signature(&ed(11), &did, "key-1", &id).value;
    all.refused("author_signed_by_other_key", rule, Code::SignatureInvalid, &envelope(vec![wrong]));
    let rule = "A signer signs once.";
    let twice = vec![by_method.clone(), by_method];
    all.refused("author_by_method_twice", rule, Code::SignatureOrder, &envelope(twice));
    let anonymous = Operation { author: None, ..operation.clone() };
    let anonymous = seal_body(anonymous.body(), Role::Control, &[ed(10)]);
    let rule = "All but a create of a DID name their author.";
    all.refused("author_missing_on_status_create", rule, Code::AuthorMismatch, &anonymous);
    let foreign = Did { network: "other".parse().expect("a name"), ..did };
    let rule = "An author is of this network.";
    let foreign = seal_by_method(&authored(&foreign), ed(10));
    all.refused("author_of_list_of_other_network", rule, Code::NetworkMismatch, &foreign);
}

fn add_lives(all: &mut Catalogue) {
    let ledger = registered();
    let envelope = seal_by_method(&authored(&plain_did()), ed(10));
    let rule = "A method under capabilityInvocation signs for its DID.";
    all.applied_at("author_by_method", rule, &At::new(&ledger, 1_000, envelope.clone()));
    let empty = Ledger::new();
    let rule = "An author is registered.";
    let at = At::new(&empty, 1_000, envelope.clone());
    all.refused_at("author_not_registered", rule, Code::DidNotFound, &at);
    let mut ended = ledger.clone();
    ended.after(1_000, &[deactivating(&ledger, 2, &[ed(11)])]);
    let rule = "A deactivated DID does not act.";
    let at = At::new(&ended, 1_000, envelope.clone());
    all.refused_at("author_deactivated", rule, Code::DidDeactivated, &at);
    let recovery = recover(rotated_sets(), Document::default());
    let recovery = change(&plain_did(), ledger.previous(&plain_did()), 2, recovery);
    let mut recovering = ledger.clone();
    recovering.after(1_000, &[seal(&recovery, &[ed(12)])]);
    let rule = "A pending recovery does not hinder an author.";
    let at = At::new(&recovering, 1_000, envelope);
    all.applied_at("author_with_pending_recovery", rule, &at);
}

fn add_methods(all: &mut Catalogue) {
    let ledger = registered();
    let did = plain_did();
    let refused = |all: &mut Catalogue, name: &str, rule: &str, code, fragment: &str, key: Key| {
        let envelope = seal_by_methods(&authored(&did), &[(fragment, key)]);
        all.refused_at(name, rule, code, &At::new(&ledger, 1_000, envelope));
    };
    let code = Code::MethodNotFound;
    let rule = "The author's document has the method.";
    refused(all, "author_by_unknown_method", rule, code, "key-2", ed(10));
    let rule = "The method holds the key that signed.";
    refused(all, "author_by_other_key_than_the_methods", rule, code, "key-1", ed(11));
    let replaced = document(&[method("key-1", ed(20)), method("key-2", p256(20))]);
    let replacing = change(&did, ledger.previous(&did), 2, update(replaced));
    let replacing = seal(&replacing, &[ed(10)]);
    let rule = "A method holds its present key, not an earlier one.";
    let by_old = seal_by_method(&authored(&did), ed(10));
    let at = At::new(&ledger, 1_000, by_old).following(replacing.clone());
    all.refused_at("author_by_replaced_key", rule, code, &at);
    let rule = "The document counts as it is after the operations before.";
    let by_new = seal_by_method(&authored(&did), ed(20));
    let at = At::new(&ledger, 1_000, by_new).following(replacing.clone());
    all.applied_at("author_by_key_new_in_the_block", rule, &at);
    let mut later = ledger.clone();
    later.after(1_000, &[replacing]);
    let rule = "More methods may sign than needed.";
    let both = seal_by_methods(&authored(&did), &[("key-1", ed(20)), ("key-2", p256(20))]);
    all.applied_at("author_by_two_methods", rule, &At::new(&later, 1_000, both));
    let rule = "Each method that signs is usable, also those that are not needed.";
    let one_bad = seal_by_methods(&authored(&did), &[("key-1", ed(20)), ("key-2", p256(21))]);
    all.refused_at("author_by_one_bad_method", rule, code, &At::new(&later, 1_000, one_bad));
    let json = json!({
        "verificationMethod": [method("key-1", ed(10))],
        "assertionMethod": ["key-1"],
        "authentication": ["key-1"],
        "capabilityDelegation": ["key-1"],
    });
    let elsewhere = serde_json::from_value(json).expect("a document");
    let (ledger, did) = holding(plain_sets(), elsewhere);
    let envelope = seal_by_method(&authored(&did), ed(10));
    let rule = "Only methods under capabilityInvocation sign operations.";
    let at = At::new(&ledger, 1_000, envelope);
    all.refused_at("author_by_method_for_assertions", rule, Code::MethodNotAuthorised, &at);
}

fn add_times(all: &mut Catalogue) {
    const AT_MS: u64 = GENESIS_MS + 60_000;
    let mut cases = |name: &str, good: bool, times: Value| {
        let mut limited = method("key-1", ed(10));
        let times = times.as_object().cloned().expect("times");
        limited.as_object_mut().expect("a method").extend(times);
        let (ledger, did) = holding(plain_sets(), document(&[limited]));
        let envelope = seal_by_method(&authored(&did), ed(10));
        let at = At::new(&ledger, AT_MS - ledger.head.time, envelope);
        let rule = "A method is valid at block time: from validFrom until expires or revoked.";
        if good {
            all.applied_at(name, rule, &at);
        } else {
            all.refused_at(name, rule, Code::MethodNotValid, &at);
        }
    };
    let (before, now) = ("2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z");
    let after = "2026-01-01T00:01:01Z";
    cases("author_by_method_from_this_second", true, json!({"validFrom": now}));
    cases("author_by_method_of_the_next_second", false, json!({"validFrom": after}));
    cases("author_by_method_in_its_last_second", true, json!({"expires": after}));
    cases("author_by_method_that_expires_now", false, json!({"expires": now}));
    cases("author_by_method_that_expired", false, json!({"expires": before}));
    cases("author_by_revoked_method", false, json!({"revoked": now, "expires": after}));
    cases("author_by_method_revoked_later", true, json!({"revoked": after}));
}

fn add_controls(all: &mut Catalogue) {
    let ledger = registered();
    let by_control = |did: &Did, keys: &[Key]| seal_body(authored(did).body(), Role::Control, keys);
    let did = plain_did();
    let rule = "The control set signs for its DID.";
    let at = At::new(&ledger, 1_000, by_control(&did, &[ed(10)]));
    all.applied_at("author_by_control", rule, &at);
    let rule = "Only keys of the control set sign in its role.";
    let at = At::new(&ledger, 1_000, by_control(&did, &[ed(11)]));
    all.refused_at("author_by_next_key", rule, Code::SignerNotMember, &at);
    let keys = [ed(10), ed(13), ed(15)];
    let sets = Sets { control: key_set_of(2, &keys), ..plain_sets() };
    let operation = create(sets, document(&[method("key-1", ed(10))]), 5);
    let mut two_of_three = registered();
    two_of_three.after(1_000, &[seal(&operation, &keys[..2])]);
    let did = did_of(&operation);
    let rule = "As many keys sign as the control threshold says.";
    let at = At::new(&two_of_three, 1_000, by_control(&did, &keys[1..]));
    all.applied_at("author_by_two_of_three_of_control", rule, &at);
    let at = At::new(&two_of_three, 1_000, by_control(&did, &keys[..1]));
    all.refused_at("author_by_one_of_two_needed", rule, Code::ThresholdNotMet, &at);
    let rule = "One method of an author signs, whatever the threshold of its control keys.";
    let at = At::new(&two_of_three, 1_000, seal_by_method(&authored(&did), ed(10)));
    all.applied_at("author_by_method_with_control_threshold_2", rule, &at);
    let sets = Sets { control: key_set(1, vec![did_member(&plain_did())]), ..plain_sets() };
    let operation = create(sets, document(&[method("key-1", ed(10))]), 5);
    let of = [(&plain_did(), ed(10))];
    let (mut held, did) = (registered(), did_of(&operation));
    held.after(1_000, &[seal_for_members(&operation, &of)]);
    let rule = "An author that DIDs control acts by their control keys, which name them.";
    let by = by_control(&did, &[ed(10)]);
    let at = At::new(&held, 1_000, for_members(&by, &of));
    all.applied_at("author_controlled_by_did", rule, &at);
    let at = At::new(&held, 1_000, by);
    all.refused_at("author_controlled_by_did_not_named", rule, Code::SignerNotMember, &at);
    let rule = "An author that DIDs control does not act by its methods.";
    let at = At::new(&held, 1_000, seal_by_method(&authored(&did), ed(10)));
    all.refused_at("author_controlled_by_did_by_method", rule, Code::ControlRequired, &at);
}
