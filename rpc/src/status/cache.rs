//! Caches of compressed entries and of signed views, each bounded by its bytes.
//!
//! The key of a view consists of list, version, form, window, content coding and, for an issuer's
//! token, its digest.

use std::sync::Arc;

use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use registry_core::id::ListId;
use sha2::{Digest, Sha256};

use crate::coding::Coding;
use crate::limits::{STATUS_ENTRIES_BYTES_MAX, STATUS_VIEWS_BYTES_MAX};
use crate::view::{Entries, Form, Standard, Window};

/// A view with its content coding applied.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) bytes: Bytes,
    /// Entity tag, made of the list's version, the form and a hash of the bytes.
    pub(crate) tag: String,
    /// Unix time in milliseconds at which the view ends.
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
    /// Start of the token's SHA-256 if the view is an issuer's own token.
    pub(super) token: Option<[u8; 8]>,
}

/// Weighs a cache entry by its size in bytes.
#[derive(Debug, Clone)]
pub(super) struct ByBytes;

/// Estimated size of a cache entry without its content, in bytes.
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

/// Compressed entries and signed views that were asked for before.
pub(super) struct ViewCache {
    pub(super) entries: Cache<EntriesKey, Arc<Entries>, ByBytes>,
    pub(super) views: Cache<ViewKey, Arc<View>, ByBytes>,
}

impl ViewCache {
    pub(super) fn new() -> Self {
        // An average view is taken to have 16 KiB.
        let cache = |bytes: usize| (bytes >> 14, bytes as u64);
        let (entries, entries_bytes) = cache(STATUS_ENTRIES_BYTES_MAX);
        let (views, views_bytes) = cache(STATUS_VIEWS_BYTES_MAX);
        Self {
            entries: Cache::with_weighter(entries, entries_bytes, ByBytes),
            views: Cache::with_weighter(views, views_bytes, ByBytes),
        }
    }
}
