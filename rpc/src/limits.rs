//! Limits of the API, each with its reason. They are policy of this node and not part of consensus.
//! The operator sets those in [`Limits`], and the others are fixed.

use std::time::Duration;

use registry_core::limits::{DAY_MS, HOUR_MS};

/// Largest body of a request, in bytes. It fits the largest operation as base64url, or a batch of
/// smaller ones.
pub const REQUEST_BYTES_MAX: u32 = 256 * 1024;

/// Largest body of a request that uploads a status list token, in bytes. It fits the largest token
/// as base64url, with 4 KiB for the rest of the call.
pub const UPLOAD_BYTES_MAX: u32 = 4 * 1024 * 1024 + 4 * 1024;

/// Number of uploads above [`REQUEST_BYTES_MAX`] that the node reads at once. Each takes about
/// three times its size in memory.
pub const UPLOADS_MAX: usize = 8;

/// Largest body of a response, in bytes. It fits the largest prepared status list token, which
/// contains the bytes to sign and the unsigned token, both as base64url. All other answers have
/// smaller limits of their own.
pub const RESPONSE_BYTES_MAX: u32 = 6 * 1024 * 1024;

/// Size of the cache of rendered documents, in bytes. It fits some ten thousand documents of usual
/// size.
pub const SHOWN_BYTES_MAX: usize = 32 << 20;

/// Longest wait of `ledger_submitAndWait` in milliseconds, which is also the default. It is many
/// times the time of a commit, and shorter than the usual timeout of a proxy.
pub const SUBMIT_WAIT_MS_MAX: u64 = 30_000;

/// Number of submissions that may wait at once. More would only take memory, since a block has no
/// room for them.
pub const SUBMIT_WAITS_MAX: usize = 4_096;

/// Longest time for which a read with `minHeight` waits for that height, in milliseconds. It covers
/// a few blocks.
pub const MIN_HEIGHT_WAIT_MS: u64 = 5_000;

/// Largest number of versions in a page of history.
pub const HISTORY_PAGE_MAX: u64 = 100;

/// Number of versions in a page of history if the caller does not give a limit.
pub const HISTORY_PAGE_DEFAULT: u64 = 20;

/// Largest size of the stored values in a page of history, in bytes. As JSON they stay well below
/// the largest response.
pub const HISTORY_PAGE_BYTES_MAX: usize = 512 * 1024;

/// Largest number of entries in one call of `status_checkMany`. It is more than a wallet shows at
/// once, and the answer is still small.
pub const STATUS_CHECKS_MAX: usize = 1_000;

/// Milliseconds for which a prepared `status_set` may be applied if the caller does not say. It is
/// half of what the ledger allows, so that a node whose newest block is older does not consider the
/// end too far ahead.
pub const STATUS_SET_UNTIL_DEFAULT_MS: u64 = HOUR_MS / 2;

/// Milliseconds for which another prepared operation whose guard is `nothing` may be applied if the
/// caller does not say. Whatever happens to the record meanwhile, the operation still applies, so
/// the time is short.
pub const UNGUARDED_UNTIL_DEFAULT_MS: u64 = HOUR_MS;

/// Milliseconds for which any other prepared operation that needs an end may be applied if the
/// caller does not say. It leaves time to sign on several machines.
pub const UNTIL_DEFAULT_MS: u64 = DAY_MS;

/// Largest number of records in one call of `ledger_getRecords`. With records of the largest size
/// the answer is about 4 MB. Few preparations read more, and those ask twice.
pub const RECORDS_READ_MAX: usize = 32;

/// Largest number of operations in a page of a block.
pub const BLOCK_PAGE_MAX: usize = 100;

/// Largest size of the operations in a page of a block, in bytes before base64url.
pub const BLOCK_PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Time in milliseconds within which a subscriber must accept a message. After that the node ends
/// the subscription with `ConsumerTooSlow`.
pub const SUBSCRIBER_STALL_MS_MAX: u64 = 10_000;

/// Number of messages that the node queues for a WebSocket client. When the queue is full, the
/// client's subscriptions stall.
pub const WEBSOCKET_MESSAGES_MAX: u32 = 16;

