//! A secret key of any signature suite that operations may use.

use std::fmt;

use ed25519_dalek::Signer as _;
use registry_core::crypto::{PublicKey, Suite};
use serde::de::Error as _;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::error::KeysError;

/// A secret key with its public key.
///
/// Its JSON has `publicKeyMultibase` and `secretKeyMultibase` (W3C Controlled Identifiers, section
/// 2.2.2).
pub struct SecretKey {
    public: PublicKey,
    signing: Signing,
}

/// The libraries' own key types. Each wipes its secret when dropped.
enum Signing {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
    Secp256k1(k256::ecdsa::SigningKey),
}

impl SecretKey {
    /// Makes a new key from the operating system's randomness.
    pub fn generate(suite: Suite) -> Result<Self, KeysError> {
        loop {
            let mut secret = Zeroizing::new([0; 32]);
            getrandom::fill(secret.as_mut_slice())
                .map_err(|error| KeysError::Random { reason: error.to_string() })?;
            // A random number is outside the curve's order at most once in 2^32 tries.
            if let Some(key) = Self::from_raw(suite, &secret) {
                return Ok(key);
            }
        }
    }

    /// Makes a key from its 32 secret bytes: an Ed25519 seed or a big-endian scalar. Returns `None`
    /// if the scalar is zero or not below the order of the curve.
    pub fn from_raw(suite: Suite, secret: &[u8; 32]) -> Option<Self> {
        let signing = match suite {
            Suite::Ed25519 => Signing::Ed25519(ed25519_dalek::SigningKey::from_bytes(secret)),
            Suite::P256 => Signing::P256(p256::ecdsa::SigningKey::from_slice(secret).ok()?),
            Suite::Secp256k1 => {
                Signing::Secp256k1(k256::ecdsa::SigningKey::from_slice(secret).ok()?)
            }
        };
        let public = match &signing {
            Signing::Ed25519(key) => PublicKey::new(suite, key.verifying_key().as_bytes()),
            Signing::P256(key) => {
                PublicKey::new(suite, key.verifying_key().to_sec1_point(true).as_bytes())
            }
            Signing::Secp256k1(key) => {
                PublicKey::new(suite, key.verifying_key().to_sec1_point(true).as_bytes())
            }
        };
        Some(Self { public: public.ok()?, signing })
    }

    /// Returns the public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs the signature message of an operation, which binds role and operation id (DESIGN
    /// section 5).
    pub fn sign_operation(&self, message: &[u8; 32]) -> [u8; 64] {
        self.sign(message)
    }

    /// Signs a status list token on behalf of its issuer.
    pub fn sign_token(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message)
    }

    /// Signs `message` and returns 64 bytes. ECDSA hashes with SHA-256 and puts S into the lower
    /// half.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        match &self.signing {
            Signing::Ed25519(key) => key.sign(message).to_bytes(),
            Signing::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.normalize_s().to_bytes().into()
            }
            Signing::Secp256k1(key) => {
                let signature: k256::ecdsa::Signature = key.sign(message);
                signature.normalize_s().to_bytes().into()
            }
        }
    }

    /// Returns the 32 secret bytes, for export into another program.
    pub fn raw(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(match &self.signing {
            Signing::Ed25519(key) => key.to_bytes(),
            Signing::P256(key) => key.to_bytes().into(),
            Signing::Secp256k1(key) => key.to_bytes().into(),
        })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, <redacted>)", self.public)
    }
}

/// Returns the multicodec varint of a secret key (multicodec table: ed25519-priv 0x1300, p256-priv
/// 0x1306, secp256k1-priv 0x1301).
fn secret_prefix(suite: Suite) -> [u8; 2] {
    match suite {
        Suite::Ed25519 => [0x80, 0x26],
        Suite::P256 => [0x86, 0x26],
        Suite::Secp256k1 => [0x81, 0x26],
    }
}

