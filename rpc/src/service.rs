//! What the API needs of a node: reads of what is stored, submission, and a place for issuers' own
//! tokens. The node implements these traits; nothing here knows how.

use futures::future::BoxFuture;
use registry_core::block::{Block, Receipt};
use registry_core::certificate::Certificate;
use registry_core::code::Refusal;
use registry_core::crypto::{Hash, PublicKey, ValidatorKey};
use registry_core::id::{ListId, NetworkName};
use registry_core::index::{Listed, Listing};
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::status::Bits;
use registry_state::rules::Checked;
use registry_state::state::TransientKey;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::watch;

use crate::view::Form;

/// The newest committed block that readers may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub height: u64,
    /// Its block time in ms since 1970.
    pub time_ms: u64,
    /// Its hash.
    pub hash: Hash,
    /// Root of the state tree after it.
    pub state_root: Hash,
    /// Sum of all halts up to it in ms: live time = block time − this.
    pub halted_ms: u64,
    /// This node's wall clock minus the block's time in ms when the node saw it decided. None for
    /// a block that came by block sync, and after a restart: it says nothing about the clock then.
    pub clock_offset_ms: Option<i64>,
}

/// What became of an operation, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// In a certified block.
    Applied(Receipt),
    /// Waits in the mempool.
    Pending,
    /// Left the mempool because the state refuses it; remembered for 10 minutes.
    Refused(Refusal),
    /// Not known here: never sent to this node, or forgotten.
    Unknown,
}

/// Whether the node votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It has a validator key.
    Validator,
    /// It checks and serves blocks.
    Follower,
}

/// The round that is being decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// Height being decided.
    pub height: u64,
    /// Its round, from 0.
    pub round: u32,
    /// Who proposes in it.
    pub proposer: ValidatorKey,
}

/// One validator, as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorStatus {
    /// Name for people.
    pub name: String,
    /// Signing key.
    pub key: ValidatorKey,
    /// Voting power.
    pub power: u64,
    /// Whether its precommit is absent from the newest certificate.
    pub missing: bool,
    /// Whether this node has a connection to it (true for itself).
    pub connected: bool,
}

/// Why no block comes although one should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Since when, wall clock in ms since 1970; RFC 3339 in JSON.
    #[serde(rename = "since", serialize_with = "crate::clock::as_millis")]
    pub since_ms: u64,
    /// The likely cause, in a sentence: quorum lost (and who is missing), disk full, clock.
    pub reason: String,
}

/// What the node is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Software version.
    pub version: String,
    /// Validator while its key is in the set of the next height, else follower.
    pub role: Role,
    /// Whether it fetches blocks that others have decided.
    pub catching_up: bool,
    /// Greatest height that a peer claims, at least the own.
    pub target_height: u64,
    /// The round being decided; none while resting or following.
    pub round: Option<Round>,
    /// The validators of the next height.
    pub validators: Vec<ValidatorStatus>,
    /// Operations that wait for a block.
    pub mempool_operations: usize,
    /// Their bytes.
    pub mempool_bytes: usize,
    /// Why the chain stands still, if it does.
    pub problem: Option<Problem>,
}

/// One connected peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Peer id, base58.
    pub peer: String,
    /// Multiaddress of the connection.
    pub address: String,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// Its software version.
    pub version: String,
    /// Whether it is a validator.
    pub validator: bool,
    /// Age of the connection in ms.
    pub connected_ms: u64,
    /// Bytes received from it.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
}

/// One line of the readiness report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A word: `sync`, `peers`, `disk`, `clock`.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was found and what is needed.
    pub detail: String,
}

/// A node's publishing key.
pub trait ViewKey: Send + Sync {
    /// The public key, Ed25519.
    fn public(&self) -> &PublicKey;

    /// Its signature over the bytes of a view.
    fn sign_view(&self, message: &[u8]) -> [u8; 64];
}

