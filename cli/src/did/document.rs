//! Reads W3C documents for use in operations. The ids in a document are absolute, as `did resolve`
//! prints them, or start with `#`. The ledger's form stores only fragments and nothing that can be
//! derived.

use std::collections::BTreeMap;
use std::path::Path;

use registry_core::crypto::PublicKey;
use registry_core::did::Document;
use registry_core::did::document::{KeyMaterial, Multikey, VerificationMethod};
use registry_core::id::Fragment;
use serde_json::{Map, Value};

use super::Failure;
use super::sets::NewKeys;
use super::writer::Writer;
use crate::file::read_text;
use crate::limits::DOCUMENT_FILE_BYTES_MAX;

const RELATIONSHIPS: [&str; 5] = [
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
];

/// Reads a document from a JSON file and checks every rule that needs no ledger.
pub(super) fn read(path: &Path) -> Result<Document, Failure> {
    let wrong = |reason: String| {
        Failure::usage_with(
            format!("{}: {reason}", path.display()),
            "write current W3C forms; `idem did import` takes older ones",
        )
    };
    let text = read_text(path, DOCUMENT_FILE_BYTES_MAX)?;
    let value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    from_w3c(value).map_err(wrong)
}

/// Converts a W3C document to the ledger's form. An error names the path of each fault.
fn from_w3c(value: Value) -> Result<Document, String> {
    let Value::Object(mut document) = value else {
        return Err("/: a DID document is a JSON object".to_owned());
    };
    document.remove("@context");
    // A node renders `controller` from the control set, which a document cannot change.
    document.remove("controller");
    let own = match document.remove("id") {
        Some(Value::String(own)) => own,
        Some(_) => return Err("/id: must be a text".to_owned()),
        None => String::new(),
    };
    each(&mut document, "verificationMethod", |method, path| {
        let method = method.as_object_mut().ok_or(format!("{path}: must be an object"))?;
        method.remove("controller");
        check_type(method, path)?;
        localise(method.get_mut("id"), &own, &format!("{path}/id"))
    })?;
    for relationship in RELATIONSHIPS {
        each(&mut document, relationship, |method, path| localise(Some(method), &own, path))?;
    }
    each(&mut document, "service", |service, path| {
        let service = service.as_object_mut().ok_or(format!("{path}: must be an object"))?;
        for name in ["type", "serviceEndpoint"] {
            if let Some(value) = service.get_mut(name).filter(|value| !value.is_array()) {
                *value = Value::Array(vec![value.take()]);
            }
        }
        localise(service.get_mut("id"), &own, &format!("{path}/id"))
    })?;
    let document: Document =
        serde_json::from_value(Value::Object(document)).map_err(|error| error.to_string())?;
    let refusals: Vec<String> =
        document.refusals().iter().map(|error| format!("{} {error}", error.name())).collect();
    if refusals.is_empty() { Ok(document) } else { Err(refusals.join("; ")) }
}

/// Calls `change` for each item of a list, with the path of the item. Does nothing if the list is
/// absent.
fn each(
    document: &mut Map<String, Value>,
    name: &str,
    mut change: impl FnMut(&mut Value, &str) -> Result<(), String>,
) -> Result<(), String> {
    let Some(list) = document.get_mut(name) else { return Ok(()) };
    let items = list.as_array_mut().ok_or(format!("/{name}: must be a list"))?;
    for (index, item) in items.iter_mut().enumerate() {
        change(item, &format!("/{name}/{index}"))?;
    }
    Ok(())
}

/// Removes the type, which is not stored because it follows from the form of the key. Fails if the
/// type contradicts that form.
fn check_type(method: &mut Map<String, Value>, path: &str) -> Result<(), String> {
    let expected = if method.contains_key("publicKeyJwk") { "JsonWebKey" } else { "Multikey" };
    match method.remove("type") {
        None => Ok(()),
        Some(Value::String(actual)) if actual == expected => Ok(()),
        Some(actual) => Err(format!("{path}/type: {actual} where {expected:?} is expected")),
    }
}

