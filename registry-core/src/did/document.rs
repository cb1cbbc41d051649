//! The document of a DID as the ledger stores it: a closed schema of W3C DID 1.1 with fragments in
//! the place of DID URLs (docs/protocol/did-document.md).
//!
//! Decoding refuses a value of another shape. [`Document::check`] refuses a value that has the
//! shape but breaks a rule. Neither of them panics.

mod identity;
mod jwk;
mod method;
mod multikey;
mod path;
mod render;
mod rule;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use identity::KeyIdentity;
pub use jwk::Jwk;
pub use method::{KeyMaterial, VerificationMethod};
pub use multikey::{KeyCodec, Multikey};
pub use render::{
    CONTEXT, OneOrMany, RenderedDocument, RenderedMethod, RenderedService, render, render_method,
    render_service,
};
pub use rule::{DocumentError, Rule};
pub use service::{Endpoint, EndpointValue, Service};

use crate::id::Fragment;
use crate::limits::{ALSO_KNOWN_AS_MAX, DOCUMENT_LIST_MAX, SERVICES_MAX, VERIFICATION_METHODS_MAX};
use crate::uri::{self, UriUse};
use path::{Findings, Path};

/// What a DID publishes about itself. Empty lists are not written. The DID's own id and
/// `controller` are not stored, because they follow from the record's key and from the control
/// sets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// Other URIs of the same subject, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_known_as: Vec<String>,
    /// Verification methods, which are the keys of the DID, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verification_method: Vec<VerificationMethod>,
    /// Methods by which the subject authenticates itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authentication: Vec<Fragment>,
    /// Methods that sign claims, such as credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertion_method: Vec<Fragment>,
    /// Methods that agree on keys for encryption.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_agreement: Vec<Fragment>,
    /// Methods that invoke capabilities. On this ledger they sign operations for the DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capability_invocation: Vec<Fragment>,
    /// Methods that delegate capabilities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capability_delegation: Vec<Fragment>,
    /// Services that the subject offers, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<Service>,
}

impl Document {
    /// Returns the number of public keys in the document.
    pub fn keys(&self) -> usize {
        self.verification_method.len()
    }

    /// Checks every rule of docs/protocol/did-document.md and names the first that is broken.
    pub fn check(&self) -> Result<(), DocumentError> {
        self.refusals().into_iter().next().map_or(Ok(()), Err)
    }

    /// Returns all broken rules, in document order.
    pub fn refusals(&self) -> Vec<DocumentError> {
        let mut findings = Findings::default();
        self.check_also_known_as(&mut findings);
        self.check_methods(&mut findings);
        self.check_services(&mut findings);
        self.check_fragments(&mut findings);
        self.check_relationships(&mut findings);
        findings.into_errors()
    }

    /// Finds the method with this fragment.
    pub fn method(&self, fragment: &Fragment) -> Option<&VerificationMethod> {
        self.verification_method.iter().find(|method| method.id == *fragment)
    }

    /// Returns the five relationships with their W3C names.
    pub fn relationships(&self) -> [(&'static str, &[Fragment]); 5] {
        [
            ("authentication", &self.authentication),
            ("assertionMethod", &self.assertion_method),
            ("keyAgreement", &self.key_agreement),
            ("capabilityInvocation", &self.capability_invocation),
            ("capabilityDelegation", &self.capability_delegation),
        ]
    }

    fn check_also_known_as(&self, findings: &mut Findings) {
        let path = Path::root("alsoKnownAs");
        findings.count(&path, self.also_known_as.len(), 0, ALSO_KNOWN_AS_MAX);
        findings.set(&path, &self.also_known_as);
        for (index, text) in self.also_known_as.iter().enumerate() {
            findings.extend(&path.index(index), uri::refusal(text, UriUse::Reference));
        }
    }

    fn check_methods(&self, findings: &mut Findings) {
        let path = Path::root("verificationMethod");
        findings.count(&path, self.verification_method.len(), 0, VERIFICATION_METHODS_MAX);
        for (index, method) in self.verification_method.iter().enumerate() {
            method.check(&path.index(index), findings);
        }
    }

    fn check_services(&self, findings: &mut Findings) {
        let path = Path::root("service");
        findings.count(&path, self.service.len(), 0, SERVICES_MAX);
        for (index, service) in self.service.iter().enumerate() {
            service.check(&path.index(index), findings);
        }
    }

    /// Checks that no two methods or services share a fragment.
    fn check_fragments(&self, findings: &mut Findings) {
        let (methods, services) = (Path::root("verificationMethod"), Path::root("service"));
        let method_ids = self.verification_method.iter().map(|method| &method.id).enumerate();
        let service_ids = self.service.iter().map(|service| &service.id).enumerate();
        let named = method_ids
            .map(|entry| (&methods, entry))
            .chain(service_ids.map(|entry| (&services, entry)));
        let mut seen = BTreeSet::new();
        for (list, (index, id)) in named {
            if !seen.insert(id) {
                let rule = Rule::FragmentRepeated { fragment: id.to_string() };
                findings.add(&list.index(index).name("id"), rule);
            }
        }
    }

    fn check_relationships(&self, findings: &mut Findings) {
        for (name, fragments) in self.relationships() {
            let path = Path::root(name);
            findings.count(&path, fragments.len(), 0, DOCUMENT_LIST_MAX);
            findings.set(&path, fragments);
            for (index, fragment) in fragments.iter().enumerate() {
                if self.method(fragment).is_none() {
                    let rule = Rule::RelationshipDangling { fragment: fragment.to_string() };
                    findings.add(&path.index(index), rule);
                }
            }
        }
    }
}
