//! Gossip in the network task: it publishes messages, passes messages of peers to the driver, and
//! cuts peers that misbehave.

use std::time::Instant;

use libp2p::PeerId;
use libp2p::gossipsub::{self, Message, MessageAcceptance, PublishError};
use registry_core::crypto::Hash;

use super::Task;
use crate::net::event::{Acceptance, CutReason, MessageId, NetEvent, Topic};
use crate::net::gossip::GRAYLIST_SCORE;
use crate::net::limits::{EVENTS_KEPT_FROM_GOSSIP, GOSSIP_UNSENT_MAX};

impl Task {
    pub(super) fn publish(&mut self, topic: Topic, bytes: Vec<u8>) {
        let name = self.topics.name(topic).hash();
        match self.swarm.behaviour_mut().gossip.publish(name, bytes.clone()) {
            Ok(_) => {
                self.shared.metrics.gossip_out.inc();
            }
            Err(PublishError::NoPeersSubscribedToTopic) => {
                if self.unsent.len() >= GOSSIP_UNSENT_MAX && self.unsent.pop_front().is_some() {
                    self.shared.metrics.gossip_unpublished.inc();
                }
                self.unsent.push_back((topic, bytes));
            }
            Err(error) => {
                tracing::debug!(?topic, %error, "gossip message not published");
                self.shared.metrics.gossip_unpublished.inc();
            }
        }
    }

    pub(super) fn report(&mut self, id: MessageId, source: PeerId, acceptance: Acceptance) {
        let result = match acceptance {
            Acceptance::Accept => MessageAcceptance::Accept,
            Acceptance::Ignore => MessageAcceptance::Ignore,
            Acceptance::Reject => MessageAcceptance::Reject,
        };
        let message = gossipsub::MessageId::from(id.0.to_vec());
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.report_message_validation_result(&message, &source, result);
        if acceptance == Acceptance::Reject {
            self.shared.metrics.gossip_rejected.inc();
            let now = Instant::now();
            if self.policy.account(source, now).rejects.take(1, now).is_err() {
                self.cut(source, CutReason::Flood { what: "rejected gossip messages" });
            }
        }
    }

    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                self.on_message(propagation_source, &message_id, message);
            }
            gossipsub::Event::Subscribed { .. } => {
                for (topic, bytes) in std::mem::take(&mut self.unsent) {
                    self.publish(topic, bytes);
                }
            }
            _ => {}
        }
    }

    fn on_message(&mut self, source: PeerId, id: &gossipsub::MessageId, message: Message) {
        let id = <[u8; 32]>::try_from(id.0.as_slice()).map(Hash);
        let topic = self.topics.topic(&message.topic);
        let (Ok(id), Some(topic)) = (id, topic) else { return };
        self.shared.metrics.gossip_in.inc();
        let now = Instant::now();
        if self.policy.is_blocked(&source) {
            self.report(id, source, Acceptance::Ignore);
        } else if self.policy.account(source, now).gossip.take(1, now).is_err() {
            self.report(id, source, Acceptance::Ignore);
            self.cut(source, CutReason::Flood { what: "gossip messages" });
        } else if self.events.capacity() < EVENTS_KEPT_FROM_GOSSIP {
            self.shared.metrics.gossip_overload.inc();
            self.report(id, source, Acceptance::Ignore);
        } else {
            self.emit(NetEvent::Gossip { topic, id, source, bytes: message.data });
        }
    }

    /// Cuts peers whose gossip score is so low that the gossip protocol ignores them.
    pub(super) fn cut_graylisted(&mut self, peers: impl Iterator<Item = PeerId>) {
        for peer in peers {
            let score = self.swarm.behaviour().gossip.peer_score(&peer);
            if let Some(score) = score.filter(|score| *score <= GRAYLIST_SCORE) {
                self.cut(peer, CutReason::Score { score: score.round() as i64 });
            }
        }
    }
}
