//! The handle by which the driver's side controls the network task.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use registry_core::crypto::Hash;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::config::PeerAddress;
use super::event::{Acceptance, MessageId, PeerInfo, RequestId, ResponseToken, Topic};
use super::limits::{
    COMMANDS_MAX, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, VALIDATOR_FRAME_BYTES_MAX,
};
use super::metrics::Metrics;
use super::outbox::{Frame, Outbox};
use super::peers::Directory;
use super::{gossip, lock};

/// Reason why a command was not handed to the network task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The command channel is full because the network task lags behind.
    #[error("{capacity} commands wait for the network already; try again later")]
    Full {
        /// Capacity of the channel in commands.
        capacity: usize,
    },
    /// The payload exceeds the limit of its protocol.
    #[error("{what} of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// Kind of payload.
        what: &'static str,
        /// Length of the payload.
        bytes: usize,
        /// Largest length allowed.
        bytes_max: usize,
    },
    /// Either the peer or this node is not in the validator set.
    #[error("peer {peer} is not in the validator mesh; set the validators first")]
    NotAValidator {
        /// The peer.
        peer: PeerId,
    },
    /// The network has been shut down.
    #[error("the network has been shut down")]
    Stopped,
}

/// A command to the network task.
pub(crate) enum Command {
    Publish { topic: Topic, bytes: Vec<u8> },
    Report { id: MessageId, source: PeerId, acceptance: Acceptance },
    Request { id: RequestId, peer: PeerId, bytes: Vec<u8> },
    Respond { token: ResponseToken, bytes: Vec<u8> },
    Cut { peer: PeerId, reason: &'static str },
}

/// State that the handles and the network task share.
pub(crate) struct Shared {
    pub(crate) local: PeerId,
    pub(crate) chain: Hash,
    pub(crate) metrics: Metrics,
    pub(crate) directory: Arc<Directory>,
    pub(crate) outboxes: Mutex<BTreeMap<PeerId, Arc<Outbox>>>,
    pub(crate) listen: Mutex<Vec<Multiaddr>>,
    pub(crate) stop: CancellationToken,
    pub(crate) stopped: CancellationToken,
}

impl Shared {
    /// Creates a queue for each other validator, or none if this node is not a validator. The
    /// queues of peers that remain validators keep their frames.
    pub(crate) fn set_outboxes(&self, validators: &[PeerAddress]) {
        let take_part = validators.iter().any(|validator| validator.peer == self.local);
        let others = validators.iter().map(|v| v.peer).filter(|peer| *peer != self.local);
        let mut outboxes = lock(&self.outboxes);
        let kept = std::mem::take(&mut *outboxes);
        let queues = others.filter(|_| take_part).map(|peer| {
            let queue = kept.get(&peer).cloned().unwrap_or_default();
            (peer, queue)
        });
        *outboxes = queues.collect();
    }
}

/// Controls the network. Cloning is cheap. No method but `shutdown` waits and none needs a tokio
/// runtime, so the driver thread may call them.
#[derive(Clone)]
pub struct NetHandle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    validators: Arc<watch::Sender<Vec<PeerAddress>>>,
    next_request: Arc<AtomicU64>,
}

impl NetHandle {
    pub(crate) fn new(
        shared: Arc<Shared>,
        commands: mpsc::Sender<Command>,
        validators: watch::Sender<Vec<PeerAddress>>,
    ) -> Self {
        Self { shared, commands, validators: Arc::new(validators), next_request: Arc::default() }
    }

    /// Peer id of this node.
    pub fn local_peer(&self) -> PeerId {
        self.shared.local
    }

    /// Addresses that this node listens on, with the bound ports, each ending in `/p2p/<peer id>`.
    pub fn listen_addresses(&self) -> Vec<Multiaddr> {
        let bound = lock(&self.shared.listen).clone();
        let named = bound.into_iter().map(|a| a.with(Protocol::P2p(self.shared.local)));
        named.collect()
    }

    /// Appends a frame to the queue of one validator. A full queue drops its oldest frames, which
    /// the metrics count. A queue outlives the connections of its peer.
    ///
    /// # Errors\
    /// `TooLarge` above 161 KiB; `NotAValidator` if the peer is not in the mesh.
    pub fn send_validator(&self, peer: &PeerId, frame: Frame) -> Result<(), SendError> {
        check_size("validator frame", frame.len(), VALIDATOR_FRAME_BYTES_MAX)?;
        let outbox = lock(&self.shared.outboxes).get(peer).cloned();
        let outbox = outbox.ok_or(SendError::NotAValidator { peer: *peer })?;
        self.shared.metrics.frames_dropped.inc_by(outbox.push(frame));
        Ok(())
    }

