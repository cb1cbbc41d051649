//! The waiting operations, with the indexes by which the mempool finds them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Deadline, Rank, Role};
use registry_core::record::RecordKey;
use registry_state::rules::Checked;
use registry_state::rules::did::Urgency;

/// Number of an operation in the order of arrival.
pub(super) type Arrival = u64;

/// Place of an operation among those with priority. The least goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// The operation vetoes a recovery.
    Veto {
        /// Live time in ms at which the recovery matures.
        matures_live_ms: u64,
        /// Number of operations that the DID has had today or that wait before this one.
        before: u64,
    },
    /// The operation vetoes nothing.
    Other {
        /// Number of operations that the DID has had today or that wait before this one.
        before: u64,
    },
}

impl Turn {
    /// Place of an operation, given how many operations of the same DID and rank wait before it.
    pub(super) fn new(urgency: Urgency, waiting: u64) -> Self {
        let before = urgency.used_today.saturating_add(waiting);
        match urgency.vetoes_before_ms {
            Some(matures_live_ms) => Self::Veto { matures_live_ms, before },
            None => Self::Other { before },
        }
    }
}

/// An operation that waits for a block.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) checked: Arc<Checked>,
    pub(super) rank: Rank,
    /// Place among the operations with priority; `None` for all others.
    pub(super) turn: Option<Turn>,
}

impl Waiting {
    /// Size of the envelope in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.checked.bytes().len()
    }

    /// Last block time at which the operation may be applied, in Unix milliseconds.
    pub(super) fn until(&self) -> Option<u64> {
        self.checked.operation().until
    }

    /// Record of the DID that signs the operation as author; `None` for actions of a DID on itself.
    fn author_key(&self) -> Option<RecordKey> {
        let operation = self.checked.operation();
        let author = operation.author.as_ref()?;
        let as_author = [Some(Role::Author), Some(Role::Approval)];
        as_author.contains(&operation.action.facts().role).then(|| RecordKey::did(&author.suffix))
    }

    fn rivalry(&self) -> Rivalry {
        (self.checked.record_key().clone(), self.checked.operation().author.clone())
    }
}

/// True if the operation leaves others on its record valid, as sets of a status list do, of which
/// many can wait. All others compete for the places of their record.
pub(super) fn commutes(checked: &Checked) -> bool {
    checked.operation().action.facts().deadline == Deadline::OnceWithinAnHour
}

/// Record and author of operations that compete with each other.
type Rivalry = (RecordKey, Option<Did>);

