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

/// Name of the key file of the authority of endorsers.
pub(super) const AUTHORITY: &str = "registry";

/// Where such a network keeps the key files of those who found it.
pub(super) const KEYS: &str = "keys";

/// The key file of one of them.
pub(super) fn key_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(KEYS).join(format!("{name}.json"))
}

/// The key files of the governors, and of the authority of endorsers where there is one.
pub(super) fn files(dir: &Path, endorsed: bool) -> impl Iterator<Item = PathBuf> {
    let governors = (1..=GOVERNORS).map(|number| format!("governor-{number}"));
    let authority = endorsed.then(|| AUTHORITY.to_owned());
    governors.chain(authority).map(|name| key_file(dir, &name))
}

/// Gives a network governors; and, where it is endorsed, an authority whose grants say who may
/// write. `passphrases` are those of [`files`], in order.
pub(super) fn found_network(
    outline: &mut Outline,
    dir: &Path,
    passphrases: Vec<Option<Passphrase>>,
    endorsed: Option<u64>,
) -> Result<(), Failure> {
    let cannot = |error| Failure::usage(format!("cannot write in {}: {error}", dir.display()));
    std::fs::create_dir_all(dir.join(KEYS)).map_err(cannot)?;
    let mut members = Vec::new();
    for (keys, passphrase) in files(dir, endorsed.is_some()).zip(passphrases) {
        let founder = found(&outline.network, &keys, passphrase)?;
        outline.operations.push(founder.operation);
        members.push(founder.did);
    }
    if let Some(operations_per_hour) = endorsed
        && let Some(authority) = members.pop()
    {
        let policy = EndorsedWrites { authority, operations_per_hour };
        outline.parameters.write_policy = WritePolicy::Endorsed(policy);
    }
    members.sort();
    outline.governors = Some(Governors { threshold: THRESHOLD, members });
    Ok(())
}
