//! Every limit of the peer-to-peer network, each with its reason. Node policy, not consensus:
//! two nodes with other values still agree on every block.

use std::time::Duration;

const KIB: usize = 1024;

/// A frame on a validator stream: a compact proposal of 160 KiB and its envelope.
pub const VALIDATOR_FRAME_BYTES_MAX: usize = 161 * KIB;

/// An operation of any kind (docs/adr/0008-operations-are-gossiped-in-full.md).
pub const GOSSIP_OPERATION_BYTES_MAX: usize = registry_core::limits::OPERATION_BYTES_MAX;

/// A header with a certificate of 128 signatures of about 130 bytes each, rounded up.
pub const GOSSIP_DECIDED_BYTES_MAX: usize = 32 * KIB;

/// What the gossip protocol adds to a payload: topic name and field tags.
pub const GOSSIP_OVERHEAD_BYTES_MAX: usize = 256;

/// A question: a list of ids or a range of heights.
pub const REQUEST_BYTES_MAX: usize = 16 * KIB;

/// An answer: a block of 2 MiB with its certificate, or several small ones.
pub const RESPONSE_BYTES_MAX: usize = 4 * 1024 * KIB;

/// What a peer says of itself and of others in the handshake: its own addresses at their longest,
/// those of others, and some room.
pub const GREETING_BYTES_MAX: usize = 8 * KIB;

/// One address as text: a host name of 253 bytes, a port and a peer id.
pub const ADDRESS_BYTES_MAX: usize = 320;

/// The software version in a greeting; a release name and a commit fit.
pub const VERSION_BYTES_MAX: usize = 64;

/// Addresses kept of one peer: a few interfaces in both IP versions.
pub const ADDRESSES_PER_PEER_MAX: usize = 8;

/// Addresses of other members in one greeting; enough to find the rest from any of them.
pub const GREETING_PEERS_MAX: usize = 48;

/// Their length together, so that no member can make a greeting too long to be read by telling
/// long addresses.
pub const GREETING_PEERS_BYTES_MAX: usize = 5 * KIB;

/// How much of a frame is allocated before its bytes arrive, whatever length it claims.
pub const READ_AHEAD_BYTES_MAX: usize = 16 * KIB;

/// Transport upgrade with handshake; slower peers cannot take part in rounds of a second anyway.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A request until its answer is read: 4 MiB on a link of 4 Mbit/s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Time between pings on a connection; finds peers whose host vanished without closing.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Wait for a pong; longer than the longest stall seen of a busy two-core machine.
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection without an open stream is closed after this time. Members keep gossip streams.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Connections being accepted at once; each costs a key agreement.
pub const PENDING_INBOUND_MAX: u32 = 32;

/// Connections being opened at once.
pub const PENDING_OUTBOUND_MAX: u32 = 16;

/// Accepted connections, and one more for each validator; validators pass this limit.
pub const ESTABLISHED_INBOUND_MAX: u32 = 64;

/// All connections; what is above the accepted ones is kept for those this node opens itself, so
/// that strangers cannot surround it. One more for each validator; validators pass this limit.
pub const ESTABLISHED_MAX: u32 = 80;

/// Connections with one peer, validators too: two when both dial at once, and one more while a
/// dead one is not yet noticed.
pub const CONNECTIONS_PER_PEER_MAX: usize = 3;

/// Share of the machine's memory above which no connection is accepted or opened.
pub const MEMORY_SHARE_MAX: f64 = 0.8;

/// Streams of one connection; every protocol here uses a handful.
pub const STREAMS_PER_CONNECTION_MAX: usize = 64;

/// Streams of one connection whose protocol is still being agreed on.
pub const NEGOTIATING_STREAMS_MAX: usize = 32;

/// Requests on one connection in both directions, as the protocol handler counts them.
pub const REQUEST_STREAMS_MAX: usize = 16;

/// Requests of one peer being answered, and requests to one peer being waited for.
pub const REQUESTS_PER_PEER_MAX: usize = 8;

/// The same over all peers; bounds memory to this many answers of the largest size.
pub const REQUESTS_MAX: usize = 64;

