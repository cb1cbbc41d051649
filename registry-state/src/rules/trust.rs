//! Rules of each trust action (docs/protocol/trust.md, section "Rules").

use super::request::{By, Written};
use super::void::{self, Thing};
use super::window;
use crate::state::{ApplyError, timed};
use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use registry_core::limits::TRUST_ENDED_KEPT_MS;
use registry_core::names::{EntityId, TrustKey};
use registry_core::operation::Operation;
use registry_core::record::{PartId, PartWrite, RecordKey, RecordView};
use registry_core::time::TimeMs;
use registry_core::trust::answer::{self, Chain, Link};
use registry_core::trust::{
    Assurance, Conditions, Grant, GrantStatus, Grants, Parent, Recognition, TrustChange, TrustEnd,
    TrustGrant, TrustRecognise, TrustStep,
};
use registry_core::uri::{self, UriUse};

/// Checks rule TR1: the form of a grant.
pub(super) fn check_grant(
    operation: &Operation,
    grant: &TrustGrant,
    network: &NetworkName,
) -> Result<(), Refusal> {
    check_authority(&grant.key, network)?;
    check_conditions(&grant.conditions)?;
    check_parent(operation.author()?, &grant.key, grant.parent.as_ref())
}

/// Checks rule TR1: the form of new conditions.
pub(super) fn check_change(
    operation: &Operation,
    change: &TrustChange,
    network: &NetworkName,
) -> Result<(), Refusal> {
    check_authority(&change.key, network)?;
    check_conditions(&change.conditions)?;
    check_parent(operation.author()?, &change.key, change.parent.as_ref())
}

/// Checks rule TR1: the form of a recognition.
pub(super) fn check_recognise(
    operation: &Operation,
    recognise: &TrustRecognise,
    network: &NetworkName,
) -> Result<(), Refusal> {
    check_authority(&recognise.key, network)?;
    window::check(Code::TrustConditions, recognise.valid_from, recognise.valid_until)?;
    check_terms(recognise.terms.as_deref())?;
    check_own(operation, &recognise.key, network)
}

/// Checks rule TR1: the authority is a DID of this network.
pub(super) fn check_authority(key: &TrustKey, network: &NetworkName) -> Result<(), Refusal> {
    if key.authority.network != *network {
        let detail = format!("{} is not on network {network}", key.authority);
        return Err(Refusal::new(Code::NetworkMismatch, "key/authority", detail));
    }
    Ok(())
}

/// Checks rule TR1: the author of a recognition is the authority itself.
pub(super) fn check_own(
    operation: &Operation,
    key: &TrustKey,
    network: &NetworkName,
) -> Result<(), Refusal> {
    check_authority(key, network)?;
    if key.authority == *operation.author()? {
        return Ok(());
    }
    let detail = format!("the authority {} is expected, it recognises", key.authority);
    Err(Refusal::new(Code::AuthorMismatch, "author", detail))
}

fn check_parent(author: &Did, key: &TrustKey, parent: Option<&Parent>) -> Result<(), Refusal> {
    let by_authority = key.authority == *author;
    let detail = match (by_authority, parent) {
        (true, Some(_)) => "the authority grants by its own right, without a parent",
        (false, None) => "another than the authority names its own grant",
        _ => return Ok(()),
    };
    Err(Refusal::new(Code::TrustParent, "parent", detail))
}

fn check_conditions(conditions: &Conditions) -> Result<(), Refusal> {
    window::check(Code::TrustConditions, conditions.valid_from, conditions.valid_until)?;
    check_terms(conditions.terms.as_deref())?;
    window::check_max_depth(Code::TrustConditions, conditions.max_depth)
}

fn check_terms(terms: Option<&str>) -> Result<(), Refusal> {
    match terms.and_then(|text| uri::refusal(text, UriUse::Page)) {
        Some(rule) => Err(Refusal::new(Code::TrustConditions, "terms", rule)),
        None => Ok(()),
    }
}

/// Checks rules TR4 to TR8 and returns what a new grant writes. Nodes also call this and
/// the functions below before they ask anyone to sign.
pub fn grant(view: &dyn RecordView, by: By<'_>, grant: &TrustGrant) -> Result<Written, ApplyError> {
    Write { view, by }.grant(grant)
}

