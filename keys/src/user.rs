//! The key file of a person who holds DIDs (`--keys FILE`).
//!
//! All secrets lie in one pool that only ever grows; which key plays which part is told beside
//! it, by public key. So no change of parts, whatever its outcome, can lose a key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use registry_core::codec::Bytes;
use registry_core::crypto::{Hash, PublicKey};
use registry_core::id::{Did, Fragment};
use serde::{Deserialize, Serialize};

use super::vault::Vault;
use super::{KeysError, Lock, Passphrase, SecretKey};

const FORMAT: &str = "idem-user-keys/1";

/// The content of a key file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserKeys {
    /// Every secret there ever was in this file, oldest first.
    pub pool: Vec<SecretKey>,
    /// The DIDs made with this file, oldest first.
    pub dids: Vec<DidKeys>,
}

/// What a key file knows of one DID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidKeys {
    /// The DID.
    pub did: Did,
    /// The chain it lives on; names of networks are not unique.
    pub chain: Hash,
    /// The parts that keys play by the last operation known to be committed.
    pub parts: Parts,
    /// The operation that was handed to the ledger and has no known outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// The parts that keys play now, and those after a recovery that waits for its delay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// None while the create is in flight, and where another file made the DID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Roles>,
    /// What the recovery that this file started will put in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovering: Option<Roles>,
}

/// Which key plays which part, by public key. A set may name keys that are held elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Sign updates.
    pub control: Vec<PublicKey>,
    /// Sign the next rotation; the ledger knows only commitments to them.
    pub next: Vec<PublicKey>,
    /// Sign recoveries.
    pub recovery: Vec<PublicKey>,
    /// Keys of the document by fragment.
    pub document: BTreeMap<Fragment, PublicKey>,
}

/// An operation in flight. It is written before the operation leaves, so that a crash at any
/// point leaves the file able to find out what happened and to send the very same bytes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The operation's id.
    pub operation: Hash,
    /// The signed operation, as it is submitted.
    pub envelope: Bytes,
    /// The parts once it is committed.
    pub parts: Parts,
}

impl UserKeys {
    /// Adds a secret to the pool.
    pub fn add(&mut self, key: SecretKey) -> PublicKey {
        let public = key.public().clone();
        if self.find(&public).is_none() {
            self.pool.push(key);
        }
        public
    }

    /// The secret of a public key.
    pub fn find(&self, public: &PublicKey) -> Option<&SecretKey> {
        self.pool.iter().find(|key| key.public() == public)
    }

    /// What is known of `did`.
    pub fn get(&self, did: &Did) -> Option<&DidKeys> {
        self.dids.iter().find(|keys| keys.did == *did)
    }

    /// The DID that signs when none is named: the last one made with this file. Its create may
    /// still have no known outcome; it must be found out, since to fall back to an earlier DID
    /// would change what the caller did not mean.
    pub fn last(&self) -> Option<&DidKeys> {
        self.dids.last()
    }

    /// Notes an operation before it is submitted; a new DID is remembered as the last. The same
    /// operation may be noted again, another one only when the first has an outcome.
    pub fn begin(&mut self, did: &Did, chain: Hash, pending: Pending) -> Result<(), KeysError> {
        let keys = match self.dids.iter_mut().position(|keys| keys.did == *did) {
            Some(index) => &mut self.dids[index],
            None => {
                let (did, parts) = (did.clone(), Parts::default());
                self.dids.push(DidKeys { did, chain, parts, pending: Some(pending) });
                return Ok(());
            }
        };
        match &keys.pending {
            Some(other) if other.operation != pending.operation => Err(KeysError::StillPending {
                did: did.to_string(),
                operation: other.operation.to_string(),
            }),
            _ => {
                keys.pending = Some(pending);
                Ok(())
            }
        }
    }

    /// The operation was committed: its parts are the current ones.
    pub fn commit(&mut self, operation: &Hash) {
        for keys in &mut self.dids {
            if let Some(done) = keys.pending.take_if(|pending| pending.operation == *operation) {
                keys.parts = done.parts;
            }
        }
    }

    /// The operation was refused for good: the current parts stay, and a DID that never came to
    /// be is forgotten. The secrets stay in the pool.
    pub fn abandon(&mut self, operation: &Hash) {
        for keys in &mut self.dids {
            keys.pending.take_if(|pending| pending.operation == *operation);
        }
        self.dids.retain(|keys| keys.parts != Parts::default() || keys.pending.is_some());
    }
}

/// A key file and what opens it. Each change is one short transaction under the file's lock, so
/// that several commands may work with one file at once.
pub struct UserKeyFile {
    vault: Vault,
}

impl UserKeyFile {
    /// The key file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>, passphrase: Option<Passphrase>) -> Self {
        Self { vault: Vault::new(path, FORMAT, passphrase) }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.vault.path()
    }

    /// The content; empty when there is no file yet.
    pub fn read(&mut self) -> Result<UserKeys, KeysError> {
        Ok(self.vault.read()?.unwrap_or_default())
    }

    /// The content of a file that must exist.
    pub fn read_existing(&mut self) -> Result<UserKeys, KeysError> {
        let remedy = "`idem did create` and `idem keys new` make it";
        let path = self.path().to_owned();
        self.vault.read()?.ok_or(KeysError::Missing { path, remedy })
    }

    /// Reads the content anew, changes it, and writes it to disk before it answers. When `change`
    /// fails, nothing is written.
    pub fn update<R, E: From<KeysError>>(
        &mut self,
        change: impl FnOnce(&mut UserKeys) -> Result<R, E>,
    ) -> Result<R, E> {
        let _lock = Lock::acquire(self.path())?;
        let mut keys = self.read()?;
        let answer = change(&mut keys)?;
        self.vault.write(&keys)?;
        Ok(answer)
    }

    /// The DID named, or the last one.
    pub fn author<'a>(
        &self,
        keys: &'a UserKeys,
        did: Option<&Did>,
    ) -> Result<&'a DidKeys, KeysError> {
        let path = || self.path().to_owned();
        match did {
            Some(did) => keys
                .get(did)
                .ok_or_else(|| KeysError::UnknownDid { path: path(), did: did.to_string() }),
            None => keys.last().ok_or_else(|| KeysError::NoDid { path: path() }),
        }
    }
}

#[cfg(test)]
mod tests;
