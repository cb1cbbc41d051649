//! A ledger in RocksDB, on which cases are set up and their blocks measured.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use genesis::Outline;
use keys::{Home, SecretKey};
use node::store::{Ledger, RocksStore};
use registry_core::block::Header;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey};
use registry_core::did::{DidCreate, Document, Member, Sets};
use registry_core::governance::{Governors, ScheduledChanges, ValidatorReady};
use registry_core::id::{Did, Suffix};
use registry_core::limits::DAY_MS;
use registry_core::operation::{
    Action, Guard, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::status::Bits;
use registry_state::execution::Execution;
use registry_state::rules::{Checked, check_stateless, guard};
use registry_state::state::{ApplyError, StateView as _, TransientKey};
use rpc::prepare::client::Preparation;
use rpc::prepare::{LedgerView, Records, Subject};
use serde_json::{Map, Value, json};

use super::super::fill::{BLOCK_MS, Filler};
use super::people::{DELAY_MS, Form, Keys, MEMBERS};

/// Number of governors, and of their approvals that a change needs.
const GOVERNORS: (usize, u8) = (3, 2);

const CLOSED: &str = "the store could not be opened anew";

/// An operation of a case.
pub(super) enum Request {
    /// Parameters of a prepare method.
    Prepared { method: &'static str, params: Value },
    /// An envelope that needs no preparation.
    Signed(Vec<u8>),
}

/// A DID with what its next operations need.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) did: Did,
    /// Members of the next set, which a rotation reveals.
    pub(super) next: Vec<Member>,
}

/// What one block did.
pub(super) struct Measured {
    pub(super) operations: usize,
    pub(super) bytes: usize,
    /// True if each operation writes the first version of a record.
    pub(super) are_new: bool,
    /// Units of cost.
    pub(super) cost: u64,
    /// Seconds for the checks without state: decoding and signatures.
    pub(super) check_s: f64,
    /// Seconds for the rules, the writes and the roots.
    pub(super) execute_s: f64,
    /// Seconds for the batch of the store, without a sync.
    pub(super) commit_s: f64,
}

pub(super) struct Ground {
    filler: Filler,
    /// Store of the ledger. It is `None` only while it is opened anew.
    store: Option<RocksStore>,
    pub(super) parent: Header,
    pub(super) keys: Keys,
    /// DIDs that control a board.
    members: Vec<Did>,
    pub(super) governors: Vec<Did>,
    /// Form of the governors.
    pub(super) governed_by: Form,
    /// DID that every operation names as endorser, once the network is an endorsed one.
    pub(super) endorser: Option<Did>,
    salt: u64,
}

/// The newest records of a store.
struct Newest<'l>(Ledger<'l, RocksStore>);

impl RecordView for Newest<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.0.newest(key)
    }
}

impl Records for Newest<'_> {
    fn status_array(&self, _: &Entry) -> Result<Option<Arc<Bits>>, StoreError> {
        Ok(None)
    }

    fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        let leaf = self.0.transient(&TransientKey::scheduled_changes())?;
        ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
    }
}

