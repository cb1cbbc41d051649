//! Requests and answers.

use rpc::bucket::Rate;

use super::*;
use crate::net::limits::{REQUEST_BYTES_MAX, REQUESTS_PER_PEER_MAX, RESPONSE_BYTES_MAX};

impl Node {
    async fn outcome(&mut self, of: RequestId) -> Result<Vec<u8>, RequestFailure> {
        let found = |event: &NetEvent| match event {
            NetEvent::Response { id, bytes, .. } if *id == of => Some(Ok(bytes.clone())),
            NetEvent::RequestFailed { id, reason, .. } if *id == of => Some(Err(*reason)),
            _ => None,
        };
        self.until("outcome of a request", found).await
    }
}

#[tokio::test]
async fn the_largest_request_gets_the_largest_answer() {
    let (mut first, mut second) = pair(config(), config()).await;
    let question = vec![1; REQUEST_BYTES_MAX];
    let answer = vec![2; RESPONSE_BYTES_MAX];
    let id = second.handle.request(first.peer(), question.clone()).unwrap();
    assert_eq!(first.serve(answer.clone()).await, question);
    assert_eq!(second.outcome(id).await, Ok(answer));
    let error = second.handle.request(first.peer(), vec![1; REQUEST_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(error, SendError::TooLarge { what: "request", .. }), "{error}");
}

#[tokio::test]
async fn empty_questions_and_answers_are_fine() {
    let (mut first, mut second) = pair(config(), config()).await;
    let id = second.handle.request(first.peer(), Vec::new()).unwrap();
    assert!(first.serve(Vec::new()).await.is_empty());
    assert_eq!(second.outcome(id).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_request_without_an_answer_says_why() {
    let (mut first, mut second) = pair(config(), config()).await;
    let id = second.handle.request(PeerId::random(), vec![1]).unwrap();
    assert_eq!(second.outcome(id).await, Err(RequestFailure::NotConnected));
    let id = second.handle.request(first.peer(), vec![1]).unwrap();
    let event = first.next("request").await;
    assert!(matches!(&event, NetEvent::Request { .. }), "{event:?}");
    drop(event);
    assert_eq!(second.outcome(id).await, Err(RequestFailure::Refused));
    let id = second.handle.request(first.peer(), vec![1]).unwrap();
    let _unanswered = first.next("request").await;
    first.handle.shutdown().await;
    assert_eq!(second.outcome(id).await, Err(RequestFailure::Disconnected));
}

#[tokio::test]
async fn more_requests_to_one_peer_than_allowed_wait_for_nothing() {
    let (mut first, mut second) = pair(config(), config()).await;
    let peer = first.peer();
    let ask = |node: &Node| node.handle.request(peer, vec![1]).unwrap();
    let open: Vec<RequestId> = (0..REQUESTS_PER_PEER_MAX).map(|_| ask(&second)).collect();
    let over = ask(&second);
    assert_eq!(second.outcome(over).await, Err(RequestFailure::Busy));
    for _ in &open {
        first.serve(vec![2]).await;
    }
    for _ in &open {
        let answered = |e: &NetEvent| matches!(e, NetEvent::Response { .. }).then_some(());
        second.until("answer", answered).await;
    }
    let again = ask(&second);
    first.serve(vec![3]).await;
    assert_eq!(second.outcome(again).await, Ok(vec![3]));
}

#[tokio::test]
async fn a_peer_that_asks_too_often_is_cut() {
    let limits = Limits { requests: Rate { per_second: 1, burst: 3 }, ..Limits::default() };
    let (mut first, second) = pair(NetConfig { limits, ..config() }, config()).await;
    for _ in 0..5 {
        second.handle.request(first.peer(), vec![1]).unwrap();
    }
    let (peer, reason) = first.cut().await;
    assert_eq!((peer, reason), (second.peer(), CutReason::Flood { what: "requests" }));
    first.disconnected(second.peer()).await;
}