/// Reads. Each reads one row or one page of committed data, is short enough for an async task, and
/// locks no writer. Rows of a block must be readable before [`Reader::heads`] shows it.
pub trait Reader: Send + Sync + 'static {
    /// The network's name in DIDs.
    fn network(&self) -> &NetworkName;

    /// The chain id.
    fn chain(&self) -> Hash;

    /// The newest block, and a way to await the next.
    fn heads(&self) -> &watch::Receiver<Head>;

    /// The newest version of a record; none if there is no such record.
    fn newest(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;

    /// One version of a record.
    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError>;

    /// The last version of a record with time ≤ `time_ms`.
    fn version_at(&self, key: &RecordKey, time_ms: u64) -> Result<Option<Entry>, StoreError>;

    /// The array of a status list at the version in `entry`, be it the head or an older one.
    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError>;

    /// The records of a listing, in its order, at most `limit` of those after a cursor. The cursors
    /// that come with them are the node's own.
    fn listed(
        &self,
        listing: &Listing,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError>;

    /// The value of a transient leaf after the newest block.
    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError>;

    /// A committed block by height.
    fn block(&self, height: u64) -> Result<Option<Block>, StoreError>;

    /// The certificate of a committed block; none for height 0.
    fn certificate(&self, height: u64) -> Result<Option<Certificate>, StoreError>;

    /// What became of an operation, by operation id.
    fn outcome(&self, operation: &Hash) -> Result<Outcome, StoreError>;

    /// What the node is doing.
    fn status(&self) -> Status;

    /// The connected peers.
    fn peers(&self) -> Vec<Peer>;

    /// The node's publishing key, whether or not the network lists it; none if it has none.
    fn view_key(&self) -> Option<Arc<dyn ViewKey>>;

    /// What makes the node ready besides its clock, which the API checks from [`Head`]: lag,
    /// peers (a quorum of validators reachable), room on the disk.
    fn checks(&self) -> Vec<Check>;
}

impl RecordView for dyn Reader + '_ {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.newest(key)
    }
}

/// Why a submitted operation was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The state refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No room now.
    #[error("the mempool is full ({what}); send again in a moment")]
    Full {
        /// Which limit.
        what: &'static str,
    },
    /// The node takes no operations now.
    #[error("the node takes no operations now: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// Writes.
pub trait Submitter: Send + Sync + 'static {
    /// Offers an operation that passed the stateless checks to the mempool. One that waits there
    /// already is admitted again.
    fn submit(&self, checked: Arc<Checked>) -> BoxFuture<'_, Result<(), SubmitError>>;

    /// Resolves to the first [`Outcome`] that is not pending, at once if it is there already.
    /// Dropping the future gives up the wait and nothing else.
    fn settled(&self, operation: Hash) -> BoxFuture<'_, Result<Outcome, StoreError>>;
}

/// An issuer's own token that a node keeps: what it is told by, without its bytes. Tokens of a list
/// and form ascend by version, then by time of issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeptToken {
    /// Whose entries it shows.
    pub list: ListId,
    /// Its form.
    pub form: Form,
    /// Which version of them.
    pub version: u64,
    /// When it begins, ms since 1970.
    pub issued_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
    /// How long a copy may be used, if it says so.
    pub ttl_ms: Option<u64>,
    /// Start of the SHA-256 of its bytes.
    pub digest: [u8; 8],
}

/// Issuers' own tokens. They are this node's and no part of the ledger: each kept token was checked
/// before, and what is lost can be uploaded again.
pub trait TokenStore: Send + Sync + 'static {
    /// The tokens of a list that are kept, ascending, from memory.
    fn tokens(&self, list: &ListId) -> Vec<KeptToken>;

    /// The bytes of a token; none if it is kept no more. May block.
    fn token(&self, token: &KeptToken) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a token durably, and drops old ones where there is no room. May block.
    fn keep_token(&self, token: KeptToken, bytes: &[u8]) -> Result<(), StoreError>;
}

/// All that the API needs.
pub trait Node: Reader + Submitter + TokenStore {}

impl<T: Reader + Submitter + TokenStore> Node for T {}
