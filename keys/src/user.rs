//! The key file of a person who holds DIDs (`--keys FILE`).
//!
//! All secrets lie in one pool, which only ever grows. The role of each key is recorded beside the
//! pool, by public key. So no change of roles can lose a key, whatever its outcome.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use registry_core::codec::Bytes;
use registry_core::crypto::{Hash, PublicKey};
use registry_core::id::{Did, Fragment};
use serde::{Deserialize, Serialize};

use super::vault::Vault;
use super::{KeysError, Lock, Passphrase, SecretKey};

const FORMAT: &str = "idem-user-keys/1";

/// Content of a key file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserKeys {
    /// All secrets that were ever added to this file, oldest first.
    pub pool: Vec<SecretKey>,
    /// DIDs that were made with this file, oldest first.
    pub dids: Vec<DidKeys>,
}

/// What a key file records about one DID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidKeys {
    /// The DID itself.
    pub did: Did,
    /// Chain id of the network that registered the DID. Names of networks are not unique.
    pub chain: Hash,
    /// Roles of the keys after the last operation known to be committed.
    pub parts: Parts,
    /// Operation that was submitted and whose outcome is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// Roles of the keys now, and the roles after a recovery that waits for its delay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Roles in force. `None` while the create is pending, or if another key file made the DID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Roles>,
    /// Roles that a recovery started with this file will put into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovering: Option<Roles>,
}

/// Roles of keys, by public key. A set may name keys whose secrets are held elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Control set: these keys sign updates.
    pub control: Vec<PublicKey>,
    /// Next set: these keys sign the next rotation. The ledger knows only commitments to them.
    pub next: Vec<PublicKey>,
    /// Recovery set: these keys sign recoveries.
    pub recovery: Vec<PublicKey>,
    /// Keys of the document's verification methods, by fragment.
    pub document: BTreeMap<Fragment, PublicKey>,
}

/// Operation whose outcome is not known yet. It is written to the file before it is submitted.
/// After a crash at any point, the command can still look up the outcome or resend the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Id of the operation.
    pub operation: Hash,
    /// Signed envelope as it is submitted.
    pub envelope: Bytes,
    /// Roles of the keys once the operation is committed.
    pub parts: Parts,
}

impl UserKeys {
    /// Adds a secret to the pool unless it is there already, and returns its public key.
    pub fn add(&mut self, key: SecretKey) -> PublicKey {
        let public = key.public().clone();
        if self.find(&public).is_none() {
            self.pool.push(key);
        }
        public
    }

    /// Returns the secret of a public key.
    pub fn find(&self, public: &PublicKey) -> Option<&SecretKey> {
        self.pool.iter().find(|key| key.public() == public)
    }

    /// Returns what the file records about `did`.
    pub fn get(&self, did: &Did) -> Option<&DidKeys> {
        self.dids.iter().find(|keys| keys.did == *did)
    }

    /// Returns the DID made last, which signs if the caller names none. The outcome of its create
    /// may be unknown; the caller must then find it out. It must not fall back to an earlier DID,
    /// which would be changed without the caller's intent.
    pub fn last(&self) -> Option<&DidKeys> {
        self.dids.last()
    }

    /// Records an operation before it is submitted. A new DID becomes the last one. The same
    /// operation may be recorded again. Fails with [`KeysError::StillPending`] while the outcome of
    /// another operation of the DID is unknown.
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

    /// Records that the operation was committed: its roles become the current ones.
    pub fn commit(&mut self, operation: &Hash) {
        for keys in &mut self.dids {
            if let Some(done) = keys.pending.take_if(|pending| pending.operation == *operation) {
                keys.parts = done.parts;
            }
        }
    }

    /// Records that the operation can never be committed. The current roles stay. A DID that was
    /// never created is forgotten, but its secrets stay in the pool.
    pub fn abandon(&mut self, operation: &Hash) {
        for keys in &mut self.dids {
            keys.pending.take_if(|pending| pending.operation == *operation);
        }
        self.dids.retain(|keys| keys.parts != Parts::default() || keys.pending.is_some());
    }
}

/// A key file with its passphrase. Each change is one short transaction under the file's lock, so
/// that several commands can use one file at once.
pub struct UserKeyFile {
    vault: Vault,
}

impl UserKeyFile {
    /// Names the key file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>, passphrase: Option<Passphrase>) -> Self {
        Self { vault: Vault::new(path, FORMAT, passphrase) }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        self.vault.path()
    }

    /// Reads the content, which is empty if the file does not exist.
    pub fn read(&mut self) -> Result<UserKeys, KeysError> {
        Ok(self.vault.read()?.unwrap_or_default())
    }

    /// Reads the content. Fails with [`KeysError::Missing`] if the file does not exist.
    pub fn read_existing(&mut self) -> Result<UserKeys, KeysError> {
        let remedy = "`idem did create` and `idem keys new` make it";
        let path = self.path().to_owned();
        self.vault.read()?.ok_or(KeysError::Missing { path, remedy })
    }

    /// Reads the content under the lock, lets `change` edit it, and writes it to disk before it
    /// returns. If `change` fails, nothing is written.
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

    /// Returns the record of the named DID, or of the one made last if none is named.
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
