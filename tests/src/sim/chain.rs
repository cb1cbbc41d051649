//! The simulated network: its keys, its genesis, and the content of a new disk.

use ed25519_dalek::SigningKey;
use libp2p::PeerId;
use libp2p::identity::Keypair;
use node::store::{Ledger, MemoryStore, Read, Row, genesis_rows};
use registry_core::block::{Block, Header};
use registry_core::codec::Bytes;
use registry_core::crypto::{Hash, Purpose, ValidatorKey};
use registry_core::governance::{Parameters, Publishing, ValidatorEntry, Validators};
use registry_core::id::NetworkName;
use registry_state::execution::{Genesis, execute_genesis};

use super::author::Author;
use super::governors;
use super::lists::SharedList;

/// Unix time in milliseconds at virtual time 0: 2027-01-15T08:00:00Z.
pub const GENESIS_MS: u64 = 1_800_000_000_000;

/// A validator key by number.
pub fn validator_key(number: usize) -> SigningKey {
    let number = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
    SigningKey::from_bytes(&Hash::of(Purpose::Gossip, &[b"validator", &number]).0)
}

/// The public half of a validator key.
pub fn public(key: &SigningKey) -> ValidatorKey {
    ValidatorKey(key.verifying_key().to_bytes())
}

/// The libp2p identity of node `index`.
pub fn peer_id(index: usize) -> PeerId {
    let number = u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes();
    let seed = Hash::of(Purpose::Gossip, &[b"peer", &number]).0;
    let pair = Keypair::ed25519_from_bytes(seed).expect("32 bytes are a key");
    pair.public().to_peer_id()
}

/// Address of node `index` in the validator record.
pub fn address(index: usize) -> String {
    format!("/ip4/127.0.0.1/tcp/{}", 7_000 + index)
}

/// Facts that all nodes of a network agree on.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The network's name.
    pub network: NetworkName,
    /// Its chain id.
    pub id: Hash,
    /// Genesis itself.
    pub genesis: Genesis,
    /// The header of height 0.
    pub header: Header,
    /// The status list of genesis.
    pub list: SharedList,
    /// Governors, who may change the network.
    pub governors: Vec<Author>,
    /// Validator keys; validator `i` runs on node `i`.
    pub keys: Vec<SigningKey>,
    rows: Vec<Row>,
}

impl Chain {
    /// Makes a network of `validators` validators with equal power.
    pub fn new(validators: usize, parameters: Parameters) -> Self {
        let network: NetworkName = "sim".parse().expect("a network name");
        let id = Hash::of(Purpose::Chain, &[b"simulator"]);
        let keys: Vec<_> = (0..validators).map(validator_key).collect();
        let entry = |(index, key): (usize, &SigningKey)| ValidatorEntry {
            name: format!("v{index}"),
            key: public(key),
            power: 1,
            peer: peer_id(index).to_string(),
            addresses: vec![address(index)],
        };
        let mut entries: Vec<_> = keys.iter().enumerate().map(entry).collect();
        entries.sort_by_key(|entry| entry.key);
        let (list, mut operations) = SharedList::genesis(&network);
        let (authors, governors, creates) = governors::genesis(&network);
        operations.extend(creates);
        let genesis = Genesis {
            chain: id,
            network: network.clone(),
            time_ms: GENESIS_MS,
            validators: Validators { validators: entries },
            parameters,
            publishing: Publishing::default(),
            governors: Some(governors),
            operations,
        };
        let store = MemoryStore::default();
        let read: &dyn Read = &store;
        let execution = execute_genesis(&Ledger(read), &genesis).expect("a good genesis");
        let operations = genesis.operations.iter();
        let operations = operations.map(|checked| Bytes(checked.bytes().to_vec())).collect();
        let block = Block { header: execution.header.clone(), operations };
        let rows = genesis_rows(&execution, &block).expect("records of memory");
        let (header, governors) = (execution.header, authors);
        Self { network, id, genesis, header, list, governors, keys, rows }
    }

    /// Rows that a new disk holds before the node starts for the first time.
    pub fn genesis_rows(&self) -> Vec<Row> {
        self.rows.clone()
    }
}
