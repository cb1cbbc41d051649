//! Limits of the node's own queues and exchanges, each with its reason. They are node policy and
//! not part of consensus: nodes may use different values.

/// Number of operations in the mempool: two and a half full blocks.
pub const MEMPOOL_OPERATIONS_MAX: usize = 10_000;

/// Total size of the envelopes in the mempool in bytes.
pub const MEMPOOL_BYTES_MAX: usize = 32 << 20;

/// Divisor that gives the part of the proposal timeout in which a node builds a block: a quarter,
/// for which the budget of a block is made too (docs/protocol/state.md B4).
pub const BUILD_SHARE_DIVISOR: u64 = 4;

/// Divisor that gives the part of the mempool that operations with priority may fill, and the part
/// of a block that they take while others wait: one half. So neither kind keeps the other out.
pub const PRIORITY_SHARE_DIVISOR: usize = 2;

/// Number of pending operations by which one author changes the same record by its previous
/// version. One is usual, because each needs the hash of the version before it. Operations whose
/// guard is a time do not count, because they do not exclude each other.
pub const MEMPOOL_PER_RECORD_MAX: usize = 4;

/// Number of pending operations that one DID signed as author: a full block, so that there is room
/// for others.
pub const MEMPOOL_PER_AUTHOR_MAX: usize = registry_core::limits::BLOCK_OPERATIONS_MAX;

/// Largest part of a record's value that lies in the row of each version, in bytes. Usual sets and
/// documents are smaller and are read with their record; larger parts have rows of their own.
pub const PART_INLINE_BYTES_MAX: usize = 1024;

/// Size in bytes of the status list arrays kept in memory: those that one block may change, and as
/// many again for readers.
pub const ARRAY_CACHE_BYTES_MAX: usize = 2 * registry_core::limits::BLOCK_STATUS_BYTES_MAX;

/// Number of proposed blocks kept for heights that are not decided yet: a few rounds of two
/// heights.
pub const PROPOSALS_MAX: usize = 16;

/// Number of heights ahead of the head for which proposals are kept. A node that sees later ones
/// must sync first.
pub const PROPOSAL_HEIGHTS_AHEAD_MAX: u64 = 2;

/// Number of heights ahead of the head that a validator may ask to start. A validator that is one
/// block ahead is usual. Each such request lets at most this many heights start without waiting for
/// the heartbeat.
pub const WANTED_HEIGHTS_AHEAD_MAX: u64 = 2;

/// Number of waiting operations that are published again at once, because gossip may have lost them
/// in a partition.
pub const REPUBLISHED_MAX: usize = 64;

/// Number of envelopes in one request: their ids must fit the request, and their bytes the
/// response.
pub const ENVELOPES_PER_REQUEST_MAX: usize = 400;

/// Size in bytes of the envelopes or blocks in one response. With its framing it stays below the 4
/// MiB of the transport.
pub const RESPONSE_BYTES_MAX: usize = 3 << 20;

/// Number of blocks in one response of block sync.
pub const SYNC_BLOCKS_MAX: u64 = 256;

/// Time in milliseconds for which a peer that could not serve a wanted height is not asked again.
pub const SYNC_RETRY_MS: u64 = 1_000;

/// Number of peers whose heights are remembered. Fewer connections are allowed.
pub const SYNC_PEERS_MAX: usize = 128;

/// Time in milliseconds by which a proposed block may be ahead of this node's clock and still be
/// prevoted (DESIGN section 6).
pub const TIMELINESS_MS: u64 = 1_000;

/// Allowed age of a proposal in round 0, in milliseconds. It grows by half with each round.
pub const TIMELINESS_DELAY_MS: u64 = 2_000;

/// Largest allowed age of a proposal in any round, in milliseconds.
pub const TIMELINESS_DELAY_MS_MAX: u64 = 60_000;

/// Time in milliseconds for which the node remembers that it refused an operation.
pub const REFUSAL_KEPT_MS: u64 = 600_000;

/// Number of refused operations remembered.
pub const REFUSALS_MAX: usize = 10_000;

/// Capacity of the queue to the driver thread. When it is full, senders wait.
pub const DRIVER_QUEUE_MAX: usize = 4_096;

