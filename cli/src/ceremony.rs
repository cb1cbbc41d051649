//! The parts of a genesis file, whether operators make it in a ceremony or one person makes it:
//! DIDs that it creates, entries of validators, publishing keys, and the file itself.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use genesis::GenesisFile;
use keys::{KeysError, NodeKeys, Passphrase, Pending, UserKeyFile, ValidatorSigner};
use registry_core::codec::Bytes;
use registry_core::crypto::{Hash, Suite};
use registry_core::governance::{PublishingKey, ValidatorEntry};
use registry_core::id::{Did, NetworkName, Suffix};
use registry_core::operation::{Role, SignedOperation, Signer, operation_id};
use registry_core::time::TimeMs;

use super::did::{self, NewKeys, sign};
use super::exit::Failure;
use super::limits::GENESIS_FILE_BYTES_MAX;

/// A DID that a genesis creates, with the operation that creates it.
pub(super) struct Founder {
    pub(super) did: Did,
    pub(super) operation: Bytes,
}

/// Makes a DID with new keys for a genesis that is not built yet. The key file records no chain for
/// it, because the chain id follows from the genesis and so from this operation.
pub(super) fn found(
    network: &NetworkName,
    keys: &Path,
    passphrase: Option<Passphrase>,
) -> Result<Founder, Failure> {
    let mut new = NewKeys::new(Suite::Ed25519);
    let (operation, parts) = did::founding(&mut new)?;
    let body = operation.body();
    let id = operation_id(&body);
    let control = parts.current.iter().flat_map(|current| &current.control);
    let secrets = control.filter_map(|key| new.secrets.iter().find(|new| new.public() == key));
    let signed = secrets
        .map(|secret| sign(secret, Role::Control, &Signer::Key(secret.public().clone()), &id));
    let envelope = SignedOperation::new(body, signed.collect()).bytes();
    let did = Did { network: network.clone(), suffix: Suffix::of_create(&id) };
    let pending = Pending { operation: id, envelope: Bytes(envelope.clone()), parts };
    UserKeyFile::new(keys, passphrase).update(|file| {
        for secret in new.secrets {
            file.add(secret);
        }
        file.begin(&did, Hash::ZERO, pending)?;
        file.commit(&id);
        Ok::<_, KeysError>(())
    })?;
    Ok(Founder { did, operation: Bytes(envelope) })
}

/// Returns a validator's entry for the genesis, with the keys of its home.
pub(super) fn validator_entry(
    keys: &NodeKeys,
    name: String,
    power: u64,
    addresses: Vec<String>,
) -> Result<ValidatorEntry, Failure> {
    let key = signer(keys)?.key();
    Ok(ValidatorEntry { name, key, power, peer: keys.peer_id(), addresses })
}

/// Returns a node's publishing key as the genesis lists it.
pub(super) fn publishing_key(keys: &NodeKeys, name: &str) -> Result<PublishingKey, Failure> {
    let name = name.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let absent = || Failure::usage_with("the home has no publishing key", "run `idem init` again");
    let key = keys.publishing.as_ref().ok_or_else(absent)?.public().clone();
    Ok(PublishingKey::new(name, key))
}

/// Returns the signer of a validator. Fails for a follower.
pub(super) fn signer(keys: &NodeKeys) -> Result<&ValidatorSigner, Failure> {
    keys.validator.as_ref().ok_or_else(|| Failure::usage("a follower has no validator key"))
}

/// Reads and checks a genesis file.
pub(super) fn read_genesis(path: &Path) -> Result<GenesisFile, Failure> {
    let failed =
        |reason: String| Failure::usage(format!("the genesis file {}: {reason}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if length > GENESIS_FILE_BYTES_MAX {
        return Err(failed(format!("{length} bytes, at most {GENESIS_FILE_BYTES_MAX} allowed")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    GenesisFile::parse(&text).map_err(|error| failed(error.to_string()))
}

/// Returns this machine's time in the form that a genesis uses.
pub(super) fn now() -> TimeMs {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
