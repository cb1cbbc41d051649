//! Execution of blocks. It is total, deterministic, and applies a block as a whole or not at all
//! (DESIGN invariants 1 to 3).

use registry_core::block::{Header, Receipt, operations_root, receipts_root};
use registry_core::code::Refusal;
use registry_core::codec::{self, FixedBytes};
use registry_core::cost;
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    self, GOVERNORS, Governors, PARAMETERS, PROTOCOL_VERSION, PUBLISHING, Parameters, Publishing,
    VALIDATORS, VERSION, Validators,
};
use registry_core::id::{Did, NetworkName};
use registry_core::limits::{
    BLOCK_BYTES_MAX, BLOCK_FIRST_VERSIONS_MAX, BLOCK_OPERATIONS_MAX, BLOCK_RESERVED_DIVISOR,
};
use registry_core::mmr::Mmr;
use registry_core::record::{RecordKey, StoreError};

use super::probe::Probe;
use crate::rules::Checked;
use crate::rules::activation::take_effect;
use crate::rules::governors::missing_member;
use crate::state::{
    ApplyError, Changes, Context, Effect, Heads, Overlay, StateView, WriteContext, count_halt,
    whole,
};

/// Space of a block that is used so far, measured against the limits of a block.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlockBudget {
    cost_max: u64,
    cost: u64,
    ordinary_cost: u64,
    operations: usize,
    bytes: usize,
    first_versions: usize,
    ordinary_operations: usize,
    ordinary_bytes: usize,
}

impl BlockBudget {
    /// Starts an empty block whose operations may cost `cost_max` units together.
    pub fn new(cost_max: u64) -> Self {
        Self { cost_max, ..Self::default() }
    }

    /// Returns how many units the operation may cost at most.
    pub fn cost_left(&self, checked: &Checked) -> u64 {
        let left = self.cost_max.saturating_sub(self.cost);
        if checked.rank().has_priority() {
            return left;
        }
        left.min(self.ordinary_cost_max().saturating_sub(self.ordinary_cost))
    }

    fn ordinary_cost_max(&self) -> u64 {
        let reserved = self.cost_max.div_euclid(BLOCK_RESERVED_DIVISOR as u64);
        self.cost_max.saturating_sub(reserved)
    }

    /// Reserves room for an operation and returns true, or returns false and changes nothing.
    /// Actions with priority (rotate, recovery and deactivation) may use the whole block. All
    /// others must leave the reserved part free. `first_versions` is the number of records of which
    /// the operation writes the first version, and `cost` what it costs in units.
    pub fn take(&mut self, checked: &Checked, first_versions: usize, cost: u64) -> bool {
        let bytes = checked.bytes().len();
        let mut next = *self;
        next.cost = next.cost.saturating_add(cost);
        next.operations = next.operations.saturating_add(1);
        next.bytes = next.bytes.saturating_add(bytes);
        if !checked.rank().has_priority() {
            next.ordinary_operations = next.ordinary_operations.saturating_add(1);
            next.ordinary_bytes = next.ordinary_bytes.saturating_add(bytes);
            next.ordinary_cost = next.ordinary_cost.saturating_add(cost);
        }
        next.first_versions = next.first_versions.saturating_add(first_versions);
        let ordinary = |limit: usize| limit.saturating_sub(limit / BLOCK_RESERVED_DIVISOR);
        let fits = next.operations <= BLOCK_OPERATIONS_MAX
            && next.bytes <= BLOCK_BYTES_MAX
            && next.first_versions <= BLOCK_FIRST_VERSIONS_MAX
            && next.ordinary_operations <= ordinary(BLOCK_OPERATIONS_MAX)
            && next.ordinary_bytes <= ordinary(BLOCK_BYTES_MAX)
            && next.cost <= self.cost_max
            && next.ordinary_cost <= self.ordinary_cost_max();
        if fits {
            *self = next;
        }
        fits
    }
}

/// A block under construction: operations are applied one by one, then the block is finished.
pub struct BlockExecution<'a> {
    probe: Probe<'a>,
    template: Header,
    budget: BlockBudget,
    applied: Vec<Applied>,
}

/// An operation of the block. Its receipt names the record version at the end of the block.
struct Applied {
    operation: Hash,
    envelope: Hash,
    key: RecordKey,
}

