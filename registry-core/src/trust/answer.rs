//! The answer to every question of the registry, for rules, queries and verifiers alike: a pure
//! function of the records in force at one moment (docs/protocol/trust.md, section "The answer").

use super::{Assurance, Grant, GrantStatus, Grants, Recognition};
use crate::did::DidValue;
use crate::id::{Did, NetworkName};
use crate::limits::TRUST_CHAIN_MAX;
use crate::names::{EntityId, TrustKey};
use crate::record::{Entry, RecordKey, RecordView, StoreError};
use crate::time::TimeMs;

/// A question. The view says of which moment.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'q> {
    /// The network's name in DIDs.
    pub network: &'q NetworkName,
    /// Which right of whom, under which authority.
    pub key: &'q TrustKey,
    /// Only chains in which this DID granted something count (TA5).
    pub through: Option<&'q Did>,
    /// Only chains of at least this assurance count (TA7).
    pub minimum: Option<Assurance>,
    /// The moment in ms since 1970.
    pub time_ms: u64,
}

/// One grant of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Of which right, to whom.
    pub key: TrustKey,
    /// The grant.
    pub grant: Grant,
    /// Version of its record.
    pub version: u64,
}

/// Why a link, or the authority above all links, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The authority is not registered.
    #[error("not registered")]
    AuthorityUnknown,
    /// The authority is deactivated.
    #[error("the authority is deactivated")]
    AuthorityDeactivated,
    /// What the link was granted from is not there any more, or was granted anew since.
    #[error("what it was granted from is gone or was granted anew")]
    ParentGone,
    /// Its grantor suspended it.
    #[error("suspended")]
    Suspended,
    /// Its grantor revoked it.
    #[error("revoked")]
    Revoked,
    /// Its window begins later.
    #[error("valid from {} only", TimeMs(*valid_from).millis())]
    NotYetValid {
        /// When, in ms.
        valid_from: u64,
    },
    /// Its window has ended.
    #[error("valid until {}", TimeMs(*valid_until).millis())]
    Expired {
        /// When, in ms.
        valid_until: u64,
    },
    /// More links follow beneath it than it allows.
    #[error("{beneath} grants follow beneath it, it allows {max_depth}")]
    TooDeep {
        /// How many it allows.
        max_depth: usize,
        /// How many follow.
        beneath: usize,
    },
    /// It does not delegate what is asked for; of agents alone.
    #[error("what is asked for is not delegated")]
    NotDelegated,
    /// Its entity is deactivated.
    #[error("its entity is deactivated")]
    EntityDeactivated,
    /// It states less assurance than is asked for.
    #[error("assurance {}, {} is required", assurance_name(*actual), required.name())]
    AssuranceTooLow {
        /// What it states.
        actual: Option<Assurance>,
        /// What was asked for.
        required: Assurance,
    },
}

fn assurance_name(assurance: Option<Assurance>) -> &'static str {
    assurance.map_or("none", Assurance::name)
}

impl Reason {
    /// Whether the chain stays broken unless one of those in it grants or changes anew.
    pub fn is_lasting(self) -> bool {
        matches!(self, Self::ParentGone | Self::Revoked | Self::EntityDeactivated)
    }
}

/// The first broken link of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its place in the chain, from the authority down.
    pub link: usize,
    /// What is wrong with it.
    pub reason: Reason,
    /// Since when, in ms, where a record says so.
    pub since: Option<u64>,
    /// Who can mend it; nobody can mend a deactivation.
    pub mender: Option<Did>,
}

/// The grants from the authority down to the entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// From the authority down.
    pub links: Vec<Link>,
    /// Why it is not live, if it is not.
    pub broken: Option<Broken>,
    /// The latest beginning of its windows (ms).
    pub valid_from: Option<u64>,
    /// The earliest end of its windows (ms).
    pub valid_until: Option<u64>,
    /// The least assurance of its grants.
    pub assurance: Option<Assurance>,
}

impl Chain {
    /// Whether every link counts.
    pub fn is_live(&self) -> bool {
        self.broken.is_none()
    }

    /// Whether this DID granted one of its links.
    pub fn passes(&self, grantor: &Did) -> bool {
        self.links.iter().any(|link| link.grant.grantor == *grantor)
    }

    /// TA7: a live chain of less assurance than is asked for is broken where it states less.
    fn of_at_least(mut self, minimum: Option<Assurance>) -> Self {
        if self.is_live() && self.assurance < minimum {
            self.broken = self.links.iter().zip(0..).find_map(|(link, place)| {
                let (actual, required) = (link.grant.conditions.assurance, minimum?);
                (actual < minimum).then(|| Broken {
                    link: place,
                    reason: Reason::AssuranceTooLow { actual, required },
                    since: None,
                    mender: Some(link.grant.grantor.clone()),
                })
            });
        }
        self
    }

