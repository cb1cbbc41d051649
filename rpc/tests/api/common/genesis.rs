//! Genesis of the test network: its validator, parameters, publishing keys and first people.

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::crypto::{Hash, PublicKey, Suite, ValidatorKey};
use registry_core::governance::{
    Parameters, Publishing, PublishingKey, ValidatorEntry, Validators,
};
use registry_core::id::{Did, Suffix};
use registry_core::limits::NOTICE_MS_FLOOR;
use registry_core::time::TimeMs;
use registry_state::execution::Genesis;
use registry_state::rules::check_stateless;
use rpc::service::ViewKey;

use super::people::{Person, create_with};
use super::{DELAY_MS, GENESIS_MS};

pub(super) fn validator_key(key: &SigningKey) -> ValidatorKey {
    ValidatorKey(key.verifying_key().to_bytes())
}

/// Returns the publishing keys of two nodes. The first is the node under test.
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

/// Publishing key of a node.
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

/// Returns the key of the only validator.
pub(super) fn validator() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// Returns the entry of a validator. `seed` makes its key, and `seed + 1` the key of its node.
pub(crate) fn entry(name: &str, seed: u8, power: u64) -> ValidatorEntry {
    let node = SigningKey::from_bytes(&[seed + 1; 32]).verifying_key();
    let peer = [&[0, 36, 8, 1, 18, 32], &node.as_bytes()[..]].concat();
    ValidatorEntry {
        name: name.to_owned(),
        key: validator_key(&SigningKey::from_bytes(&[seed; 32])),
        power,
        peer: bs58::encode(peer).into_string(),
        addresses: vec!["/ip4/192.0.2.1/tcp/7640".to_owned()],
    }
}

/// Returns the parameters of most tests. Delays and notices are short.
pub(crate) fn parameters() -> Parameters {
    Parameters {
        recovery_delay_ms_min: DELAY_MS,
        notice_ms_min: NOTICE_MS_FLOOR,
        ..Parameters::default()
    }
}

/// Returns the genesis of most tests: an open network without governors.
pub(crate) fn genesis() -> Genesis {
    Genesis {
        chain: Hash([7; 32]),
        network: "local".parse().expect("a name"),
        time_ms: GENESIS_MS,
        validators: Validators { validators: vec![entry("solo", 1, 1)] },
        parameters: parameters(),
        publishing: publishing(),
        governors: None,
        operations: Vec::new(),
    }
}

/// Lets the genesis register people with the numbers below `people`, and returns their DIDs. Each
/// document lists a method with the control key that may sign operations.
pub(crate) fn register(genesis: &mut Genesis, people: u8) -> Vec<Did> {
    let mut dids = Vec::new();
    for person in (0..people).map(Person::new) {
        let envelope = create_with(Hash::ZERO, person, person.invoking(), 0);
        let checked = check_stateless(&envelope.bytes(), Hash::ZERO, &genesis.network);
        let checked = checked.expect("a good create");
        let (network, suffix) = (genesis.network.clone(), Suffix::of_create(&checked.id()));
        dids.push(Did { network, suffix });
        genesis.operations.push(checked);
    }
    dids
}
