//! The simulator's counterpart of the shell and the network: it turns actions of a driver into
//! parcels, and parcels into events.

use std::sync::Arc;

use node::driver::{Action, Event, IntakeError, Settlement};
use node::net::Acceptance;
use node::wire::{Frame, Request};
use ordering::Message;
use registry_core::crypto::{Hash, Purpose};
use registry_state::rules::check_stateless;

use super::chain::public;
use super::links::arrivals;
use super::oracle::Violation;
use super::world::{Happening, Parcel, World};

/// Time in milliseconds after which the transport gives up on a request.
const REQUEST_TIMEOUT_MS: u64 = 10_000;

impl World {
    /// Carries out the actions of a driver. The oracle sees commits first, because settlements in
    /// the same batch refer to them.
    pub(super) fn carry_out_all(&mut self, index: usize, actions: Vec<Action>) {
        for action in &actions {
            if let Action::Committed { header, live } = action {
                self.count(if *live { "commit" } else { "commit by sync" });
                self.mix(index, 0, &header.hash().0);
                self.oracle.committed(index, header, &self.nodes[index].disk);
            }
        }
        for action in actions {
            match &mut self.nodes[index].dies_after {
                Some(0) => {
                    self.count("death between actions");
                    return self.crash(index);
                }
                Some(left) => *left -= 1,
                None => {}
            }
            self.carry_out(index, action);
        }
    }

    fn carry_out(&mut self, index: usize, action: Action) {
        match action {
            Action::Validators(validators) => {
                self.count("validators changed");
                self.nodes[index].set_mesh(&validators);
            }
            Action::Broadcast(frame) => self.broadcast(index, frame.bytes()),
            Action::Wake(frame) => {
                self.count("wake");
                for to in self.other_validators(index) {
                    self.send(index, to, Parcel::Frame(frame.clone()));
                }
            }
            Action::PublishDecided(bytes) => self.publish(index, Parcel::Decided(bytes)),
            Action::PublishOperation(checked) => {
                self.publish(index, Parcel::Operation(checked.bytes().to_vec()));
            }
            Action::Report { id, acceptance, .. } => {
                self.acceptances.insert((index, id), acceptance);
            }
            Action::Request { id, peer, bytes } => self.request(index, id, peer, bytes),
            Action::Respond { token, bytes } => self.respond(index, token, bytes),
            Action::Cut { peer, reason } => self.cut(index, peer, reason),
            Action::Admitted { result, .. } => {
                let what = match result {
                    Ok(()) => "admitted",
                    Err(IntakeError::Refused(_)) => "refused at admission",
                    Err(IntakeError::Full { .. }) => "mempool full",
                };
                self.count(what);
            }
            Action::Settled { operation, settlement } => match settlement {
                Settlement::Applied { height } => self.oracle.acknowledge(index, operation, height),
                Settlement::Refused(_) => self.count("refused later"),
                Settlement::Displaced => self.count("displaced"),
            },
            Action::Committed { .. } => {}
        }
    }

    fn other_validators(&self, index: usize) -> Vec<usize> {
        let own = &self.nodes[index];
        let others = self.nodes.iter().filter(|node| node.index != index && own.streams_with(node));
        others.map(|node| node.index).collect()
    }

    /// Sends a signed frame. The oracle sees every such frame before the network changes or drops
    /// it.
    fn broadcast(&mut self, index: usize, frame: &[u8]) {
        self.mix(index, 1, frame);
        for to in self.other_validators(index) {
            let chain = self.chain.id;
            let key = self.nodes[index].key.clone();
            let frames = match (&mut self.nodes[index].byzantine, key) {
                (Some(byzantine), Some(key)) => byzantine.frames(&key, chain, to, frame),
                _ => vec![frame.to_vec()],
            };
            for frame in frames {
                self.observe(index, &frame);
                self.send(index, to, Parcel::Frame(frame));
            }
        }
    }

    fn observe(&mut self, index: usize, frame: &[u8]) {
        let Ok(Frame::Consensus { message, .. }) = Frame::decode(frame) else { return };
        let Ok(message) = Message::decode(&message.0) else { return };
        match &message {
            Message::Proposal(proposal) if proposal.polka_round.is_some() => {
                self.count("proposed again with a polka");
            }
            Message::Polka(_) | Message::Round(_) => self.count("certificate sent"),
            Message::Proposal(_) | Message::Vote(_) => {}
        }
        if message.round() > 0 {
            self.count("message of a later round");
        }
        let (floor, height) = (self.nodes[index].disk.floor(), message.height());
        let own = self.nodes[index].key.as_ref().map(public);
        if floor < height && message.signer().is_some() && message.signer() == own {
            self.oracle.report(Violation::BelowFloor { node: index, height, floor });
        }
        self.oracle.saw(index, &message);
    }

    fn send(&mut self, from: usize, to: usize, parcel: Parcel) {
        if !self.links.is_connected(from, to) {
            return;
        }
        let epoch = self.links.epoch(from, to);
        let arrivals = arrivals(&self.weather, &mut self.random);
        match arrivals.len() {
            0 => self.count("message lost"),
            1 => {}
            _ => self.count("message doubled"),
        }
        if !self.links.passes(from, to) {
            self.count("message into a partition");
        }
        for delay_ms in arrivals {
            let parcel = parcel.clone();
            self.schedule(delay_ms, Happening::Arrive { from, to, epoch, parcel });
        }
    }

