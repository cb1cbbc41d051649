//! Vectors of the agent's signatures, by which it consents, beside those of the author.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::{Document, Sets};
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation, Role, Signature};

use super::{PARTIES, Parties, registered, with_agent};
use crate::catalogue::{At, Catalogue};
use crate::support::agent::{
    agent_operation, as_author, as_consent, delegate, revoke, seal_for, seal_with, terms,
};
use crate::support::ledger::Ledger;
use crate::support::status::{authored, method_signature_as, plain_list, status_create};
use crate::support::trust::{Party, depth, grant, right, signing};
use crate::support::{
    Key, create, did_member, did_of, ed, for_members, key_set, key_set_of, seal, seal_for_members,
    signature, single,
};

pub(super) fn add(all: &mut Catalogue) {
    add_forms(all);
    add_kinds(all);
    add_unneeded(all);
    add_forged(all);
    add_methods(all);
    add_lives(all);
    add_controls(all);
}

/// Returns the principal's delegation to an agent that has no delegation.
fn delegation(agent: &Party) -> Operation {
    authored(&PARTIES.principal.did, Guard::Absent, 7, delegate(terms(agent)))
}

fn by_key(key: Key, id: &Hash) -> Signature {
    signature(&key, Role::Consent, id)
}

fn add_forms(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let operation = delegation(agent);
    let mut refused = |name: &str, rule: &str, code, sign: &dyn Fn(&Hash) -> Vec<Signature>| {
        all.refused(&format!("consent_{name}"), rule, code, &seal_with(&operation, sign));
    };
    let rule = "The agent consents.";
    refused("missing", rule, Code::ConsentMissing, &|id| vec![as_author(principal, id)]);
    let by_control = |id: &Hash| vec![signature(&principal.key, Role::Control, id)];
    refused("missing_beside_control", rule, Code::ConsentMissing, &by_control);
    let rule = "The author signs beside the agent.";
    refused("alone", rule, Code::SignatureCount, &|id| vec![as_consent(agent, id)]);
    let rule = "At most 16 signatures, those of consent included.";
    refused("of_16_and_an_author", rule, Code::SignatureCount, &|id| {
        let consents = (0..16).map(|place| by_key(ed(60 + place), id));
        consents.chain([as_author(principal, id)]).collect()
    });
    let rule = "A signer consents once.";
    let twice =
        |id: &Hash| vec![as_author(principal, id), as_consent(agent, id), as_consent(agent, id)];
    refused("twice", rule, Code::SignatureOrder, &twice);
    let rule = "Consent stands behind the signatures of the author.";
    let body = operation.body();
    let id = registry_core::operation::operation_id(&body);
    let signatures = vec![as_consent(agent, &id), as_author(principal, &id)];
    let body = registry_core::codec::Bytes(body);
    let turned = registry_core::operation::SignedOperation { body, signatures }.bytes();
    all.refused("consent_before_author", rule, Code::SignatureOrder, &turned);
}

fn add_kinds(all: &mut Catalogue) {
    let Parties { principal, agent, stranger, .. } = &*PARTIES;
    let operation = delegation(agent);
    let mut refused = |name: &str, rule: &str, sign: &dyn Fn(&Hash) -> Vec<Signature>| {
        let envelope = seal_with(&operation, sign);
        all.refused(&format!("consent_{name}"), rule, Code::SignatureRole, &envelope);
    };
    let rule = "An agent consents by methods or by keys, never by both.";
    refused("by_method_and_key", rule, &|id| {
        vec![as_author(principal, id), as_consent(agent, id), by_key(agent.key, id)]
    });
    let rule = "An agent consents by methods of its own document.";
    refused("by_method_of_stranger", rule, &|id| {
        vec![as_author(principal, id), as_consent(stranger, id)]
    });
    refused("by_method_of_author", rule, &|id| {
        vec![as_author(principal, id), as_consent(principal, id)]
    });
    refused("by_methods_of_agent_and_stranger", rule, &|id| {
        vec![as_author(principal, id), as_consent(agent, id), as_consent(stranger, id)]
    });
    let rule = "The agent signs in role consent, not as author.";
    refused("in_role_author", rule, &|id| vec![as_author(principal, id), as_author(agent, id)]);
    let rule = "An author signs by methods or by control, never by both, whatever the consent.";
    refused("beside_method_and_control", rule, &|id| {
        let control = signature(&principal.key, Role::Control, id);
        vec![control, as_author(principal, id), as_consent(agent, id)]
    });
    let rule = "An endorser's signature is no consent.";
    let named = Operation { endorser: Some(agent.did.clone()), ..operation.clone() };
    let endorsed = seal_with(&named, |id| {
        let other = method_signature_as(Role::Endorser, &agent.key, &agent.did, "key-1", id);
        vec![as_author(principal, id), other]
    });
    all.refused("consent_in_role_endorser", rule, Code::ConsentMissing, &endorsed);
}

