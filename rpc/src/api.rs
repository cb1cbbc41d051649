//! The one layer under JSON-RPC and HTTP: reads as of one height, over a [`Node`].

use std::sync::Arc;
use std::time::Duration;

use registry_core::governance::{self, PUBLISHING};
use registry_core::id::Did;
use registry_core::record::{Entry, Record, RecordKey};
use registry_core::state::StoreError;
use tokio::sync::Semaphore;

use crate::did::shown::{Shown, ShownCache, shown_cache};
use crate::error::{ApiError, NodeCode};
use crate::limits::{MIN_HEIGHT_WAIT_MS, SUBMIT_WAITS_MAX};
use crate::service::{Head, Node};

/// What every method and route works on.
pub(crate) struct Api {
    pub(crate) node: Arc<dyn Node>,
    /// Submissions that may wait for their outcome.
    pub(crate) waits: Semaphore,
    shown: ShownCache,
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

/// One version of a DID with what surrounds it.
pub(crate) struct DidVersion {
    pub(crate) entry: Entry,
    pub(crate) shown: Shown,
    /// The version after it.
    pub(crate) next: Option<Record>,
}

impl Api {
    pub(crate) fn new(node: Arc<dyn Node>) -> Self {
        let network_did = Did::of_chain(node.network().clone(), &node.chain());
        let waits = Semaphore::new(SUBMIT_WAITS_MAX);
        Self { node, waits, shown: shown_cache(), network_did }
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
