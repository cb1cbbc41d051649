//! The one encoding of everything that is hashed, signed, stored or sent: deterministic DAG-CBOR
//! with text keys and no floats (RFC 8949 section 4.2.1, docs/protocol/encoding.md).
//!
//! The same types read and write JSON for people and APIs: hashes as lower-case hex, other bytes
//! as base64url without padding.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_ipld_dagcbor::DecodeError;

/// Why bytes are not a value of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// More bytes than the type may have.
    #[error("{actual} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Bytes given.
        actual: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not strict DAG-CBOR of the type: bad syntax, unknown or missing field, wrong type.
    #[error("not canonical CBOR of the expected shape: {reason}")]
    Malformed {
        /// What the decoder said; for people, never for the state.
        reason: String,
    },
    /// A member that the type does not have.
    #[error("{reason}")]
    UnknownField {
        /// Which, and which there are.
        reason: String,
    },
    /// A DID, DID URL or another identifier that breaks its syntax.
    #[error("{reason}")]
    Identifier {
        /// Which, and the rule.
        reason: String,
    },
    /// Decodes, but another encoding of the same value is the canonical one.
    #[error("{actual} bytes decode to a value whose canonical encoding has {canonical} bytes")]
    NotCanonical {
        /// Bytes given.
        actual: usize,
        /// Bytes of the canonical encoding.
        canonical: usize,
    },
}

/// The canonical bytes of `value`.
///
/// No type of this crate has a serialisation that can fail (no floats, text keys, writing to
/// memory), so there is no error to hand out.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let encoded = serde_ipld_dagcbor::to_vec(value);
    debug_assert!(encoded.is_ok(), "a registry type failed to encode");
    encoded.unwrap_or_default()
}

/// Reads a value from its canonical bytes and refuses every other spelling of it.
pub fn decode<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, CodecError> {
    let value: T = decode_own(bytes, bytes_max)?;
    let canonical = encode(&value);
    if canonical != bytes {
        return Err(CodecError::NotCanonical { actual: bytes.len(), canonical: canonical.len() });
    }
    Ok(value)
}

/// Reads bytes that [`encode`] made here earlier, as those of the own store, and so spends nothing
/// on encoding the value again. For whatever comes from elsewhere, use [`decode`].
pub fn decode_own<T: DeserializeOwned>(bytes: &[u8], bytes_max: usize) -> Result<T, CodecError> {
    if bytes.len() > bytes_max {
        return Err(CodecError::TooLarge { actual: bytes.len(), limit: bytes_max });
    }
    serde_ipld_dagcbor::from_slice(bytes).map_err(refused)
}

/// How serde begins the error of `deny_unknown_fields`.
const UNKNOWN_FIELD: &str = "unknown field";
/// How the identifiers of this crate begin theirs.
pub(crate) const IDENTIFIER: &str = "identifier";

/// A decoder hands on what a type says as text alone, so the kind is told by how it begins.
#[allow(clippy::wildcard_enum_match_arm, reason = "the decoder's other errors are all alike")]
fn refused<E: fmt::Debug>(error: DecodeError<E>) -> CodecError {
    match error {
        DecodeError::Msg(reason) if reason.starts_with(UNKNOWN_FIELD) => {
            CodecError::UnknownField { reason }
        }
        DecodeError::Msg(reason) if reason.starts_with(IDENTIFIER) => {
            CodecError::Identifier { reason }
        }
        DecodeError::Msg(reason) => CodecError::Malformed { reason },
        other => CodecError::Malformed { reason: other.to_string() },
    }
}

/// Lower-case hex, the form of hashes and ids in JSON and in text.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Base64url without padding, the form of other bytes in JSON.
pub fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Reads base64url without padding; refuses padding, other alphabets and non-zero pad bits.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// A byte string: bytes in CBOR, base64url in JSON.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_bytes(&self.0, base64url, serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_bytes(deserializer, from_base64url, "base64url without padding").map(Self)
    }
}

/// A byte string of fixed length: bytes in CBOR, base64url in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedBytes<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Debug for FixedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

impl<const N: usize> Serialize for FixedBytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_bytes(&self.0, base64url, serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for FixedBytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserialize_bytes(deserializer, from_base64url, "base64url without padding")?;
        fixed(&bytes).map(Self)
    }
}

/// Writes bytes as a CBOR byte string, or in JSON as the text that `spell` makes of them.
pub(crate) fn serialize_bytes<S: Serializer>(
    bytes: &[u8],
    spell: impl Fn(&[u8]) -> String,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&spell(bytes))
    } else {
        serializer.serialize_bytes(bytes)
    }
}

/// Reads what [`serialize_bytes`] wrote; `read` undoes `spell` and `form` names it in errors.
pub(crate) fn deserialize_bytes<'de, D: Deserializer<'de>>(
    deserializer: D,
    read: impl Fn(&str) -> Option<Vec<u8>>,
    form: &str,
) -> Result<Vec<u8>, D::Error> {
    if deserializer.is_human_readable() {
        let text = String::deserialize(deserializer)?;
        read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not {form}")))
    } else {
        Ok(serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec())
    }
}

/// Exactly `N` bytes, or an error that says both lengths.
pub(crate) fn fixed<const N: usize, E: serde::de::Error>(bytes: &[u8]) -> Result<[u8; N], E> {
    <[u8; N]>::try_from(bytes)
        .map_err(|_| E::custom(format!("{} bytes where exactly {N} are expected", bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        b: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        long: Option<Bytes>,
    }

    fn refused(bytes: &[u8]) -> CodecError {
        decode::<Sample>(bytes, 64).expect_err("must be refused")
    }

    #[test]
    fn only_the_canonical_spelling_decodes() {
        let canonical = encode(&Sample { b: 1, long: Some(Bytes(vec![7])) });
        assert_eq!(canonical, b"\xa2\x61b\x01\x64long\x41\x07");
        assert!(decode::<Sample>(&canonical, 64).is_ok());
        assert!(matches!(refused(b"\xa1\x61b\x18\x01"), CodecError::Malformed { .. }));
        assert!(matches!(refused(b"\xa1\x61b\x01\x00"), CodecError::Malformed { .. }));
        assert!(matches!(refused(b"\xbf\x61b\x01\xff"), CodecError::Malformed { .. }));
        assert!(matches!(refused(b"\xa2\x61b\x01\x61b\x01"), CodecError::Malformed { .. }));
        assert!(matches!(refused(b"\xa2\x64long\x41\x07\x61b\x01"), CodecError::Malformed { .. }));
        assert!(matches!(refused(b"\xa2\x61b\x01\x61x\x01"), CodecError::UnknownField { .. }));
        assert!(matches!(
            refused(b"\xa2\x61b\x01\x64long\xf6"),
            CodecError::NotCanonical { actual: 10, canonical: 4 }
        ));
        assert!(matches!(
            decode::<Sample>(&canonical, 4),
            Err(CodecError::TooLarge { actual: 11, limit: 4 })
        ));
    }

    #[test]
    fn base64url_refuses_padding_and_pad_bits() {
        assert_eq!(from_base64url("AQ"), Some(vec![1]));
        assert_eq!(from_base64url("AQ=="), None);
        assert_eq!(from_base64url("AR"), None);
        assert_eq!(from_base64url("A+"), None);
    }
}
