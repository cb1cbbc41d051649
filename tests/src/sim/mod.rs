//! The deterministic simulator: the node's driver over a disk that forgets, in virtual time, with
//! one queue of events and seeded chance (docs/testing.md).
//!
//! [`world`] turns the queue; [`actions`] stands for the shell and the network; [`faults`] breaks
//! things; [`clients`] write, also to one of the [`lists`]; [`governors`] change the network;
//! [`oracle`] judges; [`swarm`] draws a whole run from a seed.

pub mod actions;
pub mod author;
pub mod byzantine;
pub mod chain;
pub mod clients;
pub mod disk;
pub mod faults;
pub mod governors;
pub mod links;
pub mod lists;
pub mod node;
pub mod oracle;
pub mod random;
pub mod swarm;
pub mod workload;
pub mod world;

pub use byzantine::{Byzantine, Forger, Lie};
pub use disk::PowerCut;
pub use links::Weather;
pub use oracle::Violation;
pub use world::{Setup, World};