impl Serialize for SecretKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Zeroizing::new([0; 34]);
        bytes[..2].copy_from_slice(&secret_prefix(self.public.suite()));
        bytes[2..].copy_from_slice(self.raw().as_slice());
        // 34 bytes take 47 characters in base58. With this capacity the text never moves in memory.
        let mut text = Zeroizing::new(String::with_capacity(48));
        text.push('z');
        let base58 = Zeroizing::new(bs58::encode(bytes.as_slice()).into_string());
        text.push_str(&base58);
        let mut fields = serializer.serialize_struct("SecretKey", 2)?;
        fields.serialize_field("publicKeyMultibase", &self.public)?;
        fields.serialize_field("secretKeyMultibase", text.as_str())?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for SecretKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Text {
            #[serde(rename = "publicKeyMultibase")]
            public: PublicKey,
            #[serde(rename = "secretKeyMultibase")]
            secret: SecretText,
        }

        /// Wrapper that wipes the text on every path. No error message repeats the text.
        struct SecretText(Zeroizing<String>);

        impl<'de> Deserialize<'de> for SecretText {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
            }
        }

        let Text { public, secret } = Text::deserialize(deserializer)?;
        let suite = public.suite();
        let base58 = secret.0.strip_prefix('z').unwrap_or_default();
        let bytes = Zeroizing::new(bs58::decode(base58).into_vec().unwrap_or_default());
        let raw = bytes.strip_prefix(&secret_prefix(suite)).unwrap_or_default();
        let key = <&[u8; 32]>::try_from(raw).ok().and_then(|raw| Self::from_raw(suite, raw));
        match key.filter(|key| key.public == public) {
            Some(key) => Ok(key),
            None => {
                let error = KeysError::Mismatch { public: public.to_string() };
                Err(D::Error::custom(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use registry_core::crypto::verify;

    use super::*;

    const SUITES: [Suite; 3] = [Suite::Ed25519, Suite::P256, Suite::Secp256k1];

    proptest! {
        #[test]
        fn signatures_verify_in_every_suite(secret: [u8; 32], message: [u8; 32]) {
            for suite in SUITES {
                let Some(key) = SecretKey::from_raw(suite, &secret) else { continue };
                let signature = key.sign_operation(&message);
                prop_assert_eq!(verify(key.public(), &message, &signature), Ok(()));
                let other = [message[0] ^ 1; 32];
                prop_assert!(verify(key.public(), &other, &signature).is_err() || other == message);
            }
        }

        #[test]
        fn json_keeps_the_key(secret: [u8; 32]) {
            for suite in SUITES {
                let Some(key) = SecretKey::from_raw(suite, &secret) else { continue };
                let json = serde_json::to_string(&key).expect("serialises");
                let back: SecretKey = serde_json::from_str(&json).expect("deserialises");
                prop_assert_eq!(back.raw(), key.raw());
                prop_assert_eq!(back.public(), key.public());
            }
        }
    }

    #[test]
    fn a_secret_of_another_key_is_refused_without_showing_it() {
        let [one, two] = [7, 8].map(|byte| {
            let key = SecretKey::from_raw(Suite::Ed25519, &[byte; 32]).expect("a key");
            serde_json::to_value(&key).expect("serialises")
        });
        let mut mixed = one.clone();
        mixed["secretKeyMultibase"] = two["secretKeyMultibase"].clone();
        let error = serde_json::from_value::<SecretKey>(mixed).expect_err("must be refused");
        let secret = two["secretKeyMultibase"].as_str().expect("text");
        assert!(!error.to_string().contains(secret), "{error}");
        assert!(error.to_string().contains("is not its secret"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = SecretKey::generate(Suite::P256).expect("a key");
        let shown = format!("{key:?}");
        assert!(shown.contains("<redacted>") && shown.contains(&key.public().to_string()));
        assert!(!shown.contains(&registry_core::codec::hex(key.raw().as_slice())));
    }
}
