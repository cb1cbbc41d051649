//! Limits of the node's own queues and exchanges, each with its reason. They are policy, not
//! consensus: two nodes may differ.

/// Operations in the mempool: two full blocks and a half.
pub const MEMPOOL_OPERATIONS_MAX: usize = 10_000;

/// Bytes in the mempool, of envelopes.
pub const MEMPOOL_BYTES_MAX: usize = 32 << 20;

/// Pending operations that follow a version of one record: one is usual since each needs the hash
/// of the head before it. What is guarded by time instead does not count: it is in nobody's way.
pub const MEMPOOL_PER_RECORD_MAX: usize = 4;

/// Pending operations that one DID signed as author: a full block, so that others have room.
pub const MEMPOOL_PER_AUTHOR_MAX: usize = registry_core::limits::BLOCK_OPERATIONS_MAX;

/// Arrays of status lists in memory: those that one block may change, and as many for readers.
pub const ARRAY_CACHE_BYTES_MAX: usize = 2 * registry_core::limits::BLOCK_STATUS_BYTES_MAX;

/// Proposed blocks kept for heights not yet decided: a few rounds of two heights.
pub const PROPOSALS_MAX: usize = 16;

/// How far ahead of the head proposals are kept; more means that the node must sync first.
pub const PROPOSAL_HEIGHTS_AHEAD_MAX: u64 = 2;

/// How far ahead of the head a validator's wish for a height is heard: one that is a block ahead
/// is usual, and each wish makes this many heights start without waiting for the heartbeat.
pub const WANTED_HEIGHTS_AHEAD_MAX: u64 = 2;

/// Waiting operations that are published again at once: they may have met a partition.
pub const REPUBLISHED_MAX: usize = 64;

/// Envelopes asked for in one request: ids must fit the request, bodies the response.
pub const ENVELOPES_PER_REQUEST_MAX: usize = 400;

/// Bytes of envelopes or blocks in one response; below the transport's 4 MiB with its framing.
pub const RESPONSE_BYTES_MAX: usize = 3 << 20;

/// Blocks in one response of block sync.
pub const SYNC_BLOCKS_MAX: u64 = 256;

/// How long a peer that could not serve a wanted height is not asked again.
pub const SYNC_RETRY_MS: u64 = 1_000;

/// Peers whose heights are remembered; connections are limited below that.
pub const SYNC_PEERS_MAX: usize = 128;

/// Earliest a block may be stamped after one's own clock to be prevoted (DESIGN section 6).
pub const TIMELINESS_MS: u64 = 1_000;

/// Allowed age of a proposal in round 0; it grows by half each round.
pub const TIMELINESS_DELAY_MS: u64 = 2_000;

/// Largest allowed age of a proposal.
pub const TIMELINESS_DELAY_MS_MAX: u64 = 60_000;

/// How long an answer about a refused operation is kept.
pub const REFUSAL_KEPT_MS: u64 = 600_000;

/// Refused operations remembered.
pub const REFUSALS_MAX: usize = 10_000;

/// Entries in the queue to the consensus thread; when it is full, senders wait.
pub const DRIVER_QUEUE_MAX: usize = 4_096;

/// How often the own height is told to peers and theirs asked for when nothing else happens.
pub const STATUS_INTERVAL_MS: u64 = 2_000;

/// How long a node that does not speak the next height's version still serves the last block that
/// it does: a peer that missed the decision asks within a status round or two.
pub const VERSION_GRACE_MS: u64 = 5_000;

/// How often a node that waits to be admitted looks whether its word is due.
pub const READY_CHECK_MS: u64 = 1_000;

/// How old its word may grow: it counts for 10 minutes, so that one may be lost.
pub const READY_AGAIN_MS: u64 = 4 * 60 * 1_000;

/// Waiting proposals that name one key; the nearest count, and one is usual.
pub const READY_PROPOSALS_MAX: usize = 16;

/// Pause before a missing part of a proposed block is asked for again, of another peer.
pub const CANDIDATE_RETRY_MS: u64 = 100;

/// How long a validator one block behind waits for its own decision before it fetches the block.
pub const FOLLOW_GRACE_MS: u64 = 1_000;

/// A configuration file; the commented template has about 5 KiB.
pub const CONFIG_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Nodes of each role in a localnet: each is a process with a database of its own.
pub const LOCALNET_NODES_MAX: u16 = 32;

/// Limits of the public listener in a localnet and a benchmark, where all load comes from one
/// address and none of it is hostile.
pub const LOCALNET_REQUESTS: rpc::Limits = rpc::Limits {
    connections_max: 1_000,
    connections_per_address_max: 1_000,
    subscriptions_per_connection_max: RPC_SUBSCRIPTIONS_PER_CONNECTION_DEFAULT,
    batch_entries_max: RPC_BATCH_ENTRIES_DEFAULT,
    concurrent_requests_max: 10_000,
    requests_per_second_per_address: 1_000_000,
    request_burst_per_address: 1_000_000,
    request_timeout_ms: RPC_REQUEST_TIMEOUT_MS_DEFAULT,
};

/// Connections of the public listener; each costs a task and up to two request bodies.
pub const RPC_CONNECTIONS_DEFAULT: u32 = 200;

/// Connections from one address: one client cannot take the listener from the others.
pub const RPC_CONNECTIONS_PER_ADDRESS_DEFAULT: u32 = 16;

/// Subscriptions on one connection; each holds a bounded queue.
pub const RPC_SUBSCRIPTIONS_PER_CONNECTION_DEFAULT: u32 = 16;

/// Calls in one JSON-RPC batch; the batch is answered as one response of bounded size.
pub const RPC_BATCH_ENTRIES_DEFAULT: u32 = 20;

/// Requests in work at once over all connections; more would only wait for the two read threads.
pub const RPC_CONCURRENT_REQUESTS_DEFAULT: u32 = 256;

/// Sustained requests a second from one address: a busy verifier, not a flood.
pub const RPC_REQUESTS_PER_SECOND_DEFAULT: u32 = 100;

/// Requests that one address may send at once after a pause.
pub const RPC_REQUEST_BURST_DEFAULT: u32 = 200;

/// Time for one read. A call that waits for a commit has its own, longer timeout.
pub const RPC_REQUEST_TIMEOUT_MS_DEFAULT: u64 = 5_000;

/// Memory for RocksDB's block cache: the hot set of about a hundred thousand DIDs.
pub const STORAGE_BLOCK_CACHE_MIB_DEFAULT: u32 = 256;

/// Blocks that a ready node may be behind.
pub const READY_LAG_MAX: u64 = 5;

/// Tokens of one status list that its issuers uploaded: two months of a new one each day, or half a
/// month in all four forms, for questions about the past.
pub const TOKENS_PER_LIST_MAX: usize = 64;

/// Bytes of all tokens: a hundred of the largest, or some ten thousand lists of usual size.
pub const TOKENS_BYTES_MAX: u64 = 512 << 20;

/// What a token counts at least, a block of a disk: it bounds the number of files as well.
pub const TOKEN_FILE_BYTES_MIN: u64 = 4 << 10;

/// Free bytes on the data disk that a ready node has: some hours of full blocks.
pub const DISK_FREE_BYTES_MIN: u64 = 512 << 20;

/// Time in a height after which the status says why it takes so long.
pub const STUCK_MS: u64 = 5_000;
