//! Vectors of checks without state: networks, names, terms and sizes.

use registry_core::agent::AgentDelegate;
use registry_core::code::Code;
use registry_core::limits::TRUST_OPERATION_BYTES_MAX;
use registry_core::operation::{Action, Guard, Operation, SignedOperation, operation_id};
use registry_core::record::{PartId, RecordKey};
use registry_state::state::StateView as _;

use super::{PARTIES, Parties, next, registered, with_agent};
use crate::catalogue::Catalogue;
use crate::format::EncodingType;
use crate::support::agent::{as_author, as_consent, deep, delegate, revoke, seal_for, terms};
use crate::support::cbor::Cbor;
use crate::support::ledger::GENESIS_MS;
use crate::support::status::authored;
use crate::support::trust::Party;

const YEAR_10000_MS: u64 = 253_402_300_800_000;

fn operation(guard: Guard, action: Action) -> Operation {
    authored(&PARTIES.principal.did, guard, 7, action)
}

/// Returns an envelope signed by the principal, with the agent's consent if the action needs it.
fn sealed(guard: Guard, action: Action) -> Vec<u8> {
    seal_for(&operation(guard, action), &PARTIES.principal, &PARTIES.agent)
}

pub(super) fn add(all: &mut Catalogue) {
    add_parties(all);
    add_members(all);
    add_terms(all);
    add_lists(all);
    add_order(all);
    add_sizes(all);
    add_values(all);
}

fn add_parties(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let rule = "An agent is a DID of this network.";
    let mut elsewhere = Party::clone(agent);
    elsewhere.did.network = "other".parse().expect("a name");
    for (name, guard, action) in [
        ("delegate", Guard::Absent, delegate(terms(&elsewhere))),
        ("revoke", Guard::Nothing, revoke(&elsewhere)),
    ] {
        let envelope = seal_for(&operation(guard, action), principal, &elsewhere);
        let name = format!("agent_{name}_elsewhere");
        all.refused(&name, rule, Code::NetworkMismatch, &envelope);
    }
    let rule = "Nobody delegates to itself.";
    let itself = operation(Guard::Absent, delegate(terms(principal)));
    let envelope = seal_for(&itself, principal, principal);
    all.refused("agent_cycle_to_itself", rule, Code::AgentCycle, &envelope);
}

/// Returns the envelope of an edited delegation with a valid signature.
fn edited(edit: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    let Parties { principal, agent, .. } = &*PARTIES;
    let mut body = Cbor::read(&operation(Guard::Absent, delegate(deep(agent, 1))).body());
    edit(body.at(&["action", "agent_delegate"]));
    let body = body.write();
    let id = operation_id(&body);
    let signatures = vec![as_author(principal, &id), as_consent(agent, &id)];
    SignedOperation::new(body, signatures).bytes()
}

fn add_members(all: &mut Catalogue) {
    let rule = "An unknown member is refused, at every level.";
    let envelope = edited(|content| content.set("extra", Cbor::Uint(0)));
    all.refused("agent_unknown_member", rule, Code::FieldUnknown, &envelope);
    let rule = "A delegation says when it ends.";
    let envelope = edited(|content| content.remove("valid_until"));
    all.refused("agent_without_end", rule, Code::OperationMalformed, &envelope);
    let rule = "What is absent is not written.";
    let envelope = edited(|content| content.set("valid_from", Cbor::Raw(vec![0xf6])));
    all.refused("agent_valid_from_null", rule, Code::OperationMalformed, &envelope);
    let rule = "A depth has the range of its member.";
    let envelope = edited(|content| content.set("max_depth", Cbor::Uint(256)));
    all.refused("agent_max_depth_256", rule, Code::OperationMalformed, &envelope);
    let rule = "Agents, actions and resources keep their form.";
    for (name, member, text) in [
        ("action_empty", "actions", ""),
        ("action_with_slash", "actions", "read/all"),
        ("resource_empty", "resources", ""),
        ("resource_star_after_letters", "resources", "orders*"),
        ("resource_of_7_segments", "resources", "1/2/3/4/5/6/7"),
        ("resource_with_two_dots", "resources", "orders/../contracts"),
        ("resource_with_escape", "resources", "orders%2Fcontracts"),
    ] {
        let list = Cbor::Array(vec![Cbor::text(text)]);
        let envelope = edited(|content| content.set(member, list));
        all.refused(&format!("agent_{name}"), rule, Code::IdentifierMalformed, &envelope);
    }
    let envelope = edited(|content| content.set("agent", Cbor::text("did:web:agent.example")));
    all.refused("agent_of_another_method", rule, Code::IdentifierMalformed, &envelope);
}

fn add_terms(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let mut refused = |name: &str, rule: &str, terms: AgentDelegate| {
        let envelope = sealed(Guard::Absent, delegate(terms));
        all.refused(&format!("agent_terms_{name}"), rule, Code::AgentTerms, &envelope);
    };
    let window =
        |from, until| AgentDelegate { valid_from: from, valid_until: until, ..terms(agent) };
    let rule = "A window begins before it ends.";
    refused("valid_for_no_time", rule, window(Some(GENESIS_MS), GENESIS_MS));
    refused("valid_until_before_from", rule, window(Some(GENESIS_MS + 1), GENESIS_MS));
    refused("valid_until_0", rule, window(None, 0));
    let rule = "Times are before the year 10000.";
    refused("valid_until_year_10000", rule, window(None, YEAR_10000_MS));
    refused("valid_from_year_10000", rule, window(Some(YEAR_10000_MS), YEAR_10000_MS + 1));
    let rule = "A depth is 1 to 7, absent for none.";
    refused("max_depth_0", rule, deep(agent, 0));
    refused("max_depth_8", rule, deep(agent, 8));
    let rule = "All terms have a largest value.";
    let most = AgentDelegate {
        actions: named(16, "action"),
        resources: named(16, "resource"),
        valid_from: Some(YEAR_10000_MS - 2),
        valid_until: YEAR_10000_MS - 1,
        ..deep(agent, 7)
    };
    let ledger = registered();
    let at = next(&ledger, principal, agent, delegate(most));
    all.applied_at("agent_delegate_with_all_terms", rule, &at);
}

