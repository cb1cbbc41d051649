//! A list of issuers in the form of EBSI's Trusted Issuers Registry. The credentials in it are
//! read and not verified.

use registry_core::codec::from_base64url;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::trust::{ActionName, Conditions, TrustKey};
use serde::Deserialize;
use serde_json::Value;

use super::row::{Row, Verdict, Wanted, name, shown};
use crate::cli::exit::Failure;
use crate::cli::time::time_ms;

/// What `did` was accredited for, by any number of credentials.
#[derive(Debug, Deserialize)]
struct Issuer {
    did: String,
    #[serde(default)]
    attributes: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    #[serde(default)]
    hash: Option<String>,
    /// A credential as JWT; empty until the issuer has registered it.
    #[serde(default)]
    body: Option<String>,
    issuer_type: IssuerType,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum IssuerType {
    #[serde(rename = "RootTAO")]
    RootTao,
    #[serde(rename = "TAO")]
    Tao,
    #[serde(rename = "TI")]
    Issuer,
    Revoked,
}

/// What the credential of an attribute says.
#[derive(Debug)]
struct Accreditation {
    /// The most specific type of each entry.
    types: Vec<String>,
    valid_from: Option<u64>,
    valid_until: Option<u64>,
}

/// A row for each type that an issuer is accredited for: the right to `action` on the type, from
/// `authority`.
pub(super) fn read(
    bytes: &[u8],
    authority: &Did,
    action: &ActionName,
) -> Result<Vec<Row>, Failure> {
    let remedy = "give an array of issuers, or an object with that array as items";
    let wrong = |message: String| Failure::usage_with(message, remedy);
    let list: Value = serde_json::from_slice(bytes)
        .map_err(|error| wrong(format!("not a JSON list of issuers: {error}")))?;
    let list = match list {
        Value::Object(mut members) => members.remove("items").unwrap_or_default(),
        other => other,
    };
    let Value::Array(items) = list else {
        return Err(wrong("no list of issuers".to_owned()));
    };
    let list = List { authority, action };
    Ok(items.into_iter().flat_map(|item| list.issuer(item)).collect())
}

struct List<'l> {
    authority: &'l Did,
    action: &'l ActionName,
}

impl List<'_> {
    fn issuer(&self, item: Value) -> Vec<Row> {
        let did = item["did"].as_str().unwrap_or_default().to_owned();
        match serde_json::from_value::<Issuer>(item) {
            Ok(issuer) if issuer.attributes.is_empty() => {
                vec![self.row(&did, "", Err(Verdict::skipped("accredited for nothing")))]
            }
            Ok(issuer) => {
                let rows = |attribute| self.attribute(&issuer.did, attribute);
                issuer.attributes.into_iter().flat_map(rows).collect()
            }
            Err(error) => {
                vec![self.row(&did, "", Err(Verdict::refused(format!("no issuer: {error}"))))]
            }
        }
    }

    fn attribute(&self, did: &str, attribute: Value) -> Vec<Row> {
        let one = |verdict| vec![self.row(did, "", Err(verdict))];
        let attribute: Attribute = match serde_json::from_value(attribute) {
            Ok(attribute) => attribute,
            Err(error) => return one(Verdict::refused(format!("no attribute: {error}"))),
        };
        let revoked = matches!(attribute.issuer_type, IssuerType::Revoked);
        let revocation = || Verdict::skipped("revoked in the list");
        let Some(body) = attribute.body.as_deref().filter(|body| !body.is_empty()) else {
            let reserved = || Verdict::skipped("no credential is registered for it");
            return one(if revoked { revocation() } else { reserved() });
        };
        let accreditation = match accreditation(body, did) {
            Ok(accreditation) if accreditation.types.is_empty() => {
                return one(Verdict::skipped("accredited for nothing"));
            }
            Ok(accreditation) => accreditation,
            Err(_) if revoked => return one(revocation()),
            Err(detail) => return one(Verdict::refused(detail)),
        };
        let conditions = Conditions {
            valid_from: accreditation.valid_from,
            valid_until: accreditation.valid_until,
            max_depth: attribute.issuer_type.depth(),
            evidence: attribute.hash.as_deref().and_then(hash),
            ..Conditions::default()
        };
        let read = |kind: &String| match revoked {
            true => Err(revocation()),
            false => self.wanted(did, kind, conditions.clone()),
        };
        accreditation.types.iter().map(|kind| self.row(did, kind, read(kind))).collect()
    }

    fn wanted(&self, did: &str, kind: &str, conditions: Conditions) -> Result<Wanted, Verdict> {
        let (resource, entity) = (name("resource", kind)?, name("entity", did)?);
        let (authority, action) = (self.authority.clone(), self.action.clone());
        let key = TrustKey { authority, action, resource, entity };
        Ok(Wanted { key, conditions, parent: None, grantor: None })
    }

    fn row(&self, did: &str, kind: &str, read: Result<Wanted, Verdict>) -> Row {
        Row::new([did, &self.action.to_string(), kind], read)
    }
}