/// An executed block: its header, changes and receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Header with all roots.
    pub header: Header,
    /// What the block adds to the store.
    pub changes: Changes,
    /// One receipt for each operation, in the order of operations.
    pub receipts: Vec<Receipt>,
}

impl<'a> BlockExecution<'a> {
    /// Starts the block after `parent` at block time `time_ms`. `view` is the state after `parent`.
    pub fn new(
        view: &'a dyn StateView,
        network: NetworkName,
        parent: &Header,
        time_ms: u64,
        proposer: ValidatorKey,
    ) -> Result<Self, BlockError> {
        let mut overlay = Overlay::new(view);
        let parameters = governance::read::<Parameters>(&Heads(&overlay), PARAMETERS)?;
        let version = governance::read::<u64>(&Heads(&overlay), VERSION)?;
        if version > PROTOCOL_VERSION {
            let height = parent.height.saturating_add(1);
            return Err(BlockError::Version { height, version });
        }
        let validators = validators_hash(&overlay)?;
        let history_root = overlay.append_history(parent.height, &parent.hash())?;
        let context = Context::after(view, network, parameters, parent, time_ms)?;
        count_halt(&mut overlay, parent.time, &context)?;
        overlay.expire(time_ms, cost::expired_max(context.parameters.block_cost_max))?;
        let template = Header {
            chain: parent.chain,
            height: context.height,
            time: time_ms,
            previous: parent.hash(),
            proposer,
            version,
            operations_root: Hash::ZERO,
            receipts_root: Hash::ZERO,
            state_root: Hash::ZERO,
            history_root,
            validators,
            next_validators: validators,
        };
        Ok(Self::over(overlay, context, template))
    }

    fn over(overlay: Overlay<'a>, context: Context, template: Header) -> Self {
        // Height 0 has no budget: nobody waits for it, and all operators agreed on it.
        let cost_max = match context.height {
            0 => u64::MAX,
            _ => context.parameters.block_cost_max,
        };
        let probe = Probe { overlay, context };
        Self { probe, template, budget: BlockBudget::new(cost_max), applied: Vec::new() }
    }

    /// Returns a probe of the state after the operations applied so far.
    pub fn probe(&self) -> &Probe<'a> {
        &self.probe
    }

    /// Checks the operation against the state so far and returns its effect. It changes nothing.
    pub fn check<'c>(&self, checked: &'c Checked) -> Result<Effect<'c>, ApplyError> {
        self.probe.check(checked)
    }

    /// Applies an operation. If it is refused, the block does not change.
    pub fn apply(&mut self, checked: &Checked) -> Result<(), ApplyError> {
        let applied = self.apply_priced(checked);
        self.probe.overlay.meter().stop();
        applied
    }

    fn apply_priced(&mut self, checked: &Checked) -> Result<(), ApplyError> {
        let (left, alone) = (self.budget.cost_left(checked), checked.cost());
        let fits = |mut budget: BlockBudget, first_versions, cost| {
            budget.take(checked, first_versions, cost).then_some(budget).ok_or(ApplyError::Full)
        };
        fits(self.budget, 0, alone)?;
        let mut own = 0;
        let effect = self.probe.priced(checked, left, |overlay| {
            own = first_versions(overlay, [checked.record_key()])?;
            fits(self.budget, own, alone).map(|_| ())
        })?;
        let Probe { overlay, context } = &mut self.probe;
        let cost = overlay.meter().paid().cost;
        overlay.meter().settle();
        let beside = first_versions(overlay, effect.beside.iter().map(|(key, _)| key))?;
        self.budget = fits(self.budget, own.saturating_add(beside), cost)?;
        let (operation, envelope, key) = (checked.id(), checked.envelope_id(), effect.key.clone());
        let at = WriteContext { height: context.height, time_ms: context.time_ms, operation };
        overlay.apply(effect, checked.operation().salt, at)?;
        self.applied.push(Applied { operation, envelope, key });
        Ok(())
    }

    /// Finishes the block: lets scheduled changes take effect and computes all roots.
    pub fn finish(self) -> Result<Execution, StoreError> {
        let Probe { mut overlay, context } = self.probe;
        take_effect(&mut overlay, &context)?;
        let next_validators = validators_hash(&overlay)?;
        let (state_root, changes) = overlay.finish(context.height)?;
        let receipts = receipts(&self.applied, context.height, &changes)?;
        let leaves = self.applied.iter().map(|applied| (&applied.envelope, &applied.operation));
        let header = Header {
            operations_root: operations_root(leaves),
            receipts_root: receipts_root(&receipts),
            state_root,
            next_validators,
            ..self.template
        };
        Ok(Execution { header, changes, receipts })
    }
}

