//! Rendered versions of DIDs. A version never changes, so its rendering is cached.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use registry_core::did::document::render;
use registry_core::did::{DidState, DidValue, Document, Marks, PendingRecovery};
use registry_core::governance::Publishing;
use registry_core::id::{Did, Suffix};
use registry_core::record::{Entry, Kind, PartId, StoreError};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::limits::SHOWN_BYTES_MAX;

/// One version of a DID, rendered for answers.
#[derive(Debug, Clone)]
pub(crate) struct DidView {
    /// Block time of version 1, as Unix time in milliseconds.
    pub(crate) created_ms: u64,
    /// The W3C document; `None` if the DID is deactivated.
    pub(crate) document: Option<DocumentJson>,
    /// Recovery that is pending in this version.
    pub(crate) pending: Option<Arc<PendingRecovery>>,
    /// Keys that the DID has disowned.
    pub(crate) marks: Marks,
}

impl DidView {
    /// Renders a version. `created_ms` is the block time of version 1.
    pub(crate) fn of(did: &Did, entry: &Entry, created_ms: u64) -> Result<Self, StoreError> {
        let Some(Stated { document, controllers, pending, marks }) = stated(entry)? else {
            let (document, pending, marks) = Default::default();
            return Ok(Self { created_ms, document, pending, marks });
        };
        let json = serde_json::value::to_raw_value(&render(did, &controllers, &document));
        let document = Some(DocumentJson(json.map_err(StoreError::new)?.into()));
        Ok(Self { created_ms, document, pending: pending.map(Arc::new), marks })
    }
}

/// Contents of one version of a DID's record that rendering needs.
pub(crate) struct Stated {
    /// The stored document. For the network's own DID, it is derived from the publishing record.
    pub(crate) document: Document,
    controllers: Vec<Did>,
    pending: Option<PendingRecovery>,
    marks: Marks,
}

/// Reads a version of a DID's record, or of the publishing record, from which the network's own DID
/// is resolved. Returns `None` if the DID is deactivated.
pub(crate) fn stated(entry: &Entry) -> Result<Option<Stated>, StoreError> {
    if entry.record.kind == Kind::Governance {
        let publishing: Publishing = entry.part_value(PartId::WHOLE)?;
        let (controllers, pending, marks) = Default::default();
        return Ok(Some(Stated { document: publishing.document(), controllers, pending, marks }));
    }
    match entry.value::<DidValue>()? {
        DidValue::Active(state) => {
            let controllers = state.sets.control.dids().cloned().collect();
            let DidState { document, pending, marks, .. } = *state;
            Ok(Some(Stated { document, controllers, pending, marks }))
        }
        DidValue::Deactivated => Ok(None),
    }
}

/// A rendered W3C document as JSON text.
#[derive(Debug, Clone)]
pub(crate) struct DocumentJson(Arc<RawValue>);

impl Serialize for DocumentJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Cache of rendered versions by DID suffix and version number, bounded by their bytes.
pub(crate) type DidViewCache = Cache<(Suffix, u64), DidView, Bytes>;

pub(crate) fn did_view_cache() -> DidViewCache {
    Cache::with_weighter(SHOWN_BYTES_MAX / BYTES_USUAL, SHOWN_BYTES_MAX as u64, Bytes)
}

/// Assumed size of an average document with its cache entry, in bytes.
const BYTES_USUAL: usize = 1_024;
/// Estimated size of a cache entry without its document, in bytes.
const BYTES_BESIDE: usize = 160;

/// Estimated size of a marked key, in bytes.
const MARK_BYTES_USUAL: usize = 80;

/// Weighs a cache entry by its estimated size in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Bytes;

impl Weighter<(Suffix, u64), DidView> for Bytes {
    fn weight(&self, _: &(Suffix, u64), view: &DidView) -> u64 {
        let document = view.document.as_ref().map_or(0, |document| document.0.get().len());
        // A pending recovery contains a whole document and key sets. The estimate takes the size of
        // the present document for them.
        let pending = view.pending.as_ref().map_or(0, |_| document + BYTES_USUAL);
        let marks = view.marks.list().len() * MARK_BYTES_USUAL;
        (BYTES_BESIDE + document + pending + marks) as u64
    }
}
