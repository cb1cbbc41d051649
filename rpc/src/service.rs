//! Traits by which the API reaches a node. They cover reading what is stored, submitting
//! operations, and keeping issuers' own tokens. The node implements them.

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
    /// Height of the block.
    pub height: u64,
    /// Block time as Unix time in milliseconds.
    pub time_ms: u64,
    /// Hash of the block's header.
    pub hash: Hash,
    /// Root of the state tree after the block.
    pub state_root: Hash,
    /// Sum of all halts up to the block, in milliseconds. Live time is block time minus this sum.
    pub halted_ms: u64,
    /// This node's wall clock minus the block time, in milliseconds, at the moment when the node
    /// saw the block decided. `None` after a restart and for a block that came by block sync, since
    /// the difference then says nothing about the clock.
    pub clock_offset_ms: Option<i64>,
}

/// Outcome of an operation, as far as this node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The operation is in a certified block.
    Applied(Receipt),
    /// The operation waits in the mempool.
    Pending,
    /// The operation left the mempool because the state refuses it. The node remembers this for ten
    /// minutes.
    Refused(Refusal),
    /// This node never received the operation, or has forgotten it.
    Unknown,
}

/// Part that the node takes in consensus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The node's key is in the validator set of the next height.
    Validator,
    /// The node checks and serves blocks but does not vote.
    Follower,
}

/// Consensus round in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// Height that the round decides.
    pub height: u64,
    /// Number of the round, from 0.
    pub round: u32,
    /// Key of the round's proposer.
    pub proposer: ValidatorKey,
}

/// A validator as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorStatus {
    /// Name of the validator for people.
    pub name: String,
    /// Public key that verifies the validator's votes.
    pub key: ValidatorKey,
    /// Voting power.
    pub power: u64,
    /// True if the newest certificate lacks the validator's precommit.
    pub missing: bool,
    /// True if this node is connected to the validator. A node counts as connected to itself.
    pub connected: bool,
}

/// Reason why the chain makes no progress although it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Unix time in milliseconds by the wall clock since when the problem exists. JSON has it as
    /// RFC 3339.
    #[serde(rename = "since", serialize_with = "crate::clock::as_millis")]
    pub since_ms: u64,
    /// Likely cause as a sentence, for example a lost quorum with the missing validators, a full
    /// disk or a wrong clock.
    pub reason: String,
}

/// Progress and role of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Version of the software.
    pub version: String,
    /// Part that the node takes in consensus at the next height.
    pub role: Role,
    /// True if the node fetches blocks that others have decided.
    pub catching_up: bool,
    /// Greatest height that a peer claims to have, and at least the node's own.
    pub target_height: u64,
    /// Consensus round in progress; `None` while the node waits for something to decide or does not
    /// vote.
    pub round: Option<Round>,
    /// Validators of the next height.
    pub validators: Vec<ValidatorStatus>,
    /// Number of operations in the mempool.
    pub mempool_operations: usize,
    /// Size of the operations in the mempool, in bytes.
    pub mempool_bytes: usize,
    /// Reason why the chain makes no progress; `None` if it does.
    pub problem: Option<Problem>,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// libp2p peer id in base58.
    pub peer: String,
    /// Multiaddress of the connection.
    pub address: String,
    /// Direction of the connection: `inbound` or `outbound`.
    pub direction: &'static str,
    /// Version of the peer's software.
    pub version: String,
    /// True if the peer is a validator.
    pub validator: bool,
    /// Age of the connection in milliseconds.
    pub connected_ms: u64,
    /// Bytes received from the peer.
    pub bytes_in: u64,
    /// Bytes sent to the peer.
    pub bytes_out: u64,
}

/// Check that decides whether the node is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Name of the check: `sync`, `peers`, `disk` or `clock`.
    pub name: &'static str,
    /// True if the check passes.
    pub ok: bool,
    /// The value found and the value required.
    pub detail: String,
}

/// Publishing key of a node, by which it signs views of status lists.
pub trait ViewKey: Send + Sync {
    /// Returns the public key, which is of Ed25519.
    fn public(&self) -> &PublicKey;

    /// Signs the bytes of a view.
    fn sign_view(&self, message: &[u8]) -> [u8; 64];
}

