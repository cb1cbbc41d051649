//! Guards, last block times and names of what an action rests on, filled in from the state.

use registry_core::agent::{AgentDelegate, answer as agents};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{EntityId, TrustKey};
use registry_core::operation::{Action, Covers, Guard, Operation};
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::trust::{GrantStatus, Grants, Parent, TrustChange, TrustGrant, answer as trust};
use registry_state::rules::guard;
use registry_state::state::{Heads, MemoryState, Overlay};

use super::ledger::Ledger;
use super::status::authored;

/// What a guard is made from.
pub(crate) trait Guarding {
    /// Returns the guard of an author's action.
    fn guard(&self, author: &Did, action: &Action) -> Guard;
}

/// The guard as it is, whether the action takes it or not.
impl Guarding for Guard {
    fn guard(&self, _author: &Did, _action: &Action) -> Guard {
        *self
    }
}

/// A guard of the kind that the action takes, which names something that nobody wrote.
impl Guarding for Hash {
    fn guard(&self, _author: &Did, action: &Action) -> Guard {
        unknown(action, *self)
    }
}

/// The guard that fits the record as its signer saw it.
impl Guarding for Entry {
    fn guard(&self, author: &Did, action: &Action) -> Guard {
        let key = self.record.record_key();
        let needed = guard::needed(&Only(self), action, Some(author), &key);
        needed.expect("a sound entry").unwrap_or_else(|| unknown(action, Hash::ZERO))
    }
}

/// A view with one record.
struct Only<'e>(&'e Entry);

impl RecordView for Only<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        Ok(Some(self.0.clone()).filter(|entry| entry.record.record_key() == *key))
    }
}

/// Returns a guard of the kind that an action takes, with this hash in it.
pub(crate) fn unknown(action: &Action, hash: Hash) -> Guard {
    match action.covers() {
        Covers::NoRecord => Guard::Absent,
        Covers::Nothing => Guard::Nothing,
        Covers::Parts(_) | Covers::Record | Covers::OwnSlot => Guard::Parts(hash),
        Covers::PendingRecovery
        | Covers::OwnGrant
        | Covers::GrantSuspension
        | Covers::DelegationSuspension
        | Covers::Made => Guard::Operation(hash),
    }
}

/// Returns the guard that an action needs in this state. Where there is nothing to name, the guard
/// names the operation zero.
pub(crate) fn needed(state: &MemoryState, author: Option<&Did>, action: &Action) -> Guard {
    if action.facts().covers == Covers::NoRecord {
        return Guard::Absent;
    }
    let key = action.record_key(author, &Hash::ZERO).expect("an action with an author");
    let overlay = Overlay::new(state);
    let needed = guard::needed(&Heads(&overlay), action, author, &key).expect("a sound store");
    needed.unwrap_or_else(|| unknown(action, Hash::ZERO))
}

impl Ledger {
    /// Returns an operation of an author on the present state. What its action rests on, its guard
    /// and, where it needs one, its last block time are filled in. That time is as late as the
    /// next block allows.
    pub(crate) fn operation(&self, author: &Did, number: u8, action: Action) -> Operation {
        let action = self.filled(author, action);
        let guard = needed(&self.state, Some(author), &action);
        self.timed(author, guard, number, action)
    }

    /// Returns an operation with a guard of the test's choice. Its last block time is filled in
    /// where it needs one.
    pub(crate) fn timed(
        &self,
        author: &Did,
        guard: Guard,
        number: u8,
        action: Action,
    ) -> Operation {
        let operation = authored(author, guard, number, action);
        Operation { until: self.until(&operation), ..operation }
    }

    /// Returns the last block time that an operation names; `None` if it needs none.
    pub(crate) fn until(&self, operation: &Operation) -> Option<u64> {
        let deadline = operation.deadline();
        let window_ms = deadline.window_ms().filter(|_| deadline.is_once())?;
        Some(self.head.time + window_ms)
    }

    /// Returns this ledger with one more block, a second after the last. Guards over it are also
    /// those that an operation needs after these envelopes in a block of that time.
    pub(crate) fn with(&self, envelopes: &[Vec<u8>]) -> Self {
        let mut next = self.clone();
        next.after(1_000, envelopes);
        next
    }

    /// Returns the action with the present names of the grants and delegations that it rests on. A
    /// parent whose operation is not zero, and a delegation that is named, stay as they are.
    pub(crate) fn filled(&self, author: &Did, action: Action) -> Action {
        match action {
            Action::TrustGrant(mut grant) => {
                let TrustGrant { key, parent, .. } = &mut *grant;
                if let Some(parent) = parent {
                    self.fill_parent(author, key, parent);
                }
                Action::TrustGrant(grant)
            }
            Action::TrustChange(mut change) => {
                let TrustChange { key, parent, .. } = &mut *change;
                if parent.is_none() {
                    *parent = self.parent_of(author, key);
                }
                if let Some(parent) = parent {
                    self.fill_parent(author, key, parent);
                }
                Action::TrustChange(change)
            }
            Action::AgentDelegate(mut delegate) => {
                let AgentDelegate { beneath, .. } = &mut *delegate;
                *beneath = beneath.or_else(|| self.delegation_to(author));
                Action::AgentDelegate(delegate)
            }
            other => other,
        }
    }

    fn grants(&self, key: &TrustKey) -> Option<Grants> {
        let overlay = Overlay::new(&self.state);
        let found = trust::grants(&Heads(&overlay), key).expect("a sound store");
        found.map(|(grants, _)| grants)
    }

    /// Returns the parent of the author's present grant, without the operation that made it, so
    /// that new conditions rest on the grant that stands there now.
    fn parent_of(&self, author: &Did, key: &TrustKey) -> Option<Parent> {
        let parent = self.grants(key)?.by(author)?.parent.clone()?;
        Some(Parent { made: Hash::ZERO, ..parent })
    }

    fn fill_parent(&self, author: &Did, key: &TrustKey, parent: &mut Parent) {
        if parent.made == Hash::ZERO {
            let (resource, entity) = (parent.resource.clone(), EntityId::from(author));
            let held = self.grants(&TrustKey { resource, entity, ..key.clone() });
            let grant = held.as_ref().and_then(|held| held.by(&parent.grantor));
            parent.made = grant.map_or(Hash::ZERO, |grant| grant.made);
        }
    }

    /// Returns the operation that made the delegation to a DID, if it is an agent.
    pub(crate) fn delegation_to(&self, agent: &Did) -> Option<Hash> {
        let overlay = Overlay::new(&self.state);
        let link = agents::link(&Heads(&overlay), agent).expect("a sound store")?;
        let delegation = link.delegation;
        (delegation.status != GrantStatus::Revoked).then_some(delegation.made)
    }
}