/// Events on the way to the driver.
pub const EVENTS_MAX: usize = 512;

/// Places in the event channel that gossip may not take, so that votes always pass.
pub const EVENTS_KEPT_FROM_GOSSIP: usize = EVENTS_MAX / 2;

/// Commands on the way from the driver.
pub const COMMANDS_MAX: usize = 1024;

/// Events held back by the task before it stops taking commands.
pub const EVENTS_HELD_MAX: usize = 64;

/// Frames waiting for one validator; some rounds of votes of a large set.
pub const OUTBOX_FRAMES_MAX: usize = 512;

/// Bytes waiting for one validator: a dozen of the largest proposals.
pub const OUTBOX_BYTES_MAX: usize = 2 * 1024 * KIB;

/// Messages waiting for one peer in the gossip protocol.
pub const GOSSIP_QUEUE_MAX: usize = 512;

/// Messages published while no peer is subscribed that are kept for the first one that is: what
/// a node takes in the seconds around its start.
pub const GOSSIP_UNSENT_MAX: usize = 64;

/// First wait before dialling or opening a stream again; it doubles with each failure.
pub const RETRY_FIRST: Duration = Duration::from_millis(250);

/// Longest wait; bounds how long a peer that comes back stays unnoticed.
pub const RETRY_MAX: Duration = Duration::from_secs(5);

/// A connection or stream that lasted this long starts again with the first wait.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Peers heard of from others that are remembered.
pub const LEARNT_PEERS_MAX: usize = 128;

/// Failed attempts after which a peer heard of from others is forgotten.
pub const LEARNT_ATTEMPTS_MAX: u32 = 6;

/// Connected peers above which nobody heard of from others is dialled.
pub const PEERS_WANTED: usize = 16;

/// How often retries, rates and the end of blocks are looked at.
pub const TICK: Duration = Duration::from_millis(100);

/// Handshakes remembered until their connection is reported; more than can be pending.
pub const ARRIVALS_MAX: usize = 128;

/// Blocked peers; beyond it the oldest block ends early.
pub const BLOCKED_PEERS_MAX: usize = 1024;

/// Peers whose rates are remembered, connected or not.
pub const ACCOUNTS_MAX: usize = 1024;

/// How long a peer that was cut stays blocked.
pub const BLOCK_TIME: Duration = Duration::from_secs(300);

/// Validator streams one peer may open: an honest one retries by doubling waits.
pub const STREAMS_RATE: Rate = Rate { per_second: 5, burst: 50 };

/// Connections one peer may make: restarts of a test network, not a loop.
pub const CONNECTIONS_RATE: Rate = Rate { per_second: 2, burst: 50 };

/// Rejected gossip messages of one peer; an honest one passes on none, a bug of ours some.
pub const REJECTS_RATE: Rate = Rate { per_second: 1, burst: 8 };

/// Log lines about refused handshakes, which strangers can cause at will.
pub const REFUSALS_LOGGED_RATE: Rate = Rate { per_second: 1, burst: 20 };

/// A token bucket's measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back each second.
    pub per_second: u64,
    /// Tokens that can be taken at once.
    pub burst: u64,
}

/// What a node operator may change: rates per peer, above which the peer is cut, and the time for
/// which it is blocked then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Frames on a validator stream. Default: ten times a network that decides every 100 ms.
    pub validator_frames: Rate,
    /// First copies of gossip messages. Default: above what one node can verify.
    pub gossip: Rate,
    /// Requests.
    pub requests: Rate,
    /// Bytes of any kind; an answer that was asked for does not count.
    pub inbound_bytes: Rate,
    /// Duration of a block.
    pub block_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            validator_frames: Rate { per_second: 1_000, burst: 4_000 },
            gossip: Rate { per_second: 5_000, burst: 20_000 },
            requests: Rate { per_second: 100, burst: 400 },
            inbound_bytes: Rate { per_second: 8 * 1024 * 1024, burst: 32 * 1024 * 1024 },
            block_time: BLOCK_TIME,
        }
    }
}
