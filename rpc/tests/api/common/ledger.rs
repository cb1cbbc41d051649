//! A ledger in memory that checks, executes and certifies what is submitted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::block::{Block, Receipt};
use registry_core::certificate::{Certificate, CommitSignature};
use registry_core::code::Refusal;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::id::{Did, NetworkName};
use registry_core::index::{self, Index, IndexRow};
use registry_core::record::Kind;
use registry_state::execution::{BlockExecution, Execution, Genesis, execute_genesis};
use registry_state::rules::Checked;
use registry_state::state::{ApplyError, MemoryState, halted_ms};
use rpc::service::{Check, Head, KeptToken, SubmitError};
use tokio::sync::watch;

use super::BLOCK_MS;
use super::genesis::{genesis, validator, validator_key};

/// A ledger with one validator. Submitted operations commit at once unless [`Ledger::hold`] was
/// called.
pub(crate) struct Ledger {
    pub(super) chain: Hash,
    pub(super) network: NetworkName,
    pub(super) validator: SigningKey,
    pub(super) heads: watch::Receiver<Head>,
    pub(super) inner: Mutex<Inner>,
    pub(super) generations: watch::Sender<u64>,
}

pub(super) struct Inner {
    pub(super) state: MemoryState,
    pub(super) blocks: Vec<Block>,
    pub(super) certificates: BTreeMap<u64, Certificate>,
    pub(super) receipts: BTreeMap<Hash, Receipt>,
    pub(super) refused: BTreeMap<Hash, Refusal>,
    pub(super) pending: Vec<Arc<Checked>>,
    pub(super) publish: watch::Sender<Head>,
    pub(super) oldest_block: u64,
    pub(super) holds: bool,
    pub(super) answer: Option<SubmitError>,
    pub(super) checks: Vec<Check>,
    pub(super) rows: Vec<IndexRow>,
    pub(super) view_key_seed: Option<u8>,
    pub(super) tokens: BTreeMap<KeptToken, Vec<u8>>,
}

