//! Expected refusals of signed deeds, by the rules of docs/protocol/trust.md in their order.

use registry_core::code::Code;

use crate::oracle::{
    AUTHORITY, Above, Deed, Held, Seen, Signed, Status, Terms, Verdict, What, Who, World, covers,
};

impl World {
    /// Returns what a deed depends on now.
    pub(crate) fn seen(&self, by: Who, deed: &Deed) -> Seen {
        let own = |what: &What, entity: &Who| self.by(by, *what, *entity);
        match deed {
            Deed::Register => Seen::Absent,
            Deed::Deactivate => Seen::Written(0, 1 + u64::from(self.deactivation(by).is_some())),
            Deed::Grant(what, entity, ..) | Deed::Change(what, entity, ..) => own(what, entity)
                .map_or(Seen::Absent, |held| {
                    Seen::Written(held.place, self.writes[&(*what, *entity, held.place)])
                }),
            Deed::Suspend(what, entity) | Deed::Revoke(what, entity) => {
                Seen::Event(own(what, entity).map(|held| held.event))
            }
            Deed::Resume(what, entity) => {
                Seen::Event(own(what, entity).and_then(|held| held.suspended))
            }
            Deed::Recognise(what, entity, _) => {
                let written = self.recognitions.get(&(*what, *entity));
                written.map_or(Seen::Absent, |number| Seen::Written(0, *number))
            }
            Deed::Derecognise(..) => Seen::Nothing,
        }
    }

    /// Returns the code with which a deed is refused now.
    pub(crate) fn refusal(&self, signed: &Signed, ranks: &[usize]) -> Option<Code> {
        let Signed { by, deed, seen, until } = signed;
        if let Some(code) = malformed(*by, deed) {
            return Some(code);
        }
        if until.is_some_and(|until| until < self.time_ms) {
            return Some(Code::UntilPassed);
        }
        let guarded = match (seen, self.seen(*by, deed)) {
            (seen, now) if *seen == now => None,
            // What is not there cannot be named, and other rules refuse the deed.
            (Seen::Event(_), Seen::Event(None)) => None,
            (Seen::Absent, _) => Some(Code::AlreadyExists),
            (Seen::Written(..), Seen::Absent) => Some(Code::TrustNotFound),
            _ => Some(Code::GuardStale),
        };
        if guarded.is_some() {
            return guarded;
        }
        if !self.registered.contains(by) {
            return Some(Code::DidNotFound);
        }
        if self.deactivation(*by).is_some() {
            return Some(Code::DidDeactivated);
        }
        self.forbidden(*by, deed, ranks).err()
    }

    fn forbidden(&self, by: Who, deed: &Deed, ranks: &[usize]) -> Result<(), Code> {
        match *deed {
            Deed::Register | Deed::Deactivate | Deed::Recognise(..) => Ok(()),
            Deed::Grant(what, entity, above, terms) => {
                self.place(what, entity, by, ranks)?;
                self.attenuates(by, (what, entity), above, &terms)
            }
            Deed::Change(what, entity, above, terms) => {
                self.own(by, what, entity, &[Status::Active, Status::Suspended])?;
                self.attenuates(by, (what, entity), above, &terms)
            }
            Deed::Suspend(what, entity) | Deed::Revoke(what, entity) => {
                self.own(by, what, entity, &[Status::Active, Status::Suspended]).map(drop)
            }
            Deed::Resume(what, entity) => {
                let own = self.own(by, what, entity, &[Status::Suspended])?;
                own.parent.map_or(Ok(()), |above| self.above(by, above).map(drop))
            }
            Deed::Derecognise(what, entity) => {
                let is = |(w, e): (What, Who)| (w, e) == (what, entity);
                match self.recognised.iter().find(|(w, e, ..)| is((*w, *e))) {
                    None => Err(Code::TrustNotFound),
                    Some((.., Some(_))) => Err(Code::TrustStatus),
                    Some((.., None)) => Ok(()),
                }
            }
        }
    }

    fn own(&self, by: Who, what: What, entity: Who, from: &[Status]) -> Result<&Held, Code> {
        let own = self.by(by, what, entity).ok_or(Code::TrustNotFound)?;
        if from.contains(&own.status) { Ok(own) } else { Err(Code::TrustStatus) }
    }

    /// Returns the grants from a parent up, which are all live.
    fn above(&self, by: Who, above: Above) -> Result<Vec<Held>, Code> {
        let parent = self.by(above.grantor, above.what, by);
        let parent = parent.filter(|parent| Some(parent.event) == above.made);
        let parent = parent.ok_or(Code::TrustParentNotFound)?;
        let live = self.authority().is_none();
        match self.verdict(parent) {
            Verdict::Yes { .. } if live => Ok(self.path(parent).0),
            _ => Err(Code::TrustParentNotLive),
        }
    }

    /// Checks that a grant gives no more than the chain above it.
    fn attenuates(
        &self,
        by: Who,
        (what, entity): (What, Who),
        above: Option<Above>,
        terms: &Terms,
    ) -> Result<(), Code> {
        let path = above.map_or(Ok(Vec::new()), |above| self.above(by, above))?;
        if entity == AUTHORITY || path.iter().any(|held| held.entity == entity) {
            return Err(Code::TrustCycle);
        }
        for (beneath, held) in (1..).zip(&path) {
            if beneath + terms.depth > held.terms.depth {
                return Err(Code::TrustDepth);
            }
        }
        let beyond = |held: &Held| {
            let Terms { from, until, assurance, .. } = held.terms;
            from.is_some_and(|least| terms.from.is_some_and(|from| from < least))
                || until.is_some_and(|most| terms.until.is_some_and(|until| until > most))
                || terms.assurance > assurance
        };
        let wider = above.is_some_and(|above| !covers(above.what, what));
        if wider || path.iter().any(beyond) { Err(Code::TrustBeyondParent) } else { Ok(()) }
    }
}

/// Returns the code of a deed that is wrong whatever the state.
fn malformed(by: Who, deed: &Deed) -> Option<Code> {
    let empty = |terms: &Terms| {
        terms.from.is_some_and(|from| terms.until.is_some_and(|until| from >= until))
    };
    match deed {
        Deed::Grant(.., above, terms) | Deed::Change(.., above, terms) => {
            if empty(terms) || terms.depth > 7 {
                return Some(Code::TrustConditions);
            }
            ((by == AUTHORITY) == above.is_some()).then_some(Code::TrustParent)
        }
        Deed::Recognise(.., terms) => empty(terms).then_some(Code::TrustConditions),
        Deed::Register
        | Deed::Deactivate
        | Deed::Suspend(..)
        | Deed::Resume(..)
        | Deed::Revoke(..)
        | Deed::Derecognise(..) => None,
    }
}
