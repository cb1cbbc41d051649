//! The genesis file, the chain id and the header of height 0 that follow from it.

use registry_core::codec::{self, Bytes};
use registry_core::crypto::{Hash, Purpose};
use registry_core::did::is_deactivated;
use registry_core::governance::{
    GovernanceError, Governors, Parameters, Publishing, PublishingKey, ValidatorEntry, Validators,
    WritePolicy,
};
use registry_core::id::NetworkName;
use registry_core::limits::{NOTICE_MS_MIN, RECOVERY_DELAY_MS_MIN};
use registry_core::record::RecordKey;
use registry_core::time::{TimeMs, exact};
use registry_state::execution::{Execution, Genesis, execute_genesis};
use registry_state::rules::check_stateless;
use registry_state::state::MemoryState;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{GenesisError, Warning};
use crate::limits::{GENESIS_BYTES_MAX, TIME_MS_END};
use crate::rules;

/// Everything that a network starts from. Operators read and exchange it as JSON; spacing and the
/// order of fields do not matter there. The chain id is the hash of its canonical form, DAG-CBOR
/// (DESIGN section 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisFile {
    /// Protocol version that the first blocks are executed under.
    pub version: u64,
    /// Name of the network, which is part of each of its DIDs.
    pub network: NetworkName,
    /// Block time of height 0.
    #[serde(with = "exact")]
    pub time: TimeMs,
    /// Public base URL of the network, without a slash at the end. The default `uri` of a status
    /// list starts with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Chain parameters in force from height 0.
    pub parameters: Parameters,
    /// First validator set, ascending by key.
    pub validators: Vec<ValidatorEntry>,
    /// First publishing keys, ascending by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publishing: Vec<PublishingKey>,
    /// DIDs that may change parameters, validators, publishing keys and governors later. Without
    /// governors nobody can change them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governors: Option<Governors>,
    /// Envelopes that height 0 applies in this order. They are signed for the zero chain id, since
    /// the real one depends on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Bytes>,
}

impl GenesisFile {
    /// Parses the JSON of a genesis file and checks it as [`GenesisFile::check`] does.
    pub fn parse(json: &str) -> Result<Self, GenesisError> {
        let file: Self = parse_json(json)?;
        file.check()?;
        Ok(file)
    }

    /// Checks all rules, which includes that every operation applies at height 0.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.execute().map(drop)
    }

    /// Returns settings that are allowed but that the operators should know of.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let actual_ms = self.parameters.recovery_delay_ms_min;
        if actual_ms < RECOVERY_DELAY_MS_MIN {
            let usual_ms_min = RECOVERY_DELAY_MS_MIN;
            warnings.push(Warning::RecoveryDelay { actual_ms, usual_ms_min });
        }
        let actual_ms = self.parameters.notice_ms_min;
        if actual_ms < NOTICE_MS_MIN {
            warnings.push(Warning::Notice { actual_ms, usual_ms_min: NOTICE_MS_MIN });
        }
        let names = self.indispensable();
        if !names.is_empty() {
            warnings.push(Warning::NoFaultTolerated { names });
        }
        if let Some(url) = self.public_url.as_ref().filter(|url| !url.starts_with("https:")) {
            warnings.push(Warning::PublicUrl { url: url.clone() });
        }
        warnings
    }

    /// Returns the canonical DAG-CBOR bytes.
    pub fn canonical(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Returns the chain id, which is H(canonical bytes).
    pub fn chain_id(&self) -> Hash {
        Hash::of(Purpose::Chain, &[&self.canonical()])
    }

    /// Returns the JSON of the file, indented and with a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Returns the value of the validators record at height 0.
    pub fn validators(&self) -> Validators {
        Validators { validators: self.validators.clone() }
    }

    /// Returns the value of the publishing record at height 0.
    pub fn publishing(&self) -> Publishing {
        Publishing { keys: self.publishing.clone() }
    }

    /// Checks every rule except that the operations apply, and returns the input for execution.
    pub fn to_registry(&self) -> Result<Genesis, GenesisError> {
        self.check_rules()?;
        let mut operations = Vec::new();
        for (index, envelope) in self.operations.iter().enumerate() {
            let checked = check_stateless(&envelope.0, Hash::ZERO, &self.network);
            let operation = |refusal| GenesisError::Operation { index, refusal };
            operations.push(checked.map_err(operation)?);
        }
        Ok(Genesis {
            chain: self.chain_id(),
            network: self.network.clone(),
            time_ms: self.time.0,
            validators: self.validators(),
            parameters: self.parameters.clone(),
            publishing: self.publishing(),
            governors: self.governors.clone(),
            operations,
        })
    }

    fn check_rules(&self) -> Result<(), GenesisError> {
        rules::check_version(self.version)?;
        GovernanceError::check_number("time", self.time.0, 0, TIME_MS_END - 1)?;
        rules::check_public_url(self.public_url.as_deref())?;
        self.parameters.check()?;
        let (validators, publishing) = (self.validators(), self.publishing());
        validators.check()?;
        publishing.check().map_err(GovernanceError::from)?;
        validators.check_publishing(&publishing)?;
        if let Some(governors) = &self.governors {
            governors.check(&self.network)?;
        }
        rules::check_operations(&self.operations)
    }

    /// Executes height 0 over an empty store. The result holds the header and all that the store
    /// has to write.
    pub fn execute(&self) -> Result<Execution, GenesisError> {
        let genesis = self.to_registry()?;
        let execution = execute_genesis(&MemoryState::default(), &genesis)?;
        self.check_authority(&execution)?;
        Ok(execution)
    }

    /// Checks that the authority of an endorsed write policy exists. It could not be created later:
    /// nobody can choose the DID that a create makes, so all writes would be refused for ever.
    fn check_authority(&self, execution: &Execution) -> Result<(), GenesisError> {
        let WritePolicy::Endorsed(policy) = &self.parameters.write_policy else { return Ok(()) };
        let authority = &policy.authority;
        let made = execution.changes.entry(&RecordKey::did(&authority.suffix));
        let active = made.is_some_and(|entry| !is_deactivated(entry));
        if active && authority.network == self.network {
            return Ok(());
        }
        let path = "parameters.write_policy.endorsed.authority";
        Err(GenesisError::value(path, authority, "a DID that one of the operations creates"))
    }

    /// Returns the names of the validators without whom the others do not form a quorum.
    fn indispensable(&self) -> Vec<String> {
        let Ok(set) = self.validators().set() else { return Vec::new() };
        let others = |entry: &&ValidatorEntry| set.total_power().saturating_sub(entry.power);
        let needed = self.validators.iter().filter(|entry| !set.is_quorum(others(entry)));
        needed.map(|entry| entry.name.clone()).collect()
    }
}

/// Parses one of this crate's types, after a check of its size.
pub(crate) fn parse_json<T: DeserializeOwned>(json: &str) -> Result<T, GenesisError> {
    if json.len() > GENESIS_BYTES_MAX {
        return Err(GenesisError::TooLarge { actual: json.len(), limit: GENESIS_BYTES_MAX });
    }
    Ok(serde_json::from_str(json)?)
}

/// Writes one of this crate's types. None of them contains a map whose keys are not text, so the
/// serializer cannot fail.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string_pretty(value);
    debug_assert!(text.is_ok(), "a genesis type failed to serialise");
    text.unwrap_or_default() + "\n"
}
