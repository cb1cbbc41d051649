//! The simulated network: one queue of events in virtual time, and the nodes that they happen to.

use std::collections::BTreeMap;
use std::sync::Arc;

use node::driver::{Driver, Event, Fatal, Identity};
use node::limits::{MEMPOOL_BYTES_MAX, MEMPOOL_OPERATIONS_MAX};
use node::net::Acceptance;
use node::store::Store as _;
use registry_core::crypto::{Hash, Purpose};
use registry_core::governance::Parameters;
use registry_state::rules::Checked;

use super::chain::{Chain, public, validator_key};
use super::clients::Client;
use super::links::{Links, Weather};
use super::node::Node;
use super::oracle::{Oracle, Violation};
use super::random::Random;

/// Events that may happen in one virtual millisecond; more is a loop without progress.
const EVENTS_PER_MS_MAX: u64 = 100_000;

/// Something that is going to happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// The driver of a node, if it is the same as then, is told.
    Tell {
        node: usize,
        incarnation: u64,
        event: Event,
    },
    /// A message arrives over a connection, if that still stands.
    Arrive {
        from: usize,
        to: usize,
        epoch: u64,
        parcel: Parcel,
    },
    Tick {
        node: usize,
        incarnation: u64,
    },
    Connect(usize, usize),
    /// A connection through which nothing passes is noticed.
    Notice(usize, usize, u64),
    Start(usize),
    Client(usize),
}

/// What travels.
#[derive(Debug, Clone)]
pub(super) enum Parcel {
    Frame(Vec<u8>),
    Operation(Vec<u8>),
    Decided(Vec<u8>),
    Request { id: u64, asker: u64, bytes: Vec<u8> },
    Response { id: u64, asker: u64, bytes: Vec<u8> },
}

/// How a world begins.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Seed of all chance.
    pub seed: u64,
    /// Nodes with a validator key of their own.
    pub validators: usize,
    /// Nodes without a key.
    pub followers: usize,
    /// Nodes with a validator key that genesis does not name.
    pub newcomers: usize,
    /// The chain's parameters.
    pub parameters: Parameters,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            validators: 4,
            followers: 0,
            newcomers: 0,
            parameters: Parameters::default(),
        }
    }
}

/// The simulated network.
pub struct World {
    /// The network's constants.
    pub chain: Chain,
    /// All chance of this world.
    pub random: Random,
    /// All nodes: validators, then followers, then what a scenario added.
    pub nodes: Vec<Node>,
    /// Connections and partitions.
    pub links: Links,
    /// What the network does to messages now.
    pub weather: Weather,
    /// The checks.
    pub oracle: Oracle,
    /// The workload.
    pub clients: Vec<Client>,
    /// Whether clients start anything new.
    pub clients_active: bool,
    /// Whether a node that dies starts again by itself, and after how long at most.
    pub restart_ms_max: Option<u64>,
    /// How often things happened.
    pub counts: BTreeMap<&'static str, u64>,
    pub(super) next_token: u64,
    /// What drivers said about gossip in the event at hand.
    pub(super) acceptances: BTreeMap<(usize, Hash), Acceptance>,
    now_ms: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    scheduled: u64,
    trace: Hash,
    busy: (u64, u64),
}

impl World {
    /// A world whose nodes are all down.
    pub fn new(setup: &Setup) -> Self {
        let chain = Chain::new(setup.validators, setup.parameters.clone());
        let keys = chain.keys.clone().into_iter().map(Some);
        let keys = keys.chain(std::iter::repeat_n(None, setup.followers));
        let first = setup.validators + setup.followers;
        let newcomers = (first..first + setup.newcomers).map(|index| Some(validator_key(index)));
        let keys = keys.chain(newcomers);
        let mut world = Self {
            oracle: Oracle::new(&chain),
            random: Random::new(setup.seed),
            nodes: Vec::new(),
            links: Links::default(),
            weather: Weather::CALM,
            clients: Vec::new(),
            clients_active: false,
            restart_ms_max: None,
            counts: BTreeMap::new(),
            next_token: 0,
            acceptances: BTreeMap::new(),
            now_ms: 0,
            queue: BTreeMap::new(),
            scheduled: 0,
            trace: Hash::ZERO,
            busy: (0, 0),
            chain,
        };
        for (index, key) in keys.enumerate() {
            world.nodes.push(Node::new(index, key));
        }
        world
    }

