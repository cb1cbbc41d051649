//! A ledger in memory that executes real blocks, and an API server over it on loopback.

pub(crate) mod client;
pub(crate) mod lists;
pub(crate) mod people;
pub(crate) mod rights;
pub(crate) mod websocket;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use ed25519_dalek::{Signer as _, SigningKey};
use futures::future::{BoxFuture, FutureExt};
use registry_core::block::{Block, Receipt};
use registry_core::certificate::{Certificate, CommitSignature};
use registry_core::code::Refusal;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey, Suite, ValidatorKey};
use registry_core::did::document::TimeMs;
use registry_core::governance::{
    Parameters, Publishing, PublishingKey, ValidatorEntry, Validators,
};
use registry_core::id::{Did, ListId, NetworkName};
use registry_core::operation::Checked;
use registry_core::record::{Entry, Kind, RecordKey};
use registry_core::state::{
    ApplyError, BlockExecution, Execution, Genesis, MemoryState, StateView, StoreError,
    TransientKey, execute_genesis,
};
use registry_core::status::{Bits, StatusList};
use registry_core::trust::{Grants, Recognition, TrustKey};
use rpc::service::{
    Check, Head, KeptToken, ListOf, Outcome, Peer, Reader, RightsOf, Role, Status, SubmitError,
    Submitter, TokenStore, ValidatorStatus, ViewKey,
};
use tokio::sync::watch;

/// Genesis time, and the time between two blocks unless a test says otherwise.
pub(crate) const GENESIS_MS: u64 = 1_700_000_000_000;
pub(crate) const BLOCK_MS: u64 = 1_500;

/// The shortest recovery delay on the test network.
pub(crate) const DELAY_MS: u64 = 5_000;

/// A one-validator ledger. Submitted operations commit at once unless it is told to hold them.
pub(crate) struct Ledger {
    chain: Hash,
    network: NetworkName,
    validator: SigningKey,
    heads: watch::Receiver<Head>,
    inner: Mutex<Inner>,
    generations: watch::Sender<u64>,
}

struct Inner {
    state: MemoryState,
    blocks: Vec<Block>,
    certificates: BTreeMap<u64, Certificate>,
    receipts: BTreeMap<Hash, Receipt>,
    refused: BTreeMap<Hash, Refusal>,
    pending: Vec<Arc<Checked>>,
    publish: watch::Sender<Head>,
    oldest_block: u64,
    holds: bool,
    answer: Option<SubmitError>,
    checks: Vec<Check>,
    /// Ascending by id.
    lists: Vec<(Did, ListOf)>,
    rights: Vec<(RecordKey, TrustKey)>,
    view_key_seed: Option<u8>,
    tokens: BTreeMap<KeptToken, Vec<u8>>,
}

fn validator_key(key: &SigningKey) -> ValidatorKey {
    ValidatorKey(key.verifying_key().to_bytes())
}

/// The publishing keys of two nodes; the first is this one.
pub(crate) fn publishing() -> Publishing {
    let key = |(name, seed): (&str, u8)| {
        let name = name.parse().expect("a fragment");
        PublishingKey::new(name, Publisher::new(seed).0)
    };
    let mut keys: Vec<_> = [("node-1", 201), ("node-2", 202)].into_iter().map(key).collect();
    keys[1].valid_from = Some(TimeMs(GENESIS_MS));
    keys[1].valid_until = Some(TimeMs(GENESIS_MS + 60_000));
    Publishing { keys }
}

/// A publishing key of a node.
struct Publisher(PublicKey, SigningKey);

impl Publisher {
    fn new(seed: u8) -> Self {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::new(Suite::Ed25519, secret.verifying_key().as_bytes());
        Self(public.expect("32 bytes"), secret)
    }
}

impl ViewKey for Publisher {
    fn public(&self) -> &PublicKey {
        &self.0
    }

    fn sign_view(&self, message: &[u8]) -> [u8; 64] {
        self.1.sign(message).to_bytes()
    }
}

fn genesis(network: &NetworkName, chain: Hash, validator: &SigningKey) -> Genesis {
    let entry = ValidatorEntry {
        name: "solo".to_owned(),
        key: validator_key(validator),
        power: 1,
        peer: "12D3KooWtest".to_owned(),
        addresses: Vec::new(),
    };
    Genesis {
        chain,
        network: network.clone(),
        time_ms: GENESIS_MS,
        validators: Validators { validators: vec![entry] },
        parameters: Parameters { recovery_delay_ms_min: DELAY_MS, ..Parameters::default() },
        publishing: publishing(),
        governors: None,
        operations: Vec::new(),
    }
}

