//! W3C Bitstring Status List v1.0: the list as a verifiable credential.

use registry_core::codec::{base64url, from_base64url};
use registry_core::status::StatusPurpose;
use registry_core::time::TimeMs;
use serde_json::{Map, Value, json};

use super::bits::{is_width, mirrored};
use super::error::ViewError;
use super::list::{Entries, Form, List, Publication};
use super::parts::{optional, seconds};
use super::published::Published;
use super::unsigned::{Method, Unsigned};
use super::{compress, data_integrity, jws};
use crate::clock::{millis, seconds_up};
use crate::limits::STATUS_ENTRIES_MIN;

const CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";

const TIME: &str = "RFC 3339 in UTC with `Z`";

/// Encodes the list as `application/vc` without the signature: JSON with an `eddsa-jcs-2022` proof.
pub(super) fn unsigned_credential(
    list: &List<'_>,
    entries: &Entries,
    publication: &Publication<'_>,
    method: &Method<'_>,
) -> Result<Unsigned, ViewError> {
    let created = seconds_up(publication.window.from_ms());
    let document = unsecured(list, entries, publication, method);
    data_integrity::unsigned(document, created, method)
}

/// Encodes the list as `application/vc+jwt` without the signature. The claims are the same
/// credential, with its times repeated as `iat` and `exp`, because plain JWT verifiers know only
/// those.
pub(super) fn unsigned_credential_jwt(
    list: &List<'_>,
    entries: &Entries,
    publication: &Publication<'_>,
    method: &Method<'_>,
) -> Result<Unsigned, ViewError> {
    let mut claims = unsecured(list, entries, publication, method);
    let window = publication.window.within(list);
    claims.insert("iat".to_owned(), json!(window.begins_s()));
    claims.insert("exp".to_owned(), json!(window.ends_s()));
    jws::credential(&Value::Object(claims), method)
}

fn unsecured(
    list: &List<'_>,
    entries: &Entries,
    publication: &Publication<'_>,
    method: &Method<'_>,
) -> Map<String, Value> {
    // The prefix `u` is multibase for base64url without padding.
    let encoded_list = format!("u{}", base64url(&entries.compressed));
    let window = publication.window.within(list);
    let mut subject = Map::from_iter([
        ("id".to_owned(), json!(format!("{}#list", publication.uri))),
        ("type".to_owned(), json!("BitstringStatusList")),
        ("statusPurpose".to_owned(), json!(list.purpose.name())),
        ("encodedList".to_owned(), json!(encoded_list)),
    ]);
    if let Some(ttl_ms) = publication.ttl_ms {
        subject.insert("ttl".to_owned(), json!(ttl_ms));
    }
    if list.purpose == StatusPurpose::Message {
        subject.insert("statusSize".to_owned(), json!(list.bits));
        subject.insert("statusMessages".to_owned(), status_messages(list));
    }
    Map::from_iter([
        ("@context".to_owned(), json!([CONTEXT])),
        ("id".to_owned(), json!(publication.uri)),
        ("type".to_owned(), json!(["VerifiableCredential", "BitstringStatusListCredential"])),
        ("issuer".to_owned(), json!(method.issuer)),
        ("validFrom".to_owned(), json!(millis(window.from_ms()))),
        ("validUntil".to_owned(), json!(millis(window.until_ms()))),
        ("credentialSubject".to_owned(), Value::Object(subject)),
    ])
}

/// Returns the `credentialStatus` that an issuer puts into a credential whose status is at `entry`
/// of the list published at `uri`. For a message list it contains width and messages too, because
/// most readers look for them only there.
pub fn credential_status(list: &List<'_>, uri: &str, entry: u64) -> Value {
    let mut status = Map::from_iter([
        ("id".to_owned(), json!(format!("{uri}#{entry}"))),
        ("type".to_owned(), json!("BitstringStatusListEntry")),
        ("statusPurpose".to_owned(), json!(list.purpose.name())),
        ("statusListIndex".to_owned(), json!(entry.to_string())),
        ("statusListCredential".to_owned(), json!(uri)),
    ]);
    if list.purpose == StatusPurpose::Message {
        status.insert("statusSize".to_owned(), json!(list.bits));
        status.insert("statusMessage".to_owned(), status_messages(list));
    }
    Value::Object(status)
}

/// Returns one message for each possible value, as the standard requires. Values without a meaning
/// get the word `undefined`, which the standard reserves for them.
fn status_messages(list: &List<'_>) -> Value {
    let messages = (0..1usize << list.bits.min(8)).map(|value| {
        let message = list.messages.get(value).map_or("undefined", String::as_str);
        json!({ "status": format!("{value:#x}"), "message": message })
    });
    Value::Array(messages.collect())
}

