//! `/1.0/identifiers/{did-or-did-url}`: the HTTP binding of W3C DID Resolution.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use serde_json::{Map, Value};

use super::accept::{Form, Representation, negotiate};
use super::headers::{as_of, list_header, matches};
use crate::did::dereference::{Content, Dereferenced, DereferencingResult, URI_LIST};
use crate::did::error::{DidError, DidErrorKind};
use crate::did::options::{Options, pairs_of};
use crate::did::resolve::{DID_DOCUMENT, Freshness, ResolutionResult, status_of};
use crate::did::url::{DidUrl, parse_pairs, percent_decode};
use crate::json;
use crate::limits::{HEAD_AGE_SECONDS_MAX, PAST_AGE_SECONDS_MAX};
use crate::service::Head;
use crate::services::Services;

/// A resolution request, whether it came by `GET` or `POST`.
struct ResolutionRequest {
    identifier: String,
    options: Vec<(String, String)>,
    /// Value of the option `accept`, or of the `Accept` header if there is no such option.
    accept: String,
    if_none_match: String,
}

/// Answers `GET` and `HEAD`.
pub(super) async fn get(
    State(services): State<Arc<Services>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    respond(&services, request_of(&uri, &headers, Vec::new())).await
}

/// Answers `POST`, which has options in a JSON body and is otherwise like `GET`.
pub(super) async fn post(
    State(services): State<Arc<Services>>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = match json::body(body).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let options = match serde_json::from_slice::<Map<String, Value>>(&bytes) {
        _ if bytes.is_empty() => Ok(Vec::new()),
        Ok(options) => pairs_of(&options),
        Err(error) => {
            let detail = format!("the body must be a JSON object of options: {error}");
            Err(DidError::new(DidErrorKind::InvalidOptions, detail))
        }
    };
    let request = options.and_then(|options| request_of(&parts.uri, &parts.headers, options));
    respond(&services, request).await
}

/// Reads a request from its URI and headers. If the identifier starts with `did%3A`, it is
/// percent-encoded as a whole and the query holds options. Otherwise the query belongs to the DID
/// URL.
fn request_of(
    uri: &Uri,
    headers: &HeaderMap,
    mut options: Vec<(String, String)>,
) -> Result<ResolutionRequest, DidError> {
    let raw = uri.path().strip_prefix("/1.0/identifiers/").unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let encoded = raw.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("did%3a"));
    let identifier = if encoded {
        let malformed = |kind, what: &str| {
            DidError::new(kind, format!("{what} has a malformed percent-encoding"))
        };
        let pairs = parse_pairs(query);
        let pairs = pairs.ok_or_else(|| malformed(DidErrorKind::InvalidOptions, "the query"))?;
        options.extend(pairs);
        let identifier = percent_decode(raw);
        identifier.ok_or_else(|| malformed(DidErrorKind::InvalidDidUrl, "the identifier"))?
    } else {
        let (before, fragment) = match raw.split_once("%23") {
            Some((before, fragment)) => (before, format!("#{fragment}")),
            None => (raw, String::new()),
        };
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{before}{query}{fragment}")
    };
    let accept = match options.iter().find(|(name, _)| name == "accept") {
        Some((_, accept)) => accept.clone(),
        None => list_header(headers, header::ACCEPT),
    };
    let if_none_match = list_header(headers, header::IF_NONE_MATCH);
    Ok(ResolutionRequest { identifier, options, accept, if_none_match })
}

impl ResolutionRequest {
    /// Returns the DID URL and all options of the request. The option `accept` is left out: it is
    /// negotiated like the header, which allows more than document types.
    fn read(&self) -> Result<(DidUrl, Options), DidError> {
        let url = DidUrl::parse(&self.identifier)?;
        let beside = self.options.iter().filter(|(name, _)| name != "accept");
        let options = url.options(&beside.cloned().collect::<Vec<_>>())?;
        Ok((url, options))
    }
}

