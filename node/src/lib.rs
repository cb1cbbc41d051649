//! The node as a library: everything that runs a node of the network, without a command line.

pub mod config;
pub mod driver;
pub mod floor;
pub mod identity;
pub mod limits;
pub mod mempool;
pub mod net;
pub mod run;
pub mod service;
pub mod shell;
pub mod store;
pub mod sync;
pub mod wire;