fn head_of(state: &MemoryState, execution: &Execution) -> Head {
    let halted = state.transient(&TransientKey::halted()).expect("memory");
    let header = &execution.header;
    Head {
        height: header.height,
        time_ms: header.time,
        hash: header.hash(),
        state_root: header.state_root,
        halted_ms: halted
            .map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes"))),
        clock_offset_ms: None,
    }
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        let network: NetworkName = "local".parse().expect("a name");
        let (chain, validator) = (Hash([7; 32]), SigningKey::from_bytes(&[1; 32]));
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, &genesis(&network, chain, &validator));
        let execution = execution.expect("genesis");
        state.commit(&execution.changes);
        let (publish, heads) = watch::channel(head_of(&state, &execution));
        let block = Block { header: execution.header, operations: Vec::new() };
        let (certificates, receipts, refused, pending, checks) = Default::default();
        let inner = Inner {
            state,
            blocks: vec![block],
            certificates,
            receipts,
            refused,
            pending,
            publish,
            oldest_block: 0,
            holds: false,
            answer: None,
            checks,
            lists: Vec::new(),
            rights: Vec::new(),
            view_key_seed: Some(201),
            tokens: BTreeMap::new(),
        };
        let (inner, generations) = (Mutex::new(inner), watch::Sender::new(0));
        Arc::new(Self { chain, network, validator, heads, inner, generations })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while locked")
    }

    pub(crate) fn head(&self) -> Head {
        *self.heads.borrow()
    }

    /// Those who await a block.
    pub(crate) fn readers(&self) -> usize {
        self.inner().publish.receiver_count() - 1
    }

    /// Keeps submitted operations waiting until the next [`Ledger::commit`].
    pub(crate) fn hold(&self) {
        self.inner().holds = true;
    }

    /// Answers every submission with `error`.
    pub(crate) fn answer(&self, error: SubmitError) {
        self.inner().answer = Some(error);
    }

    /// Forgets blocks below `height`.
    pub(crate) fn prune(&self, height: u64) {
        self.inner().oldest_block = height;
    }

    pub(crate) fn set_checks(&self, checks: Vec<Check>) {
        self.inner().checks = checks;
    }

    /// Gives the node another publishing key, or none.
    pub(crate) fn set_view_key(&self, seed: Option<u8>) {
        self.inner().view_key_seed = seed;
    }

    /// The network's own DID.
    pub(crate) fn network_did(&self) -> Did {
        Did::of_chain(self.network.clone(), &self.chain)
    }

    /// Drops what waits as refused.
    pub(crate) fn refuse_pending(&self, refusal: &Refusal) {
        let mut inner = self.inner();
        for checked in std::mem::take(&mut inner.pending) {
            inner.refused.insert(checked.id(), refusal.clone());
        }
        drop(inner);
        self.generations.send_modify(|generation| *generation += 1);
    }

    /// Commits a block with what waits, one block time after the last.
    pub(crate) fn commit(&self) -> Head {
        self.commit_after(BLOCK_MS)
    }

    /// Commits a block with what waits, `gap_ms` after the last.
    pub(crate) fn commit_after(&self, gap_ms: u64) -> Head {
        let head = self.commit_unseen(gap_ms);
        self.show(head);
        self.generations.send_modify(|generation| *generation += 1);
        head
    }

    /// Shows the head of [`Ledger::commit_unseen`].
    pub(crate) fn show(&self, head: Head) {
        self.inner().publish.send_replace(head);
    }

    /// Commits without showing the new head: the moment between a node's write and its word.
    pub(crate) fn commit_unseen(&self, gap_ms: u64) -> Head {
        let mut inner = self.inner();
        let operations = std::mem::take(&mut inner.pending);
        let parent = inner.blocks.last().expect("genesis").header.clone();
        let time_ms = parent.time + gap_ms;
        let proposer = validator_key(&self.validator);
        let state = inner.state.clone();
        let network = self.network.clone();
        let block = BlockExecution::new(&state, network, &parent, time_ms, proposer);
        let mut block = block.expect("memory");
        for checked in &operations {
            block.apply(checked).expect("checked at submission");
        }
        let execution = block.finish().expect("memory");
        inner.state.commit(&execution.changes);
        for entry in &execution.changes.entries {
            if let (Kind::Status, 1) = (entry.record.kind, entry.record.version) {
                let list = ListId(entry.record.key.0.as_slice().try_into().expect("20 bytes"));
                let value = StatusList::from_bytes(&entry.value.0).expect("a list");
                inner.lists.push((value.issuer, ListOf { list, uri: value.uri }));
            }
        }
        for entry in execution.changes.entries.iter().filter(|entry| entry.record.version == 1) {
            let value = &entry.value.0;
            let key = match entry.record.kind {
                Kind::Grant => Grants::from_bytes(value).expect("grants").key(),
                Kind::Recognition => Recognition::from_bytes(value).expect("one").key(),
                _ => continue,
            };
            inner.rights.push((entry.record.record_key(), key));
        }
        inner.lists.sort_by_key(|(_, list)| list.list);
        let header = execution.header.clone();
        let certificate = self.certify(&header.hash(), header.height);
        inner.certificates.insert(header.height, certificate);
        for receipt in &execution.receipts {
            inner.receipts.insert(receipt.operation, receipt.clone());
        }
        let bytes = operations.iter().map(|checked| Bytes(checked.bytes().to_vec()));
        inner.blocks.push(Block { header, operations: bytes.collect() });
        head_of(&inner.state, &execution)
    }

    fn certify(&self, value: &Hash, height: u64) -> Certificate {
        let mut certificate =
            Certificate { height, round: 0, value: *value, signatures: Vec::new() };
        let message = certificate.precommit(self.chain).message();
        let signature = FixedBytes(self.validator.sign(&message).to_bytes());
        let validator = validator_key(&self.validator);
        certificate.signatures.push(CommitSignature { validator, signature });
        certificate
    }

    fn admit(&self, checked: Arc<Checked>) -> Result<(), SubmitError> {
        let mut inner = self.inner();
        if let Some(error) = &inner.answer {
            return Err(error.clone());
        }
        if inner.pending.iter().any(|waiting| waiting.id() == checked.id()) {
            return Ok(());
        }
        let parent = inner.blocks.last().expect("genesis").header.clone();
        let (time_ms, proposer) = (parent.time + BLOCK_MS, validator_key(&self.validator));
        let network = self.network.clone();
        let probe = BlockExecution::new(&inner.state, network, &parent, time_ms, proposer);
        let result = probe.expect("memory").check(&checked);
        match result {
            Ok(_) => inner.pending.push(checked),
            Err(ApplyError::Refused(refusal)) => return Err(refusal.into()),
            Err(other) => panic!("{other}"),
        }
        let holds = inner.holds;
        drop(inner);
        if !holds {
            self.commit();
        }
        Ok(())
    }
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
