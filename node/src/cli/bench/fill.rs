//! Filling a home by the real rules and store: blocks of creates, each certified by the home's one
//! validator, as if its network had decided them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use indicatif::ProgressBar;
use registry_core::block::Block;
use registry_core::certificate::{Certificate, CommitSignature, Vote, VoteKind};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::limits::BLOCK_CREATES_MAX;
use registry_core::operation::{Checked, check_stateless};
use registry_core::state::BlockExecution;

use super::local;
use super::operations::Maker;
use super::report::Report;
use crate::cli::exit::Failure;
use crate::cli::localnet::make_alone;
use crate::config::{Config, Home, Role};
use crate::floor::FloorFile;
use crate::keys::{NodeKeys, ValidatorSigner};
use crate::shell::open_store;
use crate::store::{Ledger, RocksStore, Store as _, commit_rows};

/// Time between two blocks, in ms; only the order of times matters.
const BLOCK_MS: u64 = 1;
/// Blocks that are signed ahead of the one that is applied.
const AHEAD: usize = 2;
const CACHE_BYTES: usize = 128 << 20;

type Operations = Vec<Arc<Checked>>;

/// Makes the home and its records. `idem start --home` runs on it.
pub(super) fn run(home: &Home, records: u64) -> Result<Report, Failure> {
    if home.genesis_file().exists() {
        let message = format!("{} is the home of a node already", home.path().display());
        return Err(Failure::usage_with(message, "name a new one with --home DIR"));
    }
    let network = "bench".parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let genesis = make_alone(home, network)?;
    let keys = NodeKeys::load(home, Role::Validator, None)?;
    let signer = keys.validator.ok_or_else(|| Failure::usage("the home has no validator key"))?;
    let started = Instant::now();
    let data = home.resolve(&Config::default().storage.path);
    let open = || {
        let floor = FloorFile::open(&home.height_floor_file(), genesis.chain_id(), signer.key());
        let floor = floor.map_err(|error| Failure::usage(error.to_string()))?;
        open_store(&data, CACHE_BYTES, Some(floor), &genesis)
            .map_err(|error| Failure::usage(error.to_string()))
    };
    let maker = Maker { chain: genesis.chain_id(), network: genesis.network.clone() };
    let mut store = open()?;
    let progress = ProgressBar::new(records);
    std::thread::scope(|scope| {
        let (blocks, queue) = sync_channel(AHEAD);
        let signing = scope.spawn(|| sign(&maker, records, blocks));
        apply(&maker, &signer, &mut store, queue, &progress)?;
        signing.join().map_err(|_| Failure::usage("the signing thread panicked"))?
    })?;
    progress.finish_and_clear();
    drop(store);
    let elapsed_s = started.elapsed().as_secs_f64();
    // The log is replayed into tables at the next start; only then is the size what stays.
    drop(open()?);
    let bytes = size(&data).map_err(local)?;
    let mut report = Report::default();
    report.add("DIDs loaded", records as f64, "");
    report.add("load", records as f64 / elapsed_s, "DIDs/s");
    report.add("disk", bytes as f64 / records as f64, "bytes a DID");
    Ok(report)
}

fn sign(maker: &Maker, records: u64, blocks: SyncSender<Operations>) -> Result<(), Failure> {
    for first in (0..records).step_by(BLOCK_CREATES_MAX) {
        let mut operations = Vec::new();
        for number in first..records.min(first + BLOCK_CREATES_MAX as u64) {
            let (_, bytes) = maker.create(number)?;
            let checked = check_stateless(&bytes, maker.chain, &maker.network);
            operations.push(Arc::new(checked.map_err(|refusal| Failure::local(&refusal))?));
        }
        if blocks.send(operations).is_err() {
            // The other side failed, and says why.
            break;
        }
    }
    Ok(())
}

fn apply(
    maker: &Maker,
    signer: &ValidatorSigner,
    store: &mut RocksStore,
    queue: Receiver<Operations>,
    progress: &ProgressBar,
) -> Result<(), Failure> {
    let head = Ledger(store).head()?.ok_or_else(|| Failure::usage("the store has no genesis"))?;
    let mut parent = head.header;
    for operations in queue {
        let ledger = Ledger(&*store);
        let time_ms = parent.time + BLOCK_MS;
        let network = maker.network.clone();
        let block = BlockExecution::new(&ledger, network, &parent, time_ms, signer.key());
        let mut block = block.map_err(|error| Failure::usage(error.to_string()))?;
        for checked in &operations {
            block.apply(checked).map_err(|error| Failure::usage(error.to_string()))?;
        }
        let execution = block.finish()?;
        let bytes = operations.iter().map(|checked| Bytes(checked.bytes().to_vec())).collect();
        let block = Block { header: execution.header.clone(), operations: bytes };
        let certificate = certify(maker, signer, &block);
        let rows = commit_rows(&*store, &execution, &block, &certificate)?;
        store.write(rows, true)?;
        store.raise_floor(block.header.height)?;
        parent = block.header;
        progress.inc(operations.len() as u64);
    }
    Ok(())
}

fn certify(maker: &Maker, signer: &ValidatorSigner, block: &Block) -> Certificate {
    let (height, round, value) = (block.header.height, 0, block.header.hash());
    let kind = VoteKind::Precommit;
    let vote = Vote { chain: maker.chain, kind, height, round, value: Some(value) };
    let signature = ed25519_dalek::Signer::sign(&signer.signing_key(), &vote.message());
    let signature = FixedBytes(signature.to_bytes());
    let signatures = vec![CommitSignature { validator: signer.key(), signature }];
    Certificate { height, round, value, signatures }
}

/// Bytes of all files in a directory.
fn size(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
