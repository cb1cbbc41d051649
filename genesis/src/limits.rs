//! Limits of a genesis file, each with its reason. What the rules of the registry limit already
//! (validators, power, operations of a block) stands in `registry_core::limits`.

/// Bytes of a genesis file or entry as JSON: room for one full block of operations in base64url
/// and for 128 validators.
pub const GENESIS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A validator's name: a DNS label, since operators use it as a host name.
pub const NAME_BYTES_MAX: usize = 63;

/// Addresses of one validator: IPv4, IPv6, a name, and one to spare.
pub const ADDRESSES_MAX: usize = 4;

/// One address: the longest DNS name (253) and the parts around it.
pub const ADDRESS_BYTES_MAX: usize = 272;

/// Shortest time between two blocks; a shorter one is below the fsync of usual disks.
pub const BLOCK_INTERVAL_MS_MIN: u64 = 10;

/// Longest heartbeat. Twice as much must not exceed the gap that counts as a halt (60 s), or an
/// idle network with one late block would stop the recovery delays.
pub const HEARTBEAT_MS_MAX: u64 = 30_000;

/// Shortest consensus timeout; below it, timers race with the scheduler.
pub const TIMEOUT_MS_MIN: u64 = 10;

/// Longest consensus timeout: one dead proposer must not hold up the network for longer.
pub const TIMEOUT_MS_MAX: u64 = 60_000;

/// Shortest recovery delay of any network: without any delay there is no veto.
pub const RECOVERY_DELAY_MS_FLOOR: u64 = 1_000;

/// First millisecond that RFC 3339 cannot write: the start of the year 10000.
pub const TIME_MS_END: u64 = 253_402_300_800_000;

/// Largest edit distance at which an unknown field is taken for a slip.
pub const SUGGESTION_DISTANCE_MAX: usize = 3;
