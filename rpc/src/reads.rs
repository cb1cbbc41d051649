//! Reads of the ledger as of one block: the head, a moment up to it, and any record at that moment.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use registry_core::code::{Code, Refusal};
use registry_core::decision::DecisionView;
use registry_core::did::DidState;
use registry_core::governance::{self, PARAMETERS, Parameters};
use registry_core::id::{Did, NetworkName};
use registry_core::index::{Listed, Listing};
use registry_core::record::{Entry, Record, RecordKey, RecordView, StoreError};
use registry_core::time::TimeMs;
use registry_state::state::ApplyError;
use serde::Serialize;

use crate::clock::{millis, now_ms};
use crate::error::{ApiError, NodeCode};
use crate::limits::{
    HISTORY_PAGE_BYTES_MAX, HISTORY_PAGE_DEFAULT, HISTORY_PAGE_MAX, MIN_HEIGHT_WAIT_MS,
};
use crate::party;
use crate::prepare::ledger::last_time_ms;
use crate::service::{Head, Node};

/// Selects a version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The newest version.
    Head,
    /// The version with this number, from 1.
    Number(u64),
    /// The newest version at a Unix time in milliseconds.
    At(u64),
}

/// The moment that a question is about, together with the block as of which it is answered. What
/// was known at the moment follows from the records of blocks up to it, and later blocks do not
/// change such an answer. Only members that the documentation names are as of the head
/// (docs/protocol/records.md, section "Moment and knowledge").
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Block as of which the answer is given. Records of later blocks are ignored.
    pub(crate) head: Head,
    pub(crate) selector: Selector,
    /// Unix time in milliseconds that the question is about, at most the time of the head.
    pub(crate) time_ms: u64,
    /// Unix time in milliseconds up to which the question knows the ledger; `None` if that is the
    /// moment itself.
    pub(crate) known_ms: Option<u64>,
}

/// Height of the block as of which an answer is given, and the time that the answer is about.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AsOf {
    height: u64,
    time: String,
    /// Time up to which the answer knows the ledger, if that is not the time that it is about.
    #[serde(rename = "knownAt", skip_serializing_if = "Option::is_none")]
    known_at: Option<String>,
}

impl Moment {
    /// Creates the moment of a selector as of `head`.
    pub(crate) fn new(head: Head, selector: Selector) -> Self {
        let time_ms = match selector {
            Selector::At(at_ms) => head.time_ms.min(at_ms),
            Selector::Head | Selector::Number(_) => head.time_ms,
        };
        Self { head, selector, time_ms, known_ms: None }
    }

    /// Creates the moment that selects the newest versions as of `head`.
    pub(crate) fn now(head: Head) -> Self {
        Self::new(head, Selector::Head)
    }

    /// Creates the moment that selects version `number` of a record as of the same head.
    pub(crate) fn number(&self, number: u64) -> Self {
        Self::new(self.head, Selector::Number(number))
    }

    pub(crate) fn as_of(&self) -> AsOf {
        let (height, known_at) = (self.head.height, self.known_ms.map(millis));
        AsOf { height, time: millis(self.time_ms), known_at }
    }
}

/// Range of versions of a history.
pub(crate) struct HistoryPage {
    /// Newest version of the page. `u64::MAX` stands for the head.
    from: u64,
    limit: u64,
}

impl HistoryPage {
    /// Checks the range that the caller asks for. `from` is the head if it is absent.
    pub(crate) fn new(from: Option<u64>, limit: Option<u64>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(HISTORY_PAGE_DEFAULT);
        check_limit(limit, HISTORY_PAGE_MAX)?;
        Ok(Self { from: from.unwrap_or(u64::MAX), limit })
    }
}

/// Fails unless `limit` is from 1 to `limit_max`.
pub(crate) fn check_limit<N>(limit: N, limit_max: N) -> Result<(), ApiError>
where
    N: From<u8> + PartialOrd + Display,
{
    if limit < N::from(1) || limit > limit_max {
        let detail = format!("limit {limit} must be 1 to {limit_max}");
        return Err(ApiError::params("limit", detail));
    }
    Ok(())
}

/// Access to the node's ledger that all services share.
pub(crate) struct Reads {
    pub(crate) node: Arc<dyn Node>,
    /// DID of the network itself, derived from the chain id.
    network_did: Did,
}

/// The records at one moment. Services read records of every kind by it.
pub(crate) struct RecordsAt<'a> {
    pub(crate) reads: &'a Reads,
    moment: Moment,
    /// Records at the time up to which the question knows the ledger, if that is another.
    known: Option<Box<RecordsAt<'a>>>,
}

impl RecordsAt<'_> {
    /// Returns a record, or fails with the refusal that an operation on it would get.
    pub(crate) fn required(
        &self,
        key: &RecordKey,
        absent: impl FnOnce() -> Refusal,
    ) -> Result<Entry, ApiError> {
        self.entry(key)?.ok_or_else(|| absent().into())
    }

    /// Applies `show` to the records of a page that existed at the moment, and leaves out the
    /// others.
    pub(crate) fn existing<T>(
        &self,
        page: &[Listed],
        show: impl Fn(&Entry) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let entries = page.iter().filter_map(|listed| self.entry(&listed.record).transpose());
        entries.map(|entry| show(&entry?)).collect()
    }
}

