//! Which keys are the same key, whatever form a document gives them (docs/protocol/did-document.md,
//! section "Marked keys").

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::jwk::Jwk;
use super::method::KeyMaterial;
use super::multikey::{KeyCodec, Multikey};
use crate::codec;
use crate::crypto::{Hash, Purpose};

/// A key by its curve and public point. The forms in which a document can give one key, such as
/// Multikey and JWK, have one identity. Of a point of an elliptic curve only x counts, because
/// whoever can sign for a point can sign for the point with the other y.
///
/// An identity looks like a Multikey: a multicodec prefix and the point in one spelling. A key that
/// is too long to stand in a list counts by a hash of 32 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyIdentity(Multikey);

/// How the raw key of a type becomes one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// The raw key is its own spelling.
    Raw,
    /// A compressed point of SEC 1. Its first byte, which selects y, becomes 02.
    Sec1,
    /// A compressed point of BLS12-381. The bit of its first byte that selects y is cleared.
    Bls,
    /// A hash stands for the key.
    Hashed,
}

/// Bit that selects y in the first byte of a compressed BLS12-381 point.
const BLS_Y: u8 = 0x20;

/// Number of bytes of a point of G1, the first half of a key in both groups.
const G1_BYTES: usize = 48;

/// Key types that only a JWK can have: their name, multicodec prefix, raw bytes and spelling.
const JWK_ONLY: [(&str, [u8; 2], usize, Spelling); 3] = [
    ("Ed448", [0x83, 0x24], 57, Spelling::Raw),
    ("X448", [0x84, 0x24], 56, Spelling::Raw),
    ("RSA", [0x85, 0x24], 512, Spelling::Hashed),
];

impl KeyCodec {
    /// Returns how keys of the type are spelled; `None` for a key that is two points.
    fn spelling(self) -> Option<Spelling> {
        match self {
            Self::Ed25519 | Self::X25519 | Self::SlhDsa128s => Some(Spelling::Raw),
            Self::P256 | Self::P384 | Self::P521 | Self::Secp256k1 => Some(Spelling::Sec1),
            Self::Bls12381G1 | Self::Bls12381G2 => Some(Spelling::Bls),
            Self::Bls12381G1G2 => None,
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => Some(Spelling::Hashed),
        }
    }
}

/// Returns the spelling of the type with this prefix, and the number of bytes behind the prefix.
fn form(prefix: &[u8]) -> Option<(Spelling, usize)> {
    let of_jwk = JWK_ONLY.iter().find(|(_, other, ..)| other == prefix);
    let (spelling, raw_bytes) = match of_jwk {
        Some((.., raw_bytes, spelling)) => (*spelling, *raw_bytes),
        None => {
            let codec = KeyCodec::ALL.into_iter().find(|codec| codec.prefix() == prefix)?;
            (codec.spelling()?, codec.key_bytes())
        }
    };
    let is_hashed = spelling == Spelling::Hashed;
    Some((spelling, if is_hashed { Hash::ZERO.0.len() } else { raw_bytes }))
}

impl KeyIdentity {
    /// Reads an identity from a Multikey: a point in any spelling, or an identity as it is written.
    /// Returns `None` for an unknown key type, and for a key that is two points.
    pub fn of_multikey(key: &Multikey) -> Option<Self> {
        let written = Self(key.clone());
        if written.is_spelled() {
            return Some(written);
        }
        let mut identities = of_multikey(key).into_iter();
        identities.next().filter(|_| identities.next().is_none())
    }

    /// True if the identity has its one spelling. An identity in a signed operation can have
    /// another one.
    pub fn is_spelled(&self) -> bool {
        let (prefix, point) = self.0.bytes().split_at_checked(2).unwrap_or_default();
        let Some((spelling, bytes)) = form(prefix) else { return false };
        let first = point.first().copied().unwrap_or_default();
        let is_first = match spelling {
            Spelling::Raw | Spelling::Hashed => true,
            Spelling::Sec1 => first == 2,
            Spelling::Bls => first & 0xe0 == 0x80,
        };
        is_first && point.len() == bytes
    }

    fn of(prefix: [u8; 2], raw: &[u8]) -> Option<Self> {
        let (spelling, bytes) = form(&prefix)?;
        let mut point = match spelling {
            Spelling::Raw | Spelling::Sec1 | Spelling::Bls => raw.to_vec(),
            Spelling::Hashed => Hash::of(Purpose::KeyIdentity, &[&prefix, raw]).0.to_vec(),
        };
        let first = point.first_mut()?;
        match spelling {
            Spelling::Raw | Spelling::Hashed => {}
            Spelling::Sec1 => *first = 2,
            Spelling::Bls => *first &= !BLS_Y,
        }
        (point.len() == bytes).then(|| Self(Multikey::of_parts(prefix, &point)))
    }
}

impl KeyMaterial {
    /// Returns the identities of the key. There is one, or two for a BLS12-381 key in both groups.
    /// A key of a document that broke no rule has at least one.
    pub fn identities(&self) -> Vec<KeyIdentity> {
        match self {
            Self::Multikey(key) => of_multikey(key),
            Self::JsonWebKey(key) => of_jwk(key).into_iter().collect(),
        }
    }
}

fn of_multikey(key: &Multikey) -> Vec<KeyIdentity> {
    let Some((prefix, raw)) = key.bytes().split_first_chunk::<2>() else { return Vec::new() };
    if *prefix != KeyCodec::Bls12381G1G2.prefix() {
        return KeyIdentity::of(*prefix, raw).into_iter().collect();
    }
    let (first, second) = raw.split_at_checked(G1_BYTES).unwrap_or_default();
    let points = [(KeyCodec::Bls12381G1, first), (KeyCodec::Bls12381G2, second)];
    points.iter().filter_map(|(codec, raw)| KeyIdentity::of(codec.prefix(), raw)).collect()
}

/// Returns the identity of a JWK. An RSA key counts by its modulus, since whoever knows the factors
/// can sign under any exponent.
fn of_jwk(jwk: &Jwk) -> Option<KeyIdentity> {
    let member = |name: &str| jwk.0.get(name).map(String::as_str);
    let kty = member("kty")?;
    let (name, value) = match kty {
        "RSA" => (kty, member("n")?),
        "AKP" => (member("alg")?, member("pub")?),
        _ => (member("crv")?, member("x")?),
    };
    let raw = codec::from_base64url(value)?;
    // The tag of a compressed point, which a JWK does not have, says nothing about x.
    let raw = if kty == "EC" { [&[2], raw.as_slice()].concat() } else { raw };
    let of_multikey = KeyCodec::ALL.into_iter().find(|codec| codec.name() == name);
    let only = JWK_ONLY.iter().find(|(other, ..)| *other == name).map(|(_, prefix, ..)| *prefix);
    KeyIdentity::of(of_multikey.map(KeyCodec::prefix).or(only)?, &raw)
}

impl fmt::Display for KeyIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for KeyIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for KeyIdentity {
    /// Reads any bytes from CBOR, since [`Self::is_spelled`] checks them, and a Multikey of the
    /// point from JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_json = deserializer.is_human_readable();
        let key = Multikey::deserialize(deserializer)?;
        if !is_json {
            return Ok(Self(key));
        }
        let form = "a marked key must be the Multikey of one point of a known key type";
        Self::of_multikey(&key).ok_or_else(|| D::Error::custom(form))
    }
}
