//! The traits through which the API uses a node, implemented by the test ledger.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use registry_core::block::Block;
use registry_core::certificate::Certificate;
use registry_core::crypto::Hash;
use registry_core::id::{ListId, NetworkName};
use registry_core::index::{IndexRow, Listed, Listing};
use registry_core::record::{Entry, Kind, RecordKey, StoreError};
use registry_core::status::Bits;
use registry_state::rules::Checked;
use registry_state::state::{StateView as _, TransientKey};
use rpc::service::{
    Check, Head, KeptToken, Outcome, Peer, Reader, Role, Status, SubmitError, Submitter,
    TokenStore, ValidatorStatus, ViewKey,
};
use tokio::sync::watch;

use super::genesis::{Publisher, validator_key};
use super::ledger::Ledger;

/// Returns an index row as a listing shows it. Each node has its own cursors for rights and
/// schemas, and so does this ledger.
fn listed(listing: &Listing, row: &IndexRow) -> Listed {
    let IndexRow { key, value, .. } = row.clone();
    let record = listing.record(&key, &value).expect("a row");
    let cursor = match record.kind {
        Kind::Grant | Kind::Recognition => [&record.key.0[..], &[record.kind.number()]].concat(),
        Kind::Schema | Kind::CredentialType => record.storage_key(),
        _ => key,
    };
    Listed { cursor, record, value }
}

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

    fn listed(
        &self,
        listing: &Listing,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let inner = self.inner();
        let rows = inner.rows.iter().filter(|row| row.index == listing.index);
        let mut rows: Vec<Listed> = rows
            .filter(|row| row.key.starts_with(&listing.prefix))
            .map(|row| listed(listing, row))
            .filter(|row| after.is_none_or(|after| row.cursor.as_slice() > after))
            .collect();
        rows.sort();
        rows.dedup();
        rows.truncate(limit);
        Ok(rows)
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner().state.transient(key)
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
