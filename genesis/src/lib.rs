//! The genesis file, from which a network starts, and the ceremony in which its operators agree on
//! it (docs/protocol/genesis.md).
//!
//! This crate is pure: it turns text into values and back. The caller reads files and clocks and
//! holds the secret keys.

mod ceremony;
mod error;
mod file;
pub mod limits;
mod rules;
#[cfg(test)]
mod tests;

pub use ceremony::{Entry, Outline};
pub use error::{GenesisError, Warning};
pub use file::GenesisFile;
