//! Content negotiation by `Accept` and `Accept-Encoding` (docs/protocol/http.md, "Media types" and
//! "Status lists").

use http::HeaderValue;

use crate::coding::Coding;
use crate::did::dereference::URI_LIST;
use crate::did::resolve::DOCUMENT_TYPES;
use crate::view;

/// Kind of body that a representation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The full result: of resolution for a DID, and of dereferencing for a DID URL that selects a
    /// part or a service.
    Result,
    /// The result of dereferencing, whatever the identifier.
    Dereferencing,
    /// The document, verification method or service alone.
    Content,
    /// No body, but a redirect to the service's endpoint.
    Redirect,
}

/// Kind of a body together with its exact content type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Representation {
    pub(super) form: Form,
    pub(super) content_type: HeaderValue,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const RESOLUTION: HeaderValue =
    HeaderValue::from_static("application/did-resolution; charset=utf-8");
const DEREFERENCING: HeaderValue =
    HeaderValue::from_static("application/did-url-dereferencing; charset=utf-8");

/// Profiles by which older clients ask for a result as `application/ld+json`.
const RESOLUTION_PROFILE: &str = "https://w3id.org/did-resolution";
const DEREFERENCING_PROFILE: &str = "https://w3id.org/did-url-dereferencing";

impl Representation {
    fn new(form: Form, content_type: HeaderValue) -> Self {
        Self { form, content_type }
    }

    /// Returns the representation of the full result as `application/json`.
    pub(super) fn result() -> Self {
        Self::new(Form::Result, JSON)
    }

    /// Returns the representation to use for an error or a deactivated DID. They have no bare
    /// content, so the full result takes its place.
    pub(super) fn without_content(self) -> Self {
        match self.form {
            Form::Result | Form::Dereferencing => self,
            Form::Content | Form::Redirect => Self::new(Form::Result, RESOLUTION),
        }
    }

    /// Changes the content type of a resolution result to that of a dereferencing result. Other
    /// content types stay.
    pub(super) fn into_dereferencing(mut self) -> Self {
        if self.content_type == RESOLUTION {
            self.content_type = DEREFERENCING;
        }
        self
    }
}

/// One range of an `Accept` or `Accept-Encoding` header.
pub(super) struct Range<'a> {
    /// Media type or coding in lower case, without parameters.
    pub(super) essence: String,
    /// Parameters as they were sent, except `q`.
    parameters: Vec<(&'a str, &'a str)>,
    /// Weight in thousandths, from 0 to 1,000.
    weight: u32,
}

/// Returns the representation that `accept` prefers, or `None` if it allows none. `redirects` is
/// true if the DID URL selects a service endpoint.
pub(super) fn negotiate(accept: &str, redirects: bool) -> Option<Representation> {
    if accept.trim().is_empty() {
        return choose(&any_range(), redirects);
    }
    ranges(accept).iter().find_map(|range| choose(range, redirects))
}

/// Returns the form among `forms` that `accept` prefers, or the first of them if any will do.
/// Clients of the older data model ask for plain JSON and get the credential in JSON.
pub(super) fn negotiate_view(accept: &str, forms: &[view::Form]) -> Option<view::Form> {
    let of = |essence: &str| match essence {
        "*/*" | "application/*" => forms.first().copied(),
        "application/json" | "application/ld+json" | "application/vc+ld+json" => {
            forms.iter().copied().find(|form| *form == view::Form::Credential)
        }
        _ => forms.iter().copied().find(|form| form.media_type() == essence),
    };
    if accept.trim().is_empty() {
        return forms.first().copied();
    }
    ranges(accept).iter().find_map(|range| of(&range.essence))
}

/// Returns the best content coding that an `Accept-Encoding` header names, or [`Coding::Identity`]
/// if it names none that is known.
pub(super) fn negotiate_coding(accept: &str) -> Coding {
    let accepted = ranges(accept);
    let mut named = Coding::NAMED.into_iter();
    let allowed = named.find(|(name, _)| accepted.iter().any(|range| range.essence == *name));
    allowed.map_or(Coding::Identity, |(_, coding)| coding)
}

