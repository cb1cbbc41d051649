//! Expected answers about grants and recognitions, computed by a plain loop over everything that
//! happened.
//!
//! Parties and resources are numbers. A grant is identified by the event that made it, and a grant
//! below it names that event. The oracle has no records, parts or hashes, which the rules use
//! instead: it counts how often each place for a grant was written.

use std::collections::BTreeMap;

use registry_core::code::Code;
use registry_core::trust::{Assurance, Reason};

/// Number of a party; 0 is the authority.
pub(crate) type Who = usize;

/// Index in [`RESOURCES`].
pub(crate) type What = usize;

pub(crate) const AUTHORITY: Who = 0;

pub(crate) const RESOURCES: [&str; 5] = ["t/a/x", "t/a/*", "t/*", "*", "t/b"];

/// Indices of the patterns that cover each resource, most specific first.
const COVERED_BY: [&[What]; 5] = [&[0, 1, 2, 3], &[1, 2, 3], &[2, 3], &[3], &[4, 2, 3]];

pub(crate) fn covers(pattern: What, what: What) -> bool {
    COVERED_BY[what].contains(&pattern)
}

/// Assurance levels by the numbers in [`Terms`].
pub(crate) const LEVELS: [Option<Assurance>; 4] =
    [None, Some(Assurance::Low), Some(Assurance::Substantial), Some(Assurance::High)];

/// Conditions of a grant. Assurance 0 is none and 3 is high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) from: Option<u64>,
    pub(crate) until: Option<u64>,
    pub(crate) depth: usize,
    pub(crate) assurance: usize,
}

/// Names a parent grant: its resource, its grantor and the event that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Above {
    pub(crate) what: What,
    pub(crate) grantor: Who,
    /// `None` for a grant that nobody made.
    pub(crate) made: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Register,
    Deactivate,
    Grant(What, Who, Option<Above>, Terms),
    Change(What, Who, Option<Above>, Terms),
    Suspend(What, Who),
    Resume(What, Who),
    Revoke(What, Who),
    /// Recognises an entity. Only the window of the terms counts.
    Recognise(What, Who, Terms),
    Derecognise(What, Who),
}

/// What a deed depends on, as its signer saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The deed depends on nothing.
    Nothing,
    /// There was nothing yet.
    Absent,
    /// A place, and how often it was written.
    Written(usize, u64),
    /// Event that made or suspended a grant; `None` if there was no such grant.
    Event(Option<usize>),
}

/// A deed as it was signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed {
    pub(crate) by: Who,
    pub(crate) deed: Deed,
    pub(crate) seen: Seen,
    /// Last block time at which it may happen.
    pub(crate) until: Option<u64>,
}

/// A deed that happened, with its author and block time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) time_ms: u64,
    pub(crate) by: Who,
    pub(crate) deed: Deed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Suspended,
    Revoked,
}

/// Present state of a grant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Event that made the grant.
    pub(crate) event: usize,
    /// Place among the grants of the same right to the same entity; 0 is the authority's.
    pub(crate) place: usize,
    pub(crate) grantor: Who,
    pub(crate) what: What,
    pub(crate) entity: Who,
    pub(crate) parent: Option<Above>,
    pub(crate) terms: Terms,
    pub(crate) status: Status,
    pub(crate) since: u64,
    /// Event that suspended the grant, if it is suspended.
    pub(crate) suspended: Option<usize>,
    /// Time of the grant or of its last change.
    pub(crate) confirmed: u64,
}

impl Held {
    /// True if the grant counts as it stood when it left its place at this time: it had ended by
    /// itself.
    fn had_ended(&self, left_ms: u64) -> bool {
        let end = self.terms.until.map(|until| until.max(self.confirmed));
        self.status != Status::Revoked && end.is_some_and(|end| end <= left_ms)
    }
}

/// Answer to a question about a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Nothing,
    Yes { links: usize, from: Option<u64>, until: Option<u64>, assurance: usize },
    No { link: usize, reason: Reason, since: Option<u64>, mender: Option<Who> },
}

