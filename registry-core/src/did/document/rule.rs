//! Rules of a document that decoding does not check, with their stable numbers.

use crate::code::{Code, Refusal};
use crate::limits::TOKEN_BYTES_MAX;
use crate::time::TimeError;
use crate::uri::UriError;

/// A document breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule}")]
pub struct DocumentError {
    /// JSON pointer (RFC 6901) to the offending value, from the root of the document.
    pub path: String,
    /// Rule that the value breaks.
    pub rule: Rule,
}

impl DocumentError {
    /// Returns the stable number of the rule, 1101 to 1199.
    pub fn code(&self) -> u16 {
        self.rule.code()
    }

    /// Returns the stable name of the rule, `DOCUMENT_…`.
    pub fn name(&self) -> &'static str {
        self.rule.name()
    }
}

impl From<DocumentError> for Refusal {
    /// Converts to `DOCUMENT_INVALID`, the one code of the state for all of these rules. The rule's
    /// own number and name go into the detail, which is for people.
    fn from(error: DocumentError) -> Self {
        let field = format!("document{}", error.path);
        let detail = format!("{} {}: {}", error.code(), error.name(), error.rule);
        Self::new(Code::DocumentInvalid, field, detail)
    }
}

/// A broken rule with the values that break it. It never repeats key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A list or map has too few or too many members.
    #[error("{actual} members where {min} to {max} are allowed; leave an empty list out")]
    Count {
        /// Number of members given.
        actual: usize,
        /// Smallest number of members.
        min: usize,
        /// Largest number of members.
        max: usize,
    },
    /// Two methods or services, or one of each, have the same fragment.
    #[error("fragment {fragment:?} is taken; give every method and service its own")]
    FragmentRepeated {
        /// Fragment that is used twice.
        fragment: String,
    },
    /// A list holds an entry twice.
    #[error("the entry is in the list already; list it once")]
    EntryRepeated,
    /// A relationship names no method of the document.
    #[error("no verification method has the fragment {fragment:?}; add it or drop the reference")]
    RelationshipDangling {
        /// Fragment that no method has.
        fragment: String,
    },
    /// A URI breaks a rule of its own.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The multicodec prefix of a Multikey is not in the table of key types.
    #[error("multicodec prefix {prefix} is no known key type; see the table of key types")]
    KeyCodec {
        /// First two bytes of the key, in hex.
        prefix: String,
    },
    /// A key or a member of a JWK does not have the length that its type requires.
    #[error("{actual} bytes of key where {min} to {max} are expected; give the whole raw value")]
    KeyLength {
        /// Number of bytes given.
        actual: usize,
        /// Smallest number of bytes.
        min: usize,
        /// Largest number of bytes.
        max: usize,
    },
    /// The bytes are no usable public key of the type.
    #[error("not a usable {key} public key; export it again from where it was made")]
    KeyInvalid {
        /// Name of the key type.
        key: &'static str,
    },
    /// A JWK has a member that belongs to a private or symmetric key.
    #[error("{member:?} is a private member of a JWK; remove it, and replace the key: it leaked")]
    JwkPrivate {
        /// Name of the member.
        member: String,
    },
    /// A JWK lacks a member that its key type needs.
    #[error("the JWK lacks {member:?}; add it")]
    JwkMemberMissing {
        /// Name of the missing member.
        member: &'static str,
    },
    /// A JWK has a member that its key type does not have.
    #[error("{member:?} is no member of a JWK of this type; remove it")]
    JwkMemberUnknown {
        /// Name of the member.
        member: String,
    },
    /// The pair of `kty` and `crv` or `alg` is not in the table of key types.
    #[error("{value:?} is no known {member} of a JWK; see the table of key types")]
    JwkKind {
        /// Name of the member: `kty`, `crv` or `alg`.
        member: &'static str,
        /// Value given.
        value: String,
    },
    /// A member of a JWK is not base64url without padding.
    #[error("not canonical base64url without padding (RFC 4648 section 5); encode it again")]
    JwkEncoding,
    /// A time breaks a rule of its own.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A method is never valid, because it expires before it becomes valid.
    #[error("valid from {valid_from} ms but only until {expires} ms; let it expire later")]
    WindowEmpty {
        /// `validFrom` in Unix milliseconds.
        valid_from: u64,
        /// `expires` in Unix milliseconds.
        expires: u64,
    },
    /// A type, profile or member name is not a short token.
    #[error("must be 1 to {TOKEN_BYTES_MAX} of A-Z, a-z, 0-9 and {punctuation}")]
    Token {
        /// Punctuation that the token may contain.
        punctuation: &'static str,
    },
}

impl Rule {
    /// Returns the stable number, 1101 to 1199. Numbers are never reused.
    pub fn code(&self) -> u16 {
        self.entry().0
    }

    /// Returns the stable name, `DOCUMENT_…`.
    pub fn name(&self) -> &'static str {
        self.entry().1
    }

    /// Returns number and name of the rule, as docs/protocol/did-document.md, section "Rules and
    /// codes", lists them.
    fn entry(&self) -> (u16, &'static str) {
        match self {
            Self::Count { .. } => (1101, "DOCUMENT_COUNT"),
            Self::FragmentRepeated { .. } => (1102, "DOCUMENT_FRAGMENT_REPEATED"),
            Self::EntryRepeated => (1103, "DOCUMENT_ENTRY_REPEATED"),
            Self::RelationshipDangling { .. } => (1104, "DOCUMENT_RELATIONSHIP_DANGLING"),
            Self::Uri(UriError::Length { .. }) => (1111, "DOCUMENT_URI_LENGTH"),
            Self::Uri(UriError::Character { .. }) => (1112, "DOCUMENT_URI_CHARACTER"),
            Self::Uri(UriError::Scheme { .. }) => (1113, "DOCUMENT_URI_SCHEME"),
            Self::Uri(UriError::Userinfo) => (1114, "DOCUMENT_URI_USERINFO"),
            Self::Uri(UriError::Query) => (1115, "DOCUMENT_URI_QUERY"),
            Self::Uri(UriError::Fragment) => (1116, "DOCUMENT_URI_FRAGMENT"),
            Self::Uri(UriError::Syntax { .. }) => (1117, "DOCUMENT_URI_SYNTAX"),
            Self::KeyCodec { .. } => (1121, "DOCUMENT_KEY_CODEC"),
            Self::KeyLength { .. } => (1122, "DOCUMENT_KEY_LENGTH"),
            Self::KeyInvalid { .. } => (1123, "DOCUMENT_KEY_INVALID"),
            Self::JwkPrivate { .. } => (1131, "DOCUMENT_JWK_PRIVATE"),
            Self::JwkMemberMissing { .. } => (1132, "DOCUMENT_JWK_MEMBER_MISSING"),
            Self::JwkMemberUnknown { .. } => (1133, "DOCUMENT_JWK_MEMBER_UNKNOWN"),
            Self::JwkKind { .. } => (1134, "DOCUMENT_JWK_KIND"),
            Self::JwkEncoding => (1135, "DOCUMENT_JWK_ENCODING"),
            Self::Time(TimeError::Precision { .. }) => (1141, "DOCUMENT_TIME_PRECISION"),
            Self::Time(TimeError::Range { .. }) => (1142, "DOCUMENT_TIME_RANGE"),
            Self::WindowEmpty { .. } => (1143, "DOCUMENT_WINDOW_EMPTY"),
            Self::Token { .. } => (1151, "DOCUMENT_TOKEN"),
        }
    }
}
