//! Why a W3C document cannot be imported.

use std::fmt;

use registry_core::did::document::Rule;
use registry_core::id::IdError;

/// A document that cannot be imported, with everything that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ImportError {
    /// At least one.
    pub refusals: Vec<ImportRefusal>,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.refusals.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fmt::Display::fmt(refusal, f)?;
        }
        Ok(())
    }
}

/// One thing that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {}: {rule}", rule.name())]
pub(crate) struct ImportRefusal {
    /// JSON pointer (RFC 6901) into the document given; empty for the whole.
    pub path: String,
    /// The rule.
    pub rule: ImportRule,
}

/// The rules of the import, beside those of the registry's documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImportRule {
    /// A value of another JSON type.
    #[error("must be {expected}")]
    WrongType {
        /// The type that belongs there.
        expected: &'static str,
    },
    /// A required member is missing.
    #[error("{name:?} is missing; add it")]
    MemberMissing {
        /// The member's name.
        name: &'static str,
    },
    /// A member that the closed schema does not have.
    #[error("{name:?} is no member of a registered document; remove it")]
    MemberUnknown {
        /// The member's name.
        name: String,
    },
    /// The id of the document is no DID.
    #[error("the id must be a DID")]
    NotADid,
    /// Another DID decides over the document or a key.
    #[error("controller {controller:?} is not the document's id; control is set on the ledger")]
    ControllerForeign {
        /// The controller given.
        controller: String,
    },
    /// A method, service or reference that belongs to another document, or has a path.
    #[error("{reference:?} is not of this document; write #fragment, or the id and #fragment")]
    ReferenceForeign {
        /// The reference given.
        reference: String,
    },
    /// A fragment that the registry cannot store.
    #[error("{0}")]
    Fragment(IdError),
    /// A method type that is not converted.
    #[error("method type {method_type:?} is not known; use Multikey or JsonWebKey")]
    MethodType {
        /// The type given.
        method_type: String,
    },
    /// A method that names a blockchain account, against which no signature can be checked.
    #[error("an account is no key; replace the method by one with its public key")]
    AccountNotKey,
    /// A method without a key.
    #[error("the method holds no key; add publicKeyMultibase or publicKeyJwk")]
    KeyMissing,
    /// A method with its key in several forms.
    #[error("the method holds several keys; keep one of publicKeyMultibase and publicKeyJwk")]
    KeyAmbiguous,
    /// A form of key that is not read, or not for methods of this type.
    #[error("this form of key is not read here; use publicKeyMultibase or publicKeyJwk")]
    KeyForm,
    /// Text that does not decode.
    #[error("not {expected}; encode the key again")]
    KeyEncoding {
        /// The encoding that belongs there.
        expected: &'static str,
    },
    /// A key of another type than the method says.
    #[error("a method of type {method_type} holds a {expected} key; correct the type or the key")]
    KeyMismatch {
        /// The method type.
        method_type: String,
        /// The key type that it stands for.
        expected: &'static str,
    },
    /// A time that is not RFC 3339 in UTC.
    #[error("must be an RFC 3339 time in UTC with Z")]
    Time,
    /// A rule of registered documents.
    #[error("{0}")]
    Document(Rule),
}

impl ImportRule {
    /// The stable name: `IMPORT_…`, or `DOCUMENT_…` for a rule of registered documents.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::WrongType { .. } => "IMPORT_WRONG_TYPE",
            Self::MemberMissing { .. } => "IMPORT_MEMBER_MISSING",
            Self::MemberUnknown { .. } => "IMPORT_MEMBER_UNKNOWN",
            Self::NotADid => "IMPORT_NOT_A_DID",
            Self::ControllerForeign { .. } => "IMPORT_CONTROLLER_FOREIGN",
            Self::ReferenceForeign { .. } => "IMPORT_REFERENCE_FOREIGN",
            Self::Fragment(_) => "IMPORT_FRAGMENT",
            Self::MethodType { .. } => "IMPORT_METHOD_TYPE",
            Self::AccountNotKey => "IMPORT_ACCOUNT_NOT_KEY",
            Self::KeyMissing => "IMPORT_KEY_MISSING",
            Self::KeyAmbiguous => "IMPORT_KEY_AMBIGUOUS",
            Self::KeyForm => "IMPORT_KEY_FORM",
            Self::KeyEncoding { .. } => "IMPORT_KEY_ENCODING",
            Self::KeyMismatch { .. } => "IMPORT_KEY_MISMATCH",
            Self::Time => "IMPORT_TIME",
            Self::Document(rule) => rule.name(),
        }
    }
}