/// Replaces `#key-1`, or an absolute URL of the document's own DID, by `key-1`.
fn localise(id: Option<&mut Value>, own: &str, path: &str) -> Result<(), String> {
    let Some(id) = id else { return Err(format!("{path}: is missing")) };
    let Some(text) = id.as_str() else {
        return Err(format!(
            "{path}: must be a text; an embedded method goes to verificationMethod"
        ));
    };
    let fragment = match text.split_once('#') {
        None => text,
        Some((did, fragment)) if did.is_empty() || did == own => fragment,
        Some((did, _)) => {
            return Err(format!("{path}: {did:?} is not the document's own id {own:?}"));
        }
    };
    *id = Value::String(fragment.to_owned());
    Ok(())
}

/// Returns the document of a DID for which the user gives none: one key for authentication,
/// assertions and capability invocation.
pub(super) fn with_key(key: &PublicKey) -> Result<Document, Failure> {
    let id: Fragment = "key-1".parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let material = Multikey::from(key);
    Ok(Document {
        verification_method: vec![VerificationMethod::new(
            id.clone(),
            KeyMaterial::Multikey(material),
        )],
        authentication: vec![id.clone()],
        assertion_method: vec![id.clone()],
        capability_invocation: vec![id],
        ..Document::default()
    })
}

/// Returns the document's keys whose secrets are at hand, by fragment.
pub(super) fn held(
    document: &Document,
    writer: &Writer,
    new: &NewKeys,
) -> BTreeMap<Fragment, PublicKey> {
    let methods = document.verification_method.iter();
    let keys = methods.filter_map(|method| Some((method.id.clone(), method.signing_key()?)));
    keys.filter(|(_, key)| writer.holds(key) || new.holds(key)).collect()
}

#[cfg(test)]
mod tests {
    use registry_core::crypto::Suite;
    use registry_core::did::document::render;
    use serde_json::json;

    use super::*;
    use keys::SecretKey;

    fn key() -> PublicKey {
        SecretKey::from_raw(Suite::P256, &[7; 32]).expect("a key").public().clone()
    }

    #[test]
    fn what_resolve_prints_is_read_back_as_it_was() {
        let did = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt".parse().expect("a DID");
        let mut document = with_key(&key()).expect("a document");
        document.also_known_as = vec!["https://example.org/".to_owned()];
        let service = json!({ "id": "files", "type": ["LinkedDomains"],
            "serviceEndpoint": ["https://example.org/files"] });
        document.service = vec![serde_json::from_value(service).expect("a service")];
        let controller = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqa".parse();
        let controllers = [controller.expect("a DID")];
        let rendered = render(&did, &controllers, &document);
        let rendered = serde_json::to_value(rendered).expect("JSON");
        assert_eq!(from_w3c(rendered), Ok(document));
    }

    #[test]
    fn relative_ids_and_bare_fragments_are_read() {
        for id in ["#key-1", "key-1"] {
            let document = json!({
                "verificationMethod":
                    [{ "id": id, "type": "Multikey", "publicKeyMultibase": key() }],
                "authentication": [id], "assertionMethod": [id], "capabilityInvocation": [id],
            });
            assert_eq!(from_w3c(document), Ok(with_key(&key()).expect("a document")));
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_path() {
        let method = json!({ "id": "#k", "type": "Multikey", "publicKeyMultibase": key() });
        for (document, path) in [
            (json!([]), "/: "),
            (json!({ "id": 1 }), "/id: "),
            (json!({ "verificationMethod": {} }), "/verificationMethod: "),
            (json!({ "verificationMethod": [7] }), "/verificationMethod/0: "),
            (json!({ "verificationMethod": [{}] }), "/verificationMethod/0/id: "),
            (
                json!({ "verificationMethod": [method.clone()], "authentication": [method] }),
                "/authentication/0: ",
            ),
            (json!({ "authentication": ["did:web:example.org#k"] }), "/authentication/0: "),
            (
                json!({ "verificationMethod":
                [{ "id": "#k", "type": "RsaVerificationKey2018", "publicKeyMultibase": "z" }] }),
                "/verificationMethod/0/type: ",
            ),
            (json!({ "authentication": ["#gone"] }), "/authentication/0: "),
            (json!({ "name": "me" }), "unknown field `name`"),
        ] {
            let error = from_w3c(document.clone()).expect_err("must be refused");
            assert!(error.contains(path), "{document}: {error}");
        }
    }
}
