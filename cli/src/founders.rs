//! Founders of a network whose nodes are all set up in one place: its governors and, if writes need
//! endorsement, the authority that grants the right to endorse.

use std::path::{Path, PathBuf};

use genesis::Outline;
use keys::Passphrase;
use registry_core::governance::{EndorsedWrites, Governors, WritePolicy};

use super::ceremony::found;
use super::exit::Failure;

/// Number of governors of such a network, and number of approvals that a change needs.
const GOVERNORS: usize = 3;
const THRESHOLD: u8 = 2;

/// Name of the key file of the authority that grants the right to endorse.
pub(super) const AUTHORITY: &str = "registry";

/// Directory of the founders' key files, under the directory of the network.
pub(super) const KEYS: &str = "keys";

/// Returns the path of a founder's key file.
pub(super) fn key_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(KEYS).join(format!("{name}.json"))
}

/// Returns the key files of the governors and, if writes need endorsement, of the authority.
pub(super) fn files(dir: &Path, endorsed: bool) -> impl Iterator<Item = PathBuf> {
    let governors = (1..=GOVERNORS).map(|number| format!("governor-{number}"));
    let authority = endorsed.then(|| AUTHORITY.to_owned());
    governors.chain(authority).map(|name| key_file(dir, &name))
}

/// Adds the governors to a genesis and, if `endorsed` is given, an authority whose grants decide
/// who may write. `endorsed` is the cost in units of what an endorser may vouch for in an hour.
/// `passphrases` has one item for each of [`files`], in the same order.
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
    if let Some(cost_per_hour) = endorsed
        && let Some(authority) = members.pop()
    {
        let policy = EndorsedWrites { authority, cost_per_hour };
        outline.parameters.write_policy = WritePolicy::Endorsed(policy);
    }
    members.sort();
    outline.governors = Some(Governors { threshold: THRESHOLD, members });
    Ok(())
}
