//! Services: what the subject offers and where, in tokens and URIs alone.

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
    /// The fragment that names it.
    pub id: Fragment,
    /// What it is: one or more tokens. Always a list here, bare when rendered with one entry.
    #[serde(rename = "type")]
    pub types: Vec<String>,
    /// Where it is: one or more. Always a list here, bare when rendered with one entry.
    pub service_endpoint: Vec<Endpoint>,
    /// DIDComm profiles that it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// DIDComm rank among like services, 0 first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// DIDComm keys of the recipient, as DID URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipient_keys: Vec<String>,
    /// DIDComm keys of the mediators, as DID URLs, outermost last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routing_keys: Vec<String>,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Endpoint {
    /// A URI.
    Uri(String),
    /// URIs by name. `accept`, `recipientKeys` and `routingKeys` mean what they mean in a service.
    Map(BTreeMap<String, EndpointValue>),
}

/// A value in an endpoint map. One and a list of one are told apart, since readers of LinkedDomains
/// and DIDComm expect a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EndpointValue {
    /// One value.
    One(String),
    /// A list of values, not empty.
    Many(Vec<String>),
}

/// What a text in a service must be.
#[derive(Clone, Copy)]
enum Kind {
    Token,
    Profile,
    Uri,
    Key,
}

impl Kind {
    /// What the member `name` of an endpoint map holds.
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

/// A list of `min` or more texts of one kind, none twice.
fn check_list(texts: &[String], min: usize, kind: Kind, path: &Path<'_>, findings: &mut Findings) {
    findings.count(path, texts.len(), min, DOCUMENT_LIST_MAX);
    findings.set(path, texts);
    for (index, text) in texts.iter().enumerate() {
        findings.extend(&path.index(index), kind.refusal(text));
    }
}
