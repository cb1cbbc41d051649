//! The keys of a node, in `HOME/keys`: its identity among peers, the key that signs its votes, and
//! the key that signs status views.

use std::path::Path;

use registry_core::codec::FixedBytes;
use registry_core::crypto::{PublicKey, Suite, ValidatorKey};
use serde::{Deserialize, Serialize};

use super::file::make_private_directory;
use super::vault::Vault;
use super::{Home, KeysError, Lock, Passphrase, SecretKey};

const P2P_FORMAT: &str = "idem-p2p-key/1";
const PUBLISHING_FORMAT: &str = "idem-publishing-key/1";
const VALIDATOR_FORMAT: &str = "idem-validator-key/1";
const REMEDY: &str = "make it with `idem init`";

/// Bytes before an Ed25519 public key in a libp2p peer id. They are the identity multihash of 36
/// bytes and libp2p's protobuf message with key type 1 and 32 bytes of key (libp2p `peer-ids.md`).
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Role of a node: it votes on blocks, or it only follows them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// Signs with a validator key that the genesis or a later validator set names.
    Validator,
    /// Checks and re-executes every block and has no validator key.
    #[default]
    Follower,
}

impl NodeRole {
    /// All roles.
    pub const ALL: [Self; 2] = [Self::Validator, Self::Follower];

    /// Returns the role as configuration files and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Follower => "follower",
        }
    }
}

/// The loaded keys of a node.
#[derive(Debug)]
pub struct NodeKeys {
    /// Key of the node's libp2p identity.
    pub p2p: SecretKey,
    /// Key that signs status views. `None` if the home directory has no such key.
    pub publishing: Option<PublishingSigner>,
    /// Key that signs votes and proposals. `None` on a follower.
    pub validator: Option<ValidatorSigner>,
}

impl NodeKeys {
    /// Creates the keys that the home directory lacks and returns all of them. An existing key is
    /// kept, so an interrupted `init` can be run again. The validator key is sealed if there is a
    /// passphrase. The p2p and publishing keys are always plain, since they protect no vote.
    ///
    /// `make_floor` writes the height floor of a new validator key, and it runs before the key is
    /// written: only a key that is made here and now is known to have signed nothing. After a crash
    /// between the two writes, the next run makes both anew.
    pub fn create<E: From<KeysError>>(
        home: &Home,
        role: NodeRole,
        passphrase: Option<Passphrase>,
        make_floor: impl FnOnce(&Path, ValidatorKey) -> Result<(), E>,
    ) -> Result<Self, E> {
        make_private_directory(&home.keys())?;
        let _lock = Lock::acquire(&home.validator_key_file())?;
        let mut p2p = Vault::new(home.p2p_key_file(), P2P_FORMAT, None);
        let p2p = load_or(&mut p2p, |_| Ok::<_, KeysError>(()))?;
        let mut publishing = Vault::new(home.publishing_key_file(), PUBLISHING_FORMAT, None);
        let publishing = load_or(&mut publishing, |_| Ok::<_, KeysError>(()))?;
        let publishing = Some(PublishingSigner(publishing));
        let validator = match role {
            NodeRole::Follower => None,
            NodeRole::Validator => {
                let file = home.validator_key_file();
                let mut vault = Vault::new(file, VALIDATOR_FORMAT, passphrase);
                Some(ValidatorSigner::new(load_or(&mut vault, |key| {
                    make_floor(&home.height_floor_file(), validator_key(key))
                })?))
            }
        };
        Ok(Self { p2p, publishing, validator })
    }

    /// Reads the keys that `role` needs, and the publishing key if there is one. It creates none.
    pub fn load(
        home: &Home,
        role: NodeRole,
        passphrase: Option<Passphrase>,
    ) -> Result<Self, KeysError> {
        let p2p = load(&mut Vault::new(home.p2p_key_file(), P2P_FORMAT, None))?;
        let mut publishing = Vault::new(home.publishing_key_file(), PUBLISHING_FORMAT, None);
        let publishing = match load(&mut publishing) {
            Err(KeysError::Missing { .. }) => None,
            loaded => Some(PublishingSigner(loaded?)),
        };
        let validator = match role {
            NodeRole::Follower => None,
            NodeRole::Validator => {
                let path = home.validator_key_file();
                let mut vault = Vault::new(path, VALIDATOR_FORMAT, passphrase);
                Some(ValidatorSigner::new(load(&mut vault)?))
            }
        };
        Ok(Self { p2p, publishing, validator })
    }

    /// Returns the node's peer id in libp2p's text form (base58btc).
    pub fn peer_id(&self) -> String {
        let bytes = [&PEER_ID_PREFIX[..], self.p2p.public().raw()].concat();
        bs58::encode(bytes).into_string()
    }
}

fn load(vault: &mut Vault) -> Result<SecretKey, KeysError> {
    let path = vault.path().to_owned();
    let key: SecretKey = vault.read()?.ok_or(KeysError::Missing { path, remedy: REMEDY })?;
    match key.public().suite() {
        Suite::Ed25519 => Ok(key),
        Suite::P256 | Suite::Secp256k1 => {
            let reason = "a node key must be Ed25519".to_owned();
            Err(KeysError::Malformed { path: vault.path().to_owned(), reason })
        }
    }
}

