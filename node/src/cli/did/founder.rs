//! DIDs that a genesis makes: the operation is signed before there is a chain, and the key file is
//! written once the chain has its id.

use std::collections::BTreeMap;
use std::path::Path;

use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::did::{DidCreate, Member};
use registry_core::id::{Did, NetworkName, Suffix};
use registry_core::operation::{
    Action, Guard, Operation, Signature, SignedOperation, Signer, operation_id,
};

use super::sets::{NewKeys, SetsArgs};
use super::{Failure, document, roles};
use crate::keys::{DidKeys, KeysError, Parts, UserKeyFile};

/// A DID of new keys.
pub(in crate::cli) struct Founder {
    /// The DID.
    pub(in crate::cli) did: Did,
    /// The operation of genesis that makes it.
    pub(in crate::cli) create: Bytes,
    new: NewKeys,
    parts: Parts,
}

impl Founder {
    /// Makes the keys and signs the create for chain zero, otherwise as `idem did create` does.
    pub(in crate::cli) fn make(network: &NetworkName) -> Result<Self, Failure> {
        let mut new = NewKeys::default();
        let (sets, next) = SetsArgs::default().create(&mut new)?;
        let key = new.generate()?;
        let document = document::with_key(&key)?;
        let methods = document.verification_method.iter();
        let held: BTreeMap<_, _> = methods.map(|it| (it.id.clone(), key.clone())).collect();
        let parts = Parts { current: Some(roles(&sets, next, held)), recovering: None };
        let control = sets.control.members.clone();
        let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|error| KeysError::Random { reason: error.to_string() })?;
        let (chain, salt) = (Hash::ZERO, FixedBytes(salt));
        let operation = Operation { chain, author: None, guard: Guard::Absent, salt, action };
        let body = operation.body();
        let id = operation_id(&body);
        let is_control = |key| control.contains(&Member::Key(key));
        let signers = new.secrets.iter().filter(|secret| is_control(secret.public().clone()));
        let signatures = signers.filter_map(|secret| {
            let role = operation.action.role()?;
            let value = Bytes(secret.sign_operation(&role.message(&id)).to_vec());
            Some(Signature { role, by: Signer::Key(secret.public().clone()), value })
        });
        let create = Bytes(SignedOperation::new(body, signatures.collect()).bytes());
        let did = Did { network: network.clone(), suffix: Suffix::of_create(&id) };
        Ok(Self { did, create, new, parts })
    }

    /// Writes its plain key file.
    pub(in crate::cli) fn save(self, path: &Path, chain: Hash) -> Result<(), Failure> {
        let Self { did, new, parts, .. } = self;
        UserKeyFile::new(path, None).update(|keys| {
            for secret in new.secrets {
                keys.add(secret);
            }
            keys.dids.push(DidKeys { did, chain, parts, pending: None });
            Ok(())
        })
    }
}
