//! The rules of a document that decoding cannot see, with their stable numbers.

use crate::code::{Code, Refusal};
use crate::limits::TOKEN_BYTES_MAX;
use crate::time::TimeError;
use crate::uri::UriError;

/// A document that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule}")]
pub struct DocumentError {
    /// JSON pointer (RFC 6901) to the offending value, from the root of the document.
    pub path: String,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl DocumentError {
    /// The rule's stable number, 1101 to 1199.
    pub fn code(&self) -> u16 {
        self.rule.code()
    }

    /// The rule's stable name, `DOCUMENT_…`.
    pub fn name(&self) -> &'static str {
        self.rule.name()
    }
}

impl From<DocumentError> for Refusal {
    /// One code for the state, since the state knows refusals by number alone; the rule's own
    /// number and name go to people.
    fn from(error: DocumentError) -> Self {
        let field = format!("document{}", error.path);
        let detail = format!("{} {}: {}", error.code(), error.name(), error.rule);
        Self::new(Code::DocumentInvalid, field, detail)
    }
}

/// A broken rule with the values that break it. Key material is never repeated in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A list or map has too few or too many members.
    #[error("{actual} members where {min} to {max} are allowed; leave an empty list out")]
    Count {
        /// Members given.
        actual: usize,
        /// Members needed.
        min: usize,
        /// Members allowed.
        max: usize,
    },
    /// Two methods or services, or one of each, have the same fragment.
    #[error("fragment {fragment:?} is taken; give every method and service its own")]
    FragmentRepeated {
        /// The fragment.
        fragment: String,
    },
    /// A list that is a set holds an entry twice.
    #[error("the entry is in the list already; list it once")]
    EntryRepeated,
    /// A relationship names no method of the document.
    #[error("no verification method has the fragment {fragment:?}; add it or drop the reference")]
    RelationshipDangling {
        /// The fragment.
        fragment: String,
    },
    /// A URI breaks a rule of its own.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The multicodec prefix of a Multikey is not in the table of key types.
    #[error("multicodec prefix {prefix} is no known key type; see the table of key types")]
    KeyCodec {
        /// The first two bytes in hex.
        prefix: String,
    },
    /// A key or a member of a JWK has another length than its type wants.
    #[error("{actual} bytes of key where {min} to {max} are expected; give the whole raw value")]
    KeyLength {
        /// Bytes given.
        actual: usize,
        /// Bytes needed.
        min: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The bytes are no usable public key of the type.
    #[error("not a usable {key} public key; export it again from where it was made")]
    KeyInvalid {
        /// The key type.
        key: &'static str,
    },
    /// A JWK has a member that belongs to a private or symmetric key.
    #[error("{member:?} is a private member of a JWK; remove it, and replace the key: it leaked")]
    JwkPrivate {
        /// The member's name.
        member: String,
    },
    /// A JWK lacks a member that its key type needs.
    #[error("the JWK lacks {member:?}; add it")]
    JwkMemberMissing {
        /// The member's name.
        member: &'static str,
    },
    /// A JWK has a member that its key type does not need.
    #[error("{member:?} is no member of a JWK of this type; remove it")]
    JwkMemberUnknown {
        /// The member's name.
        member: String,
    },
    /// The pair of `kty` and `crv` or `alg` is not in the table of key types.
    #[error("{value:?} is no known {member} of a JWK; see the table of key types")]
    JwkKind {
        /// `kty`, `crv` or `alg`.
        member: &'static str,
        /// The value given.
        value: String,
    },
    /// A member of a JWK is not base64url without padding.
    #[error("not canonical base64url without padding (RFC 4648 section 5); encode it again")]
    JwkEncoding,
    /// A time breaks a rule of its own.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A method is never valid.
    #[error("valid from {valid_from} ms but only until {expires} ms; let it expire later")]
    WindowEmpty {
        /// `validFrom` in Unix milliseconds.
        valid_from: u64,
        /// `expires` in Unix milliseconds.
        expires: u64,
    },
    /// A type, profile or member name is no short token.
    #[error("must be 1 to {TOKEN_BYTES_MAX} of A-Z, a-z, 0-9 and {punctuation}")]
    Token {
        /// The punctuation allowed.
        punctuation: &'static str,
    },
}

impl Rule {
    /// The stable number, 1101 to 1199; never reused.
    pub fn code(&self) -> u16 {
        self.entry().0
    }

    /// The stable name, `DOCUMENT_…`.
    pub fn name(&self) -> &'static str {
        self.entry().1
    }

    /// The normative table of docs/protocol/did-document.md, section "Rules and codes".
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
