//! A view before its signature. What is signed may be signed elsewhere, as by an issuer's hardware:
//! the view is put together from what was prepared and the 64 bytes that come back.

use registry_core::crypto::Suite;

use super::error::ViewError;

/// A verification method that signs views.
#[derive(Debug, Clone, Copy)]
pub struct Method<'a> {
    /// The DID that answers for what is signed.
    pub issuer: &'a str,
    /// Its DID URL: `verificationMethod` and `kid`.
    pub url: &'a str,
    /// The suite of its key.
    pub suite: Suite,
}

/// A view that lacks nothing but its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// What is signed: by Ed25519 as it is, by P-256 over its SHA-256.
    pub message: Vec<u8>,
    /// What [`super::Form::assemble`] puts the signature to.
    pub bytes: Vec<u8>,
}

/// The algorithm of a suite by its JOSE name.
pub fn algorithm(suite: Suite) -> Result<&'static str, ViewError> {
    match suite {
        Suite::Ed25519 => Ok("EdDSA"),
        Suite::P256 => Ok("ES256"),
        Suite::Secp256k1 => {
            Err(ViewError::Algorithm { actual: "ES256K".to_owned(), key: Some(suite) })
        }
    }
}
