//! Content negotiation: what the clients in use send, and what they can read
//! (docs/protocol/http.md, "Media types" and "Status lists").

use http::HeaderValue;

use crate::coding::Coding;
use crate::did::dereference::URI_LIST;
use crate::did::resolve::DOCUMENT_TYPES;
use crate::view;

/// What the body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The result of resolution for a DID, of dereferencing for a DID URL that leads elsewhere.
    Result,
    /// The result of dereferencing.
    Dereferencing,
    /// The document, method or service alone.
    Content,
    /// No body: a redirect to the service's endpoint.
    Redirect,
}

/// A body's form and its exact content type.
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

/// The profile that older resolvers put on `application/ld+json` to ask for the result.
const RESOLUTION_PROFILE: &str = "https://w3id.org/did-resolution";
const DEREFERENCING_PROFILE: &str = "https://w3id.org/did-url-dereferencing";

impl Representation {
    fn new(form: Form, content_type: HeaderValue) -> Self {
        Self { form, content_type }
    }

    /// The full result of the kind that the question has.
    pub(super) fn result() -> Self {
        Self::new(Form::Result, JSON)
    }

    /// The form of errors and of a deactivated DID where a bare document was asked for.
    pub(super) fn without_content(self) -> Self {
        match self.form {
            Form::Result | Form::Dereferencing => self,
            Form::Content | Form::Redirect => Self::new(Form::Result, RESOLUTION),
        }
    }

    /// The result type that says which function answered.
    pub(super) fn into_dereferencing(mut self) -> Self {
        if self.content_type == RESOLUTION {
            self.content_type = DEREFERENCING;
        }
        self
    }
}

/// One range of an `Accept` header or its like.
pub(super) struct Range<'a> {
    /// Media type or coding in lower case.
    pub(super) essence: String,
    /// Parameters as sent, without `q`.
    parameters: Vec<(&'a str, &'a str)>,
    /// Weight in thousandths.
    weight: u32,
}

/// The best representation that `accept` allows; none if there is none. `redirects` is whether the
/// question is about a service's endpoint.
pub(super) fn negotiate(accept: &str, redirects: bool) -> Option<Representation> {
    if accept.trim().is_empty() {
        return choose(&any_range(), redirects);
    }
    ranges(accept).iter().find_map(|range| choose(range, redirects))
}

/// The form among `forms` that `accept` allows; the first of them if it does not care. Clients of
/// the older data model ask for plain JSON.
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

/// The best content coding that an `Accept-Encoding` header names.
pub(super) fn negotiate_coding(accept: &str) -> Coding {
    let accepted = ranges(accept);
    let mut named = Coding::NAMED.into_iter();
    let allowed = named.find(|(name, _)| accepted.iter().any(|range| range.essence == *name));
    allowed.map_or(Coding::Identity, |(_, coding)| coding)
}

/// What a header of ranges allows, the best first.
pub(super) fn ranges(header: &str) -> Vec<Range<'_>> {
    let ranges = split(header, b',').map(range);
    let mut ranges: Vec<_> = ranges.filter(|range| range.weight > 0).collect();
    // Stable: of equal weight, the first wins.
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

/// `application/ld+json` with the profile of a result, quoted or not, comes back as it was sent.
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

/// A weight of RFC 9110 section 12.4.2; what is none counts as 1.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match (whole, format!("{fraction:0<3}").parse::<u32>()) {
        ("0", Ok(fraction)) if fraction < 1_000 => fraction,
        _ => 1_000,
    }
}

/// Splits at `separator` outside of quoted strings.
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
