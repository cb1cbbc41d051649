//! Executing operations: what the rules say of one over a state, and a whole block of them.

mod execute;
mod probe;

pub use execute::{
    BlockBudget, BlockError, BlockExecution, Execution, Genesis, execute, execute_genesis,
};
pub use probe::Probe;
