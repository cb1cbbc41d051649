//! Limits of the peer-to-peer network, each with its reason. They are node policy and not part of
//! consensus: nodes with different values still agree on every block.

use std::time::Duration;

use rpc::bucket::Rate;

const KIB: usize = 1024;

/// Largest frame on a validator stream in bytes: a compact proposal of 160 KiB and its framing.
pub const VALIDATOR_FRAME_BYTES_MAX: usize = 161 * KIB;

/// Largest operation on gossip in bytes: any operation fits
/// (docs/adr/0008-operations-are-gossiped-in-full.md).
pub const GOSSIP_OPERATION_BYTES_MAX: usize = registry_core::limits::OPERATION_BYTES_MAX;

/// Largest decided message in bytes: a header and a certificate of 128 signatures of about 130
/// bytes each, rounded up.
pub const GOSSIP_DECIDED_BYTES_MAX: usize = 32 * KIB;

/// Bytes that the gossip protocol adds to a payload for topic name and field tags.
pub const GOSSIP_OVERHEAD_BYTES_MAX: usize = 256;

/// Largest request in bytes: a list of ids or a range of heights.
pub const REQUEST_BYTES_MAX: usize = 16 * KIB;

/// Largest response in bytes: a block of 2 MiB with its certificate, or several small ones.
pub const RESPONSE_BYTES_MAX: usize = 4 * 1024 * KIB;

/// Largest greeting in bytes: the member's own addresses at their longest, those of others, and
/// some room.
pub const GREETING_BYTES_MAX: usize = 8 * KIB;

/// Largest address as text in bytes: a host name of 253 bytes, a port and a peer id.
pub const ADDRESS_BYTES_MAX: usize = 320;

/// Largest software version in a greeting in bytes: a release name and a commit id fit.
pub const VERSION_BYTES_MAX: usize = 64;

/// Number of addresses kept of one peer: a few interfaces, each with both IP versions.
pub const ADDRESSES_PER_PEER_MAX: usize = 8;

/// Number of addresses of other members in one greeting: enough to find all others from any member.
pub const GREETING_PEERS_MAX: usize = 48;

/// Total length in bytes of the addresses of other members in one greeting. Without this limit, a
/// member with long addresses could make the greetings of others too long to be read.
pub const GREETING_PEERS_BYTES_MAX: usize = 5 * KIB;

/// Number of bytes allocated for a frame before its content arrives, whatever length it announces.
pub const READ_AHEAD_BYTES_MAX: usize = 16 * KIB;

/// Time for the transport upgrade with its handshake. Slower peers cannot take part in rounds of a
/// second anyway.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Time from sending a request until its response is read: 4 MiB on a link of 4 Mbit/s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Time between pings on a connection. Pings find peers whose host vanished without closing.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Time to wait for a pong: longer than the longest stall seen on a busy machine with two cores.
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Time after which a connection without an open stream is closed. Members keep gossip streams
/// open.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Number of connections being accepted at the same time. Each costs a key agreement.
pub const PENDING_INBOUND_MAX: u32 = 32;

/// Number of connections being opened at the same time.
pub const PENDING_OUTBOUND_MAX: u32 = 16;

/// Number of accepted connections. Each validator raises it by one; validators themselves bypass
/// it.
pub const ESTABLISHED_INBOUND_MAX: u32 = 64;

/// Number of all connections. The difference to the accepted ones is reserved for connections that
/// this node opens, so that strangers cannot isolate it. Each validator raises the limit by one;
/// validators themselves bypass it.
pub const ESTABLISHED_MAX: u32 = 80;

/// Number of connections with one peer, validators included: two if both dial at once, and one more
/// while a dead one has not been noticed.
pub const CONNECTIONS_PER_PEER_MAX: usize = 3;

/// Share of the machine's memory in use above which no connection is accepted or opened.
pub const MEMORY_SHARE_MAX: f64 = 0.8;

/// Number of streams on one connection. Each protocol uses only a few.
pub const STREAMS_PER_CONNECTION_MAX: usize = 64;

/// Number of streams on one connection whose protocol is still being negotiated.
pub const NEGOTIATING_STREAMS_MAX: usize = 32;