    /// Appends a frame to the queues of all other validators. If this node is not a validator,
    /// there are none.
    ///
    /// # Errors\
    /// `TooLarge` above 161 KiB.
    pub fn broadcast_validators(&self, frame: Frame) -> Result<(), SendError> {
        check_size("validator frame", frame.len(), VALIDATOR_FRAME_BYTES_MAX)?;
        let outboxes = lock(&self.shared.outboxes);
        let dropped = outboxes.values().map(|outbox| outbox.push(frame.clone())).sum();
        self.shared.metrics.frames_dropped.inc_by(dropped);
        Ok(())
    }

    /// Replaces the validator mesh. This command cannot fail or get lost; if it is called several
    /// times in a row, the last call counts. When it returns, the queues of new validators exist.
    pub fn set_validators(&self, validators: Vec<PeerAddress>) {
        self.shared.set_outboxes(&validators);
        self.validators.send_replace(validators);
    }

    /// Publishes a message and returns its id. While no peer is subscribed, the newest 64 messages
    /// are kept for the first one that is. A message that was seen in the last minute is not sent
    /// again, which the metrics count.
    ///
    /// # Errors\
    /// `TooLarge` above the topic's limit; `Full`; `Stopped`.
    pub fn publish(&self, topic: Topic, bytes: Vec<u8>) -> Result<MessageId, SendError> {
        check_size("gossip message", bytes.len(), gossip::bytes_max(topic))?;
        let id = gossip::message_id(&self.shared.chain, topic, &bytes);
        self.command(Command::Publish { topic, bytes })?;
        Ok(id)
    }

    /// Reports the result of validating a gossip message. Without a report within 5 seconds of its
    /// event, the message is not passed on.
    ///
    /// # Errors\
    /// `Full`; `Stopped`.
    pub fn report(
        &self,
        id: MessageId,
        source: PeerId,
        acceptance: Acceptance,
    ) -> Result<(), SendError> {
        self.command(Command::Report { id, source, acceptance })
    }

    /// Sends a request to a connected peer. Exactly one `Response` or `RequestFailed` with the
    /// returned id follows.
    ///
    /// # Errors\
    /// `TooLarge` above 16 KiB; `Full`; `Stopped`.
    pub fn request(&self, peer: PeerId, bytes: Vec<u8>) -> Result<RequestId, SendError> {
        check_size("request", bytes.len(), REQUEST_BYTES_MAX)?;
        let id = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        self.command(Command::Request { id, peer, bytes })?;
        Ok(id)
    }

    /// Answers a request of a peer. If this fails, the peer gets no answer.
    ///
    /// # Errors\
    /// `TooLarge` above 4 MiB; `Full`; `Stopped`.
    pub fn respond(&self, token: ResponseToken, bytes: Vec<u8>) -> Result<(), SendError> {
        check_size("response", bytes.len(), RESPONSE_BYTES_MAX)?;
        self.command(Command::Respond { token, bytes })
    }

    /// Disconnects and blocks a peer that broke a rule of the driver.
    ///
    /// # Errors\
    /// `Full`; `Stopped`.
    pub fn cut(&self, peer: PeerId, reason: &'static str) -> Result<(), SendError> {
        self.command(Command::Cut { peer, reason })
    }

    /// The connected members in the order of their peer ids.
    pub fn peers(&self) -> Vec<PeerInfo> {
        let outboxes = lock(&self.shared.outboxes);
        self.shared.directory.list(|peer| outboxes.contains_key(peer))
    }

    /// Counters of the network, which all handles share.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Closes all connections and sockets. When it returns, they are closed and the event channel
    /// has ended.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.stopped.cancelled().await;
    }

    fn command(&self, command: Command) -> Result<(), SendError> {
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => SendError::Stopped,
            mpsc::error::TrySendError::Full(_) => {
                self.shared.metrics.commands_dropped.inc();
                SendError::Full { capacity: COMMANDS_MAX }
            }
        })
    }
}

fn check_size(what: &'static str, bytes: usize, bytes_max: usize) -> Result<(), SendError> {
    if bytes > bytes_max {
        return Err(SendError::TooLarge { what, bytes, bytes_max });
    }
    Ok(())
}
