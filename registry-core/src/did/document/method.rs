//! Verification methods: keys with the time in which they are valid.

use serde::{Deserialize, Serialize};

use super::jwk::Jwk;
use super::multikey::Multikey;
use super::path::{Findings, Path};
use super::rule::Rule;
use crate::crypto::PublicKey;
use crate::id::Fragment;
use crate::time::TimeMs;

/// A key of the document with its window of validity. Its W3C `type` follows from the material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct VerificationMethod {
    /// Fragment that names the method in its document.
    pub id: Fragment,
    /// Public key of the method, in one of two forms.
    pub material: KeyMaterial,
    /// Time from which the method is valid; `None` for no lower bound.
    pub valid_from: Option<TimeMs>,
    /// Time before which the method is valid; `None` for no upper bound.
    pub expires: Option<TimeMs>,
    /// Time from which the method is withdrawn. It is not valid from then on, whatever `expires`
    /// says.
    pub revoked: Option<TimeMs>,
}

/// A public key in one of the two W3C forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// Key of the W3C type `Multikey`.
    Multikey(Multikey),
    /// Key of the W3C type `JsonWebKey`.
    JsonWebKey(Jwk),
}

/// Wire shape of a method. It has a field for each of the two forms of a key, as W3C documents do,
/// and exactly one of them must be given.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    id: Fragment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key_multibase: Option<Multikey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key_jwk: Option<Jwk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<TimeMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<TimeMs>,
}

impl TryFrom<Fields> for VerificationMethod {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let material = match (fields.public_key_multibase, fields.public_key_jwk) {
            (Some(key), None) => KeyMaterial::Multikey(key),
            (None, Some(key)) => KeyMaterial::JsonWebKey(key),
            _ => return Err("a method has exactly one of publicKeyMultibase and publicKeyJwk"),
        };
        let Fields { id, valid_from, expires, revoked, .. } = fields;
        Ok(Self { id, material, valid_from, expires, revoked })
    }
}

impl From<VerificationMethod> for Fields {
    fn from(method: VerificationMethod) -> Self {
        let (public_key_multibase, public_key_jwk) = match method.material {
            KeyMaterial::Multikey(key) => (Some(key), None),
            KeyMaterial::JsonWebKey(key) => (None, Some(key)),
        };
        let VerificationMethod { id, valid_from, expires, revoked, .. } = method;
        Self { id, public_key_multibase, public_key_jwk, valid_from, expires, revoked }
    }
}

impl VerificationMethod {
    /// Makes a method that is valid at any time.
    pub fn new(id: Fragment, material: KeyMaterial) -> Self {
        Self { id, material, valid_from: None, expires: None, revoked: None }
    }

    /// True if the method is valid at `time_ms` (ledger time in Unix milliseconds): `validFrom ≤
    /// time < min(expires, revoked)`.
    pub fn is_valid_at(&self, time_ms: u64) -> bool {
        self.valid_from.is_none_or(|from| from.0 <= time_ms)
            && self.expires.is_none_or(|end| time_ms < end.0)
            && self.revoked.is_none_or(|end| time_ms < end.0)
    }

    /// Returns the key that checks signatures; `None` if its type is none of the three signing
    /// suites.
    pub fn signing_key(&self) -> Option<PublicKey> {
        match &self.material {
            KeyMaterial::Multikey(key) => key.signing_key(),
            KeyMaterial::JsonWebKey(key) => key.signing_key(),
        }
    }

    pub(super) fn check(&self, path: &Path<'_>, findings: &mut Findings) {
        match &self.material {
            KeyMaterial::Multikey(key) => {
                findings.extend(&path.name("publicKeyMultibase"), key.refusal());
            }
            KeyMaterial::JsonWebKey(key) => key.check(&path.name("publicKeyJwk"), findings),
        }
        let times =
            [("validFrom", self.valid_from), ("expires", self.expires), ("revoked", self.revoked)];
        for (name, time) in times {
            findings.extend(&path.name(name), time.and_then(TimeMs::refusal));
        }
        if let (Some(TimeMs(valid_from)), Some(TimeMs(expires))) = (self.valid_from, self.expires)
            && valid_from >= expires
        {
            findings.add(&path.name("expires"), Rule::WindowEmpty { valid_from, expires });
        }
    }
}
