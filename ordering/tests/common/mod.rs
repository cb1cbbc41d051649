//! A small network of `State`s with one event queue, virtual time in milliseconds, a seeded random
//! generator, and disks that lose what was not synced. A wire observer fails the test if a
//! validator signs two messages for one position.

#![allow(dead_code, missing_docs, reason = "each test uses its own part of this harness")]

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signer as _, SigningKey};
use ordering::{
    Candidate, Config, Durable, Evidence, Guard, Input, Message, Output, Position, SignedProposal,
    SignedVote, State, Synced, TimeoutKind, Timeouts, Validity, release, step,
};
use registry_core::certificate::{Certificate, Proposal, Validator, ValidatorSet, Vote, VoteKind};
use registry_core::codec::FixedBytes;
use registry_core::crypto::{Hash, ValidatorKey};

pub(crate) const CHAIN: Hash = Hash([7; 32]);

/// Returns keys in the order of their public keys, so that index and position in the set agree.
pub(crate) fn keys(count: u8) -> Vec<SigningKey> {
    let mut keys: Vec<_> = (1..=count).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
    keys.sort_by_key(|key| key.verifying_key().to_bytes());
    keys
}

pub(crate) fn public(key: &SigningKey) -> ValidatorKey {
    ValidatorKey(key.verifying_key().to_bytes())
}

pub(crate) fn set_of(keys: &[SigningKey]) -> ValidatorSet {
    let validator = |key| Validator { key: public(key), power: 1 };
    ValidatorSet::new(keys.iter().map(validator).collect()).unwrap()
}

/// Returns the input that starts a height with the usual timeouts.
pub(crate) fn start(height: u64, set: ValidatorSet) -> Input {
    Input::StartHeight { height, set, timeouts: Timeouts::default() }
}

pub(crate) fn config(key: &SigningKey) -> Config {
    Config { chain: CHAIN, key: key.clone(), timeouts: Timeouts::default() }
}

/// Data that survives a crash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) wal: Vec<(u64, Vec<u8>)>,
    pub(crate) guard: Option<Vec<u8>>,
    pub(crate) candidates: BTreeSet<Hash>,
    pub(crate) certificates: BTreeMap<u64, Certificate>,
    pub(crate) floor: u64,
}

impl Disk {
    pub(crate) fn committed(&self) -> u64 {
        self.certificates.last_key_value().map_or(0, |(height, _)| *height)
    }
}

#[derive(Debug)]
enum Write {
    Wal(u64, Vec<u8>),
    Guard(Vec<u8>, u64),
    Candidate(Hash),
}

pub(crate) struct Node {
    pub(crate) key: SigningKey,
    pub(crate) state: Option<State>,
    pub(crate) disk: Disk,
    /// Writes of the current step. They are written as a whole or not at all.
    batch: Vec<Write>,
    /// Writes that were not synced. A crash loses them unless the system has written them by then.
    pending: Vec<Write>,
    timers: BTreeMap<(TimeoutKind, u32), u64>,
    incarnation: u64,
    pub(crate) outputs_seen: usize,
    pub(crate) inputs: Vec<Input>,
    pub(crate) trace: Vec<Vec<Output>>,
    pub(crate) evidence: Vec<Evidence>,
}

