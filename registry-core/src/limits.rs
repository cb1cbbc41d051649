//! Every limit of the rules, each with its reason. All of them are consensus: a node that uses
//! another value computes another state. Node policy (rates, queues) is not here.

/// A whole DID operation with its signatures. Fits 32 methods and 32 services of usual size.
pub const DID_OPERATION_BYTES_MAX: usize = 16 * 1024;

/// A status operation that changes no entries. Fits a list with 16 delegates and its messages.
pub const STATUS_OPERATION_BYTES_MAX: usize = 16 * 1024;

/// A whole `status_set` with its signatures: 30,000 scattered entries at two bytes each.
pub const STATUS_SET_BYTES_MAX: usize = 64 * 1024;

/// The largest operation of any kind (a schema). Bounds what a decoder ever sees.
pub const OPERATION_BYTES_MAX: usize = 80 * 1024;

/// Operations in a block; keeps execution of a block well below a round's timeout.
pub const BLOCK_OPERATIONS_MAX: usize = 4_000;

/// Sum of the envelopes' bytes in a block; two seconds of a 10 Mbit/s link.
pub const BLOCK_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Creates in a block; creates are the only operations that grow the tree without bound.
pub const BLOCK_CREATES_MAX: usize = 1_000;

/// One block in this many parts is kept for rotate, recovery and deactivation (10 %).
pub const BLOCK_RESERVED_DIVISOR: usize = 10;

/// Signatures on one operation; each costs a verification on every node.
pub const SIGNATURES_MAX: usize = 16;

/// Keys or DIDs in one control set.
pub const CONTROL_MEMBERS_MAX: usize = 16;

/// Verification methods in a document.
pub const VERIFICATION_METHODS_MAX: usize = 32;

/// Services in a document.
pub const SERVICES_MAX: usize = 32;

/// Entries of `alsoKnownAs`.
pub const ALSO_KNOWN_AS_MAX: usize = 16;

/// A service endpoint, alias or other URI.
pub const URI_BYTES_MAX: usize = 512;

/// Members of one relationship, values of one list in a service, members of an endpoint map: as
/// many as there may be methods, so that no list inside a document outgrows the document.
pub const DOCUMENT_LIST_MAX: usize = 32;

/// A service type, an endpoint member or a DIDComm profile: a word, too short for prose.
pub const TOKEN_BYTES_MAX: usize = 64;

/// First second after the year 9999, where RFC 3339 ends; in Unix milliseconds.
pub const DOCUMENT_TIME_MS_END: u64 = 253_402_300_800_000;

/// A fragment that names a method or a service.
pub const FRAGMENT_BYTES_MAX: usize = 64;

/// Raw bytes of a public key in a document: room for ML-DSA-87 (2,592) and RSA-4096.
pub const KEY_BYTES_MAX: usize = 2_700;

/// Of one DID in one UTC day: so many of rotate and deactivate, and so many of recover and cancel.
/// They need no endorsement, so they need a bound of their own (docs/adr/0006-quota-by-role.md).
pub const PRIORITY_OPERATIONS_PER_DAY: u64 = 8;

/// Milliseconds of a day, for the quota above.
pub const DAY_MS: u64 = 86_400_000;

/// Milliseconds of an hour, for the quotas of endorsers.
pub const HOUR_MS: u64 = 3_600_000;

/// Most that a network may let one endorser vouch for in an hour: what a busy network orders.
pub const ENDORSED_PER_HOUR_MAX: u64 = 100_000_000;

/// Shortest recovery delay that a genesis may not undercut unless it says so.
pub const RECOVERY_DELAY_MS_MIN: u64 = DAY_MS;

/// Longest recovery delay.
pub const RECOVERY_DELAY_MS_MAX: u64 = 90 * DAY_MS;

/// A longer gap between two blocks is a halt and does not count as live time.
pub const LIVE_GAP_MS_MAX: u64 = 60_000;

/// How long before its `until` an operation may be applied; bounds the set of seen ids.
pub const UNTIL_WINDOW_MS: u64 = 3_600_000;

/// Seen operation ids that one block may expire; bounds the work of a block after a halt.
pub const SEEN_EXPIRED_PER_BLOCK_MAX: usize = 4_096;

/// Bits of a list's array: 2^23 entries of one bit. A verifier loads such a list as a whole.
pub const STATUS_BITS_MAX: u64 = 1 << 23;

/// The same in bytes: 1 MiB.
pub const STATUS_ARRAY_BYTES_MAX: usize = 1 << 20;

