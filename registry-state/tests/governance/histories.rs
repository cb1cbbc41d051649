//! Random histories of networks whose governors, validators and newcomers try both permitted and
//! forbidden actions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use registry_core::block::Header;
use registry_core::certificate::{Validator, ValidatorSet};
use registry_core::code::Code;
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    self, Change, Edits, Governors, PARAMETERS, PUBLISHING, Parameters, ProposalStatus, Publishing,
    ValidatorEntry, ValidatorReady,
};
use registry_state::state::{ApplyError, StateView as _, scheduled_changes};

use crate::oracle::{Deed, NodeKey, Plan, Status, Wish, World};
use crate::support::governance::{
    approve, governed, governor, governors_of, governs, proposal, proposes, publishing_key, ready,
    ready_operation, validator, validator_key, withdraw,
};
use crate::support::ledger::{GENESIS_MS, Ledger, Start, parameters};
use crate::support::random::Random;
use crate::support::trust::Party;
use crate::support::{Key, seal};

/// Number of parties that may become governors.
pub(crate) const PARTIES: usize = 8;

/// Number of nodes that may become validators.
const NODES: u64 = 8;

static ALL: LazyLock<Vec<Party>> =
    LazyLock::new(|| (1..=PARTIES).map(|n| governor(u8::try_from(n).expect("small"))).collect());

/// Parameters of all histories. The notice is often longer than the heights that a proposal names.
fn rules() -> Parameters {
    Parameters { notice_ms_min: 300_000, ..parameters() }
}

fn key_of((node, is_new): NodeKey) -> Key {
    validator_key(if is_new { node + 20 } else { node })
}

fn public((node, is_new): NodeKey) -> ValidatorKey {
    validator(if is_new { node + 20 } else { node }).key
}

/// Returns node n as a validator with one of its keys and a power.
fn entry(node: u8, key: NodeKey, power: u64) -> ValidatorEntry {
    ValidatorEntry { key: public(key), power, ..validator(node) }
}

fn change(wish: &Wish) -> Change {
    match wish {
        Wish::Validators(put, remove) => Change::Validators(Edits {
            put: put.iter().map(|(node, (key, power))| entry(*node, *key, *power)).collect(),
            remove: remove.iter().map(|node| validator(*node).name).collect(),
        }),
        Wish::Publishing(put, remove) => Change::Publishing(Edits {
            put: put.iter().map(|node| publishing_key(*node)).collect(),
            remove: remove.iter().map(|node| publishing_key(*node).name).collect(),
        }),
        Wish::Heartbeat(ms) => Change::Parameters(Parameters { heartbeat_ms: *ms, ..rules() }),
        Wish::Governors(threshold, members) => Change::Governors(governing(*threshold, members)),
    }
}

fn governing(threshold: usize, members: &BTreeSet<usize>) -> Governors {
    let members: Vec<Party> = members.iter().map(|party| ALL[*party].clone()).collect();
    governors_of(u8::try_from(threshold).expect("small"), &members)
}

