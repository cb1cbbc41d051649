//! How operators who trust each other with nothing but their own keys make one genesis file:
//! each signs an entry, and whoever has the same outline and entries builds the same file.

use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, Purpose};
use registry_core::governance::{
    Governors, PROTOCOL_VERSION, Parameters, PublishingKey, ValidatorEntry, Validators,
};
use registry_core::id::NetworkName;
use registry_core::time::{TimeMs, exact};
use serde::{Deserialize, Serialize};

use crate::error::GenesisError;
use crate::file::{GenesisFile, parse_json, to_json};
use crate::rules::check_entry_publishing;

/// One operator's part, as JSON beside the genesis file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The network that it is made for.
    pub network: NetworkName,
    /// The validator, as it will stand in the genesis.
    pub validator: ValidatorEntry,
    /// The key with which the operator's node signs what it publishes, under the same name.
    pub publishing: PublishingKey,
    /// Ed25519 by the validator's key over [`Entry::message`]: the operator holds the key and
    /// wants exactly this power, peer id, addresses and publishing key.
    pub signature: FixedBytes<64>,
}

/// What the signature of an entry covers.
#[derive(Serialize)]
struct EntryBody<'a> {
    network: &'a NetworkName,
    validator: &'a ValidatorEntry,
    publishing: &'a PublishingKey,
}

impl Entry {
    /// The 32 bytes that the validator's key signs: H(CBOR of network, validator and publishing
    /// key), under a purpose of its own.
    pub fn message(
        network: &NetworkName,
        validator: &ValidatorEntry,
        publishing: &PublishingKey,
    ) -> [u8; 32] {
        let body = EntryBody { network, validator, publishing };
        Hash::of_value(Purpose::GenesisEntry, &body).0
    }

    /// Reads and checks an entry.
    pub fn parse(json: &str) -> Result<Self, GenesisError> {
        let entry: Self = parse_json(json)?;
        entry.check()?;
        Ok(entry)
    }

    /// Checks the validator's own rules, those of its publishing key, and the signature.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.validator.check("validator")?;
        check_entry_publishing(&self.publishing, &self.validator)?;
        let message = Self::message(&self.network, &self.validator, &self.publishing);
        self.validator.key.verify(&message, &self.signature.0).map_err(|error| {
            let name = self.validator.name.clone();
            GenesisError::Entry { name, error }
        })
    }

    /// The entry as people read it.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// All of a genesis but its validators: what the operators agree on before they sign entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// The network's name in its DIDs.
    pub network: NetworkName,
    /// Time of height 0.
    #[serde(with = "exact")]
    pub time: TimeMs,
    /// See [`GenesisFile::public_url`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The rules that the operators chose.
    pub parameters: Parameters,
    /// Publishing keys of nodes that make no entry, followers for one; in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publishing: Vec<PublishingKey>,
    /// See [`GenesisFile::governors`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governors: Option<Governors>,
    /// Envelopes made for chain zero.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Bytes>,
}

impl Outline {
    /// A network with the usual parameters and none of what is optional.
    pub fn new(network: NetworkName, time: TimeMs) -> Self {
        let (public_url, publishing, governors, operations) = Default::default();
        let parameters = Parameters::default();
        Self { network, time, public_url, parameters, publishing, governors, operations }
    }

    /// Reads an outline; what it says is checked together with the validators.
    pub fn parse(json: &str) -> Result<Self, GenesisError> {
        parse_json(json)
    }

    /// The ceremony's last step: the same file from the same entries, in any order.
    pub fn build(mut self, entries: &[Entry]) -> Result<GenesisFile, GenesisError> {
        for entry in entries {
            entry.check()?;
            if entry.network != self.network {
                let path = format!("entry of {}: network", entry.validator.name);
                return Err(GenesisError::value(path, &entry.network, self.network.to_string()));
            }
        }
        self.publishing.extend(entries.iter().map(|entry| entry.publishing.clone()));
        self.with_validators(entries.iter().map(|entry| entry.validator.clone()).collect())
    }

    /// The file with validators whose keys the caller made itself, as for test networks; in any
    /// order.
    pub fn with_validators(
        self,
        mut validators: Vec<ValidatorEntry>,
    ) -> Result<GenesisFile, GenesisError> {
        validators.sort_by_key(|entry| entry.key);
        let validators = Validators { validators };
        validators.check_unique("validators")?;
        let Validators { validators } = validators;
        let Self { network, time, public_url, parameters, mut publishing, governors, operations } =
            self;
        publishing.sort_by(|left, right| left.name.cmp(&right.name));
        let file = GenesisFile {
            version: PROTOCOL_VERSION,
            network,
            time,
            public_url,
            parameters,
            validators,
            publishing,
            governors,
            operations,
        };
        file.check()?;
        Ok(file)
    }
}
