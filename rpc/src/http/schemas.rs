//! Serves the content of a schema, to which `credentialSchema.id` of a credential points
//! (docs/protocol/http.md, "Schemas").

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use registry_core::id::SchemaId;

use super::headers::{list_header, matches};
use crate::error::ApiError;
use crate::json;
use crate::limits::PAST_AGE_SECONDS_MAX;
use crate::services::Services;

/// Answers `/schemas/{id}`.
pub(super) async fn get(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let not_found = |detail: String| failed(StatusCode::NOT_FOUND, &detail);
    if query.is_some_and(|query| !query.is_empty()) {
        return failed(StatusCode::BAD_REQUEST, "a schema takes no parameters");
    }
    let id: SchemaId = match id.parse() {
        Ok(id) => id,
        Err(error) => return not_found(format!("there is no such schema: {error}")),
    };
    match services.schemas.schema_content(&id) {
        Ok(content) => found(&id, content, &list_header(&headers, header::IF_NONE_MATCH)),
        Err(ApiError::Refused(refusal)) => not_found(refusal.to_string()),
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn found(id: &SchemaId, content: String, if_none_match: &str) -> Response {
    let tag = format!("\"{id}\"");
    let unchanged = matches(if_none_match, &tag);
    let mut response = Response::new(if unchanged { Body::empty() } else { Body::from(content) });
    let headers = response.headers_mut();
    // The id is derived from the content, so a cached copy never becomes outdated.
    let cache = format!("public, max-age={PAST_AGE_SECONDS_MAX}, immutable");
    for (name, value) in [(header::ETAG, tag), (header::CACHE_CONTROL, cache)] {
        // The values are printable ASCII, so they are always valid header values.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let schema = HeaderValue::from_static("application/schema+json");
    headers.insert(header::CONTENT_TYPE, schema);
    // A third party wrote the content, so browsers must not interpret it as a page.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn failed(status: StatusCode, detail: &str) -> Response {
    let mut response = json::problem(status, detail);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
