//! Execution of operations: the check of one operation over a state, and whole blocks.

mod execute;
mod probe;

pub use execute::{
    BlockBudget, BlockError, BlockExecution, Execution, Genesis, execute, execute_genesis,
};
pub use probe::Probe;
