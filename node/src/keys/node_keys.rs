//! The keys of a node in HOME/keys: who it is among its peers, what it votes with, and what it
//! signs status views with.

use registry_core::codec::FixedBytes;
use registry_core::crypto::{PublicKey, Suite, ValidatorKey};
use registry_core::governance::{PublishingKey, ValidatorEntry};
use registry_core::id::NetworkName;

use super::file::make_private_directory;
use super::vault::Vault;
use super::{KeysError, Lock, Passphrase, SecretKey};
use crate::config::{Home, Role};
use crate::floor::{FloorError, FloorFile};

const P2P_FORMAT: &str = "idem-p2p-key/1";
const PUBLISHING_FORMAT: &str = "idem-publishing-key/1";
const VALIDATOR_FORMAT: &str = "idem-validator-key/1";
const REMEDY: &str = "make it with `idem init`";

/// The keys of a node.
#[derive(Debug)]
pub struct NodeKeys {
    /// Its libp2p identity.
    pub p2p: SecretKey,
    /// What it signs status views with; none in a home that was made without one.
    pub publishing: Option<PublishingSigner>,
    /// What it votes with; none on a follower.
    pub validator: Option<ValidatorSigner>,
}

impl NodeKeys {
    /// Makes the keys that HOME lacks and answers all of them. A key that exists stays, so an
    /// interrupted `init` can be run again. The validator key is sealed when there is a
    /// passphrase; the p2p and publishing keys are always plain, since they protect no vote.
    pub fn create(
        home: &Home,
        role: Role,
        passphrase: Option<Passphrase>,
    ) -> Result<Self, KeysError> {
        make_private_directory(&home.keys())?;
        let _lock = Lock::acquire(&home.validator_key_file())?;
        let mut p2p = Vault::new(home.p2p_key_file(), P2P_FORMAT, None);
        let p2p = load_or(&mut p2p, |_| Ok(()))?;
        let mut publishing = Vault::new(home.publishing_key_file(), PUBLISHING_FORMAT, None);
        let publishing = Some(PublishingSigner(load_or(&mut publishing, |_| Ok(()))?));
        let validator = match role {
            Role::Follower => None,
            Role::Validator => {
                let file = home.validator_key_file();
                let mut vault = Vault::new(file, VALIDATOR_FORMAT, passphrase);
                Some(ValidatorSigner::new(load_or(&mut vault, |key| {
                    // Only a key that is made here and now is known to have signed nothing. Its
                    // floor comes first: after a crash in between, the next run makes both anew.
                    FloorFile::create_unbound(&home.height_floor_file(), validator_key(key))
                })?))
            }
        };
        Ok(Self { p2p, publishing, validator })
    }

    /// Reads the keys that `role` needs, and the publishing key if there is one. Makes none.
    pub fn load(
        home: &Home,
        role: Role,
        passphrase: Option<Passphrase>,
    ) -> Result<Self, KeysError> {
        let p2p = load(&mut Vault::new(home.p2p_key_file(), P2P_FORMAT, None))?;
        let mut publishing = Vault::new(home.publishing_key_file(), PUBLISHING_FORMAT, None);
        let publishing = match load(&mut publishing) {
            Err(KeysError::Missing { .. }) => None,
            loaded => Some(PublishingSigner(loaded?)),
        };
        let validator = match role {
            Role::Follower => None,
            Role::Validator => {
                let path = home.validator_key_file();
                let mut vault = Vault::new(path, VALIDATOR_FORMAT, passphrase);
                Some(ValidatorSigner::new(load(&mut vault)?))
            }
        };
        Ok(Self { p2p, publishing, validator })
    }

    /// The name of this node among its peers.
    pub fn peer_id(&self) -> Result<libp2p::PeerId, KeysError> {
        Ok(self.p2p_keypair()?.public().to_peer_id())
    }

