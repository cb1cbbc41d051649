//! Random histories of agents, made of real operations in blocks at random times.

use std::sync::LazyLock;

use registry_core::agent::AgentDelegate;
use registry_core::code::Code;
use registry_core::id::Did;
use registry_core::record::Entry;

use crate::oracle::{ACTIONS, Deed, Event, RESOURCES, Status, Terms, Who, World, has};
use crate::support::agent::{agent_operation, delegate, resume, revoke, seal_for, suspend};
use crate::support::ledger::Ledger;
use crate::support::random::Random;
use crate::support::trust::Party;

pub(crate) const PARTIES: usize = 7;

const BLOCKS: u64 = 60;
const GAP_MS: u64 = 400;

/// The parties are made only once, since deriving keys costs more than a history.
static ALL: LazyLock<Vec<Party>> =
    LazyLock::new(|| (0..PARTIES).map(|who| Party::new(30 + 3 * who as u8)).collect());

pub(crate) fn party(who: Who) -> &'static Party {
    &ALL[who]
}

pub(crate) fn who(did: &Did) -> Who {
    ALL.iter().position(|party| party.did == *did).expect("one of the parties")
}

/// All versions of all records, and the deeds that made them.
pub(crate) struct History {
    random: Random,
    ledger: Ledger,
    /// Record versions in the order of blocks.
    pub(crate) entries: Vec<Entry>,
    pub(crate) events: Vec<Event>,
    /// Codes of the refused deeds in the order of blocks.
    pub(crate) refused: Vec<Code>,
    begin_ms: u64,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let (ledger, random) = (Ledger::new(), Random::new(seed));
        let (entries, events, refused) = Default::default();
        let begin_ms = ledger.head.time;
        let mut history = Self { random, ledger, entries, events, refused, begin_ms };
        let registered: Vec<(Who, Deed)> = (0..PARTIES).map(|who| (who, Deed::Register)).collect();
        history.block(&registered);
        for _ in 0..BLOCKS {
            let count = 1 + history.random.below(3);
            let deeds: Vec<(Who, Deed)> = (0..count).map(|_| history.deed()).collect();
            history.block(&deeds);
        }
        history
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).expect("small")
    }

    /// Returns a time between the first block and long after the last. Most often it is the time of
    /// a block or of the bound of a window, or next to one.
    pub(crate) fn some_time(&mut self) -> u64 {
        let Event { time_ms, deed, .. } = self.random.pick(&self.events);
        let near = match (self.random.below(3), deed) {
            (0, _) => return self.begin_ms + self.random.below(BLOCKS * GAP_MS),
            (1, Deed::Delegate(_, terms)) => terms.from.unwrap_or(terms.until),
            _ => time_ms,
        };
        near - 1 + self.random.below(3)
    }

    /// Adds a block with those deeds that the rules allow. It checks that the others are refused as
    /// the oracle expects.
    fn block(&mut self, deeds: &[(Who, Deed)]) {
        let time_ms = self.ledger.head.time + 1 + self.random.below(2 * GAP_MS - 1);
        let mut envelopes: Vec<Vec<u8>> = Vec::new();
        for (by, deed) in deeds {
            envelopes.push(self.envelope(*by, deed));
            let expected = World::at(&self.events, time_ms).refusal(*by, *deed);
            match self.ledger.refusal(time_ms, &envelopes) {
                // These refusals come from guards of a second operation in a block; the oracle does
                // not model them.
                Some(Code::ChangedInBlock | Code::AlreadyExists | Code::AlreadyApplied) => {
                    envelopes.pop();
                }
                Some(code) => {
                    assert_eq!(Some(code), expected, "{by}: {deed:?}, {:?}", self.events);
                    envelopes.pop();
                    self.refused.push(code);
                }
                None => {
                    assert_eq!(None, expected, "{by}: {deed:?} applies, {:?}", self.events);
                    self.events.push(Event { time_ms, by: *by, deed: *deed });
                }
            }
        }
        let execution = self.ledger.attempt(time_ms, &envelopes).expect("each applied");
        self.entries.extend(execution.changes.entries.iter().cloned());
        self.ledger.state.commit(&execution.changes);
        self.ledger.head = execution.header;
    }

    fn envelope(&self, by: Who, deed: &Deed) -> Vec<u8> {
        let author = &ALL[by];
        let (agent, action) = match *deed {
            Deed::Register => return author.create.clone(),
            Deed::Deactivate => return author.deactivating(&self.ledger),
            Deed::Delegate(agent, terms) => (agent, delegate(delegation(agent, terms))),
            Deed::Suspend(agent) => (agent, suspend(&ALL[agent])),
            Deed::Resume(agent) => (agent, resume(&ALL[agent])),
            Deed::Revoke(agent) => (agent, revoke(&ALL[agent])),
        };
        seal_for(&agent_operation(&self.ledger, &author.did, action), author, &ALL[agent])
    }

    fn deed(&mut self) -> (Who, Deed) {
        let world = World::at(&self.events, self.ledger.head.time);
        if self.random.one_in(90) {
            let who = self.below(PARTIES);
            if !world.deactivated.contains_key(&who) {
                return (who, Deed::Deactivate);
            }
        }
        let agents: Vec<Who> = world.held.keys().copied().collect();
        if !agents.is_empty() && self.random.one_in(3) {
            let agent = self.random.pick(&agents);
            return self.step(&world, agent);
        }
        self.delegate(&world)
    }

    /// Returns a step that changes a status. Its author is the principal, another party above it,
    /// the agent itself, or anybody.
    fn step(&mut self, world: &World, agent: Who) -> (Who, Deed) {
        let held = world.held[&agent];
        let above = world.held.get(&held.principal).map_or(held.principal, |own| own.principal);
        let by = match self.random.below(10) {
            0 => self.below(PARTIES),
            1 => agent,
            2..=4 => above,
            _ => held.principal,
        };
        let deed = match (self.random.below(10), held.status) {
            // The agent gets a new delegation. The one that the agents below it rest on no longer
            // exists.
            (0..=7, Status::Revoked) => {
                let until = held.terms.until.saturating_add(self.random.below(BLOCKS * GAP_MS));
                return (held.principal, Deed::Delegate(agent, Terms { until, ..held.terms }));
            }
            (0..=5, Status::Active) | (6, _) => Deed::Suspend(agent),
            (0..=5, _) | (7, _) => Deed::Resume(agent),
            _ => Deed::Revoke(agent),
        };
        (by, deed)
    }

    /// Returns a delegation that the rules mostly allow: to an agent that is free or already the
    /// author's, with no more than the author has.
    fn delegate(&mut self, world: &World) -> (Who, Deed) {
        let by = self.below(PARTIES);
        let own = world.held.get(&by).filter(|own| own.status != Status::Revoked);
        let mut agents: Vec<Who> = (0..PARTIES).filter(|who| *who != by).collect();
        if !self.random.one_in(6) {
            agents.retain(|who| {
                let held = world.held.get(who).filter(|held| held.status != Status::Revoked);
                held.is_none_or(|held| held.principal == by)
            });
        }
        let agent = if agents.is_empty() { by } else { self.random.pick(&agents) };
        let depth = match own {
            Some(own) => self.below(own.terms.depth + 1).saturating_sub(self.below(2)),
            None => self.below(6),
        };
        let span = BLOCKS * GAP_MS;
        let until = self.ledger.head.time + 1 + self.random.below(2 * span);
        let from = self.random.one_in(6).then(|| until - 1 - self.random.below(span / 2));
        let actions = 1 + self.random.below(3) as u8;
        let resources = 1 + self.random.below(31) as u8;
        let free = Terms { actions, resources, from, until, depth };
        let terms = match own {
            Some(own) if !self.random.one_in(5) => {
                let (actions, resources) = (own.terms.actions, own.terms.resources);
                Terms { actions, resources, from: None, until: until.min(own.terms.until), depth }
            }
            _ if self.random.one_in(2) => Terms { actions: 3, resources: 1, ..free },
            _ => free,
        };
        (by, Deed::Delegate(agent, terms))
    }
}

fn delegation(agent: Who, terms: Terms) -> AgentDelegate {
    let actions = ACTIONS.iter().enumerate().filter(|(place, _)| has(terms.actions, *place));
    let resources = RESOURCES.iter().enumerate().filter(|(place, _)| has(terms.resources, *place));
    AgentDelegate {
        agent: ALL[agent].did.clone(),
        actions: actions.map(|(_, name)| name.parse().expect("an action")).collect(),
        resources: resources.map(|(_, name)| name.parse().expect("a resource")).collect(),
        valid_from: terms.from,
        valid_until: terms.until,
        max_depth: u8::try_from(terms.depth).ok().filter(|depth| *depth > 0),
    }
}
