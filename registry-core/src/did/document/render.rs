//! The W3C document that a stored document stands for (docs/protocol/did-document.md, section
//! "Rendering").
//!
//! Its bytes are RFC 8785 canonical JSON: members sorted, no white space. The types below list
//! their fields in that order, all names and values are ASCII by rule, and nothing here depends on
//! how a JSON library orders a map. So every node and every verifier gets the same bytes.

use std::collections::BTreeSet;

use serde::Serialize;

use super::method::{KeyMaterial, VerificationMethod};
use super::service::{Endpoint, Service};
use super::{Document, Jwk};
use crate::id::{Did, Fragment};

/// The one JSON-LD context. It defines Multikey and JsonWebKey too.
pub const CONTEXT: &str = "https://www.w3.org/ns/did/v1.1";

/// A list that is written bare when it has one entry, and not at all when it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// The entry alone.
    One(T),
    /// Two or more.
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

/// A W3C DID document, ready to be written as JSON. Get one by [`render`].
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

/// A W3C verification method.
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

/// A W3C service.
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

/// The W3C document of `did`. `controllers` are the DIDs that control it, from its control sets;
/// their order does not matter, and without any there is no `controller` member.
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

/// One method of `did`'s document, as in [`render`].
pub fn render_method(did: &Did, method: &VerificationMethod) -> RenderedMethod {
    method_of(&did.to_string(), method)
}

/// One service of `did`'s document, as in [`render`].
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