/// State of all parties at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(super) time_ms: u64,
    pub(crate) held: Vec<Held>,
    /// Grants as they were after the last block but one.
    settled: Vec<Held>,
    /// Grants that left their places, as they last stood there, with the times at which they left.
    left: Vec<(Held, u64)>,
    pub(super) registered: Vec<Who>,
    deactivated: Vec<(Who, u64)>,
    /// Recognitions as (resource, entity, terms with the window, time of withdrawal).
    pub(super) recognised: Vec<(What, Who, Terms, Option<u64>)>,
    /// How often each place of each right was written.
    pub(crate) writes: BTreeMap<(What, Who, usize), u64>,
    /// How often each recognition was written.
    pub(super) recognitions: BTreeMap<(What, Who), u64>,
}

impl World {
    /// Returns the world after all events up to `time_ms`. `ranks` is the order of the parties'
    /// DIDs.
    pub(crate) fn at(events: &[Event], ranks: &[usize], time_ms: u64) -> Self {
        let mut world = Self::default();
        for (number, event) in events.iter().enumerate() {
            if event.time_ms <= time_ms {
                if world.time_ms < event.time_ms {
                    world.settled = world.held.clone();
                }
                world.time_ms = event.time_ms;
                world.follow(number, event, ranks);
            }
        }
        world.time_ms = time_ms;
        world
    }

    fn follow(&mut self, number: usize, event: &Event, ranks: &[usize]) {
        let Event { time_ms, by, deed } = *event;
        match deed {
            Deed::Register => self.registered.push(by),
            Deed::Deactivate => self.deactivated.push((by, time_ms)),
            Deed::Grant(what, entity, parent, terms) => {
                let place = self.place(what, entity, by, ranks).expect("room");
                let gone = |held: &Held| (held.what, held.entity, held.place);
                let is_gone = |held: &&Held| gone(held) == (what, entity, place);
                // A grant that came and left within one block was never seen.
                self.left.extend(self.settled.iter().filter(is_gone).map(|held| (*held, time_ms)));
                self.settled.retain(|held| gone(held) != (what, entity, place));
                self.held.retain(|held| gone(held) != (what, entity, place));
                let (status, since, suspended) = (Status::Active, time_ms, None);
                self.held.push(Held {
                    event: number,
                    place,
                    grantor: by,
                    what,
                    entity,
                    parent,
                    terms,
                    status,
                    since,
                    suspended,
                    confirmed: time_ms,
                });
                *self.writes.entry((what, entity, place)).or_default() += 1;
            }
            Deed::Change(what, entity, parent, terms) => {
                self.write(by, what, entity, |held| {
                    (held.terms, held.parent, held.confirmed) = (terms, parent, time_ms);
                });
            }
            Deed::Suspend(what, entity) => self.write(by, what, entity, |held| {
                let again = held.status == Status::Suspended;
                held.since = if again { held.since } else { time_ms };
                (held.status, held.suspended) = (Status::Suspended, Some(number));
            }),
            Deed::Resume(what, entity) => self.write(by, what, entity, |held| {
                (held.status, held.since, held.suspended) = (Status::Active, time_ms, None);
            }),
            Deed::Revoke(what, entity) => self.write(by, what, entity, |held| {
                (held.status, held.since, held.suspended) = (Status::Revoked, time_ms, None);
            }),
            Deed::Recognise(what, entity, terms) => {
                self.recognised.retain(|(w, e, ..)| (*w, *e) != (what, entity));
                self.recognised.push((what, entity, terms, None));
                *self.recognitions.entry((what, entity)).or_default() += 1;
            }
            Deed::Derecognise(what, entity) => {
                *self.recognitions.entry((what, entity)).or_default() += 1;
                for (w, e, _, end) in &mut self.recognised {
                    if (*w, *e) == (what, entity) {
                        *end = Some(time_ms);
                    }
                }
            }
        }
    }

    fn write(&mut self, by: Who, what: What, entity: Who, change: impl FnOnce(&mut Held)) {
        let is = |held: &&mut Held| (held.grantor, held.what, held.entity) == (by, what, entity);
        let held = self.held.iter_mut().find(is).expect("a grant");
        change(held);
        *self.writes.entry((what, entity, held.place)).or_default() += 1;
    }

