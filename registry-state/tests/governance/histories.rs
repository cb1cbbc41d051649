//! Random histories of networks whose governors, validators and newcomers try both permitted and
//! forbidden actions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use registry_core::block::Header;
use registry_core::certificate::{Validator, ValidatorSet};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    self, Change, Edits, Governors, PARAMETERS, PUBLISHING, Parameters, ProposalStatus, Publishing,
    ValidatorEntry, ValidatorReady,
};
use registry_core::operation::{Action, Operation, Role, operation_id};
use registry_state::state::{StateView as _, scheduled_changes};

use crate::oracle::{Deed, NodeKey, Plan, Said, Status, Wish, World};
use crate::support::draft::{Applied, Draft, code_of};
use crate::support::governance::{
    approve, governed, governor, governors_of, proposal, propose, publishing_key, ready,
    seal_approval, validator, validator_key, withdraw,
};
use crate::support::ledger::{GENESIS_MS, Ledger, Start, parameters};
use crate::support::random::Random;
use crate::support::status::authored;
use crate::support::trust::Party;
use crate::support::{Key, chain, ed, reveal, salt, seal, seal_body};

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
    pub(crate) applied: Applied,
    /// Number of announcements of each key that were made before the present block.
    announced: BTreeMap<NodeKey, u64>,
    /// Key that the present block announced last, with the plan that waits for it.
    just_announced: Option<(usize, NodeKey)>,
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
        let (ids, applied, announced, just_announced) = Default::default();
        let (salts, counts) = Default::default();
        Self { ledger, world, ids, applied, announced, just_announced, random, salts, counts }
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
        let known = self.ids.len();
        let pending: Vec<usize> = (0..known).filter(is_pending).collect();
        match pending.is_empty() || self.random.one_in(8) {
            true => known - 1 - self.below(known.min(8)),
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

    /// Returns the announcement of a key. Its node may not know of those in the present block.
    fn announcement(&mut self, plan: usize, key: NodeKey) -> Deed {
        let version = u64::from(!self.random.one_in(5));
        let is_block_right = !self.random.one_in(10);
        let known = match self.random.one_in(2) {
            true => self.announced.get(&key).copied().unwrap_or_default(),
            false => self.world.announcements(key),
        };
        Deed::Ready { plan, key, version, is_block_right, known }
    }

    fn some_deed(&mut self) -> Deed {
        // A key that the block has announced is often announced again.
        if let Some((plan, key)) = self.just_announced
            && self.random.one_in(2)
        {
            return self.announcement(plan, key);
        }
        let by = self.some_party();
        let by_control = self.random.one_in(3);
        if self.ids.is_empty() || self.random.one_in(4) {
            let ahead = 9 + self.random.below(16);
            // Proposals by control are rare, so that methods use up their quota in some histories.
            let by_control = by_control && self.random.one_in(4);
            return Deed::Propose(by, self.some_wish(), self.world.height + ahead, by_control);
        }
        let word = |is_for| Said { is_for, by_control };
        match self.random.below(200) {
            0 => Deed::Deactivate(by),
            1..=24 => Deed::Say(by, self.some_plan(), word(false)),
            25..=78 => {
                let (plan, key) = self.some_newcomer();
                self.announcement(plan, key)
            }
            _ => Deed::Say(by, self.some_plan(), word(true)),
        }
    }

    /// Returns the envelope of a deed and the id of its operation.
    fn envelope(&mut self, draft: &Draft, deed: &Deed) -> (Vec<u8>, Hash) {
        let by_party = |party: &usize, action: Action| (Some(ALL[*party].did.clone()), action);
        let (author, action) = match deed {
            Deed::Propose(by, wish, height, _) => by_party(by, propose(change(wish), *height)),
            Deed::Say(by, plan, Said { is_for: true, .. }) => {
                by_party(by, approve(self.ids[*plan]))
            }
            Deed::Say(by, plan, _) => by_party(by, withdraw(self.ids[*plan])),
            Deed::Ready { plan, key, version, is_block_right, .. } => {
                let word = ready(&self.ledger, self.ids[*plan], key.0);
                let mut header = word.header;
                if !is_block_right {
                    header.state_root = Hash([7; 32]);
                }
                let word = ValidatorReady { key: public(*key), version: *version, header, ..word };
                (None, Action::ValidatorReady(Box::new(word)))
            }
            Deed::Deactivate(by) => by_party(by, Action::DidDeactivate(reveal(&[next_key(*by)]))),
        };
        self.salts = self.salts.wrapping_add(1);
        let nobody = &ALL[0].did;
        let guard = match deed {
            // The node has not seen what the block holds so far.
            Deed::Ready { key, known, .. } if *known < self.world.announcements(*key) => {
                Draft::new(draft.time_ms).guard(&self.ledger, None, &action)
            }
            _ => draft.guard(&self.ledger, author.as_ref(), &action),
        };
        let operation = authored(nobody, guard, self.salts, action);
        let operation = Operation { author, chain: chain(), salt: salt(self.salts), ..operation };
        let envelope = match deed {
            Deed::Propose(by, .., true) | Deed::Say(by, _, Said { by_control: true, .. }) => {
                seal_body(operation.body(), Role::Approval, &[ALL[*by].key])
            }
            Deed::Propose(by, ..) | Deed::Say(by, ..) => seal_approval(&operation, &ALL[*by]),
            Deed::Ready { key, .. } => seal(&operation, &[key_of(*key)]),
            Deed::Deactivate(by) => seal(&operation, &[next_key(*by)]),
        };
        (envelope, operation_id(&operation.body()))
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
        self.announced = (1..=NODES)
            .flat_map(|node| [false, true].map(|is_new| (node as u8, is_new)))
            .map(|key| (key, self.world.announcements(key)))
            .collect();
        self.just_announced = None;
        let mut draft = Draft::new(time_ms);
        // A readiness announcement names a block two heights below, so the first blocks have no
        // deeds.
        let deeds = if self.world.height < 3 { 0 } else { self.below(5) };
        let mut written = Vec::new();
        for _ in 0..deeds {
            let deed = self.some_deed();
            let (envelope, id) = self.envelope(&draft, &deed);
            let before = self.world.clone();
            let expected = self.world.act(&deed, Some(id));
            let actual = draft.add(&self.ledger, envelope);
            let actual = actual.map(drop).map_err(|error| code_of(&error));
            assert_eq!(actual, expected, "{deed:?} at {}: {before:?}", before.height);
            match expected {
                Ok(()) => {
                    self.count("applied");
                    let plan = match deed {
                        Deed::Propose(..) => {
                            self.ids.push(id);
                            Some(self.ids.len() - 1)
                        }
                        Deed::Say(_, plan, _) => Some(plan),
                        Deed::Ready { plan, key, .. } => {
                            self.just_announced = Some((plan, key));
                            None
                        }
                        Deed::Deactivate(_) => None,
                    };
                    if plan.is_some() && written.contains(&plan) {
                        self.count("again in a block");
                    }
                    written.push(plan);
                }
                Err(code) => self.count(code.name()),
            }
        }
        self.commit(draft);
        self.compare();
    }

    fn commit(&mut self, draft: Draft) {
        let statuses: Vec<Status> = self.world.plans.iter().map(|plan| plan.status).collect();
        let parent = self.ledger.head.clone();
        // Once in a while everything is sent again that was ever applied.
        let most = if self.world.height.is_multiple_of(50) { usize::MAX } else { 50 };
        draft.commit(&mut self.ledger, &mut self.applied, most);
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
            entry.expect("a record").parts[0].value.0.clone()
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
            let Plan { status, height, said, .. } = plan;
            let record = proposal(ledger, id);
            assert_eq!(record.status, status_of(*status), "plan for {height}");
            let words = record.approvals.iter().map(|said| {
                let by = ALL.iter().position(|party| party.did == said.governor);
                let (is_for, by_control) = (!said.withdrawn, said.by_control);
                (by.expect("a party"), Said { is_for, by_control })
            });
            assert_eq!(words.collect::<BTreeMap<_, _>>(), *said, "plan for {height}");
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

fn next_key(party: usize) -> Key {
    ed(ALL[party].key.seed + 1)
}
