//! A ledger in memory, which starts with genesis and executes block after block.

use registry_core::block::Header;
use registry_core::code::{Code, Refusal};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{
    self, Governors, Parameters, Publishing, VALIDATORS, ValidatorEntry, Validators,
};
use registry_core::id::Did;
use registry_core::limits::NOTICE_MS_FLOOR;
use registry_core::record::{Entry, PartId, RecordKey};
use registry_state::execution::{
    BlockError, BlockExecution, Execution, Genesis, execute, execute_genesis,
};
use registry_state::rules::{Checked, check_stateless};
use registry_state::state::{ApplyError, MemoryState, StateView as _};

use super::{DELAY_MS, chain, ed, network};

/// Genesis time, 2026-01-01T00:00:00Z, at which a UTC day begins.
pub(crate) const GENESIS_MS: u64 = 1_767_225_600_000;

pub(crate) fn validators() -> Validators {
    let key = ValidatorKey(ed(1).ed25519().verifying_key().to_bytes());
    let (name, power, peer) = ("one".to_owned(), 1, String::new());
    Validators { validators: vec![ValidatorEntry { name, key, power, peer, addresses: vec![] }] }
}

pub(crate) fn parameters() -> Parameters {
    Parameters {
        recovery_delay_ms_min: DELAY_MS,
        notice_ms_min: NOTICE_MS_FLOOR,
        // A budget with room for as many small operations as a block may have.
        timeout_propose_ms: 3_000,
        block_cost_max: 450_000,
        ..Parameters::default()
    }
}

/// Content of a genesis besides its operations.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) parameters: Parameters,
    pub(crate) validators: Validators,
    pub(crate) governors: Option<Governors>,
}

impl Default for Start {
    fn default() -> Self {
        Self { parameters: parameters(), validators: validators(), governors: None }
    }
}

/// The state after some blocks, and these blocks.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) state: MemoryState,
    pub(crate) head: Header,
    /// Header of the block before the head; at genesis that of genesis.
    pub(crate) parent: Header,
    /// Genesis of the chain.
    pub(crate) genesis: Start,
    pub(crate) genesis_operations: Vec<Vec<u8>>,
    /// Block time and envelopes of each block after genesis.
    pub(crate) blocks: Vec<(u64, Vec<Vec<u8>>)>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self::with_genesis_operations(Vec::new())
    }

    pub(crate) fn with_genesis_operations(operations: Vec<Vec<u8>>) -> Self {
        Self::start_from(Start::default(), operations)
    }

    pub(crate) fn start_from(start: Start, operations: Vec<Vec<u8>>) -> Self {
        let mut state = MemoryState::default();
        let checked = operations.iter();
        let checked = checked.map(|bytes| check_stateless(bytes, Hash::ZERO, &network()));
        let genesis = Genesis {
            chain: chain(),
            network: network(),
            time_ms: GENESIS_MS,
            validators: start.validators.clone(),
            parameters: start.parameters.clone(),
            publishing: Publishing::default(),
            governors: start.governors.clone(),
            operations: checked.collect::<Result<_, _>>().expect("good operations"),
        };
        let execution = execute_genesis(&state, &genesis).expect("a good genesis");
        state.commit(&execution.changes);
        let (head, blocks) = (execution.header, Vec::new());
        let parent = head.clone();
        Self { state, head, parent, genesis: start, genesis_operations: operations, blocks }
    }

    /// Returns the validators of the next block.
    pub(crate) fn present_validators(&self) -> Validators {
        let entry = self.state.head(&governance::key(VALIDATORS)).expect("a sound store");
        entry.expect("validators").part_value(PartId::WHOLE).expect("validators")
    }

    pub(crate) fn check(bytes: &[u8]) -> Result<Checked, Refusal> {
        check_stateless(bytes, chain(), &network())
    }

    pub(crate) fn start(&self, time_ms: u64) -> BlockExecution<'_> {
        let proposer = self.present_validators().validators[0].key;
        BlockExecution::new(&self.state, network(), &self.head, time_ms, proposer)
            .expect("a sound store")
    }

    /// Builds a block without keeping it, and returns the result or the refusal of the first bad
    /// operation.
    pub(crate) fn attempt(
        &self,
        time_ms: u64,
        envelopes: &[Vec<u8>],
    ) -> Result<Execution, Refusal> {
        let mut block = self.start(time_ms);
        for bytes in envelopes {
            block.apply(&Self::check(bytes)?).map_err(|error| match error {
                ApplyError::Refused(refusal) => refusal,
                error => panic!("{error}"),
            })?;
        }
        Ok(block.finish().expect("a sound store"))
    }

    /// Executes a block with this header as another node does.
    pub(crate) fn execute(
        &self,
        header: &Header,
        envelopes: &[Vec<u8>],
    ) -> Result<Execution, BlockError> {
        let checked = envelopes.iter().map(|bytes| Self::check(bytes).expect("a good envelope"));
        execute(&self.state, network(), &self.head, header, checked)
    }

    /// Executes and keeps a block.
    pub(crate) fn block(&mut self, time_ms: u64, envelopes: &[Vec<u8>]) -> Result<(), Refusal> {
        let execution = self.attempt(time_ms, envelopes)?;
        self.state.commit(&execution.changes);
        self.parent = std::mem::replace(&mut self.head, execution.header);
        self.blocks.push((time_ms, envelopes.to_vec()));
        Ok(())
    }

    /// Adds a block that must apply, `gap_ms` milliseconds after the last one.
    pub(crate) fn after(&mut self, gap_ms: u64, envelopes: &[Vec<u8>]) -> &mut Self {
        self.block(self.head.time + gap_ms, envelopes).expect("the block applies");
        self
    }

    pub(crate) fn refusal(&self, time_ms: u64, envelopes: &[Vec<u8>]) -> Option<Code> {
        self.attempt(time_ms, envelopes).err().map(|refusal| refusal.code)
    }

    pub(crate) fn entry(&self, did: &Did) -> Option<Entry> {
        self.state.head(&RecordKey::did(&did.suffix)).expect("a sound store")
    }

    /// Returns the record of a DID as an operation on it sees it now.
    pub(crate) fn previous(&self, did: &Did) -> Entry {
        self.entry(did).expect("a registered DID")
    }
}
