//! Names of a right: its action, resource and entity (docs/protocol/trust.md, section "Names"). All
//! three are compared byte by byte.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::crypto::{Hash, Purpose};
use crate::id::{Did, METHOD_PREFIX, NetworkName, as_text};
use crate::limits::{TRUST_ACTION_BYTES_MAX, TRUST_NAME_BYTES_MAX, TRUST_SEGMENTS_MAX};
use crate::uri::{self, UriUse};

/// The right of one entity, which a record of grants or a recognition is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustKey {
    /// DID from which the right comes.
    pub authority: Did,
    /// Action that the right allows.
    pub action: ActionName,
    /// Resource or pattern on which it is allowed.
    pub resource: Resource,
    /// Entity that holds the right.
    pub entity: EntityId,
}

impl TrustKey {
    /// Returns the key of the right's record: H(trust key, [authority, action, resource, entity]).
    pub fn hash(&self) -> Hash {
        let Self { authority, action, resource, entity } = self;
        Hash::of_value(Purpose::TrustKey, &(authority, action, resource, entity))
    }
}

/// Reason why a text is no name of an action, resource or entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// An action does not have the form `[A-Za-z0-9._:-]{1,64}`.
    #[error("action {text:?} must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'")]
    Action {
        /// Text that was refused.
        text: String,
    },
    /// A resource breaks a rule of its form.
    #[error("resource {text:?}: {rule}")]
    Resource {
        /// Text that was refused.
        text: String,
        /// Text that says which rule it breaks.
        rule: &'static str,
    },
    /// A resource has more than [`TRUST_SEGMENTS_MAX`] segments.
    #[error(
        "resource {text:?} has {actual} segments between '/', at most 6 are allowed; a leading \
         https:// counts as one"
    )]
    Segments {
        /// Text that was refused.
        text: String,
        /// Number of segments given.
        actual: usize,
    },
    /// An entity is no URI of an allowed scheme, or is too long.
    #[error("entity {text:?}: {rule}")]
    Entity {
        /// Text that was refused.
        text: String,
        /// Text that says which rule it breaks.
        rule: String,
    },
}

/// Name of an action, such as `issue`; 1 to 64 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionName(String);

impl FromStr for ActionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if (1..=TRUST_ACTION_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Action { text: text.to_owned() })
        }
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Name of a resource, such as `degrees/bachelor` or `https://types.example/degree`, or a pattern
/// whose last segment is `*`, such as `degrees/*`; 1 to 256 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(String);

/// Start of a resource that is a URL. No other `//` may stand in a resource.
const WEB: &str = "https://";

impl Resource {
    /// Returns the part before the `*` of a pattern; `None` for a plain name.
    fn open_prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// True if this is a pattern, which can cover more than one name.
    pub fn is_pattern(&self) -> bool {
        self.open_prefix().is_some()
    }

    /// True if a right on this resource is also a right on `other`.
    pub fn covers(&self, other: &Self) -> bool {
        match self.open_prefix() {
            Some(prefix) => other.0.starts_with(prefix),
            None => self == other,
        }
    }

    /// Returns this name and every pattern that covers it, most specific first.
    pub fn covering(&self) -> Vec<Self> {
        let (start, path) = self.parts();
        let mut found = vec![self.clone()];
        let mut rest = path.strip_suffix("/*").unwrap_or(path);
        while let Some((shorter, _)) = rest.rsplit_once('/') {
            found.push(Self(format!("{start}{shorter}/*")));
            rest = shorter;
        }
        if path != "*" && !start.is_empty() {
            found.push(Self(format!("{start}*")));
        }
        if self.0 != "*" {
            found.push(Self("*".to_owned()));
        }
        found
    }

    /// Returns the leading `https://`, which may be missing, and the segments after it.
    fn parts(&self) -> (&str, &str) {
        web_parts(&self.0)
    }
}

fn web_parts(text: &str) -> (&str, &str) {
    match text.strip_prefix(WEB) {
        Some(path) => (WEB, path),
        None => ("", text),
    }
}

