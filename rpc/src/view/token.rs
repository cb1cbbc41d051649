//! Reads a published list in any form: it parses the bytes, verifies the signature and decodes the
//! entries. The size of inflated entries is limited, and entries are inflated only when the caller
//! reads them.

use std::str;

use registry_core::crypto::{self, PublicKey, SignatureError, Suite};
use serde_json::{Map, Value};

use super::cose::{self, CborMap};
use super::error::ViewError;
use super::list::Form;
use super::parts::Signed;
use super::published::Published;
use super::{data_integrity, ietf, jws, w3c};
use crate::limits::STATUS_TOKEN_BYTES_MAX;

/// A parsed published list. Its content is not authenticated until [`Token::verify`] succeeds.
#[derive(Debug, Clone)]
pub struct Token {
    form: Form,
    signed: Signed,
    claims: Claims,
}

#[derive(Debug, Clone)]
enum Claims {
    Json(Map<String, Value>),
    Cbor(CborMap),
}

impl Token {
    /// Parses a list. The bytes determine its form. White space around a textual form is ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, ViewError> {
        if bytes.len() > STATUS_TOKEN_BYTES_MAX {
            let (actual, limit) = (bytes.len(), STATUS_TOKEN_BYTES_MAX);
            return Err(ViewError::TooLarge { actual, limit });
        }
        if let Some(parsed) = cose::parse(bytes, Form::TokenCwt.media_type()) {
            let (signed, claims) = parsed?;
            return Ok(Self { form: Form::TokenCwt, signed, claims: Claims::Cbor(claims) });
        }
        let text = str::from_utf8(bytes.trim_ascii()).map_err(|_| ViewError::Form)?;
        if text.starts_with('{') {
            let document = serde_json::from_str(text).map_err(|_| ViewError::Form)?;
            let (signed, document) = data_integrity::parse(document)?;
            return Ok(Self { form: Form::Credential, signed, claims: Claims::Json(document) });
        }
        let (form, signed, claims) = jws::parse(text).ok_or(ViewError::Form)??;
        Ok(Self { form, signed, claims: Claims::Json(claims) })
    }

    /// Returns the form of the bytes.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns the verification method that the token names (`verificationMethod`, `kid`), if any.
    pub fn method(&self) -> Option<&str> {
        self.signed.method.as_deref()
    }

    /// Returns the bytes that the signature covers.
    pub fn message(&self) -> &[u8] {
        &self.signed.message
    }

    /// Verifies the signature under `key`, whose suite must be that of the token's algorithm.
    pub fn verify(&self, key: &PublicKey) -> Result<(), ViewError> {
        let Signed { suite, message, signature, .. } = &self.signed;
        if key.suite() != *suite {
            let actual = format!("{suite:?}");
            return Err(ViewError::Algorithm { actual, key: Some(key.suite()) });
        }
        let signature = match suite {
            Suite::P256 => low_s(signature)?,
            _ => signature.clone(),
        };
        Ok(crypto::verify(key, message, &signature)?)
    }

    /// Returns the content of the list. `size` is the number of bits per entry for a W3C credential
    /// that does not state it. The credentials that point to the list state it instead. Without
    /// `size` it is 1.
    pub fn published(&self, size: Option<u8>) -> Result<Published, ViewError> {
        match &self.claims {
            Claims::Cbor(claims) => ietf::read_cbor(claims),
            Claims::Json(claims) if self.form == Form::TokenJwt => ietf::read_json(claims),
            Claims::Json(document) => w3c::read(self.form, document, size),
        }
    }
}

/// Returns the signature with a low S. JOSE and COSE allow any S, but the ledger's check requires a
/// low one. Both values of S are valid for the same bytes, and a token has no id that depends on
/// its signature.
fn low_s(signature: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let signature = p256::ecdsa::Signature::from_slice(signature)
        .map_err(|_| SignatureError::Length { actual: signature.len() })?;
    Ok(signature.normalize_s().to_bytes().to_vec())
}