/// A network, and the oracle's state after the same deeds.
pub(crate) struct History {
    pub(crate) ledger: Ledger,
    pub(crate) world: World,
    ids: Vec<Hash>,
    /// Number of plans made before the present block. Their records have versions that a guard can
    /// name.
    known: usize,
    random: Random,
    salts: u8,
    /// Number of times that each outcome of deeds and plans occurred.
    pub(crate) counts: BTreeMap<String, u32>,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let threshold = 1 + usize::try_from(random.below(3)).expect("small");
        let nodes = 4 + u8::try_from(random.below(3)).expect("small");
        let mut ledger = governed(nodes, 1, &ALL);
        let governors: BTreeSet<usize> = (0..5).collect();
        let first = governing(threshold, &governors);
        let start = Start { governors: Some(first), parameters: rules(), ..ledger.genesis };
        ledger = Ledger::start_from(start, ledger.genesis_operations);
        let world = World::new(threshold, governors, 1..=nodes, GENESIS_MS, &rules());
        let (ids, known, salts, counts) = Default::default();
        Self { ledger, world, ids, known, random, salts, counts }
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).expect("small")
    }

    fn some_nodes(&mut self, most: u64) -> BTreeSet<u8> {
        let count = self.random.below(most + 1);
        (0..count).map(|_| 1 + u8::try_from(self.random.below(NODES)).expect("small")).collect()
    }

    fn some_wish(&mut self) -> Wish {
        match self.random.below(8) {
            0..=4 => {
                let mut remove = self.some_nodes(1);
                let mut put = BTreeMap::new();
                for node in self.some_nodes(2) {
                    let key = (node, self.random.one_in(5));
                    put.insert(node, (key, 1 + self.random.below(2)));
                }
                remove.retain(|node| !put.contains_key(node));
                if put.is_empty() && remove.is_empty() {
                    remove.insert(1);
                }
                Wish::Validators(put, remove)
            }
            5 => {
                let put = self.some_nodes(2);
                let mut remove = self.some_nodes(1);
                remove.retain(|node| !put.contains(node));
                if put.is_empty() && remove.is_empty() {
                    remove.insert(1);
                }
                Wish::Publishing(put, remove)
            }
            6 => Wish::Heartbeat(10_000 + 1_000 * self.random.below(3)),
            _ => {
                let size = 2 + self.below(4);
                let members: BTreeSet<usize> = (0..size).map(|_| self.below(PARTIES)).collect();
                let threshold = 1 + self.below(members.len().min(3));
                Wish::Governors(threshold, members)
            }
        }
    }

    /// Returns one of the newest plans, most often one that is pending.
    fn some_plan(&mut self) -> usize {
        let is_pending = |plan: &usize| {
            let plan = &self.world.plans[*plan];
            matches!(plan.status, Status::Open | Status::Approved) && !self.world.is_due(plan)
        };
        let pending: Vec<usize> = (0..self.known).filter(is_pending).collect();
        match pending.is_empty() || self.random.one_in(8) {
            true => self.known - 1 - self.below(self.known.min(8)),
            false => self.random.pick(&pending),
        }
    }

    /// Returns a plan, mostly a pending one, and a validator key, mostly one that the plan adds.
    fn some_newcomer(&mut self) -> (usize, NodeKey) {
        let plan = self.some_plan();
        let put = match &self.world.plans[plan].wish {
            Wish::Validators(put, _) => put.values().map(|(key, _)| *key).collect(),
            _ => Vec::new(),
        };
        let (node, is_new) = (1 + self.random.below(NODES), self.random.one_in(5));
        let other = (u8::try_from(node).expect("small"), is_new);
        match put.is_empty() || self.random.one_in(10) {
            true => (plan, other),
            false => (plan, self.random.pick(&put)),
        }
    }

    fn some_party(&mut self) -> usize {
        let governors: Vec<usize> = self.world.governors.iter().copied().collect();
        if self.random.one_in(12) { self.below(PARTIES) } else { self.random.pick(&governors) }
    }

    fn some_deed(&mut self) -> Deed {
        let by = self.some_party();
        if self.known == 0 || self.random.one_in(4) {
            let ahead = 9 + self.random.below(16);
            return Deed::Propose(by, self.some_wish(), self.world.height + ahead);
        }
        match self.random.below(200) {
            0 => Deed::Deactivate(by),
            1..=16 => Deed::Withdraw(by, self.some_plan()),
            17..=70 => {
                let (plan, key) = self.some_newcomer();
                let version = u64::from(!self.random.one_in(5));
                Deed::Ready { plan, key, version, is_block_right: !self.random.one_in(10) }
            }
            _ => Deed::Approve(by, self.some_plan()),
        }
    }

    /// Returns the envelope of a deed, and its id if it is a proposal.
    fn envelope(&mut self, deed: &Deed) -> (Vec<u8>, Option<Hash>) {
        self.salts = self.salts.wrapping_add(1);
        let (ledger, salt) = (&self.ledger, self.salts);
        match deed {
            Deed::Propose(by, wish, height) => {
                let (bytes, id) = proposes(ledger, &ALL[*by], salt, change(wish), *height);
                (bytes, Some(id))
            }
            Deed::Approve(by, plan) => {
                (governs(ledger, &ALL[*by], salt, approve(self.ids[*plan])), None)
            }
            Deed::Withdraw(by, plan) => {
                (governs(ledger, &ALL[*by], salt, withdraw(self.ids[*plan])), None)
            }
            Deed::Ready { plan, key, version, is_block_right } => {
                let word = ready(ledger, self.ids[*plan], key.0);
                let mut header = word.header;
                if !is_block_right {
                    header.state_root = Hash([7; 32]);
                }
                let word = ValidatorReady { key: public(*key), version: *version, header, ..word };
                (seal(&ready_operation(ledger, salt, word), &[key_of(*key)]), None)
            }
            Deed::Deactivate(party) => (ALL[*party].deactivating(ledger), None),
        }
    }

    /// Adds one block with some deeds and checks that registry and oracle agree on each deed and on
    /// the result.
    pub(crate) fn step(&mut self) {
        // Some gaps are halts, in which live time stands still, and a few last for hours, so that
        // the quotas of several days are used.
        let gap_ms = match self.random.below(40) {
            0 => 3_600_000 * (1 + self.random.below(20)),
            1 | 2 => 50_000 + self.random.below(20_000),
            _ => 1 + self.random.below(40_000),
        };
        let time_ms = self.ledger.head.time + gap_ms;
        self.world.begin(time_ms);
        let mut kept = Vec::new();
        self.known = self.ids.len();
        // A readiness announcement names a block two heights below, so the first blocks have no
        // deeds.
        let deeds = if self.world.height < 3 { 0 } else { self.below(4) };
        for _ in 0..deeds {
            let deed = self.some_deed();
            let (envelope, id) = self.envelope(&deed);
            let before = self.world.clone();
            let expected = self.world.act(&deed, id);
            let actual = attempt(&self.ledger, time_ms, &kept, &envelope);
            assert_eq!(actual, expected, "{deed:?} at {}: {before:?}", before.height);
            match expected {
                Ok(()) => {
                    self.count("applied");
                    self.ids.extend(id);
                    kept.push(envelope);
                }
                Err(code) => self.count(code.name()),
            }
        }
        self.commit(time_ms, &kept);
        self.compare();
    }

    fn commit(&mut self, time_ms: u64, envelopes: &[Vec<u8>]) {
        let statuses: Vec<Status> = self.world.plans.iter().map(|plan| plan.status).collect();
        let built = self.ledger.attempt(time_ms, envelopes).expect("tried one by one");
        let executed = self.ledger.execute(&built.header, envelopes);
        assert_eq!(executed.as_ref(), Ok(&built), "builder and executor differ");
        let parent = self.ledger.head.clone();
        self.ledger.block(time_ms, envelopes).expect("as before");
        assert_eq!(self.ledger.head.validators, parent.next_validators);
        self.world.end();
        let plans = self.world.plans.clone();
        for (plan, was) in plans.iter().zip(statuses) {
            match plan.status {
                status if status == was => {}
                Status::Active => self.count(format!("active {}", plan.wish.name())),
                Status::Cancelled(code) => self.count(format!("cancelled {}", code.name())),
                _ => {}
            }
        }
    }

    /// Checks that the records and the header agree with the oracle.
    fn compare(&self) {
        let (ledger, world) = (&self.ledger, &self.world);
        let Header { height, next_validators, .. } = ledger.head;
        let mut validators: Vec<Validator> = world
            .validators
            .values()
            .map(|(key, power)| Validator { key: public(*key), power: *power })
            .collect();
        validators.sort();
        let set = ValidatorSet::new(validators).expect("a set");
        assert_eq!(next_validators, set.hash(), "the set after height {height}");
        assert_eq!(ledger.present_validators().set(), Ok(set));
        let read = |name: &str| {
            let entry = ledger.state.head(&governance::key(name)).expect("a sound store");
            entry.expect("a record").value.0
        };
        let encode = registry_core::codec::encode::<Parameters>;
        let expected = Parameters { heartbeat_ms: world.heartbeat, ..rules() };
        assert_eq!(read(PARAMETERS), encode(&expected));
        let keys = world.publishing.iter().map(|node| publishing_key(*node)).collect();
        assert_eq!(read(PUBLISHING), registry_core::codec::encode(&Publishing { keys }));
        let expected = governing(world.threshold, &world.governors);
        assert_eq!(read(governance::GOVERNORS), registry_core::codec::encode(&expected));
        let mut waiting = BTreeSet::new();
        for (plan, id) in world.plans.iter().zip(&self.ids) {
            let Plan { status, height, approvals, .. } = plan;
            let record = proposal(ledger, id);
            assert_eq!(record.status, status_of(*status), "plan for {height}");
            assert_eq!(record.approvals.len(), approvals.len());
            if *status == Status::Approved {
                waiting.insert((*height, *id));
            }
        }
        assert_eq!(scheduled_changes(&ledger.state).expect("a sound store").0, waiting);
    }
}

fn status_of(status: Status) -> ProposalStatus {
    match status {
        Status::Open => ProposalStatus::Open,
        Status::Approved => ProposalStatus::Approved,
        Status::Active => ProposalStatus::Active,
        Status::Cancelled(code) => ProposalStatus::Cancelled { code: code.number() },
    }
}

/// Returns the registry's verdict on an envelope after those that the block holds.
fn attempt(ledger: &Ledger, time_ms: u64, before: &[Vec<u8>], envelope: &[u8]) -> Result<(), Code> {
    let mut block = ledger.start(time_ms);
    for bytes in before {
        block.apply(&Ledger::check(bytes).expect("checked before")).expect("applied before");
    }
    let checked = Ledger::check(envelope).map_err(|refusal| refusal.code)?;
    block.apply(&checked).map_err(|error| match error {
        ApplyError::Refused(refusal) => refusal.code,
        error => panic!("{error}"),
    })
}
