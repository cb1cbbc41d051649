//! The network's own records: validators, parameters, protocol version, publishing keys and
//! governors. Genesis writes the first version of each. docs/protocol/governance.md says who may
//! change them, and how.

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
use crate::crypto::ValidatorKey;
use crate::id::Did;
use crate::limits::{NOTICE_MS_MIN, RECOVERY_DELAY_MS_MIN};
use crate::record::{PartId, RecordKey, RecordView, StoreError};

pub use change::{Change, Edits, Named};
pub use fault::GovernanceError;
pub use governors::{Governors, governors};
pub use proposal::{
    Approval, GovernancePropose, GovernanceStep, Proposal, ProposalStatus, Readiness,
    ScheduledChanges, ValidatorReady,
};
pub use publishing::{Publishing, PublishingError, PublishingKey};

/// Key of the record that lists the validators.
pub const VALIDATORS: &str = "validators";
/// Key of the record that holds the parameters.
pub const PARAMETERS: &str = "parameters";
/// Key of the record that holds the protocol version, an unsigned integer.
pub const VERSION: &str = "version";
/// Key of the record that lists the nodes' publishing keys.
pub const PUBLISHING: &str = "publishing";
/// Key of the record that lists the governors, who may change all governance records.
pub const GOVERNORS: &str = "governors";
/// Key of the record that holds the halted time, an unsigned integer. Nobody can change it: the
/// first block after a halt writes it.
pub const HALTED: &str = "halted";

/// Highest protocol version that this code implements, and the version of a genesis made with it.
pub const PROTOCOL_VERSION: u64 = 1;

/// Returns the key of the governance record with this name.
pub fn key(name: &str) -> RecordKey {
    RecordKey::governance(name)
}

/// Reads a governance record that genesis wrote, as of the moment of a view. Fails if the record is
/// missing or cannot be read.
pub fn read<T>(view: &(impl RecordView + ?Sized), name: &str) -> Result<T, StoreError>
where
    T: DeserializeOwned,
{
    let head = view.entry(&key(name))?;
    let head = head.ok_or_else(|| StoreError::new(format!("no governance record {name}")))?;
    head.part_value(PartId::WHOLE)
}

/// Reads the duration of all halts in ms, as of the moment of a view. It is zero before the first
/// halt.
pub fn halted_ms(view: &(impl RecordView + ?Sized)) -> Result<u64, StoreError> {
    match view.entry(&key(HALTED))? {
        Some(_) => read(view, HALTED),
        None => Ok(0),
    }
}

/// Rule that decides who may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WritePolicy {
    /// Anyone may write. This policy is for private and test networks.
    Open,
    /// A DID that holds the right to write may write, and so may anyone for whom such a DID signs
    /// as endorser.
    Endorsed(EndorsedWrites),
}

/// Authority and quota of endorsers (docs/protocol/endorsement.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndorsedWrites {
    /// DID whose grants of `registry:write` count.
    pub authority: Did,
    /// Cost in units that the operations for which one endorser vouches in an hour (UTC) may reach
    /// under each of its three quotas, its own operations included (docs/protocol/state.md, section
    /// "Cost"). The operation that reaches it is the last one of the hour.
    pub cost_per_hour: u64,
}

/// Rules of a network that its operators chose at genesis and its governors can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Rule that decides who may write.
    pub write_policy: WritePolicy,
    /// Shortest recovery delay in ms of live time.
    pub recovery_delay_ms_min: u64,
    /// Shortest live time in ms between a proposal and its effect.
    pub notice_ms_min: u64,
    /// Shortest time in ms between two blocks.
    pub block_interval_ms_min: u64,
    /// Longest time in ms without a block while the network is idle.
    pub heartbeat_ms: u64,
    /// Time in ms that a validator waits for a proposal in round 0.
    pub timeout_propose_ms: u64,
    /// Time in ms that a validator waits for more prevotes in round 0.
    pub timeout_prevote_ms: u64,
    /// Time in ms that a validator waits for more precommits in round 0.
    pub timeout_precommit_ms: u64,
    /// Time in ms that each further round adds to the three timeouts.
    pub timeout_step_ms: u64,
    /// Longest timeout in ms of any round.
    pub timeout_ms_max: u64,
    /// Largest sum of the costs of the operations of a block.
    pub block_cost_max: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            write_policy: WritePolicy::Open,
            recovery_delay_ms_min: RECOVERY_DELAY_MS_MIN,
            notice_ms_min: NOTICE_MS_MIN,
            block_interval_ms_min: 100,
            heartbeat_ms: 15_000,
            timeout_propose_ms: 1_000,
            timeout_prevote_ms: 500,
            timeout_precommit_ms: 500,
            timeout_step_ms: 250,
            timeout_ms_max: 5_000,
            block_cost_max: 150_000,
        }
    }
}

/// A validator as its record describes it. Headers depend on key and power only; peers need the
/// rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorEntry {
    /// Name for people: 1 to 63 of `a-z`, `0-9` and `-`, with no `-` at the ends.
    pub name: String,
    /// Key that signs votes and identifies the validator.
    pub key: ValidatorKey,
    /// Voting power, 1 to 2^32.
    pub power: u64,
    /// libp2p peer id of the validator's node, in base58.
    pub peer: String,
    /// 1 to 4 multiaddresses of the node, the most preferred first.
    pub addresses: Vec<String>,
}

/// Value of the validator record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validators {
    /// Validators, ascending by key.
    pub validators: Vec<ValidatorEntry>,
}

impl Validators {
    /// Returns the validator set by which headers and certificates are checked. Fails if the list
    /// is no validator set.
    pub fn set(&self) -> Result<ValidatorSet, ValidatorSetError> {
        let validators = self.validators.iter();
        ValidatorSet::new(
            validators.map(|entry| Validator { key: entry.key, power: entry.power }).collect(),
        )
    }
}
