//! Fills a home by the real rules and the real store. The blocks contain prepared operations, and
//! the home's only validator certifies each as if its network had decided it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use genesis::{GenesisFile, Outline};
use indicatif::ProgressBar;
use keys::{Home, ValidatorSigner};
use node::config::Config;
use node::floor::FloorFile;
use node::shell::open_store;
use node::store::{Ledger, RocksStore, Store as _, commit_rows};
use registry_core::block::{Block, Header};
use registry_core::certificate::{Certificate, CommitSignature, Vote, VoteKind};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::id::Did;
use registry_core::limits::BLOCK_FIRST_VERSIONS_MAX;
use registry_state::execution::{BlockExecution, Execution};
use registry_state::rules::{Checked, check_stateless};

use super::home;
use super::operations::Maker;
use super::report::Report;

/// Milliseconds between two blocks. Only the order of the times matters.
pub(super) const BLOCK_MS: u64 = 1;
/// Number of blocks that are signed in advance of the one that is applied.
const AHEAD: usize = 2;
const CACHE_BYTES: usize = 128 << 20;

type Operations = Vec<Arc<Checked>>;

/// A new home whose validator is a network by itself, with the keys to fill it.
pub(super) struct Filler {
    pub(super) maker: Maker,
    pub(super) genesis: GenesisFile,
    signer: ValidatorSigner,
    data: PathBuf,
    floor: PathBuf,
}

/// Speed and size of a filled home.
pub(super) struct Filled {
    /// Operations applied per second.
    pub(super) per_second: f64,
    /// Bytes on disk afterwards.
    pub(super) bytes: u64,
}

/// Creates the home and fills it with `records` DIDs, of which each is updated once if `updates`
/// says so. `idem start --home` can run on it afterwards.
pub(super) fn run(home: &Home, records: u64, updates: bool) -> Result<Report> {
    let filler = Filler::new(home)?;
    let maker = &filler.maker;
    let filled = filler.fill(records, |number| Ok(maker.create(number)?.1))?;
    let mut report = Report::default();
    report.add("DIDs loaded", records as f64, "");
    report.add("load", filled.per_second, "DIDs/s");
    report.add("disk", filled.bytes as f64 / records as f64, "bytes a DID");
    if updates {
        let dids: Vec<Did> =
            (0..records).map(|number| Ok(maker.create(number)?.0)).collect::<Result<_>>()?;
        let update = |number: u64| {
            let did = dids.get(usize::try_from(number)?).context("a DID")?;
            maker.update(number, did.clone())
        };
        let updated = filler.fill(records, update)?;
        let bytes = updated.bytes.saturating_sub(filled.bytes);
        report.add("updates", updated.per_second, "/s");
        report.add("disk", bytes as f64 / records as f64, "bytes an update");
    }
    Ok(report)
}

impl Filler {
    /// Creates the home. Fails if it is the home of a node already.
    pub(super) fn new(home: &Home) -> Result<Self> {
        Self::with_genesis(home, |outline| outline)
    }

    /// Creates the home, with a genesis that `change` makes of the usual one. Fails if it is the
    /// home of a node already.
    pub(super) fn with_genesis(
        home: &Home,
        change: impl FnOnce(Outline) -> Outline,
    ) -> Result<Self> {
        if home.genesis_file().exists() {
            let path = home.path().display();
            bail!("{path} is the home of a node already; name a new one with --home DIR");
        }
        let (genesis, signer) = home::make(home, change)?;
        let maker = Maker { chain: genesis.chain_id(), network: genesis.network.clone() };
        let data = home.resolve(&Config::default().storage.path);
        Ok(Self { maker, genesis, signer, data, floor: home.height_floor_file() })
    }

    /// Opens the home's store. No node may run on it at the time.
    pub(super) fn open(&self) -> Result<RocksStore> {
        let floor = FloorFile::open(&self.floor, self.maker.chain, self.signer.key());
        let floor = floor?;
        Ok(open_store(&self.data, CACHE_BYTES, Some(floor), &self.genesis)?)
    }

