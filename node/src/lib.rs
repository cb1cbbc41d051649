//! The node as a library: the parts that the `idem` binary is made of.

pub mod cli;
pub mod config;
pub mod driver;
pub mod floor;
pub mod import;
pub mod keys;
pub mod limits;
pub mod mempool;
pub mod net;
pub mod run;
pub mod service;
pub mod shell;
pub mod store;
pub mod sync;
pub mod wire;
