//! What the tests of the whole system share, and the benchmarks.

pub mod bench;
pub mod cluster;
pub mod sim;