    /// Applies the operations with the numbers below `count`, in order.
    pub(super) fn fill(
        &self,
        count: u64,
        operation: impl Fn(u64) -> Result<Vec<u8>> + Send,
    ) -> Result<Filled> {
        let started = Instant::now();
        let mut store = self.open()?;
        let progress = ProgressBar::new(count);
        std::thread::scope(|scope| {
            let (blocks, queue) = sync_channel(AHEAD);
            let signing = scope.spawn(|| self.sign(count, operation, blocks));
            self.apply(&mut store, queue, &progress)?;
            signing.join().map_err(|_| anyhow!("the signing thread panicked"))?
        })?;
        progress.finish_and_clear();
        drop(store);
        let per_second = count as f64 / started.elapsed().as_secs_f64();
        // The next start of the store writes the rest of the log into tables. Only then has the
        // directory its lasting size.
        drop(self.open()?);
        Ok(Filled { per_second, bytes: size(&self.data)? })
    }

    fn sign(
        &self,
        count: u64,
        operation: impl Fn(u64) -> Result<Vec<u8>>,
        blocks: SyncSender<Operations>,
    ) -> Result<()> {
        let Maker { chain, network } = &self.maker;
        for first in (0..count).step_by(BLOCK_FIRST_VERSIONS_MAX) {
            let mut operations = Vec::new();
            for number in first..count.min(first + BLOCK_FIRST_VERSIONS_MAX as u64) {
                let checked = check_stateless(&operation(number)?, *chain, network);
                operations
                    .push(Arc::new(checked.map_err(|refusal| anyhow!("not sent: {refusal}"))?));
            }
            if blocks.send(operations).is_err() {
                // The thread that applies the blocks has failed, and its error is reported.
                break;
            }
        }
        Ok(())
    }

    fn apply(
        &self,
        store: &mut RocksStore,
        queue: Receiver<Operations>,
        progress: &ProgressBar,
    ) -> Result<()> {
        let head = Ledger(store).head()?;
        let mut parent = head.ok_or_else(|| anyhow!("the store has no genesis"))?.header;
        for operations in queue {
            let ledger = Ledger(&*store);
            let mut block = self.block(&ledger, &parent, parent.time + BLOCK_MS)?;
            for checked in &operations {
                block.apply(checked)?;
            }
            let execution = block.finish()?;
            parent = self.commit(store, &execution, &operations)?;
            progress.inc(operations.len() as u64);
        }
        // No peer has seen the blocks yet, so one sync after the last is enough. The height floor
        // is raised after it.
        store.write(Vec::new(), true)?;
        store.raise_floor(parent.height)?;
        Ok(())
    }

    /// Starts the block after `parent` at block time `time_ms`.
    pub(super) fn block<'l>(
        &self,
        ledger: &'l Ledger<'_, RocksStore>,
        parent: &Header,
        time_ms: u64,
    ) -> Result<BlockExecution<'l>> {
        let (network, proposer) = (self.maker.network.clone(), self.signer.key());
        Ok(BlockExecution::new(ledger, network, parent, time_ms, proposer)?)
    }

    /// Certifies an executed block, writes it without a sync, and returns its header.
    pub(super) fn commit(
        &self,
        store: &mut RocksStore,
        execution: &Execution,
        operations: &[Arc<Checked>],
    ) -> Result<Header> {
        let bytes = operations.iter().map(|checked| Bytes(checked.bytes().to_vec())).collect();
        let block = Block { header: execution.header.clone(), operations: bytes };
        let rows = commit_rows(&*store, execution, &block, &self.certify(&block))?;
        store.write(rows, false)?;
        Ok(block.header)
    }

    fn certify(&self, block: &Block) -> Certificate {
        let (height, round, value) = (block.header.height, 0, block.header.hash());
        let (chain, kind) = (self.maker.chain, VoteKind::Precommit);
        let vote = Vote { chain, kind, height, round, value: Some(value) };
        let signature = ed25519_dalek::Signer::sign(&self.signer.signing_key(), &vote.message());
        let signature = FixedBytes(signature.to_bytes());
        let signatures = vec![CommitSignature { validator: self.signer.key(), signature }];
        Certificate { height, round, value, signatures }
    }
}

/// Returns the size of all files in a directory, in bytes.
fn size(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
