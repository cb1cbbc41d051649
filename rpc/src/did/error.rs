//! Errors of resolution and dereferencing, as RFC 9457 objects (W3C DID Resolution, "Errors").

use http::StatusCode;
use registry_core::record::StoreError;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::error::ApiError;

/// Kind of a resolution or dereferencing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DidErrorKind {
    InvalidDid,
    InvalidDidUrl,
    InvalidOptions,
    NotFound,
    RepresentationNotSupported,
    InternalError,
    MethodNotSupported,
    FeatureNotSupported,
    InvalidVerificationMethod,
    InvalidRelationship,
    HeightNotReached,
}

/// Namespace of the error's type URI, name, title and HTTP status.
type Row = (&'static str, &'static str, &'static str, StatusCode);

const DID: &str = "https://www.w3.org/ns/did#";
const SECURITY: &str = "https://w3id.org/security#";
const OWN: &str = "https://github.com/idem-registry/idem/blob/main/docs/protocol/http.md#";

impl DidErrorKind {
    fn row(self) -> Row {
        use StatusCode as S;
        match self {
            Self::InvalidDid => (DID, "INVALID_DID", "Invalid DID", S::BAD_REQUEST),
            Self::InvalidDidUrl => (DID, "INVALID_DID_URL", "Invalid DID URL", S::BAD_REQUEST),
            Self::InvalidOptions => (DID, "INVALID_OPTIONS", "Invalid options", S::BAD_REQUEST),
            Self::NotFound => (DID, "NOT_FOUND", "Not found", S::NOT_FOUND),
            Self::RepresentationNotSupported => {
                let title = "Representation not supported";
                (DID, "REPRESENTATION_NOT_SUPPORTED", title, S::NOT_ACCEPTABLE)
            }
            Self::InternalError => {
                (DID, "INTERNAL_ERROR", "Internal error", S::INTERNAL_SERVER_ERROR)
            }
            Self::MethodNotSupported => {
                (DID, "METHOD_NOT_SUPPORTED", "Method not supported", S::NOT_IMPLEMENTED)
            }
            Self::FeatureNotSupported => {
                (DID, "FEATURE_NOT_SUPPORTED", "Feature not supported", S::NOT_IMPLEMENTED)
            }
            Self::InvalidVerificationMethod => {
                let title = "Invalid verification method";
                (SECURITY, "INVALID_VERIFICATION_METHOD", title, S::INTERNAL_SERVER_ERROR)
            }
            Self::InvalidRelationship => {
                let name = "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD";
                let title = "Invalid relationship for verification method";
                (SECURITY, name, title, S::INTERNAL_SERVER_ERROR)
            }
            Self::HeightNotReached => {
                (OWN, "HEIGHT_NOT_REACHED", "Height not reached", S::SERVICE_UNAVAILABLE)
            }
        }
    }
}

/// Value of the member `error` in resolution and dereferencing metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DidError {
    pub(crate) kind: DidErrorKind,
    pub(crate) detail: String,
}

impl DidError {
    pub(crate) fn new(kind: DidErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.kind.row().3
    }
}

impl Serialize for DidError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (namespace, name, title, _) = self.kind.row();
        let mut object = serializer.serialize_struct("DidError", 3)?;
        object.serialize_field("type", &format!("{namespace}{name}"))?;
        object.serialize_field("title", title)?;
        object.serialize_field("detail", &self.detail)?;
        object.end()
    }
}

impl From<StoreError> for DidError {
    /// Writes the store's message to the log and hides it from the caller.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(DidErrorKind::InternalError, "the node cannot read its store")
    }
}

impl From<ApiError> for DidError {
    /// Maps every error to `HEIGHT_NOT_REACHED`: resolution calls the API layer only to wait for a
    /// height.
    fn from(error: ApiError) -> Self {
        Self::new(DidErrorKind::HeightNotReached, error.to_string())
    }
}