/// Checks rules TR3 and TR5 to TR8, and returns what new conditions of the author's
/// grant write.
pub fn change(
    view: &dyn RecordView,
    by: By<'_>,
    change: &TrustChange,
) -> Result<Vec<PartWrite>, ApplyError> {
    Write { view, by }.change(change)
}

/// Checks rule TR3 and returns what the suspension of the author's grant writes. It may follow
/// another one, so that whoever suspends last decides who resumes.
pub fn suspend(
    view: &dyn RecordView,
    by: By<'_>,
    step: &TrustStep,
) -> Result<Vec<PartWrite>, ApplyError> {
    let either = [GrantStatus::Active, GrantStatus::Suspended];
    Write { view, by }.set_status(&step.key, &either, GrantStatus::Suspended)
}

/// Checks rules TR3 and TR5, and returns what the resumption of the author's suspended grant
/// writes.
pub fn resume(
    view: &dyn RecordView,
    by: By<'_>,
    step: &TrustStep,
) -> Result<Vec<PartWrite>, ApplyError> {
    Write { view, by }.set_status(&step.key, &[GrantStatus::Suspended], GrantStatus::Active)
}

/// Checks rule TR3 and returns what the revocation of the author's grant writes, or its void.
pub fn revoke(view: &dyn RecordView, by: By<'_>, end: &TrustEnd) -> Result<Written, ApplyError> {
    let (write, key) = (Write { view, by }, &end.key);
    if let Some(made) = by.voids {
        return write.void(key, made);
    }
    let either = [GrantStatus::Active, GrantStatus::Suspended];
    write.set_status(key, &either, GrantStatus::Revoked).map(Written::from)
}

/// Returns what a recognition writes.
pub fn recognise(
    view: &dyn RecordView,
    by: By<'_>,
    recognise: &TrustRecognise,
) -> Result<Written, ApplyError> {
    let of = RecordKey::recognition(&recognise.key);
    let replaced = view.entry(&of)?.map(|head| head.value::<Recognition>()).transpose()?;
    let beside = match &replaced {
        Some(replaced) => void::leave(view, by, &of, &recognised(replaced))?,
        None => None,
    };
    let new = Recognition::new(recognise.clone(), by.operation, by.time_ms);
    Ok(Written { parts: timed(&new), beside: beside.into_iter().collect() })
}

/// Checks rule TR9 and returns what the withdrawal of a recognition writes, or its void.
pub fn derecognise(
    view: &dyn RecordView,
    by: By<'_>,
    end: &TrustEnd,
) -> Result<Written, ApplyError> {
    Write { view, by }.derecognise(&end.key)
}

struct Write<'w> {
    view: &'w dyn RecordView,
    by: By<'w>,
}

