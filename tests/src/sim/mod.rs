//! The deterministic simulator. It runs the driver of the node over a disk that loses unsynced
//! data, in virtual time, with one queue of events and seeded random numbers (docs/testing.md).
//!
//! [`world`] processes the queue. [`actions`] stands for the shell and the network. [`faults`]
//! injects faults. [`clients`] write, also to one of the [`lists`]. [`governors`] change the
//! network. [`oracle`] checks what must hold. [`swarm`] generates a whole run from a seed.

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
