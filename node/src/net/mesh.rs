//! The validator mesh. For each other validator there is one stream that this node writes and one
//! that it reads. Each stream has a task of its own, so a slow peer delays no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::PeerId;
use libp2p::swarm::Stream;
use rpc::bucket::{Bucket, Rate};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::backoff::Backoff;
use super::event::{CutReason, NetEvent};
use super::frame::{FrameError, read_frame, write_frame};
use super::handle::Shared;
use super::limits::VALIDATOR_FRAME_BYTES_MAX;
use super::lock;
use super::outbox::Outbox;

/// The streams of all other validators. If this node is not in the validator set, there are none.
pub(crate) struct Mesh {
    shared: Arc<Shared>,
    events: mpsc::Sender<NetEvent>,
    rate: Rate,
    peers: BTreeMap<PeerId, Peer>,
    streams: JoinSet<Ended>,
    opened: u64,
}

struct Peer {
    outbox: Arc<Outbox>,
    outbound: Outbound,
    backoff: Backoff,
    reader: Option<AbortHandle>,
    /// All streams of a peer share this bucket, because each new stream would else get a full one.
    frames: Arc<Mutex<Bucket>>,
}

enum Outbound {
    Closed,
    Opening,
    Open { number: u64, since: Instant, writer: AbortHandle },
}

impl Peer {
    fn stop_writing(&mut self) {
        if let Outbound::Open { writer, .. } = &self.outbound {
            writer.abort();
        }
        self.outbound = Outbound::Closed;
    }

    fn close(&mut self) {
        self.stop_writing();
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}

/// A stream that ended without being aborted by this node.
pub(crate) struct Ended {
    peer: PeerId,
    end: End,
}

enum End {
    Written { number: u64 },
    Read(Option<CutReason>),
}

impl Mesh {
    pub(crate) fn new(shared: Arc<Shared>, events: mpsc::Sender<NetEvent>, rate: Rate) -> Self {
        Self { shared, events, rate, peers: BTreeMap::new(), streams: JoinSet::new(), opened: 0 }
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.peers.keys().copied()
    }

    /// Takes over the validator set from the shared queues. Streams of peers that stay in the set
    /// are not touched.
    pub(crate) fn update(&mut self, now: Instant) {
        let outboxes = lock(&self.shared.outboxes).clone();
        self.peers.retain(|peer, state| {
            let stays = outboxes.contains_key(peer);
            if !stays {
                state.close();
            }
            stays
        });
        for (peer, outbox) in outboxes {
            self.peers.entry(peer).or_insert_with(|| Peer {
                outbox,
                outbound: Outbound::Closed,
                backoff: Backoff::new(now),
                reader: None,
                frames: Arc::new(Mutex::new(Bucket::new(self.rate, now))),
            });
        }
    }

    /// A connection with `peer` was established, so its stream may be opened without further wait.
    /// If the peer dialled although it was connected already, it has restarted or both sides
    /// dialled at the same time. The stream on the older connection may then be dead and is opened
    /// again.
    pub(crate) fn connected(&mut self, peer: PeerId, dialled_by_peer: bool, now: Instant) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.backoff.hasten(now);
        if dialled_by_peer {
            state.stop_writing();
        }
    }

