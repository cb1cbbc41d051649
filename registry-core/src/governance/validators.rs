//! Rules of validators: their names, keys, peers and addresses, and that no key has two uses.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use super::{GovernanceError, Publishing, ValidatorEntry, Validators};
use crate::codec;
use crate::crypto::{PublicKey, Suite};
use crate::limits::{
    OPERATION_BYTES_MAX, VALIDATOR_ADDRESS_BYTES_MAX, VALIDATOR_ADDRESSES_MAX,
    VALIDATOR_NAME_BYTES_MAX,
};

/// Start of the libp2p peer id of an Ed25519 key: identity multihash (0x00, 36 bytes) of the key's
/// protobuf.
const PEER_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

impl Validators {
    /// Checks every rule of the list and names the first that is broken.
    pub fn check(&self) -> Result<(), GovernanceError> {
        for (index, entry) in self.validators.iter().enumerate() {
            entry.check(&format!("validators[{index}]"))?;
        }
        self.check_unique("validators")?;
        self.set()?;
        let bytes = codec::encode(self).len();
        if bytes > OPERATION_BYTES_MAX {
            let expected =
                format!("at most {OPERATION_BYTES_MAX} bytes of CBOR; use fewer addresses");
            return Err(GovernanceError::value("validators", format!("{bytes} bytes"), expected));
        }
        Ok(())
    }

    /// Checks that no two validators share a name, a key or a peer id.
    pub fn check_unique(&self, path: &str) -> Result<(), GovernanceError> {
        let mut seen: BTreeMap<(&str, String), &str> = BTreeMap::new();
        for (index, entry) in self.validators.iter().enumerate() {
            let (key, name, peer) = (entry.key.to_string(), entry.name.clone(), entry.peer.clone());
            for (field, actual) in [("name", name), ("key", key), ("peer", peer)] {
                if let Some(first) = seen.insert((field, actual.clone()), &entry.name) {
                    let (path, first) = (format!("{path}[{index}].{field}"), first.to_owned());
                    return Err(GovernanceError::Duplicate { path, actual, first });
                }
            }
        }
        Ok(())
    }

    /// Checks that no validator votes or connects to its peers with a publishing key of the list.
    pub fn check_publishing(&self, publishing: &Publishing) -> Result<(), GovernanceError> {
        for (index, entry) in publishing.keys.iter().enumerate() {
            self.check_own_use(&entry.key, &format!("publishing[{index}].key"))?;
        }
        Ok(())
    }

    /// Checks that no validator votes or connects to its peers with the key.
    pub fn check_own_use(&self, key: &PublicKey, path: &str) -> Result<(), GovernanceError> {
        let used = |validator: &&ValidatorEntry| {
            let peer = peer_key(&validator.peer);
            validator.key.0 == key.raw() || peer.is_some_and(|peer| peer.raw() == key.raw())
        };
        let Some(validator) = self.validators.iter().find(used) else { return Ok(()) };
        let name = &validator.name;
        let expected =
            format!("a key of its own: {name} votes or speaks to its peers with this one");
        Err(GovernanceError::value(path, key, expected))
    }
}

impl ValidatorEntry {
    /// Checks the rules of one validator by itself. [`Validators::set`] checks key and power.
    pub fn check(&self, path: &str) -> Result<(), GovernanceError> {
        if !is_name(&self.name) {
            let max = VALIDATOR_NAME_BYTES_MAX;
            let expected = format!("1 to {max} of a-z, 0-9 and -, with no - at the ends");
            let actual = format!("{:?}", self.name);
            return Err(GovernanceError::value(format!("{path}.name"), actual, expected));
        }
        let peer = peer_key(&self.peer).ok_or_else(|| {
            let expected = "the peer id of a usable Ed25519 key, base58, like 12D3KooW…";
            GovernanceError::value(format!("{path}.peer"), format!("{:?}", self.peer), expected)
        })?;
        if peer.raw() == self.key.0 {
            let expected =
                "of another key than the validator's: votes and transport never share one";
            return Err(GovernanceError::value(format!("{path}.peer"), &self.peer, expected));
        }
        self.check_addresses(path)
    }

    fn check_addresses(&self, path: &str) -> Result<(), GovernanceError> {
        let count = self.addresses.len();
        if count == 0 || count > VALIDATOR_ADDRESSES_MAX {
            let expected = format!("1 to {VALIDATOR_ADDRESSES_MAX} addresses, the preferred first");
            let actual = format!("{count} addresses");
            return Err(GovernanceError::value(format!("{path}.addresses"), actual, expected));
        }
        for (index, address) in self.addresses.iter().enumerate() {
            if !is_address(address) {
                let expected = "like /ip4/192.0.2.1/tcp/7640: ip4, ip6, dns, dns4 or dns6 and a \
                                TCP port, in normal spelling and without /p2p";
                let path = format!("{path}.addresses[{index}]");
                return Err(GovernanceError::value(path, format!("{address:?}"), expected));
            }
        }
        Ok(())
    }
}

/// True if a validator may have this name.
pub(super) fn is_name(text: &str) -> bool {
    is_label(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// True for a DNS label, which has letters, digits and inner hyphens.
fn is_label(text: &str) -> bool {
    (1..=VALIDATOR_NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn peer_key(peer: &str) -> Option<PublicKey> {
    let bytes = bs58::decode(peer).into_vec().ok()?;
    let key = PublicKey::new(Suite::Ed25519, bytes.strip_prefix(&PEER_PREFIX)?).ok()?;
    key.check().is_ok().then_some(key)
}

fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let ["", kind, host, "tcp", port] = parts.as_slice() else { return false };
    let host_ok = match *kind {
        "ip4" => host.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == *host),
        "ip6" => host.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == *host),
        "dns" | "dns4" | "dns6" => host.len() <= 253 && host.split('.').all(is_label),
        _ => false,
    };
    let port_ok = port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with(['0', '+']);
    text.len() <= VALIDATOR_ADDRESS_BYTES_MAX && host_ok && port_ok
}
