//! Changes that a proposal can contain, and the values that result from them.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::governors::check_network;
use super::validators::is_name;
use super::{
    GOVERNORS, GovernanceError, Governors, PARAMETERS, PUBLISHING, Parameters, Publishing,
    PublishingKey, VALIDATORS, VERSION, ValidatorEntry, Validators, WritePolicy,
};
use crate::id::{Fragment, NetworkName};

/// An entry of a list that is identified by its name.
pub trait Named {
    /// Type of the name.
    type Name: Clone + Display + Ord + Serialize + DeserializeOwned;

    /// Returns the name of the entry.
    fn name(&self) -> &Self::Name;
}

impl Named for ValidatorEntry {
    type Name = String;

    fn name(&self) -> &String {
        &self.name
    }
}

impl Named for PublishingKey {
    type Name = Fragment;

    fn name(&self) -> &Fragment {
        &self.name
    }
}

/// A change of a list. It states only what changes, so that two changes do not undo each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Serialize + DeserializeOwned")]
pub struct Edits<T: Named> {
    /// Entries that are added, or that replace the entry of the same name; strictly ascending by
    /// name.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub put: Vec<T>,
    /// Names of the entries that are removed, strictly ascending.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<T::Name>,
}

impl<T: Named + Clone> Edits<T> {
    /// Checks that the change is not empty, that both lists ascend, and that no name is in both.
    fn check_names(&self, path: &str) -> Result<(), GovernanceError> {
        let Self { put, remove } = self;
        if put.is_empty() && remove.is_empty() {
            return Err(GovernanceError::value(path, "empty", "a change of something"));
        }
        let put: Vec<&T::Name> = put.iter().map(Named::name).collect();
        check_ascending(&put, &format!("{path}.put"))?;
        check_ascending(&remove.iter().collect::<Vec<_>>(), &format!("{path}.remove"))?;
        match remove.iter().find(|name| put.contains(name)) {
            Some(name) => {
                let expected = "a name that is not among those put";
                Err(GovernanceError::value(format!("{path}.remove"), name, expected))
            }
            None => Ok(()),
        }
    }

    /// Returns the entries after the change, ascending by name. Fails if an entry to remove does
    /// not exist.
    fn over(&self, entries: &[T], path: &str) -> Result<Vec<T>, GovernanceError> {
        let mut all: BTreeMap<T::Name, T> =
            entries.iter().map(|entry| (entry.name().clone(), entry.clone())).collect();
        for name in &self.remove {
            if all.remove(name).is_none() {
                let expected = "the name of an entry that is there";
                return Err(GovernanceError::value(format!("{path}.remove"), name, expected));
            }
        }
        all.extend(self.put.iter().map(|entry| (entry.name().clone(), entry.clone())));
        Ok(all.into_values().collect())
    }
}

fn check_ascending<N: Display + Ord>(names: &[&N], path: &str) -> Result<(), GovernanceError> {
    let mut previous: Option<&N> = None;
    for name in names {
        if previous.is_some_and(|previous| previous >= *name) {
            return Err(GovernanceError::value(path, name, "above the name before, each once"));
        }
        previous = Some(name);
    }
    Ok(())
}

/// A change of one governance record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Adds, replaces and removes validators.
    Validators(Edits<ValidatorEntry>),
    /// Adds, replaces and removes publishing keys.
    Publishing(Edits<PublishingKey>),
    /// Replaces all parameters.
    Parameters(Parameters),
    /// Sets the protocol version.
    Version(u64),
    /// Replaces the governors and their threshold.
    Governors(Governors),
}

impl Change {
    /// Returns the name of the governance record that the change writes.
    pub fn record(&self) -> &'static str {
        match self {
            Self::Validators(_) => VALIDATORS,
            Self::Publishing(_) => PUBLISHING,
            Self::Parameters(_) => PARAMETERS,
            Self::Version(_) => VERSION,
            Self::Governors(_) => GOVERNORS,
        }
    }

    /// Checks by GV1 what needs no state, and names the first rule that is broken.
    pub fn check(&self, network: &NetworkName) -> Result<(), GovernanceError> {
        match self {
            Self::Validators(edits) => check_validators(edits),
            Self::Publishing(edits) => {
                edits.check_names(PUBLISHING)?;
                Ok(Publishing { keys: edits.put.clone() }.check()?)
            }
            Self::Parameters(parameters) => {
                if let WritePolicy::Endorsed(policy) = &parameters.write_policy {
                    let path = "parameters.write_policy.endorsed.authority";
                    check_network(&policy.authority, network, path)?;
                }
                parameters.check()
            }
            Self::Version(version) => GovernanceError::check_number(VERSION, *version, 1, u64::MAX),
            Self::Governors(governors) => governors.check(network),
        }
    }
}

fn check_validators(edits: &Edits<ValidatorEntry>) -> Result<(), GovernanceError> {
    edits.check_names(VALIDATORS)?;
    for (index, entry) in edits.put.iter().enumerate() {
        entry.check(&format!("validators.put[{index}]"))?;
        // The validator set checks key and power. A set of one has no order, so each entry is
        // checked alone.
        Validators { validators: vec![entry.clone()] }.set()?;
    }
    let put = Validators { validators: edits.put.clone() };
    put.check_unique("validators.put")?;
    match edits.remove.iter().find(|name| !is_name(name)) {
        Some(name) => {
            let expected = "the name of a validator";
            Err(GovernanceError::value("validators.remove", format!("{name:?}"), expected))
        }
        None => Ok(()),
    }
}

impl Edits<ValidatorEntry> {
    /// Returns the validators after the change (GV5). Fails if the result breaks a rule, also
    /// together with the publishing keys.
    pub fn result(
        &self,
        present: &Validators,
        publishing: &Publishing,
    ) -> Result<Validators, GovernanceError> {
        let mut validators = self.over(&present.validators, VALIDATORS)?;
        validators.sort_by_key(|entry| entry.key);
        let validators = Validators { validators };
        validators.check_unique(VALIDATORS)?;
        validators.check()?;
        validators.check_publishing(publishing)?;
        Ok(validators)
    }
}

impl Edits<PublishingKey> {
    /// Returns the publishing keys after the change (GV5). Fails if the result breaks a rule or a
    /// validator uses one of the keys.
    pub fn result(
        &self,
        present: &Publishing,
        validators: &Validators,
    ) -> Result<Publishing, GovernanceError> {
        let publishing = Publishing { keys: self.over(&present.keys, PUBLISHING)? };
        publishing.check()?;
        validators.check_publishing(&publishing)?;
        Ok(publishing)
    }
}
