//! `idem config`: check the configuration and show the settings in force.

use std::collections::BTreeMap;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use keys::NodeRole;
use node::config::{Loaded, LogFormat, Problems};
use serde_json::json;

use super::context::Context;
use super::exit::Failure;

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::usage(problems.to_string())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check HOME/config.toml, the environment and the flags, and name every mistake
    Check(SettingArgs),
    /// Show every setting in force and where it came from
    Show(SettingArgs),
}

/// Settings as flags, which take precedence over the environment and the configuration file.
#[derive(Debug, Default, Args)]
pub(super) struct SettingArgs {
    /// Whether this node votes [node.role]
    #[arg(long, value_parser = role(), help_heading = "Settings")]
    role: Option<NodeRole>,
    /// Multiaddress on which the node listens for peers [p2p.listen]
    #[arg(long, value_name = "MULTIADDR", help_heading = "Settings")]
    p2p_listen: Option<String>,
    /// Peer to dial, with /p2p/<peer id>; may be repeated [p2p.peers]
    #[arg(long, value_name = "MULTIADDR", help_heading = "Settings")]
    peer: Vec<String>,
    /// Address of the public listener [rpc.listen]
    #[arg(long, value_name = "ADDRESS", help_heading = "Settings")]
    rpc_listen: Option<String>,
    /// Address of the private listener, loopback [admin.listen]
    #[arg(long, value_name = "ADDRESS", help_heading = "Settings")]
    admin_listen: Option<String>,
    /// Log level, or filter directives [log.level]
    #[arg(long, value_name = "LEVEL", help_heading = "Settings")]
    log_level: Option<String>,
    /// How log lines are written [log.format]
    #[arg(long, value_enum, help_heading = "Settings")]
    log_format: Option<LogFormat>,
    /// Any setting by its key, for example rpc.batch_entries_max=50; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value, help_heading = "Settings")]
    set: Vec<(String, String)>,
}

/// Returns the parser of a role, which lists the names of the roles in the help.
fn role() -> impl TypedValueParser<Value = NodeRole> {
    let names = PossibleValuesParser::new(NodeRole::ALL.map(NodeRole::name));
    names.try_map(|name| {
        let named = NodeRole::ALL.into_iter().find(|role| role.name() == name);
        named.ok_or_else(|| format!("{name:?} is no role"))
    })
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err("it must be KEY=VALUE".to_owned()),
    }
}

impl SettingArgs {
    /// Returns the settings that the flags give, as pairs of key and text.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let peers = (!self.peer.is_empty()).then(|| self.peer.join(","));
        let named = [
            ("node.role", self.role.map(|role| role.name().to_owned())),
            ("p2p.listen", self.p2p_listen.clone()),
            ("p2p.peers", peers),
            ("rpc.listen", self.rpc_listen.clone()),
            ("admin.listen", self.admin_listen.clone()),
            ("log.level", self.log_level.clone()),
            ("log.format", name_of(self.log_format)),
        ];
        let named = named.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?)));
        named.chain(self.set.iter().cloned()).collect()
    }
}

fn name_of(value: Option<impl clap::ValueEnum>) -> Option<String> {
    value?.to_possible_value().map(|value| value.get_name().to_owned())
}

pub(super) fn run(command: ConfigCommand, context: &Context) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(settings) => {
            Loaded::load(&context.home, &settings.pairs())?;
            let path = context.home.config_file();
            let exists = path.exists();
            let human = match exists {
                true => format!("{} is valid", path.display()),
                false => format!("{} does not exist; the defaults are valid", path.display()),
            };
            context.print(&json!({ "path": path, "exists": exists, "valid": true }), human)
        }
        ConfigCommand::Show(settings) => {
            let loaded = Loaded::load(&context.home, &settings.pairs())?;
            let json: BTreeMap<_, _> = loaded
                .values
                .iter()
                .map(|(key, (value, source))| {
                    (key, json!({ "value": value, "source": source.to_string() }))
                })
                .collect();
            let lines: Vec<String> = loaded
                .values
                .iter()
                .map(|(key, (value, source))| {
                    format!("{:<60} # {source}", format!("{key} = {value}"))
                })
                .collect();
            context.print(&json, lines.join("\n"))
        }
    }
}