impl Node {
    fn new(key: SigningKey) -> Self {
        Self {
            key,
            state: None,
            disk: Disk::default(),
            batch: Vec::new(),
            pending: Vec::new(),
            timers: BTreeMap::new(),
            incarnation: 0,
            outputs_seen: 0,
            inputs: Vec::new(),
            trace: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// Writes the batch without a sync.
    fn write(&mut self) {
        self.pending.append(&mut self.batch);
    }

    /// Models the store's synced write: everything pending becomes durable, then the floor is
    /// raised.
    fn sync(&mut self) -> Synced {
        self.write();
        for write in std::mem::take(&mut self.pending) {
            match write {
                Write::Wal(sequence, bytes) => self.disk.wal.push((sequence, bytes)),
                Write::Candidate(value) => _ = self.disk.candidates.insert(value),
                Write::Guard(bytes, height) => {
                    self.disk.guard = Some(bytes);
                    self.disk.floor = self.disk.floor.max(height);
                }
            }
        }
        Synced::after_fsync()
    }

    fn commit(&mut self, certificate: Certificate) {
        assert!(certificate.height == self.disk.committed() + 1, "a gap in the chain");
        self.disk.wal.clear();
        self.disk.certificates.insert(certificate.height, certificate);
    }
}

#[derive(Debug, Clone)]
enum Event {
    Input(Input),
    Timer(TimeoutKind, u64, u32, u64),
    /// The executor has finished. The network passes the verdict on if a live node has the block.
    Execute(Candidate),
    Start(u64),
    Sync,
    Restart,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    pub(crate) node: usize,
    pub(crate) at_output: usize,
    /// True if the operating system wrote what was never synced.
    pub(crate) unsynced_survives: bool,
}

pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) set: ValidatorSet,
    pub(crate) now: u64,
    queue: BTreeMap<(u64, u64), (usize, u64, Event)>,
    events: u64,
    random: u64,
    pub(crate) loss_percent: u64,
    /// Validator that follows each of its votes with a conflicting one.
    pub(crate) double_voter: Option<usize>,
    pub(crate) crash: Option<Crash>,
    /// Number of validators that release a precommit for a value before all nodes are killed.
    pub(crate) kill_all_after_precommits: Option<usize>,
    precommitted: BTreeSet<ValidatorKey>,
    pub(crate) restart_ms: u64,
    wire: BTreeMap<(ValidatorKey, Position), Message>,
    /// The next three fields count the repeated proposals, polka certificates and round
    /// certificates that went over the wire.
    pub(crate) reproposals: usize,
    pub(crate) polkas: usize,
    pub(crate) rounds: usize,
    pub(crate) decided: BTreeMap<u64, Hash>,
    pub(crate) last_height: u64,
}

