//! The files of homes that `init`, `testnet` and `localnet` make: keys with their height floor, the
//! genesis and the configuration.

use std::path::Path;

use genesis::{GenesisFile, Outline};
use keys::{Home, NodeRole, Passphrase};
use node::config::template;
use node::identity::{CreateError, create_keys};
use registry_core::governance::ValidatorEntry;
use toml::Value;

use super::ceremony::{publishing_key, read_genesis, validator_entry};
use super::exit::Failure;
use super::file::{refuse_existing, write_text};
use super::founders;

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Self {
        Self::usage(error.to_string())
    }
}

/// Files and directories of such a network that are not part of a home.
const SHARED: [&str; 2] = ["genesis.json", founders::KEYS];

/// A node of a network whose homes are all made in one place.
pub(super) struct Member {
    /// Name of the home and, in the genesis, of the validator.
    pub(super) name: String,
    pub(super) role: NodeRole,
    /// Multiaddress at which the other nodes reach this one, without `/p2p`.
    pub(super) address: String,
    /// Further settings of this node, as `section.key` and value. Role and peers are added to them.
    pub(super) settings: Vec<(&'static str, Value)>,
}

impl Member {
    /// Returns the node's home under the directory of the network.
    pub(super) fn home(&self, dir: &Path) -> Home {
        Home::new(dir.join(&self.name))
    }
}

/// Makes `dir`/genesis.json, a home under `dir` for each member, and the founders' key files in
/// `dir`/keys. Each validator has power 1. With `endorsed`, writes need an endorsement, and
/// `endorsed` is the cost in units of what an endorser may vouch for in an hour. Asks
/// `passphrase` for each key file first. Fails if one of the files or homes exists already.
pub(super) fn make_network(
    dir: &Path,
    mut outline: Outline,
    members: &[Member],
    endorsed: Option<u64>,
    passphrase: impl Fn(&Path) -> Result<Option<Passphrase>, Failure>,
) -> Result<GenesisFile, Failure> {
    let remedy = "a network is made once: name another --dir, or remove what is there";
    for name in SHARED {
        refuse_existing(&dir.join(name), remedy)?;
    }
    let mut passphrases = Vec::new();
    for member in members {
        let home = member.home(dir);
        refuse_existing(home.path(), remedy)?;
        passphrases.push(match member.role {
            NodeRole::Validator => passphrase(&home.validator_key_file())?,
            NodeRole::Follower => None,
        });
    }
    let founders = founders::files(dir, endorsed.is_some()).map(|file| passphrase(&file));
    let founders: Vec<_> = founders.collect::<Result<_, _>>()?;
    let cannot = |error| Failure::usage(format!("cannot write in {}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(cannot)?;
    // Everything is made in a temporary directory and moved at the end, so that a failure before
    // that leaves nothing behind.
    let staging = tempfile::Builder::new().prefix(".idem-").tempdir_in(dir).map_err(cannot)?;
    founders::found_network(&mut outline, staging.path(), founders, endorsed)?;
    let genesis = fill(staging.path(), outline, members, passphrases)?;
    for name in members.iter().map(|member| member.name.as_str()).chain(SHARED) {
        std::fs::rename(staging.path().join(name), dir.join(name)).map_err(cannot)?;
    }
    Ok(genesis)
}

fn fill(
    dir: &Path,
    mut outline: Outline,
    members: &[Member],
    passphrases: Vec<Option<Passphrase>>,
) -> Result<GenesisFile, Failure> {
    let mut keys = Vec::new();
    for (member, passphrase) in members.iter().zip(passphrases) {
        keys.push(create_keys(&member.home(dir), member.role, passphrase)?);
    }
    for (member, keys) in members.iter().zip(&keys) {
        outline.publishing.push(publishing_key(keys, &member.name)?);
    }
    let mut validators = Vec::new();
    for (member, keys) in members.iter().zip(&keys).filter(|(_, keys)| keys.validator.is_some()) {
        let addresses = vec![member.address.clone()];
        validators.push(validator_entry(keys, member.name.clone(), 1, addresses)?);
    }
    let genesis = outline.with_validators(validators.clone())?;
    write_text(&dir.join("genesis.json"), &genesis.to_json())?;
    for member in members {
        let home = member.home(dir);
        write_genesis(&home, &genesis)?;
        let others = validators.iter().filter(|entry| entry.name != member.name);
        let mut settings = member.settings.clone();
        settings.push(("node.role", Value::from(member.role.name())));
        settings.push(("p2p.peers", Value::Array(others.flat_map(peers).collect())));
        write_config(&home, &settings)?;
    }
    Ok(genesis)
}

/// Returns the addresses of a validator in the form of the setting `p2p.peers`.
fn peers(entry: &ValidatorEntry) -> impl Iterator<Item = Value> {
    entry.addresses.iter().map(|address| Value::from(format!("{address}/p2p/{}", entry.peer)))
}

/// Writes HOME/config.toml with the given settings, and all others as comments.
pub(super) fn write_config(home: &Home, settings: &[(&str, Value)]) -> Result<(), Failure> {
    write_text(&home.config_file(), &template::render(settings))
}

/// Writes HOME/genesis.json. Fails if the home has another genesis already, because a home belongs
/// to one chain.
pub(super) fn write_genesis(home: &Home, genesis: &GenesisFile) -> Result<(), Failure> {
    let path = home.genesis_file();
    if !path.exists() {
        return write_text(&path, &genesis.to_json());
    }
    let present = read_genesis(&path)?.chain_id();
    if present == genesis.chain_id() {
        return Ok(());
    }
    Err(Failure::usage_with(
        format!("{} holds another genesis, of chain {present}", path.display()),
        "use another --home: a home belongs to one chain",
    ))
}