/// Number of requests on one connection in both directions, as the protocol handler counts them.
pub const REQUEST_STREAMS_MAX: usize = 16;

/// Number of open requests from one peer, and number of open requests to one peer.
pub const REQUESTS_PER_PEER_MAX: usize = 8;

/// Number of open requests of all peers in each direction. It bounds the memory to this many
/// responses of the largest size.
pub const REQUESTS_MAX: usize = 64;

/// Capacity of the event channel to the driver.
pub const EVENTS_MAX: usize = 512;

/// Places in the event channel that gossip may not use, so that there is always room for votes.
pub const EVENTS_KEPT_FROM_GOSSIP: usize = EVENTS_MAX / 2;

/// Capacity of the command channel to the network task.
pub const COMMANDS_MAX: usize = 1024;

/// Number of events that wait in the network task before it stops taking commands.
pub const EVENTS_HELD_MAX: usize = 64;

/// Number of frames that wait for one validator: some rounds of votes of a large validator set.
pub const OUTBOX_FRAMES_MAX: usize = 512;

/// Number of bytes that wait for one validator: a dozen of the largest proposals.
pub const OUTBOX_BYTES_MAX: usize = 2 * 1024 * KIB;

/// Number of messages that wait for one peer in the gossip protocol.
pub const GOSSIP_QUEUE_MAX: usize = 512;

/// Number of messages published without a subscribed peer that are kept for the first one: those of
/// the seconds around the start of a node.
pub const GOSSIP_UNSENT_MAX: usize = 64;

/// Wait before the first retry of dialling or opening a stream. It doubles with each failure.
pub const RETRY_FIRST: Duration = Duration::from_millis(250);

/// Longest wait before a retry. It bounds the time until a peer that returns is connected again.
pub const RETRY_MAX: Duration = Duration::from_secs(5);

/// Age from which on the end of a connection or stream does not count as a failure.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Number of peers remembered that other peers told of.
pub const LEARNT_PEERS_MAX: usize = 128;

/// Number of failed attempts after which such a peer is forgotten.
pub const LEARNT_ATTEMPTS_MAX: u32 = 6;

/// Number of connected peers from which on no learnt peer is dialled.
pub const PEERS_WANTED: usize = 16;

/// Interval at which retries, rates and the end of blocks are checked.
pub const TICK: Duration = Duration::from_millis(100);

/// Number of finished handshakes remembered until the swarm reports their connection: more than can
/// be pending.
pub const ARRIVALS_MAX: usize = 128;

/// Number of blocked peers. If there are more, the oldest block ends early.
pub const BLOCKED_PEERS_MAX: usize = 1024;

/// Number of peers whose rates are remembered, connected or not.
pub const ACCOUNTS_MAX: usize = 1024;

/// Time for which a peer that was cut stays blocked.
pub const BLOCK_TIME: Duration = Duration::from_secs(300);

/// Rate at which one peer may open validator streams. An honest peer retries with doubling waits.
pub const STREAMS_RATE: Rate = Rate { per_second: 5, burst: 50 };

/// Rate at which one peer may connect. It allows for restarts in a test network, but not for a
/// loop.
pub const CONNECTIONS_RATE: Rate = Rate { per_second: 2, burst: 50 };

/// Rate at which one peer may send gossip messages that are rejected. An honest peer sends none;
/// the rate leaves room for a bug of our own.
pub const REJECTS_RATE: Rate = Rate { per_second: 1, burst: 8 };

/// Rate of log lines about refused handshakes, which strangers can cause at will.
pub const REFUSALS_LOGGED_RATE: Rate = Rate { per_second: 1, burst: 20 };

/// Limits that a node operator may change: rates above which a peer is cut, and the time for which
/// it is blocked then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Frames on validator streams. The default is ten times the traffic of a network that decides
    /// every 100 ms.
    pub validator_frames: Rate,
    /// Gossip messages, without repeated copies. The default is above the number that one node can
    /// verify.
    pub gossip: Rate,
    /// Requests of a peer.
    pub requests: Rate,
    /// Bytes of any kind that a peer sends. Responses that this node asked for do not count.
    pub inbound_bytes: Rate,
    /// Time for which a cut peer stays blocked.
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
