//! Chooses what is served for a list: the issuer's own token if there is one, and otherwise the
//! node's view. It also chooses the version and the window.
//!
//! The windows of views begin and end at fixed times, so that all requests within a period get the
//! same bytes.

use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::unsync::Cache;
use registry_core::id::ListId;
use registry_core::record::{Entry, Record};
use registry_core::status::StatusList;

use super::cache::{View, ViewKey};
use super::list::FoundList;
use super::make::{Source, ViewMaker};
use crate::coding::Coding;
use crate::error::ApiError;
use crate::limits::{
    STATUS_LISTS_SHOWN_MAX, STATUS_TTL_MS, STATUS_VERSION_MS_MIN, STATUS_VIEW_LIFE_MS,
    STATUS_VIEW_PERIOD_MS,
};
use crate::reads::Selector;
use crate::service::{Head, KeptToken};
use crate::view::{Form, Window};

/// Request for a view of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewRequest {
    pub(crate) list: ListId,
    pub(crate) form: Form,
    pub(crate) coding: Coding,
    /// Unix time in milliseconds whose version is wanted. The newest version is wanted if this is
    /// absent.
    pub(crate) at_ms: Option<u64>,
    pub(crate) min_height: Option<u64>,
    /// True if the view must be the node's own and not an issuer's token.
    pub(crate) ledger: bool,
}

/// A view to serve, with its caching properties.
pub(crate) struct ServedView {
    pub(crate) view: Arc<View>,
    pub(crate) version: u64,
    pub(crate) head: Head,
    /// True if the answer never changes.
    pub(crate) immutable: bool,
    /// Milliseconds for which the view may be used without a new request.
    pub(crate) max_age_ms: u64,
}

/// Version of a list that the node serves, and the Unix time in milliseconds since when.
#[derive(Debug, Clone, Copy)]
struct ServedSince {
    version: u64,
    since_ms: u64,
}

/// Serves status lists in the forms of both standards.
pub(crate) struct StatusViews {
    maker: Arc<ViewMaker>,
    served: Mutex<Cache<ListId, ServedSince>>,
}

impl StatusViews {
    pub(crate) fn new(maker: Arc<ViewMaker>) -> Self {
        Self { maker, served: Mutex::new(Cache::new(STATUS_LISTS_SHOWN_MAX)) }
    }

    /// Returns the view that is asked for. It makes the view if it is not in the cache.
    pub(crate) async fn view(&self, request: ViewRequest) -> Result<ServedView, ApiError> {
        let ViewRequest { list: id, form, coding, at_ms, min_height, ledger } = request;
        let selector = at_ms.map_or(Selector::Head, Selector::At);
        let reads = &self.maker.reads;
        let mut found = FoundList::find(reads, &id, selector, min_height).await?;
        let head = found.moment.head;
        let time_ms = reads.signing_time_ms(&head)?;
        let next = match at_ms {
            Some(_) => found.successor(reads)?,
            None => None,
        };
        if !ledger && let Some(token) = self.issuer_token(&request, &found.entry, time_ms) {
            let past = next.is_some();
            if let Some(view) = self.maker.kept_token(token, coding, past).await? {
                let left_ms = token.expires_ms.saturating_sub(time_ms);
                let max_age_ms = STATUS_TTL_MS.min(left_ms).min(token.ttl_ms.unwrap_or(u64::MAX));
                let version = token.version;
                return Ok(ServedView { view, version, head, immutable: past, max_age_ms });
            }
        }
        if at_ms.is_none() {
            let newest = found.entry.record.version;
            let served = self.version(&id, newest, time_ms, min_height.is_some());
            if served != newest {
                found = FoundList::at(reads, &id, found.moment.number(served))?;
            }
        }
        let FoundList { entry, list, .. } = found;
        let window = window(&list, &entry.record, next.as_ref(), at_ms.is_some(), time_ms);
        let version = entry.record.version;
        let key = ViewKey { list: id, version, form, window, coding, token: None };
        let source = Source { entry, list, time_ms, past: next.is_some() };
        let view = self.maker.own_view(key, &source).await?;
        let left_ms = view.until_ms.saturating_sub(time_ms);
        let max_age_ms = STATUS_TTL_MS.min(left_ms);
        Ok(ServedView { view, version, head, immutable: source.past, max_age_ms })
    }

    /// Returns the version of a list to serve at `time_ms`. That is the newest version, or the one
    /// served before if it has been served for less than [`STATUS_VERSION_MS_MIN`]. With `insists`
    /// it is always the newest.
    fn version(&self, list: &ListId, newest: u64, time_ms: u64, insists: bool) -> u64 {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ServedSince { version, since_ms }) = served.get(list) {
            // A request that saw an older head does not go back to an older version.
            let fresh = time_ms < since_ms.saturating_add(STATUS_VERSION_MS_MIN);
            if *version >= newest || (fresh && !insists) {
                return newest.min(*version);
            }
        }
        served.insert(*list, ServedSince { version: newest, since_ms: time_ms });
        newest
    }

    /// Returns the issuer's token to serve. For a past time, it is a token of the version at that
    /// time whose window covers the time. Otherwise it is the newest token that has not ended, even
    /// if the ledger has a newer version.
    fn issuer_token(
        &self,
        request: &ViewRequest,
        entry: &Entry,
        time_ms: u64,
    ) -> Option<KeptToken> {
        let (at_ms, version) = (request.at_ms.unwrap_or(time_ms), entry.record.version);
        let fits = |token: &KeptToken| {
            let covers = token.issued_ms <= at_ms && at_ms < token.expires_ms;
            let shows = match request.at_ms {
                Some(_) => token.version == version,
                None => token.version <= version,
            };
            token.form == request.form && covers && shows
        };
        // Tokens of one form ascend by version and time of issue, so the last match is the newest.
        self.maker.reads.node.tokens(&request.list).into_iter().rfind(fits)
    }
}

/// Returns the window of a view. A view of the newest version begins at a multiple of
/// [`STATUS_VIEW_PERIOD_MS`] or with the version, whichever is later. So all views made within a
/// period are equal.
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
