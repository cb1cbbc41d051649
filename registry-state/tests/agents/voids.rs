//! Voids of delegations to agents.

use registry_core::agent::{AgentAnswer, AgentDelegate, verify};
use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::limits::VOID_MS_MAX;
use registry_core::operation::{Action, Role};
use registry_core::record::Hindsight;
use registry_core::trust::Reason;

use crate::support::agent::{as_consent, deep, delegate, revoke, seal_with, terms, void};
use crate::support::ledger::Ledger;
use crate::support::recorded::{Recorded, id_of};
use crate::support::signature;
use crate::support::trust::Party;

const GAP_MS: u64 = 10_000;

struct Scene {
    recorded: Recorded,
    principal: Party,
    other: Party,
    agent: Party,
    helper: Party,
}

impl Scene {
    fn new() -> Self {
        let [principal, other, agent, helper] = [30, 33, 36, 39].map(Party::new);
        let mut recorded = Recorded::new();
        let creates = [&principal, &other, &agent, &helper].map(|party| party.create.clone());
        recorded.after(GAP_MS, &creates);
        Self { recorded, principal, other, agent, helper }
    }

    /// Lets a principal delegate to an agent, both by their keys. Returns operation and time.
    fn delegated(&mut self, principal: &Party, agent: &Party, terms: AgentDelegate) -> (Hash, u64) {
        let terms = AgentDelegate { valid_until: u64::MAX / 1_000_000, ..terms };
        let operation = self.recorded.ledger.operation(&principal.did, 7, delegate(terms));
        let envelope = seal_with(&operation, |id| {
            vec![signature(&principal.key, Role::Control, id), as_consent(agent, id)]
        });
        (id_of(&envelope), self.recorded.after(GAP_MS, &[envelope]))
    }

    fn by_control(&mut self, party: &Party, action: Action) -> u64 {
        let envelope = party.controls(&self.recorded.ledger, action);
        self.recorded.after(GAP_MS, &[envelope])
    }

    fn ask(&self, agent: &Party, time_ms: u64, known_ms: u64) -> AgentAnswer {
        let (moment, known) = (self.recorded.at(time_ms), self.recorded.at(known_ms));
        let view = Hindsight { moment: &moment, known: &known };
        let (action, resource) = ("read", "orders/a");
        let (action, resource) = (action.parse().expect("one"), resource.parse().expect("one"));
        verify(&view, &agent.did, &action, &resource, time_ms).expect("a sound store")
    }

    fn may(&self, agent: &Party, time_ms: u64, known_ms: u64) -> bool {
        self.ask(agent, time_ms, known_ms).is_permitted()
    }
}

#[test]
fn a_void_delegation_never_was_and_neither_was_what_rests_on_it() {
    let mut scene = Scene::new();
    let (principal, agent, helper) =
        (scene.principal.clone(), scene.agent.clone(), scene.helper.clone());
    let (made, since) = scene.delegated(&principal, &agent, deep(&agent, 1));
    let (_, below) = scene.delegated(&agent, &helper, terms(&helper));
    let undo = principal.voids(made, void(&agent));
    let voided = scene.recorded.after(GAP_MS, &[undo]);
    assert!(scene.may(&agent, since, voided - 1) && !scene.may(&agent, since, voided));
    assert!(scene.may(&helper, below, voided - 1) && !scene.may(&helper, below, voided));
    let chain = scene.ask(&helper, below, voided).chain.expect("a chain");
    let broken = chain.broken.as_ref().expect("it is broken");
    assert_eq!((broken.link, broken.reason, broken.since), (0, Reason::Voided, Some(voided)));
    let fault = chain.fault().expect("a fault");
    assert!(fault.contains(&principal.id()) && fault.contains("was voided at"), "{fault}");
}

#[test]
fn only_the_control_set_of_the_principal_voids() {
    let mut scene = Scene::new();
    let (principal, agent, helper) =
        (scene.principal.clone(), scene.agent.clone(), scene.helper.clone());
    let (made, since) = scene.delegated(&principal, &agent, deep(&agent, 1));
    let (below, _) = scene.delegated(&agent, &helper, terms(&helper));
    let refusal = |envelope: &[u8]| scene.recorded.refusal(GAP_MS, envelope);
    let by_agent = agent.voids(made, void(&agent));
    assert_eq!(refusal(&by_agent), Some(Code::AgentNotFound), "it may resign");
    let from_above = principal.voids(below, void(&helper));
    assert_eq!(refusal(&from_above), Some(Code::AgentNotFound), "it may revoke");
    let by_method = principal.signs(&scene.recorded.ledger, void(&agent));
    let refused = Ledger::check(&by_method).err().map(|refusal| refusal.code);
    assert_eq!(refused, Some(Code::VoidNeedsControl));
    let undo = principal.voids(made, void(&agent));
    let to_the_end = since + VOID_MS_MAX - scene.recorded.now();
    assert_eq!(scene.recorded.refusal(to_the_end, &undo), None);
    assert_eq!(scene.recorded.refusal(to_the_end + 1, &undo), Some(Code::VoidTooLate));
}

#[test]
fn a_delegation_that_another_followed_is_voided_by_its_name() {
    let mut scene = Scene::new();
    let (principal, other, agent) =
        (scene.principal.clone(), scene.other.clone(), scene.agent.clone());
    let (made, since) = scene.delegated(&principal, &agent, terms(&agent));
    scene.by_control(&principal, revoke(&agent));
    let (_, later) = scene.delegated(&other, &agent, terms(&agent));
    let undo = principal.voids(made, void(&agent));
    let voided = scene.recorded.after(GAP_MS, std::slice::from_ref(&undo));
    assert!(scene.may(&agent, since, voided - 1) && !scene.may(&agent, since, voided));
    assert!(scene.may(&agent, later, voided), "that of the other stays");
    assert_eq!(scene.recorded.refusal(GAP_MS, &undo), Some(Code::AlreadyApplied));
}

#[test]
fn new_terms_belong_to_the_delegation_that_they_change() {
    let mut scene = Scene::new();
    let (principal, agent) = (scene.principal.clone(), scene.agent.clone());
    let (made, since) = scene.delegated(&principal, &agent, terms(&agent));
    let (terms_of, later) = scene.delegated(&principal, &agent, deep(&agent, 1));
    let unknown = principal.voids(terms_of, void(&agent));
    assert_eq!(scene.recorded.refusal(GAP_MS, &unknown), Some(Code::AgentNotFound));
    let undo = principal.voids(made, void(&agent));
    let voided = scene.recorded.after(GAP_MS, &[undo]);
    assert!(!scene.may(&agent, since, voided) && !scene.may(&agent, later, voided));
}
