//! Limits of a genesis file, each with its reason. `registry_core::limits` has the limits of
//! validators, parameters and the operations of a block.

/// Largest genesis file or entry as JSON, in bytes. One full block of operations in base64url and
/// 128 validators fit into it.
pub const GENESIS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// First Unix time in milliseconds that RFC 3339 cannot express: the start of the year 10000.
pub const TIME_MS_END: u64 = 253_402_300_800_000;

/// Largest edit distance at which an unknown field counts as a misspelling of a known one.
pub const SUGGESTION_DISTANCE_MAX: usize = 3;
