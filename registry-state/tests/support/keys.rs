//! Signing keys derived from seeds. All three suites sign deterministically (RFC 8032, RFC 6979).

use ed25519_dalek::Signer as _;
use registry_core::crypto::{PublicKey, Suite};

/// A signing key, given by its suite and the byte that its secret repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) suite: Suite,
    pub(crate) seed: u8,
}

pub(crate) fn ed(seed: u8) -> Key {
    Key { suite: Suite::Ed25519, seed }
}

pub(crate) fn p256(seed: u8) -> Key {
    Key { suite: Suite::P256, seed }
}

pub(crate) fn k256(seed: u8) -> Key {
    Key { suite: Suite::Secp256k1, seed }
}

impl Key {
    fn secret(self) -> [u8; 32] {
        [self.seed; 32]
    }

    pub(crate) fn ed25519(self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&self.secret())
    }

    fn p256(self) -> p256::ecdsa::SigningKey {
        p256::ecdsa::SigningKey::from_slice(&self.secret()).expect("a scalar")
    }

    fn k256(self) -> k256::ecdsa::SigningKey {
        k256::ecdsa::SigningKey::from_slice(&self.secret()).expect("a scalar")
    }

    pub(crate) fn public(self) -> PublicKey {
        let raw = match self.suite {
            Suite::Ed25519 => self.ed25519().verifying_key().to_bytes().to_vec(),
            Suite::P256 => self.p256().verifying_key().to_sec1_point(true).as_bytes().to_vec(),
            Suite::Secp256k1 => self.k256().verifying_key().to_sec1_point(true).as_bytes().to_vec(),
        };
        PublicKey::new(self.suite, &raw).expect("a key of its suite")
    }

    /// Returns the 64 signature bytes that the registry accepts. ECDSA has a low S.
    pub(crate) fn sign(self, message: &[u8]) -> Vec<u8> {
        match self.suite {
            Suite::Ed25519 => self.ed25519().sign(message).to_bytes().to_vec(),
            Suite::P256 => {
                let signature: p256::ecdsa::Signature = self.p256().sign(message);
                signature.normalize_s().to_bytes().to_vec()
            }
            Suite::Secp256k1 => {
                let signature: k256::ecdsa::Signature = self.k256().sign(message);
                signature.normalize_s().to_bytes().to_vec()
            }
        }
    }
}
