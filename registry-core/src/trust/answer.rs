//! Answers who holds which right at one moment, as a pure function of the records in force then
//! (docs/protocol/trust.md, section "The answer"). Rules, queries and verifiers all use it.

use super::{Assurance, Grant, GrantStatus, Grants, Recognition};
use crate::crypto::Hash;
use crate::did::says_deactivated;
use crate::id::{Did, NetworkName};
use crate::limits::TRUST_CHAIN_MAX;
use crate::names::{EntityId, TrustKey};
use crate::record::{Entry, PartId, RecordKey, RecordView, StoreError, last_holding, version_then};
use crate::time::TimeMs;

/// A question about a right or a recognition. It must be about the moment of the view that answers
/// it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'q> {
    /// Name of the network, by which its own DIDs are told from others.
    pub network: &'q NetworkName,
    /// Right that is asked for, together with authority and entity.
    pub key: &'q TrustKey,
    /// DID that must have granted a link of the chain (TA5); `None` if any chain counts.
    pub through: Option<&'q Did>,
    /// Minimum assurance level of the chain (TA7); `None` if any level counts.
    pub minimum: Option<Assurance>,
    /// Moment that the question is about, in Unix milliseconds.
    pub time_ms: u64,
}

/// One grant of a chain, with its right and its record version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Right that the grant gives, together with its entity.
    pub key: TrustKey,
    /// Grant that forms the link.
    pub grant: Grant,
    /// Version of the record that holds the grant.
    pub version: u64,
}

/// Reason why a link does not count, or why the authority does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The authority is not registered.
    #[error("not registered")]
    AuthorityUnknown,
    /// The authority is deactivated.
    #[error("the authority is deactivated")]
    AuthorityDeactivated,
    /// The parent on which the link rests no longer exists, or was replaced by a later grant.
    #[error("what it was granted from is gone or was granted anew")]
    ParentGone,
    /// The grantor suspended the link.
    #[error("suspended")]
    Suspended,
    /// The grantor revoked the link.
    #[error("revoked")]
    Revoked,
    /// The DID that made the link voided it: the link counts as never made.
    #[error("voided")]
    Voided,
    /// The window of the link begins later.
    #[error("valid from {} only", TimeMs(*valid_from).millis())]
    NotYetValid {
        /// Beginning of the window in Unix milliseconds.
        valid_from: u64,
    },
    /// The window of the link has ended.
    #[error("valid until {}", TimeMs(*valid_until).millis())]
    Expired {
        /// End of the window in Unix milliseconds.
        valid_until: u64,
    },
    /// More links follow below the link than it allows.
    #[error("{beneath} grants follow beneath it, it allows {max_depth}")]
    TooDeep {
        /// Number of links that it allows.
        max_depth: usize,
        /// Number of links that follow.
        beneath: usize,
    },
    /// The delegation to an agent does not cover what is asked for. Only chains of agents have this
    /// reason.
    #[error("what is asked for is not delegated")]
    NotDelegated,
    /// The entity of the link is deactivated.
    #[error("its entity is deactivated")]
    EntityDeactivated,
    /// The link states a lower assurance level than is asked for.
    #[error("assurance {}, {} is required", assurance_name(*actual), required.name())]
    AssuranceTooLow {
        /// Level that the link states; `None` if it states none.
        actual: Option<Assurance>,
        /// Level that is asked for.
        required: Assurance,
    },
}

fn assurance_name(assurance: Option<Assurance>) -> &'static str {
    assurance.map_or("none", Assurance::name)
}

impl Reason {
    /// True if the chain stays broken until somebody in it makes a new grant or changes one.
    pub fn is_lasting(self) -> bool {
        matches!(self, Self::ParentGone | Self::Revoked | Self::Voided | Self::EntityDeactivated)
    }
}

/// The uppermost link of a chain that is not live, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Index of the link in [`Chain::links`]; 0 is the grant made by the authority.
    pub link: usize,
    /// Reason why the link is not live.
    pub reason: Reason,
    /// Unix time in ms since which the link is not live; `None` if no record states it.
    pub since: Option<u64>,
    /// DID that can repair the link; `None` for a deactivation, which nobody can undo.
    pub mender: Option<Did>,
}