fn head_of(state: &MemoryState, execution: &Execution) -> Head {
    let header = &execution.header;
    Head {
        height: header.height,
        time_ms: header.time,
        hash: header.hash(),
        state_root: header.state_root,
        halted_ms: halted_ms(state).expect("memory"),
        clock_offset_ms: None,
    }
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        Self::of(&genesis())
    }

    pub(crate) fn of(genesis: &Genesis) -> Arc<Self> {
        let (network, chain, validator) = (genesis.network.clone(), genesis.chain, validator());
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, genesis).expect("genesis");
        state.commit(&execution.changes);
        let (publish, heads) = watch::channel(head_of(&state, &execution));
        let block = Block { header: execution.header, operations: Vec::new() };
        let (certificates, receipts, refused, pending, checks) = Default::default();
        let inner = Inner {
            state,
            blocks: vec![block],
            certificates,
            receipts,
            refused,
            pending,
            publish,
            oldest_block: 0,
            holds: false,
            answer: None,
            checks,
            rows: Vec::new(),
            view_key_seed: Some(201),
            tokens: BTreeMap::new(),
        };
        let (inner, generations) = (Mutex::new(inner), watch::Sender::new(0));
        Arc::new(Self { chain, network, validator, heads, inner, generations })
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while locked")
    }

    pub(crate) fn head(&self) -> Head {
        *self.heads.borrow()
    }

    /// Returns the number of readers that wait for a block.
    pub(crate) fn readers(&self) -> usize {
        self.inner().publish.receiver_count() - 1
    }

    /// Lets submitted operations wait until the next [`Ledger::commit`].
    pub(crate) fn hold(&self) {
        self.inner().holds = true;
    }

    /// Answers every submission with `error`.
    pub(crate) fn answer(&self, error: SubmitError) {
        self.inner().answer = Some(error);
    }

    /// Removes the blocks below `height` from what is served.
    pub(crate) fn prune(&self, height: u64) {
        self.inner().oldest_block = height;
    }

    pub(crate) fn set_checks(&self, checks: Vec<Check>) {
        self.inner().checks = checks;
    }

    /// Gives the node another publishing key, or none.
    pub(crate) fn set_view_key(&self, seed: Option<u8>) {
        self.inner().view_key_seed = seed;
    }

    /// Returns the DID of the network.
    pub(crate) fn network_did(&self) -> Did {
        Did::of_chain(self.network.clone(), &self.chain)
    }

    /// Refuses all operations that wait.
    pub(crate) fn refuse_pending(&self, refusal: &Refusal) {
        let mut inner = self.inner();
        for checked in std::mem::take(&mut inner.pending) {
            inner.refused.insert(checked.id(), refusal.clone());
        }
        drop(inner);
        self.generations.send_modify(|generation| *generation += 1);
    }

    /// Commits a block with the operations that wait, [`BLOCK_MS`] after the last block.
    pub(crate) fn commit(&self) -> Head {
        self.commit_after(BLOCK_MS)
    }

    /// Commits a block with the operations that wait, `gap_ms` after the last block.
    pub(crate) fn commit_after(&self, gap_ms: u64) -> Head {
        let head = self.commit_unseen(gap_ms);
        self.show(head);
        self.generations.send_modify(|generation| *generation += 1);
        head
    }

    /// Shows readers the head that [`Ledger::commit_unseen`] returned.
    pub(crate) fn show(&self, head: Head) {
        self.inner().publish.send_replace(head);
    }

    /// Commits a block without showing readers the new head, like a node between its write and its
    /// announcement.
    pub(crate) fn commit_unseen(&self, gap_ms: u64) -> Head {
        let mut inner = self.inner();
        let operations = std::mem::take(&mut inner.pending);
        let parent = inner.blocks.last().expect("genesis").header.clone();
        let time_ms = parent.time + gap_ms;
        let proposer = validator_key(&self.validator);
        let state = inner.state.clone();
        let network = self.network.clone();
        let block = BlockExecution::new(&state, network, &parent, time_ms, proposer);
        let mut block = block.expect("memory");
        for checked in &operations {
            block.apply(checked).expect("checked at submission");
        }
        let execution = block.finish().expect("memory");
        inner.state.commit(&execution.changes);
        for entry in &execution.changes.entries {
            inner.rows.extend(index::rows(entry));
            // A node lists proposals from their records and has no index rows for them.
            if (entry.record.kind, entry.record.version) == (Kind::Proposal, 1) {
                let key = entry.record.record_key().storage_key();
                inner.rows.push(IndexRow { index: Index::Proposals, key, value: Vec::new() });
            }
        }
        let header = execution.header.clone();
        let certificate = self.certify(&header.hash(), header.height);
        inner.certificates.insert(header.height, certificate);
        for receipt in &execution.receipts {
            inner.receipts.insert(receipt.operation, receipt.clone());
        }
        let bytes = operations.iter().map(|checked| Bytes(checked.bytes().to_vec()));
        inner.blocks.push(Block { header, operations: bytes.collect() });
        head_of(&inner.state, &execution)
    }

    fn certify(&self, value: &Hash, height: u64) -> Certificate {
        let mut certificate =
            Certificate { height, round: 0, value: *value, signatures: Vec::new() };
        let message = certificate.precommit(self.chain).message();
        let signature = FixedBytes(self.validator.sign(&message).to_bytes());
        let validator = validator_key(&self.validator);
        certificate.signatures.push(CommitSignature { validator, signature });
        certificate
    }

    pub(super) fn admit(&self, checked: Arc<Checked>) -> Result<(), SubmitError> {
        let mut inner = self.inner();
        if let Some(error) = &inner.answer {
            return Err(error.clone());
        }
        if inner.pending.iter().any(|waiting| waiting.id() == checked.id()) {
            return Ok(());
        }
        let parent = inner.blocks.last().expect("genesis").header.clone();
        let (time_ms, proposer) = (parent.time + BLOCK_MS, validator_key(&self.validator));
        let network = self.network.clone();
        let probe = BlockExecution::new(&inner.state, network, &parent, time_ms, proposer);
        let result = probe.expect("memory").check(&checked);
        match result {
            Ok(_) => inner.pending.push(checked),
            Err(ApplyError::Refused(refusal)) => return Err(refusal.into()),
            Err(other) => panic!("{other}"),
        }
        let holds = inner.holds;
        drop(inner);
        if !holds {
            self.commit();
        }
        Ok(())
    }
}