/// Values by key. A key without values is not kept.
#[derive(Debug)]
struct Index<K, V>(BTreeMap<K, BTreeSet<V>>);

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V: Ord> Index<K, V> {
    fn insert(&mut self, key: K, value: V) {
        self.0.entry(key).or_default().insert(value);
    }

    fn remove(&mut self, key: &K, value: &V) {
        if let Some(values) = self.0.get_mut(key) {
            values.remove(value);
            if values.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn values<'i>(&'i self, key: &K) -> impl Iterator<Item = &'i V> + use<'i, K, V> {
        self.0.get(key).into_iter().flatten()
    }
}

/// All waiting operations.
#[derive(Debug, Default)]
pub(super) struct Pool {
    by_arrival: BTreeMap<Arrival, Waiting>,
    by_turn: BTreeSet<(Turn, Arrival)>,
    by_envelope: BTreeMap<Hash, Arrival>,
    by_operation: BTreeMap<Hash, Arrival>,
    by_record: Index<RecordKey, Arrival>,
    /// Operations that compete with each other. Those that commute are left out.
    rivals: Index<Rivalry, Arrival>,
    /// Operations that an author signs, by the record of the author's DID. The first is the newest
    /// of the lowest rank.
    by_author: Index<RecordKey, (Rank, Reverse<Arrival>)>,
    /// Operations that name their last block time in milliseconds, by that time.
    by_until: BTreeSet<(u64, Arrival)>,
    bytes: usize,
    priority_bytes: usize,
    arrivals: u64,
}

impl Pool {
    pub(super) fn len(&self) -> usize {
        self.by_arrival.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number and bytes of the operations with priority, or of all others.
    pub(super) fn part(&self, has_priority: bool) -> (usize, usize) {
        let (count, bytes) = (self.by_turn.len(), self.priority_bytes);
        match has_priority {
            true => (count, bytes),
            false => (self.len().saturating_sub(count), self.bytes.saturating_sub(bytes)),
        }
    }

    pub(super) fn get(&self, arrival: Arrival) -> Option<&Waiting> {
        self.by_arrival.get(&arrival)
    }

    pub(super) fn by_envelope(&self, envelope: &Hash) -> Option<&Waiting> {
        self.get(*self.by_envelope.get(envelope)?)
    }

    pub(super) fn by_operation(&self, operation: &Hash) -> Option<Arrival> {
        self.by_operation.get(operation).copied()
    }

    /// Operations with priority, the most urgent first.
    pub(super) fn urgent(&self) -> impl DoubleEndedIterator<Item = (Arrival, &Waiting)> {
        self.by_turn.iter().filter_map(|(_, arrival)| Some((*arrival, self.get(*arrival)?)))
    }

    /// Operations without priority, the oldest first.
    pub(super) fn ordinary(&self) -> impl Iterator<Item = (Arrival, &Waiting)> {
        let all = self.by_arrival.iter().map(|(arrival, waiting)| (*arrival, waiting));
        all.filter(|(_, waiting)| waiting.turn.is_none())
    }

    /// Operations that follow a version of the same record as `waiting` and have the same author.
    /// Among them is `waiting` itself, if it is in the pool and follows a version.
    pub(super) fn rivals(&self, waiting: &Waiting) -> impl Iterator<Item = (Arrival, &Waiting)> {
        let arrivals = self.rivals.values(&waiting.rivalry());
        arrivals.filter_map(|arrival| Some((*arrival, self.get(*arrival)?)))
    }

    /// Number of operations that the author of `waiting` signed as author.
    pub(super) fn of_author(&self, waiting: &Waiting) -> usize {
        waiting.author_key().map_or(0, |key| self.by_author.values(&key).count())
    }

    /// The newest operation of the lowest rank by the author of `waiting`, if that rank is lower
    /// than the rank of `waiting`.
    pub(super) fn junior_of_author(&self, waiting: &Waiting) -> Option<Arrival> {
        let (rank, Reverse(arrival)) = self.by_author.values(&waiting.author_key()?).next()?;
        (*rank < waiting.rank).then_some(*arrival)
    }

    /// Operations that write this record.
    pub(super) fn writing(&self, record: &RecordKey) -> impl Iterator<Item = Arrival> {
        self.by_record.values(record).copied()
    }

    /// Operations that the DID with this record signed as author.
    pub(super) fn authored(&self, record: &RecordKey) -> impl Iterator<Item = Arrival> {
        self.by_author.values(record).map(|(_, Reverse(arrival))| *arrival)
    }

    /// Operations whose time was over before `time_ms`, in Unix milliseconds.
    pub(super) fn late(&self, time_ms: u64) -> impl Iterator<Item = Arrival> {
        self.by_until.range(..(time_ms, Arrival::MIN)).map(|(_, arrival)| *arrival)
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        let (arrival, bytes) = (self.arrivals, waiting.bytes());
        self.arrivals = self.arrivals.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(turn) = waiting.turn {
            self.priority_bytes = self.priority_bytes.saturating_add(bytes);
            self.by_turn.insert((turn, arrival));
        }
        self.by_envelope.insert(waiting.checked.envelope_id(), arrival);
        self.by_operation.insert(waiting.checked.id(), arrival);
        self.by_record.insert(waiting.checked.record_key().clone(), arrival);
        if let Some(until) = waiting.until() {
            self.by_until.insert((until, arrival));
        }
        if !commutes(&waiting.checked) {
            self.rivals.insert(waiting.rivalry(), arrival);
        }
        if let Some(author) = waiting.author_key() {
            self.by_author.insert(author, (waiting.rank, Reverse(arrival)));
        }
        self.by_arrival.insert(arrival, waiting);
    }

    pub(super) fn remove(&mut self, arrival: Arrival) -> Option<Arc<Checked>> {
        let waiting = self.by_arrival.remove(&arrival)?;
        let bytes = waiting.bytes();
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(turn) = waiting.turn {
            self.priority_bytes = self.priority_bytes.saturating_sub(bytes);
            self.by_turn.remove(&(turn, arrival));
        }
        self.by_envelope.remove(&waiting.checked.envelope_id());
        self.by_operation.remove(&waiting.checked.id());
        self.by_record.remove(waiting.checked.record_key(), &arrival);
        if let Some(until) = waiting.until() {
            self.by_until.remove(&(until, arrival));
        }
        if !commutes(&waiting.checked) {
            self.rivals.remove(&waiting.rivalry(), &arrival);
        }
        if let Some(author) = waiting.author_key() {
            self.by_author.remove(&author, &(waiting.rank, Reverse(arrival)));
        }
        Some(waiting.checked)
    }

    /// Puts an operation with priority in its place by the present state.
    pub(super) fn place(&mut self, arrival: Arrival, urgency: Urgency) {
        let Some(waiting) = self.get(arrival) else { return };
        let earlier = self.rivals(waiting).filter(|(other, _)| *other < arrival);
        let earlier = earlier.filter(|(_, other)| other.rank == waiting.rank).count();
        let turn = Turn::new(urgency, u64::try_from(earlier).unwrap_or(u64::MAX));
        if let Some(waiting) = self.by_arrival.get_mut(&arrival)
            && let Some(old) = waiting.turn.replace(turn)
        {
            self.by_turn.remove(&(old, arrival));
            self.by_turn.insert((turn, arrival));
        }
    }
}