impl RecordView for RecordsAt<'_> {
    /// Versions never change. So leaving out the versions of later blocks gives the state at the
    /// head's height without a snapshot of the database.
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let (node, Moment { head, selector, .. }) = (&self.reads.node, self.moment);
        let mut found = match selector {
            Selector::Number(number) => node.version(key, number)?,
            Selector::At(time_ms) => node.version_at(key, time_ms)?,
            Selector::Head => node.newest(key)?,
        };
        while let Some(entry) = &found
            && entry.record.height > head.height
        {
            let before = entry.record.version - 1;
            let earlier = before > 0 && !matches!(selector, Selector::Number(_));
            found = if earlier { node.version(key, before)? } else { None };
        }
        Ok(found)
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        self.reads.node.version(key, number)
    }

    fn known(&self) -> Option<&dyn RecordView> {
        self.known.as_deref().map(|known| known as &dyn RecordView)
    }
}

impl DecisionView for RecordsAt<'_> {
    fn status_value(&self, list: &Entry, entry: u64) -> Result<Option<u8>, StoreError> {
        Ok(self.reads.node.status_array(list)?.get(entry))
    }
}

impl Reads {
    pub(crate) fn new(node: Arc<dyn Node>) -> Self {
        let network_did = Did::of_chain(node.network().clone(), &node.chain());
        Self { node, network_did }
    }

    pub(crate) fn network(&self) -> &NetworkName {
        self.node.network()
    }

    pub(crate) fn head(&self) -> Head {
        *self.node.heads().borrow()
    }

    /// Returns the newest block once its height is at least `min_height`. Fails with
    /// `HEIGHT_NOT_REACHED` after [`MIN_HEIGHT_WAIT_MS`].
    pub(crate) async fn head_from(&self, min_height: Option<u64>) -> Result<Head, ApiError> {
        let head = self.head();
        let wanted = min_height.unwrap_or(0);
        if head.height >= wanted {
            return Ok(head);
        }
        let mut heads = self.node.heads().clone();
        let reached = heads.wait_for(|head| head.height >= wanted);
        match tokio::time::timeout(Duration::from_millis(MIN_HEIGHT_WAIT_MS), reached).await {
            Ok(Ok(head)) => Ok(*head),
            _ => {
                let height = self.head().height;
                let detail = format!("minHeight {wanted}, the node is at {height}");
                Err(ApiError::node(NodeCode::HeightNotReached, detail))
            }
        }
    }

    /// Returns the moment of the newest block.
    pub(crate) fn now(&self) -> Moment {
        Moment::now(self.head())
    }

    /// Returns the moment `at`, or the present one if `at` is absent, as of a head of at least
    /// `min_height`.
    pub(crate) async fn moment(
        &self,
        at: Option<TimeMs>,
        min_height: Option<u64>,
    ) -> Result<Moment, ApiError> {
        let selector = at.map_or(Selector::Head, |TimeMs(time_ms)| Selector::At(time_ms));
        self.moment_of(selector, min_height).await
    }

    /// Returns the moment `at` in the light of what is known at `known_at`, which is not before it.
    pub(crate) async fn moment_known(
        &self,
        at: Option<TimeMs>,
        known_at: Option<TimeMs>,
        min_height: Option<u64>,
    ) -> Result<Moment, ApiError> {
        let moment = self.moment(at, min_height).await?;
        let Some(TimeMs(known_ms)) = known_at else { return Ok(moment) };
        let known = self.moment_as_of(moment.head, Selector::At(known_ms))?;
        if known.time_ms < moment.time_ms {
            let (known, asked) = (millis(known_ms), millis(moment.time_ms));
            let detail = format!("knownAt {known} is before {asked}, which the question is about");
            return Err(ApiError::params("knownAt", detail));
        }
        Ok(Moment { known_ms: Some(known.time_ms), ..moment })
    }

    /// Returns the moment of a selector as of a head of at least `min_height`. A time may lie after
    /// the head as long as no block is overdue.
    pub(crate) async fn moment_of(
        &self,
        selector: Selector,
        min_height: Option<u64>,
    ) -> Result<Moment, ApiError> {
        let head = self.head_from(min_height).await?;
        self.moment_as_of(head, selector)
    }

    /// Returns the moment of a selector as of a given head. Fails with `FUTURE_TIME` if the head
    /// cannot answer for the time.
    pub(crate) fn moment_as_of(&self, head: Head, selector: Selector) -> Result<Moment, ApiError> {
        if let Selector::At(at_ms) = selector
            && self.is_future(at_ms, &head)?
        {
            let (asked, newest) = (millis(at_ms), millis(head.time_ms));
            let detail = format!("{asked} is in the future; the newest block is of {newest}");
            return Err(ApiError::node(NodeCode::FutureTime, detail));
        }
        Ok(Moment::new(head, selector))
    }