/// Returns `count` names in ascending order.
fn named<T: std::str::FromStr>(count: usize, word: &str) -> Vec<T> {
    let name = |number: usize| format!("{word}-{number:02}").parse();
    (0..count).map(|number| name(number).unwrap_or_else(|_| panic!("a name"))).collect()
}

fn add_lists(all: &mut Catalogue) {
    let agent = &PARTIES.agent;
    let mut refused = |name: &str, rule: &str, terms: AgentDelegate| {
        let envelope = sealed(Guard::Absent, delegate(terms));
        all.refused(&format!("agent_terms_{name}"), rule, Code::AgentTerms, &envelope);
    };
    let actions = |actions| AgentDelegate { actions, ..terms(agent) };
    let resources = |resources| AgentDelegate { resources, ..terms(agent) };
    let rule = "A delegation has 1 to 16 actions, and as many resources.";
    refused("no_action", rule, actions(vec![]));
    refused("no_resource", rule, resources(vec![]));
    refused("17_actions", rule, actions(named(17, "action")));
    refused("17_resources", rule, resources(named(17, "resource")));
    let rule = "Actions and resources ascend strictly.";
    let (mut swapped, mut turned) = (named(2, "action"), named(2, "resource"));
    swapped.reverse();
    turned.reverse();
    refused("actions_descending", rule, actions(swapped));
    refused("resources_descending", rule, resources(turned));
    let twice = [named(1, "action"), named(1, "action")].concat();
    refused("action_twice", rule, actions(twice));
    let twice = [named(1, "resource"), named(1, "resource")].concat();
    refused("resource_twice", rule, resources(twice));
}

/// Adds cases that break two rules, to fix which rule gives the code.
fn add_order(all: &mut Catalogue) {
    let Parties { principal, agent, .. } = &*PARTIES;
    let rule = "The network of an agent is checked before its terms.";
    let mut elsewhere = Party::clone(agent);
    elsewhere.did.network = "other".parse().expect("a name");
    let bad = operation(Guard::Absent, delegate(deep(&elsewhere, 8)));
    let envelope = seal_for(&bad, principal, &elsewhere);
    all.refused("agent_network_before_terms", rule, Code::NetworkMismatch, &envelope);
    let rule = "That the agent is another is checked before its terms.";
    let bad = operation(Guard::Absent, delegate(deep(principal, 8)));
    let envelope = seal_for(&bad, principal, principal);
    all.refused("agent_cycle_before_terms", rule, Code::AgentCycle, &envelope);
}

fn add_sizes(all: &mut Catalogue) {
    let agent = &PARTIES.agent;
    // These names are out of order. They fill the envelope to the exact byte and are refused
    // anyway.
    let sized = |bytes: usize| {
        let of = |full: usize, last: usize| {
            let mut names = vec!["a".repeat(100); full];
            names.push("b".repeat(last));
            let resources = names.iter().map(|name| name.parse().expect("a name")).collect();
            sealed(Guard::Absent, delegate(AgentDelegate { resources, ..terms(agent) }))
        };
        // A name of 100 characters takes 102 bytes, which leaves 100 to 201 bytes for the last
        // name.
        let full = (bytes - of(30, 100).len()) / 102 + 30;
        let envelope = of(full, bytes - of(full, 100).len() + 100);
        assert_eq!(envelope.len(), bytes);
        envelope
    };
    let rule = "An agent operation has at most 8 KiB, signatures included.";
    let most = TRUST_OPERATION_BYTES_MAX;
    let code = Code::OperationTooLarge;
    all.refused("size_8193_bytes_of_a_delegation", rule, code, &sized(most + 1));
    let rule = "An agent operation of 8 KiB is not too large; no such lists are allowed.";
    all.refused("size_8192_bytes_of_a_delegation", rule, Code::AgentTerms, &sized(most));
}

fn add_values(all: &mut Catalogue) {
    let ledger = with_agent();
    let key = RecordKey::delegation(&PARTIES.agent.did);
    let head = ledger.state.head(&key).expect("a sound store").expect("a delegation");
    let value = head.part(PartId::WHOLE).expect("a value").value.0.clone();
    let rule = "The value of an agent's record.";
    all.encoding("encoding_of_delegation", rule, EncodingType::Delegation, &value, true);
    let mut edited = |name: &str, rule: &str, edit: &dyn Fn(&mut Cbor)| {
        let mut item = Cbor::read(&value);
        edit(&mut item);
        all.encoding(name, rule, EncodingType::Delegation, &item.write(), false);
    };
    let rule = "An unknown member is refused, at every level.";
    edited("delegation_unknown_member", rule, &|item| item.set("extra", Cbor::Uint(0)));
    let rule = "A status is active, suspended or revoked.";
    edited("delegation_status_unknown", rule, &|item| item.set("status", Cbor::text("ended")));
    let rule = "A delegation beneath another names the operation that made that one.";
    edited("delegation_beneath_true", rule, &|item| item.set("beneath", Cbor::Raw(vec![0xf5])));
    let rule = "Block times stand beside the value, not in it.";
    edited("delegation_with_granted", rule, &|item| item.set("granted", Cbor::Uint(1)));
    let rule = "A delegation names the operation that made it.";
    edited("delegation_without_made", rule, &|item| item.remove("made"));
}