/// Returns how many of these records have no version yet.
fn first_versions<'k>(
    overlay: &Overlay<'_>,
    keys: impl IntoIterator<Item = &'k RecordKey>,
) -> Result<usize, StoreError> {
    let mut count = 0_usize;
    for key in keys {
        count = count.saturating_add(usize::from(overlay.head(key)?.is_none()));
    }
    Ok(count)
}

fn receipts(
    applied: &[Applied],
    height: u64,
    changes: &Changes,
) -> Result<Vec<Receipt>, StoreError> {
    let receipt = |(index, applied): (u64, &Applied)| {
        let Applied { operation, envelope, key } = applied;
        let entry = changes.entry(key);
        let entry = entry.ok_or_else(|| StoreError::new("an operation wrote no record"))?;
        Ok(Receipt {
            operation: *operation,
            envelope: *envelope,
            height,
            index,
            kind: key.kind,
            key: key.key.clone(),
            version: entry.record.version,
            record: entry.record.hash(),
        })
    };
    (0..).zip(applied).map(receipt).collect()
}

/// Reason why a proposed block is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// A field of the header differs from what execution gives.
    #[error("header field {field} is {actual}, execution gives {expected}")]
    Header {
        /// Name of the field.
        field: &'static str,
        /// Value in the proposed header.
        actual: String,
        /// Value that follows from the operations.
        expected: String,
    },
    /// An operation of the block is refused.
    #[error("operation {index} is refused: {refusal}")]
    Operation {
        /// Index of the operation in the block.
        index: usize,
        /// Code and text of the refusal.
        refusal: Refusal,
    },
    /// The block holds more operations, bytes or first versions of records than allowed, or its
    /// operations cost more.
    #[error("operation {index} exceeds the limits of a block")]
    Full {
        /// Index of the first operation that does not fit.
        index: usize,
    },
    /// The proposer is not a validator of this height.
    #[error("proposer {proposer} is no validator of height {height}")]
    Proposer {
        /// Key of the proposer.
        proposer: ValidatorKey,
        /// Height of the block.
        height: u64,
    },
    /// The network uses a protocol version that this program does not know. Nothing is known about
    /// the block.
    #[error(
        "from height {height} on the network speaks version {version} of the protocol, this \
         build speaks {PROTOCOL_VERSION} at most; install a newer one"
    )]
    Version {
        /// First height that this program cannot execute.
        height: u64,
        /// Protocol version at that height.
        version: u64,
    },
    /// A governor is not created by the operations of genesis.
    #[error("governor {did} is not created by the operations")]
    Governor {
        /// The missing governor.
        did: Did,
    },
    /// The store failed, so nothing is known about the block.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BlockError {
    fn at(index: usize, error: ApplyError) -> Self {
        match error {
            ApplyError::Refused(refusal) => Self::Operation { index, refusal },
            ApplyError::Full => Self::Full { index },
            ApplyError::Store(error) => Self::Store(error),
        }
    }
}

/// Executes a proposed or decided block and compares every field of its header.
pub fn execute(
    view: &dyn StateView,
    network: NetworkName,
    parent: &Header,
    header: &Header,
    operations: impl IntoIterator<Item = impl AsRef<Checked>>,
) -> Result<Execution, BlockError> {
    if header.time <= parent.time {
        let expected = format!("later than {}", parent.time);
        let actual = header.time.to_string();
        return Err(BlockError::Header { field: "time", actual, expected });
    }
    let mut block = BlockExecution::new(view, network, parent, header.time, header.proposer)?;
    let validators = governance::read::<Validators>(&Heads(&block.probe.overlay), VALIDATORS)?;
    if !validators.validators.iter().any(|validator| validator.key == header.proposer) {
        let (proposer, height) = (header.proposer, header.height);
        return Err(BlockError::Proposer { proposer, height });
    }
    for (index, checked) in operations.into_iter().enumerate() {
        block.apply(checked.as_ref()).map_err(|error| BlockError::at(index, error))?;
    }
    let execution = block.finish()?;
    compare(header, &execution.header)?;
    Ok(execution)
}