/// Grants that connect the authority with the entity, with what follows for the chain as a whole
/// (TA3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Grants in order, starting with the one made by the authority.
    pub links: Vec<Link>,
    /// Uppermost link that is not live; `None` if the whole chain is live.
    pub broken: Option<Broken>,
    /// Latest beginning of the grants' windows, in Unix milliseconds; `None` for no lower bound.
    pub valid_from: Option<u64>,
    /// Earliest end of the grants' windows, in Unix milliseconds; `None` for no upper bound.
    pub valid_until: Option<u64>,
    /// Lowest assurance level of the grants; `None` if one of them states none.
    pub assurance: Option<Assurance>,
}

impl Chain {
    /// True if every link of the chain counts at the moment asked for.
    pub fn is_live(&self) -> bool {
        self.broken.is_none()
    }

    /// True if this DID granted a link of the chain.
    pub fn passes(&self, grantor: &Did) -> bool {
        self.links.iter().any(|link| link.grant.grantor == *grantor)
    }

    /// Breaks a live chain of too low an assurance at its uppermost grant that states too little
    /// (TA7).
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

/// Answer to the question whether an entity holds a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The live chain, or the first chain that might have been live. `None` if nothing was ever
    /// granted.
    pub chain: Option<Chain>,
}

impl Answer {
    /// True if the entity has the right.
    pub fn is_authorised(&self) -> bool {
        self.chain.as_ref().is_some_and(Chain::is_live)
    }
}

/// Answers by TA1 whether the entity has the right, and by which chain. Fails if the store cannot
/// be read.
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
        for grant in grants.all() {
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

/// Answer to the question whether one authority recognises another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The recognition that counts, or the first that might have counted.
    pub recognition: Option<Recognition>,
    /// Reason why the recognition does not count, and the Unix time in ms since when; `None` if it
    /// counts.
    pub broken: Option<(Reason, Option<u64>)>,
}

impl Recognised {
    /// True if a recognition counts.
    pub fn is_recognised(&self) -> bool {
        self.recognition.is_some() && self.broken.is_none()
    }
}

/// Answers by TA6 whether the authority recognises the entity. Fails if the store cannot be read.
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
        let broken = match (recognition.voided(view)?, recognition.withdrawn) {
            (Some(voided), _) => Some((Reason::Voided, Some(voided))),
            (None, true) => Some((Reason::Revoked, Some(recognition.since))),
            (None, false) => window_fault(window, asked.time_ms).or(gone),
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

/// Collects the chain above a grant and checks it at `time_ms` (TA2).
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

/// Reads the parent of a grant; `None` if it no longer exists or was replaced by a later grant.
fn parent(view: &dyn RecordView, below: &Link) -> Result<Option<Link>, StoreError> {
    let Some(parent) = &below.grant.parent else { return Ok(None) };
    let key = TrustKey {
        authority: below.key.authority.clone(),
        action: below.key.action.clone(),
        resource: parent.resource.clone(),
        entity: EntityId::from(&below.grant.grantor),
    };
    let Some((grants, version)) = grants(view, &key)? else { return Ok(None) };
    let named = grants.made_by(&parent.made);
    if let Some(grant) = named.filter(|grant| grant.grantor == parent.grantor) {
        return Ok(Some(Link { key, grant: grant.clone(), version }));
    }
    // The chain was live when the grant below was confirmed, so its record held the parent then.
    let record = RecordKey::grant(&key);
    let Some(held) = version_then(view, &record, version, below.grant.confirmed)? else {
        return Ok(None);
    };
    let left = left_place(view, &parent.made, held, version)?;
    Ok(left.filter(Left::after_end).map(|left| Link { key, ..left.link }))
}

/// A grant that has left its place in the record, as it stood there last.
pub(crate) struct Left {
    /// The grant, with the last version of the record that holds it.
    pub(crate) link: Link,
    /// Block time in ms of the version after that one.
    pub(crate) time_ms: u64,
}

impl Left {
    /// True if the grant had reached its own end when it left. Then it counts as it stood.
    fn after_end(&self) -> bool {
        let Link { grant, .. } = &self.link;
        let end = grant.conditions.valid_until.map(|end| end.max(grant.confirmed));
        grant.status != GrantStatus::Revoked && end.is_some_and(|end| end <= self.time_ms)
    }
}

/// Finds the grant that an operation made, as it last stood in its record (TR4). `held` is a
/// version that holds it, and `newest` is the newest version of the view. Returns `None` if it is
/// not in `held`, or is still in its place.
pub(crate) fn left_place(
    view: &dyn RecordView,
    made: &Hash,
    held: Entry,
    newest: u64,
) -> Result<Option<Left>, StoreError> {
    let holds = |entry: &Entry| Ok(entry.value::<Grants>()?.made_by(made).is_some());
    if !holds(&held)? {
        return Ok(None);
    }
    let (last, Some(next)) = last_holding(view, held, newest, holds)? else { return Ok(None) };
    let grants: Grants = last.value()?;
    let Some(grant) = grants.made_by(made).cloned() else { return Ok(None) };
    let link = Link { key: grants.key(), grant, version: last.record.version };
    Ok(Some(Left { link, time_ms: next.record.time }))
}

/// Returns the time in ms at which the first grant of a chain ends; `None` if none of them does. A
/// window that was set after its own end counts as ended when it was set.
pub fn end_of(chain: &Chain) -> Option<u64> {
    let grants = chain.links.iter().map(|link| &link.grant);
    grants.filter_map(|grant| Some(grant.conditions.valid_until?.max(grant.confirmed))).min()
}

/// Reads a record of grants and its version; `None` if nothing was granted.
pub fn grants(view: &dyn RecordView, key: &TrustKey) -> Result<Option<(Grants, u64)>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::grant(key))? else { return Ok(None) };
    let grants: Grants = entry.value()?;
    Ok(Some((grants, entry.record.version)))
}