impl Write<'_> {
    /// Checks rules TR4 to TR8 for a new grant. A grant whose place it takes stays voidable.
    fn grant(&self, grant: &TrustGrant) -> Result<Written, ApplyError> {
        let (key, By { time_ms, author, operation, .. }) = (&grant.key, self.by);
        let found = answer::grants(self.view, key)?;
        let is_first = found.is_none();
        let (grants, version) = found.unwrap_or_else(|| (Grants::new(key), 0));
        let slot = self.make_room(&grants, version)?;
        let new = Grant {
            grantor: author.clone(),
            parent: grant.parent.clone(),
            conditions: grant.conditions.clone(),
            status: GrantStatus::Active,
            since: time_ms,
            suspended: None,
            made: operation,
            granted: time_ms,
            confirmed: time_ms,
        };
        self.check_attenuation(key, &new)?;
        let right = is_first.then(|| PartWrite::set(PartId::RIGHT, codec::encode(key)));
        let parts = right.into_iter().chain([slot_part(slot, &new)]).collect();
        let beside = match grants.slots.get(&slot) {
            Some(left) => void::leave(self.view, self.by, &RecordKey::grant(key), &granted(left))?,
            None => None,
        };
        Ok(Written { parts, beside: beside.into_iter().collect() })
    }

    /// Checks rules TR3 and TR5 to TR8 for new conditions.
    fn change(&self, change: &TrustChange) -> Result<Vec<PartWrite>, ApplyError> {
        let from = [GrantStatus::Active, GrantStatus::Suspended];
        let grants = self.existing(&change.key)?;
        let (slot, own) = own_grant(&grants, self.by.author, &from)?;
        let changed = Grant {
            parent: change.parent.clone(),
            conditions: change.conditions.clone(),
            confirmed: self.by.time_ms,
            ..own.clone()
        };
        self.check_attenuation(&change.key, &changed)?;
        Ok(vec![slot_part(slot, &changed)])
    }

    /// Checks rule TR3 for a new status. A grant is resumed only if the chain above it is live
    /// (TR5), so that nobody makes a dead grant look alive.
    fn set_status(
        &self,
        key: &TrustKey,
        from: &[GrantStatus],
        to: GrantStatus,
    ) -> Result<Vec<PartWrite>, ApplyError> {
        let grants = self.existing(key)?;
        let (slot, own) = own_grant(&grants, self.by.author, from)?;
        if let (GrantStatus::Active, Some(parent)) = (to, &own.parent) {
            self.above(key, parent)?;
        }
        let since = if own.status == to { own.since } else { self.by.time_ms };
        let suspended = (to == GrantStatus::Suspended).then_some(self.by.operation);
        let changed = Grant { status: to, since, suspended, ..own.clone() };
        Ok(vec![slot_part(slot, &changed)])
    }

    /// Returns what the void of a grant of the author writes. If the grant is still in its place,
    /// it is revoked there.
    fn void(&self, key: &TrustKey, made: Hash) -> Result<Written, ApplyError> {
        let found = answer::grants(self.view, key)?;
        let of_author = found.as_ref().and_then(|(grants, _)| {
            let mut slots = grants.slots.iter();
            slots.find(|(_, grant)| grant.made == made)
        });
        let standing = of_author.map(|(slot, grant)| {
            let revoked = Grant {
                status: GrantStatus::Revoked,
                since: self.by.time_ms,
                suspended: None,
                ..grant.clone()
            };
            let ends = match grant.status {
                GrantStatus::Revoked => Vec::new(),
                GrantStatus::Active | GrantStatus::Suspended => vec![slot_part(*slot, &revoked)],
            };
            (granted(grant), ends)
        });
        let unknown = |detail| Refusal::new(Code::TrustNotFound, "guard", detail);
        void::declare(self.view, self.by, made, RecordKey::grant(key), standing, unknown)
    }

    /// Checks rule TR9.
    fn derecognise(&self, key: &TrustKey) -> Result<Written, ApplyError> {
        let of = RecordKey::recognition(key);
        let Some(head) = self.view.entry(&of)? else {
            return Err(Refusal::new(Code::TrustNotFound, "key", "no such recognition").into());
        };
        let mut recognition: Recognition = head.value()?;
        if let Some(made) = self.by.voids {
            let withdrawn =
                Recognition { withdrawn: true, since: self.by.time_ms, ..recognition.clone() };
            let ends = match recognition.withdrawn {
                true => Vec::new(),
                false => timed(&withdrawn),
            };
            let standing = (recognition.made == made).then(|| (recognised(&recognition), ends));
            let unknown = |detail| Refusal::new(Code::TrustNotFound, "guard", detail);
            return void::declare(self.view, self.by, made, of, standing, unknown);
        }
        if recognition.withdrawn {
            let detail = "the recognition is withdrawn already";
            return Err(Refusal::new(Code::TrustStatus, "key", detail).into());
        }
        (recognition.withdrawn, recognition.since) = (true, self.by.time_ms);
        Ok(timed(&recognition).into())
    }

    fn existing(&self, key: &TrustKey) -> Result<Grants, ApplyError> {
        match answer::grants(self.view, key)? {
            Some((grants, _)) => Ok(grants),
            None => Err(Refusal::new(Code::TrustNotFound, "key", "no such grant").into()),
        }
    }

    /// Applies rule TR4: returns the place that the new grant takes, be it free or that of a grant
    /// which the new one may replace.
    fn make_room(&self, grants: &Grants, version: u64) -> Result<PartId, ApplyError> {
        let By { time_ms, author, .. } = self.by;
        if let (Some(slot), Some(own)) = (grants.slot_of(author), grants.by(author)) {
            let ended = own.conditions.valid_until.is_some_and(|end| end <= time_ms);
            if !ended && own.status != GrantStatus::Revoked {
                let detail = format!("granted, and {}", own.status.name());
                return Err(Refusal::new(Code::TrustExists, "key", detail).into());
            }
            return Ok(slot);
        }
        let [own, others @ ..] = PartId::SLOTS;
        if *author == grants.authority {
            return Ok(own);
        }
        match others.into_iter().find(|slot| !grants.slots.contains_key(slot)) {
            Some(free) => Ok(free),
            None => self.gives_way(grants, version),
        }
    }

    /// Rule TR4: returns the place of the grant that gives way to one by another grantor. The first
    /// lost grant gives way before those that have ended. Without this rule bodies that are no
    /// longer accredited would keep their places in the record for ever.
    fn gives_way(&self, grants: &Grants, version: u64) -> Result<PartId, ApplyError> {
        let mut ends = Vec::new();
        for grant in grants.by_others() {
            let Some(slot) = grants.slot_of(&grant.grantor) else { continue };
            let last = Link { key: grants.key(), grant: grant.clone(), version };
            let chain = answer::chain(self.view, self.by.network, last, self.by.time_ms)?;
            let lost = chain.broken.as_ref().is_some_and(|broken| broken.reason.is_lasting());
            if lost || grant.status == GrantStatus::Revoked {
                return Ok(slot);
            }
            ends.extend(answer::end_of(&chain).map(|end| (end, &grant.grantor, slot)));
        }
        let gives_way_ms =
            |(end, ..): &(u64, &Did, PartId)| end.saturating_add(TRUST_ENDED_KEPT_MS);
        match ends.iter().min() {
            Some(first) if gives_way_ms(first) <= self.by.time_ms => Ok(first.2),
            first => Err(trust_full(grants, first.map(gives_way_ms)).into()),
        }
    }

    /// Checks rules TR5 to TR8: the parent's chain is live, and the new grant gives no more than
    /// it.
    fn check_attenuation(&self, key: &TrustKey, new: &Grant) -> Result<(), ApplyError> {
        let above = match &new.parent {
            Some(parent) => Some(self.above(key, parent)?),
            None => None,
        };
        let links = above.as_ref().map(|chain| chain.links.as_slice()).unwrap_or_default();
        check_cycle(key, links)?;
        check_depth(new, links)?;
        if let (Some(chain), Some(parent)) = (&above, &new.parent) {
            check_within(key, new, chain, parent)?;
        }
        Ok(())
    }

    /// Checks rule TR5 and returns the chain that ends with the parent grant.
    fn above(&self, key: &TrustKey, parent: &Parent) -> Result<Chain, ApplyError> {
        let By { network, time_ms, author, .. } = self.by;
        let (grantor, entity) = (&parent.grantor, EntityId::from(author));
        let held = TrustKey { resource: parent.resource.clone(), entity, ..key.clone() };
        let found = answer::grants(self.view, &held)?;
        let found =
            found.and_then(|(grants, version)| Some((grants.by(grantor)?.clone(), version)));
        let found = found.filter(|(grant, _)| grant.made == parent.made);
        let Some((grant, version)) = found else {
            let Parent { resource, made, .. } = parent;
            let detail =
                format!("{author} holds no grant by {grantor} on {resource} made by {made}");
            return Err(Refusal::new(Code::TrustParentNotFound, "parent", detail).into());
        };
        let not_live = |detail| Refusal::new(Code::TrustParentNotLive, "parent", detail);
        if let Some((reason, _)) = answer::authority_fault(self.view, network, &key.authority)? {
            let detail = format!("the authority {}: {reason}", key.authority);
            return Err(not_live(detail).into());
        }
        let last = Link { key: held, grant, version };
        let chain = answer::chain(self.view, network, last, time_ms)?;
        if let Some(broken) = &chain.broken {
            let link = chain.links.get(broken.link);
            let entity = link.map_or_else(String::new, |link| link.key.entity.to_string());
            return Err(not_live(format!("the grant to {entity}: {}", broken.reason)).into());
        }
        Ok(chain)
    }
}

