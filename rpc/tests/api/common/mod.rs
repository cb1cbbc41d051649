//! A ledger in memory that executes real blocks, and an API server over it on loopback.

pub(crate) mod client;
pub(crate) mod genesis;
pub(crate) mod ledger;
pub(crate) mod lists;
mod node;
pub(crate) mod people;
pub(crate) mod rights;
pub(crate) mod websocket;

/// Time of the genesis in Unix milliseconds, and milliseconds between two blocks unless a test
/// chooses others.
pub(crate) const GENESIS_MS: u64 = 1_700_000_000_000;
pub(crate) const BLOCK_MS: u64 = 1_500;

/// Shortest recovery delay on the test network in milliseconds.
pub(crate) const DELAY_MS: u64 = 5_000;
