//! The W3C document that a stored document represents (docs/protocol/did-document.md, section
//! "Rendering").
//!
//! The bytes are RFC 8785 canonical JSON: members are sorted and there is no white space. The types
//! below list their fields in that order, and all names and values are ASCII by rule. So the bytes
//! do not depend on how a JSON library orders a map, and every node and every verifier gets the
//! same ones.

use std::collections::BTreeSet;

use serde::Serialize;

use super::method::{KeyMaterial, VerificationMethod};
use super::service::{Endpoint, Service};
use super::{Document, Jwk};
use crate::id::{Did, Fragment};

/// The only JSON-LD context of rendered documents. It also defines Multikey and JsonWebKey.
pub const CONTEXT: &str = "https://www.w3.org/ns/did/v1.1";

/// A list in JSON form: its only entry without a list around it, or all entries if there are more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// A single entry, written without a list.
    One(T),
    /// A list of two or more entries.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn of(mut entries: Vec<T>) -> Self {
        match entries.pop() {
            Some(only) if entries.is_empty() => Self::One(only),
            last => {
                entries.extend(last);
                Self::Many(entries)
            }
        }
    }
}

/// A W3C DID document, ready to be written as JSON. [`render`] makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedDocument {
    #[serde(rename = "@context")]
    context: [&'static str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_known_as: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assertion_method: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authentication: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    capability_delegation: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    capability_invocation: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    controller: Option<OneOrMany<String>>,
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key_agreement: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service: Vec<RenderedService>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verification_method: Vec<RenderedMethod>,
}

/// A W3C verification method, ready to be written as JSON. [`render_method`] makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedMethod {
    controller: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_jwk: Option<Jwk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_multibase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    #[serde(rename = "type")]
    method_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
}

/// A W3C service, ready to be written as JSON. [`render_service`] makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedService {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accept: Vec<String>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recipient_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routing_keys: Vec<String>,
    service_endpoint: OneOrMany<Endpoint>,
    #[serde(rename = "type")]
    types: OneOrMany<String>,
}

/// Renders the W3C document of `did`. `controllers` are the DIDs that control it by its control
/// sets, in any order. Without controllers the document has no `controller` member.
pub fn render(did: &Did, controllers: &[Did], document: &Document) -> RenderedDocument {
    let did = &did.to_string();
    let urls = |fragments: &[Fragment]| fragments.iter().map(|id| url(did, id)).collect();
    let controllers: BTreeSet<String> = controllers.iter().map(Did::to_string).collect();
    let methods = document.verification_method.iter();
    let services = document.service.iter();
    RenderedDocument {
        context: [CONTEXT],
        also_known_as: document.also_known_as.clone(),
        assertion_method: urls(&document.assertion_method),
        authentication: urls(&document.authentication),
        capability_delegation: urls(&document.capability_delegation),
        capability_invocation: urls(&document.capability_invocation),
        controller: (!controllers.is_empty())
            .then(|| OneOrMany::of(controllers.into_iter().collect())),
        id: did.clone(),
        key_agreement: urls(&document.key_agreement),
        service: services.map(|service| service_of(did, service)).collect(),
        verification_method: methods.map(|method| method_of(did, method)).collect(),
    }
}

/// Renders one method of `did`'s document, as it appears in [`render`].
pub fn render_method(did: &Did, method: &VerificationMethod) -> RenderedMethod {
    method_of(&did.to_string(), method)
}

/// Renders one service of `did`'s document, as it appears in [`render`].
pub fn render_service(did: &Did, service: &Service) -> RenderedService {
    service_of(&did.to_string(), service)
}

fn method_of(did: &str, method: &VerificationMethod) -> RenderedMethod {
    let (method_type, jwk, multikey) = match &method.material {
        KeyMaterial::Multikey(key) => ("Multikey", None, Some(key.to_string())),
        KeyMaterial::JsonWebKey(key) => ("JsonWebKey", Some(key.clone()), None),
    };
    RenderedMethod {
        controller: did.to_owned(),
        expires: method.expires.map(|time| time.to_string()),
        id: url(did, &method.id),
        public_key_jwk: jwk,
        public_key_multibase: multikey,
        revoked: method.revoked.map(|time| time.to_string()),
        method_type,
        valid_from: method.valid_from.map(|time| time.to_string()),
    }
}

fn service_of(did: &str, service: &Service) -> RenderedService {
    RenderedService {
        accept: service.accept.clone(),
        id: url(did, &service.id),
        priority: service.priority,
        recipient_keys: service.recipient_keys.clone(),
        routing_keys: service.routing_keys.clone(),
        service_endpoint: OneOrMany::of(service.service_endpoint.clone()),
        types: OneOrMany::of(service.types.clone()),
    }
}

fn url(did: &str, fragment: &Fragment) -> String {
    [did, "#", fragment.as_str()].concat()
}
