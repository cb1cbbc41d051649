//! JSON Web Signatures in compact form (RFC 7515), as far as JWTs need them.

use registry_core::codec::{base64url, from_base64url};
use registry_core::crypto::Suite;
use serde_json::{Map, Value, json};

use super::error::ViewError;
use super::list::Form;
use super::parts::Signed;
use super::unsigned::{Method, Unsigned, algorithm};

/// `typ` of a W3C credential (Securing Verifiable Credentials using JOSE and COSE).
const CREDENTIAL: &str = "vc+jwt";

/// `typ` of an IETF token.
const STATUS_LIST: &str = "statuslist+jwt";

/// Form, signature and claims of a JWT.
type Parsed = (Form, Signed, Map<String, Value>);

/// Encodes the claims of a W3C credential as a JWT without its signature.
pub(super) fn credential(claims: &Value, method: &Method<'_>) -> Result<Unsigned, ViewError> {
    let algorithm = algorithm(method.suite)?;
    let header = json!({ "alg": algorithm, "cty": "vc", "kid": method.url, "typ": CREDENTIAL });
    unsigned(&header, claims)
}

/// Encodes the claims of an IETF token as a JWT without its signature.
pub(super) fn status_list(claims: &Value, method: &Method<'_>) -> Result<Unsigned, ViewError> {
    let algorithm = algorithm(method.suite)?;
    unsigned(&json!({ "alg": algorithm, "kid": method.url, "typ": STATUS_LIST }), claims)
}

/// Creates the signing input. It is also the token up to its last dot, so both members are equal.
fn unsigned(header: &Value, claims: &Value) -> Result<Unsigned, ViewError> {
    let claims = serde_json::to_vec(claims).map_err(ViewError::encoding("JSON"))?;
    let input = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(&claims));
    let bytes = input.into_bytes();
    Ok(Unsigned { message: bytes.clone(), bytes })
}

/// Parses a JWT. Returns `None` if `text` is not a compact JWS, and an error if it is one with a
/// fault.
pub(super) fn parse(text: &str) -> Option<Result<Parsed, ViewError>> {
    let (message, signature) = text.rsplit_once('.')?;
    let (header, claims) = message.split_once('.').filter(|(_, claims)| !claims.contains('.'))?;
    Some(parse_parts(message, [header, claims, signature]))
}

fn parse_parts(message: &str, [header, claims, signature]: [&str; 3]) -> Result<Parsed, ViewError> {
    let header: Map<String, Value> = json_part(header, "the JWT header")?;
    if header.contains_key("crit") {
        return Err(ViewError::malformed("crit", "absent: no extension is known here"));
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let form = match text("typ") {
        Some(CREDENTIAL) => Form::CredentialJwt,
        Some(STATUS_LIST) => Form::TokenJwt,
        _ => return Err(ViewError::malformed("typ", "vc+jwt or statuslist+jwt")),
    };
    let suite = match text("alg").unwrap_or_default() {
        "EdDSA" | "Ed25519" => Suite::Ed25519,
        "ES256" => Suite::P256,
        other => return Err(ViewError::Algorithm { actual: other.to_owned(), key: None }),
    };
    let signature = from_base64url(signature)
        .ok_or(ViewError::malformed("the JWT signature", "base64url without padding"))?;
    let method = text("kid").map(str::to_owned);
    let signed = Signed { suite, method, message: message.as_bytes().to_vec(), signature };
    let claims: Map<String, Value> = json_part(claims, "the JWT payload")?;
    Ok((form, signed, claims))
}

fn json_part(part: &str, field: &'static str) -> Result<Map<String, Value>, ViewError> {
    let bytes = from_base64url(part);
    let bytes = bytes.ok_or(ViewError::malformed(field, "base64url without padding"))?;
    serde_json::from_slice(&bytes).map_err(|_| ViewError::malformed(field, "a JSON object"))
}
