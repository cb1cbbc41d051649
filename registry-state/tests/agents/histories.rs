//! Random histories of agents, made of real operations in blocks at random times.

use std::sync::LazyLock;

use registry_core::agent::{AgentDelegate, Delegation};
use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Action, Operation};
use registry_core::record::{Entry, RecordKey};
use registry_core::trust::GrantStatus;
use registry_state::state::StateView as _;

use crate::oracle::{
    ACTIONS, Deed, Event, RESOURCES, Seen, Signed, Status, Terms, Who, World, has,
};
use crate::support::agent::{delegate, resume, revoke, seal_for, suspend};
use crate::support::draft::{Applied, Draft, NOBODY, code_of};
use crate::support::ledger::Ledger;
use crate::support::random::Random;
use crate::support::status::authored;
use crate::support::trust::Party;
use crate::support::{ed, reveal, seal};

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
    /// Id of the operation of each event.
    ids: Vec<Hash>,
    pub(crate) applied: Applied,
    /// Signed deeds that are sent later, if ever.
    drawer: Vec<(Signed, Vec<u8>)>,
    /// Number of events that were sent later than they were signed.
    pub(crate) late: usize,
    /// Number of events about an agent that the block had written before.
    pub(crate) again_in_block: usize,
    /// Codes of the refused deeds in the order of blocks.
    pub(crate) refused: Vec<Code>,
    salts: u8,
    begin_ms: u64,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let (ledger, random) = (Ledger::new(), Random::new(seed));
        let begin_ms = ledger.head.time;
        let (entries, events, ids, applied, drawer, refused) = Default::default();
        let (late, again_in_block, salts) = Default::default();
        let mut history = Self {
            random,
            ledger,
            entries,
            events,
            ids,
            applied,
            drawer,
            late,
            again_in_block,
            refused,
            salts,
            begin_ms,
        };
        let mut draft = Draft::new(begin_ms + 1);
        for (who, party) in ALL.iter().enumerate() {
            let (deed, seen, until) = (Deed::Register, Seen::Nothing, None);
            history.send(&mut draft, Signed { by: who, deed, seen, until }, party.create.clone());
        }
        history.keep(draft);
        for _ in 0..BLOCKS {
            history.block();
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
            (1, Deed::Delegate(_, _, terms)) => terms.from.unwrap_or(terms.until),
            _ => time_ms,
        };
        near - 1 + self.random.below(3)
    }

    /// Adds a block with those deeds that the rules allow.
    fn block(&mut self) {
        let time_ms = self.ledger.head.time + 1 + self.random.below(2 * GAP_MS - 1);
        let mut draft = Draft::new(time_ms);
        let first = self.events.len();
        for _ in 0..=self.random.below(4) {
            if !self.drawer.is_empty() && self.random.one_in(6) {
                let place = self.below(self.drawer.len());
                let (signed, envelope) = self.drawer.swap_remove(place);
                self.late += usize::from(self.send(&mut draft, signed, envelope));
                continue;
            }
            let (by, deed) = self.deed(time_ms, first);
            let (signed, envelope) = self.sign(&draft, by, deed);
            if self.random.one_in(6) {
                self.drawer.push((signed, envelope));
            } else {
                self.send(&mut draft, signed, envelope);
            }
        }
        self.keep(draft);
    }

    /// Sends a deed and checks that it applies, or is refused, as the oracle expects.
    fn send(&mut self, draft: &mut Draft, signed: Signed, envelope: Vec<u8>) -> bool {
        let time_ms = draft.time_ms;
        let expected = World::at(&self.events, time_ms).refusal(&signed);
        let result = draft.add(&self.ledger, envelope);
        let code = result.as_ref().err().map(code_of);
        assert_eq!(code, expected, "{signed:?} at {time_ms}: {result:?} {:?}", self.events);
        let Ok(id) = result else {
            self.refused.extend(code);
            return false;
        };
        let Signed { by, deed, .. } = signed;
        let in_block = self.events.iter().rev().take_while(|event| event.time_ms == time_ms);
        let mut in_block = in_block.filter_map(|event| about(event.deed));
        self.again_in_block += usize::from(in_block.any(|agent| Some(agent) == about(deed)));
        self.events.push(Event { time_ms, by, deed });
        self.ids.push(id);
        true
    }

    fn keep(&mut self, draft: Draft) {
        let time_ms = draft.time_ms;
        let execution = draft.commit(&mut self.ledger, &mut self.applied, usize::MAX);
        self.entries.extend(execution.changes.entries);
        self.compare(&World::at(&self.events, time_ms));
    }

    /// Checks that the records hold the delegations of the oracle.
    fn compare(&self, world: &World) {
        for (agent, party) in ALL.iter().enumerate() {
            let record = RecordKey::delegation(&party.did);
            let entry = self.ledger.state.head(&record).expect("a sound store");
            let (Some(entry), Some(held)) = (&entry, world.held.get(&agent)) else {
                assert!(entry.is_none() && !world.held.contains_key(&agent), "agent {agent}");
                continue;
            };
            let id = |event: Option<usize>| event.map(|event| self.ids[event]);
            let real: Delegation = entry.value().expect("a delegation");
            assert_eq!(entry.parts[0].number, world.writes[&agent]);
            assert_eq!(real.principal, ALL[held.principal].did);
            assert_eq!((real.made, real.by), (self.ids[held.made], ALL[held.by].did.clone()));
            assert_eq!((real.beneath, real.suspended), (id(held.rests_on), id(held.suspended)));
            assert_eq!((real.status, real.since), (real_status(held.status), held.since));
        }
    }

    /// Signs a deed over what the author sees now.
    fn sign(&mut self, draft: &Draft, by: Who, deed: Deed) -> (Signed, Vec<u8>) {
        let seen = World::at(&self.events, draft.time_ms).seen(by, deed);
        let (author, next) = (&ALL[by], ed(ALL[by].key.seed + 1));
        let (agent, action) = match deed {
            Deed::Register => panic!("a party registers once"),
            Deed::Deactivate => (by, Action::DidDeactivate(reveal(&[next]))),
            Deed::Delegate(agent, beneath, terms) => {
                let beneath = beneath.map(|event| self.ids.get(event).copied().unwrap_or(NOBODY));
                (agent, delegate(AgentDelegate { beneath, ..delegation(agent, terms) }))
            }
            Deed::Suspend(agent) => (agent, suspend(&ALL[agent])),
            Deed::Resume(agent) => (agent, resume(&ALL[agent])),
            Deed::Revoke(agent) => (agent, revoke(&ALL[agent])),
        };
        self.salts = self.salts.wrapping_add(1);
        let guard = draft.guard(&self.ledger, Some(&author.did), &action);
        let operation = authored(&author.did, guard, self.salts, action);
        let until = operation.deadline().is_once().then(|| {
            let ahead = self.random.pick(&[0, GAP_MS, 10 * GAP_MS, 30 * 86_400_000]);
            draft.time_ms + ahead
        });
        let operation = Operation { until, ..operation };
        let envelope = match deed {
            Deed::Deactivate => seal(&operation, &[next]),
            _ => seal_for(&operation, author, &ALL[agent]),
        };
        (Signed { by, deed, seen, until }, envelope)
    }

    /// Returns a deed that the rules mostly allow. `first` is the first event of the block.
    fn deed(&mut self, time_ms: u64, first: usize) -> (Who, Deed) {
        let world = World::at(&self.events, time_ms);
        if self.random.one_in(90) {
            let who = self.below(PARTIES);
            if !world.deactivated.contains_key(&who) {
                return (who, Deed::Deactivate);
            }
        }
        // Many deeds are about what the block has just written.
        let written = self.events.get(first..).and_then(|events| events.last());
        if let Some(agent) = written.and_then(|event| about(event.deed))
            && self.random.one_in(3)
        {
            return self.step(&world, agent);
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
                let (terms, own) = (Terms { until, ..held.terms }, world.own(held.principal));
                return (held.principal, Deed::Delegate(agent, own, terms));
            }
            (0..=5, Status::Active) | (5 | 6, _) => Deed::Suspend(agent),
            (0..=4, _) | (7, _) => Deed::Resume(agent),
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
        let beneath = world.own(by);
        let beneath = if self.random.one_in(20) { Some(usize::MAX) } else { beneath };
        (by, Deed::Delegate(agent, beneath, terms))
    }
}

