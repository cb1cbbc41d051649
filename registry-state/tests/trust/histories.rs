//! Random histories of one authority, made of real operations in blocks at random times.

use std::sync::LazyLock;

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Operation};
use registry_core::record::{Entry, PartId, RecordKey};
use registry_core::trust::{Conditions, GrantStatus, Grants, Parent, TrustRecognise};
use registry_state::state::StateView as _;

use crate::oracle::{
    AUTHORITY, Above, Deed, Event, Held, LEVELS, RESOURCES, Seen, Signed, Status, Terms, Verdict,
    What, Who, World, covers,
};
use crate::support::draft::{Applied, Draft, NOBODY, code_of};
use crate::support::ledger::Ledger;
use crate::support::random::Random;
use crate::support::status::{authored, seal_by_method};
use crate::support::trust::{
    Party, change_with, derecognise, grant, parent_made, recognition, resume, revoke, right,
    suspend,
};
use crate::support::{Key, ed, reveal, seal};

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
    /// Id of the operation of each event.
    ids: Vec<Hash>,
    pub(crate) applied: Applied,
    /// Signed deeds that are sent later, if ever.
    drawer: Vec<(Signed, Vec<u8>)>,
    /// Number of events that were sent later than they were signed.
    pub(crate) late: usize,
    /// Number of events about a right that the block had written before.
    pub(crate) again_in_block: usize,
    /// Codes of the refused deeds in the order of blocks.
    pub(crate) refused: Vec<Code>,
    salts: u8,
    pub(crate) begin_ms: u64,
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
        for who in 0..PARTIES - 1 {
            let signed = Signed { by: who, deed: Deed::Register, seen: Seen::Absent, until: None };
            history.send(&mut draft, signed, ALL[who].create.clone());
        }
        history.keep(draft);
        for _ in 0..BLOCKS {
            history.block();
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
        let world = World::at(&self.events, &RANKS, time_ms);
        let is_new = matches!(signed.deed, Deed::Register);
        let expected = if is_new { None } else { world.refusal(&signed, &RANKS) };
        let result = draft.add(&self.ledger, envelope);
        let code = result.as_ref().err().map(code_of);
        assert_eq!(code, expected, "{signed:?} at {time_ms}: {result:?} {:?}", self.events);
        let Ok(id) = result else {
            self.refused.extend(code);
            return false;
        };
        let Signed { by, deed, .. } = signed;
        let in_block = self.events.iter().rev().take_while(|event| event.time_ms == time_ms);
        let again = about(&deed).is_some()
            && in_block.map(|event| about(&event.deed)).any(|was| was == about(&deed));
        self.again_in_block += usize::from(again);
        self.events.push(Event { time_ms, by, deed });
        self.ids.push(id);
        true
    }

    fn keep(&mut self, draft: Draft) {
        let time_ms = draft.time_ms;
        let execution = draft.commit(&mut self.ledger, &mut self.applied, usize::MAX);
        self.entries.extend(execution.changes.entries);
        self.compare(&World::at(&self.events, &RANKS, time_ms));
    }

    /// Checks that the records hold the grants of the oracle, each in its place.
    fn compare(&self, world: &World) {
        let rights =
            (0..RESOURCES.len()).flat_map(|what| (0..ENTITIES).map(move |who| (what, who)));
        for (what, entity) in rights {
            let record = RecordKey::grant(&key(what, entity));
            let entry = self.ledger.state.head(&record).expect("a sound store");
            let Some(entry) = entry else {
                let is = |held: &Held| (held.what, held.entity) == (what, entity);
                assert!(!world.held.iter().any(is), "no record");
                continue;
            };
            let grants: Grants = entry.value().expect("grants");
            let number = |place: usize| entry.part(PartId::SLOTS[place]).map(|part| part.number);
            let is = |held: &&Held| (held.what, held.entity) == (what, entity);
            let held: Vec<&Held> = world.held.iter().filter(is).collect();
            assert_eq!(grants.slots.len(), held.len());
            for held in held {
                let grant = &grants.slots[&PartId::SLOTS[held.place]];
                assert_eq!(number(held.place), Some(world.writes[&(what, entity, held.place)]));
                assert_eq!(
                    (&grant.grantor, grant.made),
                    (&ALL[held.grantor].did, self.ids[held.event])
                );
                assert_eq!(grant.suspended, held.suspended.map(|event| self.ids[event]));
                assert_eq!((grant.status, grant.since), (real_status(held.status), held.since));
                assert_eq!(grant.parent, held.parent.and_then(|above| self.real_parent(above)));
            }
        }
    }

    fn real_parent(&self, above: Above) -> Option<Parent> {
        let made = above.made.map_or(NOBODY, |event| self.ids[event]);
        parent_made(RESOURCES[above.what], &ALL[above.grantor].did, made)
    }

    fn action(&self, by: Who, deed: &Deed) -> Action {
        let real = |above: &Option<Above>| above.and_then(|above| self.real_parent(above));
        match deed {
            Deed::Register => panic!("a party registers once"),
            Deed::Deactivate => Action::DidDeactivate(reveal(&[next_key(by)])),
            Deed::Grant(what, entity, above, terms) => {
                grant(&key(*what, *entity), real(above), conditions(terms))
            }
            Deed::Change(what, entity, above, terms) => {
                change_with(&key(*what, *entity), real(above), conditions(terms))
            }
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
        }
    }

    /// Signs a deed over what the author sees now.
    fn sign(&mut self, draft: &Draft, by: Who, deed: Deed) -> (Signed, Vec<u8>) {
        let world = World::at(&self.events, &RANKS, draft.time_ms);
        let (party, seen) = (&ALL[by], world.seen(by, &deed));
        self.salts = self.salts.wrapping_add(1);
        let action = self.action(by, &deed);
        let guard = draft.guard(&self.ledger, Some(&party.did), &action);
        let operation = authored(&party.did, guard, self.salts, action);
        let until = operation.deadline().is_once().then(|| {
            let ahead = self.random.pick(&[0, GAP_MS, 10 * GAP_MS, 30 * 86_400_000]);
            draft.time_ms + ahead
        });
        let operation = Operation { until, ..operation };
        let envelope = match deed {
            Deed::Deactivate => seal(&operation, &[next_key(by)]),
            _ => seal_by_method(&operation, party.key),
        };
        (Signed { by, deed, seen, until }, envelope)
    }

    /// Returns a deed that the rules mostly allow. `first` is the first event of the block.
    fn deed(&mut self, time_ms: u64, first: usize) -> (Who, Deed) {
        let world = World::at(&self.events, &RANKS, time_ms);
        if self.random.one_in(100) {
            let who = self.below(PARTIES - 1);
            let spared = who == AUTHORITY && !self.random.one_in(3);
            return (if spared { 4 } else { who }, Deed::Deactivate);
        }
        let what = self.below(RESOURCES.len());
        let entity = self.below(ENTITIES);
        // Many deeds are about what the block has just written.
        let written = self.events.get(first..).and_then(|events| events.last());
        if let Some((what, entity)) = written.and_then(|event| about(&event.deed))
            && self.random.one_in(3)
        {
            let mut held = world.held.clone();
            held.retain(|held| (held.what, held.entity) == (what, entity));
            if let Some(held) = self.one_of(&held) {
                return self.step(&world, &held);
            }
        }
        match self.random.below(10) {
            0 if self.random.one_in(2) => (AUTHORITY, Deed::Derecognise(what, entity)),
            0 => (AUTHORITY, Deed::Recognise(what, entity, self.terms(0, 0))),
            1..=4 => match self.one_of(&world.held) {
                Some(held) => self.step(&world, &held),
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
        let mut entity = 1 + self.below(ENTITIES - 1);
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
        let mut what = self.random.pick(&covered);
        // Several bodies often grant the same right, until there is no place for another grant.
        let mut crowd = world.held.clone();
        crowd.retain(|held| covered.contains(&held.what) && held.grantor != AUTHORITY);
        if let Some(held) = self.one_of(&crowd)
            && self.random.one_in(2)
        {
            (what, entity) = (held.what, held.entity);
        }
        let depth = self.below(above.terms.depth + 1).saturating_sub(self.below(2));
        let terms = self.terms(depth, above.terms.assurance);
        let made = if self.random.one_in(30) { None } else { Some(above.event) };
        let parent = Above { what: above.what, grantor: above.grantor, made };
        (above.entity, Deed::Grant(what, entity, Some(parent), terms))
    }

    /// Returns another action on an existing grant, mostly by its grantor.
    fn step(&mut self, world: &World, held: &Held) -> (Who, Deed) {
        let by = if self.random.one_in(20) { self.below(PARTIES) } else { held.grantor };
        let Held { what, entity, terms, .. } = *held;
        // Mostly the parent grant that stands there now, even if another one stood there before.
        let renewed = |above: Above| {
            let present = world.by(above.grantor, above.what, held.grantor);
            Above { made: present.map(|present| present.event), ..above }
        };
        let parent = if self.random.one_in(4) { held.parent } else { held.parent.map(renewed) };
        let deed = match (self.random.below(8), held.status) {
            (0 | 1, Status::Active) | (2, Status::Suspended) => Deed::Suspend(what, entity),
            (0 | 1 | 4, Status::Suspended) | (2, Status::Active) => Deed::Resume(what, entity),
            (3, _) => Deed::Revoke(what, entity),
            (_, Status::Revoked) => Deed::Grant(what, entity, parent, terms),
            _ => {
                let depth = self.below(terms.depth + 2);
                Deed::Change(what, entity, parent, self.terms(depth, terms.assurance))
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

fn next_key(who: Who) -> Key {
    ed(ALL[who].key.seed + 1)
}

/// Returns the right whose record a deed writes.
fn about(deed: &Deed) -> Option<(What, Who)> {
    match *deed {
        Deed::Grant(what, entity, ..)
        | Deed::Change(what, entity, ..)
        | Deed::Suspend(what, entity)
        | Deed::Resume(what, entity)
        | Deed::Revoke(what, entity) => Some((what, entity)),
        Deed::Register | Deed::Deactivate | Deed::Recognise(..) | Deed::Derecognise(..) => None,
    }
}

fn real_status(status: Status) -> GrantStatus {
    match status {
        Status::Active => GrantStatus::Active,
        Status::Suspended => GrantStatus::Suspended,
        Status::Revoked => GrantStatus::Revoked,
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
