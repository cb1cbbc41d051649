//! What of a DID's version is shown. Versions never change, so what was rendered once is kept.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use registry_core::did::document::render;
use registry_core::did::{DidState, DidValue, PendingRecovery};
use registry_core::id::{Did, Suffix};
use registry_core::record::Entry;
use registry_core::state::StoreError;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::limits::SHOWN_BYTES_MAX;

/// One version of a DID as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Block time of version 1.
    pub(crate) created_ms: u64,
    /// None when deactivated.
    pub(crate) document: Option<DocumentJson>,
    /// The recovery under way.
    pub(crate) pending: Option<Arc<PendingRecovery>>,
}

impl Shown {
    /// Renders a version.
    pub(crate) fn of(did: &Did, entry: &Entry, created_ms: u64) -> Result<Self, StoreError> {
        let Some(state) = state_of(entry)? else {
            return Ok(Self { created_ms, document: None, pending: None });
        };
        let controllers: Vec<Did> = state.sets.control.dids().cloned().collect();
        let json = serde_json::value::to_raw_value(&render(did, &controllers, &state.document));
        let document = Some(DocumentJson(json.map_err(StoreError::new)?.into()));
        Ok(Self { created_ms, document, pending: state.pending.map(Arc::new) })
    }
}

/// The state of a DID in a version of its record; none when deactivated.
pub(crate) fn state_of(entry: &Entry) -> Result<Option<Box<DidState>>, StoreError> {
    match DidValue::from_own_bytes(&entry.value.0).map_err(StoreError::new)? {
        DidValue::Active(state) => Ok(Some(state)),
        DidValue::Deactivated => Ok(None),
    }
}

/// The bytes of a W3C document.
#[derive(Debug, Clone)]
pub(crate) struct DocumentJson(Arc<RawValue>);

impl Serialize for DocumentJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Versions that were asked for, by DID and number; those least asked for go first.
pub(crate) type ShownCache = Cache<(Suffix, u64), Shown, Bytes>;

/// An empty cache.
pub(crate) fn shown_cache() -> ShownCache {
    Cache::with_weighter(SHOWN_BYTES_MAX / BYTES_USUAL, SHOWN_BYTES_MAX as u64, Bytes)
}

/// Bytes of a usual document with its place in the cache.
const BYTES_USUAL: usize = 1_024;
/// Bytes of an entry beside its document.
const BYTES_BESIDE: usize = 160;

/// Weighs an entry by its memory.
#[derive(Debug, Clone)]
pub(crate) struct Bytes;

impl Weighter<(Suffix, u64), Shown> for Bytes {
    fn weight(&self, _: &(Suffix, u64), shown: &Shown) -> u64 {
        let document = shown.document.as_ref().map_or(0, |document| document.0.get().len());
        // A recovery carries a whole document and sets; its members are not counted one by one.
        let pending = shown.pending.as_ref().map_or(0, |_| document + BYTES_USUAL);
        (BYTES_BESIDE + document + pending) as u64
    }
}
