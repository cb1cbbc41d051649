//! Expected answers about agents, computed by a plain loop over everything that happened.
//!
//! Parties are numbers; actions and resources are bits. A delegation is identified by the event in
//! which its principal first delegated to the agent, and it names the event of the delegation above
//! it. The oracle has no records, parts or hashes, which the rules use instead.

use std::collections::BTreeMap;

use registry_core::code::Code;
use registry_core::trust::Reason;

pub(crate) type Who = usize;

pub(crate) const ACTIONS: [&str; 2] = ["read", "write"];

/// Resource patterns in ascending order.
pub(crate) const RESOURCES: [&str; 5] = ["*", "t/*", "t/a/*", "t/a/x", "t/b"];

/// Indices of the patterns that cover each resource.
const COVERED_BY: [&[usize]; 5] = [&[0], &[0, 1], &[0, 1, 2], &[0, 1, 2, 3], &[0, 1, 4]];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) actions: u8,
    pub(crate) resources: u8,
    pub(crate) from: Option<u64>,
    pub(crate) until: u64,
    pub(crate) depth: usize,
}

pub(crate) fn has(bits: u8, place: usize) -> bool {
    bits >> place & 1 == 1
}

impl Terms {
    fn covers(&self, resource: usize) -> bool {
        COVERED_BY[resource].iter().any(|pattern| has(self.resources, *pattern))
    }

    /// Returns true if `other` allows no more than these terms.
    fn holds(&self, other: &Self) -> bool {
        (0..ACTIONS.len()).all(|action| !has(other.actions, action) || has(self.actions, action))
            && (0..RESOURCES.len()).all(|each| !has(other.resources, each) || self.covers(each))
            && other.until <= self.until
            && other.from.is_none_or(|from| self.from.is_none_or(|least| least <= from))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Register,
    Deactivate,
    /// Delegates to an agent. The second field is the event that made the delegation to the author,
    /// if the author is an agent.
    Delegate(Who, Option<usize>, Terms),
    Suspend(Who),
    Resume(Who),
    Revoke(Who),
}

/// What a deed depends on, as its signer saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The deed depends on nothing.
    Nothing,
    /// How often the delegation to the agent was written, 0 if it never was; of a deactivation how
    /// often the sets of the party were.
    Written(u64),
    /// Event that suspended the delegation; `None` if it is not suspended.
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

/// Present state of a delegation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Event in which the principal first delegated to the agent.
    pub(crate) made: usize,
    pub(crate) principal: Who,
    /// Event of the principal's own delegation at the time when this one was last written.
    pub(crate) rests_on: Option<usize>,
    pub(crate) terms: Terms,
    pub(crate) status: Status,
    pub(crate) since: u64,
    pub(crate) by: Who,
    /// Event that suspended the delegation, if it is suspended.
    pub(crate) suspended: Option<usize>,
}

/// Answer to a question about an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Nothing,
    Yes { links: usize, principal: Who },
    No { link: usize, reason: Reason, since: Option<u64> },
}

type Fault = (usize, Reason, Option<u64>);

/// State of all parties at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) time_ms: u64,
    pub(crate) held: BTreeMap<Who, Held>,
    pub(crate) deactivated: BTreeMap<Who, u64>,
    /// How often the delegation to each agent was written.
    pub(crate) writes: BTreeMap<Who, u64>,
}

impl World {
    /// Returns the world after all events up to `time_ms`.
    pub(crate) fn at(events: &[Event], time_ms: u64) -> Self {
        let mut world = Self::default();
        for (number, event) in events.iter().enumerate() {
            if event.time_ms <= time_ms {
                world.follow(number, event);
            }
        }
        world.time_ms = time_ms;
        world
    }

