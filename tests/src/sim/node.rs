//! One simulated node: a disk that outlives it, and a driver while it is up.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use libp2p::PeerId;
use node::driver::{Driver, Now};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::Validators;

use super::byzantine::Byzantine;
use super::chain::{GENESIS_MS, peer_id, public};
use super::disk::Disk;

/// How long a node remembers gossip, as gossipsub does.
const SEEN_MS: u64 = 60_000;

/// One node.
pub struct Node {
    /// Its place in the world.
    pub index: usize,
    /// Its libp2p identity.
    pub peer: PeerId,
    /// The validator key; none for a follower.
    pub key: Option<SigningKey>,
    /// What it keeps through a crash.
    pub disk: Disk,
    /// The node itself; none while it is down.
    pub driver: Option<Driver>,
    /// Counts its starts.
    pub incarnation: u64,
    /// Its wall clock's error.
    pub skew_ms: i64,
    /// Actions that it still carries out before it dies.
    pub dies_after: Option<u64>,
    /// Its disk was emptied since it last started.
    pub lost_data: bool,
    /// It stopped by itself and stays down.
    pub stopped: bool,
    /// How it breaks the protocol.
    pub byzantine: Option<Byzantine>,
    /// Requests without an answer yet.
    pub(super) requests: BTreeSet<u64>,
    /// Questions put to it: who asked in which incarnation, and the number of the request.
    pub(super) questions: BTreeMap<u64, (usize, u64, u64)>,
    pub(super) tick_ms: Option<u64>,
    /// Validators to which its network keeps streams.
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

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.driver.is_some()
    }

    /// The height of its newest block, 0 while it is down.
    pub fn height(&self) -> u64 {
        self.driver.as_ref().map_or(0, |driver| driver.head().height)
    }

    /// Its two clocks.
    pub fn clock(&self, now_ms: u64) -> Now {
        Now {
            wall_ms: (GENESIS_MS + now_ms).saturating_add_signed(self.skew_ms),
            steady_ms: now_ms - self.booted_ms,
        }
    }

    /// Virtual time of a moment on its steady clock.
    pub(super) fn virtual_ms(&self, steady_ms: u64) -> u64 {
        self.booted_ms.saturating_add(steady_ms)
    }

    /// Forgets what memory held.
    pub(super) fn power_off(&mut self) {
        self.driver = None;
        self.incarnation += 1;
        self.dies_after = None;
        self.tick_ms = None;
        self.requests.clear();
        self.questions.clear();
        self.seen.clear();
    }

    /// Its network keeps streams with these validators, if it is one of them itself.
    pub(super) fn set_mesh(&mut self, validators: &Validators) {
        let keys: BTreeSet<_> = validators.validators.iter().map(|entry| entry.key).collect();
        let own = self.public();
        self.mesh = if own.is_some_and(|own| keys.contains(&own)) { keys } else { BTreeSet::new() };
    }

    /// The public half of its validator key.
    pub fn public(&self) -> Option<ValidatorKey> {
        self.key.as_ref().map(public)
    }

    /// Whether it keeps a stream with another node.
    pub(super) fn streams_with(&self, other: &Self) -> bool {
        other.public().is_some_and(|key| self.mesh.contains(&key))
    }

    pub(super) fn boot(&mut self, driver: Driver, now_ms: u64) {
        self.set_mesh(driver.validators());
        self.driver = Some(driver);
        self.booted_ms = now_ms;
    }

    /// Whether a gossip message is new to the node; it is not from then on.
    pub(super) fn is_news(&mut self, id: Hash, now_ms: u64) -> bool {
        let before = self.seen.get(&id).copied();
        if before.is_some_and(|at_ms| at_ms + SEEN_MS > now_ms) {
            return false;
        }
        self.seen.insert(id, now_ms);
        true
    }
}
