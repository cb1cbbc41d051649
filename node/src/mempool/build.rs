//! Building of a block from the mempool: which operations go into it, and in which order.

use std::collections::BTreeSet;
use std::sync::Arc;

use registry_core::code::Refusal;
use registry_core::crypto::Hash;
use registry_core::limits::{BLOCK_BYTES_MAX, BLOCK_OPERATIONS_MAX};
use registry_core::record::StoreError;
use registry_state::execution::{BlockExecution, Execution};
use registry_state::rules::Checked;
use registry_state::state::ApplyError;

use super::waiting::{Arrival, Pool, Waiting};
use crate::limits::PRIORITY_SHARE_DIVISOR;

/// Block that a proposer built from the mempool.
pub struct Built {
    /// Result of executing the block.
    pub execution: Execution,
    /// Operations of the block, in order.
    pub operations: Vec<Arc<Checked>>,
    /// Operations that the present state refuses. They have been removed from the mempool.
    pub refused: Vec<(Hash, Refusal)>,
}

/// What became of an operation that the builder tried.
enum Tried {
    Applied,
    /// It may go into this block later: a senior operation on the same record goes first.
    Held,
    /// It waits for the next block, or the rules refuse it.
    Done,
}

/// Room for operations with priority while others wait.
#[derive(Clone, Copy, Default)]
struct Share {
    operations: usize,
    bytes: usize,
    cost: u64,
}

impl Share {
    /// Takes room for an operation and returns true, or returns false if there is none. The cost is
    /// known only when the operation has been applied, so the last one may exceed the half of
    /// `cost_max`.
    fn take(&mut self, waiting: &Waiting, cost_max: u64) -> bool {
        let operations = self.operations.saturating_add(1);
        let bytes = self.bytes.saturating_add(waiting.bytes());
        let fits = operations <= BLOCK_OPERATIONS_MAX / PRIORITY_SHARE_DIVISOR
            && bytes <= BLOCK_BYTES_MAX / PRIORITY_SHARE_DIVISOR
            && self.cost < cost_max / 2;
        if fits {
            *self = Self { operations, bytes, cost: self.cost };
        }
        fits
    }
}

struct Builder<'p, 'b> {
    pool: &'p Pool,
    /// True once the time for the block is over. What was not tried by then waits.
    is_late: &'p dyn Fn() -> bool,
    block: BlockExecution<'b>,
    operations: Vec<Arc<Checked>>,
    refused: Vec<(Arrival, Hash, Refusal)>,
    /// Operations that were applied or refused.
    settled: BTreeSet<Arrival>,
}

impl Builder<'_, '_> {
    fn attempt(&mut self, (arrival, waiting): (Arrival, &Waiting)) -> Result<Tried, StoreError> {
        if (self.is_late)() {
            return Ok(Tried::Done);
        }
        let settled = &self.settled;
        let is_senior = |(other, each): (Arrival, &Waiting)| {
            each.rank > waiting.rank && !settled.contains(&other)
        };
        if self.pool.rivals(waiting).any(is_senior) {
            return Ok(Tried::Held);
        }
        let checked = &waiting.checked;
        match self.block.apply(checked) {
            Ok(()) => {
                self.settled.insert(arrival);
                self.operations.push(Arc::clone(checked));
                Ok(Tried::Applied)
            }
            Err(ApplyError::Store(error)) => Err(error),
            Err(ApplyError::Full) => Ok(Tried::Done),
            Err(ApplyError::Refused(refusal)) => {
                self.settled.insert(arrival);
                self.refused.push((arrival, checked.id(), refusal));
                Ok(Tried::Done)
            }
        }
    }

    /// Tries operations in order. Returns those that are held.
    fn attempt_all<'w>(
        &mut self,
        all: impl IntoIterator<Item = (Arrival, &'w Waiting)>,
    ) -> Result<Vec<(Arrival, &'w Waiting)>, StoreError> {
        let mut held = Vec::new();
        for each in all {
            match self.attempt(each)? {
                Tried::Held => held.push(each),
                Tried::Applied | Tried::Done => {}
            }
        }
        Ok(held)
    }
}

/// A built block, and the operations that must leave the pool because the rules refuse them.
pub(super) type Finished = (Execution, Vec<Arc<Checked>>, Vec<(Arrival, Hash, Refusal)>);

/// Fills `block` from the pool. Operations with priority go first, the most urgent at the head, and
/// take half of the block at most. The others follow in the order of arrival. What is left then
/// goes to the remaining operations with priority. An operation never goes before a senior one of
/// the same author on the same record. Once `is_late` says so, no further operation is tried.
pub(super) fn build(
    pool: &Pool,
    block: BlockExecution<'_>,
    is_late: &dyn Fn() -> bool,
) -> Result<Finished, StoreError> {
    let (operations, refused, settled) = Default::default();
    let mut builder = Builder { pool, is_late, block, operations, refused, settled };
    let mut share = Share::default();
    let mut left = Vec::new();
    let cost_max = builder.block.probe().context().parameters.block_cost_max;
    for each in pool.urgent() {
        let mut taken = share;
        if !taken.take(each.1, cost_max) {
            left.push(each);
            continue;
        }
        match builder.attempt(each)? {
            Tried::Applied => {
                let cost = taken.cost.saturating_add(builder.block.probe().paid().cost);
                share = Share { cost, ..taken };
            }
            Tried::Held => left.push(each),
            Tried::Done => {}
        }
    }
    let held = builder.attempt_all(pool.ordinary())?;
    builder.attempt_all(held)?;
    let held = builder.attempt_all(left)?;
    builder.attempt_all(held)?;
    let Builder { block, operations, refused, .. } = builder;
    Ok((block.finish()?, operations, refused))
}
