//! `idem genesis`: a ceremony in which each operator makes its own key and publishes only the
//! public part (docs/operations/ceremony.md).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use genesis::{Entry, GenesisError, GenesisFile, Outline};
use keys::{NodeKeys, NodeRole};
use registry_core::codec::{self, Bytes};
use registry_core::crypto::PublicKey;
use registry_core::governance::{Governors, Parameters, PublishingKey};
use registry_core::id::{Did, NetworkName};
use registry_core::time::TimeMs;
use serde_json::json;

use super::ceremony::{Founder, found, now, publishing_key, read_genesis, signer, validator_entry};
use super::context::Context;
use super::exit::{Failure, warn};
use super::file::{read_text, write_new_text};
use super::limits::GENESIS_FILE_BYTES_MAX;
use super::passphrase::PassphraseArgs;

#[derive(Debug, Subcommand)]
pub(super) enum GenesisCommand {
    /// Make a DID for the genesis to create: a governor, or the authority of endorsers
    Did(GenesisDidArgs),
    /// Write the entry of this home's validator, to be sent to whoever builds
    Entry(GenesisEntryArgs),
    /// Build a genesis file from the entries of all validators
    Build(GenesisBuildArgs),
    /// Check a genesis file and name what is wrong with it
    Check(GenesisFileArgs),
    /// Print the chain id of a genesis file, for comparing over another channel
    Hash(GenesisFileArgs),
}

