//! `resolve(did, resolutionOptions)` of W3C DID Resolution, answered from the ledger's records.

use std::sync::Arc;

use http::StatusCode;
use registry_core::crypto::Hash;
use registry_core::did::{Marks, PendingRecovery};
use registry_core::id::Did;
use registry_core::record::{Entry, Record, RecordView as _, StoreError};
use serde::Serialize;

use super::error::{DidError, DidErrorKind};
use super::options::Options;
use super::rendered::{DidView, DidViewCache, DocumentJson, did_view_cache};
use super::url::parse_did;
use crate::clock::seconds_up;
use crate::reads::{Moment, Reads, Selector};
use crate::service::Head;

/// Media type of a DID document.
pub(crate) const DID_DOCUMENT: &str = "application/did";

/// Media types in which the document alone is served. The last three are for older clients.
pub(crate) const DOCUMENT_TYPES: [&str; 4] =
    [DID_DOCUMENT, "application/did+json", "application/did+ld+json", "application/ld+json"];

/// Resolution result in the shape that W3C DID Resolution defines.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolutionResult {
    pub(crate) did_document: Option<DocumentJson>,
    pub(crate) did_resolution_metadata: ResultMetadata,
    pub(crate) did_document_metadata: DocumentMetadata,
}

/// Metadata of the resolution or dereferencing process.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<DidError>,
}

/// Metadata of one version of a DID document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deactivated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_recovery: Option<PendingMetadata>,
    /// Keys that the DID had disowned in this version, whatever its document says of them.
    #[serde(skip_serializing_if = "Marks::is_empty")]
    marked_keys: Marks,
}

/// Metadata of a pending recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PendingMetadata {
    started_at: String,
    /// Earliest block time at which the recovery can be completed, if the network does not halt
    /// before. Halts count up to the moment of the answer, or up to the end of the version.
    matures_at: String,
    operation: Hash,
    new_control_hash: Hash,
}

/// Caching properties of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Part of the entity tag that identifies this answer among all answers about the DID. The
    /// complete tag also names the form of the body.
    pub(crate) tag: String,
    /// True if the answer can never change.
    pub(crate) immutable: bool,
}

/// A DID that was found, in the version asked for.
pub(crate) struct Found {
    pub(crate) entry: Entry,
    /// The W3C document; `None` if the DID is deactivated.
    pub(crate) document: Option<DocumentJson>,
    pub(crate) metadata: DocumentMetadata,
    /// Milliseconds of the halts that count for the maturity of a pending recovery. They belong to
    /// the tag, since each halt delays it. Zero if no recovery is pending.
    halted_ms: u64,
}

impl Found {
    /// Returns the caching properties. It hashes the record, so call it only for answers that need
    /// them.
    pub(crate) fn freshness(&self) -> Freshness {
        let record = &self.entry.record;
        let hash = record.hash().to_string();
        let mut tag = format!("{}-{}", record.version, hash.split_at(8).0);
        let superseded = self.metadata.next_version_id.is_some();
        let pending = self.metadata.pending_recovery.is_some();
        if superseded {
            tag.push_str("-n");
        }
        if pending {
            tag.push_str(&format!("-{}", self.halted_ms));
        }
        let immutable = superseded || self.document.is_none();
        Freshness { tag, immutable }
    }
}

impl ResolutionResult {
    pub(crate) fn of(found: &Found, content_type: &'static str) -> Self {
        let did_document = found.document.clone();
        let content_type = did_document.is_some().then_some(content_type);
        Self {
            did_document,
            did_resolution_metadata: ResultMetadata { content_type, error: None },
            did_document_metadata: found.metadata.clone(),
        }
    }

    pub(crate) fn failed(error: DidError) -> Self {
        Self {
            did_document: None,
            did_resolution_metadata: ResultMetadata { content_type: None, error: Some(error) },
            did_document_metadata: DocumentMetadata::default(),
        }
    }
}

/// Returns the HTTP status of a DID that was found: 200, or 410 if it is deactivated.
pub(crate) fn status_of(found: &Found) -> StatusCode {
    if found.document.is_some() { StatusCode::OK } else { StatusCode::GONE }
}

/// Returns the document media type that `accept` names, or the default if there is no `accept`.
pub(crate) fn document_type(accept: Option<&str>) -> Result<&'static str, DidError> {
    let Some(accept) = accept else { return Ok(DID_DOCUMENT) };
    let known = DOCUMENT_TYPES.into_iter().find(|known| accept.eq_ignore_ascii_case(known));
    known.ok_or_else(|| {
        let detail = format!("accept {accept:?}, supported are {}", DOCUMENT_TYPES.join(", "));
        DidError::new(DidErrorKind::RepresentationNotSupported, detail)
    })
}

/// One version of a DID, with its rendering and its successor.
struct DidVersion {
    entry: Entry,
    view: DidView,
    /// Record of the next version. `None` if there is none or if the head was asked for.
    next: Option<Record>,
}