    /// A world whose nodes all run.
    pub fn started(setup: &Setup) -> Self {
        let mut world = Self::new(setup);
        for index in 0..world.nodes.len() {
            world.start(index);
        }
        world
    }

    /// Virtual ms since the beginning.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// A hash over everything that happened.
    pub fn trace(&self) -> Hash {
        self.trace
    }

    /// Counts one more of something.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// How often something happened.
    pub fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    pub(super) fn schedule(&mut self, delay_ms: u64, happening: Happening) {
        self.scheduled += 1;
        self.queue.insert((self.now_ms.saturating_add(delay_ms), self.scheduled), happening);
    }

    pub(super) fn tell(&mut self, delay_ms: u64, node: usize, event: Event) {
        let incarnation = self.nodes[node].incarnation;
        self.schedule(delay_ms, Happening::Tell { node, incarnation, event });
    }

    /// Lets `ms` pass, or less if a promise is broken.
    pub fn run_for(&mut self, ms: u64) {
        self.run_until(ms, |_| false);
    }

    /// Lets time pass until `done`, at most `ms`; whether it is done.
    pub fn run_until(&mut self, ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end_ms = self.now_ms.saturating_add(ms);
        while self.oracle.violations().is_empty() {
            if done(self) {
                return true;
            }
            let Some(entry) = self.queue.first_entry() else { break };
            if entry.key().0 > end_ms {
                break;
            }
            let ((at_ms, _), happening) = entry.remove_entry();
            self.now_ms = at_ms;
            self.check_busy();
            self.happen(happening);
        }
        if self.oracle.violations().is_empty() {
            self.now_ms = end_ms;
        }
        done(self)
    }

    fn check_busy(&mut self) {
        if self.busy.0 != self.now_ms {
            self.busy = (self.now_ms, 0);
        }
        self.busy.1 += 1;
        if self.busy.1 > EVENTS_PER_MS_MAX {
            self.oracle.report(Violation::Stuck { what: "a loop without progress".to_owned() });
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tell { node, incarnation, event } => {
                if self.nodes[node].incarnation == incarnation {
                    self.give(node, event);
                }
            }
            Happening::Arrive { from, to, epoch, parcel } => {
                if self.links.passes(from, to) && self.links.epoch(from, to) == epoch {
                    self.arrive(from, to, parcel);
                }
            }
            Happening::Tick { node, incarnation } => {
                let it = &mut self.nodes[node];
                if it.incarnation == incarnation && it.tick_ms == Some(self.now_ms) {
                    it.tick_ms = None;
                    self.give(node, Event::Tick);
                }
            }
            Happening::Connect(a, b) => self.connect(a, b),
            Happening::Notice(a, b, epoch) => {
                if !self.links.is_open(a, b) && self.links.epoch(a, b) == epoch {
                    self.disconnect(a, b);
                }
            }
            Happening::Start(node) => self.start(node),
            Happening::Client(client) => self.client_turn(client),
        }
    }

    /// Mixes something observable into the trace.
    pub(super) fn mix(&mut self, node: usize, kind: u8, bytes: &[u8]) {
        let (now, node) = (self.now_ms.to_be_bytes(), [u8::try_from(node).unwrap_or(u8::MAX)]);
        self.trace = Hash::of(Purpose::Gossip, &[&self.trace.0, &now, &node, &[kind], bytes]);
    }