impl World {
    pub(crate) fn new(count: u8, seed: u64, last_height: u64) -> Self {
        let keys = keys(count);
        let set = set_of(&keys);
        let mut world = Self {
            nodes: keys.into_iter().map(Node::new).collect(),
            set,
            now: 0,
            queue: BTreeMap::new(),
            events: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            loss_percent: 0,
            double_voter: None,
            crash: None,
            kill_all_after_precommits: None,
            precommitted: BTreeSet::new(),
            restart_ms: 300,
            wire: BTreeMap::new(),
            reproposals: 0,
            polkas: 0,
            rounds: 0,
            decided: BTreeMap::new(),
            last_height,
        };
        for node in 0..world.nodes.len() {
            world.schedule(0, node, Event::Restart);
            world.schedule(500, node, Event::Sync);
        }
        world
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn schedule(&mut self, delay: u64, node: usize, event: Event) {
        let incarnation = self.nodes[node].incarnation;
        self.queue.insert((self.now + delay, self.events), (node, incarnation, event));
        self.events += 1;
    }

    /// Runs until every node committed the last height; returns false if virtual time runs out
    /// first.
    pub(crate) fn run(&mut self, limit_ms: u64) -> bool {
        while self.nodes.iter().any(|node| node.disk.committed() < self.last_height) {
            let due = self.queue.first_key_value().filter(|((time, _), _)| *time <= limit_ms);
            let Some(((time, sequence), _)) = due else {
                self.now = limit_ms;
                return false;
            };
            let (time, sequence) = (*time, *sequence);
            let Some((node, incarnation, event)) = self.queue.remove(&(time, sequence)) else {
                return false;
            };
            self.now = time;
            let current = incarnation == self.nodes[node].incarnation;
            if current || matches!(event, Event::Input(Input::Message(_))) {
                self.handle(node, event);
            }
        }
        true
    }

    fn handle(&mut self, node: usize, event: Event) {
        match event {
            Event::Restart => self.restart(node),
            Event::Input(input) => self.feed(node, input),
            Event::Timer(kind, height, round, generation) => {
                if self.nodes[node].timers.get(&(kind, round)) == Some(&generation) {
                    self.feed(node, Input::Timeout { kind, height, round });
                }
            }
            Event::Execute(candidate) => {
                let live = self.nodes.iter().filter(|node| node.state.is_some());
                if live.into_iter().any(|node| node.disk.candidates.contains(&candidate.value)) {
                    self.nodes[node].batch.push(Write::Candidate(candidate.value));
                    self.feed(node, Input::Candidate(candidate));
                }
            }
            Event::Start(height) => {
                let set = self.set.clone();
                if self.nodes[node].state.as_ref().is_some_and(|state| state.height() < height) {
                    self.feed(
                        node,
                        Input::StartHeight { height, set, timeouts: Timeouts::default() },
                    );
                }
            }
            Event::Sync => self.sync_block(node),
        }
    }

    /// Models block sync: takes one certified block from any node, then starts the height after it.
    fn sync_block(&mut self, node: usize) {
        self.schedule(50, node, Event::Sync);
        let next = self.nodes[node].disk.committed() + 1;
        let found = self.nodes.iter().filter(|other| other.state.is_some());
        let found = found.into_iter().find_map(|other| other.disk.certificates.get(&next).cloned());
        // A block that was just decided will arrive by votes; sync is for nodes that are further
        // behind.
        let behind =
            self.decided.keys().last().is_some_and(|last| *last > next) || self.random(10) == 0;
        if let (Some(certificate), true) = (found, behind) {
            certificate.check(CHAIN, &self.set).unwrap();
            self.nodes[node].pending.clear();
            self.nodes[node].commit(certificate);
            self.handle(node, Event::Start(next + 1));
        }
    }

    pub(crate) fn crash_now(&mut self, node: usize, unsynced_survives: bool) {
        let restart_ms = self.restart_ms;
        let crashed = &mut self.nodes[node];
        crashed.batch.clear();
        if unsynced_survives {
            let _synced = crashed.sync();
        }
        crashed.pending.clear();
        crashed.timers.clear();
        crashed.state = None;
        crashed.incarnation += 1;
        self.schedule(restart_ms, node, Event::Restart);
    }

    fn restart(&mut self, node: usize) {
        let set = self.set.clone();
        let restarted = &mut self.nodes[node];
        restarted.incarnation += 1;
        let disk = &restarted.disk;
        let committed = disk.committed();
        let guard = Guard::restore(disk.guard.as_deref(), committed, disk.floor).unwrap();
        let config = config(&restarted.key);
        let outputs = if disk.wal.is_empty() {
            restarted.state = Some(State::new(config, guard, committed, &set).unwrap());
            Vec::new()
        } else {
            let next = committed + 1;
            let (state, outputs) = State::start(config, guard, next, &set, &disk.wal).unwrap();
            restarted.state = Some(state);
            outputs
        };
        self.schedule(1, node, Event::Start(committed + 1));
        self.schedule(500, node, Event::Sync);
        self.carry_out(node, outputs);
    }

    pub(crate) fn feed(&mut self, node: usize, input: Input) {
        let fed = &mut self.nodes[node];
        let Some(state) = &mut fed.state else { return };
        fed.inputs.push(input.clone());
        let outputs = step(state, input);
        fed.trace.push(outputs.clone());
        self.carry_out(node, outputs);
    }

    fn carry_out(&mut self, node: usize, outputs: Vec<Output>) {
        for output in outputs {
            if let Some(crash) = self.crash.filter(|crash| {
                crash.node == node && crash.at_output == self.nodes[node].outputs_seen
            }) {
                self.crash = None;
                return self.crash_now(node, crash.unsynced_survives);
            }
            if !matches!(output, Output::Wal { .. } | Output::Guard(_)) {
                self.nodes[node].write();
            }
            self.nodes[node].outputs_seen += 1;
            self.carry_out_one(node, output);
            if self.nodes[node].state.is_none() {
                return;
            }
        }
        self.nodes[node].write();
    }

    fn carry_out_one(&mut self, node: usize, output: Output) {
        match output {
            Output::Wal { sequence, entry } => {
                self.nodes[node].batch.push(Write::Wal(sequence, entry.encode()));
            }
            Output::Guard(guard) => {
                self.nodes[node].batch.push(Write::Guard(guard.encode(), guard.height()));
            }
            Output::Send(unsent) => {
                let synced = self.nodes[node].sync();
                self.broadcast(node, &release(unsent, &synced));
            }
            Output::BuildBlock { height, round, .. } => {
                let value = self.block(node, height, round);
                self.nodes[node].batch.push(Write::Candidate(value));
                self.schedule(2, node, Event::Input(Input::Propose { height, round, value }));
            }
            Output::NeedCandidate { height, round, value, proposer, .. } => {
                let validity = Validity::Valid;
                let candidate = Candidate { height, round, value, proposer, validity };
                self.schedule(3, node, Event::Execute(candidate));
            }
            Output::Timer { kind, height, round, duration_ms } => {
                let generation = self.events;
                self.nodes[node].timers.insert((kind, round), generation);
                self.schedule(duration_ms, node, Event::Timer(kind, height, round, generation));
            }
            Output::CancelTimer { kind, round, .. } => {
                self.nodes[node].timers.remove(&(kind, round));
            }
            Output::CancelAllTimers => self.nodes[node].timers.clear(),
            Output::Decide { certificate } => self.decide(node, certificate.get().clone()),
            Output::LatePrecommit { certificate } => {
                certificate.check(CHAIN, &self.set).unwrap();
                self.nodes[node].disk.certificates.insert(certificate.height, certificate);
            }
            Output::Evidence(evidence) => self.nodes[node].evidence.push(evidence),
            Output::NewRound { .. } | Output::Ahead { .. } => (),
            Output::Rejected(rejection) => panic!("node {node} rejected: {rejection}"),
            Output::Fault { reason } => panic!("node {node} at {}: {reason}", self.now),
            Output::Halt(halt) => panic!("node {node} halted: {halt}"),
        }
    }

    /// The value differs after a restart, so the wire observer would see a forgetful proposer sign
    /// twice.
    fn block(&self, node: usize, height: u64, round: u32) -> Hash {
        let mut value = [0; 32];
        value[..8].copy_from_slice(&height.to_be_bytes());
        value[8..12].copy_from_slice(&round.to_be_bytes());
        value[12] = u8::try_from(node).unwrap();
        value[13..21].copy_from_slice(&self.nodes[node].incarnation.to_be_bytes());
        Hash(value)
    }

    fn decide(&mut self, node: usize, certificate: Certificate) {
        certificate.check(CHAIN, &self.set).unwrap();
        let (height, value) = (certificate.height, certificate.value);
        // The commit batch also syncs everything pending.
        let _synced = self.nodes[node].sync();
        assert!(self.nodes[node].disk.candidates.contains(&value), "decided without the block");
        let agreed = *self.decided.entry(height).or_insert(value);
        assert_eq!(agreed, value, "height {height} forked");
        self.nodes[node].commit(certificate);
        self.schedule(5, node, Event::Start(height + 1));
    }

    fn broadcast(&mut self, from: usize, message: &Durable<Message>) {
        let message = Message::decode(&message.get().encode()).unwrap();
        if let (Some(signer), Some(at)) = (message.signer(), message.position()) {
            assert!(message.verify(CHAIN));
            let first = self.wire.entry((signer, at)).or_insert_with(|| message.clone());
            assert_eq!(*first, message, "{signer} signed twice for {at}");
        }
        match &message {
            Message::Proposal(proposal) => {
                self.reproposals += usize::from(proposal.polka_round.is_some());
            }
            Message::Vote(_) => (),
            Message::Polka(_) => self.polkas += 1,
            Message::Round(_) => self.rounds += 1,
        }
        self.deliver(from, &message);
        if let (true, Message::Vote(first)) = (self.double_voter == Some(from), &message) {
            let value = if first.value.is_some() { None } else { Some(Hash([0xee; 32])) };
            let key = self.nodes[from].key.clone();
            let second = vote(&key, first.kind, first.height, first.round, value);
            self.deliver(from, &Message::Vote(second));
        }
        self.kill_all(&message);
    }

    fn deliver(&mut self, from: usize, message: &Message) {
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            let delay = 1 + self.random(20);
            if self.random(100) >= self.loss_percent {
                self.schedule(delay, to, Event::Input(Input::Message(message.clone())));
            }
        }
    }

