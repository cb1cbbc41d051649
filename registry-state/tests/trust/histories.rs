//! Random histories of one authority, made of real operations in blocks at random times.

use std::sync::LazyLock;

use registry_core::names::TrustKey;
use registry_core::operation::Action;
use registry_core::record::Entry;
use registry_core::trust::{Conditions, TrustRecognise};

use crate::oracle::{
    AUTHORITY, Deed, Event, Held, LEVELS, RESOURCES, Status, Terms, Verdict, What, Who, World,
    covers,
};
use crate::support::ledger::Ledger;
use crate::support::random::Random;
use crate::support::trust::{
    Party, change_of, derecognise, grant, parent, recognition, resume, revoke, right, suspend,
};

/// Number of parties: the authority, bodies and issuers. The last one is never registered.
const PARTIES: usize = 7;

/// Number of entities: the parties, and one entity with a DID of another method.
pub(crate) const ENTITIES: usize = PARTIES + 1;

const BLOCKS: u64 = 60;
const GAP_MS: u64 = 400;

/// The parties are made only once, since deriving keys costs more than a history.
static ALL: LazyLock<Vec<Party>> =
    LazyLock::new(|| (0..PARTIES).map(|who| Party::new(30 + 3 * who as u8)).collect());

/// Order of the parties' DIDs.
pub(crate) static RANKS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let mut sorted: Vec<Who> = (0..PARTIES).collect();
    sorted.sort_by_key(|who| ALL[*who].did.clone());
    let rank = |who| sorted.iter().position(|each| *each == who).expect("all are there");
    (0..PARTIES).map(rank).collect()
});

pub(crate) fn who(did: &registry_core::id::Did) -> Who {
    ALL.iter().position(|party| party.did == *did).expect("one of the parties")
}

pub(crate) fn party(who: Who) -> &'static Party {
    &ALL[who]
}

pub(crate) fn key(what: What, entity: Who) -> TrustKey {
    let entity = ALL.get(entity).map_or("did:web:issuer.example".to_owned(), Party::id);
    right(&ALL[AUTHORITY].did, RESOURCES[what], &entity)
}