/// Returns the first rule of its form that a resource breaks. The rules leave one spelling for each
/// resource: a reader who resolves dots, decodes escapes or merges slashes finds nothing to change.
/// They also keep out what is private, such as mail addresses and queries.
fn resource_fault(text: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\?#@".contains(&byte);
    if !(1..=TRUST_NAME_BYTES_MAX).contains(&text.len()) || !text.bytes().all(allowed) {
        return Some(
            "write 1 to 256 printable ASCII characters without space, '\"', '<', '>', '\\', '?', \
             '#' and '@'",
        );
    }
    let (_, path) = web_parts(text);
    let plain = match path.strip_suffix('*') {
        Some(prefix) if prefix.is_empty() || prefix.ends_with('/') => prefix,
        _ => path,
    };
    if plain.contains('*') {
        return Some("write '*' as the whole last segment only");
    }
    if path.split('/').any(|segment| matches!(segment, "" | "." | ".." | "https:")) {
        return Some(
            "write segments between '/' that are not empty, '.' or '..'; one https:// may stand at \
             the start",
        );
    }
    escape_fault(text).or_else(|| {
        let mails = text.to_ascii_lowercase().contains("mailto:");
        mails.then_some("write no mailto:, a mail address is private")
    })
}

/// Returns a rule if the text escapes a character that has a meaning in paths.
fn escape_fault(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let escapes = ["%2e", "%2f", "%5c"].iter().any(|escape| lower.contains(escape));
    escapes.then_some("write no %2e, %2f and %5c, which stand for '.', '/' and '\\'")
}

/// Returns the rule that an entity breaks if a reader who resolves dots or decodes escapes could
/// take it for another entity.
fn entity_fault(text: &str) -> Option<&'static str> {
    if text.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some("write no segment '.' or '..'");
    }
    escape_fault(text)
}

impl FromStr for Resource {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some(rule) = resource_fault(text) {
            return Err(NameError::Resource { text: text.to_owned(), rule });
        }
        let (start, path) = web_parts(text);
        let actual = path.split('/').count().saturating_add(usize::from(!start.is_empty()));
        if actual > TRUST_SEGMENTS_MAX {
            return Err(NameError::Segments { text: text.to_owned(), actual });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// URI of an entity that can hold a right, most often a DID of this network or of another method;
/// at most 256 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(String);

impl EntityId {
    /// Returns the entity as a DID of this network; `None` if it is none.
    pub fn local(&self, network: &NetworkName) -> Option<Did> {
        self.0.parse().ok().filter(|did: &Did| did.network == *network)
    }

    /// True if the entity is this DID.
    pub fn is(&self, did: &Did) -> bool {
        self.0 == did.to_string()
    }
}

impl From<&Did> for EntityId {
    fn from(did: &Did) -> Self {
        Self(did.to_string())
    }
}

impl FromStr for EntityId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = |rule| Err(NameError::Entity { text: text.to_owned(), rule });
        if text.len() > TRUST_NAME_BYTES_MAX {
            let actual = text.len();
            return refused(format!("{actual} bytes, at most {TRUST_NAME_BYTES_MAX} are allowed"));
        }
        if let Some(rule) = uri::refusal(text, UriUse::Reference) {
            return refused(rule.to_string());
        }
        if let Some(rule) = entity_fault(text) {
            return refused(rule.to_owned());
        }
        // A DID of this method in another spelling would name an entity that can neither act nor be
        // deactivated.
        match text.parse::<Did>() {
            Err(error) if text.starts_with(METHOD_PREFIX) => refused(error.to_string()),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(ActionName, Resource, EntityId);

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        text.parse().expect("a resource")
    }

    #[test]
    fn a_pattern_covers_what_lies_beneath_it() {
        for (pattern, name, covers) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", true),
            ("a/*", "a/b/*", true),
            ("a/*", "a/*", true),
            ("a/b/*", "a/*", false),
            ("a/*", "a", false),
            ("a/*", "ab/c", false),
            ("*", "https://types.example/Degree", true),
            ("https://*", "https://types.example/Degree", true),
            ("https://types.example/*", "https://types.example/Degree", true),
            ("https://types.example/*", "https://types.example.evil/Degree", false),
            ("*", "*", true),
            ("a/*", "*", false),
        ] {
            assert_eq!(resource(pattern).covers(&resource(name)), covers, "{pattern} {name}");
        }
    }