    fn new(links: Vec<Link>, broken: Option<Broken>) -> Self {
        let conditions = || links.iter().map(|link| &link.grant.conditions);
        Self {
            valid_from: conditions().filter_map(|each| each.valid_from).max(),
            valid_until: conditions().filter_map(|each| each.valid_until).min(),
            assurance: conditions().map(|each| each.assurance).min().flatten(),
            broken,
            links,
        }
    }

    fn without_links(reason: Reason, since: Option<u64>) -> Self {
        Self::new(Vec::new(), Some(Broken { link: 0, reason, since, mender: None }))
    }
}

/// What the registry says of a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The live chain; else the first that might have been; none where nothing was ever granted.
    pub chain: Option<Chain>,
}

impl Answer {
    /// Whether the entity has the right.
    pub fn is_authorised(&self) -> bool {
        self.chain.as_ref().is_some_and(Chain::is_live)
    }
}

/// TA1: whether the entity has the right, and by which chain.
pub fn ask(view: &dyn RecordView, asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let key = asked.key;
    if let Some((reason, since)) = authority_fault(view, asked.network, &key.authority)? {
        return Ok(Answer { chain: Some(Chain::without_links(reason, since)) });
    }
    let mut broken = None;
    for resource in key.resource.covering() {
        let Some((grants, version)) = grants(view, &TrustKey { resource, ..key.clone() })? else {
            continue;
        };
        let own = grants.by(&key.authority);
        let others = grants.grants.iter().filter(|grant| grant.grantor != key.authority);
        for grant in own.into_iter().chain(others) {
            let last = Link { key: grants.key(), grant: grant.clone(), version };
            let chain = chain(view, asked.network, last, asked.time_ms)?.of_at_least(asked.minimum);
            if asked.through.is_some_and(|grantor| !chain.passes(grantor)) {
                continue;
            }
            if chain.is_live() {
                return Ok(Answer { chain: Some(chain) });
            }
            broken = broken.or(Some(chain));
        }
    }
    Ok(Answer { chain: broken })
}

/// What the registry says of a recognition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The recognition that counts, else the first that might have.
    pub recognition: Option<Recognition>,
    /// Why it does not count, and since when.
    pub broken: Option<(Reason, Option<u64>)>,
}

impl Recognised {
    /// Whether one counts.
    pub fn is_recognised(&self) -> bool {
        self.recognition.is_some() && self.broken.is_none()
    }
}

/// TA6: whether the authority recognises the entity.
pub fn ask_recognition(view: &dyn RecordView, asked: &Asked<'_>) -> Result<Recognised, StoreError> {
    let key = asked.key;
    if let Some(fault) = authority_fault(view, asked.network, &key.authority)? {
        return Ok(Recognised { recognition: None, broken: Some(fault) });
    }
    let gone = entity_fault(view, asked.network, &key.entity)?;
    let mut first = Recognised { recognition: None, broken: None };
    for resource in key.resource.covering() {
        let record = RecordKey::recognition(&TrustKey { resource, ..key.clone() });
        let Some(entry) = view.entry(&record)? else { continue };
        let recognition: Recognition = entry.value()?;
        let window = (recognition.valid_from, recognition.valid_until);
        let broken = match recognition.withdrawn {
            true => Some((Reason::Revoked, Some(recognition.since))),
            false => window_fault(window, asked.time_ms).or(gone),
        };
        let found = Recognised { recognition: Some(recognition), broken };
        if found.is_recognised() {
            return Ok(found);
        }
        if first.recognition.is_none() {
            first = found;
        }
    }
    Ok(first)
}

/// TA2: the chain of a grant.
pub fn chain(
    view: &dyn RecordView,
    network: &NetworkName,
    last: Link,
    time_ms: u64,
) -> Result<Chain, StoreError> {
    let mut links = vec![last];
    let mut orphan = false;
    while let Some(below) = links.last().filter(|link| link.grant.grantor != link.key.authority) {
        match parent(view, below)? {
            Some(link) if links.len() < TRUST_CHAIN_MAX => links.push(link),
            _ => {
                orphan = true;
                break;
            }
        }
    }
    links.reverse();
    let mut broken = orphan.then(|| Broken {
        link: 0,
        reason: Reason::ParentGone,
        since: None,
        mender: links.first().map(|link| link.grant.grantor.clone()),
    });
    for (index, link) in links.iter().enumerate() {
        if broken.is_some() {
            break;
        }
        let beneath = links.len().saturating_sub(index).saturating_sub(1);
        broken = link_fault(view, network, link, beneath, time_ms)?.map(|(reason, since)| {
            let lasting = matches!(reason, Reason::EntityDeactivated);
            let mender = Some(link.grant.grantor.clone()).filter(|_| !lasting);
            Broken { link: index, reason, since, mender }
        });
    }
    Ok(Chain::new(links, broken))
}