/// Reason why a link is not live, and the Unix time in ms since when; `None` if it is live.
pub(crate) type Fault = Option<(Reason, Option<u64>)>;

/// Returns the reason why an authority does not count. A record is found by the suffix alone, so
/// the function compares the network too.
pub fn authority_fault(
    view: &dyn RecordView,
    network: &NetworkName,
    authority: &Did,
) -> Result<Fault, StoreError> {
    let unknown = Some((Reason::AuthorityUnknown, None));
    if authority.network != *network {
        return Ok(unknown);
    }
    if view.part(&RecordKey::did(&authority.suffix), PartId::CONTROL)?.is_none() {
        return Ok(unknown);
    }
    let since = deactivated_since(view, authority)?;
    Ok(since.map(|time_ms| (Reason::AuthorityDeactivated, Some(time_ms))))
}

/// Returns the reason why an entity does not count. It can only be the deactivation of a DID of
/// this network, since nothing is known about other entities.
fn entity_fault(
    view: &dyn RecordView,
    network: &NetworkName,
    entity: &EntityId,
) -> Result<Fault, StoreError> {
    let Some(did) = entity.local(network) else { return Ok(None) };
    let since = deactivated_since(view, &did)?;
    Ok(since.map(|time_ms| (Reason::EntityDeactivated, Some(time_ms))))
}

/// Returns the Unix time in ms at which a DID of this network was deactivated; `None` if it is not.
pub(crate) fn deactivated_since(
    view: &dyn RecordView,
    did: &Did,
) -> Result<Option<u64>, StoreError> {
    let key = RecordKey::did(&did.suffix);
    // The record of a DID in use holds a document, which need not be read.
    if !view.part(&key, PartId::CONTROL)?.is_some_and(|control| says_deactivated(&control)) {
        return Ok(None);
    }
    Ok(view.entry(&key)?.map(|entry| entry.record.time))
}

fn link_fault(
    view: &dyn RecordView,
    network: &NetworkName,
    link: &Link,
    beneath: usize,
    time_ms: u64,
) -> Result<Fault, StoreError> {
    let grant = &link.grant;
    if let Some(voided) = grant.voided(view)? {
        return Ok(Some((Reason::Voided, Some(voided))));
    }
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

/// Returns the reason why a window does not contain a time; `None` if it does.
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
