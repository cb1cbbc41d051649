//! Converts plain W3C DID documents to the registry's form. Keys keep their fragments, legacy
//! method types become Multikey or JsonWebKey, and the old id goes to `alsoKnownAs`.
//!
//! The registry's schema is closed, so the import refuses every part that does not fit, with its
//! path and the rule. A document is imported as a whole or not at all
//! (docs/protocol/did-document.md, section "Import").

mod method;
mod origins;
mod refusal;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use registry_core::did::document::Document;
use registry_core::id::{Did, Fragment};
use serde_json::{Map, Value};

pub(crate) use refusal::{ImportError, ImportRefusal, ImportRule};

use origins::Origins;

/// Members that describe the old document rather than its subject. The import leaves them out.
const METADATA: [&str; 4] = ["@context", "created", "updated", "proof"];

/// Members that the import reads. `publicKey` was the name of `verificationMethod` before DID 1.0.
const MEMBERS: [&str; 11] = [
    "id",
    "alsoKnownAs",
    "controller",
    "verificationMethod",
    "publicKey",
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
    "service",
];

/// A W3C document in the registry's form. It passes [`Document::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Document to register.
    pub document: Document,
    /// Parts that the import left out or changed, each with its path.
    pub notes: Vec<String>,
}

/// Returns the documents in the text of a file, which holds one document, an array of documents, or
/// resolution results with a `didDocument`. Fails if the text is not JSON.
pub(crate) fn read_documents(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    let documents = match serde_json::from_str(text)? {
        Value::Array(documents) => documents,
        document => vec![document],
    };
    let unwrap = |document: Value| match document {
        Value::Object(mut result) if result.contains_key("didDocument") => {
            result.remove("didDocument").unwrap_or_default()
        }
        document => document,
    };
    Ok(documents.into_iter().map(unwrap).collect())
}

/// Converts a W3C document of any DID method to a registry document. The error names everything
/// that prevents the import.
pub(crate) fn import(json: &Value) -> Result<Imported, ImportError> {
    let mut importer = Importer::default();
    match json.as_object() {
        Some(members) => importer.document(members),
        None => importer.refuse("", ImportRule::WrongType { expected: "an object" }),
    }
    importer.finish()
}

/// State of one import. Its methods report to `refuse` what they cannot import and continue, so
/// that one run names all problems.
#[derive(Default)]
struct Importer {
    /// Id of the old document; `None` if it has no id and all its references are relative.
    id: Option<String>,
    document: Document,
    origins: Origins,
    /// Fragments of refused methods. References to them are not refused again.
    refused_methods: BTreeSet<Fragment>,
    refusals: Vec<ImportRefusal>,
    notes: Vec<String>,
}

impl Importer {
    fn refuse(&mut self, path: &str, rule: ImportRule) {
        self.refusals.push(ImportRefusal { path: path.to_owned(), rule });
    }

    fn note(&mut self, path: &str, text: &str) {
        self.notes.push(format!("{path}: {text}"));
    }

    fn finish(mut self) -> Result<Imported, ImportError> {
        for error in self.document.refusals() {
            let path = self.origins.input_path(&error.path);
            self.refuse(&path, ImportRule::Document(error.rule));
        }
        if self.refusals.is_empty() {
            Ok(Imported { document: self.document, notes: self.notes })
        } else {
            Err(ImportError { refusals: self.refusals })
        }
    }

    fn document(&mut self, members: &Map<String, Value>) {
        for name in members.keys().map(String::as_str) {
            if METADATA.contains(&name) {
                self.note(&format!("/{name}"), "left out; it speaks of the old document");
            } else if !MEMBERS.contains(&name) {
                self.refuse_member("", name);
            }
        }
        self.id(members.get("id"));
        self.controller("/controller", members.get("controller"));
        self.also_known_as(members.get("alsoKnownAs"));
        for name in ["verificationMethod", "publicKey"] {
            let path = format!("/{name}");
            for (index, method) in self.list(&path, members.get(name)).iter().enumerate() {
                self.method(&format!("{path}/{index}"), method);
            }
        }
        for name in self.document.relationships().map(|(name, _)| name) {
            self.relationship(name, members.get(name));
        }
        for (index, service) in self.list("/service", members.get("service")).iter().enumerate() {
            self.service(&format!("/service/{index}"), service);
        }
    }

    fn id(&mut self, id: Option<&Value>) {
        let Some(id) = id.and_then(|id| self.text("/id", id)) else { return };
        self.id = Some(id.to_owned());
        if id.parse::<Did>().is_ok() {
            self.note("/id", "left out; a did:idem document gets its id from the ledger");
            return;
        }
        if !id.starts_with("did:") {
            self.refuse("/id", ImportRule::NotADid);
            return;
        }
        self.add_also_known_as("/id", id);
    }