    fn kill_all(&mut self, message: &Message) {
        let Some(limit) = self.kill_all_after_precommits else { return };
        let Message::Vote(vote) = message else { return };
        let precommit = vote.kind == VoteKind::Precommit;
        if precommit && vote.value.is_some() && vote.height == 2 {
            self.precommitted.insert(vote.validator);
        }
        if self.precommitted.len() >= limit {
            self.kill_all_after_precommits = None;
            let messages = |event: &Event| matches!(event, Event::Input(Input::Message(_)));
            self.queue.retain(|_, (_, _, event)| !messages(event));
            for node in 0..self.nodes.len() {
                self.crash_now(node, false);
            }
        }
    }
}

/// Returns a vote signed by `key`.
pub(crate) fn vote(
    key: &SigningKey,
    kind: VoteKind,
    height: u64,
    round: u32,
    value: Option<Hash>,
) -> SignedVote {
    let message = Vote { chain: CHAIN, kind, height, round, value }.message();
    let signature = FixedBytes(key.sign(&message).to_bytes());
    SignedVote { kind, height, round, value, validator: public(key), signature }
}

/// Returns a fresh proposal signed by `key`.
pub(crate) fn proposal(key: &SigningKey, height: u64, round: u32, value: Hash) -> SignedProposal {
    let polka_round = None;
    let message = Proposal { chain: CHAIN, height, round, polka_round, value }.message();
    let signature = FixedBytes(key.sign(&message).to_bytes());
    SignedProposal { height, round, polka_round, value, validator: public(key), signature }
}
