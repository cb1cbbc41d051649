//! Compares the registry's answers about agents, and the changes that it permits, with a plain loop
//! over the history at random times. What was applied is sent again in every later block.

#[path = "agents/histories.rs"]
mod histories;
#[path = "agents/oracle.rs"]
mod oracle;
mod support;
#[path = "agents/voids.rs"]
mod voids;

use std::collections::BTreeMap;

use registry_core::agent::{AgentAnswer, AgentBroken, AgentDelegate, Delegation, verify};
use registry_core::code::Code;
use registry_core::operation::Action;
use registry_core::record::RecordKey;
use registry_core::trust::GrantStatus;
use registry_state::state::StateView as _;

use histories::{History, PARTIES, party, who};
use oracle::{ACTIONS, RESOURCES, Verdict, World};
use support::agent::{
    UNTIL_MS, agent_operation, deep, delegate, resume, revoke, seal_for, suspend, terms,
};
use support::ledger::{GENESIS_MS, Ledger};
use support::trust::{Moment, Party};

/// Number of histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 80;

/// Number of moments in each history.
const MOMENTS: usize = 40;

/// Number of questions at each moment.
const QUESTIONS: usize = 8;

/// Returns the answer in the form that the oracle uses.
fn verdict(answer: &AgentAnswer) -> Verdict {
    let Some(chain) = &answer.chain else { return Verdict::Nothing };
    assert_eq!(answer.is_permitted(), chain.broken.is_none());
    match &chain.broken {
        None => {
            let principal = who(chain.principal().expect("the principal of all"));
            Verdict::Yes { links: chain.links.len(), principal }
        }
        Some(AgentBroken { link, reason, since }) => {
            Verdict::No { link: *link, reason: *reason, since: *since }
        }
    }
}

/// Returns the name of a kind of answer.
fn name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Nothing => "Nothing".to_owned(),
        Verdict::Yes { links, .. } => format!("Yes by {links}"),
        Verdict::No { reason, .. } => {
            let text = format!("{reason:?}");
            text.split_whitespace().next().unwrap_or_default().to_owned()
        }
    }
}

fn compare(seeds: std::ops::Range<u64>) {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let (mut late, mut again_in_block) = (0, 0);
    for seed in seeds {
        let mut history = History::new(seed);
        (late, again_in_block) = (late + history.late, again_in_block + history.again_in_block);
        for (code, count) in &history.applied.codes {
            *counts.entry(format!("again {}", code.name())).or_default() += count;
        }
        for code in &history.refused {
            *counts.entry(code.name().to_owned()).or_default() += 1;
        }
        for _ in 0..MOMENTS {
            let time_ms = history.some_time();
            let world = World::at(&history.events, time_ms);
            for _ in 0..QUESTIONS {
                let agent = history.below(PARTIES);
                let (action, what) = (history.below(ACTIONS.len()), history.below(RESOURCES.len()));
                let view = Moment { entries: &history.entries, time_ms };
                let name_of = ACTIONS[action].parse().expect("an action");
                let resource = RESOURCES[what].parse().expect("a resource");
                let actual = verify(&view, &party(agent).did, &name_of, &resource, time_ms);
                let expected = world.verify(agent, action, what);
                let question = format!("seed {seed} at {time_ms}: {agent}, {name_of} {resource}");
                assert_eq!(verdict(&actual.expect("a sound store")), expected, "{question}");
                *counts.entry(name(&expected)).or_default() += 1;
            }
        }
    }
    // A comparison that hardly ever answers, or always gives the same answer, would show nothing.
    assert!(late > 50, "{late} were sent late: {counts:?}");
    assert!(again_in_block > 50, "{again_in_block} wrote a record again: {counts:?}");
    for (answer, least) in [
        ("Yes by 1", 100),
        ("Yes by 2", 50),
        ("Yes by 3", 5),
        ("Nothing", 50),
        ("AuthorityDeactivated", 20),
        ("ParentGone", 5),
        ("Suspended", 50),
        ("Revoked", 50),
        ("NotYetValid", 20),
        ("Expired", 50),
        ("TooDeep", 5),
        ("NotDelegated", 50),
        ("EntityDeactivated", 10),
        ("AGENT_BOUND", 20),
        ("AGENT_CHAIN", 20),
        ("AGENT_CYCLE", 5),
        ("AGENT_DEPTH", 20),
        ("AGENT_BEYOND_PRINCIPAL", 10),
        ("AGENT_NOT_ALLOWED", 20),
        ("AGENT_STATUS", 20),
        ("GUARD_STALE", 20),
        ("ALREADY_EXISTS", 5),
        ("UNTIL_PASSED", 10),
        ("again ALREADY_APPLIED", 1_000),
        ("again GUARD_STALE", 1_000),
        ("again UNTIL_PASSED", 1_000),
    ] {
        assert!(counts.get(answer) >= Some(&least), "{answer} is rare: {counts:?}");
    }
}

