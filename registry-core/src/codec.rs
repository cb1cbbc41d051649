//! The one encoding of everything that is hashed, signed, stored or sent: deterministic DAG-CBOR
//! with text keys and no floats (RFC 8949 section 4.2.1, docs/protocol/encoding.md).
//!
//! The same types read and write JSON for people and APIs. JSON shows hashes as lower-case hex and
//! other bytes as base64url without padding.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_ipld_dagcbor::DecodeError;

/// Reason why bytes are not a value of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// There are more bytes than the type may have.
    #[error("{actual} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Number of bytes given.
        actual: usize,
        /// Largest number of bytes allowed.
        limit: usize,
    },
    /// The bytes are not strict DAG-CBOR of the type: bad syntax, a missing field or a wrong type.
    #[error("not canonical CBOR of the expected shape: {reason}")]
    Malformed {
        /// Error text of the decoder. It is for people and never enters the state.
        reason: String,
    },
    /// The value has a field that the type does not have.
    #[error("{reason}")]
    UnknownField {
        /// Error text that names the field and those that exist.
        reason: String,
    },
    /// A DID, DID URL or another identifier breaks its syntax.
    #[error("{reason}")]
    Identifier {
        /// Error text that names the identifier and the rule.
        reason: String,
    },
    /// The bytes decode, but they are not the canonical encoding of the value.
    #[error("{actual} bytes decode to a value whose canonical encoding has {canonical} bytes")]
    NotCanonical {
        /// Number of bytes given.
        actual: usize,
        /// Number of bytes of the canonical encoding.
        canonical: usize,
    },
}

/// Returns the canonical bytes of `value`.
///
/// Encoding a type of this crate cannot fail: there are no floats, all keys are texts, and the
/// bytes are written to memory. So the function returns no error.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let encoded = serde_ipld_dagcbor::to_vec(value);
    debug_assert!(encoded.is_ok(), "a registry type failed to encode");
    encoded.unwrap_or_default()
}

/// Decodes a value from its canonical bytes, at most `bytes_max`. Any other encoding of the value
/// is refused with [`CodecError::NotCanonical`].
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

/// Decodes bytes that [`encode`] made earlier on this node, such as those of its own store. It
/// saves the work of encoding the value again to compare. Bytes from elsewhere must go through
/// [`decode`].
pub fn decode_own<T: DeserializeOwned>(bytes: &[u8], bytes_max: usize) -> Result<T, CodecError> {
    if bytes.len() > bytes_max {
        return Err(CodecError::TooLarge { actual: bytes.len(), limit: bytes_max });
    }
    serde_ipld_dagcbor::from_slice(bytes).map_err(refused)
}

/// Start of serde's error text for `deny_unknown_fields`.
const UNKNOWN_FIELD: &str = "unknown field";
/// Start of the error texts of this crate's identifiers.
pub(crate) const IDENTIFIER: &str = "identifier";

/// Sorts a decoder's error by how its text starts, since a decoder passes on nothing but text.
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

/// Returns lower-case hex, the form of hashes and ids in JSON and in text.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Returns base64url without padding, the form of other bytes in JSON.
pub fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Reads base64url. Returns `None` for padding, another alphabet or trailing bits that are not
/// zero.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// A byte string of any length: bytes in CBOR, base64url in JSON.
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

/// A byte string of `N` bytes: bytes in CBOR, base64url in JSON.
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

/// Writes a CBOR byte string, or in JSON the text that `spell` returns.
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

/// Reads what [`serialize_bytes`] wrote. `read` is the inverse of `spell`, and `form` names the
/// text form in errors.
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

/// Converts to an array of `N` bytes, or fails with an error that states both lengths.
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