impl Ground {
    /// Founds the ledger in a new home, with governors and with the DIDs that control boards.
    pub(super) fn found(home: &Path) -> Result<Self> {
        let mut keys = Keys::default();
        let (mut governors, mut operations) = (Vec::new(), Vec::new());
        for number in 0..GOVERNORS.0 {
            let (sets, _) = keys.sets(Form::Plain, &[])?;
            let (id, envelope) = create_at_genesis(&keys, sets, u8::try_from(number)?)?;
            governors.push(Suffix::of_create(&id));
            operations.push(Bytes(envelope));
        }
        let found = |outline: Outline| {
            let network = outline.network.clone();
            let did = |suffix: &Suffix| Did { network: network.clone(), suffix: *suffix };
            let mut members: Vec<Did> = governors.iter().map(did).collect();
            members.sort();
            let governors = Some(Governors { threshold: GOVERNORS.1, members });
            let mut outline = Outline { operations, governors, ..outline };
            outline.parameters.recovery_delay_ms_min = DELAY_MS;
            outline
        };
        let filler = Filler::with_genesis(&Home::new(home), found)?;
        let store = filler.open()?;
        let head = Ledger(&store).head()?.context("the store has no genesis")?.header;
        let store = Some(store);
        let governors = filler.genesis.governors.clone().context("no governors")?.members;
        let (members, salt) = (Vec::new(), 0);
        let (governed_by, endorser) = (Form::Plain, None);
        let mut ground = Self {
            filler,
            store,
            parent: head,
            keys,
            members,
            governors,
            governed_by,
            endorser,
            salt,
        };
        for _ in 0..MEMBERS {
            let sets = ground.keys.member_sets()?;
            let control = sets.control.clone();
            let did = ground.write_one(create(sets, &Document::default()))?;
            let Subject::Did(did) = did else { bail!("a create makes a DID") };
            ground.keys.note_member(&did, &control);
            ground.members.push(did);
        }
        Ok(ground)
    }

    /// Makes new sets of a form, with the members that the next rotation reveals.
    pub(super) fn sets(&mut self, form: Form) -> Result<(Sets, Vec<Member>)> {
        self.keys.sets(form, &self.members)
    }

