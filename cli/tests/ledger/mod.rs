//! A ledger without consensus. It executes each operation in a block of its own by the real rules.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use jsonrpsee::RpcModule;
use jsonrpsee::server::{ServerBuilder, ServerHandle};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use registry_core::block::Header;
use registry_core::code::Refusal;
use registry_core::codec;
use registry_core::crypto::{Hash, Purpose, ValidatorKey};
use registry_core::did::DidValue;
use registry_core::did::document::render;
use registry_core::governance::{Parameters, Publishing, ValidatorEntry, Validators};
use registry_core::id::{Did, NetworkName};
use registry_core::record::{Entry, RecordKey};
use registry_core::time::TimeMs;
use registry_state::execution::{BlockExecution, Genesis, execute_genesis};
use registry_state::rules::check_stateless;
use registry_state::state::{ApplyError, MemoryState, StateView as _};
use serde_json::{Map, Value, json};

/// Milliseconds between the times of two blocks.
const STEP_MS: u64 = 1_000;

/// Behaviour of the ledger towards submissions and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// The ledger answers correctly.
    All,
    /// The ledger commits the operation, but reports a timeout.
    LostAfterCommit,
    /// The ledger reports a timeout and does not commit the operation.
    LostBeforeCommit,
    /// The ledger returns a value that its record does not commit to.
    ForgedValue,
    /// The same, but only where several records are read at once.
    ForgedRecords,
}

struct Chain {
    network: NetworkName,
    state: MemoryState,
    head: Header,
    heights: BTreeMap<Hash, u64>,
    answers: Answers,
}

/// A running ledger on a loopback port. It stops when dropped.
pub(crate) struct Ledger {
    address: SocketAddr,
    chain: Arc<Mutex<Chain>>,
    _server: ServerHandle,
}

fn lock(chain: &Mutex<Chain>) -> MutexGuard<'_, Chain> {
    chain.lock().expect("no test panics with the chain in its hand")
}

impl Ledger {
    pub(crate) async fn start() -> Self {
        let chain = Arc::new(Mutex::new(Chain::genesis()));
        let server = ServerBuilder::default().build("127.0.0.1:0").await.expect("a port");
        let address = server.local_addr().expect("an address");
        let mut module = RpcModule::new(chain.clone());
        for (name, method) in [
            ("ledger_status", Chain::status as Method),
            ("ledger_submitAndWait", Chain::submit),
            ("ledger_getReceipt", Chain::receipt),
            ("did_getRecord", Chain::record),
            ("ledger_getRecords", Chain::records),
            ("did_resolve", Chain::resolve),
        ] {
            let call = move |params: Params<'_>, chain: &Arc<Mutex<Chain>>, _: &_| {
                let fields: Option<Map<_, _>> = params.parse()?;
                method(&mut lock(chain), &fields.unwrap_or_default())
            };
            module.register_method(name, call).expect("a new name");
        }
        Self { address, chain, _server: server.start(module) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn answer(&self, answers: Answers) {
        lock(&self.chain).answers = answers;
    }

    /// Commits empty blocks.
    pub(crate) fn advance(&self, blocks: usize) {
        for _ in 0..blocks {
            lock(&self.chain).block(None).expect("an empty block");
        }
    }

    /// Returns the value of a DID's newest record; `None` if the DID is not registered.
    pub(crate) fn value(&self, did: &str) -> Option<DidValue> {
        let entry = lock(&self.chain).head(&did.parse().expect("a DID"))?;
        Some(entry.value::<DidValue>().expect("a value"))
    }
}

type Answer = Result<Value, ErrorObjectOwned>;
type Method = fn(&mut Chain, &Map<String, Value>) -> Answer;

impl Chain {
    fn genesis() -> Self {
        let network: NetworkName = "local".parse().expect("a name");
        let validator = ValidatorEntry {
            name: "one".to_owned(),
            key: ValidatorKey([1; 32]),
            power: 1,
            peer: String::new(),
            addresses: Vec::new(),
        };
        let genesis = Genesis {
            chain: Hash::of(Purpose::Chain, &[b"cli"]),
            network: network.clone(),
            time_ms: 1_800_000_000_000,
            validators: Validators { validators: vec![validator] },
            parameters: Parameters { recovery_delay_ms_min: 2_000, ..Parameters::default() },
            publishing: Publishing::default(),
            governors: None,
            operations: Vec::new(),
        };
        let mut state = MemoryState::default();
        let execution = execute_genesis(&state, &genesis).expect("a genesis");
        state.commit(&execution.changes);
        let (heights, answers) = (BTreeMap::new(), Answers::All);
        Self { network, state, head: execution.header, heights, answers }
    }