/// Returns the ranges of a header with a weight above zero, in descending order of weight.
pub(super) fn ranges(header: &str) -> Vec<Range<'_>> {
    let ranges = split(header, b',').map(range);
    let mut ranges: Vec<_> = ranges.filter(|range| range.weight > 0).collect();
    // The sort is stable, so of ranges with equal weight the first wins.
    ranges.sort_by_key(|range| std::cmp::Reverse(range.weight));
    ranges
}

fn any_range() -> Range<'static> {
    Range { essence: "*/*".to_owned(), parameters: Vec::new(), weight: 1_000 }
}

fn choose(range: &Range<'_>, redirects: bool) -> Option<Representation> {
    let essence = range.essence.as_str();
    let redirect = Representation::new(Form::Redirect, HeaderValue::from_static(URI_LIST));
    match essence {
        "*/*" | "text/*" | URI_LIST if redirects => Some(redirect),
        "*/*" | "application/*" | "application/json" => Some(Representation::result()),
        "application/did-resolution" => Some(Representation::new(Form::Result, RESOLUTION)),
        "application/did-url-dereferencing" => {
            Some(Representation::new(Form::Dereferencing, DEREFERENCING))
        }
        _ => profiled(range).or_else(|| {
            let known = DOCUMENT_TYPES.into_iter().find(|known| *known == essence)?;
            Some(Representation::new(Form::Content, HeaderValue::from_static(known)))
        }),
    }
}

/// Reads `application/ld+json` with the profile of a result. The response repeats the profile as it
/// was sent, quoted or not.
fn profiled(range: &Range<'_>) -> Option<Representation> {
    if range.essence != "application/ld+json" {
        return None;
    }
    let (name, value) =
        range.parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("profile"))?;
    let form = match value.trim_matches('"') {
        RESOLUTION_PROFILE => Form::Result,
        DEREFERENCING_PROFILE => Form::Dereferencing,
        _ => return None,
    };
    let echo = HeaderValue::try_from(format!("application/ld+json;{name}={value}")).ok()?;
    Some(Representation::new(form, echo))
}

fn range(text: &str) -> Range<'_> {
    let mut parts = split(text, b';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let (mut parameters, mut weight) = (Vec::new(), 1_000);
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("q") {
            weight = thousandths(value);
        } else {
            parameters.push((name, value));
        }
    }
    Range { essence, parameters, weight }
}

/// Reads a weight (RFC 9110, section 12.4.2) in thousandths. Malformed text counts as 1.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match (whole, format!("{fraction:0<3}").parse::<u32>()) {
        ("0", Ok(fraction)) if fraction < 1_000 => fraction,
        _ => 1_000,
    }
}

/// Splits text at `separator`, except inside quoted strings.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character: char| {
        if character == '"' {
            quoted = !quoted;
        }
        !quoted && character == char::from(separator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_one_that_is_named() {
        for (accept, coding) in [
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip;q=1.0, br;q=0", Coding::Gzip),
            ("GZIP", Coding::Gzip),
            ("deflate, *", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(negotiate_coding(accept), coding, "{accept}");
        }
    }

    #[test]
    fn weights_and_order_decide() {
        let content_type = |accept: &str| {
            negotiate(accept, false)
                .map(|found| found.content_type.to_str().map(str::to_owned).expect("ASCII"))
        };
        for (accept, expected) in [
            ("application/did;q=0.5, application/json;q=0.9", Some("application/json")),
            ("text/html, application/did", Some("application/did")),
            ("application/did, application/json", Some("application/did")),
            ("application/did;q=0, */*;q=0.1", Some("application/json")),
            ("APPLICATION/DID", Some("application/did")),
            ("text/html", None),
            ("application/did;q=0", None),
            ("application/ld+json;profile=\"a,b;c\"", Some("application/ld+json")),
        ] {
            assert_eq!(content_type(accept).as_deref(), expected, "{accept}");
        }
    }
}
