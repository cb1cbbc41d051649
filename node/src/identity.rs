//! The keys of a running node: it creates a validator key together with its height floor, and turns
//! the peer-to-peer key into libp2p's own type.

use keys::{Home, KeysError, NodeKeys, NodeRole, Passphrase};
use libp2p::identity::Keypair;

use crate::floor::{FloorError, FloorFile};

/// Reason why the keys of a node cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Reading or writing a key file failed.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Writing the height floor of a new validator key failed.
    #[error(transparent)]
    Floor(#[from] FloorError),
}

/// Creates the keys that HOME lacks and returns all of them. A new validator key gets a height
/// floor. See [`NodeKeys::create`].
pub fn create_keys(
    home: &Home,
    role: NodeRole,
    passphrase: Option<Passphrase>,
) -> Result<NodeKeys, CreateError> {
    NodeKeys::create(home, role, passphrase, |path, key| {
        FloorFile::create_unbound(path, key).map_err(CreateError::from)
    })
}

/// The peer-to-peer key of a node in libp2p's own type.
pub fn p2p_keypair(keys: &NodeKeys) -> Result<Keypair, KeysError> {
    let mut secret = keys.p2p.raw();
    Keypair::ed25519_from_bytes(secret.as_mut_slice())
        .map_err(|_| KeysError::Mismatch { public: keys.p2p.public().to_string() })
}

#[cfg(test)]
mod tests {
    use registry_core::crypto::Hash;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().expect("a directory");
        let home = Home::new(directory.path().join("home"));
        (directory, home)
    }

    #[test]
    fn a_new_validator_key_has_a_floor_and_an_old_one_gets_none() {
        let (_directory, home) = home();
        let open = || {
            let keys = NodeKeys::load(&home, NodeRole::Validator, None).expect("loaded");
            let key = keys.validator.expect("a validator").key();
            FloorFile::open(&home.height_floor_file(), Hash([1; 32]), key)
        };
        create_keys(&home, NodeRole::Validator, None).expect("made");
        std::fs::remove_file(home.validator_key_file()).expect("removed");
        create_keys(&home, NodeRole::Validator, None).expect("an unused floor is no obstacle");
        assert_eq!(open().expect("a floor").height(), 0);

        std::fs::remove_file(home.validator_key_file()).expect("removed");
        let refused = create_keys(&home, NodeRole::Validator, None);
        assert!(matches!(refused, Err(CreateError::Floor(FloorError::Exists { .. }))));
        assert!(!home.validator_key_file().exists(), "no key without its floor");

        std::fs::remove_file(home.height_floor_file()).expect("removed");
        create_keys(&home, NodeRole::Validator, None).expect("made");
        std::fs::remove_file(home.height_floor_file()).expect("removed");
        create_keys(&home, NodeRole::Validator, None).expect("kept");
        assert!(matches!(open(), Err(FloorError::Missing { .. })));
    }

    #[test]
    fn the_p2p_key_is_the_libp2p_identity() {
        let (_directory, home) = home();
        let keys = create_keys(&home, NodeRole::Follower, None).expect("made");
        let public = p2p_keypair(&keys).expect("a keypair").public();
        assert_eq!(public.to_peer_id().to_string(), keys.peer_id());
        let public = public.try_into_ed25519().expect("Ed25519");
        assert_eq!(public.to_bytes(), keys.p2p.public().raw());
    }
}
