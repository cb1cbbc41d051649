//! Keeps compressed entries and signed views, as far as their bytes fit.
//!
//! A view is named by list, version, form, window and coding.

use std::sync::Arc;

use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use registry_core::id::ListId;
use sha2::{Digest, Sha256};

use crate::coding::Coding;
use crate::limits::{STATUS_ENTRIES_BYTES_MAX, STATUS_VIEWS_BYTES_MAX};
use crate::view::{Entries, Form, Standard, Window};

/// The bytes of a view.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) bytes: Bytes,
    /// Its entity tag: list version, form and hash of the bytes.
    pub(crate) tag: String,
    /// When it ends.
    pub(super) until_ms: u64,
}

impl View {
    pub(super) fn new(key: &ViewKey, until_ms: u64, bytes: Vec<u8>) -> Self {
        let hash = Sha256::digest(&bytes);
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let form = match key.form {
            Form::Credential => "vc",
            Form::CredentialJwt => "vcj",
            Form::TokenJwt => "slj",
            Form::TokenCwt => "slc",
        };
        let tag = format!("\"{}-{form}-{hash}\"", key.version);
        Self { bytes: bytes.into(), tag, until_ms }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EntriesKey {
    pub(super) list: ListId,
    pub(super) version: u64,
    pub(super) standard: Standard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ViewKey {
    pub(super) list: ListId,
    pub(super) version: u64,
    pub(super) form: Form,
    pub(super) window: Window,
    pub(super) coding: Coding,
    /// Which token it is, if it is the issuer's.
    pub(super) token: Option<[u8; 8]>,
}

/// Weighs by bytes.
#[derive(Debug, Clone)]
pub(super) struct ByBytes;

/// Bytes of a cached thing beside its own.
const BYTES_BESIDE: usize = 160;

impl Weighter<EntriesKey, Arc<Entries>> for ByBytes {
    fn weight(&self, _: &EntriesKey, entries: &Arc<Entries>) -> u64 {
        (BYTES_BESIDE + entries.bytes()) as u64
    }
}

impl Weighter<ViewKey, Arc<View>> for ByBytes {
    fn weight(&self, _: &ViewKey, view: &Arc<View>) -> u64 {
        (BYTES_BESIDE + view.bytes.len()) as u64
    }
}

/// Compressed entries and signed views that were asked for.
pub(super) struct ViewCache {
    pub(super) entries: Cache<EntriesKey, Arc<Entries>, ByBytes>,
    pub(super) views: Cache<ViewKey, Arc<View>, ByBytes>,
}

impl ViewCache {
    /// An empty cache.
    pub(super) fn new() -> Self {
        // A usual view has some 16 KiB.
        let cache = |bytes: usize| (bytes >> 14, bytes as u64);
        let (entries, entries_bytes) = cache(STATUS_ENTRIES_BYTES_MAX);
        let (views, views_bytes) = cache(STATUS_VIEWS_BYTES_MAX);
        Self {
            entries: Cache::with_weighter(entries, entries_bytes, ByBytes),
            views: Cache::with_weighter(views, views_bytes, ByBytes),
        }
    }
}
