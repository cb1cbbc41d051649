//! Requests that may be larger than others because they upload a status list token. Only a few of
//! them are read at once. If a large request calls another method, it is passed on and refused like
//! any request that is too large.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{Request, header};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::json::busy;
use crate::limits::{REQUEST_BYTES_MAX, UPLOAD_BYTES_MAX};

/// The only method whose calls may be larger than [`REQUEST_BYTES_MAX`].
pub(super) const METHOD: &str = "status_uploadToken";

/// The part of a JSON-RPC call that names its method.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

/// Returns the request, with a permit if it is a large upload. Fails with the response 503 if no
/// permit is left.
pub(super) async fn read(
    request: Request<Body>,
    places: &Arc<Semaphore>,
) -> Result<(Request<Body>, Option<OwnedSemaphorePermit>), Response> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u32>().ok());
    let large = REQUEST_BYTES_MAX + 1..=UPLOAD_BYTES_MAX;
    if !length.is_some_and(|length| large.contains(&length)) {
        return Ok((request, None));
    }
    let place = Arc::clone(places).try_acquire_owned().map_err(|_| busy())?;
    let (head, body) = request.into_parts();
    // If the body ends early or is not a call, it counts as another method. The JSON-RPC server
    // reads it next and reports the fault.
    let body = to_bytes(body, UPLOAD_BYTES_MAX as usize).await.unwrap_or_default();
    let call: Option<Call<'_>> = serde_json::from_slice(&body).ok();
    let uploads = call.is_some_and(|call| call.method == METHOD);
    Ok((Request::from_parts(head, Body::from(body)), uploads.then_some(place)))
}
