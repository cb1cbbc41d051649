//! The logic of a node, without I/O. [`Driver::handle`] takes an event and a [`Store`] and returns
//! the actions to carry out. The shell runs it on one thread with RocksDB and libp2p; the simulator
//! runs the same code with in-memory replacements.
//!
//! How an operation becomes part of a block:
//!
//! - [`intake`] admits an operation that a client submitted or a peer gossiped to the mempool.
//! - When it is this node's turn to propose, [`candidates`] builds a block from the mempool and
//!   executes it.
//! - The proposal goes out with the compact block. The other validators assemble the block, execute
//!   it and make it durable before they vote ([`candidates`], [`consensus`]).
//! - [`commit`] writes the decided block, its certificate and the new state in one batch, and
//!   reports the settlement of each operation.

mod candidates;
mod commit;
mod consensus;
mod cost;
mod event;
mod intake;
mod pace;
mod ready;
mod rules;
mod serve;
mod timeliness;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use libp2p::PeerId;
use ordering::{Guard, State, TimeoutKind};
use registry_core::block::Header;
use registry_core::certificate::Certificate;
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::Validators;
use registry_core::id::NetworkName;
use registry_core::record::StoreError;

use crate::mempool::Mempool;
use crate::net::Acceptance;
use crate::store::{Ledger, Read, Store};
use crate::sync::Sync;

pub use event::{Action, Event, Fatal, IntakeError, Now, Settlement};

use candidates::{Candidate, Proposed};
use pace::Pace;
use rules::{Rules, Signer};

/// Name, network and keys of a node.
pub struct Identity {
    /// The network's name.
    pub network: NetworkName,
    /// libp2p peer id of the node.
    pub peer: PeerId,
    /// Validator key of the node; `None` for a follower. The node votes while the validator set
    /// contains the key.
    pub signer: Option<ed25519_dalek::SigningKey>,
    /// Height floor of that key, the largest height in which it may have signed; 0 for a follower.
    pub floor: u64,
    /// Highest protocol version that the node announces to the network.
    pub version: u64,
}

/// Present activity of the node, for status, metrics and readiness.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Height of the newest committed block.
    pub height: u64,
    /// Time of that block, as Unix time in milliseconds.
    pub time_ms: u64,
    /// Greatest height that a certificate proves or that two peers claim.
    pub target: u64,
    /// Round of the height that is being decided; `None` if no height is being decided or the node
    /// does not take part.
    pub round: Option<u32>,
    /// Validator that proposes in that round.
    pub proposer: Option<ValidatorKey>,
    /// Number of operations in the mempool.
    pub mempool_operations: usize,
    /// Size of these operations in bytes.
    pub mempool_bytes: usize,
    /// True if this node may sign votes at the next height.
    pub votes: bool,
}

/// A timer of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Consensus(TimeoutKindKey, u64, u32),
    Pace,
    Build,
    Candidate,
    Sync,
    Status,
    Ready,
    Stop,
}

/// [`TimeoutKind`] as an ordered key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TimeoutKindKey(u8);

/// State machine of a node. See the module documentation.
pub struct Driver {
    network: NetworkName,
    peer: PeerId,
    chain: Hash,
    head: Header,
    certificate: Option<Certificate>,
    rules: Rules,
    signer: Option<Signer>,
    /// Consensus state, present while the validator set of the next height contains this node's
    /// key.
    ordering: Option<State>,
    /// Highest protocol version that this node announces.
    version: u64,
    /// Height and id of the pending proposals that would make this node a validator, or that change
    /// the protocol version.
    named: BTreeSet<(u64, Hash)>,
    /// Proposal and operation id of this node's latest readiness announcement.
    announcement: Option<(Hash, Hash)>,
    mempool: Mempool,
    /// Proposed blocks by height and hash, whether all their operations have arrived or not.
    proposed: BTreeMap<(u64, Hash), Proposed>,
    /// Executed blocks that follow the head, by hash.
    executed: BTreeMap<Hash, Candidate>,
    sync: Sync,
    pace: Pace,
    timers: BTreeMap<Timer, u64>,
    requests: BTreeMap<u64, Wanted>,
    next_request: u64,
    /// Greatest height whose decision was received by gossip or published, so that it is published
    /// only once.
    decided_seen: u64,
    /// Height and round for which the core waits for a block of this node.
    build: Option<(u64, u32)>,
    /// Outputs of replaying the consensus log at start; they are carried out with the first event.
    replayed: Vec<ordering::Output>,
    /// Number of equivocations seen since the start.
    evidence: u64,
    inputs: VecDeque<consensus::QueuedInput>,
    actions: Vec<Action>,
    now: Now,
    /// Steady clock in ms by which the building of a block stops. Without one, as in the simulator,
    /// a block is bounded by the rules alone.
    clock: Option<fn() -> u64>,
}

