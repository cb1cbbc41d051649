//! Requests in the network task: it sends the requests of this node and passes those of peers to
//! the driver. Both are bounded in number.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use libp2p::PeerId;
use libp2p::request_response::{
    Event, InboundRequestId, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
};

use super::Task;
use crate::net::event::{CutReason, NetEvent, RequestFailure, RequestId, ResponseToken};
use crate::net::limits::{REQUESTS_MAX, REQUESTS_PER_PEER_MAX, RESPONSE_BYTES_MAX};
use crate::net::request::PeerRequest;

/// Open requests in both directions.
#[derive(Default)]
pub(crate) struct Requests {
    inbound: BTreeMap<InboundRequestId, PeerId>,
    outbound: BTreeMap<OutboundRequestId, (RequestId, PeerId)>,
}

impl Requests {
    fn has_inbound_room(&self, peer: &PeerId) -> bool {
        let of_peer = self.inbound.values().filter(|other| *other == peer).count();
        self.inbound.len() < REQUESTS_MAX && of_peer < REQUESTS_PER_PEER_MAX
    }

    fn has_outbound_room(&self, peer: &PeerId) -> bool {
        let of_peer = self.outbound.values().filter(|(_, other)| other == peer).count();
        self.outbound.len() < REQUESTS_MAX && of_peer < REQUESTS_PER_PEER_MAX
    }
}

impl Task {
    pub(super) fn request(&mut self, id: RequestId, peer: PeerId, bytes: Vec<u8>) {
        let reason = if !self.shared.directory.contains(&peer) {
            RequestFailure::NotConnected
        } else if !self.requests.has_outbound_room(&peer) {
            RequestFailure::Busy
        } else {
            // The answer may be large, but this node asked for it, so it must not exhaust the
            // peer's rate.
            let account = self.policy.account(peer, Instant::now());
            account.bytes.credit(RESPONSE_BYTES_MAX as u64);
            self.shared.metrics.requests_out.inc();
            let request = PeerRequest::Whole(bytes);
            let sent = self.swarm.behaviour_mut().requests.send_request(&peer, request);
            self.requests.outbound.insert(sent, (id, peer));
            return;
        };
        self.emit(NetEvent::RequestFailed { id, peer, reason });
    }

    pub(super) fn respond(&mut self, token: ResponseToken, bytes: Vec<u8>) {
        let requests = &mut self.swarm.behaviour_mut().requests;
        if requests.send_response(token.0, bytes).is_err() {
            tracing::debug!("answer to a request that has ended meanwhile");
        }
    }

    pub(super) fn on_request(&mut self, event: Event<PeerRequest, Vec<u8>>) {
        match event {
            Event::Message { peer, message, .. } => match message {
                Message::Request { request_id, request, channel } => {
                    if self.pass_on_request(peer, request, channel) {
                        self.requests.inbound.insert(request_id, peer);
                    }
                }
                Message::Response { request_id, response } => {
                    if let Some((id, peer)) = self.requests.outbound.remove(&request_id) {
                        self.emit(NetEvent::Response { id, peer, bytes: response });
                    }
                }
            },
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some((id, peer)) = self.requests.outbound.remove(&request_id) {
                    let reason = failure(&error);
                    tracing::debug!(%peer, %error, "request failed");
                    self.emit(NetEvent::RequestFailed { id, peer, reason });
                }
            }
            Event::InboundFailure { request_id, .. } | Event::ResponseSent { request_id, .. } => {
                self.requests.inbound.remove(&request_id);
            }
        }
    }

    /// Passes a request to the driver. If it returns false, dropping the channel closes the
    /// request.
    fn pass_on_request(
        &mut self,
        peer: PeerId,
        request: PeerRequest,
        channel: ResponseChannel<Vec<u8>>,
    ) -> bool {
        if self.policy.is_blocked(&peer) {
            return false;
        }
        self.shared.metrics.requests_in.inc();
        let now = Instant::now();
        let bytes = match request {
            PeerRequest::Whole(bytes) => bytes,
            PeerRequest::TooLarge { bytes, bytes_max } => {
                self.cut(peer, CutReason::TooLarge { what: "request", bytes, bytes_max });
                return false;
            }
        };
        if self.policy.account(peer, now).requests.take(1, now).is_err() {
            self.cut(peer, CutReason::Flood { what: "requests" });
            return false;
        }
        if !self.requests.has_inbound_room(&peer) {
            self.shared.metrics.requests_refused.inc();
            return false;
        }
        self.emit(NetEvent::Request { peer, bytes, reply: ResponseToken(channel) });
        true
    }
}

fn failure(error: &OutboundFailure) -> RequestFailure {
    match error {
        OutboundFailure::DialFailure => RequestFailure::NotConnected,
        OutboundFailure::Timeout => RequestFailure::Timeout,
        OutboundFailure::ConnectionClosed => RequestFailure::Disconnected,
        OutboundFailure::UnsupportedProtocols => RequestFailure::Refused,
        OutboundFailure::Io(error) => match error.kind() {
            io::ErrorKind::InvalidData => RequestFailure::Malformed,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                RequestFailure::Refused
            }
            _ => RequestFailure::Disconnected,
        },
    }
}