/// The grant from which the one below was granted, unless it was replaced since.
fn parent(view: &dyn RecordView, below: &Link) -> Result<Option<Link>, StoreError> {
    let Some(parent) = &below.grant.parent else { return Ok(None) };
    let key = TrustKey {
        authority: below.key.authority.clone(),
        action: below.key.action.clone(),
        resource: parent.resource.clone(),
        entity: EntityId::from(&below.grant.grantor),
    };
    let Some((grants, version)) = grants(view, &key)? else { return Ok(None) };
    let grant = grants.by(&parent.grantor).filter(|grant| grant.granted <= below.grant.confirmed);
    Ok(grant.map(|grant| Link { key, grant: grant.clone(), version }))
}

/// A record of grants and its version.
pub fn grants(view: &dyn RecordView, key: &TrustKey) -> Result<Option<(Grants, u64)>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::grant(key))? else { return Ok(None) };
    let grants: Grants = entry.value()?;
    Ok(Some((grants, entry.record.version)))
}

/// All grants of a right at the moment of a view.
pub(crate) fn grants_at(
    view: &dyn RecordView,
    key: &TrustKey,
) -> Result<Option<Grants>, StoreError> {
    Ok(grants(view, key)?.map(|(grants, _)| grants))
}

/// What is wrong with a link, and since when.
pub(crate) type Fault = Option<(Reason, Option<u64>)>;

/// A suffix names a record whatever the network before it, so the network is asked for here.
pub fn authority_fault(
    view: &dyn RecordView,
    network: &NetworkName,
    authority: &Did,
) -> Result<Fault, StoreError> {
    let unknown = Some((Reason::AuthorityUnknown, None));
    if authority.network != *network {
        return Ok(unknown);
    }
    Ok(match view.entry(&RecordKey::did(&authority.suffix))? {
        None => unknown,
        Some(entry) => {
            deactivated_at(&entry).map(|time_ms| (Reason::AuthorityDeactivated, Some(time_ms)))
        }
    })
}

/// A DID of this network may be deactivated; of others nothing is known.
fn entity_fault(
    view: &dyn RecordView,
    network: &NetworkName,
    entity: &EntityId,
) -> Result<Fault, StoreError> {
    let Some(did) = entity.local(network) else { return Ok(None) };
    let since = deactivated_since(view, &did)?;
    Ok(since.map(|time_ms| (Reason::EntityDeactivated, Some(time_ms))))
}

/// When a DID of this network was deactivated, in ms.
pub(crate) fn deactivated_since(
    view: &dyn RecordView,
    did: &Did,
) -> Result<Option<u64>, StoreError> {
    Ok(view.entry(&RecordKey::did(&did.suffix))?.as_ref().and_then(deactivated_at))
}

fn deactivated_at(entry: &Entry) -> Option<u64> {
    DidValue::is_deactivated(&entry.value.0).then_some(entry.record.time)
}

fn link_fault(
    view: &dyn RecordView,
    network: &NetworkName,
    link: &Link,
    beneath: usize,
    time_ms: u64,
) -> Result<Fault, StoreError> {
    let grant = &link.grant;
    let max_depth = grant.conditions.depth();
    Ok(match grant.status {
        GrantStatus::Suspended => Some((Reason::Suspended, Some(grant.since))),
        GrantStatus::Revoked => Some((Reason::Revoked, Some(grant.since))),
        GrantStatus::Active => {
            let window = (grant.conditions.valid_from, grant.conditions.valid_until);
            match window_fault(window, time_ms) {
                Some(fault) => Some(fault),
                None if beneath > max_depth => Some((Reason::TooDeep { max_depth, beneath }, None)),
                None => entity_fault(view, network, &link.key.entity)?,
            }
        }
    })
}

/// A time before or after a window.
pub(crate) fn window_fault((from, until): (Option<u64>, Option<u64>), time_ms: u64) -> Fault {
    match (from, until) {
        (Some(valid_from), _) if time_ms < valid_from => {
            Some((Reason::NotYetValid { valid_from }, None))
        }
        (_, Some(valid_until)) if valid_until <= time_ms => {
            Some((Reason::Expired { valid_until }, Some(valid_until)))
        }
        _ => None,
    }
}
