//! Verification methods: a key, and when it is valid.

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
    /// The fragment that names it.
    pub id: Fragment,
    /// The key.
    pub material: KeyMaterial,
    /// Not valid before; absent: from ever.
    pub valid_from: Option<TimeMs>,
    /// Not valid at this time or after; absent: for ever.
    pub expires: Option<TimeMs>,
    /// Withdrawn: not valid at this time or after, whatever `expires` says.
    pub revoked: Option<TimeMs>,
}

/// The key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// W3C type `Multikey`.
    Multikey(Multikey),
    /// W3C type `JsonWebKey`.
    JsonWebKey(Jwk),
}

/// The wire shape of a method. The two forms of a key are two fields there, as in W3C documents,
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
    /// A method without bounds in time.
    pub fn new(id: Fragment, material: KeyMaterial) -> Self {
        Self { id, material, valid_from: None, expires: None, revoked: None }
    }

    /// Whether the key counts at `time_ms` (ledger time, Unix milliseconds):
    /// `validFrom ≤ time < min(expires, revoked)`.
    pub fn is_valid_at(&self, time_ms: u64) -> bool {
        self.valid_from.is_none_or(|from| from.0 <= time_ms)
            && self.expires.is_none_or(|end| time_ms < end.0)
            && self.revoked.is_none_or(|end| time_ms < end.0)
    }

    /// The key for checking signatures, if its type is one of the three signing suites.
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
