//! Public keys in Multikey form (a multicodec prefix and the raw key), and the check of signatures.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use k256::ecdsa::signature::Verifier as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec;

/// A signature suite. It follows from the key's multicodec prefix and is never a field of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Ed25519, checked by `verify_strict`.
    Ed25519,
    /// ECDSA on P-256 with SHA-256; signatures have 64 bytes and a low S.
    P256,
    /// ECDSA on secp256k1 with SHA-256; signatures have 64 bytes and a low S.
    Secp256k1,
}

impl Suite {
    const ALL: [Self; 3] = [Self::Ed25519, Self::P256, Self::Secp256k1];

    /// Returns the varint multicodec prefix (multicodec table: ed25519-pub 0xed, p256-pub 0x1200,
    /// secp256k1-pub 0xe7).
    fn prefix(self) -> [u8; 2] {
        match self {
            Self::Ed25519 => [0xed, 0x01],
            Self::P256 => [0x80, 0x24],
            Self::Secp256k1 => [0xe7, 0x01],
        }
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::P256 | Self::Secp256k1 => 33,
        }
    }
}

/// Reason why a public key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not base58btc multibase.
    #[error("{text:?} is not a multikey: it must be `z` and base58btc")]
    NotMultibase {
        /// Text that was refused.
        text: String,
    },
    /// The multicodec is none of Ed25519, P-256 and secp256k1.
    #[error("multicodec prefix {prefix} cannot sign; use Ed25519, P-256 or secp256k1")]
    UnknownSuite {
        /// First two bytes of the key, in hex.
        prefix: String,
    },
    /// The raw key does not have the length that its suite requires.
    #[error("a {suite:?} key has {expected} bytes, not {actual}")]
    Length {
        /// Suite that the prefix names.
        suite: Suite,
        /// Length in bytes that the suite requires.
        expected: usize,
        /// Length in bytes of the key given.
        actual: usize,
    },
    /// The key is not a point of the curve, not in canonical encoding, or of small order.
    #[error("not a usable {suite:?} public key")]
    Invalid {
        /// Suite that the prefix names.
        suite: Suite,
    },
}

/// A public key that can sign. In CBOR it is a byte string of prefix and raw key, in text a
/// Multikey (`z…`, W3C Controlled Identifiers section 2.2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Makes a key from its suite and raw bytes. Checks the length; [`Self::check`] checks the
    /// point.
    pub fn new(suite: Suite, raw: &[u8]) -> Result<Self, KeyError> {
        if raw.len() != suite.key_bytes() {
            let (expected, actual) = (suite.key_bytes(), raw.len());
            return Err(KeyError::Length { suite, expected, actual });
        }
        Ok(Self([&suite.prefix(), raw].concat()))
    }

    /// Makes a key from prefix and raw key. Checks prefix and length; [`Self::check`] checks the
    /// point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let (prefix, raw) = bytes.split_at_checked(2).unwrap_or((bytes, &[]));
        match Suite::ALL.into_iter().find(|suite| suite.prefix() == prefix) {
            Some(suite) => Self::new(suite, raw),
            None => Err(KeyError::UnknownSuite { prefix: codec::hex(prefix) }),
        }
    }

    /// Reads a key from its Multikey text. Checks the form; [`Self::check`] checks the point.
    pub fn from_multikey(text: &str) -> Result<Self, KeyError> {
        let not_multibase = || KeyError::NotMultibase { text: text.to_owned() };
        let base58 = text.strip_prefix('z').ok_or_else(not_multibase)?;
        let bytes = bs58::decode(base58).into_vec().map_err(|_| not_multibase())?;
        Self::from_bytes(&bytes)
    }

    /// Returns the suite that the prefix names.
    pub fn suite(&self) -> Suite {
        let prefix = self.0.get(..2).unwrap_or_default();
        Suite::ALL.into_iter().find(|suite| suite.prefix() == prefix).unwrap_or(Suite::Ed25519)
    }

    /// Returns the key without its prefix.
    pub fn raw(&self) -> &[u8] {
        self.0.get(2..).unwrap_or_default()
    }

    /// Returns prefix and raw key.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Checks that the key is a point that can verify signatures, in its one encoding.
    ///
    /// Ed25519 keys of small order fail, since `verify_strict` would refuse all their signatures.
    /// The compact points of SEC 1 (tag 05, also 33 bytes) fail too: they encode the same key as
    /// tag 02 or 03, and a key must not count twice.
    pub fn check(&self) -> Result<(), KeyError> {
        let suite = self.suite();
        let usable = match suite {
            Suite::Ed25519 => <&[u8; 32]>::try_from(self.raw()).is_ok_and(|raw| {
                is_reduced(raw) && VerifyingKey::from_bytes(raw).is_ok_and(|key| !key.is_weak())
            }),
            Suite::P256 => {
                self.is_compressed()
                    && p256::ecdsa::VerifyingKey::from_sec1_bytes(self.raw()).is_ok()
            }
            Suite::Secp256k1 => {
                self.is_compressed()
                    && k256::ecdsa::VerifyingKey::from_sec1_bytes(self.raw()).is_ok()
            }
        };
        if usable { Ok(()) } else { Err(KeyError::Invalid { suite }) }
    }

    fn is_compressed(&self) -> bool {
        matches!(self.raw().first(), Some(2 | 3))
    }
}

