//! Gossip of a chain's two topics. The content of a message determines its id. A message is passed
//! on only after the driver has validated it.

use std::collections::HashSet;

use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter, Message,
    MessageAuthenticity, PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams,
    ValidationMode, WhitelistSubscriptionFilter,
};
use registry_core::codec;
use registry_core::crypto::{Hash, Purpose};

use super::NetError;
use super::event::{MessageId, Topic};
use super::limits::{
    GOSSIP_DECIDED_BYTES_MAX, GOSSIP_OPERATION_BYTES_MAX, GOSSIP_OVERHEAD_BYTES_MAX,
    GOSSIP_QUEUE_MAX,
};

/// The gossip protocol with the types that this node uses.
pub(crate) type Gossip = gossipsub::Behaviour<
    IdentityTransform,
    MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>,
>;

const TOPICS: [Topic; 2] = [Topic::Operations, Topic::Decided];

/// Score below which a peer's messages are not even decoded. Nine rejected messages at once reach
/// it.
pub(crate) const GRAYLIST_SCORE: f64 = -80.0;

/// Largest payload of a topic in bytes.
pub(crate) fn bytes_max(topic: Topic) -> usize {
    match topic {
        Topic::Operations => GOSSIP_OPERATION_BYTES_MAX,
        Topic::Decided => GOSSIP_DECIDED_BYTES_MAX,
    }
}

fn tag(topic: Topic) -> u8 {
    match topic {
        Topic::Operations => 0,
        Topic::Decided => 1,
    }
}

/// Names of one chain's topics, computed once.
#[derive(Clone)]
pub(crate) struct Topics {
    operations: IdentTopic,
    decided: IdentTopic,
}

impl Topics {
    pub(crate) fn new(chain: &Hash) -> Self {
        let chain = codec::hex(&chain.0[..8]);
        let name = |topic: &str| IdentTopic::new(format!("idem/{chain}/{topic}"));
        Self { operations: name("operations"), decided: name("decided") }
    }

    pub(crate) fn name(&self, topic: Topic) -> &IdentTopic {
        match topic {
            Topic::Operations => &self.operations,
            Topic::Decided => &self.decided,
        }
    }

    pub(crate) fn topic(&self, hash: &TopicHash) -> Option<Topic> {
        let named = |topic: &Topic| self.name(*topic).hash() == *hash;
        TOPICS.into_iter().find(named)
    }
}

/// Computes the id of a message from the chain, one byte for the topic, and the payload
/// (docs/protocol/network.md).
pub fn message_id(chain: &Hash, topic: Topic, bytes: &[u8]) -> MessageId {
    Hash::of(Purpose::Gossip, &[&chain.0, &[tag(topic)], bytes])
}

/// Builds the gossip protocol, subscribed to both topics.
pub(crate) fn behaviour(chain: Hash) -> Result<Gossip, NetError> {
    let refused = |reason: &dyn ToString| NetError::Gossip { reason: reason.to_string() };
    let topics = Topics::new(&chain);
    let known = topics.clone();
    let id_of = move |message: &Message| {
        // Messages on unknown topics are dropped later, but each needs an id of its own until then.
        let tag = known.topic(&message.topic).map_or(u8::MAX, tag);
        let id = Hash::of(Purpose::Gossip, &[&chain.0, &[tag], &message.data]);
        gossipsub::MessageId::from(id.0.to_vec())
    };
    // This is more than any topic allows. A frame above this size ends the stream and blames
    // nobody; a message above its topic's limit counts against its sender.
    let frame_bytes_max = 2 * GOSSIP_DECIDED_BYTES_MAX.max(GOSSIP_OPERATION_BYTES_MAX);
    let mut config = ConfigBuilder::default();
    config
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(id_of)
        .max_transmit_size(frame_bytes_max)
        .connection_handler_queue_len(GOSSIP_QUEUE_MAX)
        .flood_publish(false);
    for topic in TOPICS {
        let size = bytes_max(topic) + GOSSIP_OVERHEAD_BYTES_MAX;
        config.max_transmit_size_for_topic(size, topics.name(topic).hash());
    }
    let config = config.build().map_err(|error| refused(&error))?;
    let allowed: HashSet<_> = TOPICS.iter().map(|topic| topics.name(*topic).hash()).collect();
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(allowed),
        max_subscribed_topics: TOPICS.len(),
        max_subscriptions_per_request: TOPICS.len(),
    };
    let mut gossip =
        Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
            .map_err(|error| refused(&error))?;
    gossip.with_peer_score(scores(&topics), thresholds()).map_err(|error| refused(&error))?;
    for topic in TOPICS {
        gossip.subscribe(topics.name(topic)).map_err(|error| refused(&error))?;
    }
    Ok(gossip)
}

/// Scores of peers. Only misbehaviour counts. Time and first deliveries earn nothing, because a
/// flooder could save up such credit. Few deliveries cost nothing, because a quiet network is no
/// fault, and neither does a shared IP address, because test networks have one.
fn scores(topics: &Topics) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // The penalty is the square of the number of invalid messages; a tenth of the number is
        // forgiven each second.
        invalid_message_deliveries_weight: -1.0,
        invalid_message_deliveries_decay: 0.9,
        ..TopicScoreParams::default()
    };
    let scored = TOPICS.iter().map(|t| (topics.name(*t).hash(), topic.clone()));
    PeerScoreParams {
        topics: scored.collect(),
        ip_colocation_factor_weight: 0.0,
        slow_peer_weight: 0.0,
        // Under load peers break promises to deliver a message. More than a hundred broken promises
        // within seconds are no accident.
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: 100.0,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -10.0,
        publish_threshold: -50.0,
        graylist_threshold: GRAYLIST_SCORE,
        ..PeerScoreThresholds::default()
    }
}
