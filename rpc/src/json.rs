//! JSON bodies in plain ASCII, so that clients which assume ISO-8859-1 read them correctly too.

use std::io;

use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::limits::REQUEST_BYTES_MAX;

/// Media type of problem details (RFC 9457).
pub(crate) const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Formatter for compact JSON that escapes all characters outside ASCII.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            let mut units = [0; 2];
            if character.is_ascii() {
                write!(writer, "{character}")?;
                continue;
            }
            for unit in character.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// Serialises `value` as ASCII JSON.
pub(crate) fn to_ascii<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii);
    value.serialize(&mut serializer)?;
    Ok(bytes)
}

/// Reads a whole request body, or returns the response that refuses it. A body may have at most
/// [`REQUEST_BYTES_MAX`] bytes.
pub(crate) async fn body(body: Body) -> Result<Bytes, Response> {
    let limit = usize::try_from(REQUEST_BYTES_MAX).unwrap_or(usize::MAX);
    to_bytes(body, limit).await.map_err(|_| {
        let detail = format!("the body must be read whole and have at most {limit} bytes");
        problem(StatusCode::PAYLOAD_TOO_LARGE, &detail)
    })
}

/// Creates a JSON response. The types of this crate always serialise. If one did not, the client
/// would get 500 with an empty body.
pub(crate) fn response<T: Serialize>(
    status: StatusCode,
    content_type: HeaderValue,
    value: &T,
) -> Response {
    let (status, body) = match to_ascii(value) {
        Ok(bytes) => (status, Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "a response failed to serialise");
            (StatusCode::INTERNAL_SERVER_ERROR, Body::empty())
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Body of a problem response (RFC 9457).
#[derive(Serialize)]
struct ProblemDetails<'a> {
    #[serde(rename = "type")]
    problem_type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

/// Creates the response for a failure that concerns HTTP and not a DID.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    typed_problem("about:blank", status, detail)
}

/// Creates a problem response with a `type` that a standard defines.
pub(crate) fn typed_problem(
    problem_type: &'static str,
    status: StatusCode,
    detail: &str,
) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = ProblemDetails { problem_type, title, status: status.as_u16(), detail };
    response(status, PROBLEM, &problem)
}

/// Creates the 503 response for a request beyond the limit on concurrent requests.
pub(crate) fn busy() -> Response {
    let detail = "too many requests are in work; send it again";
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests {
    use super::to_ascii;

    #[test]
    fn what_is_not_ascii_is_escaped() {
        let json = to_ascii(&"a\"\u{e9}\n\u{1d11e}").expect("JSON");
        assert_eq!(json, br#""a\"\u00e9\n\ud834\udd1e""#);
    }
}
