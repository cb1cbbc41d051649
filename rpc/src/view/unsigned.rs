//! A view without its signature. It can be signed elsewhere, for example by an issuer's hardware.
//! The prepared bytes and the 64 bytes of the signature then make the view.

use registry_core::crypto::Suite;

use super::error::ViewError;

/// A verification method that signs views.
#[derive(Debug, Clone, Copy)]
pub struct Method<'a> {
    /// DID that answers for what the method signs.
    pub issuer: &'a str,
    /// DID URL of the method, which views contain as `verificationMethod` or `kid`.
    pub url: &'a str,
    /// Suite of the method's key.
    pub suite: Suite,
}

/// A view that lacks only its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// Bytes to sign. Ed25519 signs them directly, and P-256 signs their SHA-256.
    pub message: Vec<u8>,
    /// Bytes to which [`super::Form::assemble`] adds the signature.
    pub bytes: Vec<u8>,
}

/// Returns the JOSE name of a suite's algorithm. Fails for secp256k1, by which views cannot be
/// signed.
pub fn algorithm(suite: Suite) -> Result<&'static str, ViewError> {
    match suite {
        Suite::Ed25519 => Ok("EdDSA"),
        Suite::P256 => Ok("ES256"),
        Suite::Secp256k1 => {
            Err(ViewError::Algorithm { actual: "ES256K".to_owned(), key: Some(suite) })
        }
    }
}
