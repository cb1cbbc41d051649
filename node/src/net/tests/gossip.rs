//! Gossip and its validation.

use rpc::bucket::Rate;

use super::*;
use crate::net::limits::{GOSSIP_DECIDED_BYTES_MAX, GOSSIP_OPERATION_BYTES_MAX};

/// Three nodes in a line: the outer ones may only talk to the middle one.
async fn line(limits: Limits) -> (Node, Node, Node) {
    let middle = config();
    let allow = Some(vec![peer_of(&middle)]);
    let mut middle = start(NetConfig { limits, ..middle }).await;
    let outer = || NetConfig { allow: allow.clone(), peers: vec![middle.address()], ..config() };
    let (first, last) = (outer(), outer());
    let (first, last) = (start(first).await, start(last).await);
    middle.all_connected(vec![first.peer(), last.peer()]).await;
    (first, middle, last)
}

#[tokio::test]
async fn an_accepted_message_travels_on_and_a_rejected_or_ignored_one_does_not() {
    let (first, mut middle, mut last) = line(Limits::default()).await;
    let acceptances = [
        (b"rejected".to_vec(), Acceptance::Reject),
        (b"ignored".to_vec(), Acceptance::Ignore),
        (b"accepted".to_vec(), Acceptance::Accept),
    ];
    for (payload, acceptance) in &acceptances {
        let sent = first.handle.publish(Topic::Operations, payload.clone()).unwrap();
        let (topic, id, source, bytes) = middle.gossip().await;
        assert_eq!((topic, id, source), (Topic::Operations, sent, first.peer()));
        assert_eq!(&bytes, payload);
        assert_eq!(id, message_id(&CHAIN, Topic::Operations, payload));
        middle.handle.report(id, source, *acceptance).unwrap();
    }
    let (_, id, source, bytes) = last.gossip().await;
    assert_eq!((source, bytes.as_slice()), (middle.peer(), b"accepted".as_slice()));
    last.handle.report(id, source, Acceptance::Accept).unwrap();
    // Held back messages would have come before this one, on the same stream.
    let sent = middle.handle.publish(Topic::Decided, b"header".to_vec()).unwrap();
    let (topic, id, _, _) = last.gossip().await;
    assert_eq!((topic, id), (Topic::Decided, sent));
    assert_eq!(middle.handle.metrics().gossip_rejected.get(), 1);
}

#[tokio::test]
async fn messages_of_the_largest_sizes_pass_and_larger_ones_are_not_taken() {
    let (mut first, second) = pair(config(), config()).await;
    let sizes = [
        (Topic::Operations, GOSSIP_OPERATION_BYTES_MAX),
        (Topic::Decided, GOSSIP_DECIDED_BYTES_MAX),
    ];
    for (topic, bytes_max) in sizes {
        let largest = vec![3; bytes_max];
        second.handle.publish(topic, largest.clone()).unwrap();
        assert_eq!(first.gossip().await.3, largest);
        let error = second.handle.publish(topic, vec![3; bytes_max + 1]).unwrap_err();
        let bytes = bytes_max + 1;
        assert_eq!(error, SendError::TooLarge { what: "gossip message", bytes, bytes_max });
    }
}

#[tokio::test]
async fn one_message_from_two_peers_arrives_once() {
    let (first, mut middle, last) = line(Limits::default()).await;
    first.handle.publish(Topic::Operations, b"same".to_vec()).unwrap();
    assert_eq!(middle.gossip().await.3, b"same");
    last.handle.publish(Topic::Operations, b"same".to_vec()).unwrap();
    last.handle.publish(Topic::Operations, b"other".to_vec()).unwrap();
    assert_eq!(middle.gossip().await.3, b"other");
}

#[tokio::test]
async fn what_is_published_without_peers_reaches_the_first_one() {
    let mut first = start(config()).await;
    let second = config();
    let peers = vec![first.address()];
    let second = start(NetConfig { peers, ..second }).await;
    second.handle.publish(Topic::Operations, b"early".to_vec()).unwrap();
    assert_eq!(first.gossip().await.3, b"early");
}

#[tokio::test]
async fn a_peer_whose_messages_are_rejected_again_and_again_is_cut() {
    let (first, mut middle, mut last) = line(Limits::default()).await;
    for count in 0_u8..20 {
        first.handle.publish(Topic::Operations, vec![count]).unwrap();
    }
    let mut rejected = 0;
    let reason = loop {
        match middle.next("cut").await {
            NetEvent::Gossip { id, source, .. } => {
                rejected += 1;
                middle.handle.report(id, source, Acceptance::Reject).unwrap();
            }
            NetEvent::PeerCut { peer, reason } => {
                assert_eq!(peer, first.peer());
                break reason;
            }
            _ => {}
        }
    };
    assert_eq!(reason, CutReason::Flood { what: "rejected gossip messages" });
    assert!(rejected > 8, "{rejected} rejected");
    middle.disconnected(first.peer()).await;
    last.handle.publish(Topic::Operations, b"still here".to_vec()).unwrap();
    assert_eq!(middle.gossip().await.3, b"still here");
    middle.handle.publish(Topic::Operations, b"you too".to_vec()).unwrap();
    assert_eq!(last.gossip().await.3, b"you too");
}

#[tokio::test]
async fn a_peer_that_floods_is_cut_and_the_others_go_on() {
    let limits = Limits { gossip: Rate { per_second: 1, burst: 10 }, ..Limits::default() };
    let (first, mut middle, last) = line(limits).await;
    for count in 0_u8..30 {
        first.handle.publish(Topic::Operations, vec![count]).unwrap();
    }
    let (peer, reason) = middle.cut().await;
    assert_eq!((peer, reason), (first.peer(), CutReason::Flood { what: "gossip messages" }));
    middle.disconnected(first.peer()).await;
    last.handle.publish(Topic::Operations, b"still here".to_vec()).unwrap();
    assert_eq!(middle.gossip().await.3, b"still here");
}

#[tokio::test]
async fn a_peer_that_sends_more_bytes_than_allowed_is_cut() {
    let inbound_bytes = Rate { per_second: 1, burst: 64 * 1024 };
    let limits = Limits { inbound_bytes, ..Limits::default() };
    let (first, mut middle, _last) = line(limits).await;
    for count in 0_u8..8 {
        first.handle.publish(Topic::Operations, vec![count; 16 * 1024]).unwrap();
    }
    let (peer, reason) = middle.cut().await;
    assert_eq!((peer, reason), (first.peer(), CutReason::Flood { what: "bytes" }));
}
