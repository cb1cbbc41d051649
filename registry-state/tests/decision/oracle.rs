//! What a verifier should be told: a plain loop over everything that happened.

use registry_core::decision::StepName;
use registry_core::trust::Assurance;

/// A place in the chain: authority, accreditor, issuer, principal, agent.
pub(crate) type Who = usize;

pub(crate) const AUTHORITY: Who = 0;
pub(crate) const ACCREDITOR: Who = 1;
pub(crate) const ISSUER: Who = 2;
pub(crate) const PRINCIPAL: Who = 3;
pub(crate) const AGENT: Who = 4;
pub(crate) const PARTIES: usize = 5;

/// The grants: link n is by party n to party n + 1.
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
    /// The key counts until this time, which may be past.
    MarkStolen(u64),
    RemoveKey,
    /// Until this time.
    Delegate(u64),
    TurnAgent(Status),
}

/// Something that was done, at the time of its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) time_ms: u64,
    pub(crate) deed: Deed,
}

/// The issuer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Key {
    #[default]
    Good,
    Stolen(u64),
    Removed,
}

/// The world at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) registered: [bool; PARTIES],
    pub(crate) deactivated: [bool; PARTIES],
    /// None before they are published.
    pub(crate) schema: Option<Status>,
    pub(crate) kind: Option<Status>,
    pub(crate) links: [Option<Status>; LINKS],
    /// Whether the entry is set.
    pub(crate) list: Option<bool>,
    pub(crate) key: Key,
    pub(crate) agent: Option<(Status, u64)>,
}

/// What is asked besides the two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) by_schema: bool,
    pub(crate) with_status: bool,
    pub(crate) with_agent: bool,
    pub(crate) minimum: Option<Assurance>,
}

/// What link n states: less, the further down.
pub(crate) const ASSURANCE: [Assurance; LINKS] =
    [Assurance::High, Assurance::Substantial, Assurance::Substantial];

/// What the type wants.
pub(crate) const WANTED: Assurance = Assurance::Low;

impl World {
    /// After all that happened until then.
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
                Deed::MarkStolen(since) => world.key = Key::Stolen(since),
                Deed::RemoveKey => world.key = Key::Removed,
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

    /// Whether party `who` has the right to issue.
    pub(crate) fn has_right(&self, who: Who) -> bool {
        (0..=who).all(|each| self.is_active(each))
            && self.links[..who].iter().all(|link| *link == Some(Status::Active))
    }
}

/// Which steps are ok, for a credential issued `then`, asked about `now`.
pub(crate) fn verdicts(then: &World, now: &World, issued_ms: u64, asked: Asked) -> Vec<bool> {
    let active = Some(Status::Active);
    let has_type = then.kind == active;
    // Without a type that is known there is nothing to have a right to.
    let named = !asked.by_schema || then.schema.is_some();
    let revealed = match now.key {
        Key::Stolen(since) => !now.deactivated[ISSUER] && since <= issued_ms,
        Key::Good | Key::Removed => false,
    };
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
        then.schema == active && (has_type || asked.by_schema),
        named && then.has_right(ISSUER),
        stated.then_some(ASSURANCE[0].min(ASSURANCE[1])) >= required,
        if asked.with_status { now.list == Some(false) } else { !has_type },
    ];
    if asked.with_agent {
        steps.push(named && agent_then && then.has_right(PRINCIPAL) && stands);
    }
    steps
}

/// In the order of [`verdicts`].
pub(crate) const STEPS: [StepName; 7] = [
    StepName::Issuer,
    StepName::Key,
    StepName::Type,
    StepName::Authorization,
    StepName::Assurance,
    StepName::Status,
    StepName::Agent,
];
