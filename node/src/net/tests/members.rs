//! Who becomes a member, and stays one.

use std::time::Instant;

use super::*;
use crate::net::limits::{CONNECTIONS_PER_PEER_MAX, ESTABLISHED_INBOUND_MAX};
use crate::net::streams::Streams;

#[tokio::test]
async fn members_learn_each_others_version_and_addresses() {
    let mut first = start(config()).await;
    let mut second = config();
    second.peers.push(first.address());
    second.version = "é".repeat(60);
    let second = start(second).await;
    let connected = |event: &NetEvent| match event {
        NetEvent::PeerConnected { peer, addresses, version } => {
            Some((*peer, addresses.clone(), version.clone()))
        }
        _ => None,
    };
    let (peer, addresses, version) = first.until("connection", connected).await;
    assert_eq!(peer, second.peer());
    assert_eq!(addresses, second.address().addresses);
    assert_eq!(version, "é".repeat(32), "cut to 64 bytes, at a character");
    let peers = first.handle.peers();
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].direction, Direction::Inbound);
    assert!(!peers[0].validator);
    assert_eq!(first.handle.metrics().peers.get(), 1);
}

#[tokio::test]
async fn a_peer_of_another_chain_is_refused_on_both_sides_by_name() {
    let mut first = start(config()).await;
    let other = Hash([8; 32]);
    let mut second = NetConfig { chain: other, ..config() };
    second.peers.push(first.address());
    let mut second = start(second).await;
    let (peer, reason) = first.cut().await;
    assert_eq!(peer, second.peer());
    assert_eq!(reason, CutReason::OtherChain { expected: CHAIN, actual: other });
    let (peer, reason) = second.cut().await;
    assert_eq!(peer, first.peer());
    assert_eq!(reason, CutReason::OtherChain { expected: other, actual: CHAIN });
    assert!(first.handle.peers().is_empty());
    assert!(first.handle.metrics().other_chain.get() > 0);
}

#[tokio::test]
async fn a_peer_outside_the_allow_list_is_not_let_in() {
    let (friend, stranger) = (config(), config());
    let mut first = start(NetConfig { allow: Some(vec![peer_of(&friend)]), ..config() }).await;
    let mut hostile = Hostile::new(&stranger.identity, Streams::default());
    hostile.connect(&first.address()).await;
    hostile.closed().await;
    let mut friend = NetConfig { peers: vec![first.address()], ..friend };
    friend.peers.push(PeerAddress { peer: PeerId::random(), addresses: vec![nowhere()] });
    let friend = start(friend).await;
    let event = first.next("connection").await;
    assert!(matches!(event, NetEvent::PeerConnected { peer, .. } if peer == friend.peer()));
}

#[tokio::test]
async fn a_member_is_found_through_another_member() {
    let (mut first, middle) = pair(config(), config()).await;
    let last = start(NetConfig { peers: vec![middle.address()], ..config() }).await;
    first.connected(last.peer()).await;
}

#[tokio::test]
async fn a_peer_that_restarts_on_its_port_is_connected_again() {
    let (mut first, second) = (config(), config());
    let set = vec![by_id(peer_of(&first)), by_id(peer_of(&second))];
    first.validators = set.clone();
    let mut second = start(NetConfig { validators: set.clone(), ..second }).await;
    first.peers.push(second.address());
    let mut first = start(first).await;
    for round in 0_u8..3 {
        first.connected(second.peer()).await;
        first.handle.send_validator(&second.peer(), Frame::from([round])).unwrap();
        assert_eq!(second.frame().await, (first.peer(), vec![round]));
        second.handle.send_validator(&first.peer(), Frame::from([round])).unwrap();
        assert_eq!(first.frame().await, (second.peer(), vec![round]));
        let again = NetConfig {
            listen: second.address().addresses,
            identity: second.identity.clone(),
            validators: set.clone(),
            ..config()
        };
        second.handle.shutdown().await;
        first.disconnected(second.peer()).await;
        second = start(again).await;
    }
}

#[tokio::test]
async fn the_connections_of_one_peer_are_bounded() {
    let mut first = start(config()).await;
    let stranger = config();
    let mut hostile = Hostile::new(&stranger.identity, Streams::default());
    for _ in 0..CONNECTIONS_PER_PEER_MAX {
        hostile.connect(&first.address()).await;
    }
    first.connected(peer_of(&stranger)).await;
    // The hostile side has the same limit, so the next connection needs another swarm.
    let mut twin = Hostile::new(&stranger.identity, Streams::default());
    twin.connect(&first.address()).await;
    twin.closed().await;
    assert_eq!(first.handle.peers().len(), 1);
}

#[tokio::test]
async fn strangers_in_every_place_do_not_keep_a_validator_out() {
    let (first, validator) = (config(), config());
    let validators = vec![by_id(peer_of(&first)), by_id(peer_of(&validator))];
    let mut first = start(NetConfig { validators, ..first }).await;
    let mut strangers = Vec::new();
    for _ in 0..=ESTABLISHED_INBOUND_MAX {
        let mut stranger = Hostile::new(&Keypair::generate_ed25519(), Streams::default());
        stranger.connect(&first.address()).await;
        first.connected(*stranger.swarm.local_peer_id()).await;
        strangers.push(stranger);
    }
    let mut late = Hostile::new(&Keypair::generate_ed25519(), Streams::default());
    late.connect(&first.address()).await;
    late.closed().await;
    let peers = vec![first.address()];
    let validator = start(NetConfig { peers, ..validator }).await;
    first.connected(validator.peer()).await;
}

#[tokio::test]
async fn a_peer_cut_by_the_layer_above_stays_out_for_the_block_time() {
    let block_time = Duration::from_millis(1500);
    let limits = Limits { block_time, ..Limits::default() };
    let (mut first, second) = pair(NetConfig { limits, ..config() }, config()).await;
    first.handle.cut(second.peer(), "it lied about a block").unwrap();
    let (peer, reason) = first.cut().await;
    let since = Instant::now();
    assert_eq!((peer, reason), (second.peer(), CutReason::Policy("it lied about a block")));
    first.disconnected(second.peer()).await;
    first.connected(second.peer()).await;
    assert!(since.elapsed() + Duration::from_millis(200) >= block_time, "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_taken_port_is_reported_with_its_address() {
    let first = start(config()).await;
    let taken = first.address().addresses;
    let error = spawn(NetConfig { listen: taken.clone(), ..config() }).await.err().unwrap();
    assert!(error.to_string().contains(&taken[0].to_string()), "{error}");
}

#[tokio::test]
async fn after_a_shutdown_events_end_and_commands_fail() {
    let (mut first, second) = pair(config(), config()).await;
    first.handle.shutdown().await;
    while timeout(DEADLINE, first.events.recv()).await.unwrap().is_some() {}
    let error = first.handle.request(second.peer(), vec![1]).unwrap_err();
    assert_eq!(error, SendError::Stopped);
}