    /// One event for one driver, and everything that it does about it.
    pub(super) fn give(&mut self, index: usize, event: Event) {
        let now = self.nodes[index].clock(self.now_ms);
        let node = &mut self.nodes[index];
        let Some(driver) = &mut node.driver else { return };
        let result = driver.handle(event, now, &mut node.disk);
        let progress = driver.progress();
        match result {
            Ok(actions) => {
                self.carry_out_all(index, actions);
                self.schedule_tick(index);
            }
            Err(_) if self.nodes[index].disk.is_off() => {
                self.count("power cut at a write");
                self.crash(index);
            }
            Err(fatal) => self.stop(index, &fatal),
        }
        if progress.mempool_operations > MEMPOOL_OPERATIONS_MAX
            || progress.mempool_bytes > MEMPOOL_BYTES_MAX
        {
            self.oracle.report(Violation::Overflow { node: index, what: "mempool" });
        }
    }

    /// A driver refused to go on. A key that runs twice may end like this.
    fn stop(&mut self, index: usize, fatal: &Fatal) {
        self.crash(index);
        self.nodes[index].stopped = true;
        self.count("stopped by itself");
        if let Fatal::Version { height, .. } = fatal {
            self.oracle.outdated(index, *height);
        } else if !self.is_dishonest(index) {
            self.oracle.report(Violation::Fatal { node: index, reason: fatal.to_string() });
        }
    }

    /// Whether the oracle may not expect anything of this node.
    pub fn is_dishonest(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        let twin = |other: &Node| {
            other.index != index
                && node.key.is_some()
                && other.key.as_ref().map(public) == node.key.as_ref().map(public)
        };
        node.byzantine.is_some() || self.nodes.iter().any(twin)
    }

    fn schedule_tick(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let deadline = node.driver.as_ref().and_then(Driver::deadline);
        let Some(deadline_ms) = deadline else { return };
        let at_ms = node.virtual_ms(deadline_ms).max(self.now_ms);
        if node.tick_ms != Some(at_ms) {
            node.tick_ms = Some(at_ms);
            let incarnation = node.incarnation;
            self.schedule(at_ms - self.now_ms, Happening::Tick { node: index, incarnation });
        }
    }

    /// Starts a node that is down, from what its disk holds.
    pub fn start(&mut self, index: usize) {
        if self.nodes[index].is_up() || self.nodes[index].stopped {
            return;
        }
        let rows = self.chain.genesis_rows();
        let node = &mut self.nodes[index];
        let empty = node.disk.is_empty();
        if empty {
            node.disk.write(rows, true).expect("the power is on");
        }
        let identity = Identity {
            network: self.chain.network.clone(),
            peer: node.peer,
            signer: node.key.clone(),
            floor: node.disk.floor(),
        };
        let mut now = node.clock(self.now_ms);
        now.steady_ms = 0;
        match Driver::open(identity, &node.disk, now) {
            Ok(driver) => {
                let height = driver.head().height;
                node.boot(driver, self.now_ms);
                self.oracle.started(index, height, empty, &node.disk);
            }
            Err(fatal) => return self.stop(index, &fatal),
        }
        self.dial_all(index);
        self.schedule_tick(index);
    }

    /// Hands an operation to a node, as its RPC would.
    pub fn submit(&mut self, index: usize, checked: Arc<Checked>) {
        self.next_token += 1;
        let token = self.next_token;
        self.give(index, Event::Submit { checked, token });
    }

    /// The indices of running nodes.
    pub fn up(&self) -> Vec<usize> {
        self.nodes.iter().filter(|node| node.is_up()).map(|node| node.index).collect()
    }

    /// The least height of the given nodes.
    pub fn least_height(&self, nodes: impl IntoIterator<Item = usize>) -> u64 {
        nodes.into_iter().map(|index| self.nodes[index].height()).min().unwrap_or(0)
    }
}
