//! Keys of a document in Multikey form: a multicodec prefix and the raw key (W3C Controlled
//! Identifiers 1.0 section 2.2.2).

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rule::Rule;
use crate::codec;
use crate::crypto::PublicKey;
use crate::limits::KEY_BYTES_MAX;

/// Key types that a Multikey may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyCodec {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// X25519 (RFC 7748).
    X25519,
    /// P-256, as a compressed point.
    P256,
    /// P-384, as a compressed point.
    P384,
    /// P-521, as a compressed point.
    P521,
    /// secp256k1, as a compressed point.
    Secp256k1,
    /// BLS12-381, as a compressed point of G1.
    Bls12381G1,
    /// BLS12-381, as a compressed point of G2.
    Bls12381G2,
    /// BLS12-381, as two compressed points of the same key, in G1 and in G2.
    Bls12381G1G2,
    /// ML-DSA-44 (FIPS 204).
    MlDsa44,
    /// ML-DSA-65 (FIPS 204).
    MlDsa65,
    /// ML-DSA-87 (FIPS 204).
    MlDsa87,
    /// SLH-DSA-SHA2-128s (FIPS 205).
    SlhDsa128s,
}

impl KeyCodec {
    /// All key types.
    pub const ALL: [Self; 13] = [
        Self::Ed25519,
        Self::X25519,
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Secp256k1,
        Self::Bls12381G1,
        Self::Bls12381G2,
        Self::Bls12381G1G2,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
        Self::SlhDsa128s,
    ];

    /// Returns the name, the varint prefix of the multicodec table, the number of bytes of the raw
    /// key, and the multibase letter. The suites for Multikey prescribe base58btc for the curves
    /// and base64url for the post-quantum keys.
    fn entry(self) -> (&'static str, [u8; 2], usize, char) {
        match self {
            Self::Ed25519 => ("Ed25519", [0xed, 0x01], 32, 'z'),
            Self::X25519 => ("X25519", [0xec, 0x01], 32, 'z'),
            Self::P256 => ("P-256", [0x80, 0x24], 33, 'z'),
            Self::P384 => ("P-384", [0x81, 0x24], 49, 'z'),
            Self::P521 => ("P-521", [0x82, 0x24], 67, 'z'),
            Self::Secp256k1 => ("secp256k1", [0xe7, 0x01], 33, 'z'),
            Self::Bls12381G1 => ("BLS12-381 G1", [0xea, 0x01], 48, 'z'),
            Self::Bls12381G2 => ("BLS12-381 G2", [0xeb, 0x01], 96, 'z'),
            Self::Bls12381G1G2 => ("BLS12-381 G1G2", [0xee, 0x01], 144, 'z'),
            Self::MlDsa44 => ("ML-DSA-44", [0x90, 0x24], 1312, 'u'),
            Self::MlDsa65 => ("ML-DSA-65", [0x91, 0x24], 1952, 'u'),
            Self::MlDsa87 => ("ML-DSA-87", [0x92, 0x24], 2592, 'u'),
            Self::SlhDsa128s => ("SLH-DSA-SHA2-128s", [0xa0, 0x24], 32, 'u'),
        }
    }

    /// Returns the usual name of the key type.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// Returns the two bytes before the raw key.
    pub fn prefix(self) -> [u8; 2] {
        self.entry().1
    }

    /// Returns the number of bytes of the raw key.
    pub fn key_bytes(self) -> usize {
        self.entry().2
    }

    fn multibase(self) -> char {
        self.entry().3
    }

    /// True if `raw`, whose length is right, can be a key. Points of the suites that this node
    /// verifies are decoded. For other types only the form is checked.
    fn is_usable(self, bytes: &[u8], raw: &[u8]) -> bool {
        let starts = |at: usize, allowed: fn(u8) -> bool| raw.get(at).copied().is_some_and(allowed);
        let compressed_sec1: fn(u8) -> bool = |byte| byte == 2 || byte == 3;
        // The top bits of a BLS12-381 point say that it is compressed and not the neutral element.
        let compressed_bls: fn(u8) -> bool = |byte| byte & 0xc0 == 0x80;
        match self {
            Self::Ed25519 | Self::P256 | Self::Secp256k1 => {
                PublicKey::from_bytes(bytes).is_ok_and(|key| key.check().is_ok())
            }
            Self::X25519 => x25519_is_usable(raw),
            Self::P384 | Self::P521 => starts(0, compressed_sec1),
            Self::Bls12381G1 | Self::Bls12381G2 => starts(0, compressed_bls),
            Self::Bls12381G1G2 => starts(0, compressed_bls) && starts(48, compressed_bls),
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 | Self::SlhDsa128s => true,
        }
    }
}

