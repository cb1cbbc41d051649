//! Every limit of the rules, each with its reason. All limits belong to consensus: a node that used
//! another value would compute another state. Node policy, such as rates and queues, is not here.

use crate::span::Span;

/// Largest DID operation with its signatures, in bytes. It fits 32 methods and 32 services of usual
/// size.
pub const DID_OPERATION_BYTES_MAX: usize = 16 * 1024;

/// Largest status operation that changes no entries, in bytes. It fits a list with 16 delegates and
/// its messages.
pub const STATUS_OPERATION_BYTES_MAX: usize = 16 * 1024;

/// Largest `status_set` with its signatures, in bytes. It fits 30,000 scattered entries at two
/// bytes each.
pub const STATUS_SET_BYTES_MAX: usize = 64 * 1024;

/// Largest operation of any kind, in bytes, which is one with a schema. It bounds what a decoder
/// ever reads.
pub const OPERATION_BYTES_MAX: usize = 80 * 1024;

/// Largest number of operations in a block. It keeps execution of a block well below a round's
/// timeout.
pub const BLOCK_OPERATIONS_MAX: usize = 4_000;

/// Largest sum of the envelopes' bytes in a block. A 10 Mbit/s link sends as much in two seconds.
pub const BLOCK_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Largest number of operations in a block that write the first version of a record. They are the
/// only ones that grow the tree without bound.
pub const BLOCK_FIRST_VERSIONS_MAX: usize = 1_000;

/// Divisor that gives the reserved part of a block: one tenth (10 %) is kept for rotation, recovery
/// and deactivation.
pub const BLOCK_RESERVED_DIVISOR: usize = 10;

/// Largest number of signatures on one operation. Each costs a verification on every node.
pub const SIGNATURES_MAX: usize = 16;

/// Largest number of keys or DIDs in one control set.
pub const CONTROL_MEMBERS_MAX: usize = 16;

/// Largest number of verification methods in a document.
pub const VERIFICATION_METHODS_MAX: usize = 32;

/// Largest number of marked keys that the control set of a DID can bring about, and that a rotation
/// or a recovery can list. A DID that marks a key each month for twenty years has as many.
pub const DID_MARKS_MAX: usize = 256;

/// Largest number of marked keys after a rotation or a recovery. It has room for two points of each
/// method of a document above [`DID_MARKS_MAX`]. So a control set that fills the list cannot have a
/// rotation refused that marks keys by its document.
pub const DID_MARKS_SENIOR_MAX: usize = DID_MARKS_MAX + 2 * VERIFICATION_METHODS_MAX;

/// Largest number of services in a document.
pub const SERVICES_MAX: usize = 32;

/// Largest number of entries in `alsoKnownAs`.
pub const ALSO_KNOWN_AS_MAX: usize = 16;

/// Largest service endpoint, alias or other URI, in bytes.
pub const URI_BYTES_MAX: usize = 512;

/// Largest number of entries in one relationship, in one list of a service, and in an endpoint map.
/// It equals the limit on methods, so that no list inside a document outgrows the document.
pub const DOCUMENT_LIST_MAX: usize = 32;

/// Largest service type, endpoint member name or DIDComm profile, in bytes. It is too short for
/// prose.
pub const TOKEN_BYTES_MAX: usize = 64;

/// First moment after the year 9999, where RFC 3339 ends, in Unix milliseconds.
pub const DOCUMENT_TIME_MS_END: u64 = 253_402_300_800_000;

/// Largest fragment that names a method or a service, in bytes.
pub const FRAGMENT_BYTES_MAX: usize = 64;

/// Largest raw public key in a document, in bytes. It has room for ML-DSA-87 (2,592 bytes) and
/// RSA-4096.
pub const KEY_BYTES_MAX: usize = 2_700;

/// Number of priority operations of one DID in one UTC day. Rotation and deactivation share one
/// such quota, and starting and cancelling a recovery share another. They need no endorsement, so
/// they need a bound of their own (docs/adr/0006-quota-by-role.md).
pub const PRIORITY_OPERATIONS_PER_DAY: u64 = 8;

/// Milliseconds of a day, for the daily quota above.
pub const DAY_MS: u64 = 86_400_000;

/// Milliseconds of an hour, for the quotas of endorsers and of the delegates of status lists.
pub const HOUR_MS: u64 = 3_600_000;

/// Highest quota in units of cost for each endorser and hour that a network may choose. A network
/// whose blocks are always full orders less in an hour.
pub const ENDORSED_COST_PER_HOUR_MAX: u64 = 10_000_000_000;

/// Shortest recovery delay in ms that a genesis may choose without saying so explicitly.
pub const RECOVERY_DELAY_MS_MIN: u64 = DAY_MS;

/// Longest recovery delay, in milliseconds.
pub const RECOVERY_DELAY_MS_MAX: u64 = 90 * DAY_MS;

/// Longest gap between two blocks that counts as live time, in milliseconds. A longer gap is a
/// halt.
pub const LIVE_GAP_MS_MAX: u64 = 60_000;

