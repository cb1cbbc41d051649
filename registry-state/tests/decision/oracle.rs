//! Expected decisions of a verifier, computed by a plain loop over everything that happened.

use registry_core::decision::StepName;
use registry_core::trust::Assurance;

/// Index of a party in the chain: authority, accreditor, issuer, principal, agent.
pub(crate) type Who = usize;

pub(crate) const AUTHORITY: Who = 0;
pub(crate) const ACCREDITOR: Who = 1;
pub(crate) const ISSUER: Who = 2;
pub(crate) const PRINCIPAL: Who = 3;
pub(crate) const AGENT: Who = 4;
pub(crate) const PARTIES: usize = 5;

/// Number of grants. Link n is the grant by party n to party n + 1.
pub(crate) const LINKS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Suspended,
    Revoked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Register(Who),
    Deactivate(Who),
    PublishSchema,
    WithdrawSchema,
    PublishType,
    WithdrawType,
    Grant(usize),
    Turn(usize, Status),
    OpenList,
    SetEntry,
    /// Marks the key as stolen. It counts until this time, which may be in the past.
    MarkStolen(u64),
    RemoveKey,
    /// Lists the key again as if it were not stolen.
    ReturnKey,
    /// Delegates to the agent until this time.
    Delegate(u64),
    TurnAgent(Status),
}

/// A deed with its block time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) time_ms: u64,
    pub(crate) deed: Deed,
}

/// State of the issuer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Key {
    #[default]
    Good,
    Stolen(u64),
    Removed,
}

/// State of all parties at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) registered: [bool; PARTIES],
    pub(crate) deactivated: [bool; PARTIES],
    /// `None` before the schema is published; the next field is the same for the type.
    pub(crate) schema: Option<Status>,
    pub(crate) kind: Option<Status>,
    pub(crate) links: [Option<Status>; LINKS],
    /// `None` before the list exists, then whether the entry is set.
    pub(crate) list: Option<bool>,
    pub(crate) key: Key,
    /// Time from which the key is marked as stolen, whatever the document says since.
    pub(crate) marked: Option<u64>,
    pub(crate) agent: Option<(Status, u64)>,
}

/// Parts of the query besides the two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) by_schema: bool,
    pub(crate) with_status: bool,
    pub(crate) with_agent: bool,
    pub(crate) minimum: Option<Assurance>,
}

/// Assurance that each link states. It falls towards the end of the chain.
pub(crate) const ASSURANCE: [Assurance; LINKS] =
    [Assurance::High, Assurance::Substantial, Assurance::Substantial];

/// Assurance that the credential type demands.
pub(crate) const WANTED: Assurance = Assurance::Low;

impl World {
    /// Returns the world after all events up to `time_ms`.
    pub(crate) fn at(events: &[Event], time_ms: u64) -> Self {
        let mut world = Self::default();
        for event in events.iter().filter(|event| event.time_ms <= time_ms) {
            match event.deed {
                Deed::Register(who) => world.registered[who] = true,
                Deed::Deactivate(who) => world.deactivated[who] = true,
                Deed::PublishSchema => world.schema = Some(Status::Active),
                Deed::WithdrawSchema => world.schema = Some(Status::Revoked),
                Deed::PublishType => world.kind = Some(Status::Active),
                Deed::WithdrawType => world.kind = Some(Status::Revoked),
                Deed::Grant(link) => world.links[link] = Some(Status::Active),
                Deed::Turn(link, status) => world.links[link] = Some(status),
                Deed::OpenList => world.list = Some(false),
                Deed::SetEntry => world.list = Some(true),
                Deed::MarkStolen(since) => {
                    world.key = Key::Stolen(since);
                    world.marked = Some(world.marked.map_or(since, |before| before.min(since)));
                }
                Deed::RemoveKey => world.key = Key::Removed,
                Deed::ReturnKey => world.key = Key::Good,
                Deed::Delegate(until) => world.agent = Some((Status::Active, until)),
                Deed::TurnAgent(status) => {
                    world.agent = world.agent.map(|(_, until)| (status, until));
                }
            }
        }
        world
    }

    fn is_active(&self, who: Who) -> bool {
        self.registered[who] && !self.deactivated[who]
    }

    /// Returns true if party `who` has the right to issue.
    pub(crate) fn has_right(&self, who: Who) -> bool {
        (0..=who).all(|each| self.is_active(each))
            && self.links[..who].iter().all(|link| *link == Some(Status::Active))
    }
}

/// Returns which steps succeed for a credential issued in the world `then` and judged in `now`.
pub(crate) fn verdicts(then: &World, now: &World, issued_ms: u64, asked: Asked) -> Vec<bool> {
    let active = Some(Status::Active);
    let has_type = then.kind == active;
    // The right depends on the type's name, so there is no right without a known type.
    let named = !asked.by_schema || then.schema.is_some();
    let marked = now.marked.filter(|_| !now.deactivated[ISSUER]);
    let revealed = marked.is_some_and(|since| since <= issued_ms);
    let stated = named && then.is_active(AUTHORITY) && then.links[1].is_some();
    let required = asked.minimum.max(has_type.then_some(WANTED));
    let agent_then = match then.agent {
        Some((status, until)) => {
            status == Status::Active && issued_ms < until && then.is_active(AGENT)
        }
        None => false,
    };
    let stands = now.is_active(PRINCIPAL)
        && now.links[2] == active
        && now.agent.is_some_and(|(status, _)| status == Status::Active);
    let mut steps = vec![
        then.is_active(ISSUER) && now.is_active(ISSUER),
        then.is_active(ISSUER) && then.key == Key::Good && !revealed,
        // A type that was withdrawn is missed, whether the question names it or the schema alone.
        then.schema == active && (has_type || asked.by_schema && then.kind.is_none()),
        named && then.has_right(ISSUER),
        stated.then_some(ASSURANCE[0].min(ASSURANCE[1])) >= required,
        if asked.with_status { now.list == Some(false) } else { !has_type },
    ];
    if asked.with_agent {
        steps.push(named && agent_then && then.has_right(PRINCIPAL) && stands);
    }
    steps
}

/// Steps in the order in which [`verdicts`] returns them.
pub(crate) const STEPS: [StepName; 7] = [
    StepName::Issuer,
    StepName::Key,
    StepName::Type,
    StepName::Authorization,
    StepName::Assurance,
    StepName::Status,
    StepName::Agent,
];