/// True if the y of an Ed25519 key is less than p = 2^255 − 19. A key with such a y and without
/// small order has no second encoding: the sign is redundant only for x = 0, and those points have
/// order 1 or 2.
fn is_reduced(raw: &[u8; 32]) -> bool {
    const P: [u8; 32] = {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xed, 0x7f);
        bytes
    };
    let mut y = *raw;
    y[31] &= 0x7f;
    y.iter().rev().lt(P.iter().rev())
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "z{}", bs58::encode(&self.0).into_string())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        codec::serialize_bytes(&self.0, |_| self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return Self::from_multikey(&text).map_err(D::Error::custom);
        }
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        Self::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

/// Ed25519 key of a validator, which also identifies it in votes and headers. In JSON and text it
/// is a Multikey, in CBOR the 32 raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ValidatorKey(pub [u8; 32]);

impl ValidatorKey {
    /// Returns the same key as a [`PublicKey`].
    pub fn public_key(&self) -> PublicKey {
        PublicKey([&Suite::Ed25519.prefix()[..], &self.0].concat())
    }

    /// Checks an Ed25519 signature over `message` by `verify_strict`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        verify_ed25519(&self.0, message, signature)
    }
}

impl fmt::Display for ValidatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.public_key(), f)
    }
}

impl fmt::Debug for ValidatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ValidatorKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        codec::serialize_bytes(&self.0, |_| self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for ValidatorKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| {
            let key = PublicKey::from_multikey(text).ok()?;
            (key.suite() == Suite::Ed25519).then(|| key.raw().to_vec())
        };
        let bytes = codec::deserialize_bytes(deserializer, read, "an Ed25519 multikey")?;
        codec::fixed(&bytes).map(Self)
    }
}

/// Reason why a signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature does not have 64 bytes. DER and recoverable forms are refused.
    #[error("a signature has 64 bytes, not {actual}")]
    Length {
        /// Number of bytes given.
        actual: usize,
    },
    /// An ECDSA signature has S in the upper half of the group order. It is the malleated form of a
    /// valid signature.
    #[error("ECDSA signature with high S; normalise S to the lower half")]
    HighS,
    /// The signature does not verify under the key.
    #[error("the signature does not verify")]
    Invalid,
}

/// Checks `signature` over `message` under `key`. Each suite has one accepted form of a signature,
/// and signatures are never checked in batches (docs/adr/0003).
#[expect(clippy::disallowed_methods, reason = "for ECDSA, low S is what makes it strict")]
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    if signature.len() != 64 {
        return Err(SignatureError::Length { actual: signature.len() });
    }
    match key.suite() {
        Suite::Ed25519 => match <&[u8; 32]>::try_from(key.raw()) {
            Ok(raw) => verify_ed25519(raw, message, signature),
            Err(_) => Err(SignatureError::Invalid),
        },
        Suite::P256 => {
            let signature = p256::ecdsa::Signature::from_slice(signature)
                .map_err(|_| SignatureError::Invalid)?;
            if signature.normalize_s() != signature {
                return Err(SignatureError::HighS);
            }
            p256::ecdsa::VerifyingKey::from_sec1_bytes(key.raw())
                .and_then(|key| key.verify(message, &signature))
                .map_err(|_| SignatureError::Invalid)
        }
        Suite::Secp256k1 => {
            let signature = k256::ecdsa::Signature::from_slice(signature)
                .map_err(|_| SignatureError::Invalid)?;
            if signature.normalize_s() != signature {
                return Err(SignatureError::HighS);
            }
            k256::ecdsa::VerifyingKey::from_sec1_bytes(key.raw())
                .and_then(|key| key.verify(message, &signature))
                .map_err(|_| SignatureError::Invalid)
        }
    }
}

fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let signature = ed25519_dalek::Signature::from_slice(signature)
        .map_err(|_| SignatureError::Length { actual: signature.len() })?;
    VerifyingKey::from_bytes(key)
        .and_then(|key| key.verify_strict(message, &signature))
        .map_err(|_| SignatureError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_ed25519_key_has_one_spelling(random: [u8; 32], low: u8) {
            // The second encodings of a small y are among the last 19 numbers below 2^255.
            let mut large = [0xff; 32];
            (large[0], large[31]) = (low, random[31] | 0x7f);
            for raw in [random, large] {
                let spelled = VerifyingKey::from_bytes(&raw).is_ok_and(|key| {
                    !key.is_weak() && *key.to_edwards().compress().as_bytes() == raw
                });
                let key = PublicKey::new(Suite::Ed25519, &raw).expect("32 bytes");
                proptest::prop_assert_eq!(key.check().is_ok(), spelled);
            }
        }
    }

    #[test]
    fn an_ecdsa_key_has_one_spelling() {
        let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let k256 = k256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let raws = [
            (Suite::P256, p256.verifying_key().to_sec1_point(true).as_bytes().to_vec()),
            (Suite::Secp256k1, k256.verifying_key().to_sec1_point(true).as_bytes().to_vec()),
        ];
        for (suite, raw) in raws {
            let tagged = |tag: u8| [&[tag], &raw[1..]].concat();
            for tag in 0..=255u8 {
                let key = PublicKey::new(suite, &tagged(tag)).expect("33 bytes");
                assert_eq!(key.check().is_ok(), tag == 2 || tag == 3, "{suite:?} tag {tag}");
            }
        }
    }
}