    /// True if `head` cannot answer for a time, because a later block may still have that time.
    pub(crate) fn is_future(&self, time_ms: u64, head: &Head) -> Result<bool, StoreError> {
        Ok(time_ms > head.time_ms && time_ms > self.last_time_ms(head)?)
    }

    /// Returns the last time that `head` can answer for, as Unix time in milliseconds.
    pub(crate) fn last_time_ms(&self, head: &Head) -> Result<u64, StoreError> {
        last_time_ms(&self.at(&Moment::now(*head)), head.time_ms)
    }

    /// Returns the Unix time in milliseconds at which the node signs. It is the node's clock, but
    /// no later than the last time that the newest block can answer for.
    pub(crate) fn signing_time_ms(&self, head: &Head) -> Result<u64, StoreError> {
        Ok(now_ms().min(self.last_time_ms(head)?))
    }

    /// Returns the records at a moment.
    pub(crate) fn at(&self, moment: &Moment) -> RecordsAt<'_> {
        let known = moment.known_ms.map(|known_ms| {
            let moment = Moment::new(moment.head, Selector::At(known_ms));
            Box::new(RecordsAt { reads: self, moment, known: None })
        });
        RecordsAt { reads: self, moment: *moment, known }
    }

    /// Returns the parameters that hold for the block after `head`.
    pub(crate) fn parameters(&self, head: &Head) -> Result<Parameters, StoreError> {
        governance::read(&self.at(&Moment::now(*head)), PARAMETERS)
    }

    /// Returns a page of versions up to `newest`, in descending order, and the newest version of
    /// the next page. There is no next page after version 1.
    pub(crate) fn page<T>(
        &self,
        newest: &Record,
        page: HistoryPage,
        show: impl Fn(&Entry) -> Result<T, StoreError>,
    ) -> Result<(Vec<T>, Option<u64>), StoreError> {
        let key = newest.record_key();
        let mut number = page.from.min(newest.version);
        let mut versions = Vec::new();
        let mut bytes = 0;
        for _ in 0..page.limit {
            let Some(entry) = self.node.version(&key, number)? else { break };
            bytes += entry.parts.iter().map(|part| part.value.0.len()).sum::<usize>();
            if bytes > HISTORY_PAGE_BYTES_MAX && !versions.is_empty() {
                break;
            }
            versions.push(show(&entry)?);
            number -= 1;
        }
        Ok((versions, (number > 0).then_some(number)))
    }

    /// Returns a page of a listing and the cursor of the next page, which is `None` on the last
    /// page.
    pub(crate) fn list(
        &self,
        listing: &Listing,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<Vec<u8>>), StoreError> {
        let mut found = self.node.listed(listing, after, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|last| last.cursor.clone()).filter(|_| more);
        Ok((found, next))
    }

    /// Returns version 1 of a record that exists.
    pub(crate) fn first(&self, record: &Record) -> Result<Record, StoreError> {
        let first = self.node.version(&record.record_key(), 1)?;
        let absent = || StoreError::new(format!("{:?} has no version 1", record.record_key()));
        Ok(first.ok_or_else(absent)?.record)
    }

    /// Returns the key of the record from which a DID of this network is resolved.
    pub(crate) fn did_key(&self, did: &Did) -> RecordKey {
        party::did_key(&self.network_did, did)
    }

    /// Returns the newest version of a DID as of `head`, or the refusal that an operation on it
    /// would get. `field` names the place of the DID in the caller's parameters.
    pub(crate) fn did_head(&self, did: &Did, head: &Head, field: &str) -> Result<Entry, ApiError> {
        let records = self.at(&Moment::now(*head));
        Ok(party::did_entry(&records, &self.network_did, did, field)?)
    }

    /// Returns the version of a DID in force at a moment, or the refusal that an operation on an
    /// unknown DID would get. `field` names the place of the DID in the caller's parameters.
    pub(crate) fn did_at(
        &self,
        did: &Did,
        moment: &Moment,
        field: &str,
    ) -> Result<Entry, ApiError> {
        let found = party::did_entry(&self.at(moment), &self.network_did, did, field);
        found.map_err(|error| match (error, moment.selector) {
            (ApplyError::Refused(_), Selector::At(time_ms)) => {
                let detail = format!("{did} was not registered at {}", millis(time_ms));
                Refusal::new(Code::DidNotFound, field, detail).into()
            }
            (error, _) => error.into(),
        })
    }

    /// Returns the duration of all halts up to a time in ms, as of `head`.
    pub(crate) fn halted_ms(&self, head: &Head, time_ms: u64) -> Result<u64, StoreError> {
        governance::halted_ms(&self.at(&Moment::new(*head, Selector::At(time_ms))))
    }

    /// Returns the newest version of a DID as of `head` and its state, or the refusal that an
    /// operation by it would get. `field` names the place of the DID in the caller's parameters.
    pub(crate) fn active(
        &self,
        did: &Did,
        head: &Head,
        field: &str,
    ) -> Result<(Entry, Box<DidState>), ApiError> {
        let records = self.at(&Moment::now(*head));
        Ok(party::active(&records, &self.network_did, did, field)?)
    }
}
