//! Decides what is served of a list: its issuer's own token where there is one, else a view by the
//! node; of which version, and with which times.
//!
//! The windows of views begin and end at fixed points, so that all who ask within a period get the
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

/// Which view is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewRequest {
    pub(crate) list: ListId,
    pub(crate) form: Form,
    pub(crate) coding: Coding,
    /// The version at this time; the newest without it.
    pub(crate) at_ms: Option<u64>,
    pub(crate) min_height: Option<u64>,
    /// Whether it must be the node's own.
    pub(crate) ledger: bool,
}

/// A view and what a cache may know of it.
pub(crate) struct ServedView {
    pub(crate) view: Arc<View>,
    pub(crate) version: u64,
    pub(crate) head: Head,
    /// Whether it will never be another one.
    pub(crate) immutable: bool,
    /// How long it may be used without asking again.
    pub(crate) max_age_ms: u64,
}

/// A version that is being served, and since when.
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

    /// The view of a list that is asked for, made if nobody asked for it before.
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

    /// The issuer's token to serve: at a past time the one of that version that covers the time,
    /// else the newest that has not expired, be the ledger's version newer or not.
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
        // Of one form, they ascend by version and time of issue.
        self.maker.reads.node.tokens(&request.list).into_iter().rfind(fits)
    }
}

/// The time for which a view is valid. Views of the newest version end with the period after the
/// present one, so that all views made within a period are alike.
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
