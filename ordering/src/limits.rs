//! Limits of the ordering layer, each with its reason.

/// Largest encoded message in bytes. The largest message is a round certificate of 128 validators.
/// Each has a key, a signature and a vote (about 180 bytes), which makes 23 KiB.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// Largest encoded log entry in bytes: a message and its envelope.
pub const WAL_ENTRY_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 64;

/// Highest round of a message. No chain reaches it: at one round per second it takes 34 years. The
/// limit is needed because the core adds to rounds without an overflow check.
pub const ROUND_MAX: u32 = 1 << 30;

/// Number of later heights whose messages are buffered. A node that is further behind needs block
/// sync anyway.
pub const FUTURE_HEIGHTS_MAX: u64 = 4;

/// Number of rounds of a later height whose messages are buffered, counted from round 0. A
/// validator fills only its own slots, so memory is limited to heights × rounds × 3 steps ×
/// validators small messages.
pub const FUTURE_ROUNDS_MAX: u32 = 4;

/// Number of proposals without a verdict that are remembered for a second `NeedCandidate`. Two
/// proposals per round are accepted, so this covers 16 rounds. The oldest are dropped first.
pub const WAITING_MAX: usize = 32;
