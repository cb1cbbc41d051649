//! Serves status lists in the forms of both standards (docs/protocol/http.md, "Status lists").

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use registry_core::id::{Did, ListId};
use registry_core::time::TimeMs;

use super::accept::{negotiate_coding, negotiate_view};
use super::headers::{LEDGER_VERSION, as_of, list_header, matches};
use crate::coding::Coding;
use crate::did::url::parse_pairs;
use crate::error::{ApiError, NodeCode};
use crate::json;
use crate::limits::{PAST_AGE_SECONDS_MAX, STATUS_TTL_MS};
use crate::services::Services;
use crate::status::list::Aggregation;
use crate::status::publish::{ServedView, ViewRequest};
use crate::view::Form;

/// Function that reads a time and returns Unix time in milliseconds.
type ReadTime = fn(&str) -> Option<u64>;

/// Properties in which the two routes differ.
struct Route {
    /// Forms that the route serves, starting with the default.
    forms: &'static [Form],
    /// Name of the parameter for a time, the rule for its value, and the function that reads it.
    time: (&'static str, &'static str, ReadTime),
    /// Value of the member `type` in problem details.
    problem: &'static str,
}

const W3C: Route = Route {
    forms: &[Form::Credential, Form::CredentialJwt, Form::TokenJwt, Form::TokenCwt],
    time: ("timestamp", "RFC 3339 in UTC with Z", |text| Some(TimeMs::from_text(text)?.0)),
    problem: "https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR",
};

const IETF: Route = Route {
    forms: &[Form::TokenJwt, Form::TokenCwt],
    time: ("time", "Unix seconds", |text| text.parse::<u64>().ok()?.checked_mul(1_000)),
    problem: "about:blank",
};

/// Answers `/status-lists/{list}`.
pub(super) async fn w3c(
    State(services): State<Arc<Services>>,
    Path(list): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    serve(&services, &W3C, RawRequest { list, query, headers }).await
}

/// Answers `/token-status-lists/{list}`.
pub(super) async fn ietf(
    State(services): State<Arc<Services>>,
    Path(list): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    serve(&services, &IETF, RawRequest { list, query, headers }).await
}

/// Answers `/token-status-lists/aggregation/{issuer}` with the URIs of an issuer's lists. The IETF
/// draft has no pages. If there are too many lists for one answer, a `Link` header leads to the
/// rest.
pub(super) async fn aggregation(
    State(services): State<Arc<Services>>,
    Path(issuer): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let not_found = |detail: String| json::problem(StatusCode::NOT_FOUND, &detail);
    let issuer: Did = match issuer.parse() {
        Ok(issuer) => issuer,
        Err(error) => return not_found(format!("there is no such issuer: {error}")),
    };
    let after = match query.as_deref().map(|query| query.strip_prefix("after=")) {
        None => None,
        Some(after) => match after.and_then(|after| after.parse().ok()) {
            Some(after) => Some(after),
            None => {
                let detail = "the one parameter is after, the id of a list";
                return json::problem(StatusCode::BAD_REQUEST, detail);
            }
        },
    };
    match services.lists.aggregate(&issuer, after) {
        Ok(Aggregation { status_lists, next }) => {
            let body = serde_json::json!({ "status_lists": status_lists });
            let content_type = HeaderValue::from_static("application/json");
            let mut response = json::response(StatusCode::OK, content_type, &body);
            let headers = response.headers_mut();
            let age = format!("public, max-age={}", STATUS_TTL_MS / 1_000);
            let link = next.map(|next| format!("<?after={next}>; rel=\"next\""));
            for (name, value) in [(header::CACHE_CONTROL, Some(age)), (header::LINK, link)] {
                if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                    headers.insert(name, value);
                }
            }
            response
        }
        Err(error) => {
            let (status, detail) = failure(error);
            json::problem(status, &detail)
        }
    }
}

/// Path, query and headers of a request for a view, before they are read.
struct RawRequest {
    list: String,
    query: Option<String>,
    headers: HeaderMap,
}

/// HTTP status and detail of a failed request.
type Failure = (StatusCode, String);