/// Milliseconds between pings on a WebSocket. Proxies close connections that are silent for a
/// minute.
pub const WEBSOCKET_PING_MS: u64 = 20_000;

/// Milliseconds without an answer to a ping after which a WebSocket counts as dead.
pub const WEBSOCKET_SILENCE_MS_MAX: u64 = 40_000;

/// Milliseconds within which a client must send the head of a request, and for which a connection
/// may be idle between requests.
pub const HEADER_READ_MS_MAX: u64 = 30_000;

/// Number of addresses whose rates the node remembers. When the table is full, new addresses share
/// one token bucket.
pub const RATE_ADDRESSES_MAX: usize = 10_000;

/// Pause between two sweeps of a full rate table. A flood of addresses thus cannot make every
/// request scan the table.
pub const RATE_SWEEP: Duration = Duration::from_secs(1);

/// Number of entries of `X-Forwarded-For` that are read, from the last one on. Chains of more
/// proxies are not in use.
pub const FORWARDED_ENTRIES_MAX: usize = 8;

/// Number of open connections to the admin listener. It suffices for a metrics scraper, a probe and
/// a person.
pub const ADMIN_CONNECTIONS_MAX: usize = 32;

/// Largest difference between a clock and block time that is accepted, in milliseconds. With a
/// larger one, other validators find the proposals of the node untimely.
pub const CLOCK_OFFSET_MS_MAX: u64 = 5_000;

/// Milliseconds after the newest block that a time in a query may lie, beyond one heartbeat
/// (docs/protocol/http.md, "Identifiers and options").
pub const FUTURE_TIME_MS_MAX: u64 = 10_000;

/// Milliseconds that open requests have to finish when the node stops.
pub const SHUTDOWN_MS_MAX: u64 = 5_000;

/// Seconds for which a cache may serve the newest version. It is about the time between two blocks.
pub const HEAD_AGE_SECONDS_MAX: u32 = 1;

/// Seconds for which a cache may serve an answer that never changes: one year, as is usual with
/// `immutable`.
pub const PAST_AGE_SECONDS_MAX: u32 = 31_536_000;

/// Smallest number of entries in a W3C status list. The standard requires it for herd privacy.
pub const STATUS_ENTRIES_MIN: u64 = 131_072;

/// Largest size of an inflated status list, in bytes. It fits the largest list of the ledger, 2^23
/// entries of one bit, as an IETF token with two bits per entry.
pub const STATUS_INFLATED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Largest size of a status list in any form, in bytes. The largest possible one has about 2.1 MB.
/// It has 2^23 entries, half of them suspended in random order so that they hardly compress, and a
/// JWT encodes them in base64url twice.
pub const STATUS_TOKEN_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Milliseconds for which a copy of a node's view may be used. Verifiers that keep copies learn of
/// a revocation with this delay. A shorter time would increase the load by verifiers that ask
/// again.
pub const STATUS_TTL_MS: u64 = 60_000;

/// Milliseconds from the beginning to the end of a node's view of the newest version. Verifiers
/// that reach no node can go on for some minutes.
pub const STATUS_VIEW_LIFE_MS: u64 = 600_000;

/// Milliseconds for which the node serves the same view of an unchanged list before it signs a new
/// one. When a verifier asks again, its copy is still valid for half of the life of a view.
pub const STATUS_VIEW_PERIOD_MS: u64 = 300_000;

/// Shortest time in milliseconds for which the node serves a version of a list. It limits how often
/// the node compresses a list that changes with every block (docs/protocol/http.md, "Status
/// lists").
pub const STATUS_VERSION_MS_MIN: u64 = 5_000;

/// Number of lists for which the node remembers the version that it serves.
pub const STATUS_LISTS_SHOWN_MAX: usize = 10_000;

/// Size of the cache of compressed entries, in bytes. It fits dozens of lists of the largest size.
pub const STATUS_ENTRIES_BYTES_MAX: usize = 32 << 20;

/// Size of the cache of signed views in all forms and codings, in bytes.
pub const STATUS_VIEWS_BYTES_MAX: usize = 64 << 20;