    #[test]
    fn what_covers_a_resource_is_listed_most_specific_first() {
        let texts = |text: &str| -> Vec<String> {
            resource(text).covering().iter().map(Resource::to_string).collect()
        };
        assert_eq!(texts("a/b/c"), ["a/b/c", "a/b/*", "a/*", "*"]);
        assert_eq!(texts("a/b/*"), ["a/b/*", "a/*", "*"]);
        assert_eq!(texts("a"), ["a", "*"]);
        assert_eq!(texts("*"), ["*"]);
        let types = ["https://a.b/c", "https://a.b/*", "https://*", "*"];
        assert_eq!(texts("https://a.b/c"), types);
        assert_eq!(texts("https://a.b/*"), types[1..]);
        assert_eq!(texts("https://*"), types[2..]);
        for longest in ["1/2/3/4/5/6", "https://2/3/4/5/6"] {
            assert_eq!(resource(longest).covering().len(), TRUST_SEGMENTS_MAX + 1);
        }
        for name in ["a/b/c", "a/b/*", "*", "1/2/3/4/5/6", "https://2/3/4/5/6", "https://a/*"] {
            let name = resource(name);
            for pattern in name.covering() {
                assert!(pattern.covers(&name));
                assert_eq!(pattern.to_string().parse(), Ok(pattern));
            }
        }
    }

    #[test]
    fn a_resource_has_one_spelling() {
        let plain = [
            "degrees/bachelor",
            "a.b/..c/d..",
            "registry:write/1%20a/%2A",
            "https://types.example:8443/a",
            "urn:x:y",
            "httpss:/a",
            "https:a",
        ];
        for text in plain {
            assert_eq!(resource(text).to_string(), text);
        }
        for (text, rule) in [
            ("a?b=c", "'?'"),
            ("a#b", "'#'"),
            ("a@b.example", "'@'"),
            ("/a", "not empty"),
            ("a/", "not empty"),
            ("a//b", "not empty"),
            ("a//*", "not empty"),
            ("http://a.example/b", "not empty"),
            ("HTTPS://a.example/b", "not empty"),
            ("https://", "not empty"),
            ("https:///a", "not empty"),
            ("https://a.example/https://b.example", "not empty"),
            ("https:/*", "one https://"),
            ("https:/a", "one https://"),
            ("https://https:/a", "one https://"),
            ("./a", "'.'"),
            ("a/./b", "'.'"),
            ("a/b/..", "'..'"),
            ("../*", "'..'"),
            ("a/%2e%2E/b", "%2e"),
            ("a/%2Eb", "%2e"),
            ("a%2fb", "%2f"),
            ("a%2Fb", "%2f"),
            ("a%5cb", "%5c"),
            ("a%5Cb/*", "%5c"),
            ("mailto:someone", "mailto:"),
            ("a/MailTo:someone", "mailto:"),
            ("a/*/*", "last segment"),
            ("https://a*", "last segment"),
        ] {
            let error = text.parse::<Resource>().expect_err(text).to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
        assert!("https://2/3/4/5/6/7".parse::<Resource>().is_err());
    }

    #[test]
    fn an_entity_has_no_dots_to_resolve_and_no_escapes_to_decode() {
        for (text, rule) in [
            ("https://a.example/b/../c", "'..'"),
            ("https://a.example/./b", "'.'"),
            ("wss://a.example/..", "'..'"),
            ("did:web:a.example/../b", "'..'"),
            ("https://a.example/%2e%2E/b", "%2e"),
            ("https://a.example/b%2Fc", "%2f"),
            ("https://a.example/b%5cc", "%5c"),
            ("did:web:a%2eexample", "%2e"),
        ] {
            let error = text.parse::<EntityId>().expect_err(text).to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
    }

    #[test]
    fn names_have_one_narrow_form() {
        for text in ["", "a*", "*a", "a/*/b", "a b", "a\\b", "ä", "1/2/3/4/5/6/7", "**"] {
            assert!(text.parse::<Resource>().is_err(), "{text}");
        }
        for text in ["", "is sue", "a/b", &"a".repeat(65)] {
            assert!(text.parse::<ActionName>().is_err(), "{text}");
        }
        for text in ["", "x", "did:web", "https://a.example/?q", "mailto:a@b.example"] {
            assert!(text.parse::<EntityId>().is_err(), "{text}");
        }
        let did = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
        assert!(did.parse::<EntityId>().is_ok());
        for other in [format!("{did}/"), format!("{did}a"), did.replace("local", "LOCAL")] {
            assert!(other.parse::<EntityId>().is_err(), "{other}");
        }
        for text in [
            "did:web:a.example",
            "did:web:a.example%3A8080:b",
            "did:key:z6Mk",
            "https://a.example/issuer",
            "https://a.example/.well-known/..a/",
        ] {
            assert_eq!(text.parse::<EntityId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
    }
}