/// Purpose of a request in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Status,
    Blocks,
    /// Some operations of a proposed block, or the whole block.
    Proposed(u64, Hash),
}

impl Driver {
    /// Lets the building of a block stop by this steady clock, which counts milliseconds.
    pub fn with_clock(self, clock: fn() -> u64) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Continues from the head of the store, which must hold genesis at least.
    pub fn open(identity: Identity, store: &dyn Store, now: Now) -> Result<Self, Fatal> {
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let head = ledger.head()?.ok_or_else(|| StoreError::new("the store holds no genesis"))?;
        let rules = Rules::read(&ledger)?;
        rules.check_version(head.header.height)?;
        let Identity { network, peer, signer, floor, version } = identity;
        let signer = match signer {
            Some(key) => {
                let guard = ledger.guard()?;
                let guard = Guard::restore(guard.as_deref(), head.header.height, floor)?;
                Some(Signer { key, guard })
            }
            None => None,
        };
        let mut driver = Self {
            network,
            peer,
            chain: head.header.chain,
            certificate: head.certificate,
            head: head.header,
            pace: Pace::new(&rules.parameters, now),
            rules,
            signer,
            ordering: None,
            version,
            named: BTreeSet::new(),
            announcement: None,
            mempool: Mempool::default(),
            proposed: BTreeMap::new(),
            executed: BTreeMap::new(),
            sync: Sync::default(),
            timers: BTreeMap::new(),
            requests: BTreeMap::new(),
            next_request: 0,
            decided_seen: 0,
            build: None,
            replayed: Vec::new(),
            evidence: 0,
            inputs: VecDeque::new(),
            actions: Vec::new(),
            now,
            clock: None,
        };
        driver.join_or_leave_consensus(&ledger)?;
        driver.find_proposals(&ledger)?;
        driver.timers.insert(Timer::Status, now.steady_ms);
        Ok(driver)
    }

    /// Describes what the node is doing at the moment.
    pub fn progress(&self) -> Progress {
        let deciding = self.ordering.as_ref().filter(|state| state.is_deciding());
        let round = deciding.and_then(State::round);
        Progress {
            height: self.head.height,
            time_ms: self.head.time,
            target: self.sync.credible().max(self.head.height),
            round,
            proposer: round.and_then(|round| deciding?.proposer(round)),
            mempool_operations: self.mempool.len(),
            mempool_bytes: self.mempool.bytes(),
            votes: self
                .ordering
                .as_ref()
                .is_some_and(|state| state.guard().may_sign(self.head.height.saturating_add(1))),
        }
    }

    /// Name of the network that this node belongs to.
    pub fn network(&self) -> &NetworkName {
        &self.network
    }

    /// Number of equivocations of validators that this node has seen since its start.
    pub fn evidence(&self) -> u64 {
        self.evidence
    }

    /// Header of the newest committed block.
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// Validators of the next height, from the record `validators`.
    pub fn validators(&self) -> &Validators {
        &self.rules.validators
    }

