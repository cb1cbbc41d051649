//! Reads a published list in any form: takes it apart, checks its signature, decodes its entries.
//! What inflates is capped, and nothing is inflated before it is asked for.

use std::str;

use registry_core::crypto::{self, PublicKey, SignatureError, Suite};
use registry_core::status::StatusPurpose;
use serde_json::{Map, Value};

use super::bits::{ietf_status, narrowed};
use super::cose::CborMap;
use super::{Form, ViewError, cose, data_integrity, ietf, jws, w3c};
use crate::limits::STATUS_TOKEN_BYTES_MAX;

pub(super) const SECONDS: &str = "seconds, a whole number";

/// A published list taken apart. Nobody has vouched for it before [`Token::verify`].
#[derive(Debug, Clone)]
pub struct Token {
    form: Form,
    signed: Signed,
    claims: Claims,
}

/// A signature and what it covers.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) suite: Suite,
    pub(super) method: Option<String>,
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Claims {
    Json(Map<String, Value>),
    Cbor(CborMap),
}

/// What a published list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its form.
    pub form: Form,
    /// Where it is published (`id`, `sub`); W3C credentials may leave it out.
    pub uri: Option<String>,
    /// Who issued it (`issuer`, `iss`); IETF tokens may leave it out.
    pub issuer: Option<String>,
    /// Its purpose, which IETF tokens do not have.
    pub purpose: Option<StatusPurpose>,
    /// Width of an entry, in this form.
    pub bits: u8,
    /// The entries, from the least significant bit on.
    pub array: Vec<u8>,
    /// When it begins (`validFrom`, `iat`), ms since 1970.
    pub issued_ms: Option<u64>,
    /// When it ends (`validUntil`, `exp`), ms since 1970.
    pub expires_ms: Option<u64>,
    /// How long a copy may be used, in ms.
    pub ttl_ms: Option<u64>,
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

impl Published {
    /// Number of entries, those included that only fill up.
    pub fn length(&self) -> u64 {
        self.array.len() as u64 * 8 / u64::from(self.bits)
    }

    /// Width and entries as a ledger list of `purpose` holds them, for import.
    pub fn to_ledger(&self, purpose: StatusPurpose) -> Result<(u8, Vec<u8>), ViewError> {
        if let Some(own) = self.purpose
            && own != purpose
        {
            let actual = own.name().to_owned();
            return Err(ViewError::Purpose { expected: purpose.name(), actual });
        }
        let value = match (self.purpose, ietf_status(purpose)) {
            (_, None) => return Ok((self.bits, self.array.clone())),
            (Some(_), Some(_)) => 1,
            (None, Some((_, value))) => value,
        };
        let array = narrowed(&self.array, self.bits, value).map_err(|(entry, value)| {
            ViewError::EntryUnfit { entry, value, purpose: purpose.name() }
        })?;
        Ok((1, array))
    }
}

/// A member that may be missing, but not be wrong.
pub(super) fn optional<'a, V, T>(
    value: Option<&'a V>,
    field: &'static str,
    rule: &'static str,
    read: impl FnOnce(&'a V) -> Option<T>,
) -> Result<Option<T>, ViewError> {
    value.map(|value| read(value).ok_or(ViewError::malformed(field, rule))).transpose()
}

/// A NumericDate of a JWT, in ms.
pub(super) fn seconds(
    claims: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<u64>, ViewError> {
    optional(claims.get(field), field, SECONDS, |value| value.as_u64()?.checked_mul(1_000))
}
