//! The node's own views of lists: made when they are asked for, kept, and signed anew in time.
//!
//! A view is named by list, version, form, window and coding. Windows begin and end at fixed
//! points, so that all who ask within a period get the same bytes.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use registry_core::id::ListId;
use registry_core::record::{Entry, Record, RecordKey};
use registry_core::state::StoreError;
use registry_core::status::StatusList;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::list::FoundList;
use super::publisher::Publisher;
use super::view::{Entries, Form, List, Publication, Standard, ViewError, Window};
use crate::api::{Api, Selector};
use crate::clock::now_ms;
use crate::coding::Coding;
use crate::error::{ApiError, NodeCode};
use crate::limits::{
    STATUS_BUILDS_MAX, STATUS_ENTRIES_BYTES_MAX, STATUS_LISTS_SHOWN_MAX, STATUS_TTL_MS,
    STATUS_VERSION_MS_MIN, STATUS_VIEW_LIFE_MS, STATUS_VIEW_PERIOD_MS, STATUS_VIEWS_BYTES_MAX,
};
use crate::metrics::{Metrics, ViewStep};
use crate::service::Head;

/// Which view is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) list: ListId,
    pub(crate) form: Form,
    pub(crate) coding: Coding,
    /// The version at this time; the newest without it.
    pub(crate) at_ms: Option<u64>,
    pub(crate) min_height: Option<u64>,
}

/// The bytes of a view.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) bytes: Bytes,
    /// Its entity tag: list version, form and hash of the bytes.
    pub(crate) tag: String,
}

/// A view and what a cache may know of it.
pub(crate) struct Published {
    pub(crate) view: Arc<View>,
    pub(crate) version: u64,
    pub(crate) head: Head,
    /// Whether it will never be another one.
    pub(crate) immutable: bool,
    /// How long it may be used without asking again.
    pub(crate) max_age_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct EntriesKey {
    list: ListId,
    version: u64,
    standard: Standard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ViewKey {
    list: ListId,
    version: u64,
    form: Form,
    window: Window,
    coding: Coding,
}

/// A version that is being served, and since when.
#[derive(Debug, Clone, Copy)]
struct ServedSince {
    version: u64,
    since_ms: u64,
}

/// Weighs by bytes.
#[derive(Debug, Clone)]
struct ByBytes;

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

/// What is kept of views.
pub(crate) struct Views {
    entries: Cache<EntriesKey, Arc<Entries>, ByBytes>,
    views: Cache<ViewKey, Arc<View>, ByBytes>,
    served: Mutex<quick_cache::unsync::Cache<ListId, ServedSince>>,
    newest: Arc<Semaphore>,
    past: Arc<Semaphore>,
    metrics: Metrics,
}

impl Views {
    pub(crate) fn new(metrics: Metrics) -> Self {
        // A usual view has some 16 KiB.
        let cache = |bytes: usize| (bytes >> 14, bytes as u64);
        let (entries, entries_bytes) = cache(STATUS_ENTRIES_BYTES_MAX);
        let (views, views_bytes) = cache(STATUS_VIEWS_BYTES_MAX);
        Self {
            entries: Cache::with_weighter(entries, entries_bytes, ByBytes),
            views: Cache::with_weighter(views, views_bytes, ByBytes),
            served: Mutex::new(quick_cache::unsync::Cache::new(STATUS_LISTS_SHOWN_MAX)),
            newest: Arc::new(Semaphore::new(STATUS_BUILDS_MAX)),
            past: Arc::new(Semaphore::new(STATUS_BUILDS_MAX)),
            metrics,
        }
    }

    /// The version of a list to serve at `time_ms`: the newest, or the one before it for a while
    /// yet, unless the caller insists.
    fn version(&self, list: &ListId, newest: u64, time_ms: u64, insists: bool) -> u64 {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ServedSince { version, since_ms }) = served.get(list) {
            // A request that saw an older head does not turn the list back.
            let fresh = time_ms < since_ms.saturating_add(STATUS_VERSION_MS_MIN);
            if *version >= newest || (fresh && !insists) {
                return newest.min(*version);
            }
        }
        served.insert(*list, ServedSince { version: newest, since_ms: time_ms });
        newest
    }
}

impl Api {
    /// The view of a list that is wanted, made if nobody asked for it before.
    pub(crate) async fn view(&self, wanted: Wanted) -> Result<Published, ApiError> {
        let Wanted { list: id, form, coding, at_ms, min_height } = wanted;
        let selector = at_ms.map_or(Selector::Head, Selector::At);
        let FoundList { mut entry, mut list, head, .. } =
            self.find_list(&id, selector, min_height).await?;
        // A node that is behind speaks for no later time than its newest block can.
        let time_ms = now_ms().min(self.last_time_ms(&head)?);
        let next = match at_ms {
            Some(_) => {
                let number = Selector::Number(entry.record.version + 1);
                self.entry(&RecordKey::status(&id), number, &head)?
            }
            None => {
                let newest = entry.record.version;
                let served = self.views.version(&id, newest, time_ms, min_height.is_some());
                if served != newest {
                    (entry, list) = self.list_version(&id, Selector::Number(served), &head)?;
                }
                None
            }
        };
        let next = next.map(|next| next.record);
        let window = window(&list, &entry.record, next.as_ref(), at_ms.is_some(), time_ms);
        let version = entry.record.version;
        let key = ViewKey { list: id, version, form, window, coding };
        let source = Source { entry, list, head, past: next.is_some() };
        let view = self.kept_view(key, &source).await?;
        let left_ms = window.until_ms().saturating_sub(time_ms);
        let max_age_ms = STATUS_TTL_MS.min(left_ms);
        Ok(Published { view, version, head, immutable: source.past, max_age_ms })
    }

