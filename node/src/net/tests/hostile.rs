//! Peers that pass the handshake and then break the protocols.

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, MessageAuthenticity, PublishError, ValidationMode,
};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::Stream;

use super::*;
use crate::net::limits::{GOSSIP_OPERATION_BYTES_MAX, REQUEST_BYTES_MAX};
use crate::net::request::{Codec, PROTOCOL, PeerRequest};
use crate::net::streams::{StreamEvent, Streams};

async fn open(hostile: &mut Hostile<Streams>, to: PeerId) -> Stream {
    hostile.swarm.behaviour_mut().open(to);
    let opened = |event| match event {
        SwarmEvent::Behaviour((_, StreamEvent::Opened(stream))) => Some(stream),
        _ => None,
    };
    hostile.until("validator stream", opened).await
}

/// A victim that is a validator, and the identity of another one.
async fn victim() -> (Node, NetConfig) {
    let (victim, other) = (config(), config());
    let validators = vec![by_id(peer_of(&victim)), by_id(peer_of(&other))];
    (start(NetConfig { validators, ..victim }).await, other)
}

#[tokio::test]
async fn frames_of_a_peer_outside_the_validator_set_are_refused() {
    let (mut victim, validator) = victim().await;
    let stranger = config();
    let mut hostile = Hostile::new(&stranger.identity, Streams::default());
    hostile.connect(&victim.address()).await;
    let mut stream = open(&mut hostile, victim.peer()).await;
    hostile.release();
    let frame = [0, 0, 0, 1, 7];
    // The stream may be closed already while it is written.
    if stream.write_all(&frame).await.is_ok() {
        let _ = stream.flush().await;
    }
    let ended = timeout(DEADLINE, stream.read(&mut [0; 1])).await.expect("the stream ends");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert_eq!(victim.handle.metrics().streams_refused.get(), 1);

    let mut honest = Hostile::new(&validator.identity, Streams::default());
    honest.connect(&victim.address()).await;
    let mut stream = open(&mut honest, victim.peer()).await;
    honest.release();
    stream.write_all(&frame).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(victim.frame().await, (peer_of(&validator), vec![7]));
}

#[tokio::test]
async fn a_frame_that_claims_too_much_cuts_its_sender() {
    let (mut victim, validator) = victim().await;
    let mut hostile = Hostile::new(&validator.identity, Streams::default());
    hostile.connect(&victim.address()).await;
    let mut stream = open(&mut hostile, victim.peer()).await;
    stream.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    hostile.closed().await;
    let (peer, reason) = victim.cut().await;
    assert_eq!(peer, peer_of(&validator));
    assert!(matches!(reason, CutReason::TooLarge { bytes: 0xffff_ffff, .. }), "{reason}");
}