    /// Returns the present grant of a right by a grantor.
    pub(crate) fn by(&self, grantor: Who, what: What, entity: Who) -> Option<&Held> {
        let is = |held: &&Held| (held.grantor, held.what, held.entity) == (grantor, what, entity);
        self.held.iter().find(is)
    }

    /// Returns the place that a new grant takes: that of the author's own grant, or a free one, or
    /// that of the first of three grants by others that has lost its effect.
    pub(super) fn place(
        &self,
        what: What,
        entity: Who,
        by: Who,
        ranks: &[usize],
    ) -> Result<usize, Code> {
        if let Some(own) = self.by(by, what, entity) {
            let ended = own.terms.until.is_some_and(|until| until <= self.time_ms);
            let replaces = ended || own.status == Status::Revoked;
            return if replaces { Ok(own.place) } else { Err(Code::TrustExists) };
        }
        if by == AUTHORITY {
            return Ok(0);
        }
        let same = |held: &&Held| (held.what, held.entity) == (what, entity);
        let others = self.held.iter().filter(same).filter(|held| held.grantor != AUTHORITY);
        let mut others: Vec<Held> = others.copied().collect();
        if let Some(free) = (1..4).find(|place| others.iter().all(|held| held.place != *place)) {
            return Ok(free);
        }
        others.sort_by_key(|held| ranks[held.grantor]);
        let is_lost = |held: &&Held| {
            let lasting = |reason| {
                matches!(reason, Reason::ParentGone | Reason::Revoked | Reason::EntityDeactivated)
            };
            // Who builds a block sees the present grants alone.
            let verdict = Self { left: Vec::new(), ..self.clone() }.verdict(held);
            let lost = matches!(verdict, Verdict::No { reason, .. } if lasting(reason));
            lost || held.status == Status::Revoked
        };
        others.iter().find(is_lost).map(|lost| lost.place).ok_or(Code::TrustFull)
    }

    /// Returns the grants from this one up, and whether they reach the authority.
    pub(super) fn path(&self, last: &Held) -> (Vec<Held>, bool) {
        let mut path = vec![*last];
        let (mut above, mut below) = (last.parent, *last);
        while let Some(parent) = above {
            let is = |held: &&Held| Some(held.event) == parent.made;
            let left = self.left.iter().filter(|(held, _)| is(&held));
            let mut left = left
                .filter(|(held, left_ms)| below.confirmed < *left_ms && held.had_ended(*left_ms));
            let left = left.next().map(|(held, _)| held);
            let Some(next) = self.held.iter().find(is).or(left) else {
                return (path, false);
            };
            path.push(*next);
            (above, below) = (next.parent, *next);
        }
        (path, true)
    }

    /// Returns whether a chain is live now.
    pub(crate) fn verdict(&self, last: &Held) -> Verdict {
        let (mut path, whole) = self.path(last);
        path.reverse();
        if !whole {
            let (reason, mender) = (Reason::ParentGone, Some(path[0].grantor));
            return Verdict::No { link: 0, reason, since: None, mender };
        }
        for (link, held) in path.iter().enumerate() {
            if let Some((reason, since)) = self.fault(held, path.len() - link - 1) {
                let lasting = reason == Reason::EntityDeactivated;
                let mender = if lasting { None } else { Some(held.grantor) };
                return Verdict::No { link, reason, since, mender };
            }
        }
        Verdict::Yes {
            links: path.len(),
            from: path.iter().filter_map(|held| held.terms.from).max(),
            until: path.iter().filter_map(|held| held.terms.until).min(),
            assurance: path.iter().map(|held| held.terms.assurance).min().expect("a link"),
        }
    }

    fn fault(&self, held: &Held, beneath: usize) -> Option<(Reason, Option<u64>)> {
        match held.status {
            Status::Suspended => return Some((Reason::Suspended, Some(held.since))),
            Status::Revoked => return Some((Reason::Revoked, Some(held.since))),
            Status::Active => {}
        }
        if let Some(outside) = self.outside(&held.terms) {
            return Some(outside);
        }
        if beneath > held.terms.depth {
            return Some((Reason::TooDeep { max_depth: held.terms.depth, beneath }, None));
        }
        self.deactivation(held.entity).map(|time_ms| (Reason::EntityDeactivated, Some(time_ms)))
    }

