//! The ceremony in which operators make one genesis file. They need to trust nothing but their own
//! keys: each signs an entry, and everyone who has the same outline and entries builds the same
//! file.

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

/// Contribution of one operator to the ceremony, exchanged as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Network that the entry is made for.
    pub network: NetworkName,
    /// Validator as the genesis file will list it.
    pub validator: ValidatorEntry,
    /// Key with which the operator's node signs what it publishes. It has the validator's name.
    pub publishing: PublishingKey,
    /// Ed25519 signature by the validator's key over [`Entry::message`]. It proves that the
    /// operator holds the key and agrees to this power, peer id, addresses and publishing key.
    pub signature: FixedBytes<64>,
}

/// Content that the signature of an entry covers.
#[derive(Serialize)]
struct EntryBody<'a> {
    network: &'a NetworkName,
    validator: &'a ValidatorEntry,
    publishing: &'a PublishingKey,
}

impl Entry {
    /// Returns the 32 bytes that the validator's key signs: H(CBOR of network, validator and
    /// publishing key), with a hash purpose that nothing else uses.
    pub fn message(
        network: &NetworkName,
        validator: &ValidatorEntry,
        publishing: &PublishingKey,
    ) -> [u8; 32] {
        let body = EntryBody { network, validator, publishing };
        Hash::of_value(Purpose::GenesisEntry, &body).0
    }

    /// Parses the JSON of an entry and checks it as [`Entry::check`] does.
    pub fn parse(json: &str) -> Result<Self, GenesisError> {
        let entry: Self = parse_json(json)?;
        entry.check()?;
        Ok(entry)
    }

    /// Checks the rules of the validator and of its publishing key, and the signature.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.validator.check("validator")?;
        check_entry_publishing(&self.publishing, &self.validator)?;
        let message = Self::message(&self.network, &self.validator, &self.publishing);
        self.validator.key.verify(&message, &self.signature.0).map_err(|error| {
            let name = self.validator.name.clone();
            GenesisError::Entry { name, error }
        })
    }

    /// Returns the JSON of the entry, indented and with a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// Genesis file without its validators. The operators agree on it before they sign entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// Name of the network, which is part of each of its DIDs.
    pub network: NetworkName,
    /// Block time of height 0.
    #[serde(with = "exact")]
    pub time: TimeMs,
    /// Public base URL of the network; see [`GenesisFile::public_url`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Chain parameters in force from height 0.
    pub parameters: Parameters,
    /// Publishing keys of nodes that make no entry, for example followers, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publishing: Vec<PublishingKey>,
    /// DIDs that may change the network's rules later; see [`GenesisFile::governors`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governors: Option<Governors>,
    /// Envelopes that height 0 applies; see [`GenesisFile::operations`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Bytes>,
}

impl Outline {
    /// Returns an outline with default parameters and without any optional part.
    pub fn new(network: NetworkName, time: TimeMs) -> Self {
        let (public_url, publishing, governors, operations) = Default::default();
        let parameters = Parameters::default();
        Self { network, time, public_url, parameters, publishing, governors, operations }
    }

    /// Parses an outline. Its rules are checked when the file is built, together with the
    /// validators.
    pub fn parse(json: &str) -> Result<Self, GenesisError> {
        parse_json(json)
    }

    /// Builds the genesis file, which is the last step of the ceremony. The same entries give the
    /// same file in whatever order they are passed.
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

    /// Builds the genesis file of a test network, where the caller made the keys of all validators.
    /// The validators may be passed in any order.
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