/// Resolves DIDs and reads their versions.
pub(crate) struct Dids {
    pub(super) reads: Arc<Reads>,
    rendered: DidViewCache,
}

impl Dids {
    pub(crate) fn new(reads: Arc<Reads>) -> Self {
        Self { reads, rendered: did_view_cache() }
    }

    /// Resolves a DID as W3C DID Resolution defines the function: an error is a result too.
    pub(crate) async fn resolve(
        &self,
        did: &str,
        pairs: Result<Vec<(String, String)>, DidError>,
    ) -> ResolutionResult {
        let resolved = async {
            let did = parse_did(did)?;
            let options = Options::read(&pairs?)?;
            if options.selects_service() || options.relationship.is_some() {
                let detail = "service, relativeRef and verificationRelationship need a DID URL";
                return Err(DidError::new(DidErrorKind::FeatureNotSupported, detail));
            }
            let content_type = document_type(options.accept.as_deref())?;
            let (found, _) = self.find(&did, &options).await?;
            Ok(ResolutionResult::of(&found, content_type))
        };
        resolved.await.unwrap_or_else(ResolutionResult::failed)
    }

    /// Finds the version of a DID that the options select, and returns it with the head as of which
    /// it was found.
    pub(crate) async fn find(
        &self,
        did: &Did,
        options: &Options,
    ) -> Result<(Found, Head), DidError> {
        let head = self.reads.head_from(options.min_height).await?;
        if let Selector::At(time_ms) = options.version
            && self.reads.is_future(time_ms, &head)?
        {
            let newest = seconds_up(head.time_ms);
            let detail = format!("versionTime is in the future; the newest block is of {newest}");
            return Err(DidError::new(DidErrorKind::InvalidOptions, detail));
        }
        let not_found = |detail: String| DidError::new(DidErrorKind::NotFound, detail);
        let moment = Moment::new(head, options.version);
        match self.version(did, &moment)? {
            Some(version) => Ok((self.found(version, &moment)?, head)),
            None if did.network != *self.reads.network() => {
                let network = self.reads.network();
                Err(not_found(format!("{did} is of another network, this node serves {network}")))
            }
            None => Err(not_found(match options.version {
                Selector::Head => format!("{did} is not registered"),
                Selector::Number(number) => format!("{did} has no version {number}"),
                Selector::At(time_ms) => {
                    format!("{did} was not registered at {}", seconds_up(time_ms))
                }
            })),
        }
    }

    /// Reads the version of a DID at a moment, with its rendering and, unless the head was asked
    /// for, its successor.
    fn version(&self, did: &Did, moment: &Moment) -> Result<Option<DidVersion>, StoreError> {
        if did.network != *self.reads.network() {
            return Ok(None);
        }
        let key = self.reads.did_key(did);
        let Some(entry) = self.reads.at(moment).entry(&key)? else { return Ok(None) };
        let number = entry.record.version;
        let next = match moment.selector {
            Selector::Head => None,
            _ => self.reads.at(&moment.number(number + 1)).entry(&key)?.map(|entry| entry.record),
        };
        let view =
            self.rendered.get_or_insert_with(&(did.suffix, number), || self.render(did, &entry))?;
        Ok(Some(DidVersion { entry, view, next }))
    }

    fn render(&self, did: &Did, entry: &Entry) -> Result<DidView, StoreError> {
        let created_ms = match entry.record.version {
            1 => entry.record.time,
            _ => self.reads.first(&entry.record)?.time,
        };
        DidView::of(did, entry, created_ms)
    }

    fn found(&self, version: DidVersion, moment: &Moment) -> Result<Found, StoreError> {
        let DidVersion { entry, view, next } = version;
        let DidView { created_ms, document, pending, marks } = view;
        let halted_ms = match pending {
            Some(_) => {
                // A version that was asked for by its number counts up to its last moment.
                let last_ms = next.as_ref().map_or(u64::MAX, |next| next.time - 1);
                self.reads.halted_ms(&moment.head, moment.time_ms.min(last_ms))?
            }
            None => 0,
        };
        let record = &entry.record;
        let metadata = DocumentMetadata {
            created: Some(seconds_up(created_ms)),
            updated: (record.version > 1).then(|| seconds_up(record.time)),
            deactivated: document.is_none().then_some(true),
            version_id: Some(record.version.to_string()),
            next_version_id: next.as_ref().map(|next| next.version.to_string()),
            next_update: next.as_ref().map(|next| seconds_up(next.time)),
            pending_recovery: pending.map(|pending| pending_metadata(&pending, halted_ms)),
            marked_keys: marks,
        };
        Ok(Found { entry, document, metadata, halted_ms })
    }
}

fn pending_metadata(pending: &PendingRecovery, halted_ms: u64) -> PendingMetadata {
    PendingMetadata {
        started_at: seconds_up(pending.started_ms),
        matures_at: seconds_up(pending.matures_live_ms.saturating_add(halted_ms)),
        operation: pending.operation,
        new_control_hash: pending.recover.sets.hash(),
    }
}