fn add_unneeded(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let key = right(&principal.did, "orders/1", &agent.id());
    let list = plain_list(registry_core::status::StatusPurpose::Revocation, 1, 8);
    let of_principal = |guard, action: Action| authored(&principal.did, guard, 7, action);
    let rule = "Where nobody else is bound, nobody consents.";
    for (name, operation) in [
        ("agent_revoke", of_principal(Guard::Nothing, revoke(agent))),
        ("trust_grant", of_principal(Guard::Absent, grant(&key, None, depth(1)))),
        ("status_create", status_create(&principal.did, 7, list)),
    ] {
        let by_method =
            seal_with(&operation, |id| vec![as_author(principal, id), as_consent(agent, id)]);
        all.refused(&format!("consent_on_{name}"), rule, Code::SignatureRole, &by_method);
        let by_key =
            seal_with(&operation, |id| vec![as_author(principal, id), by_key(agent.key, id)]);
        all.refused(&format!("consent_by_key_on_{name}"), rule, Code::SignatureRole, &by_key);
    }
    let rule = "A DID consents to nothing of its own.";
    let created = create(single(&ed(30), &ed(31), &ed(32)), Document::default(), 1);
    let envelope =
        seal_with(&created, |id| vec![signature(&ed(30), Role::Control, id), by_key(ed(30), id)]);
    all.refused("consent_on_did_create", rule, Code::SignatureRole, &envelope);
}

fn add_forged(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let operation = delegation(agent);
    let mut refused = |name: &str, rule: &str, forge: &dyn Fn(&Hash) -> Signature| {
        let envelope = seal_with(&operation, |id| vec![as_author(principal, id), forge(id)]);
        all.refused(&format!("consent_{name}"), rule, Code::SignatureInvalid, &envelope);
    };
    let rule = "A consent is a signature by the key that it names.";
    refused("forged", rule, &|id| {
        let value = as_consent(principal, id).value;
        Signature { value, ..as_consent(agent, id) }
    });
    let rule = "What is signed as author is no consent.";
    refused("of_role_author", rule, &|id| Signature {
        value: as_author(agent, id).value,
        ..as_consent(agent, id)
    });
    let rule = "A consent is over this very delegation.";
    let other = Operation { salt: crate::support::salt(8), ..operation.clone() };
    let other = registry_core::operation::operation_id(&other.body());
    refused("to_another", rule, &|id| Signature {
        value: as_consent(agent, &other).value,
        ..as_consent(agent, id)
    });
}

fn add_methods(all: &mut Catalogue) {
    let Parties { principal, agent, stranger, .. } = &*PARTIES;
    let ledger = registered();
    let operation = delegation(agent);
    let mut refused = |name: &str, rule: &str, consent: &dyn Fn(&Hash) -> Signature| {
        let envelope = seal_with(&operation, |id| vec![as_author(principal, id), consent(id)]);
        let at = At::new(&ledger, 1_000, envelope);
        all.refused_at(&format!("consent_{name}"), rule, Code::MethodNotFound, &at);
    };
    let rule = "The agent's document has the method with this key.";
    refused("by_key_of_stranger_as_method", rule, &|id| {
        method_signature_as(Role::Consent, &stranger.key, &agent.did, "key-1", id)
    });
    refused("by_unknown_method", rule, &|id| {
        method_signature_as(Role::Consent, &agent.key, &agent.did, "key-2", id)
    });
    let json = serde_json::json!({
        "verificationMethod": [{"id": "key-1", "publicKeyMultibase": ed(60).public().to_string()}],
        "authentication": ["key-1"],
        "capabilityDelegation": ["key-1"],
    });
    let document = serde_json::from_value(json).expect("a document");
    let (ledger, meek) = holding(single(&ed(60), &ed(61), &ed(62)), document, &[ed(60)]);
    let rule = "The agent consents by a method that signs operations.";
    let at = At::new(&ledger, 1_000, seal_for(&delegation(&meek), principal, &meek));
    all.refused_at("consent_by_method_for_login", rule, Code::MethodNotAuthorised, &at);
    let rule = "The signatures of the author are checked before the consent.";
    let both = seal_with(&operation, |id| {
        let [author, consent] = [principal, agent].map(|party| &party.did);
        let as_method = |role, did| method_signature_as(role, &stranger.key, did, "key-1", id);
        vec![as_method(Role::Author, author), as_method(Role::Consent, consent)]
    });
    let at = At::new(&ledger, 1_000, both);
    all.refused_at("consent_after_author", rule, Code::MethodNotFound, &at);
}