/// Refuses a grant because as many others than the authority as there is room for have made it.
/// `free_ms` is the time at which the first of their grants gives way, if they all stay as they
/// are.
fn trust_full(grants: &Grants, free_ms: Option<u64>) -> Refusal {
    let others = grants.by_others();
    let others: Vec<String> = others.iter().map(|grant| grant.grantor.to_string()).collect();
    let free = match free_ms {
        Some(time_ms) => format!("the first place becomes free at {}", TimeMs(time_ms).millis()),
        None => "none of these grants has an end".to_owned(),
    };
    let detail = format!(
        "{} others than the authority have granted it, as many as there is room for: {}; {free}; \
         one of them must revoke its grant, or the authority itself grant",
        others.len(),
        others.join(", ")
    );
    Refusal::new(Code::TrustFull, "key", detail)
}

/// Rule TR3: returns the author's grant and its place if its status is one of `from`.
fn own_grant<'g>(
    grants: &'g Grants,
    author: &Did,
    from: &[GrantStatus],
) -> Result<(PartId, &'g Grant), Refusal> {
    let own = grants.slots.iter().find(|(_, grant)| grant.grantor == *author);
    let Some((slot, own)) = own else {
        let detail = format!("{author} has granted nothing here");
        return Err(Refusal::new(Code::TrustNotFound, "key", detail));
    };
    if !from.contains(&own.status) {
        let detail = format!("the grant is {}", own.status.name());
        return Err(Refusal::new(Code::TrustStatus, "key", detail));
    }
    Ok((*slot, own))
}