    /// Registers DIDs of a form.
    pub(super) fn people(&mut self, form: Form, count: usize) -> Result<Vec<Person>> {
        let (mut creates, mut revealed) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (sets, next) = self.sets(form)?;
            creates.push(create(sets, &Document::default()));
            revealed.push(next);
        }
        let made = self.write(creates)?.into_iter().zip(revealed);
        made.map(|(subject, next)| match subject {
            Subject::Did(did) => Ok(Person { did, next }),
            other => Err(anyhow!("a create makes a DID, not {other:?}")),
        })
        .collect()
    }

    /// Returns the parameters at genesis, as JSON.
    pub(super) fn parameters(&self) -> Value {
        json!(self.filler.genesis.parameters)
    }

    /// Returns the approved changes that wait for their turn.
    pub(super) fn scheduled(&self) -> Result<ScheduledChanges> {
        let newest = Newest(Ledger(self.store.as_ref().context(CLOSED)?));
        Ok(newest.scheduled_changes()?)
    }

    /// Time of the newest block in milliseconds since 1970.
    pub(super) fn time_ms(&self) -> u64 {
        self.parent.time
    }

    /// Applies operations that do not depend on one another, and returns what each is about.
    pub(super) fn write(&mut self, requests: Vec<Request>) -> Result<Vec<Subject>> {
        let mut drafts = Vec::new();
        for request in requests {
            drafts.push(self.draft(request)?);
        }
        let mut waiting = drafts.iter().map(|(_, checked)| checked).peekable();
        while waiting.peek().is_some() {
            let ledger = Ledger(self.store.as_ref().context(CLOSED)?);
            let time_ms = self.parent.time + BLOCK_MS;
            let mut block = self.filler.block(&ledger, &self.parent, time_ms)?;
            let mut applied = Vec::new();
            while let Some(checked) = waiting.peek() {
                match block.apply(checked) {
                    Ok(()) => applied.extend(waiting.next().map(Arc::clone)),
                    Err(ApplyError::Full) if !applied.is_empty() => break,
                    Err(error) => return Err(error.into()),
                }
            }
            let execution = block.finish()?;
            self.commit(&execution, &applied)?;
        }
        Ok(drafts.into_iter().filter_map(|(subject, _)| subject).collect())
    }

    fn write_one(&mut self, request: Request) -> Result<Subject> {
        self.write(vec![request])?.pop().context("one operation")
    }

    /// Adds an empty block after `ms` milliseconds.
    pub(super) fn wait(&mut self, ms: u64) -> Result<()> {
        let ledger = Ledger(self.store.as_ref().context(CLOSED)?);
        let block = self.filler.block(&ledger, &self.parent, self.parent.time + ms)?;
        let execution = block.finish()?;
        self.commit(&execution, &[])
    }

    fn commit(&mut self, execution: &Execution, operations: &[Arc<Checked>]) -> Result<()> {
        let store = self.store.as_mut().context(CLOSED)?;
        self.parent = self.filler.commit(store, execution, operations)?;
        Ok(())
    }

    /// Opens the store anew, so that its caches are empty.
    fn reopen(&mut self) -> Result<()> {
        drop(self.store.take());
        self.store = Some(self.filler.open()?);
        Ok(())
    }

    /// Measures the block that holds as many of the operations, in order, as it has room for.
    pub(super) fn measure(&mut self, requests: Vec<Request>) -> Result<Measured> {
        self.expire()?;
        let (operations, cost) = self.fitting(requests)?;
        self.reopen()?;
        let (chain, network) = (self.filler.maker.chain, &self.filler.maker.network);
        let started = Instant::now();
        for checked in &operations {
            check_stateless(checked.bytes(), chain, network)?;
        }
        let check_s = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let ledger = Ledger(self.store.as_ref().context(CLOSED)?);
        let time_ms = self.parent.time + BLOCK_MS;
        let mut block = self.filler.block(&ledger, &self.parent, time_ms)?;
        for checked in &operations {
            block.apply(checked)?;
        }
        let execution = block.finish()?;
        let execute_s = started.elapsed().as_secs_f64();
        let started = Instant::now();
        self.commit(&execution, &operations)?;
        let commit_s = started.elapsed().as_secs_f64();
        let bytes = operations.iter().map(|checked| checked.bytes().len()).sum();
        let are_new = execution.receipts.iter().all(|receipt| receipt.version == 1);
        let operations = operations.len();
        Ok(Measured { operations, bytes, are_new, cost, check_s, execute_s, commit_s })
    }

    /// Adds empty blocks until no expired leaf is left, so that the next block deletes none.
    fn expire(&mut self) -> Result<()> {
        let time_ms = self.parent.time + BLOCK_MS;
        while !Ledger(self.store.as_ref().context(CLOSED)?).expired(time_ms, 1)?.is_empty() {
            self.wait(0)?;
        }
        Ok(())
    }

    /// Measures an empty block that comes two days later and deletes expired leaves. Returns their
    /// number and the time in seconds.
    pub(super) fn measure_expiry(&mut self) -> Result<(usize, f64)> {
        self.reopen()?;
        let started = Instant::now();
        let ledger = Ledger(self.store.as_ref().context(CLOSED)?);
        let block = self.filler.block(&ledger, &self.parent, self.parent.time + 2 * DAY_MS)?;
        let execution = block.finish()?;
        let execute_s = started.elapsed().as_secs_f64();
        let deleted = execution.changes.transient.iter().filter(|(_, leaf)| leaf.is_none()).count();
        self.commit(&execution, &[])?;
        Ok((deleted, execute_s))
    }

    /// Returns those of the operations, in order, for which the next block has room, and their
    /// cost.
    fn fitting(&mut self, requests: Vec<Request>) -> Result<(Vec<Arc<Checked>>, u64)> {
        let mut signed = Vec::new();
        for request in requests {
            signed.push(self.draft(request)?.1);
        }
        let ledger = Ledger(self.store.as_ref().context(CLOSED)?);
        let time_ms = self.parent.time + BLOCK_MS;
        let mut block = self.filler.block(&ledger, &self.parent, time_ms)?;
        let (mut fitting, mut cost) = (Vec::new(), 0);
        for checked in signed {
            match block.apply(&checked) {
                Ok(()) => cost += block.probe().paid().cost,
                Err(ApplyError::Full) => break,
                Err(error) => return Err(error.into()),
            }
            fitting.push(checked);
        }
        Ok((fitting, cost))
    }

    /// Returns the announcement of a newcomer, signed by its validator key.
    pub(super) fn announced(&self, ready: ValidatorReady, key: &PublicKey) -> Result<Request> {
        let record = RecordKey::ready(&ready.key);
        let action = Action::ValidatorReady(Box::new(ready));
        let newest = Newest(Ledger(self.store.as_ref().context(CLOSED)?));
        let guard = guard::needed(&newest, &action, None, &record)?.context("a guard")?;
        let role = action.facts().role.unwrap_or(Role::Control);
        let operation = unendorsed(self.filler.maker.chain, guard, FixedBytes([0; 16]), action);
        Ok(Request::Signed(sealed(&operation, role, self.keys.secret(&key.to_string())?)))
    }

    /// Checks an operation that is signed, or prepares it over the newest records and signs it.
    /// Returns what it is about, if it was prepared.
    fn draft(&mut self, request: Request) -> Result<(Option<Subject>, Arc<Checked>)> {
        let (method, params) = match request {
            Request::Prepared { method, params } => (method, params),
            Request::Signed(envelope) => {
                let (chain, network) = (self.filler.maker.chain, &self.filler.maker.network);
                return Ok((None, Arc::new(check_stateless(&envelope, chain, network)?)));
            }
        };
        self.salt += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.salt.to_be_bytes());
        let mut params: Map<String, Value> = serde_json::from_value(params)?;
        // A rotation names no endorser (docs/protocol/endorsement.md).
        let endorser = self.endorser.as_ref().filter(|_| method != "did_prepareRotate");
        params.extend(endorser.map(|did| ("endorser".to_owned(), json!(did))));
        let (chain, network) = (self.filler.maker.chain, &self.filler.maker.network);
        let view = LedgerView {
            records: &Newest(Ledger(self.store.as_ref().context(CLOSED)?)),
            network,
            chain,
            height: self.parent.height,
            time_ms: self.parent.time,
            salt: FixedBytes(salt),
        };
        let draft = Preparation::of(method, params)?.prepare(&view).context(method)?;
        let subject = draft.subject.clone();
        let envelope = self.keys.sign(draft)?;
        let checked = check_stateless(&envelope, chain, network).context(method)?;
        Ok((Some(subject), Arc::new(checked)))
    }
}