impl IssuerType {
    /// A root accredits accrediting bodies, those accredit issuers, and issuers nobody.
    fn depth(self) -> Option<u8> {
        match self {
            Self::RootTao => Some(2),
            Self::Tao => Some(1),
            Self::Issuer | Self::Revoked => None,
        }
    }
}

/// 32 bytes in hex, with or without `0x`; other forms are no evidence.
fn hash(text: &str) -> Option<Hash> {
    text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase().parse().ok()
}

/// Reads the payload of a credential about `did`. Its signature is not looked at.
fn accreditation(token: &str, did: &str) -> Result<Accreditation, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts.as_slice() else {
        return Err("body is no JWT of three parts".to_owned());
    };
    let payload = from_base64url(payload).ok_or("the payload of the JWT is not base64url")?;
    let payload: Value = serde_json::from_slice(&payload)
        .map_err(|error| format!("the payload of the JWT is not JSON: {error}"))?;
    // Of version 1 the credential is a claim of the JWT, of version 2 it is the payload itself.
    let credential = payload.get("vc").unwrap_or(&payload);
    let mut types: Vec<String> = Vec::new();
    for subject in one_or_many(&credential["credentialSubject"]) {
        if let Some(id) = subject["id"].as_str().filter(|id| *id != did) {
            return Err(format!("the credential is about {:?}", shown(id)));
        }
        for accredited in one_or_many(&subject["accreditedFor"]) {
            let last = one_or_many(&accredited["types"]).last();
            let kind = last.and_then(Value::as_str).ok_or("accreditedFor has no types")?;
            if !types.iter().any(|other| other == kind) {
                types.push(kind.to_owned());
            }
        }
    }
    let valid_from = time(credential, ["validFrom", "issuanceDate"], &payload["nbf"])?;
    let valid_until = time(credential, ["validUntil", "expirationDate"], &payload["exp"])?;
    Ok(Accreditation { types, valid_from, valid_until })
}

/// The first time that the credential states, else that of the claim, which is in seconds.
fn time(credential: &Value, members: [&str; 2], claim: &Value) -> Result<Option<u64>, String> {
    for member in members {
        match &credential[member] {
            Value::Null => {}
            Value::String(text) => {
                let read = time_ms(text).map(Some);
                return read.map_err(|_| format!("{member} {:?} is no time in UTC", shown(text)));
            }
            other => return Err(format!("{member} {} is no time", shown(&other.to_string()))),
        }
    }
    match claim {
        Value::Null => Ok(None),
        claim => {
            let time_ms = claim.as_u64().and_then(|seconds| seconds.checked_mul(1_000));
            let wrong = || format!("{} is no time in seconds", shown(&claim.to_string()));
            time_ms.map(Some).ok_or_else(wrong)
        }
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}
