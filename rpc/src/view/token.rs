//! Reads a published list in any form: takes it apart, checks its signature, decodes its entries.
//! What inflates is capped, and nothing is inflated before it is asked for.

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

/// A published list taken apart. Nobody has vouched for it before [`Token::verify`].
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
    /// Takes a list apart. Its form follows from the bytes; white space around a text is no part.
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

    /// The form of its bytes.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The key that it names (`verificationMethod`, `kid`), if any.
    pub fn method(&self) -> Option<&str> {
        self.signed.method.as_deref()
    }

    /// What was signed, as its bytes say.
    pub fn message(&self) -> &[u8] {
        &self.signed.message
    }

    /// Checks its signature under `key`, whose suite must be that of the token's algorithm.
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

    /// What it says. `size` is the width of an entry where a W3C credential does not name it: it
    /// stands in the credentials that point there, and is 1 if not.
    pub fn published(&self, size: Option<u8>) -> Result<Published, ViewError> {
        match &self.claims {
            Claims::Cbor(claims) => ietf::read_cbor(claims),
            Claims::Json(claims) if self.form == Form::TokenJwt => ietf::read_json(claims),
            Claims::Json(document) => w3c::read(self.form, document, size),
        }
    }
}

/// JOSE and COSE leave S as it comes, the ledger wants it low. The two spellings vouch for the
/// same bytes, and a token has no id that a second one could change.
fn low_s(signature: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let signature = p256::ecdsa::Signature::from_slice(signature)
        .map_err(|_| SignatureError::Length { actual: signature.len() })?;
    Ok(signature.normalize_s().to_bytes().to_vec())
}
