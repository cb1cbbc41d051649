//! Makes the homes of a localnet, on free ports of this machine.

use std::path::Path;

use genesis::Outline;
use keys::NodeRole;
use node::config::local::Ports;
use node::store::FORMAT_VERSION;
use registry_core::governance::{Parameters, WritePolicy};
use registry_core::id::NetworkName;
use registry_core::limits::NOTICE_MS_FLOOR;

use super::{Localnet, LocalnetNode};
use crate::ceremony;
use crate::exit::Failure;
use crate::homes::{self, Member};

/// Shortest recovery delay of a localnet in milliseconds. It is short so that users can watch a
/// recovery.
const RECOVERY_DELAY_MS_MIN: u64 = 3_000;

/// Makes all homes under `dir`, with `validators` first and then `followers`. `endorsed` is the
/// cost in units of what an endorser may vouch for in an hour, if writes need endorsement.
pub(super) fn make(
    dir: &Path,
    network: &str,
    (validators, followers): (u16, u16),
    endorsed: Option<u64>,
) -> Result<Localnet, Failure> {
    let network = network.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let roles = (1..=validators).map(|number| (NodeRole::Validator, number));
    let roles = roles.chain((1..=followers).map(|number| (NodeRole::Follower, number)));
    let ports = Ports::free(usize::from(validators) + usize::from(followers))
        .map_err(|error| Failure::usage(format!("no free port on 127.0.0.1: {error}")))?;
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
    let parameters = Parameters {
        recovery_delay_ms_min: RECOVERY_DELAY_MS_MIN,
        notice_ms_min: NOTICE_MS_FLOOR,
        ..Parameters::default()
    };
    Outline { parameters, ..Outline::new(network, ceremony::now()) }
}

fn member(role: NodeRole, number: u16, ports: &Ports) -> Member {
    let (address, settings) = (ports.p2p_address(), ports.settings());
    Member { name: format!("{}-{number}", role.name()), role, address, settings }
}