    /// A connection with `peer` has ended. If a stream was being opened on it and other connections
    /// remain, the stream is opened again on one of them.
    pub(crate) fn disconnected(&mut self, peer: PeerId, last: bool, now: Instant) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if last {
            state.close();
        } else if matches!(state.outbound, Outbound::Opening) {
            state.outbound = Outbound::Closed;
            state.backoff.failed(now);
        }
    }

    /// Validators to which a stream should be opened now, as far as they are connected.
    pub(crate) fn open_due(
        &mut self,
        now: Instant,
        is_connected: impl Fn(&PeerId) -> bool,
    ) -> Vec<PeerId> {
        let is_due = |peer: &PeerId, state: &Peer| {
            matches!(state.outbound, Outbound::Closed)
                && state.backoff.is_due(now)
                && is_connected(peer)
        };
        let mut peers = Vec::new();
        for (peer, state) in &mut self.peers {
            if is_due(peer, state) {
                state.outbound = Outbound::Opening;
                peers.push(*peer);
            }
        }
        peers
    }

    pub(crate) fn failed(&mut self, peer: PeerId, now: Instant) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if matches!(state.outbound, Outbound::Opening) {
            state.outbound = Outbound::Closed;
            state.backoff.failed(now);
        }
    }

    /// Starts to write the peer's queue to a newly opened stream.
    pub(crate) fn opened(&mut self, peer: PeerId, stream: Stream, now: Instant) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if matches!(state.outbound, Outbound::Open { .. }) {
            return;
        }
        self.opened += 1;
        let number = self.opened;
        let outbox = state.outbox.clone();
        let shared = self.shared.clone();
        let writer = self.streams.spawn(async move {
            if let Err(error) = write_frames(stream, &outbox, &shared).await {
                tracing::debug!(%peer, %error, "validator stream ended");
            }
            Ended { peer, end: End::Written { number } }
        });
        state.outbound = Outbound::Open { number, since: now, writer };
    }

    /// Starts to read a stream that `peer` opened. Returns false if the peer is not in the
    /// validator set. A newer stream replaces an older one, because the peer must have restarted.
    pub(crate) fn accepted(&mut self, peer: PeerId, stream: Stream) -> bool {
        let Some(state) = self.peers.get_mut(&peer) else { return false };
        let reader = Reader {
            peer,
            frames: state.frames.clone(),
            shared: self.shared.clone(),
            events: self.events.clone(),
        };
        let task = self.streams.spawn(async move {
            let cut = reader.run(stream).await;
            Ended { peer, end: End::Read(cut) }
        });
        if let Some(older) = state.reader.replace(task) {
            older.abort();
        }
        true
    }

    /// Waits for a stream to end. Returns `None` if this node aborted it.
    pub(crate) async fn next_end(&mut self) -> Option<Ended> {
        match self.streams.join_next().await {
            Some(result) => result.ok(),
            None => std::future::pending().await,
        }
    }

    /// Notes the end of a stream. Returns a reason if its peer has to be cut.
    pub(crate) fn ended(&mut self, ended: Ended, now: Instant) -> Option<(PeerId, CutReason)> {
        let Ended { peer, end } = ended;
        match end {
            End::Read(cut) => cut.map(|reason| (peer, reason)),
            End::Written { number } => {
                let state = self.peers.get_mut(&peer)?;
                if let Outbound::Open { number: open, since, .. } = state.outbound
                    && open == number
                {
                    state.outbound = Outbound::Closed;
                    state.backoff.ended(since, now);
                }
                None
            }
        }
    }
}

/// Writes frames until the peer closes the stream, which it does by ending its own, unused
/// direction.
async fn write_frames(stream: Stream, outbox: &Outbox, shared: &Shared) -> Result<(), FrameError> {
    let (mut reading, mut writing) = stream.split();
    let mut unused = [0; 1];
    loop {
        let frame = tokio::select! {
            frame = outbox.next() => frame,
            read = reading.read(&mut unused) => return read.map(drop).map_err(FrameError::Io),
        };
        write_frame(&mut writing, &frame).await?;
        shared.metrics.frames_out.inc();
        while let Some(frame) = outbox.try_next() {
            write_frame(&mut writing, &frame).await?;
            shared.metrics.frames_out.inc();
        }
        writing.flush().await?;
    }
}

struct Reader {
    peer: PeerId,
    frames: Arc<Mutex<Bucket>>,
    shared: Arc<Shared>,
    events: mpsc::Sender<NetEvent>,
}

impl Reader {
    /// Passes frames on until the stream ends or its peer has to be cut. It waits while the event
    /// channel is full.
    async fn run(self, mut stream: Stream) -> Option<CutReason> {
        let peer = self.peer;
        loop {
            let bytes = match read_frame(&mut stream, VALIDATOR_FRAME_BYTES_MAX).await {
                Ok(bytes) => bytes,
                Err(FrameError::TooLarge { bytes, bytes_max }) => {
                    let what = "validator frame";
                    return Some(CutReason::TooLarge { what, bytes, bytes_max });
                }
                Err(FrameError::Io(error)) => {
                    tracing::debug!(%peer, %error, "validator stream of a peer ended");
                    return None;
                }
            };
            self.shared.metrics.frames_in.inc();
            if lock(&self.frames).take(1, Instant::now()).is_err() {
                return Some(CutReason::Flood { what: "validator frames" });
            }
            self.events.send(NetEvent::ValidatorMessage { peer, bytes }).await.ok()?;
        }
    }
}