async fn serve(services: &Services, route: &Route, raw: RawRequest) -> Response {
    let found = async {
        let request = read(route, &raw)?;
        let served = services.views.view(request).await.map_err(failure)?;
        Ok::<_, Failure>((request, served))
    };
    match found.await {
        Ok((request, served)) => {
            let if_none_match = list_header(&raw.headers, header::IF_NONE_MATCH);
            write(&request, &served, &if_none_match)
        }
        Err((status, detail)) => {
            let mut response = json::typed_problem(route.problem, status, &detail);
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
            if status == StatusCode::SERVICE_UNAVAILABLE {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
    }
}

fn read(route: &Route, raw: &RawRequest) -> Result<ViewRequest, Failure> {
    let bad = |detail: String| (StatusCode::BAD_REQUEST, detail);
    let list: ListId = raw
        .list
        .parse()
        .map_err(|error| (StatusCode::NOT_FOUND, format!("there is no such list: {error}")))?;
    let query = raw.query.as_deref().unwrap_or_default();
    let malformed = || bad("the query has a malformed percent-encoding".to_owned());
    let pairs = parse_pairs(query).ok_or_else(malformed)?;
    let (time, rule, read_time) = route.time;
    let (mut at_ms, mut min_height, mut ledger) = (None, None, false);
    for (index, (name, value)) in pairs.iter().enumerate() {
        if pairs.iter().take(index).any(|(other, _)| other == name) {
            return Err(bad(format!("{name} is given twice")));
        }
        let must = |rule: &str| bad(format!("{name} {value:?} must be {rule}"));
        match name.as_str() {
            name if name == time => at_ms = Some(read_time(value).ok_or_else(|| must(rule))?),
            "minHeight" => {
                min_height = Some(value.parse().map_err(|_| must("a height"))?);
            }
            "view" if value == "ledger" => ledger = true,
            "view" => return Err(must("\"ledger\"")),
            _ => {
                let known = format!("known are {time}, minHeight and view");
                return Err(bad(format!("{name:?} is no parameter here; {known}")));
            }
        }
    }
    let accept = list_header(&raw.headers, header::ACCEPT);
    let form = negotiate_view(&accept, route.forms).ok_or_else(|| {
        let types: Vec<&str> = route.forms.iter().map(|form| form.media_type()).collect();
        let detail = format!("no form for Accept {accept:?}; there are {}", types.join(", "));
        (StatusCode::NOT_ACCEPTABLE, detail)
    })?;
    let coding = match form {
        // The form holds compressed bytes, which a content coding would not make shorter.
        Form::TokenCwt => Coding::Identity,
        _ => negotiate_coding(&list_header(&raw.headers, header::ACCEPT_ENCODING)),
    };
    Ok(ViewRequest { list, form, coding, at_ms, min_height, ledger })
}

fn failure(error: ApiError) -> Failure {
    let status = match &error {
        ApiError::Refused(_) => StatusCode::NOT_FOUND,
        ApiError::Params { .. } => StatusCode::BAD_REQUEST,
        ApiError::View(_) => StatusCode::INTERNAL_SERVER_ERROR,
        ApiError::Node { code, .. } => match code {
            NodeCode::FutureTime => StatusCode::BAD_REQUEST,
            NodeCode::StoreFailed => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        },
    };
    (status, error.to_string())
}

fn write(request: &ViewRequest, served: &ServedView, if_none_match: &str) -> Response {
    let ServedView { view, version, head, immutable, max_age_ms } = served;
    let unchanged = matches(if_none_match, &view.tag);
    let body = if unchanged { Body::empty() } else { Body::from(view.bytes.clone()) };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    if !unchanged {
        let content_type = HeaderValue::from_static(request.form.media_type());
        headers.insert(header::CONTENT_TYPE, content_type);
        let coding = Coding::NAMED.into_iter().find(|(_, coding)| *coding == request.coding);
        if let Some((name, _)) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
    }
    let cache = match immutable {
        true => format!("public, max-age={PAST_AGE_SECONDS_MAX}, immutable"),
        false => format!("public, max-age={}", max_age_ms / 1_000),
    };
    for (name, value) in [(header::ETAG, &view.tag), (header::CACHE_CONTROL, &cache)] {
        // The values are printable ASCII, so they are always valid header values.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    headers.insert(LEDGER_VERSION, HeaderValue::from(*version));
    as_of(headers, head);
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}
