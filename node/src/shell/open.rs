//! Opening of a node's database. A new database gets the genesis block; a database of another chain
//! is refused.

use std::path::Path;

use genesis::GenesisFile;
use registry_core::block::Block;
use registry_core::crypto::Hash;
use registry_core::record::StoreError;
use registry_state::execution::{BlockError, execute_genesis};

use crate::floor::FloorFile;
use crate::store::{Ledger, RocksStore, Store as _, genesis_rows};

/// Reason why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be opened or read, or another process uses it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database belongs to another chain.
    #[error(
        "the data directory holds chain {actual}, the genesis file is of chain {expected}; use \
         the genesis file it was made with, or another data directory"
    )]
    OtherChain {
        /// Chain of the genesis file.
        expected: Hash,
        /// Chain of the database.
        actual: Hash,
    },
    /// The genesis file is not valid.
    #[error(transparent)]
    Genesis(#[from] genesis::GenesisError),
    /// Executing the genesis block failed.
    #[error("genesis does not execute: {0}")]
    Execute(#[from] BlockError),
}

/// Opens the database in `path`. A new one gets the genesis block.
pub fn open_store(
    path: &Path,
    cache_bytes: usize,
    floor: Option<FloorFile>,
    genesis: &GenesisFile,
) -> Result<RocksStore, OpenError> {
    let mut store = RocksStore::open(path, cache_bytes, floor)?;
    let expected = genesis.chain_id();
    match Ledger(&store).chain()? {
        Some(actual) if actual == expected => {}
        Some(actual) => return Err(OpenError::OtherChain { expected, actual }),
        None => {
            let registry = genesis.to_registry()?;
            let execution = execute_genesis(&Ledger(&store), &registry)?;
            let header = execution.header.clone();
            let block = Block { header, operations: genesis.operations.clone() };
            let rows = genesis_rows(&execution, &block)?;
            store.write(rows, true)?;
        }
    }
    Ok(store)
}
