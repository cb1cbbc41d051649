//! Keys with which nodes sign what they publish, such as status views. The record is the source of
//! the network's own DID document (docs/protocol/did-idem.md, section "The network's own DID").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crypto::{PublicKey, Suite};
use crate::did::document::{Document, KeyMaterial, Multikey, VerificationMethod};
use crate::id::Fragment;
use crate::limits::PUBLISHING_KEYS_MAX;
use crate::time::{TimeError, TimeMs};

/// Publishing key of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishingKey {
    /// Name of the node, which is also the fragment of its method in the network's DID document.
    pub name: Fragment,
    /// Ed25519 key; status views use no other suite.
    pub key: PublicKey,
    /// Time from which the key is valid; `None` for no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<TimeMs>,
    /// Time before which the key is valid; `None` for no upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<TimeMs>,
}

impl PublishingKey {
    /// Makes a key that is valid at any time.
    pub fn new(name: Fragment, key: PublicKey) -> Self {
        Self { name, key, valid_from: None, valid_until: None }
    }

    /// Returns the method by which the network's document lists the key.
    fn method(&self) -> VerificationMethod {
        VerificationMethod {
            id: self.name.clone(),
            material: KeyMaterial::Multikey(Multikey::from(&self.key)),
            valid_from: self.valid_from,
            expires: self.valid_until,
            revoked: None,
        }
    }

    fn check(&self) -> Result<(), PublishingError> {
        let name = || self.name.clone();
        if self.key.suite() != Suite::Ed25519 || self.key.check().is_err() {
            return Err(PublishingError::Key { name: name(), key: self.key.clone() });
        }
        for (field, time) in [("valid_from", self.valid_from), ("valid_until", self.valid_until)] {
            if let Some(rule) = time.and_then(TimeMs::refusal) {
                return Err(PublishingError::Time { name: name(), field, rule });
            }
        }
        match (self.valid_from, self.valid_until) {
            (Some(from), Some(until)) if from >= until => {
                Err(PublishingError::Window { name: name(), from, until })
            }
            _ => Ok(()),
        }
    }
}

/// Value of the publishing record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publishing {
    /// Publishing keys, strictly ascending by name; the list may be empty.
    pub keys: Vec<PublishingKey>,
}

/// Reason why a list cannot be the value of the publishing record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishingError {
    /// The list has more than [`PUBLISHING_KEYS_MAX`] keys.
    #[error("{actual} keys, at most {PUBLISHING_KEYS_MAX} are allowed")]
    Count {
        /// Number of keys given.
        actual: usize,
    },
    /// The list is not strictly ascending by name.
    #[error("{name} is out of order or listed twice; sort by name and give each its own")]
    Order {
        /// First name that is out of order.
        name: Fragment,
    },
    /// One key is listed under two names.
    #[error("the key of {name} is listed for {first} too; each node needs its own")]
    KeyRepeated {
        /// Name under which the key is repeated.
        name: Fragment,
        /// Name under which the key is listed first.
        first: Fragment,
    },
    /// The key cannot verify status views, because it is no usable Ed25519 key.
    #[error("{name} has the key {key}, it must be a usable Ed25519 key")]
    Key {
        /// Name of the key.
        name: Fragment,
        /// Key that was given.
        key: PublicKey,
    },
    /// A time cannot be shown in a DID document.
    #[error("{field} of {name}: {rule}")]
    Time {
        /// Name of the key.
        name: Fragment,
        /// Field that holds the time.
        field: &'static str,
        /// Rule for times in documents that it breaks.
        rule: TimeError,
    },
    /// The key is never valid, because its window is empty.
    #[error("{name} is valid from {from} until {until}; the end must be later")]
    Window {
        /// Name of the key.
        name: Fragment,
        /// Time from which the key would be valid.
        from: TimeMs,
        /// Time before which the key would be valid.
        until: TimeMs,
    },
}

impl Publishing {
    /// Checks every rule and names the first that is broken.
    pub fn check(&self) -> Result<(), PublishingError> {
        if self.keys.len() > PUBLISHING_KEYS_MAX {
            return Err(PublishingError::Count { actual: self.keys.len() });
        }
        let mut previous: Option<&Fragment> = None;
        let mut owners: BTreeMap<&PublicKey, &Fragment> = BTreeMap::new();
        for entry in &self.keys {
            let name = &entry.name;
            if previous.is_some_and(|previous| previous >= name) {
                return Err(PublishingError::Order { name: name.clone() });
            }
            entry.check()?;
            if let Some(first) = owners.insert(&entry.key, name) {
                let (name, first) = (name.clone(), first.clone());
                return Err(PublishingError::KeyRepeated { name, first });
            }
            previous = Some(name);
        }
        Ok(())
    }

