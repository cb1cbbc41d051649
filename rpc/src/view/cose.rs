//! COSE_Sign1 (RFC 9052) with CWT claims (RFC 8392), and the CBOR that they need. Their maps have
//! integer keys, which DAG-CBOR, the ledger's encoding, does not allow.

use cbor4ii::core::dec::{Decode, Read};
use cbor4ii::core::enc::Encode;
use cbor4ii::core::utils::{BufWriter, SliceReader};
use registry_core::crypto::Suite;

pub(super) use cbor4ii::core::Value;

use super::error::ViewError;
use super::parts::Signed;
use super::unsigned::{Method, Unsigned, algorithm};

/// CBOR tag of a COSE_Sign1 message. Its encoding is the byte 0xd2.
const SIGN1: u64 = 18;

/// Bytes of a signature by either algorithm.
const SIGNATURE_BYTES: usize = 64;

/// Header parameters (RFC 9052 section 3.1, RFC 9596).
const ALGORITHM: i128 = 1;
const KEY_ID: i128 = 4;
const TYPE: i128 = 16;

/// Algorithm identifiers of COSE: EdDSA, ES256, and the fully specified Ed25519 and ESP256 of RFC
/// 9864.
const EDDSA: i128 = -8;
const ES256: i128 = -7;
const ED25519: i128 = -19;
const ESP256: i128 = -9;

/// Encodes `claims` as a CWT of media type `media_type` without its signature, which belongs at the
/// end. The protected header contains the key id.
pub(super) fn unsigned(
    media_type: &str,
    claims: Vec<(Value, Value)>,
    method: &Method<'_>,
) -> Result<Unsigned, ViewError> {
    let algorithm = match algorithm(method.suite)? {
        "ES256" => ES256,
        _ => EDDSA,
    };
    let protected = encode(&Value::Map(vec![
        (Value::Integer(ALGORITHM), Value::Integer(algorithm)),
        (Value::Integer(KEY_ID), Value::Bytes(method.url.as_bytes().to_vec())),
        (Value::Integer(TYPE), Value::Text(media_type.to_owned())),
    ]))?;
    let payload = encode(&Value::Map(claims))?;
    let message = to_be_signed(&protected, &payload)?;
    let parts = [Value::Bytes(protected), Value::Map(Vec::new()), Value::Bytes(payload)];
    let parts = parts.into_iter().chain([Value::Bytes(vec![0; SIGNATURE_BYTES])]).collect();
    let mut bytes = encode(&Value::Tag(SIGN1, Box::new(Value::Array(parts))))?;
    bytes.truncate(bytes.len().saturating_sub(SIGNATURE_BYTES));
    Ok(Unsigned { message, bytes })
}

/// Encodes the Sig_structure of RFC 9052, section 4.4.
fn to_be_signed(protected: &[u8], payload: &[u8]) -> Result<Vec<u8>, ViewError> {
    encode(&Value::Array(vec![
        Value::Text("Signature1".to_owned()),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload.to_vec()),
    ]))
}

/// Parses a CWT of `media_type`. Returns `None` if the bytes are not a tagged COSE_Sign1 message,
/// and an error if they are one with a fault.
pub(super) fn parse(
    bytes: &[u8],
    media_type: &str,
) -> Option<Result<(Signed, CborMap), ViewError>> {
    let Some(Value::Tag(SIGN1, body)) = decode(bytes) else { return None };
    let Value::Array(parts) = *body else { return None };
    let [Value::Bytes(protected), Value::Map(unprotected), payload, signature] =
        <[Value; 4]>::try_from(parts).ok()?
    else {
        return None;
    };
    let (Value::Bytes(payload), Value::Bytes(signature)) = (payload, signature) else {
        return None;
    };
    Some(parse_parts(media_type, protected, CborMap(unprotected), (payload, signature)))
}

fn parse_parts(
    media_type: &str,
    protected: Vec<u8>,
    unprotected: CborMap,
    (payload, signature): (Vec<u8>, Vec<u8>),
) -> Result<(Signed, CborMap), ViewError> {
    let header = CborMap::read(&protected, "the protected header")?;
    if header.get(&Value::Integer(2), "crit")?.is_some() {
        return Err(ViewError::malformed("crit", "absent: no extension is known here"));
    }
    match header.get(&Value::Integer(TYPE), "header 16 (type)")? {
        Some(Value::Text(text)) if text == media_type => {}
        _ => {
            let rule = "the text application/statuslist+cwt";
            return Err(ViewError::malformed("header 16 (type)", rule));
        }
    }
    let suite = match header.get(&Value::Integer(ALGORITHM), "header 1 (alg)")? {
        Some(Value::Integer(EDDSA | ED25519)) => Suite::Ed25519,
        Some(Value::Integer(ES256 | ESP256)) => Suite::P256,
        Some(Value::Integer(other)) => {
            return Err(ViewError::Algorithm { actual: other.to_string(), key: None });
        }
        _ => return Err(ViewError::malformed("header 1 (alg)", "a protected integer")),
    };
    let key_id = Value::Integer(KEY_ID);
    let key_id = match header.get(&key_id, "header 4 (kid)")? {
        Some(protected) => Some(protected),
        None => unprotected.get(&key_id, "header 4 (kid)")?,
    };
    let method = match key_id {
        None => None,
        Some(Value::Bytes(bytes)) => String::from_utf8(bytes.clone()).ok(),
        Some(_) => return Err(ViewError::malformed("header 4 (kid)", "a byte string")),
    };
    let message = to_be_signed(&protected, &payload)?;
    let claims = CborMap::read(&payload, "the CWT claims")?;
    Ok((Signed { suite, method, message, signature }, claims))
}

/// A CBOR map in which values are looked up by key.
#[derive(Debug, Clone)]
pub(super) struct CborMap(pub(super) Vec<(Value, Value)>);

impl CborMap {
    pub(super) fn read(bytes: &[u8], field: &'static str) -> Result<Self, ViewError> {
        match decode(bytes) {
            Some(Value::Map(entries)) => Ok(Self(entries)),
            _ => Err(ViewError::malformed(field, "a CBOR map in a byte string")),
        }
    }

    /// Returns the value of `key`. Fails if the key occurs twice, since readers disagree on which
    /// of the two values counts.
    pub(super) fn get(
        &self,
        key: &Value,
        field: &'static str,
    ) -> Result<Option<&Value>, ViewError> {
        let mut values = self.0.iter().filter(|(other, _)| other == key).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(ViewError::malformed(field, "given once")),
            (value, None) => Ok(value),
        }
    }
}

fn encode(value: &Value) -> Result<Vec<u8>, ViewError> {
    let mut writer = BufWriter::new(Vec::new());
    value.encode(&mut writer).map_err(ViewError::encoding("CBOR"))?;
    Ok(writer.into_inner())
}

/// Decodes one value. Returns `None` if bytes follow it.
fn decode(bytes: &[u8]) -> Option<Value> {
    let mut reader = SliceReader::new(bytes);
    let value = Value::decode(&mut reader).ok()?;
    reader.fill(1).ok()?.as_ref().is_empty().then_some(value)
}
