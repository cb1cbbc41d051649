//! Load: clients that write one operation after the other and remember which writes were
//! acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use registry_core::block::Receipt;
use registry_core::crypto::Suite;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{CallError, Chain, Client, Signed, Wallet};

/// Time after which a client without an answer asks the next node.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pause after a refusal or a failed connection.
const PAUSE: Duration = Duration::from_millis(50);
/// Number of operations of one DID: one create and one update.
const OPERATIONS_PER_DID: usize = 2;

/// A write with its receipt.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// DID that was written.
    pub did: String,
    /// Receipt from the node.
    pub receipt: Receipt,
    /// Time at which the receipt arrived.
    pub at: Instant,
    /// Time from the first submission to the receipt.
    pub took: Duration,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: Mutex<Vec<Acknowledged>>,
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn list(&self) -> MutexGuard<'_, Vec<Acknowledged>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clients that write continuously.
pub struct Writer {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts `workers` clients over all `nodes`. Each pauses for `pause` between two writes.
    pub fn start(chain: &Chain, nodes: &[Client], workers: usize, pause: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let work = |number: usize| {
            let nodes = nodes.to_vec();
            let worker = Worker { shared: Arc::clone(&shared), nodes, turn: number, pause };
            tokio::spawn(worker.run(chain.clone()))
        };
        let workers = (0..workers).map(work).collect();
        Self { shared, workers }
    }

    /// Number of writes acknowledged so far.
    pub fn count(&self) -> usize {
        self.shared.list().len()
    }

    /// Waits until `more` further writes are acknowledged and returns the time that this took.
    pub async fn more(&self, more: usize, limit: Duration) -> Duration {
        let (started, wanted) = (Instant::now(), self.count() + more);
        let what = format!("{more} more acknowledged writes");
        super::wait(&what, limit, || async { (self.count() >= wanted).then_some(()) }).await;
        started.elapsed()
    }

    /// Longest time without an acknowledgement since `from`.
    pub fn longest_gap(&self, from: Instant) -> Duration {
        let list = self.shared.list();
        let times = list.iter().map(|write| write.at).filter(|at| *at >= from);
        let mut times: Vec<_> = [from].into_iter().chain(times).chain([Instant::now()]).collect();
        times.sort();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// Stops the clients and returns all acknowledged writes.
    pub async fn stop(self) -> Vec<Acknowledged> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.await.expect("a client that does not panic");
        }
        std::mem::take(&mut self.shared.list())
    }
}

struct Worker {
    shared: Arc<Shared>,
    nodes: Vec<Client>,
    turn: usize,
    pause: Duration,
}

impl Worker {
    async fn run(mut self, chain: Chain) {
        while !self.shared.stopped() {
            let mut wallet = Wallet::new(&chain, Suite::Ed25519, 1);
            let mut signed = wallet.create();
            for number in 1..=OPERATIONS_PER_DID {
                let started = Instant::now();
                let Some(receipt) = self.write(&signed).await else { return };
                signed = wallet.update(number);
                let (did, took) = (wallet.did().to_string(), started.elapsed());
                let write = Acknowledged { did, receipt, at: Instant::now(), took };
                self.shared.list().push(write);
                tokio::time::sleep(self.pause).await;
            }
        }
    }

    /// None when the load ends before there is a receipt.
    async fn write(&mut self, signed: &Signed) -> Option<Receipt> {
        retry(&self.nodes, &mut self.turn, signed, || self.shared.stopped()).await
    }
}

/// Sends the same bytes, to one node after the other from the one whose `turn` it is, until one
/// answers with a receipt. None when `stopped` before.
pub async fn retry(
    nodes: &[Client],
    turn: &mut usize,
    signed: &Signed,
    stopped: impl Fn() -> bool,
) -> Option<Receipt> {
    let mut refusals = 0;
    while !stopped() {
        let node = &nodes[*turn % nodes.len()];
        match node.submit_and_wait(&signed.envelope, PATIENCE).await {
            Ok(answer) => return Some(receipt(&answer)),
            // A retry of what is applied may be refused by a node that is behind, never for
            // good by all.
            Err(CallError::Refused { code, message, .. }) if code < 3_000 => {
                refusals += 1;
                if let Some(receipt) = applied(node, signed).await {
                    return Some(receipt);
                }
                assert!(refusals < 100, "refused for good: {message}");
            }
            Err(_) => {}
        }
        *turn += 1;
        tokio::time::sleep(PAUSE).await;
    }
    None
}

async fn applied(node: &Client, signed: &Signed) -> Option<Receipt> {
    let params = json!({ "operation": signed.operation });
    let answer = node.call("ledger_getReceipt", params).await.ok()?;
    (answer["status"] == "applied").then(|| receipt(&answer))
}

fn receipt(answer: &Value) -> Receipt {
    serde_json::from_value(answer["receipt"].clone()).expect("a receipt")
}