    /// The libp2p identity in libp2p's own type.
    pub fn p2p_keypair(&self) -> Result<libp2p::identity::Keypair, KeysError> {
        let mut secret = self.p2p.raw();
        libp2p::identity::Keypair::ed25519_from_bytes(secret.as_mut_slice())
            .map_err(|_| KeysError::Mismatch { public: self.p2p.public().to_string() })
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

/// The key of the file, or else a new one, which is written after `before` has seen it.
fn load_or(
    vault: &mut Vault,
    before: impl FnOnce(&SecretKey) -> Result<(), FloorError>,
) -> Result<SecretKey, KeysError> {
    match load(vault) {
        Err(KeysError::Missing { .. }) => {
            let key = SecretKey::generate(Suite::Ed25519)?;
            before(&key)?;
            vault.write(&key)?;
            Ok(key)
        }
        loaded => loaded,
    }
}

fn validator_key(secret: &SecretKey) -> ValidatorKey {
    let mut key = ValidatorKey::default();
    for (to, from) in key.0.iter_mut().zip(secret.public().raw()) {
        *to = *from;
    }
    key
}

/// What a node signs status views with. It is a key of its own: a view is text that others compose
/// in part, and nothing that is signed for them may be a vote.
#[derive(Debug)]
pub struct PublishingSigner(SecretKey);

impl PublishingSigner {
    /// The public key, as governance lists it.
    pub fn public(&self) -> &PublicKey {
        self.0.public()
    }

    /// Signs the bytes of a status view in one of its forms.
    pub fn sign_view(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

/// What a validator signs with.
#[derive(Debug)]
pub struct ValidatorSigner {
    key: ValidatorKey,
    secret: SecretKey,
}

impl ValidatorSigner {
    fn new(secret: SecretKey) -> Self {
        Self { key: validator_key(&secret), secret }
    }

    /// The validator's public key.
    pub fn key(&self) -> ValidatorKey {
        self.key
    }

    /// Signs this validator's entry of a genesis ceremony, which is no vote of any chain.
    pub fn sign_genesis_entry(
        &self,
        network: &NetworkName,
        validator: &ValidatorEntry,
        publishing: &PublishingKey,
    ) -> FixedBytes<64> {
        FixedBytes(self.secret.sign(&genesis::Entry::message(network, validator, publishing)))
    }

    /// The key in the form that the consensus core signs with. Its step function consults the
    /// guard before every signature (`ordering::Guard`).
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

    use registry_core::crypto::Hash;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().expect("a directory");
        let home = Home::new(directory.path().join("home"));
        (directory, home)
    }

    fn passphrase() -> Option<Passphrase> {
        Some(Passphrase::new("correct horse".to_owned().into()))
    }

    #[test]
    fn a_second_create_keeps_the_keys() {
        let (_directory, home) = home();
        let first = NodeKeys::create(&home, Role::Validator, passphrase()).expect("made");
        let again = NodeKeys::create(&home, Role::Validator, passphrase()).expect("kept");
        let loaded = NodeKeys::load(&home, Role::Validator, passphrase()).expect("loaded");
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
    fn a_new_validator_key_has_a_floor_and_an_old_one_gets_none() {
        let (_directory, home) = home();
        let open = || {
            let keys = NodeKeys::load(&home, Role::Validator, None).expect("loaded");
            let key = keys.validator.expect("a validator").key();
            FloorFile::open(&home.height_floor_file(), Hash([1; 32]), key)
        };
        NodeKeys::create(&home, Role::Validator, None).expect("made");
        std::fs::remove_file(home.validator_key_file()).expect("removed");
        NodeKeys::create(&home, Role::Validator, None).expect("an unused floor is no obstacle");
        assert_eq!(open().expect("a floor").height(), 0);

        std::fs::remove_file(home.validator_key_file()).expect("removed");
        let refused = NodeKeys::create(&home, Role::Validator, None);
        assert!(matches!(refused, Err(KeysError::Floor(FloorError::Exists { .. }))));
        assert!(!home.validator_key_file().exists(), "no key without its floor");

        std::fs::remove_file(home.height_floor_file()).expect("removed");
        NodeKeys::create(&home, Role::Validator, None).expect("made");
        std::fs::remove_file(home.height_floor_file()).expect("removed");
        NodeKeys::create(&home, Role::Validator, None).expect("kept");
        assert!(matches!(open(), Err(FloorError::Missing { .. })));
    }

    #[test]
    fn the_p2p_key_is_the_libp2p_identity() {
        let (_directory, home) = home();
        let keys = NodeKeys::create(&home, Role::Follower, None).expect("made");
        let public = keys.p2p_keypair().expect("a keypair").public();
        let public = public.try_into_ed25519().expect("Ed25519");
        assert_eq!(public.to_bytes(), keys.p2p.public().raw());
    }

    #[test]
    fn a_home_without_publishing_key_starts_and_init_makes_one() {
        let (_directory, home) = home();
        NodeKeys::create(&home, Role::Follower, None).expect("made");
        let path = home.publishing_key_file();
        std::fs::remove_file(&path).expect("removed");
        let loaded = NodeKeys::load(&home, Role::Follower, None).expect("loaded");
        assert!(loaded.publishing.is_none() && !path.exists());
        let made = NodeKeys::create(&home, Role::Follower, None).expect("made");
        assert!(made.publishing.is_some());
        std::fs::write(&path, "{}").expect("written");
        let damaged = NodeKeys::load(&home, Role::Follower, None);
        assert!(matches!(damaged, Err(KeysError::Malformed { .. })), "{damaged:?}");
    }

    #[test]
    fn a_view_is_signed_by_the_listed_key() {
        let (_directory, home) = home();
        let keys = NodeKeys::create(&home, Role::Follower, None).expect("made");
        let signer = keys.publishing.expect("made");
        let signature = signer.sign_view(b"a view");
        assert_eq!(registry_core::crypto::verify(signer.public(), b"a view", &signature), Ok(()));
    }

    #[test]
    fn a_follower_has_no_validator_key_and_a_validator_needs_one() {
        let (_directory, home) = home();
        let keys = NodeKeys::create(&home, Role::Follower, None).expect("made");
        assert!(keys.validator.is_none());
        let refused = NodeKeys::load(&home, Role::Validator, None);
        assert!(matches!(refused, Err(KeysError::Missing { path, .. })
            if path == home.validator_key_file()));
    }

    #[test]
    fn the_signing_key_is_the_validator_key() {
        let (_directory, home) = home();
        let keys = NodeKeys::create(&home, Role::Validator, None).expect("made");
        let signer = keys.validator.expect("a validator");
        assert_eq!(signer.signing_key().verifying_key().to_bytes(), signer.key().0);
    }
}
