//! DIDs that a genesis creates: those who govern a network from its first block on, and the
//! authority of its endorsers.

use std::path::{Path, PathBuf};

use genesis::Outline;
use registry_core::codec::Bytes;
use registry_core::crypto::{Hash, Suite};
use registry_core::governance::{EndorsedWrites, Governors, WritePolicy};
use registry_core::id::{Did, NetworkName, Suffix};
use registry_core::operation::{Role, SignedOperation, Signer, operation_id};

use super::did::{self, NewKeys, sign};
use super::exit::Failure;
use crate::keys::{KeysError, Passphrase, Pending, UserKeyFile};

/// A DID of a genesis, and the operation that creates it there.
pub(super) struct Founder {
    pub(super) did: Did,
    pub(super) operation: Bytes,
}

/// Makes a DID of new keys for a genesis that is still to be built. The key file notes it without
/// a chain: the chain id follows from the genesis, and so from this very operation.
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

/// Governors of a network that is made in one place, and how many of them must approve.
const GOVERNORS: usize = 3;
const THRESHOLD: u8 = 2;

/// Where such a network keeps the key file of one that founds it.
pub(super) fn key_file(dir: &Path, name: &str) -> PathBuf {
    dir.join("keys").join(format!("{name}.json"))
}

/// Gives a network governors, with a key file for each.
pub(super) fn govern(
    outline: &mut Outline,
    dir: &Path,
    passphrase: impl Fn(&Path) -> Result<Option<Passphrase>, Failure>,
) -> Result<(), Failure> {
    let mut members = Vec::new();
    for number in 1..=GOVERNORS {
        let keys = key_file(dir, &format!("governor-{number}"));
        let founder = found(&outline.network, &keys, passphrase(&keys)?)?;
        outline.operations.push(founder.operation);
        members.push(founder.did);
    }
    members.sort();
    outline.governors = Some(Governors { threshold: THRESHOLD, members });
    Ok(())
}

/// Lets only those write on a network whom a new authority, with a plain key file of its own, lets.
pub(super) fn endorse(
    outline: &mut Outline,
    dir: &Path,
    operations_per_hour: u64,
) -> Result<Did, Failure> {
    let founder = found(&outline.network, &key_file(dir, "registry"), None)?;
    outline.operations.push(founder.operation);
    let authority = founder.did.clone();
    let policy = EndorsedWrites { authority, operations_per_hour };
    outline.parameters.write_policy = WritePolicy::Endorsed(policy);
    Ok(founder.did)
}
