//! The one layer under JSON-RPC and HTTP: reads as of one height, over a [`Node`].

use std::sync::Arc;
use std::time::Duration;

use registry_core::governance::{self, PARAMETERS, PUBLISHING, Parameters};
use registry_core::id::Did;
use registry_core::record::{Entry, Record, RecordKey, StoreError};
use registry_core::time::TimeMs;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::clock::millis;
use crate::did::shown::{Shown, ShownCache, shown_cache};
use crate::error::{ApiError, NodeCode};
use crate::limits::{
    FUTURE_TIME_MS_MAX, HISTORY_PAGE_BYTES_MAX, HISTORY_PAGE_DEFAULT, HISTORY_PAGE_MAX,
    MIN_HEIGHT_WAIT_MS, SUBMIT_WAITS_MAX,
};
use crate::metrics::Metrics;
use crate::service::{Head, Node};
use crate::status::publish::Views;
use crate::status::uris::Uris;
use crate::trust::ask::RecordsAt;

/// What every method and route works on.
pub(crate) struct Api {
    pub(crate) node: Arc<dyn Node>,
    /// Submissions that may wait for their outcome.
    pub(crate) waits: Semaphore,
    /// Where status lists are published.
    pub(crate) uris: Uris,
    shown: ShownCache,
    /// Views of status lists.
    pub(crate) views: Views,
    /// The network's own DID.
    network_did: Did,
}

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

/// A head, and the time about which it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) head: Head,
    pub(crate) selector: Selector,
    /// At most the head's.
    pub(crate) time_ms: u64,
}

/// The head that an answer is as of, and the time about which it speaks.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AsOf {
    height: u64,
    time: String,
}

impl Moment {
    pub(crate) fn as_of(&self) -> AsOf {
        AsOf { height: self.head.height, time: millis(self.time_ms) }
    }
}

/// Which versions of a history.
pub(crate) struct Page {
    /// The newest of them, or the newest of all.
    from: u64,
    limit: u64,
}

impl Page {
    /// Checks what the caller asks for.
    pub(crate) fn new(from: Option<u64>, limit: Option<u64>) -> Result<Self, ApiError> {
        let (from, limit) = (from.unwrap_or(u64::MAX), limit.unwrap_or(HISTORY_PAGE_DEFAULT));
        if limit == 0 || limit > HISTORY_PAGE_MAX {
            let detail = format!("limit {limit} must be 1 to {HISTORY_PAGE_MAX}");
            return Err(ApiError::params("limit", detail));
        }
        Ok(Self { from, limit })
    }
}

/// One version of a DID with what surrounds it.
pub(crate) struct DidVersion {
    pub(crate) entry: Entry,
    pub(crate) shown: Shown,
    /// The version after it.
    pub(crate) next: Option<Record>,
}

impl Api {
    pub(crate) fn new(node: Arc<dyn Node>, uris: Uris, metrics: Metrics) -> Self {
        let network_did = Did::of_chain(node.network().clone(), &node.chain());
        let waits = Semaphore::new(SUBMIT_WAITS_MAX);
        let views = Views::new(metrics);
        Self { node, waits, uris, shown: shown_cache(), views, network_did }
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

    /// The same as of a head that is known.
    pub(crate) fn moment_as_of(&self, head: Head, selector: Selector) -> Result<Moment, ApiError> {
        let mut time_ms = head.time_ms;
        if let Selector::At(at_ms) = selector {
            if at_ms > head.time_ms && at_ms > self.last_time_ms(&head)? {
                let (asked, newest) = (millis(at_ms), millis(head.time_ms));
                let detail = format!("{asked} is in the future; the newest block is of {newest}");
                return Err(ApiError::node(NodeCode::FutureTime, detail));
            }
            time_ms = time_ms.min(at_ms);
        }
        Ok(Moment { head, selector, time_ms })
    }

    /// One version of a record as of `head`. Versions never change, so leaving out those of
    /// later blocks gives the state of that height without a snapshot.
    pub(crate) fn entry(
        &self,
        key: &RecordKey,
        selector: Selector,
        head: &Head,
    ) -> Result<Option<Entry>, StoreError> {
        let mut found = match selector {
            Selector::Number(number) => self.node.version(key, number)?,
            Selector::At(time_ms) => self.node.version_at(key, time_ms)?,
            Selector::Head => self.node.newest(key)?,
        };
        while let Some(entry) = &found
            && entry.record.height > head.height
        {
            let before = entry.record.version - 1;
            let earlier = before > 0 && !matches!(selector, Selector::Number(_));
            found = if earlier { self.node.version(key, before)? } else { None };
        }
        Ok(found)
    }

    /// Versions up to `newest`, newest first, and where the next older page begins.
    pub(crate) fn page<T>(
        &self,
        newest: &Record,
        page: Page,
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

    /// The parameters of the block after `head`.
    pub(crate) fn parameters(&self, head: &Head) -> Result<Parameters, StoreError> {
        governance::read(
            &RecordsAt { api: self, selector: Selector::Head, head: *head },
            PARAMETERS,
        )
    }

    /// The last time about which `head` says something: later, a block could be overdue (DESIGN
    /// section 4).
    pub(crate) fn last_time_ms(&self, head: &Head) -> Result<u64, StoreError> {
        let parameters = self.parameters(head)?;
        Ok(head.time_ms + parameters.heartbeat_ms + FUTURE_TIME_MS_MAX)
    }

    /// The record that a DID of this network is resolved from: for the network's own DID, which no
    /// operation can write, the one that lists the publishing keys.
    pub(crate) fn did_key(&self, did: &Did) -> RecordKey {
        if *did == self.network_did {
            return governance::key(PUBLISHING);
        }
        RecordKey::did(&did.suffix)
    }

    /// One version of a DID as of `head`.
    pub(crate) fn did_version(
        &self,
        did: &Did,
        selector: Selector,
        head: &Head,
    ) -> Result<Option<DidVersion>, StoreError> {
        if did.network != *self.node.network() {
            return Ok(None);
        }
        let key = self.did_key(did);
        let Some(entry) = self.entry(&key, selector, head)? else { return Ok(None) };
        let number = entry.record.version;
        let next = match selector {
            Selector::Head => None,
            _ => self.entry(&key, Selector::Number(number + 1), head)?.map(|entry| entry.record),
        };
        let shown = self
            .shown
            .get_or_insert_with(&(did.suffix, number), || self.render(did, &key, &entry))?;
        Ok(Some(DidVersion { entry, shown, next }))
    }

    fn render(&self, did: &Did, key: &RecordKey, entry: &Entry) -> Result<Shown, StoreError> {
        let created_ms = if entry.record.version == 1 {
            entry.record.time
        } else {
            let first = self.node.version(key, 1)?;
            first.ok_or_else(|| StoreError::new(format!("{did} has no version 1")))?.record.time
        };
        Shown::of(did, entry, created_ms)
    }
}
