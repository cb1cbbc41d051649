//! The genesis file: what a network starts from, and how its operators agree on it
//! (docs/protocol/genesis.md).
//!
//! Pure: text in, text out. Files, clocks and secret keys belong to the caller.

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
