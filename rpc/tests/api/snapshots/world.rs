//! The ledger that all answers are about. It is the same in each run: keys come from seeds, salts
//! are counted, and time is that of the blocks.

use std::cell::Cell;

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::codec::{Bytes, FixedBytes, base64url, from_base64url};
use registry_core::governance::Governors;
use registry_core::operation::{Role, Signature, SignedOperation, Signer, operation_id};
use registry_core::time::TimeMs;
use rpc::RpcConfig;
use serde_json::{Value, json};

use super::story;
use crate::common::client::{Server, config, with_members};
use crate::common::genesis::{entry, genesis, register};
use crate::common::ledger::Ledger;
use crate::common::people::{Person, public};

/// Numbers of the people. The first three govern, and two of them must approve.
pub(super) const AUTHORITY: usize = 0;
pub(super) const ACCREDITOR: usize = 1;
pub(super) const ISSUER: usize = 2;
pub(super) const PRINCIPAL: usize = 3;
pub(super) const AGENT: usize = 4;
pub(super) const SUBAGENT: usize = 5;
pub(super) const STRANGER: usize = 6;
/// Person whose DID is deactivated.
pub(super) const GONE: usize = 7;
/// Person with a recovery that cannot be completed yet.
pub(super) const RECOVERING: usize = 8;
/// Person with a recovery that can be completed.
pub(super) const MATURED: usize = 9;
/// Person whose control set has two keys and a DID, of which two must sign.
pub(super) const SHARED: usize = 10;
/// Person whose DID has several versions.
pub(super) const ROTATED: usize = 11;
pub(super) const SUSPENDED_AGENT: usize = 12;
pub(super) const REVOKED_AGENT: usize = 13;
const PEOPLE: u8 = 14;

/// A server over the ledger, and the records that were made there.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) dids: Vec<String>,
    /// Ids of the records that the story made, each under a word.
    pub(super) made: Value,
    /// Time at about the middle of the story.
    pub(super) early: String,
    /// Time shortly before the end of the story.
    pub(super) late: String,
    salts: Cell<u8>,
}

pub(super) fn key(number: usize) -> SigningKey {
    person(number).control()
}

pub(super) fn person(number: usize) -> Person {
    Person::new(u8::try_from(number).expect("small"))
}

/// Returns a configuration with fixed public URLs, so that no answer contains the port of a test
/// run.
fn named() -> RpcConfig {
    RpcConfig {
        public_url: Some("https://node.example/idem/".parse().expect("a URL")),
        network_url: Some("https://registry.example".parse().expect("a URL")),
        ..config()
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let mut genesis = genesis();
        let dids = register(&mut genesis, PEOPLE);
        let mut members = dids[..3].to_vec();
        members.sort();
        genesis.governors = Some(Governors { threshold: 2, members });
        // With power 4 a newcomer of power 1 moves less than a third of the power.
        genesis.validators.validators = vec![entry("solo", 1, 4)];
        let ledger = Ledger::of(&genesis);
        ledger.hold();
        let mut world = Self {
            server: Server::over(ledger, named()).await,
            dids: dids.iter().map(ToString::to_string).collect(),
            made: json!({}),
            early: String::new(),
            late: String::new(),
            salts: Cell::new(0),
        };
        story::tell(&mut world).await;
        world
    }

    pub(super) fn network_did(&self) -> String {
        self.server.ledger.network_did().to_string()
    }

    /// Returns the id that the story made under a word.
    pub(super) fn id(&self, word: &str) -> String {
        self.made[word].as_str().unwrap_or_else(|| panic!("made no {word}")).to_owned()
    }

    pub(super) fn now(&self) -> String {
        TimeMs(self.server.ledger.head().time_ms).millis()
    }

    /// Adds the author and the next salt to the parameters of a preparation.
    pub(super) fn by(&self, author: usize, params: Value) -> Value {
        with_members(params, json!({ "author": self.dids[author], "salt": self.salt() }))
    }

    fn salt(&self) -> Value {
        let number = self.salts.get() + 1;
        self.salts.set(number);
        json!(FixedBytes([number; 16]))
    }

    /// Prepares and signs an operation. Returns the prepared answer and the envelope.
    pub(super) async fn sign(
        &self,
        method: &str,
        params: Value,
        signers: &[(Role, SigningKey)],
    ) -> (Value, SignedOperation) {
        let params = match params.get("salt") {
            None => with_members(params, json!({ "salt": self.salt() })),
            Some(_) => params,
        };
        let prepared = self.server.call(method, params.clone()).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{method} {params}: {error:?}"));
        let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
        (prepared, envelope(body, signers))
    }

    /// Applies an operation in a block of its own. Returns the prepared answer.
    pub(super) async fn act(
        &self,
        method: &str,
        params: Value,
        signers: &[(Role, SigningKey)],
    ) -> Value {
        let (prepared, envelope) = self.sign(method, params, signers).await;
        self.admit(&envelope).await;
        self.server.ledger.commit();
        prepared
    }

    /// Applies an operation that the author signs with its control key.
    pub(super) async fn act_by(&self, author: usize, method: &str, params: Value) -> Value {
        let params = self.by(author, params);
        self.act(method, params, &[(Role::Control, key(author))]).await
    }

    pub(super) async fn admit(&self, envelope: &SignedOperation) {
        let params = json!({ "envelope": base64url(&envelope.bytes()) });
        let admitted = self.server.call("ledger_submit", params).await;
        admitted.unwrap_or_else(|error| panic!("not admitted: {error:?}"));
    }

    /// Returns the right of an entity to issue `resource` under the authority.
    pub(super) fn right(&self, entity: usize, resource: &str) -> Value {
        json!({
            "authority": self.dids[AUTHORITY],
            "entity": self.dids[entity],
            "action": "issue",
            "resource": resource,
        })
    }
}

/// Makes an envelope over `body` with a signature of each signer.
pub(crate) fn envelope(body: Vec<u8>, signers: &[(Role, SigningKey)]) -> SignedOperation {
    let id = operation_id(&body);
    let sign = |(role, key): &(Role, SigningKey)| Signature {
        role: *role,
        by: Signer::Key(public(key)),
        value: Bytes(key.sign(&role.message(&id)).to_bytes().to_vec()),
    };
    let mut signatures: Vec<Signature> = signers.iter().map(sign).collect();
    signatures.sort();
    SignedOperation::new(body, signatures)
}
