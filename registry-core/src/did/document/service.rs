//! Services: what the subject offers and where, written in tokens and URIs only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::path::{Findings, Path};
use super::rule::Rule;
use crate::id::Fragment;
use crate::limits::{DOCUMENT_LIST_MAX, TOKEN_BYTES_MAX};
use crate::uri::{self, UriUse};

/// A service (W3C DID 1.1 section 5.4), with the members that DIDComm adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Fragment that names the service in its document.
    pub id: Fragment,
    /// Types of the service, one or more tokens. Rendering writes a single type without a list.
    #[serde(rename = "type")]
    pub types: Vec<String>,
    /// Places where the service is found, one or more. Rendering writes a single endpoint without a
    /// list.
    pub service_endpoint: Vec<Endpoint>,
    /// DIDComm profiles that the service accepts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// DIDComm priority among services of one type; 0 comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// DIDComm keys of the recipient, as DID URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipient_keys: Vec<String>,
    /// DIDComm keys of the mediators, as DID URLs; the outermost mediator is last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routing_keys: Vec<String>,
}

/// Place where a service is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Endpoint {
    /// A single URI.
    Uri(String),
    /// URIs by name. The members `accept`, `recipientKeys` and `routingKeys` mean what they mean in
    /// a service.
    Map(BTreeMap<String, EndpointValue>),
}

/// Value in an endpoint map. A single value and a list of one are distinguished, since readers of
/// LinkedDomains and DIDComm expect a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EndpointValue {
    /// A single value, written without a list.
    One(String),
    /// A list of one or more values.
    Many(Vec<String>),
}

/// Kind of text that a member of a service must hold.
#[derive(Clone, Copy)]
enum Kind {
    Token,
    Profile,
    Uri,
    Key,
}

impl Kind {
    /// Returns the kind of text that the member `name` of an endpoint map must hold.
    fn of_member(name: &str) -> Self {
        match name {
            "accept" => Self::Profile,
            "recipientKeys" | "routingKeys" => Self::Key,
            _ => Self::Uri,
        }
    }

    fn refusal(self, text: &str) -> Option<Rule> {
        match self {
            Self::Token => token_refusal(text, "._:-"),
            Self::Profile => token_refusal(text, "._:-/;=+"),
            Self::Uri => uri::refusal(text, UriUse::Reference).map(Rule::from),
            Self::Key => uri::refusal(text, UriUse::Key).map(Rule::from),
        }
    }
}

fn token_refusal(text: &str, punctuation: &'static str) -> Option<Rule> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
    let is_token = (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.chars().all(allowed);
    (!is_token).then_some(Rule::Token { punctuation })
}

impl Service {
    pub(super) fn check(&self, path: &Path<'_>, findings: &mut Findings) {
        check_list(&self.types, 1, Kind::Token, &path.name("type"), findings);
        let endpoints = path.name("serviceEndpoint");
        findings.count(&endpoints, self.service_endpoint.len(), 1, DOCUMENT_LIST_MAX);
        for (index, endpoint) in self.service_endpoint.iter().enumerate() {
            endpoint.check(&endpoints.index(index), findings);
        }
        check_list(&self.accept, 0, Kind::Profile, &path.name("accept"), findings);
        check_list(&self.recipient_keys, 0, Kind::Key, &path.name("recipientKeys"), findings);
        check_list(&self.routing_keys, 0, Kind::Key, &path.name("routingKeys"), findings);
    }
}

impl Endpoint {
    fn check(&self, path: &Path<'_>, findings: &mut Findings) {
        let members = match self {
            Self::Uri(text) => return findings.extend(path, Kind::Uri.refusal(text)),
            Self::Map(members) => members,
        };
        findings.count(path, members.len(), 1, DOCUMENT_LIST_MAX);
        for (name, value) in members {
            let path = path.name(name);
            findings.extend(&path, Kind::Token.refusal(name));
            let kind = Kind::of_member(name);
            match value {
                EndpointValue::One(text) => findings.extend(&path, kind.refusal(text)),
                EndpointValue::Many(texts) => check_list(texts, 1, kind, &path, findings),
            }
        }
    }
}

/// Checks a list of at least `min` distinct texts of one kind.
fn check_list(texts: &[String], min: usize, kind: Kind, path: &Path<'_>, findings: &mut Findings) {
    findings.count(path, texts.len(), min, DOCUMENT_LIST_MAX);
    findings.set(path, texts);
    for (index, text) in texts.iter().enumerate() {
        findings.extend(&path.index(index), kind.refusal(text));
    }
}
