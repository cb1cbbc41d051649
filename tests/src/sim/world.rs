//! The simulated network: one queue of events in virtual time, and the nodes that handle them.

use std::collections::BTreeMap;
use std::sync::Arc;

use node::driver::{Driver, Event, Fatal, Identity};
use node::limits::{MEMPOOL_BYTES_MAX, MEMPOOL_OPERATIONS_MAX};
use node::net::Acceptance;
use node::store::Store as _;
use registry_core::crypto::{Hash, Purpose};
use registry_core::governance::Parameters;
use registry_core::limits::NOTICE_MS_FLOOR;
use registry_state::rules::Checked;

use super::chain::{Chain, public, validator_key};
use super::clients::Client;
use super::links::{Links, Weather};
use super::node::Node;
use super::oracle::{Oracle, Violation};
use super::random::Random;

/// Number of events in one virtual millisecond above which a run counts as a loop without progress.
const EVENTS_PER_MS_MAX: u64 = 100_000;

/// Something that is going to happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// Passes an event to the driver of a node, if the node has not restarted since.
    Tell {
        node: usize,
        incarnation: u64,
        event: Event,
    },
    /// A message arrives over a connection, if the connection still exists.
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
    /// Both nodes notice that a connection carries nothing any more.
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

/// Initial state of a world.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Number of nodes whose validator key is in genesis.
    pub validators: usize,
    /// Number of nodes without a validator key.
    pub followers: usize,
    /// Number of nodes with a validator key that is not in genesis.
    pub newcomers: usize,
    /// Parameters of the chain.
    pub parameters: Parameters,
}

/// The usual parameters with the shortest notice, so that changes do not take ten minutes.
pub fn parameters() -> Parameters {
    Parameters { notice_ms_min: NOTICE_MS_FLOOR, ..Parameters::default() }
}

impl Default for Setup {
    fn default() -> Self {
        Self { seed: 1, validators: 4, followers: 0, newcomers: 0, parameters: parameters() }
    }
}

/// The simulated network.
pub struct World {
    /// Facts that all nodes agree on.
    pub chain: Chain,
    /// Source of all random numbers of this world.
    pub random: Random,
    /// All nodes: validators, then followers, then those that a scenario added.
    pub nodes: Vec<Node>,
    /// Connections and partitions.
    pub links: Links,
    /// Present treatment of messages.
    pub weather: Weather,
    /// Checks of what must hold in every run.
    pub oracle: Oracle,
    /// Clients that write.
    pub clients: Vec<Client>,
    /// True while clients start new operations.
    pub clients_active: bool,
    /// Longest time in milliseconds until a node that died starts again; `None` if it stays down.
    pub restart_ms_max: Option<u64>,
    /// Number of occurrences of each kind of event.
    pub counts: BTreeMap<&'static str, u64>,
    pub(super) next_token: u64,
    /// Acceptances that drivers reported while handling the present event.
    pub(super) acceptances: BTreeMap<(usize, Hash), Acceptance>,
    now_ms: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    scheduled: u64,
    trace: Hash,
    busy: (u64, u64),
}

impl World {
    /// A world in which all nodes are down.
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

    /// A world in which all nodes run.
    pub fn started(setup: &Setup) -> Self {
        let mut world = Self::new(setup);
        for index in 0..world.nodes.len() {
            world.start(index);
        }
        world
    }

    /// Virtual time since the beginning in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Hash over everything that happened.
    pub fn trace(&self) -> Hash {
        self.trace
    }

    /// Adds one to a counter.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Value of a counter.
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

    /// Lets `ms` milliseconds pass, or less if a violation occurs.
    pub fn run_for(&mut self, ms: u64) {
        self.run_until(ms, |_| false);
    }

    /// Lets time pass until `done` is true, for at most `ms` milliseconds. Returns true if it is.
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

    /// Adds an observable fact to the trace.
    pub(super) fn mix(&mut self, node: usize, kind: u8, bytes: &[u8]) {
        let (now, node) = (self.now_ms.to_be_bytes(), [u8::try_from(node).unwrap_or(u8::MAX)]);
        self.trace = Hash::of(Purpose::Gossip, &[&self.trace.0, &now, &node, &[kind], bytes]);
    }

    /// Passes an event to a driver and carries out all its actions.
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

    /// Handles a driver that cannot go on. This may happen to a key that runs on two machines.
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

    /// True if the oracle must not rely on this node.
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

    /// Starts a node that is down, from the content of its disk.
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
            version: node.version,
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

    /// Submits an operation to a node, as its API would.
    pub fn submit(&mut self, index: usize, checked: Arc<Checked>) {
        self.next_token += 1;
        let token = self.next_token;
        self.give(index, Event::Submit { checked, token });
    }

    /// Indices of the running nodes.
    pub fn up(&self) -> Vec<usize> {
        self.nodes.iter().filter(|node| node.is_up()).map(|node| node.index).collect()
    }

    /// Smallest height of the given nodes.
    pub fn least_height(&self, nodes: impl IntoIterator<Item = usize>) -> u64 {
        nodes.into_iter().map(|index| self.nodes[index].height()).min().unwrap_or(0)
    }
}
