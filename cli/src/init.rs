//! `idem init`: make the home of one node.

use std::path::PathBuf;

use clap::Args;
use genesis::GenesisFile;
use keys::{NodeKeys, NodeRole};
use node::config::{Loaded, Source};
use node::identity::create_keys;
use serde_json::json;

use super::ceremony::read_genesis;
use super::config::SettingArgs;
use super::context::Context;
use super::exit::{Failure, warn};
use super::homes;
use super::passphrase::PassphraseArgs;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The network's genesis file; it is checked and copied to HOME/genesis.json
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Makes what HOME lacks and keeps what it has, so that an interrupted run can be repeated.
pub(super) fn run(args: InitArgs, context: &Context) -> Result<(), Failure> {
    let home = &context.home;
    let loaded = Loaded::load(home, &args.settings.pairs())?;
    // An invalid genesis file is refused before anything is made.
    let given = args.genesis.as_deref().map(read_genesis).transpose()?;
    let role = loaded.config.node.role;
    let passphrase = match role {
        NodeRole::Validator => args.passphrase.passphrase(&home.validator_key_file())?,
        NodeRole::Follower => None,
    };
    let keys = create_keys(home, role, passphrase)?;
    if !home.config_file().exists() {
        let chosen: Vec<(&str, toml::Value)> = loaded
            .values
            .iter()
            .filter(|(_, (_, source))| *source != Source::Default)
            .map(|(key, (value, _))| (key.as_str(), value.clone()))
            .collect();
        homes::write_config(home, &chosen)?;
    }
    if let Some(genesis) = &given {
        homes::write_genesis(home, genesis)?;
    }
    let path = home.genesis_file();
    let genesis = if path.exists() { Some(read_genesis(&path)?) } else { None };
    if let Some(genesis) = &genesis {
        warn_of_genesis(genesis, &keys)?;
    }
    let peer_id = keys.peer_id();
    let validator = keys.validator.as_ref().map(|signer| signer.key().to_string());
    let publishing = keys.publishing.as_ref().map(|signer| signer.public().to_string());
    let chain_id = genesis.as_ref().map(GenesisFile::chain_id);
    let shown = chain_id.map_or("none, no genesis file yet".to_owned(), |id| id.to_string());
    let human = format!(
        "home       {}\nrole       {}\npeer id    {peer_id}\nvalidator  {}\npublishing {}\n\
         chain id   {shown}\nnext       {}",
        home.path().display(),
        role.name(),
        shown_validator(validator.as_deref(), genesis.as_ref()),
        publishing.as_deref().unwrap_or("none"),
        if genesis.is_some() {
            format!("idem start --home {}", home.path().display())
        } else {
            format!("idem init --home {} --genesis FILE", home.path().display())
        },
    );
    let json = json!({
        "home": home.path(),
        "role": role,
        "peerId": peer_id,
        "validator": validator,
        "publishing": publishing,
        "genesis": genesis.is_some().then_some(path),
        "chain_id": chain_id,
    });
    context.print(&json, human)
}

/// Shows the validator key, with a remark if the genesis does not name it and the node must wait to
/// be admitted.
fn shown_validator(key: Option<&str>, genesis: Option<&GenesisFile>) -> String {
    let Some(key) = key else { return "none, this is a follower".to_owned() };
    let is_named =
        |genesis: &GenesisFile| genesis.validators.iter().any(|entry| entry.key.to_string() == key);
    match genesis {
        Some(genesis) if !is_named(genesis) => {
            format!("{key}\n           not in the genesis: follows until governance admits it")
        }
        _ => key.to_owned(),
    }
}

/// Warns of conditions that are allowed but that an operator might not expect.
fn warn_of_genesis(genesis: &GenesisFile, keys: &NodeKeys) -> Result<(), Failure> {
    for warning in genesis.warnings() {
        warn(warning);
    }
    let Some(key) = keys.validator.as_ref().map(|signer| signer.key()) else { return Ok(()) };
    let peer_id = keys.peer_id();
    match genesis.validators.iter().find(|entry| entry.key == key) {
        // The validator waits to be admitted by governance, which needs no warning.
        None => {}
        Some(entry) if entry.peer != peer_id => warn(format!(
            "the genesis gives {} the peer id {}, this home has {peer_id}: the other validators \
             will not know it",
            entry.name, entry.peer
        )),
        Some(_) => {}
    }
    Ok(())
}