    async fn kept_view(&self, key: ViewKey, source: &Source) -> Result<Arc<View>, ApiError> {
        let plain = ViewKey { coding: Coding::Identity, ..key };
        let make = self.signed_view(plain, source);
        let view = self.views.views.get_or_insert_async(&plain, make).await?;
        if key.coding == Coding::Identity {
            return Ok(view);
        }
        let make = async {
            self.views.metrics.view(ViewStep::Code);
            let bytes = view.bytes.clone();
            let coded = self.work(source, move || Ok(key.coding.encode(&bytes)?)).await?;
            Ok(Arc::new(View::new(&key, coded)))
        };
        self.views.views.get_or_insert_async(&key, make).await
    }

    async fn signed_view(&self, key: ViewKey, source: &Source) -> Result<Arc<View>, ApiError> {
        let ViewKey { list: id, version, form, window, .. } = key;
        let publisher = Publisher::of(&*self.node, source.head.time_ms);
        let publisher = publisher.map_err(|why| ApiError::node(NodeCode::NotReady, why))?;
        let standard = form.standard();
        let entries = EntriesKey { list: id, version, standard };
        let make = self.entries(source, standard);
        let entries = self.views.entries.get_or_insert_async(&entries, make).await?;
        self.views.metrics.view(ViewStep::Sign);
        let list = source.list.clone();
        let uris = self.uris.of(&id, list.uri.as_deref());
        let aggregation = self.uris.aggregation(&list.issuer);
        // What is past is never replaced by anything newer.
        let ttl_ms = (!source.past).then_some(STATUS_TTL_MS);
        let work = move || {
            let uri = match standard {
                Standard::W3c => &uris.w3c,
                Standard::Ietf => &uris.ietf,
            };
            let publication =
                Publication { uri, window, ttl_ms, aggregation_uri: Some(&aggregation) };
            let list = List::without_array(&list);
            Ok(form.sign(&list, &entries, &publication, &publisher)?)
        };
        Ok(Arc::new(View::new(&key, self.work(source, work).await?)))
    }

    async fn entries(&self, source: &Source, standard: Standard) -> Result<Arc<Entries>, ApiError> {
        self.views.metrics.view(ViewStep::Compress);
        let (node, list) = (Arc::clone(&self.node), source.list.clone());
        let entry = source.entry.clone();
        let work = move || {
            let array = node.status_array(&entry)?;
            Ok(Arc::new(Entries::of(&List::of(&list, &array), standard)?))
        };
        self.work(source, work).await
    }

    /// Does what takes long beside the threads that serve, a few at once. Who gave up waiting has
    /// the work done all the same, and keeps its place until then.
    async fn work<T: Send + 'static>(
        &self,
        source: &Source,
        work: impl FnOnce() -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let places = if source.past { &self.views.past } else { &self.views.newest };
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.map_err(|_| ApiError::node(NodeCode::NotReady, "the node stops"))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        match done.await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(error)) => Err(StoreError::new(error).into()),
            Err(error) => Err(StoreError::new(error).into()),
        }
    }
}

/// What a view is made of.
struct Source {
    entry: Entry,
    list: StatusList,
    head: Head,
    /// Whether the version has a successor.
    past: bool,
}

/// Why work failed: a damaged store, since encoders take all that the ledger holds.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    View(#[from] ViewError),
    #[error("a content coding failed: {0}")]
    Coding(#[from] std::io::Error),
}

impl View {
    fn new(key: &ViewKey, bytes: Vec<u8>) -> Self {
        let hash = Sha256::digest(&bytes);
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let form = match key.form {
            Form::Credential => "vc",
            Form::CredentialJwt => "vcj",
            Form::TokenJwt => "slj",
            Form::TokenCwt => "slc",
        };
        Self { bytes: bytes.into(), tag: format!("\"{}-{form}-{hash}\"", key.version) }
    }
}

/// For how long a view speaks. Those of the newest version end with a period after the present
/// one, so that they are alike within each.
fn window(
    list: &StatusList,
    record: &Record,
    next: Option<&Record>,
    begins_with_version: bool,
    time_ms: u64,
) -> Window {
    if let Some(next) = next {
        return Window::past(record.time, next.time);
    }
    if let Some(end_ms) = list.valid_until.filter(|end_ms| *end_ms <= time_ms) {
        return Window::past(record.time.min(end_ms), end_ms);
    }
    let begins_ms = list.valid_from.unwrap_or(0).max(time_ms - time_ms % STATUS_VIEW_PERIOD_MS);
    if begins_with_version {
        return Window::past(record.time, begins_ms.saturating_add(STATUS_VIEW_LIFE_MS));
    }
    Window::current(begins_ms.max(record.time), STATUS_VIEW_LIFE_MS)
}