/// Runs in one `status_set`.
pub const STATUS_RUNS_MAX: usize = 4_096;

/// Scattered entries in one `status_set`; bounds what one operation costs to check.
pub const STATUS_ENTRIES_MAX: usize = 32_768;

/// Delegates of a list; each set looks its author up among them.
pub const STATUS_DELEGATES_MAX: usize = 16;

/// What one value of a message list means: a phrase, too short for prose.
pub const STATUS_MESSAGE_BYTES_MAX: usize = 64;

/// Arrays of the lists that one block changes, each counted once: what a node holds, hashes and
/// writes for it.
pub const BLOCK_STATUS_BYTES_MAX: usize = 32 * STATUS_ARRAY_BYTES_MAX;

/// A trust operation with its signatures. Fits the longest names and a threshold of 16.
pub const TRUST_OPERATION_BYTES_MAX: usize = 8 * 1024;

/// The name of an action: a word, too short for prose.
pub const TRUST_ACTION_BYTES_MAX: usize = 64;

/// A resource or an entity.
pub const TRUST_NAME_BYTES_MAX: usize = 256;

/// Segments of a resource; a question reads one record for each, and one for the exact name.
pub const TRUST_SEGMENTS_MAX: usize = 6;

/// Grants of one right to one entity, each by another grantor, the authority's included.
pub const TRUST_GRANTS_MAX: usize = 4;

/// Grants from the authority down to the entity.
pub const TRUST_CHAIN_MAX: usize = 8;

/// Actions of a delegation, and its resources: a job, not a catalogue.
pub const AGENT_NAMES_MAX: usize = 16;

/// A schema as published: room for the largest in use, and for its envelope beside it.
pub const SCHEMA_CONTENT_BYTES_MAX: usize = 64 * 1024;

/// Objects and arrays of a schema within each other; bounds the work of reading it.
pub const SCHEMA_DEPTH_MAX: usize = 32;

/// Formats of a credential type, and its suites.
pub const CREDENTIAL_TYPE_NAMES_MAX: usize = 16;

/// Validators in a set. All-to-all votes beyond it cost more than they give.
pub const VALIDATORS_MAX: usize = 128;

/// Publishing keys of a network: one for each validator, and as many followers beside them.
pub const PUBLISHING_KEYS_MAX: usize = 2 * VALIDATORS_MAX;

/// Voting power of one validator; the sum over a set stays far from overflow.
pub const VALIDATOR_POWER_MAX: u64 = 1 << 32;

/// A validator's name: a DNS label, since operators use it as a host name.
pub const VALIDATOR_NAME_BYTES_MAX: usize = 63;

/// Addresses of one validator: IPv4, IPv6, a name, and one to spare.
pub const VALIDATOR_ADDRESSES_MAX: usize = 4;

/// One address: the longest DNS name (253) and the parts around it.
pub const VALIDATOR_ADDRESS_BYTES_MAX: usize = 272;

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

/// A proposal with its signatures. Fits some thirty validators of usual size.
pub const PROPOSAL_BYTES_MAX: usize = 16 * 1024;

/// Any other operation of governance with its signatures.
pub const GOVERNANCE_OPERATION_BYTES_MAX: usize = 8 * 1024;

/// Governors of a network; also bounds the approvals of a proposal.
pub const GOVERNORS_MAX: usize = 16;

/// Heights between a proposal and its effect: time to object, and for a node to prepare.
pub const NOTICE_HEIGHTS_MIN: u64 = 10;

/// The same at most, so that nothing is decided today about a network that nobody knows yet.
pub const NOTICE_HEIGHTS_MAX: u64 = 1_000_000;

/// Approvals and withdrawals end so many heights before the effect: the set of a height is known
/// one height before it.
pub const APPROVAL_HEIGHTS_MIN: u64 = 2;

/// Heights between two changes of validators: each set is in use before the next one comes.
pub const VALIDATOR_CHANGE_HEIGHTS_MIN: u64 = 10;

/// Approved changes that wait; each is read when another one is checked.
pub const SCHEDULED_CHANGES_MAX: usize = 16;

/// How old a newcomer's word may be, in ms of block time, when its validator takes its seat.
pub const READY_MS_MAX: u64 = 600_000;

/// Least time in ms between two such words of one key.
pub const READY_INTERVAL_MS_MIN: u64 = 60_000;

/// How far below the present block the one may be that a newcomer holds.
pub const READY_HEIGHTS_MAX: u64 = 1_000;

/// Versions of the state tree that are kept for proofs at recent heights.
pub const TREE_WINDOW_HEIGHTS: u64 = 1_000;