    fn outside(&self, terms: &Terms) -> Option<(Reason, Option<u64>)> {
        if let Some(valid_from) = terms.from
            && self.time_ms < valid_from
        {
            return Some((Reason::NotYetValid { valid_from }, None));
        }
        if let Some(valid_until) = terms.until
            && self.time_ms >= valid_until
        {
            return Some((Reason::Expired { valid_until }, Some(valid_until)));
        }
        None
    }

    pub(super) fn deactivation(&self, who: Who) -> Option<u64> {
        self.deactivated.iter().find(|(each, _)| *each == who).map(|(_, time_ms)| *time_ms)
    }

    pub(super) fn authority(&self) -> Option<Verdict> {
        let no = |reason, since| Some(Verdict::No { link: 0, reason, since, mender: None });
        if !self.registered.contains(&AUTHORITY) {
            return no(Reason::AuthorityUnknown, None);
        }
        let deactivated = self.deactivation(AUTHORITY);
        deactivated.and_then(|time_ms| no(Reason::AuthorityDeactivated, Some(time_ms)))
    }

    /// Returns the verdict on a chain for a question that demands a minimum assurance of each
    /// grant.
    fn of_at_least(verdict: Verdict, path: &[Held], minimum: usize) -> Verdict {
        let low = |held: &Held| held.terms.assurance < minimum;
        match (verdict, path.iter().rev().position(low)) {
            (Verdict::Yes { .. }, Some(link)) => {
                let weak = path.iter().rev().find(|held| low(held)).expect("found above");
                let required = LEVELS[minimum].expect("more than none");
                let actual = LEVELS[weak.terms.assurance];
                let reason = Reason::AssuranceTooLow { actual, required };
                Verdict::No { link, reason, since: None, mender: Some(weak.grantor) }
            }
            (verdict, _) => verdict,
        }
    }

    /// Returns whether the entity has the right by a chain in which `through` granted something and
    /// each grant has at least the assurance `minimum`.
    pub(crate) fn ask(
        &self,
        what: What,
        entity: Who,
        (through, minimum): (Option<Who>, usize),
        ranks: &[usize],
    ) -> Verdict {
        if let Some(verdict) = self.authority() {
            return verdict;
        }
        let mut first = Verdict::Nothing;
        for pattern in COVERED_BY[what] {
            let mut all: Vec<&Held> = self.held.iter().collect();
            all.retain(|held| (held.what, held.entity) == (*pattern, entity));
            all.sort_by_key(|held| (held.grantor != AUTHORITY, ranks[held.grantor]));
            for held in all {
                let (path, _) = self.path(held);
                if through.is_some_and(|who| path.iter().all(|link| link.grantor != who)) {
                    continue;
                }
                let verdict = Self::of_at_least(self.verdict(held), &path, minimum);
                if matches!(verdict, Verdict::Yes { .. }) {
                    return verdict;
                }
                if first == Verdict::Nothing {
                    first = verdict;
                }
            }
        }
        first
    }

    /// Returns whether the authority recognises the entity, or the reason why not.
    pub(crate) fn ask_recognition(
        &self,
        what: What,
        entity: Who,
    ) -> Result<Option<Terms>, (Reason, Option<u64>)> {
        if let Some(Verdict::No { reason, since, .. }) = self.authority() {
            return Err((reason, since));
        }
        let mut first = Ok(None);
        for pattern in COVERED_BY[what] {
            for (w, e, terms, end) in &self.recognised {
                if (*w, *e) != (*pattern, entity) {
                    continue;
                }
                let gone = || Some((Reason::EntityDeactivated, Some(self.deactivation(entity)?)));
                let withdrawn = end.map(|time_ms| (Reason::Revoked, Some(time_ms)));
                match withdrawn.or_else(|| self.outside(terms)).or_else(gone) {
                    None => return Ok(Some(*terms)),
                    Some(fault) if first == Ok(None) => first = Err(fault),
                    Some(_) => {}
                }
            }
        }
        first
    }
}
