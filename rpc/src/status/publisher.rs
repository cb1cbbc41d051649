//! The signer of a node's views: the node's own publishing key, if the network lists it and it is
//! in force.

use std::sync::Arc;

use registry_core::crypto::PublicKey;
use registry_core::governance::{self, PUBLISHING, Publishing};
use registry_core::id::{Did, MethodUrl};
use registry_core::record::StoreError;
use registry_core::time::TimeMs;

use crate::service::{Reader, ViewKey};
use crate::view::Signer;

/// A node in its role as publisher of views. The network answers for what the node signs, and the
/// verification method of the network's DID names the node.
pub struct Publisher {
    issuer: String,
    method: String,
    key: Arc<dyn ViewKey>,
    until_ms: Option<u64>,
}

/// Reason why a node signs no views.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPublisher {
    /// The node's home has no publishing key.
    #[error(
        "this node has no publishing key; make one with `idem init`, have the network list it and \
         start again"
    )]
    NoKey,
    /// The network does not list the key, so a verifier could not find it.
    #[error("{did} does not list this node's publishing key {key}; have the network list it")]
    NotListed {
        /// DID of the network itself.
        did: Did,
        /// Publishing key of the node.
        key: PublicKey,
    },
    /// The network lists the key for a later time.
    #[error("{method} is not valid before {from}; this node signs views from then on")]
    NotYetValid {
        /// Verification method of the key.
        method: MethodUrl,
        /// Time from which the key is valid.
        from: TimeMs,
    },
    /// The network listed the key for an earlier time.
    #[error("{method} was valid until {until}; have the network list this node's key for longer")]
    Expired {
        /// Verification method of the key.
        method: MethodUrl,
        /// Time at which the key's validity ended.
        until: TimeMs,
    },
    /// The node cannot read the record of publishing keys.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Publisher {
    /// Returns the publisher that `node` is at `time_ms`, a ledger time as Unix time in
    /// milliseconds. Fails if the node may not sign views at that time.
    pub fn of(node: &dyn Reader, time_ms: u64) -> Result<Self, NoPublisher> {
        let key = node.view_key().ok_or(NoPublisher::NoKey)?;
        let publishing: Publishing = governance::read(node, PUBLISHING)?;
        let did = Did::of_chain(node.network().clone(), &node.chain());
        Self::listed(did, key, &publishing, time_ms)
    }

    fn listed(
        did: Did,
        key: Arc<dyn ViewKey>,
        publishing: &Publishing,
        time_ms: u64,
    ) -> Result<Self, NoPublisher> {
        let Some(entry) = publishing.keys.iter().find(|entry| entry.key == *key.public()) else {
            return Err(NoPublisher::NotListed { did, key: key.public().clone() });
        };
        let issuer = did.to_string();
        let method = MethodUrl { did, fragment: entry.name.clone() };
        match (entry.valid_from, entry.valid_until) {
            (Some(from), _) if time_ms < from.0 => Err(NoPublisher::NotYetValid { method, from }),
            (_, Some(until)) if until.0 <= time_ms => Err(NoPublisher::Expired { method, until }),
            (_, until) => {
                let until_ms = until.map(|until| until.0);
                Ok(Self { issuer, method: method.to_string(), key, until_ms })
            }
        }
    }

    /// Returns the Unix time in milliseconds at which the key's validity ends, or `None` for no
    /// end. No view signed by the key may end later.
    pub fn until_ms(&self) -> Option<u64> {
        self.until_ms
    }
}

impl Signer for Publisher {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn method(&self) -> &str {
        &self.method
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign_view(message)
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher({})", self.method)
    }
}

#[cfg(test)]
mod tests {
    use registry_core::crypto::{Hash, Suite};
    use registry_core::governance::PublishingKey;

    use super::*;

    struct Key(PublicKey);

    impl ViewKey for Key {
        fn public(&self) -> &PublicKey {
            &self.0
        }

        fn sign_view(&self, _: &[u8]) -> [u8; 64] {
            [9; 64]
        }
    }

    fn key(byte: u8) -> PublicKey {
        PublicKey::new(Suite::Ed25519, &[byte; 32]).expect("32 bytes")
    }

    fn publisher(listed: u8, time_ms: u64) -> Result<Publisher, NoPublisher> {
        let did = Did::of_chain("local".parse().expect("a name"), &Hash([7; 32]));
        let mut entry = PublishingKey::new("node-2".parse().expect("a fragment"), key(listed));
        (entry.valid_from, entry.valid_until) = (Some(TimeMs(5_000)), Some(TimeMs(9_000)));
        let first = PublishingKey::new("node-1".parse().expect("a fragment"), key(8));
        Publisher::listed(
            did,
            Arc::new(Key(key(1))),
            &Publishing { keys: vec![first, entry] },
            time_ms,
        )
    }

    const METHOD: &str = "did:idem:local:a4dqobyha4dqobyha4dqobyha4dqobyh#node-2";

    #[test]
    fn a_listed_key_signs_for_the_network_under_the_nodes_name() {
        for time_ms in [5_000, 8_999] {
            let publisher = publisher(1, time_ms).expect("in force");
            assert_eq!(Some(publisher.issuer()), METHOD.split('#').next());
            assert_eq!(publisher.method(), METHOD);
            assert_eq!(publisher.sign(b"view"), [9; 64]);
            assert_eq!(publisher.until_ms(), Some(9_000));
        }
    }

    #[test]
    fn a_key_that_is_not_listed_or_not_in_force_signs_nothing_and_says_why() {
        let reason = |listed, time_ms| publisher(listed, time_ms).expect_err("none").to_string();
        let unlisted = format!("does not list this node's publishing key {}", key(1));
        assert!(reason(2, 6_000).contains(&unlisted), "{}", reason(2, 6_000));
        let early = format!("{METHOD} is not valid before 1970-01-01T00:00:05Z");
        assert!(reason(1, 4_999).starts_with(&early));
        let late = format!("{METHOD} was valid until 1970-01-01T00:00:09Z");
        assert!(reason(1, 9_000).starts_with(&late));
    }
}