    /// Returns the document of the network's own DID. Each key is a method that signs claims.
    pub fn document(&self) -> Document {
        Document {
            verification_method: self.keys.iter().map(PublishingKey::method).collect(),
            assertion_method: self.keys.iter().map(|entry| entry.name.clone()).collect(),
            ..Document::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::codec;
    use crate::crypto::Hash;
    use crate::did::document::render;
    use crate::id::{Did, NetworkName};
    use crate::limits::{DOCUMENT_TIME_MS_END, OPERATION_BYTES_MAX};

    fn key(seed: u16) -> PublicKey {
        let mut secret = [7; 32];
        secret[..2].copy_from_slice(&seed.to_be_bytes());
        let raw = SigningKey::from_bytes(&secret).verifying_key().to_bytes();
        PublicKey::new(Suite::Ed25519, &raw).expect("a key")
    }

    fn entry(number: u16) -> PublishingKey {
        let name = format!("node-{number:03}").parse().expect("a fragment");
        PublishingKey::new(name, key(number))
    }

    fn list(numbers: std::ops::Range<u16>) -> Publishing {
        Publishing { keys: numbers.map(entry).collect() }
    }

    /// Returns the error text for a list with this change.
    fn refusal(change: impl FnOnce(&mut Vec<PublishingKey>)) -> String {
        let mut list = list(0..3);
        change(&mut list.keys);
        list.check().expect_err("must be refused").to_string()
    }

    #[test]
    fn a_list_has_few_keys_each_with_a_name_of_its_own_in_order() {
        let max = u16::try_from(PUBLISHING_KEYS_MAX).expect("small");
        assert_eq!(Publishing::default().check(), Ok(()));
        assert_eq!(list(0..max).check(), Ok(()));
        let actual = PUBLISHING_KEYS_MAX + 1;
        assert_eq!(list(0..max + 1).check(), Err(PublishingError::Count { actual }));
        let order = "is out of order or listed twice";
        assert!(refusal(|keys| keys.swap(0, 1)).contains(order));
        assert!(refusal(|keys| keys[1].name = keys[0].name.clone()).contains(order));
        let repeated = refusal(|keys| keys[2].key = keys[0].key.clone());
        assert_eq!(
            repeated,
            "the key of node-002 is listed for node-000 too; each node needs its own"
        );
    }

    #[test]
    fn a_key_is_one_that_verifies_views() {
        let weak = PublicKey::new(Suite::Ed25519, &[0; 32]).expect("the right length");
        let mut generator = vec![3];
        generator.extend(
            codec::from_base64url("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY")
                .expect("base64url"),
        );
        let p256 = PublicKey::new(Suite::P256, &generator).expect("the right length");
        assert_eq!(p256.check(), Ok(()));
        for wrong in [weak, p256] {
            let refused = refusal(|keys| keys[1].key = wrong.clone());
            let words = format!("node-001 has the key {wrong}, it must be a usable Ed25519 key");
            assert_eq!(refused, words);
        }
    }

    #[test]
    fn a_window_can_be_shown_and_is_not_empty() {
        let mut good = list(0..2);
        good.keys[0].valid_from = Some(TimeMs(0));
        good.keys[0].valid_until = Some(TimeMs(1_000));
        good.keys[1].valid_until = Some(TimeMs(DOCUMENT_TIME_MS_END - 1_000));
        assert_eq!(good.check(), Ok(()));
        let bounds = |from: u64, until: u64| {
            refusal(|keys| {
                keys[1].valid_from = Some(TimeMs(from));
                keys[1].valid_until = Some(TimeMs(until));
            })
        };
        assert!(bounds(1, 1_000).starts_with("valid_from of node-001: "));
        assert!(bounds(0, 1_001).starts_with("valid_until of node-001: "));
        assert!(bounds(0, DOCUMENT_TIME_MS_END).starts_with("valid_until of node-001: "));
        let empty = "node-001 is valid from 1970-01-01T00:00:01Z until 1970-01-01T00:00:01Z";
        assert!(bounds(1_000, 1_000).starts_with(empty));
    }

    #[test]
    fn the_document_lists_each_key_under_assertions_alone() {
        let mut list = list(0..2);
        list.keys[1].valid_from = Some(TimeMs(1_000));
        list.keys[1].valid_until = Some(TimeMs(2_000));
        let document = list.document();
        assert_eq!(document.check(), Ok(()));
        let network: NetworkName = "local".parse().expect("a name");
        let did = Did::of_chain(network, &Hash([7; 32]));
        let shown = serde_json::to_value(render(&did, &[], &document)).expect("JSON");
        let id = "did:idem:local:a4dqobyha4dqobyha4dqobyha4dqobyh";
        let methods = [
            serde_json::json!({
                "controller": id, "id": format!("{id}#node-000"), "type": "Multikey",
                "publicKeyMultibase": key(0).to_string(),
            }),
            serde_json::json!({
                "controller": id, "id": format!("{id}#node-001"), "type": "Multikey",
                "publicKeyMultibase": key(1).to_string(),
                "validFrom": "1970-01-01T00:00:01Z", "expires": "1970-01-01T00:00:02Z",
            }),
        ];
        let expected = serde_json::json!({
            "@context": ["https://www.w3.org/ns/did/v1.1"],
            "assertionMethod": [format!("{id}#node-000"), format!("{id}#node-001")],
            "id": id,
            "verificationMethod": methods,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_largest_list_is_small_enough_to_be_read_back() {
        let mut list = list(0..u16::try_from(PUBLISHING_KEYS_MAX).expect("small"));
        for entry in &mut list.keys {
            entry.name = format!("{}{}", entry.name, "x".repeat(56)).parse().expect("64 bytes");
            entry.valid_from = Some(TimeMs(DOCUMENT_TIME_MS_END - 2_000));
            entry.valid_until = Some(TimeMs(DOCUMENT_TIME_MS_END - 1_000));
        }
        assert_eq!(list.check(), Ok(()));
        let bytes = codec::encode(&list);
        assert_eq!(codec::decode::<Publishing>(&bytes, OPERATION_BYTES_MAX), Ok(list));
    }
}
