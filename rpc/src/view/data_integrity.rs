//! Data Integrity proofs of suite `eddsa-jcs-2022` (W3C vc-di-eddsa, section 3.3). Proof options
//! and document are each canonicalised by RFC 8785 and hashed by SHA-256, and the key signs both
//! hashes together.

use registry_core::crypto::Suite;
use registry_core::time::TimeMs;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::error::ViewError;
use super::parts::Signed;
use super::unsigned::{Method, Unsigned};

const SUITE: &str = "eddsa-jcs-2022";

/// Adds to `document` a proof by `method`, made at `created`, without its `proofValue`. Fails if
/// the method's suite is not Ed25519.
pub(super) fn unsigned(
    mut document: Map<String, Value>,
    created: String,
    method: &Method<'_>,
) -> Result<Unsigned, ViewError> {
    if method.suite != Suite::Ed25519 {
        return Err(ViewError::Algorithm { actual: SUITE.to_owned(), key: Some(method.suite) });
    }
    let mut proof = Map::from_iter([
        ("type".to_owned(), json!("DataIntegrityProof")),
        ("cryptosuite".to_owned(), json!(SUITE)),
        ("created".to_owned(), json!(created)),
        ("verificationMethod".to_owned(), json!(method.url)),
        ("proofPurpose".to_owned(), json!("assertionMethod")),
    ]);
    if let Some(context) = document.get("@context") {
        proof.insert("@context".to_owned(), context.clone());
    }
    let message = hash_data(&document, &proof)?;
    document.insert("proof".to_owned(), Value::Object(proof));
    let bytes = serde_json::to_vec(&document).map_err(ViewError::encoding("JSON"))?;
    Ok(Unsigned { message, bytes })
}

/// Adds the `proofValue` made of `signature` to the proof of an unsigned document.
pub(super) fn assemble(unsigned: &[u8], signature: &[u8]) -> Result<Vec<u8>, ViewError> {
    let mut document: Map<String, Value> =
        serde_json::from_slice(unsigned).map_err(|_| ViewError::Form)?;
    let Some(Value::Object(proof)) = document.get_mut("proof") else {
        return Err(ViewError::malformed("proof", "one object"));
    };
    let value = format!("z{}", bs58::encode(signature).into_string());
    proof.insert("proofValue".to_owned(), Value::String(value));
    serde_json::to_vec(&document).map_err(ViewError::encoding("JSON"))
}

/// Splits a secured document into its signature and the document without the proof.
pub(super) fn parse(
    mut document: Map<String, Value>,
) -> Result<(Signed, Map<String, Value>), ViewError> {
    let Some(Value::Object(mut proof)) = document.remove("proof") else {
        return Err(ViewError::malformed("proof", "one object"));
    };
    let signature = match proof.remove("proofValue") {
        Some(Value::String(text)) => text
            .strip_prefix('z')
            .and_then(|text| bs58::decode(text).into_vec().ok())
            .ok_or(ViewError::malformed("proofValue", "multibase `z` (base58btc)"))?,
        _ => return Err(ViewError::malformed("proofValue", "a text")),
    };
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    if text("type") != Some("DataIntegrityProof") {
        return Err(ViewError::malformed("proof.type", "DataIntegrityProof"));
    }
    match text("cryptosuite") {
        Some(SUITE) => {}
        other => {
            let actual = other.unwrap_or_default().to_owned();
            return Err(ViewError::Algorithm { actual, key: None });
        }
    }
    if text("proofPurpose") != Some("assertionMethod") {
        return Err(ViewError::malformed("proof.proofPurpose", "assertionMethod"));
    }
    if proof.get("created").is_some_and(|time| time.as_str().and_then(TimeMs::from_text).is_none())
    {
        return Err(ViewError::malformed("proof.created", "RFC 3339 in UTC with `Z`"));
    }
    let method = text("verificationMethod").map(str::to_owned);
    if let Some(context) = proof.get("@context") {
        if !begins_with(document.get("@context"), context) {
            let rule = "the first contexts of the document, in their order";
            return Err(ViewError::malformed("proof.@context", rule));
        }
        document.insert("@context".to_owned(), context.clone());
    }
    let message = hash_data(&document, &proof)?;
    Ok((Signed { suite: Suite::Ed25519, method, message, signature }, document))
}

/// True if the document's contexts begin with those of the proof.
fn begins_with(document: Option<&Value>, proof: &Value) -> bool {
    let list = |value: &Value| match value {
        Value::Array(contexts) => contexts.clone(),
        single => vec![single.clone()],
    };
    document.is_some_and(|document| list(document).starts_with(&list(proof)))
}

/// Returns the SHA-256 of the canonical proof options, followed by that of the canonical document.
fn hash_data(
    document: &Map<String, Value>,
    proof: &Map<String, Value>,
) -> Result<Vec<u8>, ViewError> {
    let mut hashes = Vec::with_capacity(64);
    for part in [proof, document] {
        let canonical =
            serde_json_canonicalizer::to_vec(part).map_err(ViewError::encoding("JCS"))?;
        hashes.extend_from_slice(&Sha256::digest(&canonical));
    }
    Ok(hashes)
}
