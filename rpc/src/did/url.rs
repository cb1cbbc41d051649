//! DIDs and DID URLs as clients write them (W3C DID 1.1, section 3).

use registry_core::id::Did;

use super::error::{DidError, DidErrorKind};

/// A DID URL of the method `idem`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DidUrl {
    pub(crate) did: Did,
    /// Path with its leading `/`, or empty.
    pub(crate) path: String,
    /// Names and values of the query, percent-decoded, in order.
    pub(crate) parameters: Vec<(String, String)>,
    /// Fragment without `#`, percent-decoded.
    pub(crate) fragment: Option<String>,
}

/// Reads a DID. Fails with `METHOD_NOT_SUPPORTED` for a well-formed DID of another method, and
/// otherwise with `INVALID_DID`.
pub(crate) fn parse_did(text: &str) -> Result<Did, DidError> {
    let invalid = |detail: String| DidError::new(DidErrorKind::InvalidDid, detail);
    let rest = text.strip_prefix("did:").and_then(|rest| rest.split_once(':'));
    let is_method = |method: &str| {
        !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_id = |id: &str| {
        !id.is_empty()
            && !id.ends_with(':')
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte))
            && percent_decode(id).is_some()
    };
    match rest {
        Some((method, id)) if is_method(method) && is_id(id) => {
            if method != "idem" {
                let detail = format!("this node resolves did:idem, not did:{method}");
                return Err(DidError::new(DidErrorKind::MethodNotSupported, detail));
            }
            text.parse().map_err(|error| invalid(format!("{error}")))
        }
        _ => Err(invalid(format!("{text:?} is not did:<method>:<identifier>"))),
    }
}

impl DidUrl {
    /// Reads a DID URL. If its DID part is wrong, the error is that of [`parse_did`]. All other
    /// faults are `INVALID_DID_URL`.
    pub(crate) fn parse(text: &str) -> Result<Self, DidError> {
        let invalid =
            |detail: &str| DidError::new(DidErrorKind::InvalidDidUrl, format!("{text:?} {detail}"));
        let (rest, fragment) = match text.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (text, None),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, query),
            None => (rest, ""),
        };
        let (did, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let did = parse_did(did)?;
        let fragment = match fragment.map(percent_decode) {
            None => None,
            Some(Some(fragment)) if !fragment.is_empty() => Some(fragment),
            Some(_) => return Err(invalid("has an empty or malformed fragment")),
        };
        let parameters =
            parse_pairs(query).ok_or_else(|| invalid("has a malformed percent-encoding"))?;
        for (index, (name, _)) in parameters.iter().enumerate() {
            if parameters.iter().take(index).any(|(other, _)| other == name) {
                return Err(invalid(&format!("gives {name:?} twice")));
            }
        }
        Ok(Self { did, path: path.to_owned(), parameters, fragment })
    }
}

/// Splits a query into percent-decoded names and values. Returns `None` if a `%` is not followed by
/// two hex digits, or if a decoded text is not UTF-8.
pub(crate) fn parse_pairs(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

/// Decodes percent-encoding once. Returns `None` if a `%` is not followed by two hex digits, or if
/// the result is not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let (high, low) = (bytes.next().and_then(digit)?, bytes.next().and_then(digit)?);
        decoded.push(high * 16 + low);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";

    fn kind(text: &str) -> DidErrorKind {
        DidUrl::parse(text).expect_err("must be refused").kind
    }

    #[test]
    fn a_did_url_has_did_path_parameters_and_fragment() {
        let url = DidUrl::parse(&format!("{DID}/a?versionId=2&relativeRef=%2Fx%3Fy#key%2D1"));
        let url = url.expect("a DID URL");
        assert_eq!(url.did.to_string(), DID);
        assert_eq!(url.path, "/a");
        assert_eq!(url.fragment.as_deref(), Some("key-1"));
        let expected = [("versionId", "2"), ("relativeRef", "/x?y")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(url.parameters, expected);
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use DidErrorKind::{InvalidDid, InvalidDidUrl, MethodNotSupported};
        let cases = [
            ("not-a-did".to_owned(), InvalidDid),
            ("did:example".to_owned(), InvalidDid),
            ("did:example:".to_owned(), InvalidDid),
            ("did:Example:a".to_owned(), InvalidDid),
            ("did:example:a b".to_owned(), InvalidDid),
            ("did:example:%zz".to_owned(), InvalidDid),
            ("did:idem:local:short".to_owned(), InvalidDid),
            (DID.to_ascii_uppercase(), InvalidDid),
            ("did:example:a".to_owned(), MethodNotSupported),
            (format!("{DID}#"), InvalidDidUrl),
            (format!("{DID}#%"), InvalidDidUrl),
            (format!("{DID}?a=%f"), InvalidDidUrl),
            (format!("{DID}?a=%ff"), InvalidDidUrl),
            (format!("{DID}?a=1&a=1"), InvalidDidUrl),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(&text), expected, "{text}");
        }
    }
}