/// Time in ms before its `until` within which a `status_set` may be applied. Issuers send many, and
/// their ids are kept among the seen until then.
pub const STATUS_SET_UNTIL_MS: u64 = HOUR_MS;

/// Time in ms before its `until` within which any other operation may be applied. It leaves time to
/// sign by files across machines, and bounds how long a seen id is kept.
pub const UNTIL_MS_MAX: u64 = 30 * DAY_MS;

/// Largest number of transient leaves that one block may delete because they expired, whatever its
/// budget is. A block adds no more, since an operation adds a seen id and two counters at most.
pub const EXPIRED_PER_BLOCK_MAX: usize = 3 * BLOCK_OPERATIONS_MAX;

/// Largest array of a status list, in bits: 2^23 entries of one bit. A verifier loads such a list
/// as a whole.
pub const STATUS_BITS_MAX: u64 = 1 << 23;

/// Largest array of a status list, in bytes: 1 MiB, the same limit as [`STATUS_BITS_MAX`].
pub const STATUS_ARRAY_BYTES_MAX: usize = 1 << 20;

/// Largest number of runs in one `status_set`.
pub const STATUS_RUNS_MAX: usize = 4_096;

/// Largest number of scattered entries in one `status_set`. It bounds what one operation costs to
/// check.
pub const STATUS_ENTRIES_MAX: usize = 32_768;

/// Largest number of delegates of a status list. Each `status_set` looks its author up among them.
pub const STATUS_DELEGATES_MAX: usize = 16;

/// Highest number of entries that an issuer may let a delegate set in an hour: once each entry of
/// the largest list. An issuer who wants no bound writes this number.
pub const STATUS_DELEGATE_ENTRIES_PER_HOUR_MAX: u64 = STATUS_BITS_MAX;

/// Largest text that explains one value of a message list, in bytes. It is too short for prose.
pub const STATUS_MESSAGE_BYTES_MAX: usize = 64;

/// Largest sum of the arrays that one block changes, in bytes; each list counts once. It bounds
/// what a node holds in memory, hashes and writes for a block.
pub const BLOCK_STATUS_BYTES_MAX: usize = 32 * STATUS_ARRAY_BYTES_MAX;

/// Largest trust operation with its signatures, in bytes. It fits the longest names and a threshold
/// of 16.
pub const TRUST_OPERATION_BYTES_MAX: usize = 8 * 1024;

/// Largest name of an action, in bytes. It is too short for prose.
pub const TRUST_ACTION_BYTES_MAX: usize = 64;

/// Largest name of a resource or an entity, in bytes.
pub const TRUST_NAME_BYTES_MAX: usize = 256;

/// Largest number of segments in a resource. A query reads one record for each segment and one for
/// the exact name.
pub const TRUST_SEGMENTS_MAX: usize = 6;

/// Largest number of grants of one right to one entity, the authority's included. Each is by
/// another grantor.
pub const TRUST_GRANTS_MAX: usize = 4;

/// Largest number of roots of one DID. A question that is asked of an accrediting body is asked
/// under each of them, with up to seven records each, and a body that works under more authorities
/// can use a DID for each field.
pub const TRUST_ROOTS_MAX: usize = 64;

/// Time in milliseconds for which a grant keeps its place in the record after its chain has ended.
/// It leaves a month to prolong the grant or an accreditation above it.
pub const TRUST_ENDED_KEPT_MS: u64 = 30 * DAY_MS;

/// Time in milliseconds for which a thing can be voided after it was made. A longer time would let
/// an authority take back what honest issuers have relied on for long.
pub const VOID_MS_MAX: u64 = 30 * DAY_MS;

/// Largest number of grants from the authority down to the entity.
pub const TRUST_CHAIN_MAX: usize = 8;

/// Largest number of actions of a delegation, and of its resources. A delegation describes a job,
/// not a catalogue.
pub const AGENT_NAMES_MAX: usize = 16;

/// Largest content of a schema, in bytes. It has room for the largest schema in use, and an
/// operation has room for its envelope beside it.
pub const SCHEMA_CONTENT_BYTES_MAX: usize = 64 * 1024;

/// Greatest depth of objects and arrays in a schema. It bounds the work of reading the schema.
pub const SCHEMA_DEPTH_MAX: usize = 32;

/// Largest number of formats of a credential type, and of its suites.
pub const CREDENTIAL_TYPE_NAMES_MAX: usize = 16;

/// Largest number of status entries in a question about a credential. There is one for each of four
/// purposes, and room for as many more; each is a read of a list.
pub const DECISION_STATUS_ENTRIES_MAX: usize = 8;

/// Largest number of validators in a set. With more, the votes of all to all cost more than they
/// give.
pub const VALIDATORS_MAX: usize = 128;

/// Largest number of publishing keys of a network: one for each validator, and one for each of as
/// many followers.
pub const PUBLISHING_KEYS_MAX: usize = 2 * VALIDATORS_MAX;

/// Largest voting power of one validator. It keeps the sum over a set far from overflow.
pub const VALIDATOR_POWER_MAX: u64 = 1 << 32;

