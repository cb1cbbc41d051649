//! What the test network begins with: its validator, parameters and publishing keys.

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::crypto::{Hash, PublicKey, Suite, ValidatorKey};
use registry_core::did::document::TimeMs;
use registry_core::governance::{
    Parameters, Publishing, PublishingKey, ValidatorEntry, Validators,
};
use registry_core::id::NetworkName;
use registry_core::state::Genesis;
use rpc::service::ViewKey;

use super::{DELAY_MS, GENESIS_MS};

pub(super) fn validator_key(key: &SigningKey) -> ValidatorKey {
    ValidatorKey(key.verifying_key().to_bytes())
}

/// The publishing keys of two nodes; the first is this one.
pub(crate) fn publishing() -> Publishing {
    let key = |(name, seed): (&str, u8)| {
        let name = name.parse().expect("a fragment");
        PublishingKey::new(name, Publisher::new(seed).0)
    };
    let mut keys: Vec<_> = [("node-1", 201), ("node-2", 202)].into_iter().map(key).collect();
    keys[1].valid_from = Some(TimeMs(GENESIS_MS));
    keys[1].valid_until = Some(TimeMs(GENESIS_MS + 60_000));
    Publishing { keys }
}

/// A publishing key of a node.
pub(super) struct Publisher(PublicKey, SigningKey);

impl Publisher {
    pub(super) fn new(seed: u8) -> Self {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::new(Suite::Ed25519, secret.verifying_key().as_bytes());
        Self(public.expect("32 bytes"), secret)
    }
}

impl ViewKey for Publisher {
    fn public(&self) -> &PublicKey {
        &self.0
    }

    fn sign_view(&self, message: &[u8]) -> [u8; 64] {
        self.1.sign(message).to_bytes()
    }
}

pub(super) fn genesis(network: &NetworkName, chain: Hash, validator: &SigningKey) -> Genesis {
    let entry = ValidatorEntry {
        name: "solo".to_owned(),
        key: validator_key(validator),
        power: 1,
        peer: "12D3KooWtest".to_owned(),
        addresses: Vec::new(),
    };
    Genesis {
        chain,
        network: network.clone(),
        time_ms: GENESIS_MS,
        validators: Validators { validators: vec![entry] },
        parameters: Parameters { recovery_delay_ms_min: DELAY_MS, ..Parameters::default() },
        publishing: publishing(),
        governors: None,
        operations: Vec::new(),
    }
}
