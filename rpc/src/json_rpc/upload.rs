//! Requests that are larger than others may be, since they carry a status list token. A few of them
//! are read at once; what calls another method goes on as any request that is too large.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{Request, header};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::json::busy;
use crate::limits::{REQUEST_BYTES_MAX, UPLOAD_BYTES_MAX};

/// The one method whose calls may be so large.
pub(super) const METHOD: &str = "status_uploadToken";

/// The part of a call that tells what it is.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

/// The request, and a place among the large ones if it is an upload that needs it; or the answer
/// that there is no place.
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
    // A body that breaks off or is no call is none of an upload; who reads it next says so.
    let body = to_bytes(body, UPLOAD_BYTES_MAX as usize).await.unwrap_or_default();
    let call: Option<Call<'_>> = serde_json::from_slice(&body).ok();
    let uploads = call.is_some_and(|call| call.method == METHOD);
    Ok((Request::from_parts(head, Body::from(body)), uploads.then_some(place)))
}
