//! IETF Token Status List (draft-ietf-oauth-status-list): the list as a JWT or a CWT.

use std::borrow::Cow;

use registry_core::codec::{base64url, from_base64url};
use serde_json::{Map, Value as Json, json};

use super::bits::{ietf_status, is_width, widened};
use super::cose::{self, CborMap, Value as Cbor};
use super::error::ViewError;
use super::list::{Entries, Form, List, Publication};
use super::parts::{SECONDS, optional, seconds};
use super::published::Published;
use super::unsigned::{Method, Unsigned};
use super::{compress, jws};

/// Keys of the CWT claims (RFC 8392, and the IANA section of the draft).
const ISSUER: i128 = 1;
const SUBJECT: i128 = 2;
const EXPIRY: i128 = 4;
const ISSUED_AT: i128 = 6;
const STATUS_LIST: i128 = 65_533;
const TIME_TO_LIVE: i128 = 65_534;

const TEXT: &str = "a text";

/// Encodes the list as `application/statuslist+jwt` without its signature.
pub(super) fn unsigned_token_jwt(
    list: &List<'_>,
    entries: &Entries,
    publication: &Publication<'_>,
    method: &Method<'_>,
) -> Result<Unsigned, ViewError> {
    let window = publication.window.within(list);
    let mut status_list = Map::from_iter([
        ("bits".to_owned(), json!(entries.bits)),
        ("lst".to_owned(), json!(base64url(&entries.compressed))),
    ]);
    if let Some(uri) = publication.aggregation_uri {
        status_list.insert("aggregation_uri".to_owned(), json!(uri));
    }
    let mut claims = Map::from_iter([
        ("sub".to_owned(), json!(publication.uri)),
        ("iat".to_owned(), json!(window.begins_s())),
        ("exp".to_owned(), json!(window.ends_s())),
        ("status_list".to_owned(), Json::Object(status_list)),
    ]);
    if let Some(ttl_s) = ttl_s(publication) {
        claims.insert("ttl".to_owned(), json!(ttl_s));
    }
    jws::status_list(&Json::Object(claims), method)
}

/// Encodes the list as `application/statuslist+cwt` without its signature. The keys of each map
/// ascend as RFC 8949, section 4.2.1 requires.
pub(super) fn unsigned_token_cwt(
    list: &List<'_>,
    entries: &Entries,
    publication: &Publication<'_>,
    method: &Method<'_>,
) -> Result<Unsigned, ViewError> {
    let window = publication.window.within(list);
    let text = |text: &str| Cbor::Text(text.to_owned());
    let number = |number: u64| Cbor::Integer(i128::from(number));
    let mut status_list = vec![
        (text("lst"), Cbor::Bytes(entries.compressed.clone())),
        (text("bits"), number(u64::from(entries.bits))),
    ];
    if let Some(uri) = publication.aggregation_uri {
        status_list.push((text("aggregation_uri"), text(uri)));
    }
    let mut claims = vec![
        (Cbor::Integer(SUBJECT), text(publication.uri)),
        (Cbor::Integer(EXPIRY), number(window.ends_s())),
        (Cbor::Integer(ISSUED_AT), number(window.begins_s())),
        (Cbor::Integer(STATUS_LIST), Cbor::Map(status_list)),
    ];
    if let Some(ttl_s) = ttl_s(publication) {
        claims.push((Cbor::Integer(TIME_TO_LIVE), number(ttl_s)));
    }
    cose::unsigned(Form::TokenCwt.media_type(), claims, method)
}

/// Returns the claim `status` that an issuer puts into a token whose status is at `entry` of the
/// list published at `uri`.
pub fn status_claim(uri: &str, entry: u64) -> Json {
    json!({ "status_list": { "idx": entry, "uri": uri } })
}

/// Returns the width and the entries that the list has in this standard.
pub(super) fn entries<'a>(list: &List<'a>) -> (u8, Cow<'a, [u8]>) {
    match ietf_status(list.purpose) {
        None | Some((1, _)) => (list.bits, Cow::Borrowed(list.array)),
        Some((bits, value)) => (bits, Cow::Owned(widened(list.array, bits, value))),
    }
}

