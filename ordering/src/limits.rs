//! Every limit of the ordering layer, each with its reason.

/// Encoded bytes of one message. The largest is a round certificate of 128 validators, each with
/// key, signature and vote (about 180 bytes): 23 KiB.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// Encoded bytes of one log entry: a message and its envelope.
pub const WAL_ENTRY_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 64;

/// Highest round of a message. No chain gets there (one round a second for 34 years), and the
/// core adds to rounds without a check.
pub const ROUND_MAX: u32 = 1 << 30;

/// Later heights whose messages are buffered. A node further behind needs block sync anyway.
pub const FUTURE_HEIGHTS_MAX: u64 = 4;

/// Rounds of a later height whose messages are buffered, from round 0. A validator fills only its
/// own slots, so this bounds memory to heights × rounds × 3 steps × validators small messages.
pub const FUTURE_ROUNDS_MAX: u32 = 4;

/// Proposals without a verdict that are remembered for a second `NeedCandidate`; two a round are
/// accepted, so this covers 16 rounds. The oldest go first.
pub const WAITING_MAX: usize = 32;
