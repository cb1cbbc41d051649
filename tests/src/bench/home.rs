//! The home of a validator that is a network by itself.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use genesis::{GenesisFile, Outline};
use keys::{Home, NodeRole, ValidatorSigner, write_atomic};
use node::config::local::Ports;
use node::config::template;
use node::identity::create_keys;
use registry_core::governance::{PublishingKey, ValidatorEntry};
use registry_core::time::TimeMs;
use toml::Value;

/// Name of the network and of its only validator.
const NAME: &str = "bench";
/// Power of the validator. As many newcomers as there may be can join beside it with a power of 1.
const POWER: u64 = 1_000;

/// Creates the home with keys, configuration, and the genesis that `change` makes of the usual one.
pub(super) fn make(
    home: &Home,
    change: impl FnOnce(Outline) -> Outline,
) -> Result<(GenesisFile, ValidatorSigner)> {
    let ports = Ports::free(1)?.pop().context("no free port")?;
    let keys = create_keys(home, NodeRole::Validator, None)?;
    let peer = keys.peer_id();
    let validator = keys.validator.context("the home has no validator key")?;
    let publishing = keys.publishing.context("the home has no publishing key")?;
    let publishing = PublishingKey::new(NAME.parse()?, publishing.public().clone());
    let entry = ValidatorEntry {
        name: NAME.to_owned(),
        key: validator.key(),
        power: POWER,
        peer,
        addresses: vec![ports.p2p_address()],
    };
    let time_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let outline = Outline::new(NAME.parse()?, TimeMs(u64::try_from(time_ms)?));
    let outline = Outline { publishing: vec![publishing], ..outline };
    let genesis = change(outline).with_validators(vec![entry])?;
    write(&home.genesis_file(), &genesis.to_json())?;
    let mut settings = ports.settings();
    settings.push(("node.role", Value::from(NodeRole::Validator.name())));
    write(&home.config_file(), &template::render(&settings))?;
    Ok((genesis, validator))
}

fn write(path: &Path, text: &str) -> Result<()> {
    write_atomic(path, text.as_bytes(), 0o644)
        .map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}

/// Reads the genesis of a home that was created before.
pub(super) fn genesis(home: &Home) -> Result<GenesisFile> {
    Ok(GenesisFile::parse(&std::fs::read_to_string(home.genesis_file())?)?)
}
