//! The driver thread. It passes events to the driver and carries out its actions until the node
//! stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use registry_core::block::Header;
use registry_core::crypto::Hash;
use registry_core::record::StoreError;
use registry_state::state::halted_ms;
use rpc::service::Head;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, warn};

use super::{Hub, Input, Submitted, wall_ms};
use crate::driver::{Action, Driver, Event, Fatal, Now};
use crate::net::{NetEvent, NetHandle, RequestId, ResponseToken, SendError, Topic};
use crate::store::{Ledger, RocksStore};

/// Longest sleep of the thread.
const IDLE: Duration = Duration::from_secs(1);

/// The newest block in the form that readers get.
pub(super) fn head(
    header: &Header,
    store: &RocksStore,
    clock_offset_ms: Option<i64>,
) -> Result<Head, StoreError> {
    Ok(Head {
        height: header.height,
        time_ms: header.time,
        hash: header.hash(),
        state_root: header.state_root,
        halted_ms: halted_ms(&Ledger(store))?,
        clock_offset_ms,
    })
}

pub(super) struct Worker {
    driver: Driver,
    store: RocksStore,
    net: NetHandle,
    hub: Arc<Hub>,
    started: Instant,
    /// Number that the driver gave to each request that the network carries.
    requests: BTreeMap<RequestId, u64>,
    replies: BTreeMap<u64, ResponseToken>,
    submissions: BTreeMap<u64, (Hash, oneshot::Sender<Submitted>)>,
    next_token: u64,
    /// Events that the actions just carried out have caused.
    follow_up: Vec<Event>,
}

impl Worker {
    pub(super) fn new(driver: Driver, store: RocksStore, net: NetHandle, hub: Arc<Hub>) -> Self {
        Self {
            driver,
            store,
            net,
            hub,
            started: Instant::now(),
            requests: BTreeMap::new(),
            replies: BTreeMap::new(),
            submissions: BTreeMap::new(),
            next_token: 0,
            follow_up: Vec::new(),
        }
    }

    pub(super) fn run(
        mut self,
        runtime: &Handle,
        mut queue: mpsc::Receiver<Input>,
    ) -> Result<(), Fatal> {
        let hub = Arc::clone(&self.hub);
        loop {
            let sleep = self.until_deadline();
            let input = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = hub.stopping().cancelled() => None,
                    input = queue.recv() => Some(input),
                    () = tokio::time::sleep(sleep) => Some(None),
                }
            });
            let Some(input) = input else { return Ok(()) };
            let event = input.map_or(Some(Event::Tick), |input| self.translate(input));
            if let Some(event) = event {
                self.handle(event)?;
            }
        }
    }

    fn now(&self) -> Now {
        Now {
            wall_ms: wall_ms(),
            steady_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn until_deadline(&self) -> Duration {
        let Some(at_ms) = self.driver.deadline() else { return IDLE };
        Duration::from_millis(at_ms.saturating_sub(self.now().steady_ms)).min(IDLE)
    }

    fn token(&mut self) -> u64 {
        self.next_token = self.next_token.wrapping_add(1);
        self.next_token
    }

    fn translate(&mut self, input: Input) -> Option<Event> {
        match input {
            Input::Event(event) => Some(event),
            Input::Submit(checked, answer) => {
                let token = self.token();
                self.submissions.insert(token, (checked.id(), answer));
                Some(Event::Submit { checked, token })
            }
            Input::Net(event) => self.translate_net(event),
        }
    }

    fn translate_net(&mut self, event: NetEvent) -> Option<Event> {
        match event {
            NetEvent::PeerConnected { peer, .. } => Some(Event::PeerConnected(peer)),
            NetEvent::PeerDisconnected { peer } => Some(Event::PeerDisconnected(peer)),
            NetEvent::ValidatorMessage { peer, bytes } => Some(Event::Frame { peer, bytes }),
            NetEvent::Request { peer, bytes, reply } => {
                let token = self.token();
                self.replies.insert(token, reply);
                Some(Event::Request { peer, bytes, token })
            }
            NetEvent::Response { id, peer, bytes } => {
                let id = self.requests.remove(&id)?;
                Some(Event::Response { id, peer, bytes })
            }
            NetEvent::RequestFailed { id, peer, reason } => {
                debug!(%peer, %reason, "request failed");
                let id = self.requests.remove(&id)?;
                Some(Event::RequestFailed { id, peer })
            }
            NetEvent::PeerCut { peer, reason } => {
                warn!(%peer, %reason, "peer cut");
                None
            }
            // The pump has translated gossip already.
            NetEvent::Gossip { .. } => None,
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Fatal> {
        self.follow_up.push(event);
        while let Some(event) = self.follow_up.pop() {
            let now = self.now();
            let actions = self.driver.handle(event, now, &mut self.store)?;
            for action in actions {
                if let Err(error) = self.carry_out(action) {
                    debug!(%error, "not sent");
                }
            }
            // The driver answers a request at once unless it cuts the sender. Dropping the
            // remaining tokens closes such requests without an answer.
            self.replies.clear();
        }
        self.hub.show_progress(self.driver.progress());
        Ok(())
    }

    /// Carries out an action of the driver. A message that cannot be sent is dropped: the
    /// rebroadcast timers send it again, or its receiver asks for it.
    fn carry_out(&mut self, action: Action) -> Result<(), SendError> {
        match action {
            Action::Validators(validators) => {
                self.net.set_validators(super::peer_addresses(&validators));
            }
            Action::Broadcast(frame) => self.net.broadcast_validators(frame.bytes().into())?,
            Action::Wake(frame) => self.net.broadcast_validators(frame.into())?,
            Action::PublishDecided(bytes) => {
                self.net.publish(Topic::Decided, bytes)?;
            }
            Action::PublishOperation(checked) => {
                self.net.publish(Topic::Operations, checked.bytes().to_vec())?;
            }
            Action::Report { id, source, acceptance } => {
                self.net.report(id, source, acceptance)?;
            }
            Action::Request { id, peer, bytes } => match self.net.request(peer, bytes) {
                Ok(own) => drop(self.requests.insert(own, id)),
                Err(error) => {
                    self.follow_up.push(Event::RequestFailed { id, peer });
                    return Err(error);
                }
            },
            Action::Respond { token, bytes } => {
                if let Some(reply) = self.replies.remove(&token) {
                    self.net.respond(reply, bytes)?;
                }
            }
            Action::Cut { peer, reason } => {
                warn!(%peer, reason, "cutting a peer");
                self.net.cut(peer, "it broke the protocol")?;
            }
            Action::Admitted { token, result } => {
                if let Some((operation, answer)) = self.submissions.remove(&token) {
                    self.hub.admitted(operation, &result);
                    // The caller may have gone away.
                    let _unheard = answer.send(result);
                }
            }
            Action::Settled { operation, settlement } => self.hub.settle(operation, &settlement),
            Action::Committed { header, live } => {
                let own_ms = wall_ms();
                let offset = i64::try_from(own_ms).unwrap_or(i64::MAX)
                    - i64::try_from(header.time).unwrap_or(i64::MAX);
                match head(&header, &self.store, live.then_some(offset)) {
                    Ok(head) => self.hub.show_head(head),
                    Err(error) => error!(%error, "the committed block cannot be read"),
                }
            }
        }
        Ok(())
    }
}