/// Read access to a node. Each method reads one row or one page of committed data. It is short
/// enough to call from an async task, and it blocks no writer. The rows of a block must be readable
/// before [`Reader::heads`] shows the block.
pub trait Reader: Send + Sync + 'static {
    /// Returns the network's name as it occurs in DIDs.
    fn network(&self) -> &NetworkName;

    /// Returns the chain id.
    fn chain(&self) -> Hash;

    /// Returns a channel that holds the newest block and signals each new one.
    fn heads(&self) -> &watch::Receiver<Head>;

    /// Returns the newest version of a record, or `None` if there is no such record.
    fn newest(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError>;

    /// Returns one version of a record, or `None` if there is no such version.
    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError>;

    /// Returns the last version of a record whose block time is not after `time_ms`, a Unix time in
    /// milliseconds.
    fn version_at(&self, key: &RecordKey, time_ms: u64) -> Result<Option<Entry>, StoreError>;

    /// Returns the array of a status list at the version in `entry`, which may be the head or an
    /// older one.
    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError>;

    /// Returns at most `limit` records of a listing, in its order. They start after the cursor or,
    /// without one, at the beginning. The node defines the format of the cursors that come with the
    /// records.
    fn listed(
        &self,
        listing: &Listing,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Returns the value of a transient leaf after the newest block.
    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns the committed block at a height, or `None` if the node does not have it.
    fn block(&self, height: u64) -> Result<Option<Block>, StoreError>;

    /// Returns the certificate of a committed block, or `None` for height 0.
    fn certificate(&self, height: u64) -> Result<Option<Certificate>, StoreError>;

    /// Returns the outcome of the operation with this id.
    fn outcome(&self, operation: &Hash) -> Result<Outcome, StoreError>;

    /// Returns the progress and role of the node.
    fn status(&self) -> Status;

    /// Returns the connected peers.
    fn peers(&self) -> Vec<Peer>;

    /// Returns the node's publishing key, whether or not the network lists it, or `None` if the
    /// node has none.
    fn view_key(&self) -> Option<Arc<dyn ViewKey>>;

    /// Returns the readiness checks of the node, such as lag, reachable validators and free disk
    /// space. The check of the clock is not among them, since the API makes it from [`Head`].
    fn checks(&self) -> Vec<Check>;
}

impl RecordView for dyn Reader + '_ {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.newest(key)
    }
}

/// Reason why the node did not take a submitted operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The state refuses the operation.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The mempool has no room for the operation at present.
    #[error("the mempool is full ({what}); send again in a moment")]
    Full {
        /// Name of the limit that was reached.
        what: &'static str,
    },
    /// The node does not take operations at present.
    #[error("the node takes no operations now: {reason}")]
    Unavailable {
        /// Reason as part of a sentence.
        reason: String,
    },
}

/// Submission of operations to a node.
pub trait Submitter: Send + Sync + 'static {
    /// Offers an operation that passed the stateless checks to the mempool. Succeeds too if the
    /// operation waits there already.
    fn submit(&self, checked: Arc<Checked>) -> BoxFuture<'_, Result<(), SubmitError>>;

    /// Waits until the outcome of an operation is other than [`Outcome::Pending`], and returns it.
    /// Dropping the future ends only the wait.
    fn settled(&self, operation: Hash) -> BoxFuture<'_, Result<Outcome, StoreError>>;
}

/// Description of an issuer's own token that a node keeps, without its bytes. Tokens of the same
/// list and form are ordered by version, then by time of issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeptToken {
    /// List whose entries the token shows.
    pub list: ListId,
    /// Form of the token.
    pub form: Form,
    /// Version of the list that the token shows.
    pub version: u64,
    /// Unix time in milliseconds from which the token is valid.
    pub issued_ms: u64,
    /// Unix time in milliseconds at which the token ends.
    pub expires_ms: u64,
    /// Milliseconds for which a copy may be used, if the token states it.
    pub ttl_ms: Option<u64>,
    /// First 8 bytes of the SHA-256 of the token.
    pub digest: [u8; 8],
}

/// Store of issuers' own tokens. They belong to this node and are no part of the ledger. Every kept
/// token was checked before, and a lost one can be uploaded again.
pub trait TokenStore: Send + Sync + 'static {
    /// Returns the kept tokens of a list in ascending order. It reads memory only.
    fn tokens(&self, list: &ListId) -> Vec<KeptToken>;

    /// Returns the bytes of a token, or `None` if the node no longer keeps it. This call may block.
    fn token(&self, token: &KeptToken) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores a token durably, and drops old tokens if there is no room. This call may block.
    fn keep_token(&self, token: KeptToken, bytes: &[u8]) -> Result<(), StoreError>;
}

/// All that the API needs of a node.
pub trait Node: Reader + Submitter + TokenStore {}

impl<T: Reader + Submitter + TokenStore> Node for T {}
