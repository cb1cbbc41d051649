//! The governors of a localnet, and nodes that wait to be admitted to it.

use std::net::{Ipv4Addr, TcpListener};

use keys::{DidKeys, Home, NodeKeys, UserKeyFile, UserKeys};
use registry_core::governance::{Change, Edits, GovernancePropose, GovernanceStep, ValidatorEntry};
use registry_core::operation::{Action, Guard, Operation, Role};
use serde_json::Value;

use super::wallet::salt;
use super::writer::retry;
use super::{Chain, Client, Localnet, Node, Signed, run, seal};

/// Number of heights between a proposal and its effect. Its approval and the readiness
/// announcements of new validators need a few.
const NOTICE: u64 = 40;

/// Limits as in a localnet, where all load comes from one address.
const LIMITS: [&str; 5] = [
    "rpc.connections_max=1000",
    "rpc.connections_per_address_max=1000",
    "rpc.concurrent_requests_max=10000",
    "rpc.requests_per_second_per_address=1000000",
    "rpc.request_burst_per_address=1000000",
];

/// A governor that genesis names.
pub struct Governor {
    chain: Chain,
    keys: UserKeys,
}

/// A change that adds the validators `put` to the set and removes those named in `remove`.
pub fn validators(mut put: Vec<ValidatorEntry>, remove: &[&str]) -> Change {
    put.sort_by(|one, other| one.name.cmp(&other.name));
    let mut remove: Vec<_> = remove.iter().map(|name| (*name).to_owned()).collect();
    remove.sort();
    Change::Validators(Edits { put, remove })
}

impl Governor {
    /// Governor with this number, from 1.
    pub fn of(network: &Localnet, number: usize) -> Self {
        let path = network.path(&format!("keys/governor-{number}.json"));
        let keys = UserKeyFile::new(path, None).read_existing().expect("the keys of a governor");
        Self { chain: network.chain(), keys }
    }

    fn act(&self, guard: Guard, action: Action) -> Signed {
        let DidKeys { did, parts, .. } = self.keys.last().expect("a governor's DID").clone();
        let key = &parts.current.expect("its keys").control[0];
        let key = self.keys.find(key).expect("the secret of the control key");
        let (chain, salt) = (self.chain.id, salt());
        let author = Some(did);
        let operation =
            Operation { chain, author, endorser: None, guard, until: None, salt, action };
        seal(operation.body(), Role::Approval, &[key])
    }
}

/// Writes an operation through whichever node accepts it.
async fn write(nodes: &[Client], signed: &Signed) {
    retry(nodes, &mut 0, signed, || false).await.expect("nothing stops it");
}

/// Has two governors approve a change. Returns the height from which it applies.
pub async fn govern(network: &Localnet, change: Change) -> u64 {
    let nodes = network.live_clients();
    let height = nodes[0].height().await.expect("a height") + NOTICE;
    let propose = GovernancePropose { change, height };
    let proposed =
        Governor::of(network, 1).act(Guard::Absent, Action::GovernancePropose(Box::new(propose)));
    write(&nodes, &proposed).await;
    let step = GovernanceStep { proposal: proposed.operation };
    let approved = Governor::of(network, 2).act(Guard::Nothing, Action::GovernanceApprove(step));
    write(&nodes, &approved).await;
    height
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Makes the home of a node that waits to be admitted under `name`, as its operator would. The node
/// does not run yet.
pub fn newcomer(network: &Localnet, name: &str) -> (Node, ValidatorEntry) {
    let home = network.path(name);
    let [p2p, rpc, admin] = [free_port(), free_port(), free_port()];
    let listen = format!("/ip4/127.0.0.1/tcp/{p2p}");
    let (rpc, admin) = (format!("127.0.0.1:{rpc}"), format!("127.0.0.1:{admin}"));
    let peers = network.peers();
    let path = home.display().to_string();
    let genesis = network.path("genesis.json").display().to_string();
    let mut arguments = vec!["init", "--home", &path, "--role", "validator", "--no-passphrase"];
    arguments.extend(["--genesis", &genesis, "--p2p-listen", &listen]);
    arguments.extend(["--rpc-listen", &rpc, "--admin-listen", &admin, "--json"]);
    arguments.extend(LIMITS.iter().flat_map(|limit| ["--set", *limit]));
    arguments.extend(peers.iter().flat_map(|peer| ["--peer", peer]));
    let (code, made, errors) = run(&arguments);
    assert_eq!(code, 0, "{errors}");
    let keys = NodeKeys::load(&Home::new(&home), keys::NodeRole::Validator, None);
    let keys = keys.expect("the keys of the home");
    let key = keys.validator.as_ref().expect("a validator key").key();
    assert_eq!(made["validator"], key.to_string());
    let peer = made["peerId"].as_str().expect("a peer id").to_owned();
    let entry =
        ValidatorEntry { name: name.to_owned(), key, power: 1, peer, addresses: vec![listen] };
    (Node::stopped(name, "validator", home, &format!("http://{rpc}")), entry)
}

impl Client {
    /// Names of the validators of the next height, ascending.
    pub async fn validators(&self) -> Vec<String> {
        let status = self.status().await.expect("a status");
        let validators = status["validators"].as_array().expect("a list").iter();
        let name = |entry: &Value| entry["name"].as_str().expect("a name").to_owned();
        let mut names: Vec<_> = validators.map(name).collect();
        names.sort();
        names
    }
}