/// Largest name of a validator, in bytes. The name is a DNS label, since operators use it as a host
/// name.
pub const VALIDATOR_NAME_BYTES_MAX: usize = 63;

/// Largest number of addresses of one validator: IPv4, IPv6, a DNS name and one more.
pub const VALIDATOR_ADDRESSES_MAX: usize = 4;

/// Largest address of a validator, in bytes: the longest DNS name (253) and the parts around it.
pub const VALIDATOR_ADDRESS_BYTES_MAX: usize = 272;

/// Shortest block interval that a network may choose, in ms. A shorter one is below the fsync time
/// of usual disks.
pub const BLOCK_INTERVAL_MS_MIN: u64 = 10;

/// Longest heartbeat, in ms. Twice the heartbeat must not exceed the gap that counts as a halt (60
/// s). Otherwise one late block on an idle network would stop the recovery delays.
pub const HEARTBEAT_MS_MAX: u64 = 30_000;

/// Shortest timeout for a proposal in round 0, in ms. A quarter of it is the time for a block that
/// has room for ten of the dearest operations ([`crate::cost::block_cost_max`]).
pub const TIMEOUT_PROPOSE_MS_MIN: u64 = 787;

/// Shortest timeout for further votes in round 0, in ms. This is an estimate of the time that it
/// takes to sync a vote to disk and to send it half around the world. It was not measured.
pub const TIMEOUT_VOTE_MS_MIN: u64 = 100;

/// Shortest time that each round adds to the timeouts, in ms. The simulator shows how many rounds a
/// height takes at worst with the four shortest values, while messages take up to two seconds (the
/// test `the_shortest_timeouts_get_over_slow_links_in_few_rounds`).
pub const TIMEOUT_STEP_MS_MIN: u64 = 100;

/// Smallest bound on the growth of timeouts, in ms. It leaves twice the time that a link of 10
/// Mbit/s needs for a full block (1.7 s).
pub const TIMEOUT_MS_MAX_MIN: u64 = 4_000;

/// Longest consensus timeout, in ms. One dead proposer must not hold up the network for longer.
pub const TIMEOUT_MS_MAX: u64 = 60_000;

/// Shortest recovery delay of any network, in ms. Without a delay nobody could veto a recovery.
pub const RECOVERY_DELAY_MS_FLOOR: u64 = 1_000;

/// Largest proposal with its signatures, in bytes. It fits some thirty validators of usual size.
pub const PROPOSAL_BYTES_MAX: usize = 16 * 1024;

/// Largest governance operation other than a proposal, with its signatures, in bytes.
pub const GOVERNANCE_OPERATION_BYTES_MAX: usize = 8 * 1024;

/// Number of proposals that one governor can make in one UTC day. Proposals stay for ever, and
/// other governors must read them.
pub const PROPOSALS_PER_DAY: u64 = 8;

/// Largest number of governors of a network. It also bounds the approvals of a proposal.
pub const GOVERNORS_MAX: usize = 16;

/// Smallest number of heights between a proposal and its effect. Together with the parameter
/// `notice_ms_min` it gives people time to object and nodes time to prepare.
pub const NOTICE_HEIGHTS_MIN: u64 = 10;

/// Shortest notice in ms of live time that a genesis may choose without saying so explicitly.
/// Governors on three continents can read a proposal and object within it.
pub const NOTICE_MS_MIN: u64 = 600_000;

/// Shortest notice of any network, in ms of live time. Test networks wait no longer than that.
pub const NOTICE_MS_FLOOR: u64 = 1_000;

/// Longest notice, in ms of live time. A longer one could not be shortened within a month.
pub const NOTICE_MS_MAX: u64 = 30 * DAY_MS;

/// Largest number of heights between a proposal and its effect, so that nothing is decided today
/// about a network that nobody knows yet.
pub const NOTICE_HEIGHTS_MAX: u64 = 1_000_000;

/// Shortest distance between two changes of validators, so that each set is in use before the next
/// one comes. Only heights count: what matters is that the set has decided blocks.
pub const VALIDATOR_CHANGE_DISTANCE: Span = Span { heights: 10, live_ms: 0 };

/// Largest number of approved changes that wait. Each is read when another one is checked.
pub const SCHEDULED_CHANGES_MAX: usize = 16;

/// Greatest age of a readiness announcement when the change that needs it takes effect: two
/// announcements may get lost, and an idle network makes as many blocks in that time.
pub const READY_AGE_MAX: Span = Span { heights: 40, live_ms: 600_000 };

/// Shortest distance between two readiness announcements of one key. Announcements cost nothing.
pub const READY_DISTANCE_MIN: Span = Span { heights: 1, live_ms: 60_000 };

/// Greatest age of the block that a readiness announcement names, so that nobody can keep an
/// announcement for later.
pub const READY_BLOCK_AGE_MAX: Span = Span { heights: 1_000, live_ms: 600_000 };

/// Number of versions of the state tree that are kept, so that proofs at recent heights can be
/// made.
pub const TREE_WINDOW_HEIGHTS: u64 = 1_000;
