//! Those who found a network that is made in one place: its governors, and the authority of its
//! endorsers.

use std::path::{Path, PathBuf};

use genesis::Outline;
use keys::Passphrase;
use registry_core::governance::{EndorsedWrites, Governors, WritePolicy};

use super::ceremony::found;
use super::exit::Failure;

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
