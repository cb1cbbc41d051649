//! Reasons why a W3C document cannot be imported.

use std::fmt;

use registry_core::did::document::Rule;
use registry_core::id::IdError;

/// A document that cannot be imported, with everything that prevents it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ImportError {
    /// Refusals, at least one.
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

/// One part of a document that prevents its import.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {}: {rule}", rule.name())]
pub(crate) struct ImportRefusal {
    /// JSON pointer (RFC 6901) to the part of the input document; empty for the whole document.
    pub path: String,
    /// Rule that the part breaks.
    pub rule: ImportRule,
}

/// Rules of the import, in addition to those of the registry's documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImportRule {
    /// A value has the wrong JSON type.
    #[error("must be {expected}")]
    WrongType {
        /// Type that the value must have.
        expected: &'static str,
    },
    /// A required member is missing.
    #[error("{name:?} is missing; add it")]
    MemberMissing {
        /// Name of the member.
        name: &'static str,
    },
    /// A member is not part of the closed schema.
    #[error("{name:?} is no member of a registered document; remove it")]
    MemberUnknown {
        /// Name of the member.
        name: String,
    },
    /// The id of the document is not a DID.
    #[error("the id must be a DID")]
    NotADid,
    /// The document or a key has another DID as its controller.
    #[error("controller {controller:?} is not the document's id; control is set on the ledger")]
    ControllerForeign {
        /// Controller that the document names.
        controller: String,
    },
    /// A method, service or reference belongs to another document or contains a path.
    #[error("{reference:?} is not of this document; write #fragment, or the id and #fragment")]
    ReferenceForeign {
        /// Reference that the document contains.
        reference: String,
    },
    /// The registry cannot store a fragment.
    #[error("{0}")]
    Fragment(IdError),
    /// The import does not convert this method type.
    #[error("method type {method_type:?} is not known; use Multikey or JsonWebKey")]
    MethodType {
        /// Method type that the document names.
        method_type: String,
    },
    /// A method names a blockchain account, against which no signature can be checked.
    #[error("an account is no key; replace the method by one with its public key")]
    AccountNotKey,
    /// A method has no key.
    #[error("the method holds no key; add publicKeyMultibase or publicKeyJwk")]
    KeyMissing,
    /// A method has its key in several forms.
    #[error("the method holds several keys; keep one of publicKeyMultibase and publicKeyJwk")]
    KeyAmbiguous,
    /// The import does not read this form of key, or not for methods of this type.
    #[error("this form of key is not read here; use publicKeyMultibase or publicKeyJwk")]
    KeyForm,
    /// The text of a key cannot be decoded.
    #[error("not {expected}; encode the key again")]
    KeyEncoding {
        /// Encoding that the text must have.
        expected: &'static str,
    },
    /// A key has another type than its method says.
    #[error("a method of type {method_type} holds a {expected} key; correct the type or the key")]
    KeyMismatch {
        /// Type of the method.
        method_type: String,
        /// Type of key that such a method must have.
        expected: &'static str,
    },
    /// A time is not RFC 3339 in UTC.
    #[error("must be an RFC 3339 time in UTC with Z")]
    Time,
    /// The converted document breaks a rule of registered documents.
    #[error("{0}")]
    Document(Rule),
}

impl ImportRule {
    /// Returns the stable name: `IMPORT_…`, or `DOCUMENT_…` for a rule of registered documents.
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