/// Returns the request for a DID with these sets and this document.
pub(super) fn create(sets: Sets, document: &Document) -> Request {
    let params = json!({ "sets": sets, "document": document });
    Request::Prepared { method: "did_prepareCreate", params }
}

/// Returns id and envelope of a create at height 0, signed by its only control key.
fn create_at_genesis(keys: &Keys, sets: Sets, number: u8) -> Result<(Hash, Vec<u8>)> {
    let signer = sets.control.members.first();
    let Some(Member::Key(public)) = signer.cloned() else { bail!("a governor has a key") };
    let create = DidCreate { sets, document: Document::default() };
    let action = Action::DidCreate(Box::new(create));
    let operation = unendorsed(Hash::ZERO, Guard::Absent, FixedBytes([number; 16]), action);
    let envelope = sealed(&operation, Role::Control, keys.secret(&public.to_string())?);
    Ok((operation_id(&operation.body()), envelope))
}

/// Returns an operation that has no author and names no endorser.
fn unendorsed(chain: Hash, guard: Guard, salt: FixedBytes<16>, action: Action) -> Operation {
    Operation { chain, author: None, endorser: None, guard, until: None, salt, action }
}

/// Returns the envelope of an operation that one key signs.
fn sealed(operation: &Operation, role: Role, key: &SecretKey) -> Vec<u8> {
    let body = operation.body();
    let value = Bytes(key.sign_operation(&role.message(&operation_id(&body))).to_vec());
    let signature = Signature { role, by: Signer::Key(key.public().clone()), value };
    SignedOperation::new(body, vec![signature]).bytes()
}