fn granted(grant: &Grant) -> Thing<'_> {
    Thing { made: grant.made, by: &grant.grantor, since: grant.granted }
}

fn recognised(recognition: &Recognition) -> Thing<'_> {
    let Recognition { made, authority, recognised, .. } = recognition;
    Thing { made: *made, by: authority, since: *recognised }
}

fn slot_part(slot: PartId, grant: &Grant) -> PartWrite {
    PartWrite::timed(slot, grant)
}

/// Checks rule TR6: no party is above itself in a chain.
fn check_cycle(key: &TrustKey, above: &[Link]) -> Result<(), Refusal> {
    let stands_above = above.iter().any(|link| link.key.entity == key.entity);
    if stands_above || key.entity.is(&key.authority) {
        let detail = format!("the right of {} comes from itself", key.entity);
        return Err(Refusal::new(Code::TrustCycle, "key/entity", detail));
    }
    Ok(())
}

/// Checks rule TR7: each grant of the chain allows as many grants below it as there would be.
fn check_depth(new: &Grant, above: &[Link]) -> Result<(), Refusal> {
    for (distance, link) in above.iter().rev().enumerate() {
        let beneath = distance.saturating_add(1).saturating_add(new.conditions.depth());
        let allowed = link.grant.conditions.depth();
        if beneath > allowed {
            let entity = &link.key.entity;
            let detail =
                format!("the grant to {entity} allows {allowed} beneath it, not {beneath}");
            return Err(Refusal::new(Code::TrustDepth, "max_depth", detail));
        }
    }
    Ok(())
}

/// Checks rule TR8: the grant stays within the resource, window and assurance of the parent's
/// chain.
fn check_within(
    key: &TrustKey,
    new: &Grant,
    above: &Chain,
    parent: &Parent,
) -> Result<(), Refusal> {
    let beyond = |field, detail| Err(Refusal::new(Code::TrustBeyondParent, field, detail));
    if !parent.resource.covers(&key.resource) {
        let detail = format!("{} is not covered by {}", key.resource, parent.resource);
        return beyond("key/resource", detail);
    }
    let conditions = &new.conditions;
    if let (Some(from), Some(least)) = (conditions.valid_from, above.valid_from)
        && from < least
    {
        let (from, least) = (TimeMs(from).millis(), TimeMs(least).millis());
        return beyond("valid_from", format!("{from} is before {least}, when the chain begins"));
    }
    if let (Some(until), Some(most)) = (conditions.valid_until, above.valid_until)
        && until > most
    {
        let (until, most) = (TimeMs(until).millis(), TimeMs(most).millis());
        return beyond("valid_until", format!("{until} is after {most}, when the chain ends"));
    }
    if conditions.assurance > above.assurance {
        let most = above.assurance.map_or("none", Assurance::name);
        return beyond("assurance", format!("higher than that of the chain, which is {most}"));
    }
    Ok(())
}
