//! Reads of the ledger as of one block: the head, a moment of it, and any record at that moment.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use registry_core::code::Refusal;
use registry_core::decision::DecisionView;
use registry_core::did::DidState;
use registry_core::governance::{self, PARAMETERS, Parameters};
use registry_core::id::{Did, NetworkName};
use registry_core::index::{Listed, Listing};
use registry_core::record::{Entry, Record, RecordKey, RecordView, StoreError};
use registry_core::time::TimeMs;
use serde::Serialize;

use crate::clock::{millis, now_ms};
use crate::error::{ApiError, NodeCode};
use crate::limits::{
    HISTORY_PAGE_BYTES_MAX, HISTORY_PAGE_DEFAULT, HISTORY_PAGE_MAX, MIN_HEIGHT_WAIT_MS,
};
use crate::party;
use crate::prepare::ledger::last_time_ms;
use crate::service::{Head, Node};

/// Which version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The newest.
    Head,
    /// By number.
    Number(u64),
    /// The newest at a time in ms.
    At(u64),
}

/// A block, and the time about which it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Records that are newer than this block are not seen.
    pub(crate) head: Head,
    pub(crate) selector: Selector,
    /// At most the head's.
    pub(crate) time_ms: u64,
}

/// The block that an answer is as of, and the time about which it is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AsOf {
    height: u64,
    time: String,
}

impl Moment {
    /// The moment of a selector as of `head`.
    pub(crate) fn new(head: Head, selector: Selector) -> Self {
        let time_ms = match selector {
            Selector::At(at_ms) => head.time_ms.min(at_ms),
            Selector::Head | Selector::Number(_) => head.time_ms,
        };
        Self { head, selector, time_ms }
    }

    /// The newest versions as of `head`.
    pub(crate) fn now(head: Head) -> Self {
        Self::new(head, Selector::Head)
    }

    /// Version `number` of a record, as of the same head.
    pub(crate) fn number(&self, number: u64) -> Self {
        Self::new(self.head, Selector::Number(number))
    }

    pub(crate) fn as_of(&self) -> AsOf {
        AsOf { height: self.head.height, time: millis(self.time_ms) }
    }
}

/// Which versions of a history.
pub(crate) struct HistoryPage {
    /// The newest of them, or the newest of all.
    from: u64,
    limit: u64,
}

impl HistoryPage {
    /// Checks what the caller asks for.
    pub(crate) fn new(from: Option<u64>, limit: Option<u64>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(HISTORY_PAGE_DEFAULT);
        check_limit(limit, HISTORY_PAGE_MAX)?;
        Ok(Self { from: from.unwrap_or(u64::MAX), limit })
    }
}

/// Refuses a page that is empty or too large.
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

/// What all services read from.
pub(crate) struct Reads {
    pub(crate) node: Arc<dyn Node>,
    /// The network's own DID.
    network_did: Did,
}

/// The records at one moment: the one way to read a record, whatever its kind.
pub(crate) struct RecordsAt<'a> {
    pub(crate) reads: &'a Reads,
    moment: Moment,
}

impl RecordsAt<'_> {
    /// A record, or the refusal that an operation on it would get.
    pub(crate) fn required(
        &self,
        key: &RecordKey,
        absent: impl FnOnce() -> Refusal,
    ) -> Result<Entry, ApiError> {
        self.entry(key)?.ok_or_else(|| absent().into())
    }

    /// Those records of a page that existed at the moment, each shown by `show`.
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
    /// Versions never change, so leaving out those of later blocks gives the state of the head's
    /// height without a snapshot.
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
}

impl DecisionView for RecordsAt<'_> {
    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        self.reads.node.version(key, number)
    }

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

    /// The newest block once it has at least `min_height`; waits a few seconds for it.
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

    /// The newest versions of all records.
    pub(crate) fn now(&self) -> Moment {
        Moment::now(self.head())
    }

    /// The moment `at`, or now, as of a head of at least `min_height`.
    pub(crate) async fn moment(
        &self,
        at: Option<TimeMs>,
        min_height: Option<u64>,
    ) -> Result<Moment, ApiError> {
        let selector = at.map_or(Selector::Head, |TimeMs(time_ms)| Selector::At(time_ms));
        self.moment_of(selector, min_height).await
    }

    /// The moment of a selector; a time may lie after the head as long as no block is overdue.
    pub(crate) async fn moment_of(
        &self,
        selector: Selector,
        min_height: Option<u64>,
    ) -> Result<Moment, ApiError> {
        let head = self.head_from(min_height).await?;
        self.moment_as_of(head, selector)
    }

    /// The moment of a selector as of a head that is known.
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

    /// True if `head` says nothing about a time, since a later block could still have it.
    pub(crate) fn is_future(&self, time_ms: u64, head: &Head) -> Result<bool, StoreError> {
        Ok(time_ms > head.time_ms && time_ms > self.last_time_ms(head)?)
    }

    /// The last time about which `head` says something.
    pub(crate) fn last_time_ms(&self, head: &Head) -> Result<u64, StoreError> {
        last_time_ms(&self.at(&Moment::now(*head)), head.time_ms)
    }

    /// The time at which the node signs: its clock, but no later than the newest block can vouch
    /// for.
    pub(crate) fn signing_time_ms(&self, head: &Head) -> Result<u64, StoreError> {
        Ok(now_ms().min(self.last_time_ms(head)?))
    }

    /// The records at a moment.
    pub(crate) fn at(&self, moment: &Moment) -> RecordsAt<'_> {
        RecordsAt { reads: self, moment: *moment }
    }

    /// The parameters of the block after `head`.
    pub(crate) fn parameters(&self, head: &Head) -> Result<Parameters, StoreError> {
        governance::read(&self.at(&Moment::now(*head)), PARAMETERS)
    }

    /// Versions up to `newest`, newest first, and where the next older page begins.
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
            bytes += entry.value.0.len();
            if bytes > HISTORY_PAGE_BYTES_MAX && !versions.is_empty() {
                break;
            }
            versions.push(show(&entry)?);
            number -= 1;
        }
        Ok((versions, (number > 0).then_some(number)))
    }

    /// A page of a listing, and the cursor of the next page; none on the last.
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

    /// Version 1 of a record that exists.
    pub(crate) fn first(&self, record: &Record) -> Result<Record, StoreError> {
        let first = self.node.version(&record.record_key(), 1)?;
        let absent = || StoreError::new(format!("{:?} has no version 1", record.record_key()));
        Ok(first.ok_or_else(absent)?.record)
    }

    /// The record that a DID of this network is resolved from.
    pub(crate) fn did_key(&self, did: &Did) -> RecordKey {
        party::did_key(&self.network_did, did)
    }

    /// The newest version of a DID as of `head`, or the refusal that an operation on it would get.
    /// `field` is where the caller named it.
    pub(crate) fn did_head(&self, did: &Did, head: &Head, field: &str) -> Result<Entry, ApiError> {
        let records = self.at(&Moment::now(*head));
        Ok(party::did_entry(&records, &self.network_did, did, field)?)
    }

    /// The newest version of a DID and its state, or the refusal that an operation by it would get.
    /// `field` is where the caller named it.
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