    /// Time at which the next timer is due, on the steady clock in milliseconds.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.values().min().copied()
    }

    /// Handles one event and returns the actions to carry out, in order.
    pub fn handle(
        &mut self,
        event: Event,
        now: Now,
        store: &mut dyn Store,
    ) -> Result<Vec<Action>, Fatal> {
        self.now = now;
        self.fire_timers(store)?;
        match event {
            Event::Tick => {}
            Event::PeerConnected(peer) => {
                self.ask_status(peer);
                self.wake_again(peer);
            }
            Event::PeerDisconnected(peer) => self.sync.forget(&peer),
            Event::Frame { peer, bytes } => self.on_frame(peer, &bytes, store)?,
            Event::Submit { checked, token } => {
                let result = self.submit(checked, store)?;
                self.actions.push(Action::Admitted { token, result });
            }
            Event::GossipOperation { checked, id, source } => {
                let acceptance = self.on_gossip_operation(checked, store)?;
                self.actions.push(Action::Report { id, source, acceptance });
            }
            Event::GossipInvalid { id, source } => {
                self.actions.push(Action::Report { id, source, acceptance: Acceptance::Reject });
            }
            Event::GossipDecided { bytes, id, source } => {
                let acceptance = self.on_decided(source, &bytes);
                self.actions.push(Action::Report { id, source, acceptance });
            }
            Event::Request { peer, bytes, token } => self.serve(peer, &bytes, token, store)?,
            Event::Response { id, peer, bytes } => self.on_response(id, peer, &bytes, store)?,
            Event::RequestFailed { id, peer } => self.on_request_failed(id, peer),
        }
        self.advance(store)?;
        Ok(std::mem::take(&mut self.actions))
    }

    /// Runs the consensus core until it has no more input, requests missing blocks, and starts the
    /// next height if it is due.
    fn advance(&mut self, store: &mut dyn Store) -> Result<(), Fatal> {
        self.run_inputs(store)?;
        self.continue_sync();
        if self.start_height_if_due() {
            self.run_inputs(store)?;
        }
        Ok(())
    }

    fn fire_timers(&mut self, store: &mut dyn Store) -> Result<(), Fatal> {
        while let Some(timer) = self.due() {
            self.timers.remove(&timer);
            match timer {
                Timer::Consensus(kind, height, round) => {
                    let kind = kind.kind();
                    self.feed(ordering::Input::Timeout { kind, height, round });
                }
                Timer::Build => self.build_if_due(store)?,
                Timer::Candidate => self.retry_all_proposed(store)?,
                Timer::Status => self.status_round(),
                Timer::Ready => self.announce_ready(store)?,
                Timer::Stop => self.rules.check_version(self.head.height)?,
                Timer::Pace | Timer::Sync => {}
            }
            self.advance(store)?;
        }
        Ok(())
    }

    fn due(&self) -> Option<Timer> {
        let due = self.timers.iter().filter(|(_, at)| **at <= self.now.steady_ms);
        due.min_by_key(|(_, at)| **at).map(|(timer, _)| *timer)
    }

    fn set_timer(&mut self, timer: Timer, at_ms: u64) {
        self.timers.insert(timer, at_ms);
    }

    fn request(&mut self, peer: PeerId, request: &crate::wire::Request, wanted: Wanted) -> u64 {
        let id = self.next_request;
        self.next_request += 1;
        self.requests.insert(id, wanted);
        let bytes = registry_core::codec::encode(request);
        self.actions.push(Action::Request { id, peer, bytes });
        id
    }

    /// Peer id that the validator record names for a validator.
    fn peer_of(&self, validator: &ValidatorKey) -> Option<PeerId> {
        let entries = &self.rules.validators.validators;
        let entry = entries.iter().find(|entry| entry.key == *validator)?;
        entry.peer.parse().ok()
    }
}

impl TimeoutKindKey {
    const KINDS: [TimeoutKind; 4] = [
        TimeoutKind::Propose,
        TimeoutKind::Prevote,
        TimeoutKind::Precommit,
        TimeoutKind::Rebroadcast,
    ];

    fn of(kind: TimeoutKind) -> Self {
        Self(match kind {
            TimeoutKind::Propose => 0,
            TimeoutKind::Prevote => 1,
            TimeoutKind::Precommit => 2,
            TimeoutKind::Rebroadcast => 3,
        })
    }

    fn kind(self) -> TimeoutKind {
        Self::KINDS[usize::from(self.0)]
    }
}
