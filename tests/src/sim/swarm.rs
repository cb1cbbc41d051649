//! A whole run from one seed. The seed determines the faults, their strength and their times. At
//! the end all faults are ended and the network must recover.

use std::collections::BTreeMap;
use std::fmt;

use registry_core::crypto::Hash;
use registry_core::governance::Parameters;
use registry_core::status::keyframe;

use super::byzantine::Byzantine;
use super::chain::public;
use super::disk::PowerCut;
use super::links::Weather;
use super::node::Node;
use super::oracle::Violation;
use super::random::Random;
use super::world::{Setup, World};

/// Virtual time in milliseconds during which faults are injected.
const STORM_MS: u64 = 30_000;

/// Faults of a run. Each is present with a probability of one half; then its strength is drawn.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seed from which the plan was drawn.
    pub seed: u64,
    /// Number of nodes with a validator key.
    pub validators: usize,
    /// Number of nodes without a validator key.
    pub followers: usize,
    /// Treatment of messages while faults are injected.
    pub weather: Weather,
    /// Mean time between crashes in milliseconds; 0 for no crashes.
    pub crash_every_ms: u64,
    /// Mean time between partitions in milliseconds; 0 for no partitions.
    pub partition_every_ms: u64,
    /// True if validators, one at a time, may lose their database.
    pub lose_data: bool,
    /// Largest error of a clock in milliseconds.
    pub skew_ms_max: u64,
    /// True if the last follower and the last validator start late.
    pub late: bool,
    /// True if the key of validator 0 runs on two machines.
    pub twin: bool,
    /// Number of clients that write.
    pub clients: u64,
    /// Minimum time between blocks in milliseconds.
    pub interval_ms: u64,
}

/// Result of a run.
#[derive(Debug)]
pub struct Report {
    /// Plan of the run.
    pub plan: Plan,
    /// Violations that the oracle found; a successful run has none.
    pub violations: Vec<Violation>,
    /// Number of faults injected and states reached, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// Hash over everything that happened.
    pub trace: Hash,
    /// Number of heights decided.
    pub height: u64,
    /// Number of operations in the chain.
    pub applied: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, violations, counts, height, applied, .. } = self;
        write!(f, "{plan:?}\n  {height} heights, {applied} operations, {counts:?}")?;
        for violation in violations {
            write!(f, "\n  VIOLATION {violation}")?;
        }
        Ok(())
    }
}

impl Plan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let validators = [4, 4, 4, 4, 4, 7, 2, 1][random.index(8)];
        let some = |random: &mut Random, from, to| {
            if random.chance(50) { random.between(from, to) } else { 0 }
        };
        let delay_ms_max = [20, 100, 400, 2_000][random.index(4)];
        Self {
            seed,
            validators,
            followers: random.index(3),
            weather: Weather {
                delay_ms_min: 1,
                delay_ms_max,
                loss_percent: some(&mut random, 1, 30),
                duplicate_percent: some(&mut random, 1, 50),
            },
            crash_every_ms: some(&mut random, 1_000, 8_000),
            partition_every_ms: some(&mut random, 2_000, 10_000),
            lose_data: validators > 3 && random.chance(50),
            skew_ms_max: some(&mut random, 1, 500),
            late: random.chance(50),
            twin: validators > 3 && random.chance(25),
            clients: random.between(0, 8),
            interval_ms: [100, 200, 500][random.index(3)],
        }
    }
}

/// A run in progress.
struct Run {
    plan: Plan,
    world: World,
    /// Validator that has lost its database and has not voted since.
    mending: Option<usize>,
}

/// Runs a seed to its end.
pub fn run(seed: u64) -> Report {
    let plan = Plan::draw(seed);
    let mut run = Run::new(plan);
    run.storm();
    run.calm();
    let Run { plan, mut world, .. } = run;
    let list = world.oracle.list();
    let (shared, versions) = (list.shared(), list.versions() as u64);
    if shared > 0 {
        world.counts.insert("status sets in one version", shared);
    }
    if keyframe(versions) > 1 {
        world.counts.insert("list over a keyframe", 1);
    }
    Report {
        violations: world.oracle.violations().to_vec(),
        trace: world.trace(),
        height: world.oracle.headers().len() as u64 - 1,
        applied: world.oracle.applied(),
        counts: world.counts,
        plan,
    }
}

