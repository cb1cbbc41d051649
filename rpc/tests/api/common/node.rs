//! The ledger as a node shows it to the API: what it reads, keeps and takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use registry_core::block::Block;
use registry_core::certificate::Certificate;
use registry_core::crypto::Hash;
use registry_core::id::{Did, ListId, NetworkName};
use registry_core::record::{Entry, Kind, RecordKey, StoreError};
use registry_core::status::Bits;
use registry_core::trust::Grants;
use registry_state::rules::Checked;
use registry_state::state::{StateView as _, TransientKey};
use rpc::service::{
    Check, Head, KeptToken, ListOf, Outcome, Peer, Reader, RightsOf, Role, Status, SubmitError,
    Submitter, TokenStore, ValidatorStatus, ViewKey,
};
use tokio::sync::watch;

use super::genesis::{Publisher, validator_key};
use super::ledger::Ledger;

impl Reader for Ledger {
    fn network(&self) -> &NetworkName {
        &self.network
    }

    fn chain(&self) -> Hash {
        self.chain
    }

    fn heads(&self) -> &watch::Receiver<Head> {
        &self.heads
    }

    fn newest(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.inner().state.head(key)
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        Ok(self.inner().state.version(key, number).cloned())
    }

    fn version_at(&self, key: &RecordKey, time_ms: u64) -> Result<Option<Entry>, StoreError> {
        let inner = self.inner();
        let versions = (1..).map_while(|number| inner.state.version(key, number));
        Ok(versions.take_while(|entry| entry.record.time <= time_ms).last().cloned())
    }

    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        self.inner().state.status_array(entry)
    }

    fn lists_of(
        &self,
        issuer: &Did,
        after: Option<ListId>,
        limit: usize,
    ) -> Result<Vec<ListOf>, StoreError> {
        let inner = self.inner();
        let lists = inner
            .lists
            .iter()
            .filter(|(of, list)| of == issuer && after.is_none_or(|after| list.list > after));
        Ok(lists.map(|(_, list)| list.clone()).take(limit).collect())
    }

    fn rights(
        &self,
        of: &RightsOf,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, RecordKey)>, StoreError> {
        let inner = self.inner();
        let named = inner.rights.iter().filter(|(_, key)| match of {
            RightsOf::Authority { authority, action } => {
                key.authority == *authority
                    && action.as_ref().is_none_or(|name| key.action == *name)
            }
            RightsOf::Entity { entity, authority } => {
                key.entity == *entity
                    && authority.as_ref().is_none_or(|(authority, action)| {
                        key.authority == *authority
                            && action.as_ref().is_none_or(|name| key.action == *name)
                    })
            }
        });
        let cursors = named.map(|(record, key)| {
            let cursor = [&key.hash().0[..], &[record.kind.number()]].concat();
            (cursor, record.clone())
        });
        let mut rows: Vec<_> = cursors.collect();
        rows.sort();
        Ok(rows
            .into_iter()
            .filter(|row| after.is_none_or(|after| row.0.as_slice() > after))
            .take(limit)
            .collect())
    }

    fn authorities_of(&self, grantor: &Did, limit: usize) -> Result<Vec<Did>, StoreError> {
        let inner = self.inner();
        let granted = inner.rights.iter().filter_map(|(record, key)| {
            let entry = inner.state.head(record).expect("memory")?;
            let grants = Grants::from_bytes(&entry.value.0).ok()?;
            let other = key.authority != *grantor && grants.by(grantor).is_some();
            other.then(|| key.authority.clone())
        });
        let found: BTreeSet<Did> = granted.collect();
        Ok(found.into_iter().take(limit).collect())
    }

    fn proposals(&self, after: Option<&Hash>, limit: usize) -> Result<Vec<Hash>, StoreError> {
        let inner = self.inner();
        let receipts = inner.receipts.values();
        let made = receipts.filter(|made| made.kind == Kind::Proposal && made.version == 1);
        let ids: BTreeSet<Hash> = made.map(|made| made.operation).collect();
        let later = ids.into_iter().filter(|id| after.is_none_or(|after| id > after));
        Ok(later.take(limit).collect())
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner().state.transient(key)
    }

    fn schemas_of(
        &self,
        publisher: &Did,
        kind: Option<Kind>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, RecordKey)>, StoreError> {
        let inner = self.inner();
        let listed = inner.schemas.iter().filter(|(of, _)| of == publisher);
        let cursors = listed.map(|(_, key)| (key.storage_key(), key.clone()));
        let mut rows: Vec<_> = cursors
            .filter(|(_, key)| kind.is_none_or(|kind| key.kind == kind))
            .filter(|(cursor, _)| after.is_none_or(|after| cursor.as_slice() > after))
            .collect();
        rows.sort();
        rows.truncate(limit);
        Ok(rows)
    }

    fn block(&self, height: u64) -> Result<Option<Block>, StoreError> {
        let inner = self.inner();
        let index = usize::try_from(height).expect("small");
        Ok(inner.blocks.get(index).filter(|_| height >= inner.oldest_block).cloned())
    }

    fn certificate(&self, height: u64) -> Result<Option<Certificate>, StoreError> {
        Ok(self.inner().certificates.get(&height).cloned())
    }

    fn outcome(&self, operation: &Hash) -> Result<Outcome, StoreError> {
        let inner = self.inner();
        if let Some(receipt) = inner.receipts.get(operation) {
            return Ok(Outcome::Applied(receipt.clone()));
        }
        if let Some(refusal) = inner.refused.get(operation) {
            return Ok(Outcome::Refused(refusal.clone()));
        }
        let pending = inner.pending.iter().any(|checked| checked.id() == *operation);
        Ok(if pending { Outcome::Pending } else { Outcome::Unknown })
    }

    fn status(&self) -> Status {
        let inner = self.inner();
        Status {
            version: "0.0.0".to_owned(),
            role: Role::Validator,
            catching_up: false,
            target_height: self.head().height,
            round: None,
            validators: vec![ValidatorStatus {
                name: "solo".to_owned(),
                key: validator_key(&self.validator),
                power: 1,
                missing: false,
                connected: true,
            }],
            mempool_operations: inner.pending.len(),
            mempool_bytes: inner.pending.iter().map(|checked| checked.bytes().len()).sum(),
            problem: None,
        }
    }

    fn peers(&self) -> Vec<Peer> {
        vec![Peer {
            peer: "12D3KooWpeer".to_owned(),
            address: "/ip4/127.0.0.1/tcp/1".to_owned(),
            direction: "inbound",
            version: "0.0.0".to_owned(),
            validator: false,
            connected_ms: 1,
            bytes_in: 2,
            bytes_out: 3,
        }]
    }

    fn view_key(&self) -> Option<Arc<dyn ViewKey>> {
        Some(Arc::new(Publisher::new(self.inner().view_key_seed?)))
    }

    fn checks(&self) -> Vec<Check> {
        self.inner().checks.clone()
    }
}

impl TokenStore for Ledger {
    fn tokens(&self, list: &ListId) -> Vec<KeptToken> {
        self.inner().tokens.keys().filter(|token| token.list == *list).copied().collect()
    }

    fn token(&self, token: &KeptToken) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.inner().tokens.get(token).cloned())
    }

    fn keep_token(&self, token: KeptToken, bytes: &[u8]) -> Result<(), StoreError> {
        self.inner().tokens.insert(token, bytes.to_vec());
        Ok(())
    }
}

impl Submitter for Ledger {
    fn submit(&self, checked: Arc<Checked>) -> BoxFuture<'_, Result<(), SubmitError>> {
        async move { self.admit(checked) }.boxed()
    }

    fn settled(&self, operation: Hash) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        async move {
            let mut generations = self.generations.subscribe();
            loop {
                generations.mark_unchanged();
                match self.outcome(&operation)? {
                    Outcome::Pending => {}
                    settled => return Ok(settled),
                }
                generations.changed().await.expect("the ledger outlives its waiters");
            }
        }
        .boxed()
    }
}
