//! Limits of the API, each with its reason. They are policy of this node, not consensus; those in
//! [`Limits`] are the operator's to set, the others follow from DESIGN section 3 or from a client's
//! patience.

/// Body of a request: a block of 20 calls with the largest DID operation each, as base64url.
pub const REQUEST_BYTES_MAX: u32 = 256 * 1024;

/// Body of a request that uploads a status list token: the largest one as base64url, and 4 KiB
/// around it.
pub const UPLOAD_BYTES_MAX: u32 = 4 * 1024 * 1024 + 4 * 1024;

/// Uploads of such size that are read and checked at once: each takes three times its bytes.
pub const UPLOADS_MAX: usize = 8;

/// Body of a response: the largest status list token as it is prepared, as what is signed and as
/// what the signature is put to, both as base64url. All other answers have smaller limits of their
/// own.
pub const RESPONSE_BYTES_MAX: u32 = 6 * 1024 * 1024;

/// Rendered documents that are kept: some ten thousands of usual size.
pub const SHOWN_BYTES_MAX: usize = 32 << 20;

/// Longest wait of `ledger_submitAndWait`, and its default: many times a commit, shorter than the
/// usual patience of a proxy.
pub const SUBMIT_WAIT_MS_MAX: u64 = 30_000;

/// Submissions that wait at once; more would only hold memory, since a block takes no more.
pub const SUBMIT_WAITS_MAX: usize = 4_096;

/// How long a read with `minHeight` waits for that height: a few blocks.
pub const MIN_HEIGHT_WAIT_MS: u64 = 5_000;

/// Versions in a page of history.
pub const HISTORY_PAGE_MAX: u64 = 100;

/// Versions in a page of history when the caller does not say.
pub const HISTORY_PAGE_DEFAULT: u64 = 20;

/// Stored bytes in a page of history; as JSON they stay well below the largest response.
pub const HISTORY_PAGE_BYTES_MAX: usize = 512 * 1024;

/// Entries of one `status_checkMany`: more than a wallet shows at once, a small answer.
pub const STATUS_CHECKS_MAX: usize = 1_000;

/// How long a prepared `status_set` may be applied when the caller does not say: half of what the
/// ledger allows, which leaves time to sign and to try again.
pub const UNTIL_DEFAULT_MS: u64 = 30 * 60 * 1_000;

/// Operations in a page of a block.
pub const BLOCK_PAGE_MAX: usize = 100;

/// Bytes of operations in a page of a block, before base64url.
pub const BLOCK_PAGE_BYTES_MAX: usize = 1024 * 1024;

/// How long a subscriber may take to accept one message before it is cut off by name.
pub const SUBSCRIBER_STALL_MS_MAX: u64 = 10_000;

/// Messages that wait for a WebSocket client; then its subscriptions stall.
pub const WEBSOCKET_MESSAGES_MAX: u32 = 16;

/// Pause between pings on a WebSocket; a proxy drops what is silent for a minute.
pub const WEBSOCKET_PING_MS: u64 = 20_000;

/// A WebSocket that answered no ping for so long is dead.
pub const WEBSOCKET_SILENCE_MS_MAX: u64 = 40_000;

/// Time to send a request's head, and idle time between two requests.
pub const HEADER_READ_MS_MAX: u64 = 30_000;

/// Addresses whose rates are remembered; beyond, newcomers share one bucket.
pub const RATE_ADDRESSES_MAX: usize = 10_000;

/// Pause between two sweeps of a full rate table, so that a flood of addresses cannot make each
/// request walk it.
pub const RATE_SWEEP_NS: u64 = 1_000_000_000;

/// Entries of `X-Forwarded-For` that are looked at: more proxies in a row are not in use.
pub const FORWARDED_ENTRIES_MAX: usize = 8;

/// Open connections to the admin listener: a scraper, a probe and a person.
pub const ADMIN_CONNECTIONS_MAX: usize = 32;

/// A clock further off than this makes proposals of the node untimely (DESIGN section 6).
pub const CLOCK_OFFSET_MS_MAX: u64 = 5_000;

/// How far past the newest block a `versionTime` may lie, beyond one heartbeat (DESIGN section 4).
pub const FUTURE_TIME_MS_MAX: u64 = 10_000;

/// How long open requests may take to end when the node stops.
pub const SHUTDOWN_MS_MAX: u64 = 5_000;

/// Seconds for which a cache may serve the newest version: about the time between two blocks.
pub const HEAD_AGE_SECONDS_MAX: u32 = 1;

/// Seconds for which a cache may serve what cannot change: a year, as `immutable` wants.
pub const PAST_AGE_SECONDS_MAX: u32 = 31_536_000;

/// Entries of the shortest W3C status list: its standard's minimum, for the privacy of the herd.
pub const STATUS_ENTRIES_MIN: u64 = 131_072;