#[tokio::test]
async fn a_newer_stream_replaces_the_older_one() {
    let (mut victim, validator) = victim().await;
    let mut hostile = Hostile::new(&validator.identity, Streams::default());
    hostile.connect(&victim.address()).await;
    let mut older = open(&mut hostile, victim.peer()).await;
    older.write_all(&[0, 0, 0, 1, 1]).await.unwrap();
    older.flush().await.unwrap();
    assert_eq!(victim.frame().await.1, [1]);
    let mut newer = open(&mut hostile, victim.peer()).await;
    hostile.release();
    newer.write_all(&[0, 0, 0, 1, 2]).await.unwrap();
    newer.flush().await.unwrap();
    assert_eq!(victim.frame().await.1, [2]);
    let ended = timeout(DEADLINE, older.read(&mut [0; 1])).await.expect("the older stream ends");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[tokio::test]
async fn frames_go_to_the_newest_connection_of_a_peer_that_came_back() {
    let (victim, validator) = victim().await;
    let accepted = |event| match event {
        SwarmEvent::Behaviour((_, StreamEvent::Accepted(stream))) => Some(stream),
        _ => None,
    };
    // The peer's host loses its state without closing anything.
    let mut lost = Hostile::new(&validator.identity, Streams::default());
    lost.connect(&victim.address()).await;
    let _dead = lost.until("stream of the victim", accepted).await;
    let mut again = Hostile::new(&validator.identity, Streams::default());
    again.connect(&victim.address()).await;
    let mut stream = again.until("another stream of the victim", accepted).await;
    again.release();
    victim.handle.broadcast_validators(Frame::from([4])).unwrap();
    let mut frame = [0; 5];
    timeout(DEADLINE, stream.read_exact(&mut frame)).await.expect("a frame").unwrap();
    assert_eq!(frame, [0, 0, 0, 1, 4]);
}

#[tokio::test]
async fn a_peer_that_opens_streams_in_a_loop_is_cut() {
    let (mut victim, validator) = victim().await;
    let mut hostile = Hostile::new(&validator.identity, Streams::default());
    hostile.connect(&victim.address()).await;
    hostile.swarm.behaviour_mut().open(victim.peer());
    let closed = async {
        loop {
            match hostile.swarm.select_next_some().await {
                SwarmEvent::Behaviour(_) => {
                    hostile.swarm.behaviour_mut().open(victim.peer());
                }
                SwarmEvent::ConnectionClosed { .. } => break,
                _ => {}
            }
        }
    };
    timeout(DEADLINE, closed).await.expect("the connection ends");
    let (_, reason) = victim.cut().await;
    assert_eq!(reason, CutReason::Flood { what: "validator streams" });
}

#[tokio::test]
async fn a_request_that_claims_too_much_cuts_its_sender() {
    let mut victim = start(config()).await;
    let stranger = config();
    let protocols = [(PROTOCOL, ProtocolSupport::Full)];
    let behaviour = request_response::Behaviour::<Codec>::new(protocols, Default::default());
    let mut hostile = Hostile::new(&stranger.identity, behaviour);
    hostile.connect(&victim.address()).await;
    let request = PeerRequest::Whole(vec![1; REQUEST_BYTES_MAX + 1]);
    hostile.swarm.behaviour_mut().send_request(&victim.peer(), request);
    hostile.closed().await;
    let (peer, reason) = victim.cut().await;
    assert_eq!(peer, peer_of(&stranger));
    assert!(matches!(reason, CutReason::TooLarge { what: "request", .. }), "{reason}");
}

/// A gossip peer without limits of its own.
fn gossiper(stranger: &NetConfig) -> Hostile<gossipsub::Behaviour> {
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .max_transmit_size(1024 * 1024)
        .message_id_fn(|message| gossipsub::MessageId::from(message.data.clone()))
        .build()
        .unwrap();
    let gossip = gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config).unwrap();
    Hostile::new(&stranger.identity, gossip)
}

async fn subscribed(hostile: &mut Hostile<gossipsub::Behaviour>, victim: &Node) -> IdentTopic {
    let topic = IdentTopic::new("idem/0707070707070707/operations");
    hostile.connect(&victim.address()).await;
    let wanted = topic.hash();
    let subscription = |event| match event {
        SwarmEvent::Behaviour(gossipsub::Event::Subscribed { topic, .. }) if topic == wanted => {
            Some(())
        }
        _ => None,
    };
    hostile.until("subscription", subscription).await;
    topic
}

#[tokio::test]
async fn oversize_gossip_is_not_delivered_and_its_sender_is_cut() {
    let mut victim = start(config()).await;
    let stranger = config();
    let mut hostile = gossiper(&stranger);
    let topic = subscribed(&mut hostile, &victim).await;
    for count in 0_u8..20 {
        let payload = vec![count; GOSSIP_OPERATION_BYTES_MAX + 1024];
        hostile.swarm.behaviour_mut().publish(topic.clone(), payload).unwrap();
    }
    hostile.closed().await;
    loop {
        match victim.next("cut").await {
            NetEvent::Gossip { .. } => panic!("an oversize message was delivered"),
            NetEvent::PeerCut { peer, reason } => {
                assert_eq!(peer, peer_of(&stranger));
                assert!(matches!(reason, CutReason::Score { .. }), "{reason}");
                break;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn other_topics_are_not_subscribed_to() {
    let mut victim = start(config()).await;
    let mut hostile = gossiper(&config());
    let topic = subscribed(&mut hostile, &victim).await;
    let other = IdentTopic::new("idem/0707070707070707/other");
    let refused = hostile.swarm.behaviour_mut().publish(other, b"x".to_vec());
    assert!(matches!(refused, Err(PublishError::NoPeersSubscribedToTopic)), "{refused:?}");
    hostile.swarm.behaviour_mut().publish(topic, b"y".to_vec()).unwrap();
    hostile.release();
    assert_eq!(victim.gossip().await.3, b"y");
}