impl Run {
    fn new(plan: Plan) -> Self {
        let parameters =
            Parameters { block_interval_ms_min: plan.interval_ms, ..Parameters::default() };
        let Plan { seed, validators, followers, .. } = plan;
        let mut world =
            World::new(&Setup { seed, validators, followers, newcomers: 0, parameters });
        world.weather = plan.weather;
        world.restart_ms_max = Some(5_000);
        if plan.twin {
            world.count("twin");
            world.add_twin(0);
        }
        for index in 0..world.nodes.len() {
            let skew = world.random.between(0, 2 * plan.skew_ms_max);
            let skew = i64::try_from(skew).unwrap_or(0);
            let skew = skew - i64::try_from(plan.skew_ms_max).unwrap_or(0);
            world.nodes[index].skew_ms = skew;
        }
        let late = |index: usize| plan.late && (index + 1 == validators || index > validators);
        for index in 0..world.nodes.len() {
            if !late(index) || validators < 4 {
                world.start(index);
            }
        }
        world.start_clients(plan.clients);
        Self { plan, world, mending: None }
    }

    fn is_sound(&self) -> bool {
        self.world.oracle.violations().is_empty()
    }

    /// Injects faults at random times.
    fn storm(&mut self) {
        let end_ms = self.world.now_ms() + STORM_MS;
        let mut late_ms = self.plan.late.then_some(STORM_MS / 2);
        while self.world.now_ms() < end_ms && self.is_sound() {
            let step_ms = self.world.random.between(100, 500);
            self.world.run_for(step_ms);
            if late_ms.is_some_and(|at_ms| self.world.now_ms() >= at_ms) {
                late_ms = None;
                self.world.count("late start");
                (0..self.world.nodes.len()).for_each(|index| self.world.start(index));
            }
            if self.happens(self.plan.crash_every_ms, step_ms) {
                self.crash();
            }
            if self.happens(self.plan.partition_every_ms, step_ms) {
                self.partition();
            }
            if self.plan.lose_data && self.happens(10_000, step_ms) {
                self.lose_data();
            }
        }
    }

    fn happens(&mut self, every_ms: u64, step_ms: u64) -> bool {
        every_ms > 0 && self.world.random.below(every_ms) < step_ms
    }

    fn any_up(&mut self) -> Option<usize> {
        let up = self.world.up();
        (!up.is_empty()).then(|| up[self.world.random.index(up.len())])
    }

    fn crash(&mut self) {
        let Some(index) = self.any_up() else { return };
        match self.world.random.below(4) {
            0 => self.world.crash(index),
            1 => {
                let actions = self.world.random.below(10);
                self.world.crash_at_action(index, actions);
            }
            2 => {
                let cut = self.power_cut();
                self.world.crash_at_write(index, cut);
            }
            _ => {
                for index in self.world.up() {
                    let cut = self.power_cut();
                    self.world.crash_at_write(index, cut);
                }
            }
        }
        let skew_ms_max = i64::try_from(self.plan.skew_ms_max).unwrap_or(0);
        if skew_ms_max > 0 && self.world.random.chance(30) {
            self.world.count("clock changed");
            let skew = self.world.random.between(0, self.plan.skew_ms_max);
            let skew = i64::try_from(skew).unwrap_or(0);
            self.world.nodes[index].skew_ms =
                if self.world.random.chance(50) { skew } else { -skew };
        }
    }

    fn power_cut(&mut self) -> PowerCut {
        PowerCut { writes: self.world.random.below(20), lands: self.world.random.chance(50) }
    }

    fn partition(&mut self) {
        let count = self.world.nodes.len();
        match self.world.random.below(4) {
            0 => self.world.unite(),
            1 if count > 1 => {
                let from = self.world.random.index(count);
                let to = (from + 1 + self.world.random.index(count - 1)) % count;
                self.world.partition_one_way(from, to);
            }
            2 => {
                let alone = self.world.random.index(count);
                let others: Vec<_> = (0..count).filter(|index| *index != alone).collect();
                self.world.partition(&[&[alone], &others]);
            }
            _ => {
                let random = &mut self.world.random;
                let (left, right): (Vec<_>, Vec<_>) = (0..count).partition(|_| random.chance(50));
                self.world.partition(&[&left, &right]);
            }
        }
    }

