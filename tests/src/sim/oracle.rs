//! Properties that must hold in every run. They are checked without the helpers of the node:
//! quorums are counted by hand, blocks are executed again in order, and signatures are compared
//! with the bytes on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use node::store::{Ledger, Read};
use ordering::{Message, SignedProposal};
use registry_core::block::{Block, Header};
use registry_core::certificate::{Certificate, VoteKind};
use registry_core::crypto::{Hash, Purpose, ValidatorKey};
use registry_core::governance::{self, PROTOCOL_VERSION, VALIDATORS, VERSION, Validators};
use registry_core::record::{Entry, PartId, RecordKey};
use registry_state::execution::{execute, execute_genesis};
use registry_state::rules::check_stateless;
use registry_state::state::{MemoryState, StateView as _};

use super::chain::{Chain, public};
use super::lists::Model;

/// A violated property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Two nodes hold different blocks at the same height.
    Diverged {
        /// The height.
        height: u64,
        /// The node that committed its block second.
        node: usize,
    },
    /// An honest key signed two different messages for the same position.
    DoubleSigned {
        /// The key.
        validator: ValidatorKey,
        /// Height, round, and which of the three signatures of a round.
        position: (u64, u32, u8),
    },
    /// A key signed for a height whose validator set does not contain it.
    Unseated {
        /// The key.
        validator: ValidatorKey,
        /// The height.
        height: u64,
    },
    /// A signed message left a node whose height floor does not cover it.
    BelowFloor {
        /// The node.
        node: usize,
        /// Height of the message.
        height: u64,
        /// Height floor on the node's disk.
        floor: u64,
    },
    /// A signature on the wire does not match its frame.
    BadSignature {
        /// Node that sent the frame.
        node: usize,
    },
    /// A certificate does not prove its decision.
    BadCertificate {
        /// Height of the certificate.
        height: u64,
        /// Defect of the certificate.
        reason: String,
    },
    /// Executing a block again gives another result.
    BadBlock {
        /// Height of the block.
        height: u64,
        /// Difference of the results.
        reason: String,
    },
    /// A node skipped a height or went back.
    Gap {
        /// The node.
        node: usize,
        /// Height of the node before.
        before: u64,
        /// Height of the node now.
        now: u64,
    },
    /// An operation was applied twice.
    Twice {
        /// The operation.
        operation: Hash,
    },
    /// An acknowledged operation is missing.
    Lost {
        /// The operation.
        operation: Hash,
        /// Node that should have the operation.
        node: usize,
    },
    /// A version of the status list on a node differs from what its operations make.
    WrongArray {
        /// The version.
        version: u64,
        /// The node.
        node: usize,
    },
    /// A node stopped by itself.
    Fatal {
        /// The node.
        node: usize,
        /// Reason that the driver gave.
        reason: String,
    },
    /// An honest node cut another honest node.
    Cut {
        /// Node that cut the other.
        node: usize,
        /// Node that was cut.
        peer: usize,
        /// Reason for the cut.
        reason: String,
    },
    /// A queue exceeded its limit.
    Overflow {
        /// The node.
        node: usize,
        /// Name of the queue.
        what: &'static str,
    },
    /// The network made no progress after all faults had ended.
    Stuck {
        /// Description of what did not happen.
        what: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Signatures of each key by position.
type Signed = BTreeMap<(ValidatorKey, u64, u32, u8), (Option<u32>, Option<Hash>)>;

/// Checks of one run.
pub struct Oracle {
    chain: Chain,
    dishonest: BTreeSet<ValidatorKey>,
    signed: Signed,
    prevotes: BTreeMap<Hash, BTreeSet<ValidatorKey>>,
    /// Number of signed frames by key and height, repetitions included.
    sent: BTreeMap<(ValidatorKey, u64), u64>,
    headers: Vec<Header>,
    /// Power by key, for each height up to the next one.
    sets: Vec<BTreeMap<ValidatorKey, u64>>,
    state: MemoryState,
    list: Model,
    applied: BTreeMap<Hash, u64>,
    acknowledged: BTreeMap<Hash, u64>,
    heights: BTreeMap<usize, u64>,
    violations: Vec<Violation>,
}

impl Oracle {
    /// The oracle of a network.
    pub fn new(chain: &Chain) -> Self {
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, &chain.genesis).expect("a good genesis");
        state.commit(&execution.changes);
        let set = powers(&state);
        Self {
            chain: chain.clone(),
            dishonest: BTreeSet::new(),
            signed: BTreeMap::new(),
            prevotes: BTreeMap::new(),
            sent: BTreeMap::new(),
            headers: vec![execution.header],
            sets: vec![set.clone(), set],
            state,
            list: Model::new(&chain.list),
            applied: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            heights: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    /// Excludes a key from the checks, because it may do anything.
    pub fn distrust(&mut self, validator: ValidatorKey) {
        self.dishonest.insert(validator);
    }

    /// Violations found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Records a violation.
    pub fn report(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// Headers of the chain that the nodes agreed on.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Expected content of the status list.
    pub fn list(&self) -> &Model {
        &self.list
    }

    /// Number of operations in the chain.
    pub fn applied(&self) -> usize {
        self.applied.len()
    }

    /// True if the operation is in the chain.
    pub fn is_applied(&self, operation: &Hash) -> bool {
        self.applied.contains_key(operation)
    }

    /// Number of operations that some node reported as applied.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Number of honest validators whose prevote for `value` was on the wire.
    pub fn honest_prevotes(&self, value: &Hash) -> usize {
        let voters = self.prevotes.get(value);
        voters.map_or(0, |voters| voters.difference(&self.dishonest).count())
    }

    /// True if a key precommitted a block of a height.
    pub fn precommitted(&self, key: &SigningKey, height: u64) -> bool {
        let key = public(key);
        let rounds = self.signed.range((key, height, 0, 0)..(key, height + 1, 0, 0));
        rounds.into_iter().any(|((.., step), (_, value))| *step == 2 && value.is_some())
    }

    /// Number of signed frames that a key sent for the heights up to `height`.
    pub fn sent_up_to(&self, key: &SigningKey, height: u64) -> u64 {
        let key = public(key);
        self.sent.range((key, 0)..=(key, height)).map(|(_, count)| count).sum()
    }

    /// Checks a consensus message that a node sends.
    pub fn saw(&mut self, node: usize, message: &Message) {
        let (validator, position, content, valid) = match message {
            Message::Proposal(it) => {
                let position = (it.height, it.round, 0);
                let valid =
                    verifies(&it.validator, &proposal_bytes(self.chain.id, it), it.signature.0);
                (it.validator, position, (it.polka_round, Some(it.value)), valid)
            }
            Message::Vote(it) => {
                let step = if it.kind == VoteKind::Prevote { 1 } else { 2 };
                if let (Some(value), 1) = (it.value, step) {
                    self.prevotes.entry(value).or_default().insert(it.validator);
                }
                let bytes = vote_bytes(self.chain.id, step, it.height, it.round, it.value);
                let valid = verifies(&it.validator, &bytes, it.signature.0);
                (it.validator, (it.height, it.round, step), (None, it.value), valid)
            }
            Message::Polka(_) | Message::Round(_) => return,
        };
        *self.sent.entry((validator, position.0)).or_default() += 1;
        if self.dishonest.contains(&validator) {
            return;
        }
        if !valid {
            self.report(Violation::BadSignature { node });
        }
        let (height, round, step) = position;
        let set = usize::try_from(height).ok().and_then(|height| self.sets.get(height));
        if set.is_some_and(|set| !set.contains_key(&validator)) {
            self.report(Violation::Unseated { validator, height });
        }
        let before = self.signed.insert((validator, height, round, step), content);
        if before.is_some_and(|before| before != content) {
            self.report(Violation::DoubleSigned { validator, position });
        }
    }

    /// Checks a block that a node committed; `disk` is the disk of the node.
    pub fn committed(&mut self, node: usize, header: &Header, disk: &dyn Read) {
        let height = header.height;
        let before = self.heights.insert(node, height).unwrap_or(0);
        if height != before + 1 {
            self.report(Violation::Gap { node, before, now: height });
        }
        let ledger = Ledger(disk);
        let block = ledger.block(height).ok().flatten();
        let certificate = ledger.certificate(height).ok().flatten();
        let (Some(block), Some(certificate)) = (block, certificate) else {
            let reason = "the node does not hold what it committed".to_owned();
            return self.report(Violation::BadBlock { height, reason });
        };
        let set = usize::try_from(height).ok().and_then(|height| self.sets.get(height));
        let verdict = match set {
            Some(set) => check_certificate(self.chain.id, set, &block.header, &certificate),
            None => Err("nobody knows who decides this height".to_owned()),
        };
        if let Err(reason) = verdict {
            self.report(Violation::BadCertificate { height, reason });
        }
        let known = usize::try_from(height).ok().and_then(|height| self.headers.get(height));
        match known {
            Some(known) if *known == block.header && *known == *header => {}
            Some(_) => self.report(Violation::Diverged { height, node }),
            None => self.extend(&block),
        }
    }

    /// Executes the first block of a new height again, from the oracle's own state.
    fn extend(&mut self, block: &Block) {
        let height = block.header.height;
        let bad = |reason: String| Violation::BadBlock { height, reason };
        let Some(parent) = self.headers.last().cloned() else { return };
        if parent.height + 1 != height || block.header.previous != parent.hash() {
            return self.report(bad("it does not follow the chain".to_owned()));
        }
        let (id, network) = (self.chain.id, self.chain.network.clone());
        let operations = block.operations.iter();
        let checked: Result<Vec<_>, _> =
            operations.map(|bytes| check_stateless(&bytes.0, id, &network)).collect();
        let checked = match checked {
            Ok(checked) => checked,
            Err(refusal) => return self.report(bad(refusal.to_string())),
        };
        match execute(&self.state, network, &parent, &block.header, &checked) {
            Ok(execution) => self.state.commit(&execution.changes),
            Err(error) => return self.report(bad(error.to_string())),
        }
        self.list.apply(&checked);
        for operation in checked.iter().map(|checked| checked.id()) {
            if self.applied.insert(operation, height).is_some() {
                self.report(Violation::Twice { operation });
            }
        }
        self.headers.push(block.header.clone());
        self.sets.push(powers(&self.state));
    }

    /// Power of each validator of a height up to the next one, by the governance records.
    pub fn set(&self, height: u64) -> &BTreeMap<ValidatorKey, u64> {
        &self.sets[usize::try_from(height).expect("a height of this run")]
    }

    /// Newest version of a record of the chain.
    pub fn record(&self, key: &RecordKey) -> Option<Entry> {
        self.state.head(key).expect("memory can be read")
    }

    /// Checks that a node rightly stops before `height` because it does not support the protocol
    /// version there.
    pub fn outdated(&mut self, node: usize, height: u64) {
        let version: u64 = governed(&self.state, VERSION);
        if version <= PROTOCOL_VERSION || height != self.headers.len() as u64 {
            let reason = format!("it stopped before {height} for a version nobody asked for");
            self.report(Violation::Fatal { node, reason });
        }
    }

    /// Checks that the operation which a node reported as applied is in the block of `height`.
    pub fn acknowledge(&mut self, node: usize, operation: Hash, height: u64) {
        if self.applied.get(&operation) != Some(&height) {
            self.report(Violation::Lost { operation, node });
        }
        self.acknowledged.insert(operation, height);
    }

    /// Checks the disk of a node that starts; `lost` is true if the disk was emptied. A block that
    /// the node committed before it died, without reporting it, is checked now.
    pub fn started(&mut self, node: usize, height: u64, lost: bool, disk: &dyn Read) {
        let before = self.heights.get(&node).copied().unwrap_or(0);
        if lost {
            self.heights.insert(node, height);
        } else if height < before {
            self.report(Violation::Gap { node, before, now: height });
        }
        for height in before + 1..=height {
            if let Some(block) = Ledger(disk).block(height).ok().flatten() {
                self.committed(node, &block.header, disk);
            }
        }
    }

    /// Checks that a disk has every block and every acknowledged operation up to its height.
    pub fn audit(&mut self, node: usize, disk: &dyn Read) {
        let ledger = Ledger(disk);
        let head = ledger.head().ok().flatten().map_or(0, |head| head.header.height);
        for height in 1..=head {
            let block = ledger.block(height).ok().flatten();
            let index = usize::try_from(height).unwrap_or(usize::MAX);
            if block.map(|block| block.header).as_ref() != self.headers.get(index) {
                self.report(Violation::Diverged { height, node });
            }
        }
        if let Some(version) = self.list.difference(disk) {
            self.report(Violation::WrongArray { version, node });
        }
        let due = self.acknowledged.iter().filter(|(_, height)| **height <= head);
        let due: Vec<_> = due.map(|(operation, height)| (*operation, *height)).collect();
        for (operation, height) in due {
            let receipt = ledger.receipt(&operation).ok().flatten();
            if receipt.map(|receipt| receipt.height) != Some(height) {
                self.report(Violation::Lost { operation, node });
            }
        }
    }
}

/// Value of a governance record.
fn governed<T: serde::de::DeserializeOwned>(state: &MemoryState, name: &str) -> T {
    let entry = state.head(&governance::key(name)).expect("memory can be read");
    let value = entry.expect("genesis wrote it").part_value(PartId::WHOLE);
    value.expect("a governance record")
}

/// Power by key, from the validator record.
fn powers(state: &MemoryState) -> BTreeMap<ValidatorKey, u64> {
    let validators: Validators = governed(state, VALIDATORS);
    validators.validators.iter().map(|entry| (entry.key, entry.power)).collect()
}

/// Checks a certificate by DESIGN section 6, written out by hand: distinct validators of the
/// height's own set with more than two thirds of its power, each with a precommit for this header
/// in this round.
fn check_certificate(
    chain: Hash,
    set: &BTreeMap<ValidatorKey, u64>,
    header: &Header,
    certificate: &Certificate,
) -> Result<(), String> {
    if certificate.value != header.hash() || certificate.height != header.height {
        return Err("it is for another block".to_owned());
    }
    let Certificate { height, round, value, .. } = *certificate;
    let bytes = vote_bytes(chain, 2, height, round, Some(value));
    let mut signers = BTreeSet::new();
    let mut signed = 0;
    for signature in &certificate.signatures {
        let Some(power) = set.get(&signature.validator) else {
            return Err(format!("{} is no validator", signature.validator));
        };
        if !verifies(&signature.validator, &bytes, signature.signature.0) {
            return Err(format!("the signature of {} is wrong", signature.validator));
        }
        if !signers.insert(signature.validator) {
            return Err(format!("{} counts twice", signature.validator));
        }
        signed += power;
    }
    let total: u64 = set.values().sum();
    if signed * 3 > total * 2 { Ok(()) } else { Err(format!("power {signed} of {total} signed")) }
}

/// Signed bytes of a vote by docs/protocol: chain, kind, height, round, and the value behind a
/// flag.
fn vote_bytes(chain: Hash, kind: u8, height: u64, round: u32, value: Option<Hash>) -> [u8; 32] {
    let mut bytes = chain.0.to_vec();
    bytes.push(kind);
    bytes.extend(height.to_be_bytes());
    bytes.extend(round.to_be_bytes());
    bytes.push(u8::from(value.is_some()));
    bytes.extend(value.iter().flat_map(|value| value.0));
    Hash::of(Purpose::Vote, &[&bytes]).0
}

/// Signed bytes of a proposal by docs/protocol: chain, height, round, the polka's round behind a
/// flag, and the value.
fn proposal_bytes(chain: Hash, proposal: &SignedProposal) -> [u8; 32] {
    let mut bytes = chain.0.to_vec();
    bytes.extend(proposal.height.to_be_bytes());
    bytes.extend(proposal.round.to_be_bytes());
    bytes.push(u8::from(proposal.polka_round.is_some()));
    bytes.extend(proposal.polka_round.iter().flat_map(|round| round.to_be_bytes()));
    bytes.extend(proposal.value.0);
    Hash::of(Purpose::Proposal, &[&bytes]).0
}

fn verifies(key: &ValidatorKey, message: &[u8; 32], signature: [u8; 64]) -> bool {
    let signature = Signature::from_bytes(&signature);
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}
