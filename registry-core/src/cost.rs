//! The cost of operations, a formula that is the same on every node (docs/protocol/state.md,
//! section "Cost"). It counts what follows from the operation and from the state under the root,
//! never what a node has cached.
//!
//! One unit is meant to be one microsecond of one core of the machine that the page names.

use crate::crypto::Suite;
use crate::limits::EXPIRED_PER_BLOCK_MAX;

/// Cost of any operation: its place in the block, its receipt and its rules.
pub const OPERATION: u64 = 10;
/// Number of bytes of an envelope that cost one unit: they are hashed and decoded.
pub const ENVELOPE_BYTES: usize = 192;
/// Cost of the check of an Ed25519 signature.
pub const ED25519: u64 = 50;
/// Cost of the check of a P-256 signature.
pub const P256: u64 = 300;
/// Cost of the check of a secp256k1 signature.
pub const SECP256K1: u64 = 85;
/// Cost of the check of a public key that an operation brings.
pub const KEY: u64 = 10;
/// Cost of one read: a record as a whole, one part of it, or a transient leaf.
pub const READ: u64 = 5;
/// Number of bytes read that cost one unit: they are copied and decoded.
pub const READ_BYTES: usize = 256;
/// Cost of the next version of a record: its leaf in the state tree and its rows in the store.
pub const WRITE: u64 = 25;
/// Number of bytes written that cost one unit: they are hashed and stored.
pub const WRITE_BYTES: usize = 512;
/// Cost of one binary digit of a record's version number: a node in the range of its versions.
pub const VERSION_DIGIT: u64 = 2;
/// Cost of a further write to a record that the block has written before.
pub const REWRITE: u64 = 5;
/// Cost of a transient leaf that is set, which includes its later deletion.
pub const LEAF: u64 = 40;
/// Number of units of a block's budget for which it may delete one expired leaf. No operation sets
/// leaves for less.
pub const EXPIRED: u64 = 80;
/// Number of bytes of a leaf of an array.
pub const ARRAY_LEAF_BYTES: usize = 512;
/// Cost of a leaf of an array that the block opens: it is read, compared and hashed.
pub const ARRAY_LEAF: u64 = 2;
/// Cost of a row of changes from which the array is rebuilt, in addition to its leaves.
pub const ARRAY_ROW: u64 = 2;
/// Number of 512-byte leaves of the array that cost one unit for each such row.
pub const ARRAY_ROW_LEAVES: u64 = 64;
/// Number of runs or indexes of a `status_set` that cost one unit.
pub const CHANGES: usize = 16;
/// Number of entries that a `status_set` names that cost one unit.
pub const ENTRIES: u64 = 65_536;
/// Cost of the rules that look at all scheduled changes, and of the change that takes effect.
pub const SCHEDULE: u64 = 2_000;

/// Number of units that a block may have for each millisecond of its time. The named machine needs
/// 1.2 to 1.6 ms for 1,000 units of the dearest full block. The expired leaves that a block with
/// 1,000 units may delete take 0.4 ms more.
pub const COST_PER_MS: u64 = 600;
/// Largest cost of one operation. A block has room for ten of these at least.
pub const OPERATION_COST_MAX: u64 = 11_800;
/// Smallest budget of a block that a network may choose.
pub const BLOCK_COST_MAX_MIN: u64 = 10 * OPERATION_COST_MAX;

/// What the rules of an action compute besides their reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nothing that depends on more than the bytes read and written.
    Plain,
    /// The block holds the array of the list, whose entries the action sets.
    Entries,
    /// The block holds the array of the list, which the action does not change.
    Array,
    /// The rules look at all scheduled changes.
    Schedule,
}

/// Returns the largest budget of a block for a network with this timeout for proposals.
pub fn block_cost_max(timeout_propose_ms: u64) -> u64 {
    COST_PER_MS.saturating_mul(timeout_propose_ms) / 4
}

