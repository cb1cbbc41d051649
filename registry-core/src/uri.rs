//! URIs that the ledger stores. Few schemes are allowed, and none of the parts in which personal
//! data is often found.
//!
//! The rules are written out by hand after RFC 3986, because they belong to consensus. A URL
//! library would change its judgement with its version and with the Unicode tables that it
//! contains.

use crate::limits::URI_BYTES_MAX;

/// Reason why a text is not a URI of the required kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// A URI is too long.
    #[error("the URI has {actual} bytes, at most {URI_BYTES_MAX} are allowed")]
    Length {
        /// Number of bytes given.
        actual: usize,
    },
    /// A URI has a character outside of RFC 3986, or a `%` without two hex digits.
    #[error("{character:?} at byte {offset} is not allowed in a URI; percent-encode it")]
    Character {
        /// First character that is not allowed.
        character: char,
        /// Byte offset of the character.
        offset: usize,
    },
    /// A URI has another scheme than those that its use allows.
    #[error("the URI must start with {allowed}")]
    Scheme {
        /// Text that lists the allowed schemes.
        allowed: &'static str,
    },
    /// A URI has a user name or password.
    #[error("the URI has userinfo before its host; remove everything up to the '@'")]
    Userinfo,
    /// A URI has a query.
    #[error("the URI has a query; remove everything from the '?'")]
    Query,
    /// A URI has a fragment.
    #[error("the URI has a fragment; remove everything from the '#'")]
    Fragment,
    /// A URI does not follow the syntax of its scheme.
    #[error("not a well-formed URI; write {form}")]
    Syntax {
        /// Text that shows the form that the scheme requires.
        form: &'static str,
    },
}

/// Use of a URI, which decides the schemes and parts that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriUse {
    /// The URI names a place or a subject. It has no fragment.
    Reference,
    /// The URI is a DID URL that names a key by its fragment.
    Key,
    /// The URI is a web page outside of documents. It may use http, since private networks have no
    /// certificates.
    Page,
}

impl UriUse {
    fn schemes(self) -> &'static str {
        match self {
            Self::Reference => "https://, wss://, did: or urn:uuid:",
            Self::Key => DID_SCHEME,
            Self::Page => "https:// or http://",
        }
    }

    fn web_schemes(self) -> &'static [&'static str] {
        match self {
            Self::Reference => &["https://", "wss://"],
            Self::Key => &[],
            Self::Page => &["https://", "http://"],
        }
    }

    fn web_form(self) -> &'static str {
        match self {
            Self::Page => "https://host[:port][/path] or http://host[:port][/path]",
            Self::Reference | Self::Key => "https://host[:port][/path] or wss://host[:port][/path]",
        }
    }
}

const DID_SCHEME: &str = "did:";
const DID_FORM: &str = "did:method:id[/path]";
const DID_KEY_FORM: &str = "did:method:id[#fragment]";
const UUID_FORM: &str = "urn:uuid: and a lower-case UUID";

/// Returns the first rule that `text` breaks; `None` if it is a URI of the required kind.
pub fn refusal(text: &str, usage: UriUse) -> Option<UriError> {
    if text.len() > URI_BYTES_MAX {
        return Some(UriError::Length { actual: text.len() });
    }
    if let Some((offset, character)) = bad_character(text) {
        return Some(UriError::Character { character, offset });
    }
    let (target, fragment) = match text.split_once('#') {
        Some((target, fragment)) => (target, Some(fragment)),
        None => (text, None),
    };
    let did = target.strip_prefix(DID_SCHEME).filter(|_| usage != UriUse::Page);
    let web = usage.web_schemes().iter().find_map(|scheme| target.strip_prefix(scheme));
    let uuid = target.strip_prefix("urn:uuid:").filter(|_| usage == UriUse::Reference);
    if did.or(web).or(uuid).is_none() {
        return Some(UriError::Scheme { allowed: usage.schemes() });
    }
    if target.contains('?') {
        return Some(UriError::Query);
    }
    let (form, well_formed) = match (did, web, uuid) {
        (Some(rest), _, _) if usage == UriUse::Key => {
            (DID_KEY_FORM, is_did(rest) && fragment.is_none_or(is_fragment))
        }
        _ if fragment.is_some() => return Some(UriError::Fragment),
        (Some(rest), _, _) => {
            let (did, path) = at_first_slash(rest);
            (DID_FORM, is_did(did) && is_path(path))
        }
        (_, Some(rest), _) => {
            let (authority, path) = at_first_slash(rest);
            if authority.contains('@') {
                return Some(UriError::Userinfo);
            }
            (usage.web_form(), is_authority(authority) && is_path(path))
        }
        (_, _, rest) => (UUID_FORM, rest.is_some_and(is_uuid)),
    };
    if well_formed { None } else { Some(UriError::Syntax { form }) }
}

/// Finds the first character that RFC 3986 does not allow. A `%` counts unless two hex digits
/// follow it.
fn bad_character(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(offset, character)| {
        if *character == '%' {
            let digits = text.get(offset.saturating_add(1)..offset.saturating_add(3));
            return !digits.is_some_and(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        }
        !character.is_ascii_alphanumeric() && !"-._~:/?#[]@!$&'()*+,;=".contains(*character)
    })
}

fn at_first_slash(text: &str) -> (&str, &str) {
    text.find('/').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

/// True for `path-abempty` of RFC 3986, provided that all characters are URI characters.
fn is_path(path: &str) -> bool {
    !path.contains(['[', ']'])
}

fn is_fragment(fragment: &str) -> bool {
    !fragment.is_empty() && !fragment.contains(['[', ']', '#'])
}

/// True for `method ":" id` of W3C DID 1.1 section 3.1.
fn is_did(text: &str) -> bool {
    let Some((method, id)) = text.split_once(':') else { return false };
    let id_character = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:%".contains(&byte);
    !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && !id.is_empty()
        && !id.ends_with(':')
        && id.bytes().all(id_character)
}

/// True for `host [":" port]` with a DNS name or an IPv4 address. Bracketed IPv6 addresses are not
/// allowed: an endpoint that shall outlive its provider needs a name.
fn is_authority(authority: &str) -> bool {
    match authority.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(authority),
    }
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(inner)
    };
    host.split('.').all(label)
}

fn is_port(port: &str) -> bool {
    !port.starts_with('0')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut groups = text.split('-');
    lengths.into_iter().all(|length| {
        groups.next().is_some_and(|group| group.len() == length && group.bytes().all(lower_hex))
    }) && groups.next().is_none()
}