    fn block(&mut self, envelope: Option<&[u8]>) -> Result<Option<Hash>, Refusal> {
        let time_ms = self.head.time + STEP_MS;
        let proposer = ValidatorKey([1; 32]);
        let network = self.network.clone();
        let mut block =
            BlockExecution::new(&self.state, network, &self.head, time_ms, proposer).expect("open");
        let checked = envelope
            .map(|bytes| check_stateless(bytes, self.head.chain, &self.network))
            .transpose()?;
        if let Some(checked) = &checked {
            block.apply(checked).map_err(|error| match error {
                ApplyError::Refused(refusal) => refusal,
                other => panic!("{other}"),
            })?;
        }
        let execution = block.finish().expect("a block");
        self.state.commit(&execution.changes);
        self.head = execution.header;
        let id = checked.map(|checked| checked.id());
        self.heights.extend(id.map(|id| (id, self.head.height)));
        Ok(id)
    }

    fn head(&self, did: &Did) -> Option<Entry> {
        self.state.head(&RecordKey::did(&did.suffix)).expect("readable")
    }

    fn status(&mut self, _: &Map<String, Value>) -> Answer {
        let Header { chain, height, time, .. } = &self.head;
        let time = TimeMs(*time);
        Ok(json!({ "chainId": chain, "network": self.network, "height": height, "time": time }))
    }

    fn submit(&mut self, params: &Map<String, Value>) -> Answer {
        let lost = || Err(error(3001, "TIMEOUT", "not committed in time", ""));
        if self.answers == Answers::LostBeforeCommit {
            return lost();
        }
        let envelope = params["envelope"].as_str().and_then(codec::from_base64url);
        let operation = self.block(envelope.as_deref()).map_err(|refusal| {
            let code = refusal.code;
            error(code.number(), code.name(), &refusal.detail, &refusal.field)
        })?;
        if self.answers == Answers::LostAfterCommit {
            return lost();
        }
        Ok(json!({ "operation": operation, "height": self.head.height }))
    }

    fn receipt(&mut self, params: &Map<String, Value>) -> Answer {
        let operation = params["operation"].as_str().and_then(|text| text.parse().ok());
        Ok(match operation.and_then(|operation: Hash| self.heights.get(&operation)) {
            Some(height) => json!({ "status": "applied", "height": height }),
            None => json!({ "status": "unknown" }),
        })
    }

    fn record(&mut self, params: &Map<String, Value>) -> Answer {
        let mut entry = self.find(params)?;
        if self.answers == Answers::ForgedValue {
            entry.parts[0].value.0.push(0);
        }
        Ok(json!({ "entry": codec::base64url(&codec::encode(&entry)) }))
    }

    fn records(&mut self, params: &Map<String, Value>) -> Answer {
        let keys = params["records"].clone();
        let keys: Vec<RecordKey> = serde_json::from_value(keys).expect("keys of records");
        let entries = keys.iter().map(|key| {
            let mut entry = self.state.head(key).expect("readable")?;
            if self.answers == Answers::ForgedRecords {
                entry.parts[0].value.0.push(0);
            }
            Some(codec::base64url(&codec::encode(&entry)))
        });
        let entries: Vec<Option<String>> = entries.collect();
        let Header { height, time, .. } = &self.head;
        Ok(json!({ "height": height, "time": TimeMs(*time), "entries": entries }))
    }

    fn resolve(&mut self, params: &Map<String, Value>) -> Answer {
        let entry = self.find(params)?;
        let did: Did = params["did"].as_str().unwrap_or_default().parse().expect("found");
        let value = entry.value::<DidValue>().expect("a value");
        let (document, deactivated) = match value {
            DidValue::Active(state) => (json!(render(&did, &[], &state.document)), false),
            DidValue::Deactivated => (Value::Null, true),
        };
        Ok(json!({
            "didResolutionMetadata": {},
            "didDocument": document,
            "didDocumentMetadata": { "deactivated": deactivated },
        }))
    }

    fn find(&self, params: &Map<String, Value>) -> Result<Entry, ErrorObjectOwned> {
        let did = params["did"].as_str().and_then(|text| text.parse().ok());
        let entry = did.and_then(|did| self.head(&did));
        entry.ok_or_else(|| error(2003, "DID_NOT_FOUND", "it is not registered", "did"))
    }
}

fn error(code: u16, name: &str, message: &str, field: &str) -> ErrorObjectOwned {
    let data = json!({ "code": code, "name": name, "field": field, "hint": "see the code" });
    ErrorObjectOwned::owned(i32::from(code), message, Some(data))
}