fn add_lives(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let ledger = registered();
    let unknown = Party::new(90);
    let rule = "An agent is registered.";
    let at = At::new(&ledger, 1_000, seal_for(&delegation(&unknown), principal, &unknown));
    all.refused_at("consent_of_unregistered", rule, Code::DidNotFound, &at);
    let mut ended = ledger;
    let ends = agent.deactivating(&ended);
    ended.after(1_000, &[ends]);
    let rule = "A deactivated agent does not consent.";
    let at = At::new(&ended, 1_000, seal_for(&delegation(agent), principal, agent));
    all.refused_at("consent_of_deactivated", rule, Code::DidDeactivated, &at);
    let mut bound = with_agent();
    let ends = agent.deactivating(&bound);
    bound.after(1_000, &[ends]);
    let rule = "A principal revokes what it delegated to a deactivated agent.";
    let operation = agent_operation(&bound, &principal.did, revoke(agent));
    let at = At::new(&bound, 1_000, seal_for(&operation, principal, agent));
    all.applied_at("agent_revoke_of_deactivated", rule, &at);
}

/// Returns a ledger in which an agent with these sets and this document is registered.
fn holding(sets: Sets, document: Document, keys: &[Key]) -> (Ledger, Party) {
    let operation = create(sets, document, 5);
    let mut ledger = registered();
    let create = seal(&operation, keys);
    ledger.after(1_000, std::slice::from_ref(&create));
    let did: Did = did_of(&operation);
    (ledger, Party { did, key: keys[0], create })
}

fn add_controls(all: &mut Catalogue) {
    let Parties { principal, agent, stranger, .. } = &*PARTIES;
    let keys = [ed(60), ed(63), ed(66)];
    let sets = Sets { control: key_set_of(2, &keys), ..single(&ed(60), &ed(61), &ed(62)) };
    let (ledger, council) = holding(sets, signing(keys[0]), &keys[..2]);
    let consented = |ledger: &Ledger, agent: &Party, by: &[Key]| {
        let operation = agent_operation(ledger, &principal.did, delegate(terms(agent)));
        seal_with(&operation, |id| {
            let consents = by.iter().map(|key| by_key(*key, id));
            consents.chain([as_author(principal, id)]).collect()
        })
    };
    let one = registered();
    let rule = "The control set of an agent consents.";
    let at = At::new(&one, 1_000, consented(&one, agent, &[agent.key]));
    all.applied_at("consent_by_control", rule, &at);
    let rule = "As many keys consent as the agent's control threshold says.";
    let by = |keys: &[Key]| At::new(&ledger, 1_000, consented(&ledger, &council, keys));
    all.applied_at("consent_by_two_of_three", rule, &by(&keys[1..]));
    all.refused_at("consent_by_one_of_two", rule, Code::ThresholdNotMet, &by(&keys[..1]));
    let rule = "Only keys of the agent's control set consent.";
    let code = Code::SignerNotMember;
    all.refused_at("consent_by_two_and_a_stranger", rule, code, &by(&[keys[0], keys[1], ed(42)]));
    let at = At::new(&one, 1_000, consented(&one, agent, &[stranger.key]));
    all.refused_at("consent_by_key_of_stranger", rule, code, &at);
    let at = At::new(&one, 1_000, consented(&one, agent, &[principal.key]));
    all.refused_at("consent_by_key_of_author", rule, code, &at);
    let rule = "The author's control set signs beside a consent.";
    let operation = delegation(agent);
    let both = seal_with(&operation, |id| {
        vec![signature(&principal.key, Role::Control, id), as_consent(agent, id)]
    });
    all.applied_at("consent_beside_control", rule, &At::new(&one, 1_000, both));
    let sets = Sets {
        control: key_set(1, vec![did_member(&agent.did)]),
        ..single(&ed(60), &ed(61), &ed(62))
    };
    let of = [(&agent.did, agent.key)];
    let operation = create(sets, signing(ed(60)), 5);
    let (mut ledger, create) = (registered(), seal_for_members(&operation, &of));
    ledger.after(1_000, std::slice::from_ref(&create));
    let ward = Party { did: did_of(&operation), key: agent.key, create };
    let rule = "An agent that DIDs control consents by their control keys, which name them.";
    let by = for_members(&consented(&ledger, &ward, &[agent.key]), &of);
    let at = At::new(&ledger, 1_000, by);
    all.applied_at("consent_by_controlling_did", rule, &at);
    let by_method = seal_for(&delegation(&ward), principal, &Party { key: ed(60), ..ward });
    let at = At::new(&ledger, 1_000, by_method);
    all.refused_at("consent_by_method_of_controlled", rule, Code::ControlRequired, &at);
}