fn compare(actual: &Header, expected: &Header) -> Result<(), BlockError> {
    let fields = [
        ("chain", actual.chain, expected.chain),
        ("previous", actual.previous, expected.previous),
        ("operations_root", actual.operations_root, expected.operations_root),
        ("receipts_root", actual.receipts_root, expected.receipts_root),
        ("state_root", actual.state_root, expected.state_root),
        ("history_root", actual.history_root, expected.history_root),
        ("validators", actual.validators, expected.validators),
        ("next_validators", actual.next_validators, expected.next_validators),
        ("all fields", actual.hash(), expected.hash()),
    ];
    let numbers =
        [("height", actual.height, expected.height), ("version", actual.version, expected.version)];
    let numbers = numbers.iter().filter(|(_, actual, expected)| actual != expected);
    let numbers =
        numbers.map(|(field, actual, expected)| (*field, actual.to_string(), expected.to_string()));
    let hashes = fields.iter().filter(|(_, actual, expected)| actual != expected);
    let hashes =
        hashes.map(|(field, actual, expected)| (*field, actual.to_string(), expected.to_string()));
    match numbers.chain(hashes).next() {
        Some((field, actual, expected)) => Err(BlockError::Header { field, actual, expected }),
        None => Ok(()),
    }
}

/// What genesis puts into the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Chain id: the hash of the canonical genesis.
    pub chain: Hash,
    /// Name of the network.
    pub network: NetworkName,
    /// Block time of height 0, as Unix time in milliseconds.
    pub time_ms: u64,
    /// First validator set.
    pub validators: Validators,
    /// First parameters.
    pub parameters: Parameters,
    /// First publishing keys.
    pub publishing: Publishing,
    /// DIDs that may change all this later. If `None`, nobody can.
    pub governors: Option<Governors>,
    /// Operations for the zero chain id. All of them must apply.
    pub operations: Vec<Checked>,
}

/// Executes height 0 over an empty store.
pub fn execute_genesis(view: &dyn StateView, genesis: &Genesis) -> Result<Execution, BlockError> {
    let mut overlay = Overlay::new(view);
    let at = WriteContext { height: 0, time_ms: genesis.time_ms, operation: Hash::ZERO };
    let records = [
        (VALIDATORS, codec::encode(&genesis.validators)),
        (PARAMETERS, codec::encode(&genesis.parameters)),
        (VERSION, codec::encode(&PROTOCOL_VERSION)),
        (PUBLISHING, codec::encode(&genesis.publishing)),
    ];
    let governors = genesis.governors.iter().map(|value| (GOVERNORS, codec::encode(value)));
    for (name, value) in records.into_iter().chain(governors) {
        overlay.write(&governance::key(name), whole(value), FixedBytes([0; 16]), at)?;
    }
    let validators = genesis.validators.set().map_err(StoreError::new)?.hash();
    let template = Header {
        chain: genesis.chain,
        height: 0,
        time: genesis.time_ms,
        previous: Hash::ZERO,
        proposer: ValidatorKey::default(),
        version: PROTOCOL_VERSION,
        operations_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        state_root: Hash::ZERO,
        history_root: Mmr::default().root(),
        validators,
        next_validators: validators,
    };
    let context = Context {
        network: genesis.network.clone(),
        height: 0,
        time_ms: genesis.time_ms,
        live_ms: genesis.time_ms,
        parameters: genesis.parameters.clone(),
    };
    let mut block = BlockExecution::over(overlay, context, template);
    for (index, checked) in genesis.operations.iter().enumerate() {
        block.apply(checked).map_err(|error| BlockError::at(index, error))?;
    }
    if let Some(governors) = &genesis.governors {
        let heads = Heads(&block.probe.overlay);
        if let Some(did) = missing_member(&heads, governors)? {
            return Err(BlockError::Governor { did: did.clone() });
        }
    }
    Ok(block.finish()?)
}

/// Returns the hash of the validator set that is in force after the writes so far.
fn validators_hash(overlay: &Overlay<'_>) -> Result<Hash, StoreError> {
    let validators = governance::read::<Validators>(&Heads(overlay), VALIDATORS)?;
    Ok(validators.set().map_err(StoreError::new)?.hash())
}