/// Bytes of an inflated status list: the largest list of the ledger, 2^23 entries of one bit, as
/// an IETF token of two bits an entry.
pub const STATUS_INFLATED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of a status list in any form. The largest comes to 2.1 MB: 2^23 entries, half of them
/// suspended in no order, so that they hardly compress, twice in base64url as a JWT has them.
pub const STATUS_TOKEN_BYTES_MAX: usize = 3 * 1024 * 1024;

/// How long a copy of a node's view may be used: the delay of a revocation at verifiers that keep
/// copies, against the load of those that ask again.
pub const STATUS_TTL_MS: u64 = 60_000;

/// How long a node's view of the newest version speaks, from when it is signed: verifiers that
/// reach no node can go on for some minutes.
pub const STATUS_VIEW_LIFE_MS: u64 = 600_000;

/// How long a view of an unchanged list is served before it is signed anew: copies that come back
/// to ask are still good for half of the life.
pub const STATUS_VIEW_PERIOD_MS: u64 = 300_000;

/// How long a version of a list is served before the next: bounds what is compressed of a list
/// that changes with every block (DESIGN section 5.2).
pub const STATUS_VERSION_MS_MIN: u64 = 5_000;

/// Lists whose newest version is remembered, for the limit above.
pub const STATUS_LISTS_SHOWN_MAX: usize = 10_000;

/// Compressed entries that are kept: dozens of lists of the largest size.
pub const STATUS_ENTRIES_BYTES_MAX: usize = 32 << 20;

/// Signed views that are kept, in all forms and codings.
pub const STATUS_VIEWS_BYTES_MAX: usize = 64 << 20;

/// Views of the newest versions that are made at once, those of past ones, and issuers' tokens that
/// are checked: they wait apart, so that neither questions about the past nor uploads can hold up
/// questions about now.
pub const STATUS_BUILDS_MAX: usize = 2;

/// Lists named by one answer of the aggregation endpoint, which come to about 1 MB.
pub const STATUS_AGGREGATED_MAX: usize = 10_000;

/// Life of an issuer's own token (DESIGN section 5.2).
pub const STATUS_TOKEN_LIFE_MS_MAX: u64 = 24 * 3_600 * 1_000;

/// Life of a prepared token when the caller does not say. It is the delay of a revocation where the
/// issuer signs no other token, so it is shorter than it may be.
pub const STATUS_TOKEN_LIFE_MS_DEFAULT: u64 = 3_600 * 1_000;

/// How long after its version was replaced a token is still taken: copies of a view of that version
/// are in use for as long, and an issuer needs time to sign.
pub const STATUS_TOKEN_DELAY_MS_MAX: u64 = STATUS_TTL_MS;

/// Limits that the operator sets. The default is for a public listener (reliability of one small
/// machine against one hostile address); localnet and benchmarks raise them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections over all clients.
    pub connections_max: usize,
    /// Open connections from one address.
    pub connections_per_address_max: usize,
    /// Subscriptions on one WebSocket.
    pub subscriptions_per_connection_max: u32,
    /// Calls in one JSON-RPC batch.
    pub batch_entries_max: u32,
    /// Requests in work at once, submissions that wait not counted.
    pub concurrent_requests_max: usize,
    /// Sustained calls a second from one address; every entry of a batch is a call.
    pub requests_per_second_per_address: u32,
    /// Calls that one address may send at once after a pause.
    pub request_burst_per_address: u32,
    /// Time for one request in ms, besides the waits that the request itself asks for.
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

/// Rights in one page of `trust_list`; each is one read of a record.
pub const TRUST_PAGE_MAX: usize = 100;

/// The same without a wish of the caller's.
pub const TRUST_PAGE_DEFAULT: usize = 20;

/// Authorities under which an accredited one is asked for what it granted: a body has few of them.
pub const TRUST_AUTHORITIES_MAX: usize = 16;

/// Schemas and credential types in one page of `schema_list`: each is one read of a record, of up
/// to 64 KiB.
pub const SCHEMA_PAGE_MAX: usize = 50;

/// The same without a wish of the caller's.
pub const SCHEMA_PAGE_DEFAULT: usize = 20;

/// An `X-Request-ID` that is given back: a UUID and then some.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// Proposals in one page of `governance_list`; each is one read of a record.
pub const PROPOSALS_PAGE_MAX: usize = 100;

/// The same without a wish of the caller's.
pub const PROPOSALS_PAGE_DEFAULT: usize = 20;

/// How far ahead a proposal holds without a wish of the proposer's: time for some approvals.
pub const NOTICE_HEIGHTS_DEFAULT: u64 = 100;

/// Endorsers that an answer names: enough to choose from, each costs a question of the registry.
pub const ENDORSERS_SHOWN_MAX: usize = 16;