    fn publish(&mut self, index: usize, parcel: Parcel) {
        let (Parcel::Operation(bytes) | Parcel::Decided(bytes)) = &parcel else { return };
        let id = Hash::of(Purpose::Gossip, &[bytes]);
        let now_ms = self.now_ms();
        if self.nodes[index].is_news(id, now_ms) {
            self.flood(index, None, &parcel);
        }
    }

    fn flood(&mut self, index: usize, source: Option<usize>, parcel: &Parcel) {
        for to in 0..self.nodes.len() {
            if to != index && Some(to) != source {
                self.send(index, to, parcel.clone());
            }
        }
    }

    fn index_of(&self, peer: libp2p::PeerId) -> Option<usize> {
        self.nodes.iter().find(|node| node.peer == peer).map(|node| node.index)
    }

    /// Sends a request. Exactly one response or failure follows, whichever happens first.
    fn request(&mut self, index: usize, id: u64, peer: libp2p::PeerId, bytes: Vec<u8>) {
        self.nodes[index].requests.insert(id);
        let to = self.index_of(peer).filter(|to| self.links.is_connected(index, *to));
        let failed = Event::RequestFailed { id, peer };
        let Some(to) = to else { return self.tell(0, index, failed) };
        let asker = self.nodes[index].incarnation;
        self.send(index, to, Parcel::Request { id, asker, bytes });
        self.tell(REQUEST_TIMEOUT_MS, index, failed);
    }

    fn respond(&mut self, index: usize, token: u64, bytes: Vec<u8>) {
        let Some((to, asker, id)) = self.nodes[index].questions.remove(&token) else { return };
        let bytes = match &self.nodes[index].byzantine {
            Some(byzantine) => byzantine.answer(bytes),
            None => Some(bytes),
        };
        let Some(bytes) = bytes else { return };
        self.send(index, to, Parcel::Response { id, asker, bytes });
    }

    fn cut(&mut self, index: usize, peer: libp2p::PeerId, reason: String) {
        let Some(other) = self.index_of(peer) else { return };
        self.count("peer cut");
        if !self.is_dishonest(index) && !self.is_dishonest(other) {
            return self.oracle.report(Violation::Cut { node: index, peer: other, reason });
        }
        self.links.cut(index, other);
        self.disconnect(index, other);
    }

    /// Delivers a parcel to a node, as its transport and its pump would.
    pub(super) fn arrive(&mut self, from: usize, to: usize, parcel: Parcel) {
        let peer = self.nodes[from].peer;
        match parcel {
            Parcel::Frame(_) if !self.nodes[to].streams_with(&self.nodes[from]) => {
                self.count("frame of a stranger");
            }
            Parcel::Frame(bytes) => {
                self.mix(to, 2, &bytes);
                self.give(to, Event::Frame { peer, bytes });
            }
            Parcel::Operation(_) | Parcel::Decided(_) => self.gossip(from, to, parcel),
            Parcel::Request { id, asker, bytes } => {
                self.mix(to, 3, &bytes);
                self.note_request(&bytes);
                self.next_token += 1;
                let token = self.next_token;
                self.nodes[to].questions.insert(token, (from, asker, id));
                self.give(to, Event::Request { peer, bytes, token });
            }
            Parcel::Response { id, asker, bytes } => {
                let node = &mut self.nodes[to];
                if node.incarnation == asker && node.requests.remove(&id) {
                    self.mix(to, 4, &bytes);
                    self.give(to, Event::Response { id, peer, bytes });
                }
            }
        }
    }

    fn note_request(&mut self, bytes: &[u8]) {
        let what = match Request::decode(bytes) {
            Ok(Request::Status) => "status asked",
            Ok(Request::Blocks { .. }) => "blocks asked",
            Ok(Request::Candidate { .. }) => "candidate asked",
            Ok(Request::Envelopes { .. }) => "envelopes asked",
            Err(_) => "nonsense asked",
        };
        self.count(what);
    }

    /// Delivers a gossip message. A node passes it on only after its driver accepted it, and
    /// handles each message once.
    fn gossip(&mut self, from: usize, to: usize, parcel: Parcel) {
        let source = self.nodes[from].peer;
        let (Parcel::Operation(bytes) | Parcel::Decided(bytes)) = &parcel else { return };
        let id = Hash::of(Purpose::Gossip, &[bytes]);
        let now_ms = self.now_ms();
        if !self.nodes[to].is_up() || !self.nodes[to].is_news(id, now_ms) {
            return;
        }
        self.mix(to, 5, bytes);
        let event = match &parcel {
            Parcel::Operation(bytes) => {
                match check_stateless(bytes, self.chain.id, &self.chain.network) {
                    Ok(checked) => {
                        Event::GossipOperation { checked: Arc::new(checked), id, source }
                    }
                    Err(_) => Event::GossipInvalid { id, source },
                }
            }
            _ => Event::GossipDecided { bytes: bytes.clone(), id, source },
        };
        match self.give_gossip(to, id, event) {
            Some(Acceptance::Accept) => self.flood(to, Some(from), &parcel),
            Some(Acceptance::Reject) if !self.is_dishonest(from) && !self.is_dishonest(to) => {
                let reason = "gossip rejected".to_owned();
                self.oracle.report(Violation::Cut { node: to, peer: from, reason });
            }
            _ => {}
        }
    }
}