/// Interval in milliseconds at which peers are asked for their height when nothing is committed.
pub const STATUS_INTERVAL_MS: u64 = 2_000;

/// Time in milliseconds for which a node that does not support the protocol version of the next
/// height still serves the last block that it does support. A peer that missed the decision asks
/// for it within one or two status rounds.
pub const VERSION_GRACE_MS: u64 = 5_000;

/// Interval in milliseconds at which a node that waits to be admitted checks whether a readiness
/// announcement is due.
pub const READY_CHECK_MS: u64 = 1_000;

/// Age in milliseconds at which a readiness announcement is repeated. It counts for 10 minutes, so
/// that one may get lost.
pub const READY_AGAIN_MS: u64 = 4 * 60 * 1_000;

/// Number of pending proposals that name this node's key and are remembered. Those of the nearest
/// heights are kept; one is usual.
pub const READY_PROPOSALS_MAX: usize = 16;

/// Pause in milliseconds before another peer is asked for a missing part of a proposed block.
pub const CANDIDATE_RETRY_MS: u64 = 100;

/// Time in milliseconds for which a validator that is one block behind waits for its own decision
/// before it fetches the block.
pub const FOLLOW_GRACE_MS: u64 = 1_000;

/// Size in bytes up to which a configuration file is read. The commented template has about 5 KiB.
pub const CONFIG_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Number of nodes of each role in a localnet. Each is a process with a database of its own.
pub const LOCALNET_NODES_MAX: u16 = 32;

/// Limits of the public listener in a localnet and in a benchmark. All load comes from one address
/// there, and none of it is hostile.
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

/// Number of connections to the public listener. Each costs a task and up to two request bodies.
pub const RPC_CONNECTIONS_DEFAULT: u32 = 200;

/// Number of connections from one address, so that one client cannot use up all connections.
pub const RPC_CONNECTIONS_PER_ADDRESS_DEFAULT: u32 = 16;

/// Number of subscriptions on one connection. Each holds a bounded queue.
pub const RPC_SUBSCRIPTIONS_PER_CONNECTION_DEFAULT: u32 = 16;

/// Number of calls in one JSON-RPC batch. A batch is answered in one response of bounded size.
pub const RPC_BATCH_ENTRIES_DEFAULT: u32 = 20;

/// Number of requests processed at the same time. More would only wait for the two read threads.
pub const RPC_CONCURRENT_REQUESTS_DEFAULT: u32 = 256;

/// Sustained number of requests a second from one address: enough for a busy verifier, too few for
/// a flood.
pub const RPC_REQUESTS_PER_SECOND_DEFAULT: u32 = 100;

/// Number of requests that one address may send at once after a pause.
pub const RPC_REQUEST_BURST_DEFAULT: u32 = 200;

/// Time for one read in milliseconds. A call that waits for a commit has a longer timeout of its
/// own.
pub const RPC_REQUEST_TIMEOUT_MS_DEFAULT: u64 = 5_000;

/// Memory for RocksDB's block cache in MiB: it holds the hot data of about a hundred thousand DIDs.
pub const STORAGE_BLOCK_CACHE_MIB_DEFAULT: u32 = 256;

/// Number of blocks by which a ready node may be behind.
pub const READY_LAG_MAX: u64 = 5;

/// Number of issuer-signed status tokens kept for one status list. With one form a day this covers
/// two months, with all four forms half a month. Old tokens answer questions about the past.
pub const TOKENS_PER_LIST_MAX: usize = 64;

/// Total size of all kept tokens in bytes: a hundred of the largest, or those of some ten thousand
/// lists of usual size.
pub const TOKENS_BYTES_MAX: u64 = 512 << 20;

/// Size in bytes that a token counts at least: one block of the file system. It therefore bounds
/// the number of files too.
pub const TOKEN_FILE_BYTES_MIN: u64 = 4 << 10;

/// Free space in bytes that a ready node has on its data disk: enough for some hours of full
/// blocks.
pub const DISK_FREE_BYTES_MIN: u64 = 512 << 20;

/// Time in milliseconds without a block after which the status names the reason.
pub const STUCK_MS: u64 = 5_000;
