//! What is served of a list: its issuer's own token where there is one, else a view by the node,
//! made when it is asked for, kept, and signed anew in time.
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
use crate::api::{Api, Selector};
use crate::clock::now_ms;
use crate::coding::Coding;
use crate::error::{ApiError, NodeCode};
use crate::limits::{
    STATUS_BUILDS_MAX, STATUS_ENTRIES_BYTES_MAX, STATUS_LISTS_SHOWN_MAX, STATUS_TTL_MS,
    STATUS_VERSION_MS_MIN, STATUS_VIEW_LIFE_MS, STATUS_VIEW_PERIOD_MS, STATUS_VIEWS_BYTES_MAX,
};
use crate::metrics::{Metrics, ViewStep};
use crate::service::{Head, KeptToken};
use crate::view::{Entries, Form, List, Standard, Window};

/// Which view is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) list: ListId,
    pub(crate) form: Form,
    pub(crate) coding: Coding,
    /// The version at this time; the newest without it.
    pub(crate) at_ms: Option<u64>,
    pub(crate) min_height: Option<u64>,
    /// Whether it must be the node's own.
    pub(crate) ledger: bool,
}

/// The bytes of a view.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) bytes: Bytes,
    /// Its entity tag: list version, form and hash of the bytes.
    pub(crate) tag: String,
    /// When it ends.
    until_ms: u64,
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
    /// Which token it is, if it is the issuer's.
    token: Option<[u8; 8]>,
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
    /// For the checks of issuers' tokens.
    pub(super) uploads: Arc<Semaphore>,
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
            uploads: Arc::new(Semaphore::new(STATUS_BUILDS_MAX)),
        }
    }

    /// Where views are made of the newest versions, or of past ones.
    pub(super) fn places(&self, past: bool) -> &Arc<Semaphore> {
        if past { &self.past } else { &self.newest }
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
    /// The time about which the node speaks: its clock, but one that is behind speaks for no later
    /// time than its newest block can.
    pub(super) fn speaking_ms(&self, head: &Head) -> Result<u64, ApiError> {
        Ok(now_ms().min(self.last_time_ms(head)?))
    }

    /// The view of a list that is wanted, made if nobody asked for it before.
    pub(crate) async fn view(&self, wanted: Wanted) -> Result<Published, ApiError> {
        let Wanted { list: id, form, coding, at_ms, min_height, ledger } = wanted;
        let selector = at_ms.map_or(Selector::Head, Selector::At);
        let FoundList { mut entry, mut list, head, .. } =
            self.find_list(&id, selector, min_height).await?;
        let time_ms = self.speaking_ms(&head)?;
        let next = match at_ms {
            Some(_) => self.successor(&id, &entry, &head)?,
            None => None,
        };
        if !ledger && let Some(token) = self.issuer_token(&wanted, &entry, time_ms) {
            let past = next.is_some();
            if let Some(view) = self.kept_token(token, coding, past).await? {
                let left_ms = token.expires_ms.saturating_sub(time_ms);
                let max_age_ms = STATUS_TTL_MS.min(left_ms).min(token.ttl_ms.unwrap_or(u64::MAX));
                let version = token.version;
                return Ok(Published { view, version, head, immutable: past, max_age_ms });
            }
        }
        if at_ms.is_none() {
            let newest = entry.record.version;
            let served = self.views.version(&id, newest, time_ms, min_height.is_some());
            if served != newest {
                (entry, list) = self.list_version(&id, Selector::Number(served), &head)?;
            }
        }
        let window = window(&list, &entry.record, next.as_ref(), at_ms.is_some(), time_ms);
        let version = entry.record.version;
        let key = ViewKey { list: id, version, form, window, coding, token: None };
        let source = Source { entry, list, time_ms, past: next.is_some() };
        let view = self.own_view(key, &source).await?;
        let left_ms = view.until_ms.saturating_sub(time_ms);
        let max_age_ms = STATUS_TTL_MS.min(left_ms);
        Ok(Published { view, version, head, immutable: source.past, max_age_ms })
    }

    /// The version after one, as of `head`.
    pub(super) fn successor(
        &self,
        id: &ListId,
        entry: &Entry,
        head: &Head,
    ) -> Result<Option<Record>, StoreError> {
        let number = Selector::Number(entry.record.version + 1);
        Ok(self.entry(&RecordKey::status(id), number, head)?.map(|entry| entry.record))
    }

    /// The issuer's token to serve: at a past time the one of that version that covers the time,
    /// else the newest that has not expired, be the ledger's version newer or not.
    fn issuer_token(&self, wanted: &Wanted, entry: &Entry, time_ms: u64) -> Option<KeptToken> {
        let (at_ms, version) = (wanted.at_ms.unwrap_or(time_ms), entry.record.version);
        let fits = |token: &KeptToken| {
            let covers = token.issued_ms <= at_ms && at_ms < token.expires_ms;
            let shows = match wanted.at_ms {
                Some(_) => token.version == version,
                None => token.version <= version,
            };
            token.form == wanted.form && covers && shows
        };
        // Of one form, they ascend by version and time of issue.
        self.node.tokens(&wanted.list).into_iter().rfind(fits)
    }

    /// A token as its issuer signed it; none if it was dropped a moment ago.
    async fn kept_token(
        &self,
        token: KeptToken,
        coding: Coding,
        past: bool,
    ) -> Result<Option<Arc<View>>, ApiError> {
        let KeptToken { list, form, version, issued_ms, expires_ms, .. } = token;
        let window = Window::past(issued_ms, expires_ms);
        let key = ViewKey { list, version, form, window, coding, token: Some(token.digest) };
        let node = Arc::clone(&self.node);
        let make = async {
            let bytes = self.work(self.views.places(past), move || Ok(node.token(&token)?)).await?;
            Ok(Arc::new(View::new(&key, expires_ms, bytes.ok_or(None)?)))
        };
        match self.kept_view(key, past, make).await {
            Ok(view) => Ok(Some(view)),
            Err(Some(error)) => Err(error),
            Err(None) => Ok(None),
        }
    }

    /// A view by the node.
    async fn own_view(&self, key: ViewKey, source: &Source) -> Result<Arc<View>, ApiError> {
        let make = || self.signed_view(key, source);
        let view = self.kept_view(key, source.past, make()).await?;
        // One that ends before its window ends with the key that signed it. Whether there is
        // another key now is for the ledger to say.
        let ended = view.until_ms <= source.time_ms && view.until_ms < key.window.until_ms();
        if !ended || source.past {
            return Ok(view);
        }
        for coding in [Coding::Identity, key.coding] {
            self.views.views.remove(&ViewKey { coding, ..key });
        }
        self.kept_view(key, source.past, make()).await
    }

    /// A view in its coding, from `make` if it is not kept.
    async fn kept_view<E: From<ApiError>>(
        &self,
        key: ViewKey,
        past: bool,
        make: impl Future<Output = Result<Arc<View>, E>>,
    ) -> Result<Arc<View>, E> {
        let plain = ViewKey { coding: Coding::Identity, ..key };
        let view = self.views.views.get_or_insert_async(&plain, make).await?;
        if key.coding == Coding::Identity {
            return Ok(view);
        }
        let make = async {
            self.views.metrics.view(ViewStep::Code);
            let bytes = view.bytes.clone();
            let code = move || Ok(key.coding.encode(&bytes).map_err(StoreError::new)?);
            let coded = self.work(self.views.places(past), code).await?;
            Ok(Arc::new(View::new(&key, view.until_ms, coded)))
        };
        self.views.views.get_or_insert_async(&key, make).await
    }

    async fn signed_view(&self, key: ViewKey, source: &Source) -> Result<Arc<View>, ApiError> {
        let ViewKey { list: id, version, form, window, .. } = key;
        let publisher = Publisher::of(&*self.node, source.time_ms);
        let publisher = publisher.map_err(|why| ApiError::node(NodeCode::NotReady, why))?;
        // A window that is over ended while the key was in force.
        let end_ms = publisher.until_ms().filter(|_| !source.past);
        let window = window.ending_by(end_ms);
        let standard = form.standard();
        let entries = self.kept_entries(&id, version, standard, source).await?;
        self.views.metrics.view(ViewStep::Sign);
        let list = source.list.clone();
        let named = self.uris.named(&id, &list, standard);
        // What is past is never replaced by anything newer.
        let ttl_ms = (!source.past).then_some(STATUS_TTL_MS);
        let work = move || {
            let publication = named.publication(window, ttl_ms);
            let list = List::without_array(&list);
            Ok(form.sign(&list, &entries, &publication, &publisher)?)
        };
        let bytes = self.work(self.views.places(source.past), work).await?;
        Ok(Arc::new(View::new(&key, window.until_ms(), bytes)))
    }

    /// The compressed entries of a version.
    pub(super) async fn kept_entries(
        &self,
        id: &ListId,
        version: u64,
        standard: Standard,
        source: &Source,
    ) -> Result<Arc<Entries>, ApiError> {
        let key = EntriesKey { list: *id, version, standard };
        let (node, list) = (Arc::clone(&self.node), source.list.clone());
        let entry = source.entry.clone();
        let metrics = self.views.metrics.clone();
        let make = self.work(self.views.places(source.past), move || {
            metrics.view(ViewStep::Compress);
            let array = node.status_array(&entry)?;
            Ok(Arc::new(Entries::of(&List::of(&list, &array), standard)?))
        });
        self.views.entries.get_or_insert_async(&key, make).await
    }

    /// Does what takes long beside the threads that serve, a few at once. Who gave up waiting has
    /// the work done all the same, and keeps its place until then.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.map_err(|_| ApiError::node(NodeCode::NotReady, "the node stops"))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.unwrap_or_else(|error| Err(StoreError::new(error).into()))
    }
}

/// What a view is made of.
pub(super) struct Source {
    pub(super) entry: Entry,
    pub(super) list: StatusList,
    /// When the view is made.
    pub(super) time_ms: u64,
    /// Whether the version has a successor.
    pub(super) past: bool,
}

impl View {
    fn new(key: &ViewKey, until_ms: u64, bytes: Vec<u8>) -> Self {
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
