//! Making the homes of a localnet on free ports of this machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use genesis::{GenesisFile, Outline};
use registry_core::governance::{Parameters, WritePolicy};
use registry_core::id::NetworkName;
use toml::Value;

use super::{Localnet, LocalnetNode};
use crate::cli::exit::Failure;
use crate::cli::homes::{self, Member};
use crate::config::{Home, Role};
use crate::keys::NodeKeys;
use crate::limits::LOCALNET_REQUESTS;
use crate::store::FORMAT_VERSION;

/// Shortest recovery delay of a localnet, so that a recovery can be watched.
const RECOVERY_DELAY_MS_MIN: u64 = 3_000;

/// The three ports of one node.
struct Ports {
    p2p: u16,
    rpc: u16,
    admin: u16,
}

/// Takes ports that are free now. All are held until the last is found, so they differ.
fn free_ports(nodes: usize) -> Result<Vec<Ports>, Failure> {
    let taken = |error| Failure::usage(format!("no free port on 127.0.0.1: {error}"));
    let mut held = Vec::new();
    let mut port = || -> Result<u16, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(taken)?;
        let port = listener.local_addr().map_err(taken)?.port();
        held.push(listener);
        Ok(port)
    };
    (0..nodes).map(|_| Ok(Ports { p2p: port()?, rpc: port()?, admin: port()? })).collect()
}

/// Makes all homes under `dir`, with `validators` first and then `followers`.
pub(super) fn make(
    dir: &Path,
    network: &str,
    (validators, followers): (u16, u16),
    endorsed: Option<u64>,
) -> Result<Localnet, Failure> {
    let network = network.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let roles = (1..=validators).map(|number| (Role::Validator, number));
    let roles = roles.chain((1..=followers).map(|number| (Role::Follower, number)));
    let ports = free_ports(usize::from(validators) + usize::from(followers))?;
    let members: Vec<Member> =
        roles.zip(&ports).map(|((role, number), ports)| member(role, number, ports)).collect();
    let genesis = homes::make_network(dir, outline(network), &members, endorsed, |_| Ok(None))?;
    let authority = match &genesis.parameters.write_policy {
        WritePolicy::Open => None,
        WritePolicy::Endorsed(policy) => Some(policy.authority.clone()),
    };
    let nodes = members.into_iter().zip(&ports).map(|(member, ports)| LocalnetNode {
        home: member.home(dir).path().to_owned(),
        name: member.name,
        role: member.role,
        pid: 0,
        rpc: format!("http://127.0.0.1:{}", ports.rpc),
        admin: format!("http://127.0.0.1:{}", ports.admin),
    });
    Ok(Localnet {
        data_format: FORMAT_VERSION,
        network: genesis.network.clone(),
        chain_id: genesis.chain_id(),
        genesis: dir.join("genesis.json"),
        nodes: nodes.collect(),
        authority,
        seed: None,
    })
}

fn outline(network: NetworkName) -> Outline {
    let parameters =
        Parameters { recovery_delay_ms_min: RECOVERY_DELAY_MS_MIN, ..Parameters::default() };
    Outline { parameters, ..Outline::new(network, homes::now()) }
}

/// Makes a home that is a network by itself.
pub(in crate::cli) fn make_alone(
    home: &Home,
    network: NetworkName,
) -> Result<GenesisFile, Failure> {
    let [ports] = &free_ports(1)?[..] else { return Err(Failure::usage("no free port")) };
    let Member { name, address, mut settings, .. } = member(Role::Validator, 1, ports);
    let keys = NodeKeys::create(home, Role::Validator, None)?;
    let publishing = vec![homes::publishing_key(&keys, &name)?];
    let entry = homes::validator_entry(&keys, name, 1, vec![address])?;
    let outline = Outline { publishing, ..outline(network) };
    let genesis = outline.with_validators(vec![entry])?;
    homes::write_genesis(home, &genesis)?;
    settings.push(("node.role", Value::from(Role::Validator.name())));
    homes::write_config(home, &settings)?;
    Ok(genesis)
}

fn member(role: Role, number: u16, ports: &Ports) -> Member {
    let listen = |port| Value::from(SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string());
    let limit = |value: u64| Value::from(i64::try_from(value).unwrap_or(i64::MAX));
    let limits = LOCALNET_REQUESTS;
    let address = format!("/ip4/127.0.0.1/tcp/{}", ports.p2p);
    let settings = vec![
        ("p2p.listen", Value::from(address.clone())),
        ("rpc.listen", listen(ports.rpc)),
        ("admin.listen", listen(ports.admin)),
        ("rpc.connections_max", limit(limits.connections_max as u64)),
        ("rpc.connections_per_address_max", limit(limits.connections_per_address_max as u64)),
        ("rpc.concurrent_requests_max", limit(limits.concurrent_requests_max as u64)),
        (
            "rpc.requests_per_second_per_address",
            limit(limits.requests_per_second_per_address.into()),
        ),
        ("rpc.request_burst_per_address", limit(limits.request_burst_per_address.into())),
    ];
    Member { name: format!("{}-{number}", role.name()), role, address, settings }
}
