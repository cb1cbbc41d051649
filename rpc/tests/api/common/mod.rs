//! A ledger in memory that executes real blocks, and an API server over it on loopback.

pub(crate) mod client;
pub(crate) mod genesis;
pub(crate) mod ledger;
pub(crate) mod lists;
mod node;
pub(crate) mod people;
pub(crate) mod rights;
pub(crate) mod websocket;

/// Genesis time, and the time between two blocks unless a test says otherwise.
pub(crate) const GENESIS_MS: u64 = 1_700_000_000_000;
pub(crate) const BLOCK_MS: u64 = 1_500;

/// The shortest recovery delay on the test network.
pub(crate) const DELAY_MS: u64 = 5_000;