async fn respond(services: &Services, request: Result<ResolutionRequest, DidError>) -> Response {
    let request = match request {
        Ok(request) => request,
        Err(error) => return failed(error, Representation::result(), false),
    };
    let read = request.read();
    let redirects = read.as_ref().is_ok_and(|(_, options)| options.selects_service());
    let representation = negotiate(&request.accept, redirects);
    let asked = representation.clone().unwrap_or_else(Representation::result);
    let (url, options) = match read {
        Ok(read) => read,
        Err(error) => {
            let dereferencing = asked.form == Form::Dereferencing;
            return failed(error, asked, dereferencing);
        }
    };
    // A DID URL that selects nothing but a version is resolved like a DID.
    let whole = url.fragment.is_none() && url.path.is_empty() && options.relationship.is_none();
    let resolves = whole && !options.selects_service() && asked.form != Form::Dereferencing;
    let followed = match services.dids.follow(&url, &options).await {
        Ok(followed) => followed,
        Err(error) => return failed(error, asked, !resolves),
    };
    match representation {
        Some(representation) => {
            let answer = Followed { followed, options, resolves };
            write(answer, representation, &request.if_none_match)
        }
        None => {
            let detail = format!("no representation for Accept {:?}", request.accept);
            let error = DidError::new(DidErrorKind::RepresentationNotSupported, detail);
            failed(error, asked, !resolves)
        }
    }
}

/// Outcome of following a DID URL, from which the response is written.
struct Followed {
    followed: Dereferenced,
    options: Options,
    /// True if the response is a result of resolution and not of dereferencing.
    resolves: bool,
}

fn failed(error: DidError, asked: Representation, dereferencing: bool) -> Response {
    let status = error.status();
    let Representation { content_type, .. } = asked.without_content();
    let mut response = if dereferencing {
        let asked = Representation { form: Form::Dereferencing, content_type }.into_dereferencing();
        json::response(status, asked.content_type, &DereferencingResult::failed(error))
    } else {
        json::response(status, content_type, &ResolutionResult::failed(error))
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn write(answer: Followed, asked: Representation, if_none_match: &str) -> Response {
    let Followed { followed, options, resolves } = answer;
    let Dereferenced { found, head, content } = followed;
    let asked = if content.is_none() { asked.without_content() } else { asked };
    let asked = if resolves { asked } else { asked.into_dereferencing() };
    let freshness = found.freshness();
    let tag = tag(&freshness, asked.form);
    if status_of(&found) == StatusCode::OK && matches(if_none_match, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return with_headers(response, &tag, &freshness, &options, &head);
    }
    let status = status_of(&found);
    let Representation { form, content_type } = asked;
    let response = match (form, content) {
        (Form::Redirect, Some(Content::Endpoints(uris))) => redirect(&uris),
        (Form::Content | Form::Redirect, Some(content)) => {
            json::response(status, content_type, &content)
        }
        _ if resolves => {
            json::response(status, content_type, &ResolutionResult::of(&found, DID_DOCUMENT))
        }
        (_, content) => {
            let kind = match &content {
                Some(Content::Endpoints(_)) => URI_LIST,
                _ => DID_DOCUMENT,
            };
            let result = DereferencingResult::of(content, kind, found.metadata.clone());
            json::response(status, content_type, &result)
        }
    };
    with_headers(response, &tag, &freshness, &options, &head)
}

/// Redirects with status 303 to the first endpoint, as W3C DID Resolution requires for
/// `text/uri-list`.
fn redirect(uris: &str) -> Response {
    let first = uris.lines().next().unwrap_or_default();
    let Ok(location) = HeaderValue::try_from(first) else {
        return json::problem(StatusCode::INTERNAL_SERVER_ERROR, "the endpoint is no header value");
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// Returns a strong entity tag, made of the answer's own tag and the form of the body.
fn tag(freshness: &Freshness, form: Form) -> String {
    let form = match form {
        Form::Result => 'r',
        Form::Dereferencing => 'd',
        Form::Content => 'c',
        Form::Redirect => 'l',
    };
    format!("\"{}-{form}\"", freshness.tag)
}

fn with_headers(
    mut response: Response,
    tag: &str,
    freshness: &Freshness,
    options: &Options,
    head: &Head,
) -> Response {
    let cache = if options.no_cache {
        "no-store".to_owned()
    } else if freshness.immutable {
        format!("public, max-age={PAST_AGE_SECONDS_MAX}, immutable")
    } else {
        format!("public, max-age={HEAD_AGE_SECONDS_MAX}")
    };
    let headers = response.headers_mut();
    as_of(headers, head);
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    for (name, value) in [(header::ETAG, tag), (header::CACHE_CONTROL, &cache)] {
        // The values are printable ASCII, so they are always valid header values.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}
