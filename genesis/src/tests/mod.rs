//! Fixtures of the genesis tests: operators with fixed keys.

mod ceremony;
mod file;
mod rules;

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::codec::FixedBytes;
use registry_core::crypto::{PublicKey, Suite, ValidatorKey};
use registry_core::did::{DidCreate, Document, KeySet, Member, NextSet, Sets};
use registry_core::governance::{PublishingKey, ValidatorEntry};
use registry_core::operation::{
    Action, Guard, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::time::TimeMs;

use crate::{Entry, GenesisError, GenesisFile, Outline};
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public_key(seed: u8) -> PublicKey {
    PublicKey::new(Suite::Ed25519, signing_key(seed).verifying_key().as_bytes())
        .expect("32 bytes are an Ed25519 key")
}

/// Returns the peer id of an Ed25519 key by the libp2p specification.
fn peer_id(raw: &[u8]) -> String {
    bs58::encode([&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20][..], raw].concat()).into_string()
}

/// Returns operator `n`, whose validator key comes from seed `n` and transport key from `100 + n`.
fn validator(n: u8) -> ValidatorEntry {
    ValidatorEntry {
        name: format!("node-{n}"),
        key: ValidatorKey(signing_key(n).verifying_key().to_bytes()),
        power: 1,
        peer: peer_id(public_key(100 + n).raw()),
        addresses: vec![format!("/ip4/192.0.2.{n}/tcp/7640")],
    }
}

/// Returns the publishing key of operator `n`, which comes from seed `200 + n`.
fn publishing(n: u8) -> PublishingKey {
    let name = format!("node-{n}").parse().expect("a fragment");
    PublishingKey::new(name, public_key(200 + n))
}

fn entry_for(network: &str, n: u8) -> Entry {
    let network = network.parse().expect("a network name");
    let (validator, publishing) = (validator(n), publishing(n));
    let message = Entry::message(&network, &validator, &publishing);
    let signature = FixedBytes(signing_key(n).sign(&message).to_bytes());
    Entry { network, validator, publishing, signature }
}

fn entry(n: u8) -> Entry {
    entry_for("testnet", n)
}

fn outline() -> Outline {
    let time = TimeMs::from_exact_text("2026-11-21T08:00:00.000Z").expect("a time");
    Outline::new("testnet".parse().expect("a network name"), time)
}

/// Returns the genesis file that four operators build.
fn file() -> GenesisFile {
    let publishing = (1..=4).map(publishing).collect();
    Outline { publishing, ..outline() }
        .with_validators((1..=4).map(validator).collect())
        .expect("a valid genesis")
}

/// Returns a create that is signed by the key of `seed` for `chain`.
fn create(seed: u8, chain: Hash) -> Bytes {
    let control = KeySet { threshold: 1, members: vec![Member::Key(public_key(seed))] };
    let next = NextSet::commitment(&public_key(seed + 1));
    let next = NextSet { threshold: 1, commitments: vec![next] };
    let sets = Sets { control, next, recovery: None };
    let document = Document::default();
    let operation = Operation {
        chain,
        author: None,
        endorser: None,
        guard: Guard::Absent,
        until: None,
        salt: FixedBytes([seed; 16]),
        action: Action::DidCreate(Box::new(DidCreate { sets, document })),
    };
    let body = operation.body();
    let message = Role::Control.message(&operation_id(&body));
    let value = Bytes(signing_key(seed).sign(&message).to_bytes().to_vec());
    let by = Signer::Key(public_key(seed));
    let signature = Signature { role: Role::Control, by, value };
    Bytes(SignedOperation::new(body, vec![signature]).bytes())
}

fn refusal(file: &GenesisFile) -> GenesisError {
    file.check().expect_err("must be refused")
}
