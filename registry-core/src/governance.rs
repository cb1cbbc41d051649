//! The network's own records: validators, parameters, protocol version, publishing keys and
//! governors. Genesis writes the first version of each; who may change them, and how, stands in
//! docs/protocol/governance.md.

mod change;
mod fault;
mod governors;
mod parameters;
mod proposal;
mod publishing;
mod validators;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::certificate::{Validator, ValidatorSet, ValidatorSetError};
use crate::codec;
use crate::crypto::ValidatorKey;
use crate::id::Did;
use crate::limits::{OPERATION_BYTES_MAX, RECOVERY_DELAY_MS_MIN};
use crate::record::{RecordKey, RecordView, StoreError};

pub use change::{Change, Edits, Named};
pub use fault::GovernanceError;
pub use governors::{Governors, governors};
pub use proposal::{
    Approval, GovernancePropose, GovernanceStep, Proposal, ProposalStatus, ScheduledChanges,
    ValidatorReady,
};
pub use publishing::{Publishing, PublishingError, PublishingKey};

/// Key of the validator record.
pub const VALIDATORS: &str = "validators";
/// Key of the parameter record.
pub const PARAMETERS: &str = "parameters";
/// Key of the record that holds the protocol version, an unsigned integer.
pub const VERSION: &str = "version";
/// Key of the record that lists the nodes' publishing keys.
pub const PUBLISHING: &str = "publishing";
/// Key of the record of those who may change all these.
pub const GOVERNORS: &str = "governors";

/// The highest protocol version that this code speaks, and that of a genesis made with it.
pub const PROTOCOL_VERSION: u64 = 1;

/// The record with a governance name.
pub fn key(name: &str) -> RecordKey {
    RecordKey::governance(name)
}

/// The value of a governance record that genesis wrote, at the moment of a view.
pub fn read<T>(view: &(impl RecordView + ?Sized), name: &str) -> Result<T, StoreError>
where
    T: Serialize + DeserializeOwned,
{
    let head = view.entry(&key(name))?;
    let head = head.ok_or_else(|| StoreError::new(format!("no governance record {name}")))?;
    codec::decode(&head.value.0, OPERATION_BYTES_MAX).map_err(StoreError::new)
}

/// Who may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WritePolicy {
    /// Anyone; for private and test networks.
    Open,
    /// Those who hold a right to it, and those for whom such a one signs.
    Endorsed(EndorsedWrites),
}

/// Who says who may write, and how much (docs/protocol/endorsement.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndorsedWrites {
    /// Whose grants of `registry:write` count.
    pub authority: Did,
    /// Operations that one endorser may vouch for in an hour (UTC), its own included.
    pub operations_per_hour: u64,
}

/// Rules of a chain that its operators chose at genesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Who may write.
    pub write_policy: WritePolicy,
    /// Shortest recovery delay in ms of live time.
    pub recovery_delay_ms_min: u64,
    /// Least time in ms between two blocks.
    pub block_interval_ms_min: u64,
    /// Longest time in ms without a block while the network is idle.
    pub heartbeat_ms: u64,
    /// How long to wait for a proposal in round 0.
    pub timeout_propose_ms: u64,
    /// How long to wait for more prevotes in round 0.
    pub timeout_prevote_ms: u64,
    /// How long to wait for more precommits in round 0.
    pub timeout_precommit_ms: u64,
    /// What each further round adds to the three timeouts.
    pub timeout_step_ms: u64,
    /// No timeout is longer.
    pub timeout_ms_max: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            write_policy: WritePolicy::Open,
            recovery_delay_ms_min: RECOVERY_DELAY_MS_MIN,
            block_interval_ms_min: 100,
            heartbeat_ms: 15_000,
            timeout_propose_ms: 1_000,
            timeout_prevote_ms: 500,
            timeout_precommit_ms: 500,
            timeout_step_ms: 250,
            timeout_ms_max: 5_000,
        }
    }
}

/// A validator as its record describes it: headers know key and power, peers need the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorEntry {
    /// Name for people, `[a-z0-9-]`.
    pub name: String,
    /// Signing key and identity.
    pub key: ValidatorKey,
    /// Voting power.
    pub power: u64,
    /// libp2p peer id, base58.
    pub peer: String,
    /// Multiaddresses, most preferred first.
    pub addresses: Vec<String>,
}

/// The value of the validator record, ascending by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validators {
    /// Ascending by key.
    pub validators: Vec<ValidatorEntry>,
}

impl Validators {
    /// The set that headers and certificates are checked against.
    pub fn set(&self) -> Result<ValidatorSet, ValidatorSetError> {
        let validators = self.validators.iter();
        ValidatorSet::new(
            validators.map(|entry| Validator { key: entry.key, power: entry.power }).collect(),
        )
    }
}
