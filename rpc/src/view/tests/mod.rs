//! Tests of views against published vectors, of round trips, and of refusals.

mod properties;
mod refusals;
mod vectors;

use ed25519_dalek::Signer as _;
use registry_core::crypto::{PublicKey, Suite};
use registry_core::status::StatusPurpose;
use serde_json::{Map, Value};

use super::token::Token;
use super::unsigned::{Method, Unsigned};
use super::*;

const URI: &str = "https://node.example/status-lists/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NOW_MS: u64 = 1_800_000_000_000;

struct Key(ed25519_dalek::SigningKey);

impl Key {
    fn new() -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&[7; 32]))
    }

    fn public(&self) -> PublicKey {
        PublicKey::new(Suite::Ed25519, self.0.verifying_key().as_bytes()).expect("32 bytes")
    }
}

impl Signer for Key {
    fn issuer(&self) -> &str {
        "did:idem:test:publisher"
    }

    fn method(&self) -> &str {
        "did:idem:test:publisher#node-1"
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn list(purpose: StatusPurpose, bits: u8, length: u64, array: &[u8]) -> List<'_> {
    let (messages, valid_from_ms, valid_until_ms) = (&[], None, None);
    List { purpose, bits, length, array, messages, valid_from_ms, valid_until_ms }
}

fn publication() -> Publication<'static> {
    let window = Window::current(NOW_MS, 3_600_000);
    Publication { uri: URI, window, ttl_ms: Some(300_000), aggregation_uri: None }
}

fn method(signer: &dyn Signer) -> Method<'_> {
    Method { issuer: signer.issuer(), url: signer.method(), suite: Suite::Ed25519 }
}

/// Signs a prepared view with `signer`.
fn signed(form: Form, unsigned: Result<Unsigned, ViewError>, signer: &dyn Signer) -> Vec<u8> {
    let Unsigned { message, bytes } = unsigned.expect("it encodes");
    form.assemble(&bytes, &signer.sign(&message)).expect("it encodes")
}

/// Adds a proof to a document.
fn secure(document: Map<String, Value>, at: String, signer: &dyn Signer) -> Map<String, Value> {
    let unsigned = data_integrity::unsigned(document, at, &method(signer));
    let document = serde_json::from_slice(&signed(Form::Credential, unsigned, signer));
    document.expect("JSON")
}

/// Parses a view, verifies its signature and reads it.
fn read(bytes: &[u8], size: Option<u8>) -> Published {
    let token = Token::parse(bytes).expect("it parses");
    assert_eq!(token.method(), Some("did:idem:test:publisher#node-1"));
    token.verify(&Key::new().public()).expect("it verifies");
    token.published(size).expect("it reads")
}

/// Returns the claims or the document of a textual form.
fn json(bytes: &[u8]) -> Value {
    let text = std::str::from_utf8(bytes).expect("text");
    if text.starts_with('{') {
        return serde_json::from_str(text).expect("JSON");
    }
    let claims = text.split('.').nth(1).and_then(registry_core::codec::from_base64url);
    serde_json::from_slice(&claims.expect("base64url")).expect("JSON")
}