    /// Handles the `controller` of a document or method. On the ledger the control set decides who
    /// controls a DID, so the import refuses every controller but the document's own subject.
    fn controller(&mut self, path: &str, controller: Option<&Value>) {
        let controllers: Vec<(String, &Value)> = match controller {
            None => return,
            Some(Value::Array(controllers)) => {
                let paths = (0..).map(|index| format!("{path}/{index}"));
                paths.zip(controllers).collect()
            }
            Some(controller) => vec![(path.to_owned(), controller)],
        };
        let of_document = path == "/controller";
        for (path, controller) in controllers {
            let Some(controller) = self.text(&path, controller) else { continue };
            if of_document && self.is_from_idem() {
                self.note(&path, "left out; control decides who the controllers are");
            } else if !controller.is_empty() && self.id.as_deref() != Some(controller) {
                let controller = controller.to_owned();
                self.refuse(&path, ImportRule::ControllerForeign { controller });
            } else if of_document {
                self.note(&path, "left out; it is the document's own id");
            }
        }
    }

    fn is_from_idem(&self) -> bool {
        self.id.as_deref().is_some_and(|id| id.parse::<Did>().is_ok())
    }

    fn also_known_as(&mut self, aliases: Option<&Value>) {
        for (index, alias) in self.list("/alsoKnownAs", aliases).iter().enumerate() {
            let path = format!("/alsoKnownAs/{index}");
            let Some(alias) = self.text(&path, alias) else { continue };
            if self.id.as_deref() == Some(alias) {
                self.note(&path, "left out; the old id is there already");
            } else {
                self.add_also_known_as(&path, alias);
            }
        }
    }

    fn add_also_known_as(&mut self, path: &str, uri: &str) {
        let stored = format!("/alsoKnownAs/{}", self.document.also_known_as.len());
        self.origins.record(stored, path);
        self.document.also_known_as.push(uri.to_owned());
    }

    fn relationship(&mut self, name: &'static str, entries: Option<&Value>) {
        let path = format!("/{name}");
        for (index, entry) in self.list(&path, entries).iter().enumerate() {
            let path = format!("{path}/{index}");
            let fragment = match entry {
                Value::String(reference) => self.fragment(&path, reference),
                method => self.method(&path, method),
            };
            let Some(fragment) = fragment else { continue };
            if self.refused_methods.contains(&fragment) {
                continue;
            }
            let fragments = relationship_mut(&mut self.document, name);
            let stored = format!("/{name}/{}", fragments.len());
            fragments.push(fragment);
            self.origins.record(stored, &path);
        }
    }

    /// Returns the fragment that a reference to a method or service of this document names.
    fn fragment(&mut self, path: &str, reference: &str) -> Option<Fragment> {
        let own = self.id.as_deref().and_then(|id| reference.strip_prefix(id)).unwrap_or(reference);
        let Some(fragment) = own.strip_prefix('#') else {
            self.refuse(path, ImportRule::ReferenceForeign { reference: reference.to_owned() });
            return None;
        };
        match fragment.parse() {
            Ok(fragment) => Some(fragment),
            Err(error) => {
                self.refuse(path, ImportRule::Fragment(error));
                None
            }
        }
    }

    fn text<'v>(&mut self, path: &str, value: &'v Value) -> Option<&'v str> {
        if value.as_str().is_none() {
            self.refuse(path, ImportRule::WrongType { expected: "a string" });
        }
        value.as_str()
    }

    /// Returns the entries of a list that may be absent.
    fn list<'v>(&mut self, path: &str, value: Option<&'v Value>) -> &'v [Value] {
        match value {
            None => &[],
            Some(Value::Array(entries)) => {
                if entries.is_empty() {
                    self.note(path, "left out; an empty list says nothing");
                }
                entries
            }
            Some(_) => {
                self.refuse(path, ImportRule::WrongType { expected: "a list" });
                &[]
            }
        }
    }

    /// Refuses a member that the registry's schema does not have.
    fn refuse_member(&mut self, parent: &str, name: &str) {
        let rule = match name {
            "blockchainAccountId" | "ethereumAddress" => ImportRule::AccountNotKey,
            "publicKeyPem" | "publicKeyGpg" | "publicKeyBase64" => ImportRule::KeyForm,
            _ => ImportRule::MemberUnknown { name: name.to_owned() },
        };
        self.refuse(&join(parent, name), rule);
    }

    /// Returns a substitute for a refused fragment, so that the other parts of the method or
    /// service are still checked. It is never stored, because a document with a refusal is not
    /// imported.
    fn stand_in(&self) -> Option<Fragment> {
        format!("refused-{}", self.refusals.len()).parse().ok()
    }
}

/// Returns the JSON pointer to the member `name` below `parent`.
fn join(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn relationship_mut<'d>(document: &'d mut Document, name: &str) -> &'d mut Vec<Fragment> {
    match name {
        "authentication" => &mut document.authentication,
        "assertionMethod" => &mut document.assertion_method,
        "keyAgreement" => &mut document.key_agreement,
        "capabilityInvocation" => &mut document.capability_invocation,
        _ => &mut document.capability_delegation,
    }
}