    fn follow(&mut self, number: usize, event: &Event) {
        let Event { time_ms, by, deed } = *event;
        let (agent, status) = match deed {
            Deed::Register => return,
            Deed::Deactivate => {
                self.deactivated.insert(by, time_ms);
                return;
            }
            Deed::Delegate(agent, rests_on, terms) => {
                let new = Held {
                    made: number,
                    principal: by,
                    rests_on,
                    terms,
                    status: Status::Active,
                    since: time_ms,
                    by,
                    suspended: None,
                };
                let kept = self.held.get(&agent).filter(|held| held.binds(time_ms));
                let held = kept.map_or(new, |kept| Held { rests_on, terms, ..*kept });
                self.held.insert(agent, held);
                *self.writes.entry(agent).or_default() += 1;
                return;
            }
            Deed::Suspend(agent) => (agent, Status::Suspended),
            Deed::Resume(agent) => (agent, Status::Active),
            Deed::Revoke(agent) => (agent, Status::Revoked),
        };
        *self.writes.entry(agent).or_default() += 1;
        let held = self.held.get_mut(&agent).expect("a delegation");
        held.since = if held.status == status { held.since } else { time_ms };
        (held.status, held.by) = (status, by);
        held.suspended = (status == Status::Suspended).then_some(number);
    }

    /// Returns the agents with their delegations from the first one below the topmost principal
    /// down to this one.
    fn path(&self, agent: Who) -> Vec<(Who, Held)> {
        let mut path = Vec::new();
        let mut next = Some(agent);
        while let Some((who, held)) = next.and_then(|who| Some((who, *self.held.get(&who)?))) {
            assert!(path.len() < 8, "{who} stands above itself");
            path.insert(0, (who, held));
            next = held.rests_on.map(|_| held.principal);
        }
        path
    }

    /// Returns the first link from above that is not live.
    fn fault(&self, path: &[(Who, Held)]) -> Option<Fault> {
        let (_, top) = path.first()?;
        if let Some(since) = self.deactivated.get(&top.principal) {
            return Some((0, Reason::AuthorityDeactivated, Some(*since)));
        }
        let mut above = None;
        for (link, (agent, held)) in path.iter().enumerate() {
            let Held { terms, since, .. } = *held;
            let (max_depth, beneath) = (terms.depth, path.len() - 1 - link);
            let fault = |reason, since| Some((link, reason, since));
            match held.status {
                Status::Suspended => return fault(Reason::Suspended, Some(since)),
                Status::Revoked => return fault(Reason::Revoked, Some(since)),
                Status::Active => {}
            }
            if let Some(valid_from) = terms.from.filter(|from| self.time_ms < *from) {
                return fault(Reason::NotYetValid { valid_from }, None);
            }
            if self.time_ms >= terms.until {
                let valid_until = terms.until;
                return fault(Reason::Expired { valid_until }, Some(valid_until));
            }
            if beneath > max_depth {
                return fault(Reason::TooDeep { max_depth, beneath }, None);
            }
            if held.rests_on != above {
                return fault(Reason::ParentGone, None);
            }
            if let Some(since) = self.deactivated.get(agent) {
                return fault(Reason::EntityDeactivated, Some(*since));
            }
            above = Some(held.made);
        }
        None
    }

    pub(crate) fn verify(&self, agent: Who, action: usize, resource: usize) -> Verdict {
        let path = self.path(agent);
        let Some((_, top)) = path.first() else { return Verdict::Nothing };
        let lacks = |(_, held): &(Who, Held)| {
            !has(held.terms.actions, action) || !held.terms.covers(resource)
        };
        let lacking = || Some((path.iter().position(lacks)?, Reason::NotDelegated, None));
        match self.fault(&path).or_else(lacking) {
            Some((link, reason, since)) => Verdict::No { link, reason, since },
            None => Verdict::Yes { links: path.len(), principal: top.principal },
        }
    }

    /// Returns the event that made the delegation to a party, if the party is an agent.
    pub(crate) fn own(&self, who: Who) -> Option<usize> {
        let own = self.held.get(&who).filter(|own| own.status != Status::Revoked);
        own.map(|own| own.made)
    }

