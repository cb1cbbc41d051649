//! The validator mesh.

use rpc::bucket::Rate;

use super::*;
use crate::net::limits::{OUTBOX_FRAMES_MAX, VALIDATOR_FRAME_BYTES_MAX};

/// Starts nodes that are one another's validators and dial one another, all connected.
async fn mesh(limits: Limits, size: usize) -> Vec<Node> {
    let configs: Vec<NetConfig> = (0..size).map(|_| NetConfig { limits, ..config() }).collect();
    let mut set: Vec<PeerAddress> = configs.iter().map(|c| by_id(peer_of(c))).collect();
    let mut nodes: Vec<Node> = Vec::new();
    for (place, config) in configs.into_iter().enumerate() {
        let mut node = start(NetConfig { validators: set.clone(), ..config }).await;
        set[place] = node.address();
        node.all_connected(nodes.iter().map(Node::peer).collect()).await;
        for other in &mut nodes {
            other.connected(node.peer()).await;
        }
        nodes.push(node);
    }
    nodes
}

#[tokio::test]
async fn every_validator_hears_every_other_in_order() {
    let mut nodes = mesh(Limits::default(), 4).await;
    for node in &nodes {
        for count in 0_u8..20 {
            node.handle.broadcast_validators(Frame::from([count])).unwrap();
        }
    }
    let peers: Vec<PeerId> = nodes.iter().map(Node::peer).collect();
    for node in &mut nodes {
        let mut heard = std::collections::BTreeMap::<PeerId, Vec<u8>>::new();
        for _ in 0..60 {
            let (peer, bytes) = node.frame().await;
            heard.entry(peer).or_default().extend(bytes);
        }
        let local = node.peer();
        for peer in peers.iter().filter(|peer| **peer != local) {
            assert_eq!(heard[peer], (0..20).collect::<Vec<u8>>());
        }
        assert!(node.handle.peers().iter().all(|info| info.validator));
    }
}

#[tokio::test]
async fn a_frame_of_the_largest_size_passes_and_a_larger_one_is_not_taken() {
    let mut nodes = mesh(Limits::default(), 2).await;
    let mut second = nodes.pop().unwrap();
    let first = nodes.pop().unwrap();
    let largest = vec![5; VALIDATOR_FRAME_BYTES_MAX];
    first.handle.send_validator(&second.peer(), largest.clone().into()).unwrap();
    assert_eq!(second.frame().await, (first.peer(), largest));
    let over = vec![5; VALIDATOR_FRAME_BYTES_MAX + 1];
    let error = first.handle.send_validator(&second.peer(), over.into()).unwrap_err();
    assert_eq!(error.to_string(), "validator frame of 164865 bytes, at most 164864 are allowed");
}

#[tokio::test]
async fn frames_wait_for_a_validator_that_is_not_there_and_the_oldest_are_dropped() {
    let (first, second) = (config(), config());
    let set = vec![by_id(peer_of(&first)), by_id(peer_of(&second))];
    let first = start(NetConfig { validators: set.clone(), ..first }).await;
    for count in 0..OUTBOX_FRAMES_MAX + 5 {
        first.handle.broadcast_validators(count.to_be_bytes().into()).unwrap();
    }
    assert_eq!(first.handle.metrics().frames_dropped.get(), 5);
    let peers = vec![first.address()];
    let mut second = start(NetConfig { validators: set, peers, ..second }).await;
    for count in 5..OUTBOX_FRAMES_MAX + 5 {
        assert_eq!(second.frame().await.1, count.to_be_bytes());
    }
}

#[tokio::test]
async fn a_validator_added_at_run_time_is_heard_and_a_removed_one_is_not() {
    let (mut first, second) = pair(config(), config()).await;
    let set = vec![first.address(), second.address()];
    let error = second.handle.send_validator(&first.peer(), Frame::from([1])).unwrap_err();
    assert_eq!(error, SendError::NotAValidator { peer: first.peer() });
    // The first refuses streams of the second until it has been told as well.
    second.handle.set_validators(set.clone());
    first.handle.set_validators(set);
    second.handle.send_validator(&first.peer(), Frame::from([2])).unwrap();
    assert_eq!(first.frame().await, (second.peer(), vec![2]));
    first.handle.set_validators(Vec::new());
    second.handle.send_validator(&first.peer(), Frame::from([3])).unwrap();
    let refused = || first.handle.metrics().streams_refused.get();
    let before = refused();
    let another = async {
        while refused() == before {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, another).await.expect("another stream is refused");
    assert!(first.events.try_recv().is_err(), "a frame came through");
}

#[tokio::test]
async fn a_validator_that_floods_is_cut_and_the_others_go_on() {
    let limits =
        Limits { validator_frames: Rate { per_second: 1, burst: 10 }, ..Limits::default() };
    let mut nodes = mesh(limits, 3).await;
    let flooder = nodes.pop().unwrap();
    let mut second = nodes.pop().unwrap();
    let mut first = nodes.pop().unwrap();
    for _ in 0..50 {
        flooder.handle.send_validator(&first.peer(), Frame::from([9])).unwrap();
    }
    let (peer, reason) = first.cut().await;
    assert_eq!((peer, reason), (flooder.peer(), CutReason::Flood { what: "validator frames" }));
    first.disconnected(flooder.peer()).await;
    second.handle.send_validator(&first.peer(), Frame::from([1])).unwrap();
    assert_eq!(first.frame().await, (second.peer(), vec![1]));
    first.handle.send_validator(&second.peer(), Frame::from([2])).unwrap();
    assert_eq!(second.frame().await, (first.peer(), vec![2]));
    assert!(first.handle.peers().iter().all(|info| info.peer != flooder.peer()));
}
