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

/// Types that a range with `*` stands for, the preferred one first. For a service `text/uri-list`
/// comes before them.
const OFFERED: [&str; 3] = ["application/json", "application/did-resolution", "application/did"];

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

impl Range<'_> {
    /// Returns the part of the range before its `*`; `None` if the range names one type.
    fn prefix(&self) -> Option<&str> {
        match self.essence.as_str() {
            "*/*" => Some(""),
            essence => essence.strip_suffix('*').filter(|prefix| prefix.ends_with('/')),
        }
    }

    /// True if the range has a `*` and covers the type, and no narrower range in `all` gives the
    /// type a lower weight. RFC 9110, section 12.5.1, lets the narrowest range decide.
    fn stands_for(&self, media_type: &str, all: &[Range<'_>]) -> bool {
        let Some(prefix) = self.prefix() else { return false };
        let is_narrower = |other: &Range<'_>| match other.prefix() {
            Some(longer) => longer.len() > prefix.len() && media_type.starts_with(longer),
            None => other.essence == media_type,
        };
        let mut lower = all.iter().filter(|other| other.weight < self.weight);
        media_type.starts_with(prefix) && !lower.any(is_narrower)
    }
}

/// Returns the representation that `accept` prefers, or `None` if it allows none. `redirects` is
/// true if the DID URL selects a service endpoint.
pub(super) fn negotiate(accept: &str, redirects: bool) -> Option<Representation> {
    let all = ranges(or_any(accept));
    accepted(&all).find_map(|range| choose(range, &all, redirects))
}

/// Returns the form among `forms` that `accept` prefers, or the first of them if any will do.
/// Clients of the older data model ask for plain JSON and get the credential in JSON.
pub(super) fn negotiate_view(accept: &str, forms: &[view::Form]) -> Option<view::Form> {
    let all = ranges(or_any(accept));
    let of = |range: &Range<'_>| {
        let mut forms = forms.iter().copied();
        match range.essence.as_str() {
            "application/json" | "application/ld+json" | "application/vc+ld+json" => {
                forms.find(|form| *form == view::Form::Credential)
            }
            essence => forms.find(|form| {
                let media_type = form.media_type();
                media_type == essence || range.stands_for(media_type, &all)
            }),
        }
    };
    accepted(&all).find_map(of)
}

/// Returns the content coding that an `Accept-Encoding` header weighs highest, the preferred one of
/// two with one weight, or [`Coding::Identity`] if it names none that is known.
pub(super) fn negotiate_coding(accept: &str) -> Coding {
    let all = ranges(accept);
    let range_of = |name: &str| accepted(&all).find(|range| range.essence == name);
    let named = Coding::NAMED.into_iter();
    let allowed = named.filter_map(|(name, coding)| Some((range_of(name)?.weight, coding)));
    // Of several with the least key, this takes the first, and so the preferred one.
    let best = allowed.min_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    best.map_or(Coding::Identity, |(_, coding)| coding)
}

/// Returns the header, or `*/*` if it is empty.
fn or_any(accept: &str) -> &str {
    if accept.trim().is_empty() { "*/*" } else { accept }
}

/// Returns the ranges of a header in descending order of weight. Of ranges with one weight, the
/// first in the header comes first, since the sort is stable.
fn ranges(header: &str) -> Vec<Range<'_>> {
    let mut ranges: Vec<_> = split(header, b',').map(range).collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.weight));
    ranges
}

/// Returns the ranges that accept something. A weight of zero refuses.
fn accepted<'r, 'a>(all: &'r [Range<'a>]) -> impl Iterator<Item = &'r Range<'a>> {
    all.iter().filter(|range| range.weight > 0)
}

fn choose(range: &Range<'_>, all: &[Range<'_>], redirects: bool) -> Option<Representation> {
    if range.prefix().is_some() {
        let mut offered = redirects.then_some(URI_LIST).into_iter().chain(OFFERED);
        return named(offered.find(|name| range.stands_for(name, all))?, redirects);
    }
    profiled(range).or_else(|| named(&range.essence, redirects))
}

/// Returns the representation of one media type; `None` if there is none.
fn named(media_type: &str, redirects: bool) -> Option<Representation> {
    let (form, content_type) = match media_type {
        URI_LIST if redirects => (Form::Redirect, HeaderValue::from_static(URI_LIST)),
        "application/json" => (Form::Result, JSON),
        "application/did-resolution" => (Form::Result, RESOLUTION),
        "application/did-url-dereferencing" => (Form::Dereferencing, DEREFERENCING),
        _ => {
            let known = DOCUMENT_TYPES.into_iter().find(|known| *known == media_type)?;
            (Form::Content, HeaderValue::from_static(known))
        }
    };
    Some(Representation::new(form, content_type))
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
            ("br;q=0.5, gzip;q=0.8", Coding::Gzip),
            ("gzip;q=0.5, br;q=0.5", Coding::Brotli),
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
            ("*/*, application/json", Some("application/json")),
            ("text/html", None),
            ("text/*", None),
            ("application/json;q=0", None),
            ("application/did;q=0", None),
            ("application/ld+json;profile=\"a,b;c\"", Some("application/ld+json")),
        ] {
            assert_eq!(content_type(accept).as_deref(), expected, "{accept}");
        }
    }

    #[test]
    fn the_narrowest_range_decides_about_a_type() {
        let content_type = |accept: &str, redirects| {
            let found = negotiate(accept, redirects)?;
            Some(found.content_type.to_str().expect("ASCII").to_owned())
        };
        let result = "application/did-resolution; charset=utf-8";
        for (accept, redirects, expected) in [
            ("application/json;q=0, */*", false, Some(result)),
            ("*/*, application/json;q=0.1", false, Some(result)),
            ("application/*, application/json;q=0", false, Some(result)),
            ("*/*;q=0.5, application/*;q=0", false, None),
            ("*/*;q=0.5, application/*;q=0", true, Some("text/uri-list")),
            ("text/*;q=0, */*", true, Some("application/json")),
            ("text/uri-list;q=0, text/*", true, None),
        ] {
            assert_eq!(content_type(accept, redirects).as_deref(), expected, "{accept}");
        }
        let forms = [view::Form::Credential, view::Form::CredentialJwt];
        for (accept, expected) in [
            ("application/vc;q=0, */*", Some(forms[1])),
            ("*/*;q=0.9, application/vc;q=0.1", Some(forms[1])),
            ("*/*", Some(forms[0])),
            ("application/*;q=0, */*", None),
            ("text/*", None),
        ] {
            assert_eq!(negotiate_view(accept, &forms), expected, "{accept}");
        }
    }
}