pub(super) fn compressed(list: &List<'_>) -> Result<Entries, ViewError> {
    let (bits, array) = entries(list);
    Ok(Entries { bits, compressed: compress::zlib(&array)? })
}

/// Returns the time to live in whole seconds, which are at least 1.
fn ttl_s(publication: &Publication<'_>) -> Option<u64> {
    publication.ttl_ms.map(|ttl_ms| (ttl_ms / 1_000).max(1))
}

/// Reads the claims of a JWT.
pub(super) fn read_json(claims: &Map<String, Json>) -> Result<Published, ViewError> {
    let text = |field| optional(claims.get(field), field, TEXT, Json::as_str);
    let Some(Json::Object(status_list)) = claims.get("status_list") else {
        return Err(ViewError::malformed("status_list", "an object"));
    };
    let compressed = status_list.get("lst").and_then(Json::as_str).and_then(from_base64url);
    let compressed = compressed.ok_or(ViewError::malformed("lst", "base64url without padding"))?;
    Ok(Published {
        form: Form::TokenJwt,
        uri: Some(text("sub")?.ok_or(ViewError::malformed("sub", TEXT))?.to_owned()),
        issuer: text("iss")?.map(str::to_owned),
        purpose: None,
        bits: width(status_list.get("bits").and_then(Json::as_u64))?,
        array: compress::unzlib(&compressed)?,
        issued_ms: seconds(claims, "iat")?,
        expires_ms: seconds(claims, "exp")?,
        ttl_ms: seconds(claims, "ttl")?,
    })
}

/// Reads the claims of a CWT.
pub(super) fn read_cbor(claims: &CborMap) -> Result<Published, ViewError> {
    let text = |key, field| {
        optional(claims.get(&Cbor::Integer(key), field)?, field, TEXT, |value| match value {
            Cbor::Text(text) => Some(text.clone()),
            _ => None,
        })
    };
    let time_ms = |key, field| {
        let value = claims.get(&Cbor::Integer(key), field)?;
        optional(value, field, SECONDS, |value| unsigned(value)?.checked_mul(1_000))
    };
    let list_key = Cbor::Integer(STATUS_LIST);
    let Some(Cbor::Map(status_list)) = claims.get(&list_key, "claim 65533 (status_list)")? else {
        return Err(ViewError::malformed("claim 65533 (status_list)", "a map"));
    };
    let status_list = CborMap(status_list.clone());
    let Some(Cbor::Bytes(compressed)) = status_list.get(&Cbor::Text("lst".to_owned()), "lst")?
    else {
        return Err(ViewError::malformed("lst", "a byte string"));
    };
    let bits = status_list.get(&Cbor::Text("bits".to_owned()), "bits")?;
    Ok(Published {
        form: Form::TokenCwt,
        uri: Some(
            text(SUBJECT, "claim 2 (sub)")?.ok_or(ViewError::malformed("claim 2 (sub)", TEXT))?,
        ),
        issuer: text(ISSUER, "claim 1 (iss)")?,
        purpose: None,
        bits: width(bits.and_then(unsigned))?,
        array: compress::unzlib(compressed)?,
        issued_ms: time_ms(ISSUED_AT, "claim 6 (iat)")?,
        expires_ms: time_ms(EXPIRY, "claim 4 (exp)")?,
        ttl_ms: time_ms(TIME_TO_LIVE, "claim 65534 (ttl)")?,
    })
}

fn unsigned(value: &Cbor) -> Option<u64> {
    match value {
        Cbor::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn width(bits: Option<u64>) -> Result<u8, ViewError> {
    let bits = bits.filter(|bits| is_width(*bits)).and_then(|bits| u8::try_from(bits).ok());
    bits.ok_or(ViewError::malformed("bits", "1, 2, 4 or 8"))
}