/// Orders the entries with entry 0 leftmost, pads them with zeros to W3C's minimum, and compresses
/// them by gzip.
pub(super) fn compressed(list: &List<'_>) -> Result<Entries, ViewError> {
    let mut bytes: Vec<u8> = list.array.iter().map(|byte| mirrored(*byte, list.bits)).collect();
    let least = (STATUS_ENTRIES_MIN / 8) as usize * usize::from(list.bits);
    bytes.resize(bytes.len().max(least), 0);
    Ok(Entries { bits: list.bits, compressed: compress::gzip(&bytes)? })
}

/// Reads the content of a credential. `size` is the number of bits per entry for a credential that
/// does not state it, as most do not. The credentials that point to the list state it instead.
pub(super) fn read(
    form: Form,
    document: &Map<String, Value>,
    size: Option<u8>,
) -> Result<Published, ViewError> {
    let contexts = document.get("@context").and_then(Value::as_array);
    if contexts.and_then(|contexts| contexts.first()) != Some(&json!(CONTEXT)) {
        let rule = "a list that begins with https://www.w3.org/ns/credentials/v2";
        return Err(ViewError::malformed("@context", rule));
    }
    if !names(document.get("type"), "BitstringStatusListCredential") {
        return Err(ViewError::malformed("type", "a list with BitstringStatusListCredential"));
    }
    let Some(Value::Object(subject)) = document.get("credentialSubject") else {
        return Err(ViewError::malformed("credentialSubject", "one object"));
    };
    if !names(subject.get("type"), "BitstringStatusList") {
        return Err(ViewError::malformed("credentialSubject.type", "BitstringStatusList"));
    }
    let bits = match subject.get("statusSize") {
        None => size.unwrap_or(1),
        Some(size) => {
            let size = size.as_u64().filter(|size| is_width(*size));
            size.ok_or(ViewError::malformed("statusSize", "1, 2, 4 or 8"))? as u8
        }
    };
    let expires_ms = optional(document.get("validUntil"), "validUntil", TIME, time_ms)?;
    let exp_ms = match form {
        Form::CredentialJwt => seconds(document, "exp")?,
        _ => None,
    };
    if exp_ms.is_some_and(|exp_ms| exp_ms.saturating_add(999) < expires_ms.unwrap_or(0)) {
        return Err(ViewError::malformed("exp", "absent, or no earlier than validUntil"));
    }
    Ok(Published {
        form,
        uri: optional(document.get("id"), "id", "a text", |id| Some(id.as_str()?.to_owned()))?,
        issuer: issuer(document)?,
        purpose: Some(purpose(subject)?),
        bits,
        array: decoded_list(subject, bits)?,
        issued_ms: optional(document.get("validFrom"), "validFrom", TIME, time_ms)?,
        expires_ms,
        ttl_ms: optional(subject.get("ttl"), "ttl", "milliseconds, a number", Value::as_u64)?,
    })
}

fn decoded_list(subject: &Map<String, Value>, bits: u8) -> Result<Vec<u8>, ViewError> {
    let encoded = subject.get("encodedList").and_then(Value::as_str);
    let compressed = encoded.and_then(|text| from_base64url(text.strip_prefix('u')?));
    let rule = "multibase `u` (base64url without padding)";
    let compressed = compressed.ok_or(ViewError::malformed("encodedList", rule))?;
    let bytes = compress::gunzip(&compressed)?;
    let actual = bytes.len() as u64 * 8 / u64::from(bits);
    if actual < STATUS_ENTRIES_MIN {
        return Err(ViewError::TooShort { actual, least: STATUS_ENTRIES_MIN });
    }
    Ok(bytes.iter().map(|byte| mirrored(*byte, bits)).collect())
}

/// Reads the purpose. The standard allows a list to have several, but a list of the ledger has one,
/// so more than one is refused.
fn purpose(subject: &Map<String, Value>) -> Result<StatusPurpose, ViewError> {
    let purpose = match subject.get("statusPurpose") {
        Some(Value::Array(purposes)) if purposes.len() == 1 => purposes.first(),
        purpose => purpose,
    };
    let rule = "one of revocation, suspension, refresh, message";
    let purpose = purpose.and_then(Value::as_str).and_then(StatusPurpose::from_name);
    purpose.ok_or(ViewError::malformed("statusPurpose", rule))
}

fn issuer(document: &Map<String, Value>) -> Result<Option<String>, ViewError> {
    optional(document.get("issuer"), "issuer", "a text, or an object with id", |issuer| {
        let id = if issuer.is_object() { issuer.get("id")? } else { issuer };
        Some(id.as_str()?.to_owned())
    })
}

/// True if a member, which is a text or a list of texts, contains `name`.
fn names(member: Option<&Value>, name: &str) -> bool {
    match member {
        Some(Value::Array(all)) => all.iter().any(|one| one == name),
        Some(one) => one == name,
        None => false,
    }
}

fn time_ms(value: &Value) -> Option<u64> {
    Some(TimeMs::from_text(value.as_str()?)?.0)
}
