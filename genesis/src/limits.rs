//! Limits of a genesis file, each with its reason. What the rules of the registry limit already
//! (validators, parameters, operations of a block) stands in `registry_core::limits`.

/// Bytes of a genesis file or entry as JSON: room for one full block of operations in base64url
/// and for 128 validators.
pub const GENESIS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// First millisecond that RFC 3339 cannot write: the start of the year 10000.
pub const TIME_MS_END: u64 = 253_402_300_800_000;

/// Largest edit distance at which an unknown field is taken for a slip.
pub const SUGGESTION_DISTANCE_MAX: usize = 3;