/// True if `raw` is a canonical u-coordinate that is not of small order. A key of small order makes
/// the shared secret zero for any peer (RFC 7748 section 6.1).
pub(super) fn x25519_is_usable(raw: &[u8]) -> bool {
    /// First byte of p = 2^255 - 19, little-endian.
    const MODULUS_FIRST: u8 = 0xed;
    const MODULUS_LAST: u8 = 0x7f;
    const ORDER_EIGHT: [[u8; 32]; 2] = [
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ],
    ];
    let (Some((first, rest)), Some((last, _))) = (raw.split_first(), raw.split_last()) else {
        return false;
    };
    let middle = rest.split_last().map_or(&[][..], |(_, middle)| middle);
    let filled_with = |byte: u8| middle.iter().all(|other| *other == byte);
    let zero_or_one = *first <= 1 && filled_with(0) && *last == 0;
    // p - 1 has order two. Numbers from p on are second encodings of small numbers.
    let at_least_minus_one =
        *first >= MODULUS_FIRST - 1 && filled_with(0xff) && *last == MODULUS_LAST;
    *last <= MODULUS_LAST
        && !zero_or_one
        && !at_least_minus_one
        && !ORDER_EIGHT.iter().any(|point| point == raw)
}

/// A public key of any type in the table. In CBOR it is a byte string of prefix and raw key, in
/// JSON a Multikey text. Decoding accepts any bytes; [`super::Document::check`] checks them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multikey(Vec<u8>);

impl Multikey {
    /// Makes a key from its type and raw bytes without checking them.
    pub fn new(codec: KeyCodec, raw: &[u8]) -> Self {
        Self::of_parts(codec.prefix(), raw)
    }

    pub(super) fn of_parts(prefix: [u8; 2], raw: &[u8]) -> Self {
        Self([&prefix, raw].concat())
    }

    /// Reads multibase text in base58btc (`z…`) or base64url (`u…`). Returns `None` for anything
    /// else.
    pub fn from_text(text: &str) -> Option<Self> {
        // Decoding base58 takes quadratic time, so the length is bounded first. Base58 has 1.4
        // characters for each byte.
        if text.len() > KEY_BYTES_MAX.saturating_mul(2) {
            return None;
        }
        let bytes = match text.split_at_checked(1)? {
            ("z", base58) => bs58::decode(base58).into_vec().ok()?,
            ("u", base64) => codec::from_base64url(base64)?,
            _ => return None,
        };
        Some(Self(bytes))
    }

    /// Returns prefix and raw key.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the key type; `None` if the table does not have the prefix.
    pub fn codec(&self) -> Option<KeyCodec> {
        let prefix = self.0.get(..2)?;
        KeyCodec::ALL.into_iter().find(|codec| codec.prefix() == prefix)
    }

    /// Returns the key that checks signatures; `None` if its type is none of the three signing
    /// suites.
    pub fn signing_key(&self) -> Option<PublicKey> {
        PublicKey::from_bytes(&self.0).ok()
    }

    pub(super) fn refusal(&self) -> Option<Rule> {
        let (prefix, raw) = self.0.split_at_checked(2).unwrap_or((&self.0, &[]));
        let Some(codec) = self.codec() else {
            return Some(Rule::KeyCodec { prefix: codec::hex(prefix) });
        };
        let (actual, expected) = (raw.len(), codec.key_bytes());
        if actual != expected {
            return Some(Rule::KeyLength { actual, min: expected, max: expected });
        }
        if codec.is_usable(&self.0, raw) {
            None
        } else {
            Some(Rule::KeyInvalid { key: codec.name() })
        }
    }
}

impl From<&PublicKey> for Multikey {
    fn from(key: &PublicKey) -> Self {
        Self(key.bytes().to_vec())
    }
}

impl fmt::Display for Multikey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.codec().map_or('u', KeyCodec::multibase) {
            'z' => write!(f, "z{}", bs58::encode(&self.0).into_string()),
            _ => write!(f, "u{}", codec::base64url(&self.0)),
        }
    }
}

impl fmt::Debug for Multikey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Multikey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        codec::serialize_bytes(&self.0, |_| self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for Multikey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let form = "a multikey must be multibase, `z` and base58btc or `u` and base64url";
            return Self::from_text(&text).ok_or_else(|| D::Error::custom(form));
        }
        Ok(Self(serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec()))
    }
}