/// Returns how many expired leaves a block with this budget may delete. It is as many as such a
/// block can add, so leaves cannot pile up, and those that expire together delay a block only by a
/// time that grows with its budget.
pub fn expired_max(block_cost_max: u64) -> usize {
    let by_cost = usize::try_from(block_cost_max / EXPIRED).unwrap_or(usize::MAX);
    by_cost.min(EXPIRED_PER_BLOCK_MAX)
}

/// Returns the cost that follows from the operation alone, but for the changes of a `status_set`.
/// `bytes` is the length of its envelope, `keys` the number of public keys that it brings, and
/// `suites` has the suite of each signature.
pub fn of_operation(
    work: Work,
    bytes: usize,
    keys: usize,
    suites: impl IntoIterator<Item = Suite>,
) -> u64 {
    let schedule = match work {
        Work::Plain | Work::Entries | Work::Array => 0,
        Work::Schedule => SCHEDULE,
    };
    let keys = KEY.saturating_mul(parts(keys, 1));
    let own = OPERATION.saturating_add(parts(bytes, ENVELOPE_BYTES));
    let signatures = suites.into_iter().map(of_signature);
    signatures.fold(own.saturating_add(schedule).saturating_add(keys), u64::saturating_add)
}

/// Returns the cost of the changes of a `status_set`: it has this many runs or indexes, which name
/// this many entries.
pub fn of_changes(changes: usize, entries: u64) -> u64 {
    parts(changes, CHANGES).saturating_add(entries / ENTRIES)
}

/// Returns the cost of the check of one signature.
pub fn of_signature(suite: Suite) -> u64 {
    match suite {
        Suite::Ed25519 => ED25519,
        Suite::P256 => P256,
        Suite::Secp256k1 => SECP256K1,
    }
}

/// Returns the cost of a read that gives this many bytes; 0 if it finds nothing.
pub fn of_read(bytes: usize) -> u64 {
    READ.saturating_add(parts(bytes, READ_BYTES))
}

/// Returns the cost of writing this many bytes into a record. `version` is the number of the
/// version that the operation makes; `None` if the block has made it before.
pub fn of_write(version: Option<u64>, bytes: usize) -> u64 {
    let version = version.map_or(REWRITE, |version| {
        let digits = u64::from(u64::BITS.saturating_sub(version.leading_zeros()));
        WRITE.saturating_add(VERSION_DIGIT.saturating_mul(digits))
    });
    version.saturating_add(parts(bytes, WRITE_BYTES))
}

/// Returns the cost of an array of this many bytes that the block opens, including its root and its
/// row at the end of the block. It is rebuilt from `rows` rows of changes.
pub fn of_array(bytes: usize, rows: u64) -> u64 {
    let leaves = parts(bytes, ARRAY_LEAF_BYTES);
    let row = ARRAY_ROW.saturating_add(leaves / ARRAY_ROW_LEAVES);
    ARRAY_LEAF.saturating_mul(leaves).saturating_add(row.saturating_mul(rows))
}

/// Returns how many pieces of this many bytes there are, the last of which may be shorter.
fn parts(number: usize, piece: usize) -> u64 {
    u64::try_from(number.div_ceil(piece)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of docs/protocol/state.md, section "Cost".
    #[test]
    fn the_example_of_the_page_is_right() {
        let update = of_operation(Work::Plain, 379, 0, [Suite::Ed25519]);
        let update = update + of_read(227) + of_read(226) + of_write(Some(2), 38);
        assert_eq!(update, 104);
        let set = of_operation(Work::Entries, 369, 0, [Suite::Ed25519]) + of_changes(1, 1);
        assert_eq!(set, 10 + 2 + 50 + 1);
        assert_eq!(of_array(16_384, 7), 32 * 2 + 7 * 2);
        assert_eq!(of_array(1 << 20, 63), 2_048 * 2 + 63 * (2 + 32));
    }

    #[test]
    fn the_largest_array_and_sixteen_ed25519_signatures_are_one_operation() {
        let suites = [Suite::Ed25519; 16];
        let set = of_operation(Work::Entries, 4_096, 0, suites) + of_array(1 << 20, 63);
        assert!(set < OPERATION_COST_MAX, "{set}");
    }
}
