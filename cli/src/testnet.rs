//! `idem testnet`: make homes and genesis of a network on several hosts in one place.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use genesis::Outline;
use keys::NodeRole;
use registry_core::id::NetworkName;
use serde_json::json;
use toml::Value;
use url::Host;

use super::ceremony::now;
use super::context::Context;
use super::exit::Failure;
use super::homes::{self, Member};
use super::passphrase::PassphraseArgs;

#[derive(Debug, Args)]
pub(super) struct TestnetArgs {
    /// Directory to write: genesis.json, key files and one home for each node
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Host name or address of a validator; repeat it once for each
    #[arg(long = "validator", value_name = "HOST", required = true, value_parser = host)]
    validators: Vec<Host>,
    /// Host name or address of a follower; may be repeated
    #[arg(long = "follower", value_name = "HOST", value_parser = host)]
    followers: Vec<Host>,
    /// Port for peers on every host
    #[arg(long, value_name = "PORT", default_value_t = 7640,
          value_parser = clap::value_parser!(u16).range(1..))]
    p2p_port: u16,
    /// Name of the network in its DIDs
    #[arg(long, value_name = "NAME", default_value = "testnet")]
    network: NetworkName,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Parses a host name, an IPv4 address, or an IPv6 address with or without brackets.
fn host(text: &str) -> Result<Host, String> {
    if let Ok(address) = text.parse() {
        return Ok(Host::Ipv6(address));
    }
    Host::parse(text).map_err(|error| format!("{error}; give a host name or an IP address"))
}

/// Host and node of one home.
type Place<'a> = (&'a Host, Member);

pub(super) fn run(args: TestnetArgs, context: &Context) -> Result<(), Failure> {
    let dir = std::path::absolute(&args.dir)
        .map_err(|error| Failure::usage(format!("{}: {error}", args.dir.display())))?;
    let number = |role| move |(index, host)| (host, role, index + 1);
    let validators = args.validators.iter().enumerate().map(number(NodeRole::Validator));
    let followers = args.followers.iter().enumerate().map(number(NodeRole::Follower));
    let mut hosts = Vec::new();
    let mut members = Vec::new();
    for (host, role, number) in validators.chain(followers) {
        if hosts.contains(&host) {
            return Err(Failure::usage_with(
                format!("{host} is named twice; a host runs one node"),
                "for a network on one machine use `idem localnet`",
            ));
        }
        hosts.push(host);
        members.push(member(host, role, number, args.p2p_port));
    }
    let outline = Outline::new(args.network, now());
    let passphrase = |path: &Path| args.passphrase.passphrase(path);
    let genesis = homes::make_network(&dir, outline, &members, None, passphrase)?;
    let path = dir.join("genesis.json");
    let places: Vec<Place<'_>> = hosts.into_iter().zip(members).collect();
    let nodes: Vec<_> = places
        .iter()
        .map(|(host, member)| {
            json!({
                "name": member.name,
                "role": member.role,
                "host": host.to_string(),
                "p2p": member.address,
                "home": member.home(&dir).path(),
            })
        })
        .collect();
    let chain_id = genesis.chain_id();
    let json = json!({
        "network": genesis.network,
        "chain_id": chain_id,
        "genesis": path,
        "nodes": nodes,
    });
    let network = &genesis.network;
    let mut human = format!(
        "network  {network}\nchain id {chain_id}\ngenesis  {}\n\n\
         Copy each home to its host, run `idem start` there, and delete the copy here: the same \
         keys in two\nplaces end in a double sign.\n\n",
        path.display()
    );
    for (host, member) in &places {
        let home = member.home(&dir);
        // Writing to a String cannot fail.
        let _written = writeln!(human, "scp -rp {} {host}:.idem", home.path().display());
    }
    context.print(&json, human)
}

fn member(host: &Host, role: NodeRole, number: usize, port: u16) -> Member {
    let (address, listen) = match host {
        Host::Domain(name) => {
            (format!("/dns/{name}/tcp/{port}"), format!("/ip4/0.0.0.0/tcp/{port}"))
        }
        Host::Ipv4(ip) => (format!("/ip4/{ip}/tcp/{port}"), format!("/ip4/0.0.0.0/tcp/{port}")),
        Host::Ipv6(ip) => (format!("/ip6/{ip}/tcp/{port}"), format!("/ip6/::/tcp/{port}")),
    };
    let external = Value::Array(vec![Value::from(address.clone())]);
    let settings = vec![("p2p.listen", listen.into()), ("p2p.external_addresses", external)];
    Member { name: format!("{}-{number}", role.name()), role, address, settings }
}