#[derive(Debug, Args)]
pub(super) struct GenesisEntryArgs {
    /// Name of the network; the entry is valid for no other
    #[arg(long, value_name = "NAME")]
    network: NetworkName,
    /// The validator's name for people: a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Multiaddress under which the other validators reach it; may be repeated
    #[arg(long = "address", value_name = "MULTIADDR", required = true)]
    addresses: Vec<String>,
    /// Voting power
    #[arg(long, value_name = "POWER", default_value_t = 1)]
    power: u64,
    /// Where to write the entry [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(super) struct GenesisDidArgs {
    /// Name of the network that the DID is for
    #[arg(long, value_name = "NAME")]
    network: NetworkName,
    /// Key file that receives the new keys
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(super) struct GenesisBuildArgs {
    /// The entries, one file for each validator, in any order
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<PathBuf>,
    /// Name of the network in its DIDs
    #[arg(long, value_name = "NAME")]
    network: NetworkName,
    /// JSON file with the chain's parameters [default: the documented ones]
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// URL at which the network answers in public, without a slash at the end
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Publishing key of a node that makes no entry, as its `idem keys show` prints it; may be
    /// repeated, and all builders must give the same
    #[arg(long = "publishing", value_name = "NAME=KEY", value_parser = publishing)]
    publishing: Vec<PublishingKey>,
    /// Operation that creates a DID, as `idem genesis did` prints it; may be repeated, and all
    /// builders must give the same in the same order
    #[arg(long = "operation", value_name = "BASE64URL", value_parser = operation)]
    operations: Vec<Bytes>,
    /// DID of one who governs the network, created by one of the operations; may be repeated
    #[arg(long = "governor", value_name = "DID", requires = "governors_needed")]
    governors: Vec<Did>,
    /// How many of the governors must approve a change
    #[arg(long, value_name = "K", requires = "governors")]
    governors_needed: Option<u8>,
    /// Time of the genesis block, RFC 3339; all builders must give the same [default: now]
    #[arg(long, value_name = "TIME", value_parser = TimeMs::from_exact_text)]
    time: Option<TimeMs>,
    /// Where to write the genesis file
    #[arg(long, value_name = "FILE", default_value = "genesis.json")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct GenesisFileArgs {
    /// The genesis file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Parses `NAME=KEY`. The check of the genesis file decides whether name and key are allowed.
fn publishing(text: &str) -> Result<PublishingKey, String> {
    let (name, key) = text.split_once('=').ok_or("give NAME=KEY, such as follower-1=z6Mk…")?;
    let name = name.parse().map_err(|error| format!("{error}"))?;
    let key = PublicKey::from_multikey(key).map_err(|error| error.to_string())?;
    Ok(PublishingKey::new(name, key))
}

fn operation(text: &str) -> Result<Bytes, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

pub(super) fn run(command: GenesisCommand, context: &Context) -> Result<(), Failure> {
    match command {
        GenesisCommand::Did(GenesisDidArgs { network, keys, passphrase }) => {
            let passphrase = passphrase.passphrase(&keys)?;
            let Founder { did, operation } = found(&network, &keys, passphrase)?;
            let text = codec::base64url(&operation.0);
            let human = format!("did        {did}\noperation  {text}");
            context.print(&json!({ "did": did, "operation": text }), human)
        }
        GenesisCommand::Entry(args) => entry(args, context),
        GenesisCommand::Build(args) => build(args, context),
        GenesisCommand::Check(args) => {
            let genesis = read_genesis(&args.file)?;
            show(&genesis, &args.file, context)
        }
        GenesisCommand::Hash(args) => {
            let genesis = read_genesis(&args.file)?;
            let chain_id = genesis.chain_id();
            context.print(&json!({ "network": genesis.network, "chain_id": chain_id }), chain_id)
        }
    }
}

fn entry(args: GenesisEntryArgs, context: &Context) -> Result<(), Failure> {
    let GenesisEntryArgs { network, name, addresses, power, out, passphrase } = args;
    let passphrase = passphrase.passphrase(&context.home.validator_key_file())?;
    let keys = NodeKeys::load(&context.home, NodeRole::Validator, passphrase)?;
    let signer = signer(&keys)?;
    let validator = validator_entry(&keys, name, power, addresses)?;
    let publishing = publishing_key(&keys, &validator.name)?;
    let signature = signer.sign_genesis_entry(&Entry::message(&network, &validator, &publishing));
    let entry = Entry { network, validator, publishing, signature };
    entry.check()?;
    let Some(path) = out else { return context.print(&entry, entry.to_json()) };
    write_new_text(&path, &entry.to_json())?;
    let human = format!("wrote {}; send it to whoever builds the genesis", path.display());
    context.print(&json!({ "entry": path, "validator": entry.validator }), human)
}

fn build(args: GenesisBuildArgs, context: &Context) -> Result<(), Failure> {
    let parameters = match &args.parameters {
        Some(path) => read_parameters(path)?,
        None => Parameters::default(),
    };
    let time = args.time.unwrap_or_else(now);
    let GenesisBuildArgs { public_url, publishing, operations, governors: mut members, .. } = args;
    members.sort();
    let governors = args.governors_needed.map(|threshold| Governors { threshold, members });
    let network = args.network;
    let outline =
        Outline { network, time, public_url, parameters, publishing, governors, operations };
    let entries = args.entries.iter().map(|path| read_entry(path));
    let genesis = outline.build(&entries.collect::<Result<Vec<_>, _>>()?)?;
    write_new_text(&args.out, &genesis.to_json())?;
    show(&genesis, &args.out, context)
}

/// Turns an error of the genesis crate into a failure that names the file.
fn in_file(path: &Path) -> impl Fn(GenesisError) -> Failure {
    move |error| Failure::usage(format!("{}: {error}", path.display()))
}

pub(super) fn read_entry(path: &Path) -> Result<Entry, Failure> {
    Entry::parse(&read_text(path, GENESIS_FILE_BYTES_MAX)?).map_err(in_file(path))
}

pub(super) fn read_parameters(path: &Path) -> Result<Parameters, Failure> {
    let text = read_text(path, GENESIS_FILE_BYTES_MAX)?;
    serde_json::from_str(&text).map_err(|error| in_file(path)(error.into()))
}

/// Shows a valid genesis file, and its warnings on standard error.
fn show(genesis: &GenesisFile, path: &Path, context: &Context) -> Result<(), Failure> {
    let warnings: Vec<String> = genesis.warnings().iter().map(ToString::to_string).collect();
    for warning in &warnings {
        warn(warning);
    }
    let (network, chain_id) = (&genesis.network, genesis.chain_id());
    let time = genesis.time.millis();
    let mut human = format!(
        "genesis   {} is valid\nnetwork   {network}\nchain id  {chain_id}\ntime      {time}\n",
        path.display()
    );
    for entry in &genesis.validators {
        // Writing to a String cannot fail.
        let _written = writeln!(
            human,
            "validator {}, power {}, {}, {}",
            entry.name,
            entry.power,
            entry.key,
            entry.addresses.join(" ")
        );
    }
    for entry in &genesis.publishing {
        let _written = writeln!(human, "publishing {}, {}", entry.name, entry.key);
    }
    let json = json!({
        "genesis": path,
        "network": network,
        "chain_id": chain_id,
        "time": time,
        "validators": genesis.validators,
        "publishing": genesis.publishing,
        "warnings": warnings,
    });
    context.print(&json, human)
}