/// Number of jobs that run at once for each kind of work on status lists. The kinds are views of
/// newest versions, views of past versions, and checks of issuers' tokens. They have separate
/// queues, so neither questions about the past nor uploads delay questions about the present.
pub const STATUS_BUILDS_MAX: usize = 2;

/// Largest number of lists in one answer of the aggregation endpoint. That many come to about 1 MB.
pub const STATUS_AGGREGATED_MAX: usize = 10_000;

/// Longest life of an issuer's own token, in milliseconds (docs/protocol/status.md, "Issuers' own
/// tokens").
pub const STATUS_TOKEN_LIFE_MS_MAX: u64 = 24 * 3_600 * 1_000;

/// Life in milliseconds of a prepared token if the caller does not say. If the issuer signs no
/// other token, verifiers learn of a revocation with this delay, so the default is well below the
/// maximum.
pub const STATUS_TOKEN_LIFE_MS_DEFAULT: u64 = 3_600 * 1_000;

/// Milliseconds after which a token is no longer accepted once its version was replaced. Copies of
/// a view of that version are in use for as long, and the issuer needs time to sign.
pub const STATUS_TOKEN_DELAY_MS_MAX: u64 = STATUS_TTL_MS;

/// Limits that the operator sets. The defaults are for a public listener: they protect one small
/// machine against one hostile address. Local networks and benchmarks raise them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of open connections of all clients.
    pub connections_max: usize,
    /// Number of open connections from one address.
    pub connections_per_address_max: usize,
    /// Number of subscriptions on one WebSocket.
    pub subscriptions_per_connection_max: u32,
    /// Number of calls in one JSON-RPC batch.
    pub batch_entries_max: u32,
    /// Number of requests that are handled at once. Submissions that wait for a block do not count.
    pub concurrent_requests_max: usize,
    /// Calls per second that one address may send for a long time. Every entry of a batch counts as
    /// a call.
    pub requests_per_second_per_address: u32,
    /// Number of calls that one address may send at once after a pause.
    pub request_burst_per_address: u32,
    /// Longest time for one request in milliseconds, not counting the wait that the request itself
    /// asks for.
    pub request_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 200,
            connections_per_address_max: 16,
            subscriptions_per_connection_max: 16,
            batch_entries_max: 20,
            concurrent_requests_max: 256,
            requests_per_second_per_address: 100,
            request_burst_per_address: 200,
            request_timeout_ms: 5_000,
        }
    }
}

/// Largest number of record versions that one `trust_list` with `since` reads. It is far more than
/// a page of rights that were written a few times each.
pub const TRUST_LIST_VERSIONS_MAX: usize = 4_096;

/// Largest number of rights in one page of `trust_list`. Each costs one read of a record.
pub const TRUST_PAGE_MAX: usize = 100;

/// Number of rights in a page of `trust_list` if the caller does not give a limit.
pub const TRUST_PAGE_DEFAULT: usize = 20;

/// Largest number of schemas and credential types in one page of `schema_list`. Each costs one read
/// of a record with up to 64 KiB.
pub const SCHEMA_PAGE_MAX: usize = 50;

/// Number of items in a page of `schema_list` if the caller does not give a limit.
pub const SCHEMA_PAGE_DEFAULT: usize = 20;

/// Largest `X-Request-ID` that a response repeats, in bytes. It has ample room for a UUID.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// Largest number of proposals in one page of `governance_list`. Each costs one read of a record.
pub const PROPOSALS_PAGE_MAX: usize = 100;

/// Number of proposals in a page of `governance_list` if the caller does not give a limit.
pub const PROPOSALS_PAGE_DEFAULT: usize = 20;

/// Heights between the newest block and the height that a prepared proposal names if the caller
/// does not say. On a network with a short notice they leave time for some approvals.
pub const NOTICE_HEIGHTS_DEFAULT: u64 = 100;

/// Largest number of endorsers that an answer names. They are enough to choose from, and each costs
/// one evaluation of a right.
pub const ENDORSERS_SHOWN_MAX: usize = 16;