    /// Returns what a deed depends on now.
    pub(crate) fn seen(&self, by: Who, deed: Deed) -> Seen {
        match deed {
            Deed::Deactivate => Seen::Written(1 + u64::from(self.deactivated.contains_key(&by))),
            Deed::Delegate(agent, ..) => {
                Seen::Written(self.writes.get(&agent).copied().unwrap_or_default())
            }
            Deed::Resume(agent) => {
                Seen::Event(self.held.get(&agent).and_then(|held| held.suspended))
            }
            Deed::Register | Deed::Suspend(_) | Deed::Revoke(_) => Seen::Nothing,
        }
    }

    /// Returns the code with which a signed deed is refused now.
    pub(crate) fn refusal(&self, signed: &Signed) -> Option<Code> {
        let Signed { by, deed, seen, until } = *signed;
        let gone = |who: Who| self.deactivated.contains_key(&who);
        match deed {
            Deed::Delegate(agent, ..) if agent == by => return Some(Code::AgentCycle),
            _ if until.is_some_and(|until| until < self.time_ms) => return Some(Code::UntilPassed),
            _ => {}
        }
        match (seen, self.seen(by, deed)) {
            // What is not there cannot be named, and other rules refuse the deed.
            (Seen::Event(_), Seen::Event(None)) => {}
            (Seen::Written(0), now) if now != seen => return Some(Code::AlreadyExists),
            (_, now) if now != seen => return Some(Code::GuardStale),
            _ => {}
        }
        match deed {
            _ if gone(by) => Some(Code::DidDeactivated),
            Deed::Delegate(agent, ..) if gone(agent) => Some(Code::DidDeactivated),
            Deed::Delegate(agent, beneath, terms) => {
                self.refused_delegation(by, agent, beneath, terms)
            }
            Deed::Suspend(agent) | Deed::Resume(agent) | Deed::Revoke(agent) => {
                self.refused_step(by, agent, deed)
            }
            Deed::Register | Deed::Deactivate => None,
        }
    }

    fn refused_delegation(
        &self,
        by: Who,
        agent: Who,
        beneath: Option<usize>,
        terms: Terms,
    ) -> Option<Code> {
        let bound = self.held.get(&agent).filter(|held| held.binds(self.time_ms));
        if bound.is_some_and(|held| held.principal != by) {
            return Some(Code::AgentBound);
        }
        if beneath != self.own(by) {
            return Some(Code::AgentChain);
        }
        beneath?;
        let path = self.path(by);
        if self.fault(&path).is_some() {
            return Some(Code::AgentChain);
        }
        if path.iter().any(|(_, held)| held.principal == agent) {
            return Some(Code::AgentCycle);
        }
        let too_deep = |link: usize| path.len() - link + terms.depth > path[link].1.terms.depth;
        if (0..path.len()).any(too_deep) {
            return Some(Code::AgentDepth);
        }
        let narrower = path.iter().any(|(_, held)| !held.terms.holds(&terms));
        narrower.then_some(Code::AgentBeyondPrincipal)
    }

    fn refused_step(&self, by: Who, agent: Who, deed: Deed) -> Option<Code> {
        let Some(held) = self.held.get(&agent) else { return Some(Code::AgentNotFound) };
        let above: Vec<Who> = self.path(agent).iter().map(|(_, held)| held.principal).collect();
        let place = |who: Who| above.iter().position(|each| *each == who);
        let resigns = by == agent && matches!(deed, Deed::Revoke(_));
        if !resigns && place(by).is_none() {
            return Some(Code::AgentNotAllowed);
        }
        let fits = match deed {
            Deed::Resume(_) => held.status == Status::Suspended,
            _ => held.status != Status::Revoked,
        };
        if !fits {
            return Some(Code::AgentStatus);
        }
        let outranked = place(held.by).is_some_and(|theirs| place(by) > Some(theirs));
        let lifts = held.status == Status::Suspended && !matches!(deed, Deed::Revoke(_));
        (lifts && outranked).then_some(Code::AgentNotAllowed)
    }
}

impl Held {
    /// Returns true if the delegation prevents the agent from having another principal.
    fn binds(&self, time_ms: u64) -> bool {
        self.status != Status::Revoked && time_ms < self.terms.until
    }
}
