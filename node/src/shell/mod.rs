//! The I/O of a node around the [`Driver`]. One thread owns consensus, execution and the database.
//! Tokio tasks own sockets and timers. Readers use the database directly and never lock the writer.
//!
//! ```text
//! libp2p ─events─▶ pump (checks signatures) ─┐                 ┌─▶ NetHandle (frames, gossip)
//! RPC ────────────────────────submit─────────┼▶ queue ▶ driver ┤
//! timers ────────────────────────────────────┘   thread        └─▶ Hub (settlements, head) ▶ RPC
//! ```

mod hub;
mod open;
mod pump;
mod thread;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

pub use hub::{Hub, Submitted, Unsettled};
pub use open::{OpenError, open_store};

use crate::driver::{Driver, Event, Fatal};
use crate::limits::DRIVER_QUEUE_MAX;
use crate::net::{NetEvent, NetHandle, PeerAddress};
use crate::store::RocksStore;
use registry_core::governance::{ValidatorEntry, Validators};
use registry_core::record::StoreError;
use registry_state::rules::Checked;

/// An input for the driver thread.
pub(crate) enum Input {
    /// An event of the network that the driver thread still has to translate.
    Net(NetEvent),
    /// An event from the pump, with signatures checked.
    Event(Event),
    /// An operation of a client, and the channel for the answer.
    Submit(Arc<Checked>, tokio::sync::oneshot::Sender<Submitted>),
}

/// Reason why the shell does not start.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The operating system could not create the driver thread.
    #[error("cannot start the driver thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Reading the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Unix time in milliseconds.
fn wall_ms() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}

/// Peer ids and network addresses of the validators.
pub fn peer_addresses(validators: &Validators) -> Vec<PeerAddress> {
    let address = |entry: &ValidatorEntry| {
        let addresses = entry.addresses.iter().filter_map(|address| address.parse().ok()).collect();
        Some(PeerAddress { peer: entry.peer.parse().ok()?, addresses })
    };
    validators.validators.iter().filter_map(address).collect()
}

/// A running node without its API.
pub struct Shell {
    /// State that the driver thread and the API share.
    pub hub: Arc<Hub>,
    /// Handle of the network task.
    pub net: NetHandle,
    driver: std::thread::JoinHandle<Result<(), Fatal>>,
    stopped: tokio::sync::oneshot::Receiver<()>,
}

impl Shell {
    /// Starts the driver thread and the pump. It must be called inside a tokio runtime.
    pub fn start(
        driver: Driver,
        store: RocksStore,
        net: NetHandle,
        events: mpsc::Receiver<NetEvent>,
    ) -> Result<Self, ShellError> {
        let (inputs, queue) = mpsc::channel(DRIVER_QUEUE_MAX);
        let head = thread::head(driver.head(), &store, None)?;
        let hub = Arc::new(Hub::new(&driver, head, inputs.clone()));
        tokio::spawn(pump::run(events, inputs, Arc::clone(&hub)));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let worker = thread::Worker::new(driver, store, net.clone(), Arc::clone(&hub));
        let driver = std::thread::Builder::new().name("driver".to_owned()).spawn(move || {
            let result = worker.run(&runtime, queue);
            // Nobody waits for this if the node is stopping already.
            let _unheard = stop.send(());
            result
        })?;
        Ok(Self { hub, net, driver, stopped })
    }

    /// Returns when the driver thread has ended by itself, which happens only after a fatal error.
    pub async fn failed(&mut self) {
        let _ended = (&mut self.stopped).await;
    }

    /// Stops the node: the driver finishes the event in hand, the network is closed, and the
    /// database is released.
    pub async fn stop(self) -> Result<(), Fatal> {
        self.hub.stop();
        self.net.shutdown().await;
        let joined = tokio::task::spawn_blocking(move || self.driver.join()).await;
        match joined {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(Fatal::Halt("the driver thread panicked".to_owned())),
        }
    }
}
