//! JSON bodies in plain ASCII: a client that takes ISO-8859-1 for the default reads them right.

use std::io;

use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::limits::REQUEST_BYTES_MAX;

/// The media type of problem details (RFC 9457).
pub(crate) const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Compact JSON with everything beyond ASCII escaped.
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

/// Writes `value` as ASCII JSON.
pub(crate) fn to_ascii<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii);
    value.serialize(&mut serializer)?;
    Ok(bytes)
}

/// A whole request body, or the response that refuses it.
pub(crate) async fn body(body: Body) -> Result<Bytes, Response> {
    let limit = usize::try_from(REQUEST_BYTES_MAX).unwrap_or(usize::MAX);
    to_bytes(body, limit).await.map_err(|_| {
        let detail = format!("the body must be read whole and have at most {limit} bytes");
        problem(StatusCode::PAYLOAD_TOO_LARGE, &detail)
    })
}

/// A JSON response. The types of this crate always serialise; if one did not, the client gets 500.
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

/// Problem details.
#[derive(Serialize)]
struct ProblemDetails<'a> {
    #[serde(rename = "type")]
    problem_type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

/// A failure that is about HTTP rather than about a DID.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    typed_problem("about:blank", status, detail)
}

/// The same with a type that a standard names.
pub(crate) fn typed_problem(
    problem_type: &'static str,
    status: StatusCode,
    detail: &str,
) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = ProblemDetails { problem_type, title, status: status.as_u16(), detail };
    response(status, PROBLEM, &problem)
}

/// The answer to one request too many at once.
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