/// Reads the key of the file. If there is none, makes a new key, passes it to `before` and then
/// writes it.
fn load_or<E: From<KeysError>>(
    vault: &mut Vault,
    before: impl FnOnce(&SecretKey) -> Result<(), E>,
) -> Result<SecretKey, E> {
    match load(vault) {
        Err(KeysError::Missing { .. }) => {
            let key = SecretKey::generate(Suite::Ed25519)?;
            before(&key)?;
            vault.write(&key)?;
            Ok(key)
        }
        loaded => Ok(loaded?),
    }
}

fn validator_key(secret: &SecretKey) -> ValidatorKey {
    let mut key = ValidatorKey::default();
    for (to, from) in key.0.iter_mut().zip(secret.public().raw()) {
        *to = *from;
    }
    key
}

/// Key that signs status views. It is separate from the validator key because others determine part
/// of a view's text, and no signature over their text may ever count as a vote.
#[derive(Debug)]
pub struct PublishingSigner(SecretKey);

impl PublishingSigner {
    /// Returns the public key, which governance lists.
    pub fn public(&self) -> &PublicKey {
        self.0.public()
    }

    /// Signs the bytes of a status view.
    pub fn sign_view(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

/// Key that signs votes, proposals and the entry of a genesis ceremony.
#[derive(Debug)]
pub struct ValidatorSigner {
    key: ValidatorKey,
    secret: SecretKey,
}

impl ValidatorSigner {
    fn new(secret: SecretKey) -> Self {
        Self { key: validator_key(&secret), secret }
    }

    /// Returns the validator's public key.
    pub fn key(&self) -> ValidatorKey {
        self.key
    }

    /// Signs the message of this validator's entry of a genesis ceremony. The message can never be
    /// a vote of a chain.
    pub fn sign_genesis_entry(&self, message: &[u8]) -> FixedBytes<64> {
        FixedBytes(self.secret.sign(message))
    }

    /// Returns the secret key in the type that the consensus core signs with. The core's step
    /// function asks `ordering::Guard` before each signature.
    pub fn signing_key(&self) -> ed25519_dalek::SigningKey {
        let raw = self.secret.raw();
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        for (to, from) in seed.iter_mut().zip(raw.iter()) {
            *to = *from;
        }
        ed25519_dalek::SigningKey::from_bytes(&seed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().expect("a directory");
        let home = Home::new(directory.path().join("home"));
        (directory, home)
    }

    fn create(home: &Home, role: NodeRole, passphrase: Option<Passphrase>) -> NodeKeys {
        let made = NodeKeys::create(home, role, passphrase, |_, _| Ok::<_, KeysError>(()));
        made.expect("made or kept")
    }

    fn passphrase() -> Option<Passphrase> {
        Some(Passphrase::new("correct horse".to_owned().into()))
    }

    #[test]
    fn a_second_create_keeps_the_keys() {
        let (_directory, home) = home();
        let first = create(&home, NodeRole::Validator, passphrase());
        let again = create(&home, NodeRole::Validator, passphrase());
        let loaded = NodeKeys::load(&home, NodeRole::Validator, passphrase()).expect("loaded");
        let key = |keys: &NodeKeys| keys.validator.as_ref().map(ValidatorSigner::key);
        assert!(key(&first).is_some());
        assert_eq!(key(&first), key(&again));
        assert_eq!(key(&first), key(&loaded));
        assert_eq!(first.p2p.public(), loaded.p2p.public());
        let publishing = |keys: &NodeKeys| keys.publishing.as_ref().map(|key| key.public().clone());
        assert!(publishing(&first).is_some());
        assert_eq!(publishing(&first), publishing(&again));
        assert_eq!(publishing(&first), publishing(&loaded));
        let mode = std::fs::metadata(home.keys()).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_home_without_publishing_key_starts_and_init_makes_one() {
        let (_directory, home) = home();
        create(&home, NodeRole::Follower, None);
        let path = home.publishing_key_file();
        std::fs::remove_file(&path).expect("removed");
        let loaded = NodeKeys::load(&home, NodeRole::Follower, None).expect("loaded");
        assert!(loaded.publishing.is_none() && !path.exists());
        let made = create(&home, NodeRole::Follower, None);
        assert!(made.publishing.is_some());
        std::fs::write(&path, "{}").expect("written");
        let damaged = NodeKeys::load(&home, NodeRole::Follower, None);
        assert!(matches!(damaged, Err(KeysError::Malformed { .. })), "{damaged:?}");
    }

    #[test]
    fn a_view_is_signed_by_the_listed_key() {
        let (_directory, home) = home();
        let keys = create(&home, NodeRole::Follower, None);
        let signer = keys.publishing.expect("made");
        let signature = signer.sign_view(b"a view");
        assert_eq!(registry_core::crypto::verify(signer.public(), b"a view", &signature), Ok(()));
    }

    #[test]
    fn a_follower_has_no_validator_key_and_a_validator_needs_one() {
        let (_directory, home) = home();
        let keys = create(&home, NodeRole::Follower, None);
        assert!(keys.validator.is_none());
        let refused = NodeKeys::load(&home, NodeRole::Validator, None);
        assert!(matches!(refused, Err(KeysError::Missing { path, .. })
            if path == home.validator_key_file()));
    }

    #[test]
    fn the_signing_key_is_the_validator_key() {
        let (_directory, home) = home();
        let keys = create(&home, NodeRole::Validator, None);
        let signer = keys.validator.expect("a validator");
        assert_eq!(signer.signing_key().verifying_key().to_bytes(), signer.key().0);
    }
}
