//! `idem start`: run a node.

use std::io::IsTerminal as _;

use clap::Args;
use keys::{NodeKeys, NodeRole};
use node::config::{Config, Loaded, LogFormat};
use node::run::{self, RunError};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::ceremony::read_genesis;
use super::config::SettingArgs;
use super::context::Context;
use super::exit::Failure;
use super::passphrase::PassphraseArgs;

#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// Begin with this height floor when HOME/keys/height-floor is lost. The validator signs
    /// nothing at or below it; a floor below what it once signed makes it equivocate
    #[arg(long, value_name = "HEIGHT")]
    init_height_floor: Option<u64>,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::usage(error.to_string())
    }
}

pub(super) async fn run(args: StartArgs, context: &Context) -> Result<(), Failure> {
    let home = &context.home;
    let config = Loaded::load(home, &args.settings.pairs())?.config;
    start_logging(&config)?;
    let role = config.node.role;
    let passphrase = match role {
        NodeRole::Validator => args.passphrase.passphrase(&home.validator_key_file())?,
        NodeRole::Follower => None,
    };
    let keys = NodeKeys::load(home, role, passphrase)?;
    let genesis = read_genesis(&home.genesis_file())?;
    let unheard = |error| Failure::usage(format!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let running = run::start(home, &config, genesis, keys, args.init_height_floor).await?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(running.until(stop).await?)
}

/// The consensus core logs every step at level info, and gossip warns of every repeated message.
/// The node itself logs what operators need to know of both.
const QUIET: &str = "arc_malachitebft=warn,libp2p_gossipsub=error";

fn start_logging(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log.level))
        .map_err(|error| Failure::usage(format!("log.level: {error}")))?;
    let human = match config.log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if human { log.try_init() } else { log.json().try_init() };
    started.map_err(|error| Failure::usage(format!("cannot start logging: {error}")))
}