    /// Deletes the database of a validator, unless another validator is still recovering or one is
    /// dishonest: never may more than a third of the power be unable to vote.
    fn lose_data(&mut self) {
        if let Some(index) = self.mending {
            let votes = self.world.nodes[index].driver.as_ref();
            if votes.is_some_and(|driver| driver.progress().votes) {
                self.mending = None;
            }
        }
        let Some(index) = self.any_up() else { return };
        let is_validator = index < self.plan.validators;
        if is_validator && (self.mending.is_some() || self.plan.twin) {
            return;
        }
        if is_validator {
            self.mending = Some(index);
        }
        self.world.lose_data(index);
    }

    /// Ends all faults. The network must decide again and all nodes must catch up.
    fn calm(&mut self) {
        if !self.is_sound() {
            return;
        }
        let world = &mut self.world;
        world.heal();
        world.stop_clients();
        let allowed_ms = world.ten_views_ms();
        let before = world.oracle.headers().len() as u64 - 1;
        let honest = world.honest();
        let first = honest[0];
        world.start_clients(1);
        world.stop_clients();
        let last = world.clients.len() - 1;
        let checked = world.clients[last].create(&world.chain);
        world.submit(first, checked);
        let decided = world
            .run_until(allowed_ms, |world| world.least_height(honest.iter().copied()) > before);
        if !decided && world.oracle.violations().is_empty() {
            let what = format!("no height after {before} within {allowed_ms} ms of healing");
            world.oracle.report(Violation::Stuck { what });
        }
        let rested = world.run_until(allowed_ms, |world| world.is_at_rest(&honest));
        if !rested && world.oracle.violations().is_empty() {
            let what = format!("no rest: {}", world.describe());
            world.oracle.report(Violation::Stuck { what });
        }
        for index in honest {
            world.oracle.audit(index, &world.nodes[index].disk);
        }
    }
}

impl World {
    /// Runs the key of a validator on another machine too.
    pub fn add_twin(&mut self, index: usize) -> usize {
        let key = self.nodes[index].key.clone();
        if let Some(key) = &key {
            self.oracle.distrust(public(key));
        }
        let twin = self.nodes.len();
        self.nodes.push(Node::new(twin, key));
        twin
    }

    /// Makes a node dishonest.
    pub fn corrupt(&mut self, index: usize, byzantine: Byzantine) {
        if let Some(key) = &self.nodes[index].key {
            self.oracle.distrust(public(key));
        }
        self.nodes[index].byzantine = Some(byzantine);
    }

    /// Nodes that must keep all that the oracle checks.
    pub fn honest(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| !self.is_dishonest(*index)).collect()
    }

    /// Ten times the longest duration of one round under the present parameters, in milliseconds.
    pub fn ten_views_ms(&self) -> u64 {
        let rounds = self.nodes.iter().filter_map(|node| node.driver.as_ref()?.progress().round);
        let round = u64::from(rounds.max().unwrap_or(0)) + 1;
        let parameters = &self.chain.genesis.parameters;
        let timeouts = [
            parameters.timeout_propose_ms,
            parameters.timeout_prevote_ms,
            parameters.timeout_precommit_ms,
        ];
        let grown =
            |ms: u64| (ms + round * parameters.timeout_step_ms).min(parameters.timeout_ms_max);
        10 * timeouts.into_iter().map(grown).sum::<u64>()
    }

    /// True if these nodes have the same height and empty mempools, and all clients know the
    /// settlement of their operations.
    pub fn is_at_rest(&self, nodes: &[usize]) -> bool {
        let height = self.oracle.headers().len() as u64 - 1;
        let rests = |index: &usize| {
            let driver = self.nodes[*index].driver.as_ref();
            driver.is_some_and(|driver| {
                driver.head().height == height && driver.progress().mempool_operations == 0
            })
        };
        nodes.iter().all(rests) && self.clients_rest()
    }

    /// Present state of every node, to explain a failed run.
    pub fn describe(&self) -> String {
        let node = |node: &Node| match &node.driver {
            Some(driver) => format!("{}: {:?}", node.index, driver.progress()),
            None => format!("{}: down", node.index),
        };
        let nodes: Vec<_> = self.nodes.iter().map(node).collect();
        let waiting = self.clients.iter().filter(|client| client.pending.is_some()).count();
        format!("{waiting} clients wait; {}", nodes.join("; "))
    }
}