/// All versions of all records, and the deeds that made them.
pub(crate) struct History {
    random: Random,
    ledger: Ledger,
    /// Record versions in the order of blocks.
    pub(crate) entries: Vec<Entry>,
    pub(crate) events: Vec<Event>,
    pub(crate) refused: usize,
    pub(crate) begin_ms: u64,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let (ledger, random) = (Ledger::new(), Random::new(seed));
        let (entries, events, refused) = Default::default();
        let begin_ms = ledger.head.time;
        let mut history = Self { random, ledger, entries, events, refused, begin_ms };
        let registered: Vec<(Who, Deed)> =
            (0..PARTIES - 1).map(|who| (who, Deed::Register)).collect();
        history.block(&registered);
        for _ in 0..BLOCKS {
            let count = 1 + history.random.below(3);
            let deeds: Vec<(Who, Deed)> = (0..count).map(|_| history.deed()).collect();
            history.block(&deeds);
        }
        history
    }

    /// Returns a time between the first block and long after the last. Most often it is the time of
    /// a block or of the bound of a window, or next to one.
    pub(crate) fn some_time(&mut self) -> u64 {
        let Event { time_ms, deed, .. } = self.random.pick(&self.events);
        let terms = match deed {
            Deed::Grant(.., terms) | Deed::Change(.., terms) | Deed::Recognise(.., terms) => {
                terms.from.or(terms.until)
            }
            _ => None,
        };
        match (self.random.below(3), terms) {
            (0, _) => self.begin_ms + self.random.below(BLOCKS * GAP_MS),
            (1, _) | (_, None) => time_ms - 1 + self.random.below(3),
            (_, Some(bound)) => bound - 1 + self.random.below(3),
        }
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).expect("small")
    }

    /// Adds a block with those deeds that the rules allow.
    fn block(&mut self, deeds: &[(Who, Deed)]) {
        let time_ms = self.ledger.head.time + 1 + self.random.below(2 * GAP_MS - 1);
        let mut envelopes: Vec<Vec<u8>> = Vec::new();
        for (by, deed) in deeds {
            envelopes.push(self.envelope(*by, deed));
            if self.ledger.attempt(time_ms, &envelopes).is_err() {
                envelopes.pop();
                self.refused += 1;
                continue;
            }
            self.assert_parent_is_live(*by, deed, time_ms);
            self.events.push(Event { time_ms, by: *by, deed: *deed });
        }
        let execution = self.ledger.attempt(time_ms, &envelopes).expect("each applied");
        self.entries.extend(execution.changes.entries.iter().cloned());
        self.ledger.state.commit(&execution.changes);
        self.ledger.head = execution.header;
    }

    /// Checks that what is granted or changed rests on a chain that is live at that moment.
    fn assert_parent_is_live(&self, by: Who, deed: &Deed, time_ms: u64) {
        let world = World::at(&self.events, &RANKS, time_ms);
        let mut grants = world.held.iter();
        let parent = match deed {
            Deed::Grant(_, _, parent, _) => *parent,
            Deed::Change(what, entity, _) => {
                let is =
                    |held: &&Held| (held.grantor, held.what, held.entity) == (by, *what, *entity);
                grants.find(is).expect("a grant").parent
            }
            _ => None,
        };
        let Some((what, grantor)) = parent else { return };
        let is = |held: &&Held| (held.grantor, held.what, held.entity) == (grantor, what, by);
        let verdict = world.verdict(world.held.iter().find(is).expect("a parent"));
        assert!(matches!(verdict, Verdict::Yes { .. }), "{deed:?} at {time_ms}: {verdict:?}");
    }

    fn envelope(&self, by: Who, deed: &Deed) -> Vec<u8> {
        let grantor = &ALL[by];
        let action = match deed {
            Deed::Register => return grantor.create.clone(),
            Deed::Deactivate => return grantor.deactivating(&self.ledger),
            Deed::Grant(what, entity, above, terms) => {
                let above = above.and_then(|(what, who)| parent(RESOURCES[what], &ALL[who].did));
                grant(&key(*what, *entity), above, conditions(terms))
            }
            Deed::Change(what, entity, terms) => change_of(&key(*what, *entity), conditions(terms)),
            Deed::Suspend(what, entity) => suspend(&key(*what, *entity)),
            Deed::Resume(what, entity) => resume(&key(*what, *entity)),
            Deed::Revoke(what, entity) => revoke(&key(*what, *entity)),
            Deed::Recognise(what, entity, terms) => {
                let (valid_from, valid_until) = (terms.from, terms.until);
                let plain = recognition(&key(*what, *entity));
                let action = TrustRecognise { valid_from, valid_until, ..plain };
                Action::TrustRecognise(Box::new(action))
            }
            Deed::Derecognise(what, entity) => derecognise(&key(*what, *entity)),
        };
        grantor.signs(&self.ledger, action)
    }

    fn deed(&mut self) -> (Who, Deed) {
        let world = World::at(&self.events, &RANKS, self.ledger.head.time);
        if self.random.one_in(60) {
            let who = self.below(PARTIES - 1);
            let spared = who == AUTHORITY && !self.random.one_in(3);
            return (if spared { 4 } else { who }, Deed::Deactivate);
        }
        let what = self.below(RESOURCES.len());
        let entity = self.below(ENTITIES);
        match self.random.below(10) {
            0 if self.random.one_in(2) => (AUTHORITY, Deed::Derecognise(what, entity)),
            0 => (AUTHORITY, Deed::Recognise(what, entity, self.terms(0, 0))),
            1..=4 => match self.one_of(&world.held) {
                Some(held) => self.step(&held),
                None => self.grant(&world),
            },
            _ => self.grant(&world),
        }
    }

    fn one_of(&mut self, held: &[Held]) -> Option<Held> {
        if held.is_empty() { None } else { Some(self.random.pick(held)) }
    }

    /// Returns a grant by the authority, or by a party whose own grant allows it to grant on.
    fn grant(&mut self, world: &World) -> (Who, Deed) {
        let entity = 1 + self.below(ENTITIES - 1);
        let mut holders = world.held.clone();
        holders.retain(|held| {
            let live = matches!(world.verdict(held), Verdict::Yes { .. });
            held.entity < PARTIES && held.terms.depth > 0 && (live || self.random.one_in(8))
        });
        let above = self.one_of(&holders).filter(|_| !self.random.one_in(3));
        let Some(above) = above else {
            let deep = self.below(5);
            return (AUTHORITY, Deed::Grant(2 + self.below(2), entity, None, self.terms(deep, 3)));
        };
        let mut covered: Vec<What> = (0..RESOURCES.len()).collect();
        covered.retain(|what| covers(above.what, *what) || self.random.one_in(30));
        let what = self.random.pick(&covered);
        let depth = self.below(above.terms.depth + 1).saturating_sub(self.below(2));
        let terms = self.terms(depth, above.terms.assurance);
        let parent = Some((above.what, above.grantor));
        (above.entity, Deed::Grant(what, entity, parent, terms))
    }

    /// Returns another action on an existing grant, mostly by its grantor.
    fn step(&mut self, held: &Held) -> (Who, Deed) {
        let by = if self.random.one_in(20) { self.below(PARTIES) } else { held.grantor };
        let Held { what, entity, terms, .. } = *held;
        let deed = match (self.random.below(8), held.status) {
            (0 | 1, Status::Active) | (2, Status::Suspended) => Deed::Suspend(what, entity),
            (0 | 1, Status::Suspended) | (2, Status::Active) => Deed::Resume(what, entity),
            (3, _) => Deed::Revoke(what, entity),
            (_, Status::Revoked) => Deed::Grant(what, entity, held.parent, terms),
            _ => {
                let depth = self.below(terms.depth + 2);
                Deed::Change(what, entity, self.terms(depth, terms.assurance))
            }
        };
        (by, deed)
    }

    fn terms(&mut self, depth: usize, assurance_max: usize) -> Terms {
        let span = BLOCKS * GAP_MS;
        let mut some_time = |one_in: u64, least: u64| {
            let limited = self.random.one_in(one_in);
            let time_ms = self.begin_ms + least + self.random.below(span);
            limited.then_some(time_ms)
        };
        let (from, until) = (some_time(8, 0), some_time(5, span / 4));
        let lower = self.below(4) / 3;
        let assurance = assurance_max.saturating_sub(lower * self.below(3));
        Terms { from, until, depth, assurance }
    }
}

fn conditions(terms: &Terms) -> Conditions {
    Conditions {
        valid_from: terms.from,
        valid_until: terms.until,
        assurance: LEVELS[terms.assurance],
        max_depth: u8::try_from(terms.depth).ok().filter(|depth| *depth > 0),
        ..Conditions::default()
    }
}