/// Returns the agent whose record a deed writes.
fn about(deed: Deed) -> Option<Who> {
    match deed {
        Deed::Delegate(agent, ..)
        | Deed::Suspend(agent)
        | Deed::Resume(agent)
        | Deed::Revoke(agent) => Some(agent),
        Deed::Register | Deed::Deactivate => None,
    }
}

fn real_status(status: Status) -> GrantStatus {
    match status {
        Status::Active => GrantStatus::Active,
        Status::Suspended => GrantStatus::Suspended,
        Status::Revoked => GrantStatus::Revoked,
    }
}

fn delegation(agent: Who, terms: Terms) -> AgentDelegate {
    let actions = ACTIONS.iter().enumerate().filter(|(place, _)| has(terms.actions, *place));
    let resources = RESOURCES.iter().enumerate().filter(|(place, _)| has(terms.resources, *place));
    AgentDelegate {
        agent: ALL[agent].did.clone(),
        beneath: None,
        actions: actions.map(|(_, name)| name.parse().expect("an action")).collect(),
        resources: resources.map(|(_, name)| name.parse().expect("a resource")).collect(),
        valid_from: terms.from,
        valid_until: terms.until,
        max_depth: u8::try_from(terms.depth).ok().filter(|depth| *depth > 0),
    }
}
