//! A simulated node: a disk that survives crashes, and a driver while the node is up.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use libp2p::PeerId;
use node::driver::{Driver, Now};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{PROTOCOL_VERSION, Validators};

use super::byzantine::Byzantine;
use super::chain::{GENESIS_MS, peer_id, public};
use super::disk::Disk;

/// Time in milliseconds for which a node remembers gossip messages, as gossipsub does.
const SEEN_MS: u64 = 60_000;

/// A simulated node.
pub struct Node {
    /// Index in the world.
    pub index: usize,
    /// libp2p peer id.
    pub peer: PeerId,
    /// Validator key; `None` for a follower.
    pub key: Option<SigningKey>,
    /// Highest protocol version that the node announces. It implements [`PROTOCOL_VERSION`].
    pub version: u64,
    /// Disk, which survives crashes.
    pub disk: Disk,
    /// Driver of the node; `None` while the node is down.
    pub driver: Option<Driver>,
    /// Number of starts so far.
    pub incarnation: u64,
    /// Error of the wall clock in milliseconds.
    pub skew_ms: i64,
    /// Number of actions that the node still carries out before it dies, if that is scheduled.
    pub dies_after: Option<u64>,
    /// True if the disk was emptied since the last start.
    pub lost_data: bool,
    /// True if the node stopped by itself; it then stays down.
    pub stopped: bool,
    /// Way in which the node breaks the protocol, if it does.
    pub byzantine: Option<Byzantine>,
    /// Requests of the node that have no response yet.
    pub(super) requests: BTreeSet<u64>,
    /// Requests that peers sent to the node: the peer, its incarnation, and the number of the
    /// request.
    pub(super) questions: BTreeMap<u64, (usize, u64, u64)>,
    pub(super) tick_ms: Option<u64>,
    /// Validators to which the node's network keeps streams.
    pub(super) mesh: BTreeSet<ValidatorKey>,
    booted_ms: u64,
    seen: BTreeMap<Hash, u64>,
}

impl Node {
    /// A node that was never started.
    pub fn new(index: usize, key: Option<SigningKey>) -> Self {
        Self {
            index,
            peer: peer_id(index),
            key,
            version: PROTOCOL_VERSION,
            disk: Disk::default(),
            driver: None,
            incarnation: 0,
            skew_ms: 0,
            dies_after: None,
            lost_data: false,
            stopped: false,
            byzantine: None,
            requests: BTreeSet::new(),
            questions: BTreeMap::new(),
            tick_ms: None,
            mesh: BTreeSet::new(),
            booted_ms: 0,
            seen: BTreeMap::new(),
        }
    }

    /// True if the node runs.
    pub fn is_up(&self) -> bool {
        self.driver.is_some()
    }

    /// Height of the newest block; 0 while the node is down.
    pub fn height(&self) -> u64 {
        self.driver.as_ref().map_or(0, |driver| driver.head().height)
    }

    /// Present reading of the node's two clocks.
    pub fn clock(&self, now_ms: u64) -> Now {
        Now {
            wall_ms: (GENESIS_MS + now_ms).saturating_add_signed(self.skew_ms),
            steady_ms: now_ms - self.booted_ms,
        }
    }

    /// Converts a time on the node's steady clock to virtual time.
    pub(super) fn virtual_ms(&self, steady_ms: u64) -> u64 {
        self.booted_ms.saturating_add(steady_ms)
    }

    /// Loses everything that was in memory.
    pub(super) fn power_off(&mut self) {
        self.driver = None;
        self.incarnation += 1;
        self.dies_after = None;
        self.tick_ms = None;
        self.requests.clear();
        self.questions.clear();
        self.seen.clear();
    }

    /// Makes the node's network keep streams with these validators, if the node is one of them.
    pub(super) fn set_mesh(&mut self, validators: &Validators) {
        let keys: BTreeSet<_> = validators.validators.iter().map(|entry| entry.key).collect();
        let own = self.public();
        self.mesh = if own.is_some_and(|own| keys.contains(&own)) { keys } else { BTreeSet::new() };
    }

    /// Public validator key of the node.
    pub fn public(&self) -> Option<ValidatorKey> {
        self.key.as_ref().map(public)
    }

    /// True if the node keeps a stream with another node.
    pub(super) fn streams_with(&self, other: &Self) -> bool {
        other.public().is_some_and(|key| self.mesh.contains(&key))
    }

    pub(super) fn boot(&mut self, driver: Driver, now_ms: u64) {
        self.set_mesh(driver.validators());
        self.driver = Some(driver);
        self.booted_ms = now_ms;
    }

    /// True if a gossip message is new to the node. From then on it is not.
    pub(super) fn is_news(&mut self, id: Hash, now_ms: u64) -> bool {
        let before = self.seen.get(&id).copied();
        if before.is_some_and(|at_ms| at_ms + SEEN_MS > now_ms) {
            return false;
        }
        self.seen.insert(id, now_ms);
        true
    }
}
