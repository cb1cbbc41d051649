//! State that the driver thread and the API share: progress, settlements, and the queue for
//! submitted operations.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use registry_core::code::Refusal;
use registry_core::crypto::Hash;
use registry_core::id::NetworkName;
use registry_state::rules::Checked;
use rpc::service::Head;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{Input, wall_ms};
use crate::driver::{Driver, IntakeError, Progress, Settlement};
use crate::limits::{REFUSAL_KEPT_MS, REFUSALS_MAX};

/// Answer to a submission: the operation waits in the mempool, or the reason why it does not.
pub type Submitted = Result<(), IntakeError>;

/// State of an operation that is in no block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// The operation was admitted here and waits for a block.
    Pending,
    /// The operation was refused within the last ten minutes.
    Refused(Refusal),
    /// This node knows nothing of the operation.
    Unknown,
}

#[derive(Default)]
struct Settlements {
    pending: BTreeMap<Hash, Vec<oneshot::Sender<Settlement>>>,
    refused: BTreeMap<Hash, Refusal>,
    refused_at: VecDeque<(Instant, Hash)>,
}

/// State shared by the driver thread, the pump and the API.
pub struct Hub {
    /// Chain id.
    pub chain: Hash,
    /// Name of the network.
    pub network: NetworkName,
    progress: watch::Sender<Progress>,
    heads: watch::Sender<Head>,
    /// Time of the last commit on this node: as an instant, and as Unix time in milliseconds.
    committed: Mutex<(Instant, u64)>,
    settlements: Mutex<Settlements>,
    inputs: mpsc::Sender<Input>,
    stop: CancellationToken,
}

impl Hub {
    pub(super) fn new(driver: &Driver, head: Head, inputs: mpsc::Sender<Input>) -> Self {
        Self {
            chain: driver.head().chain,
            network: driver.network().clone(),
            progress: watch::Sender::new(driver.progress()),
            heads: watch::Sender::new(head),
            committed: Mutex::new((Instant::now(), wall_ms())),
            settlements: Mutex::default(),
            inputs,
            stop: CancellationToken::new(),
        }
    }

    /// What the driver is doing; the receiver is notified of changes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The newest committed block; the receiver is notified of changes.
    pub fn heads(&self) -> watch::Receiver<Head> {
        self.heads.subscribe()
    }

    /// Time of the last commit on this node as Unix time in milliseconds, and the time since then
    /// in milliseconds.
    pub fn quiet(&self) -> (u64, u64) {
        let (at, wall_ms) = *self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        (wall_ms, u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Passes a checked operation to the driver and waits for its answer. Returns `None` if the
    /// node is stopping.
    pub async fn submit(&self, checked: Arc<Checked>) -> Option<Submitted> {
        let (answer, answered) = oneshot::channel();
        self.inputs.send(Input::Submit(checked, answer)).await.ok()?;
        answered.await.ok()
    }

    /// Receives the settlement of an operation. A caller that submits an operation must call this
    /// first, so that it misses nothing.
    pub fn settlement(&self, operation: Hash) -> oneshot::Receiver<Settlement> {
        let (sender, receiver) = oneshot::channel();
        let mut settlements = self.lock();
        let waiting = settlements.pending.entry(operation).or_default();
        waiting.retain(|sender| !sender.is_closed());
        waiting.push(sender);
        receiver
    }

    /// State of an operation that has no receipt.
    pub fn unsettled(&self, operation: &Hash) -> Unsettled {
        let settlements = self.lock();
        if let Some(refusal) = settlements.refused.get(operation) {
            return Unsettled::Refused(refusal.clone());
        }
        match settlements.pending.contains_key(operation) {
            true => Unsettled::Pending,
            false => Unsettled::Unknown,
        }
    }

    pub(super) fn admitted(&self, operation: Hash, result: &Submitted) {
        let mut settlements = self.lock();
        match result {
            Ok(()) => {
                settlements.pending.entry(operation).or_default();
                settlements.refused.remove(&operation);
            }
            Err(IntakeError::Refused(refusal)) => {
                settlements.pending.remove(&operation);
                settlements.remember(operation, refusal.clone());
            }
            Err(IntakeError::Full { .. }) => drop(settlements.pending.remove(&operation)),
        }
    }

    pub(super) fn settle(&self, operation: Hash, settlement: &Settlement) {
        let mut settlements = self.lock();
        let waiting = settlements.pending.remove(&operation).unwrap_or_default();
        if let Settlement::Refused(refusal) = settlement {
            settlements.remember(operation, refusal.clone());
        }
        for sender in waiting {
            // A caller that went away needs no answer.
            let _unheard = sender.send(settlement.clone());
        }
    }

    pub(super) fn show_progress(&self, progress: Progress) {
        self.progress.send_if_modified(|shown| {
            let changed = *shown != progress;
            *shown = progress;
            changed
        });
    }

    pub(super) fn show_head(&self, head: Head) {
        let now = (Instant::now(), wall_ms());
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.heads.send_replace(head);
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    fn lock(&self) -> MutexGuard<'_, Settlements> {
        self.settlements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settlements {
    fn remember(&mut self, operation: Hash, refusal: Refusal) {
        let now = Instant::now();
        self.refused.insert(operation, refusal);
        self.refused_at.push_back((now, operation));
        while let Some((at, operation)) = self.refused_at.front().copied() {
            let old = now.duration_since(at) > Duration::from_millis(REFUSAL_KEPT_MS);
            if !old && self.refused_at.len() <= REFUSALS_MAX {
                break;
            }
            self.refused_at.pop_front();
            self.refused.remove(&operation);
        }
    }
}
