//! Makes the bytes that are served for a list: the node's own view, compressed and signed, or an
//! issuer's token as it was uploaded. Both can be had in any content coding, and the results are
//! cached.

use std::sync::Arc;

use registry_core::id::ListId;
use registry_core::record::{Entry, StoreError};
use registry_core::status::StatusList;

use super::cache::{EntriesKey, View, ViewCache, ViewKey};
use super::publisher::Publisher;
use super::work::Workers;
use crate::coding::Coding;
use crate::error::{ApiError, NodeCode};
use crate::limits::{STATUS_BUILDS_MAX, STATUS_TTL_MS};
use crate::metrics::{Metrics, ViewStep};
use crate::reads::Reads;
use crate::service::KeptToken;
use crate::uris::Uris;
use crate::view::{Entries, List, Standard, Window};

/// Version of a list from which a view is made.
pub(super) struct Source {
    pub(super) entry: Entry,
    pub(super) list: StatusList,
    /// Unix time in milliseconds at which the view is made.
    pub(super) time_ms: u64,
    /// True if the version has a successor.
    pub(super) past: bool,
}

/// Makes views and caches them.
pub(crate) struct ViewMaker {
    pub(super) reads: Arc<Reads>,
    pub(super) uris: Arc<Uris>,
    cache: ViewCache,
    newest: Workers,
    past: Workers,
    metrics: Metrics,
}

impl ViewMaker {
    pub(crate) fn new(reads: Arc<Reads>, uris: Arc<Uris>, metrics: Metrics) -> Self {
        let [newest, past] = [STATUS_BUILDS_MAX; 2].map(Workers::new);
        Self { reads, uris, cache: ViewCache::new(), newest, past, metrics }
    }

    /// Returns the workers for past versions or for the newest ones.
    pub(super) fn workers(&self, past: bool) -> &Workers {
        if past { &self.past } else { &self.newest }
    }

    /// Returns a token as its issuer signed it, or `None` if the node dropped it a moment ago.
    pub(super) async fn kept_token(
        &self,
        token: KeptToken,
        coding: Coding,
        past: bool,
    ) -> Result<Option<Arc<View>>, ApiError> {
        let KeptToken { list, form, version, issued_ms, expires_ms, .. } = token;
        let window = Window::past(issued_ms, expires_ms);
        let key = ViewKey { list, version, form, window, coding, token: Some(token.digest) };
        let node = Arc::clone(&self.reads.node);
        let make = async {
            let bytes = self.workers(past).run(move || Ok(node.token(&token)?)).await?;
            Ok(Arc::new(View::new(&key, expires_ms, bytes.ok_or(None)?)))
        };
        match self.kept_view(key, past, make).await {
            Ok(view) => Ok(Some(view)),
            Err(Some(error)) => Err(error),
            Err(None) => Ok(None),
        }
    }

    /// Returns a view that this node signs.
    pub(super) async fn own_view(
        &self,
        key: ViewKey,
        source: &Source,
    ) -> Result<Arc<View>, ApiError> {
        let make = || self.signed_view(key, source);
        let view = self.kept_view(key, source.past, make()).await?;
        // A view that ends before its window ends with the key that signed it. The ledger may list
        // another key of this node by now, so the view is made once more.
        let ended = view.until_ms <= source.time_ms && view.until_ms < key.window.until_ms();
        if !ended || source.past {
            return Ok(view);
        }
        for coding in [Coding::Identity, key.coding] {
            self.cache.views.remove(&ViewKey { coding, ..key });
        }
        self.kept_view(key, source.past, make()).await
    }

    /// Returns the view from the cache. If it is missing, `make` makes it without content coding,
    /// and this function then applies the coding.
    async fn kept_view<E: From<ApiError>>(
        &self,
        key: ViewKey,
        past: bool,
        make: impl Future<Output = Result<Arc<View>, E>>,
    ) -> Result<Arc<View>, E> {
        let plain = ViewKey { coding: Coding::Identity, ..key };
        let view = self.cache.views.get_or_insert_async(&plain, make).await?;
        if key.coding == Coding::Identity {
            return Ok(view);
        }
        let make = async {
            self.metrics.view(ViewStep::Code);
            let bytes = view.bytes.clone();
            let code = move || Ok(key.coding.encode(&bytes).map_err(StoreError::new)?);
            let coded = self.workers(past).run(code).await?;
            Ok(Arc::new(View::new(&key, view.until_ms, coded)))
        };
        self.cache.views.get_or_insert_async(&key, make).await
    }

    async fn signed_view(&self, key: ViewKey, source: &Source) -> Result<Arc<View>, ApiError> {
        let ViewKey { list: id, version, form, window, .. } = key;
        let publisher = Publisher::of(&*self.reads.node, source.time_ms);
        let publisher = publisher.map_err(|why| ApiError::node(NodeCode::NotReady, why))?;
        // The window of a past version has already ended and the key is in force now, so only a
        // view of the newest version can outlive the key.
        let end_ms = publisher.until_ms().filter(|_| !source.past);
        let window = window.ending_by(end_ms);
        let standard = form.standard();
        let entries = self.kept_entries(&id, version, standard, source).await?;
        self.metrics.view(ViewStep::Sign);
        let list = source.list.clone();
        let named = self.uris.named(&id, &list, standard);
        // A newer view never replaces a view of the past, so it has no time to live.
        let ttl_ms = (!source.past).then_some(STATUS_TTL_MS);
        let work = move || {
            let publication = named.publication(window, ttl_ms);
            let list = List::without_array(&list);
            Ok(form.sign(&list, &entries, &publication, &publisher)?)
        };
        let bytes = self.workers(source.past).run(work).await?;
        Ok(Arc::new(View::new(&key, window.until_ms(), bytes)))
    }

    /// Returns the compressed entries of a version, from the cache if they are there.
    pub(super) async fn kept_entries(
        &self,
        id: &ListId,
        version: u64,
        standard: Standard,
        source: &Source,
    ) -> Result<Arc<Entries>, ApiError> {
        let key = EntriesKey { list: *id, version, standard };
        let (node, list) = (Arc::clone(&self.reads.node), source.list.clone());
        let entry = source.entry.clone();
        let metrics = self.metrics.clone();
        let make = self.workers(source.past).run(move || {
            metrics.view(ViewStep::Compress);
            let array = node.status_array(&entry)?;
            Ok(Arc::new(Entries::of(&List::of(&list, &array), standard)?))
        });
        self.cache.entries.get_or_insert_async(&key, make).await
    }
}