#[test]
fn answers_and_refusals_are_those_of_the_history_in_the_first_histories() {
    compare(0..HISTORIES / 2);
}

#[test]
fn answers_and_refusals_are_those_of_the_history_in_the_other_histories() {
    compare(HISTORIES / 2..HISTORIES);
}

/// End of the delegation that the tests below suspend.
const SHORT_MS: u64 = GENESIS_MS + 60_000;

/// A chain of a principal and two agents. The principal has suspended the lower delegation.
struct Chain {
    ledger: Ledger,
    principal: Party,
    middle: Party,
    agent: Party,
}

impl Chain {
    fn suspended() -> Self {
        let [principal, middle, agent] = [30, 40, 50].map(Party::new);
        let creates = [&principal, &middle, &agent].map(|party| party.create.clone());
        let mut ledger = Ledger::new();
        ledger.after(1_000, &creates);
        let mut chain = Self { ledger, principal, middle, agent };
        let above = chain.by_principal(&chain.middle, delegate(deep(&chain.middle, 1)));
        chain.ledger.after(1_000, &[above]);
        let below = chain.by_middle(chain.terms(SHORT_MS));
        chain.ledger.after(1_000, &[below]);
        let stop = chain.by_principal(&chain.agent, suspend(&chain.agent));
        chain.ledger.after(1_000, &[stop]);
        chain
    }

    /// Returns the delegation to the lower agent with this end.
    fn terms(&self, valid_until: u64) -> Action {
        delegate(AgentDelegate { valid_until, ..terms(&self.agent) })
    }

    fn by_principal(&self, agent: &Party, action: Action) -> Vec<u8> {
        let operation = agent_operation(&self.ledger, &self.principal.did, action);
        seal_for(&operation, &self.principal, agent)
    }

    fn by_middle(&self, action: Action) -> Vec<u8> {
        let operation = agent_operation(&self.ledger, &self.middle.did, action);
        seal_for(&operation, &self.middle, &self.agent)
    }

    fn refusal(&self, action: Action) -> Option<Code> {
        self.ledger.refusal(self.ledger.head.time + 1_000, &[self.by_middle(action)])
    }

    fn status(&self) -> GrantStatus {
        let head = self.ledger.state.head(&RecordKey::delegation(&self.agent.did));
        let entry = head.expect("a sound store").expect("a delegation");
        entry.value::<Delegation>().expect("a delegation").status
    }
}

#[test]
fn a_suspension_by_a_senior_lasts_as_long_as_the_delegation() {
    let mut chain = Chain::suspended();
    assert_eq!(chain.refusal(resume(&chain.agent)), Some(Code::AgentNotAllowed));
    let again = chain.by_middle(chain.terms(SHORT_MS));
    chain.ledger.after(1_000, &[again]);
    assert_eq!(chain.status(), GrantStatus::Suspended, "new terms lift no suspension");

    let mut revoked = Chain { ledger: chain.ledger.clone(), ..Chain::suspended() };
    let ends = revoked.by_middle(revoke(&revoked.agent));
    revoked.ledger.after(1_000, &[ends]);
    chain.ledger.block(SHORT_MS, &[]).expect("an empty block");
    for mut ended in [chain, revoked] {
        let anew = ended.by_middle(ended.terms(UNTIL_MS));
        ended.ledger.after(1_000, &[anew]);
        assert_eq!(ended.status(), GrantStatus::Active, "nobody suspended the new delegation");
    }
}

#[test]
fn a_principal_that_suspends_the_agent_above_keeps_the_lower_one_out() {
    let mut chain = Chain::suspended();
    let stop = chain.by_principal(&chain.middle, suspend(&chain.middle));
    chain.ledger.after(1_000, &[stop]);
    chain.ledger.block(SHORT_MS, &[]).expect("an empty block");
    assert_eq!(chain.refusal(chain.terms(UNTIL_MS)), Some(Code::AgentChain));
}
