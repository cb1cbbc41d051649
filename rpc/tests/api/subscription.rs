//! Tests of the subscription to blocks: past blocks, live blocks, and the end of a subscription.

use crate::common::client::{Server, config};
use crate::common::websocket::WebSocket;
use jsonrpsee::core::client::{Error, Subscription, SubscriptionClientT};
use jsonrpsee::ws_client::WsClient;
use serde_json::{Value, json};

async fn subscribe(client: &WsClient, params: Value) -> Result<Subscription<Value>, Error> {
    let mut named = jsonrpsee::core::params::ObjectParams::new();
    for (name, value) in params.as_object().expect("an object") {
        named.insert(name, value).expect("JSON");
    }
    client.subscribe("ledger_subscribeBlocks", named, "ledger_unsubscribeBlocks").await
}

async fn next(subscription: &mut Subscription<Value>) -> Value {
    subscription.next().await.expect("open").expect("a block")
}

fn reason(result: Result<Subscription<Value>, Error>) -> String {
    match result {
        Err(Error::Call(error)) => {
            let data: Value =
                serde_json::from_str(error.data().expect("data").get()).expect("JSON");
            data["name"].as_str().expect("a name").to_owned()
        }
        other => panic!("must be refused, got {other:?}"),
    }
}

#[tokio::test]
async fn the_past_comes_first_then_every_block_once() {
    let server = Server::start().await;
    server.ledger.commit();
    server.ledger.commit();
    let client = server.ws().await;
    let mut from_genesis = subscribe(&client, json!({ "cursor": 0 })).await.expect("accepted");
    let mut live = subscribe(&client, json!({})).await.expect("accepted");
    for height in 0..3 {
        let block = next(&mut from_genesis).await;
        assert_eq!(block["height"], height);
        assert_eq!(block["header"]["height"], height);
    }
    for height in 3..6 {
        let head = server.ledger.commit();
        let block = next(&mut from_genesis).await;
        assert_eq!(block["height"], height);
        assert_eq!(block["hash"], head.hash.to_string());
        assert_eq!(block["certificate"]["value"], head.hash.to_string());
        assert_eq!(next(&mut live).await, block);
    }
    live.unsubscribe().await.expect("unsubscribed");
}

#[tokio::test]
async fn a_cursor_out_of_reach_is_refused_by_name() {
    let server = Server::start().await;
    for _ in 0..3 {
        server.ledger.commit();
    }
    server.ledger.prune(2);
    let client = server.ws().await;
    assert_eq!(reason(subscribe(&client, json!({ "cursor": 5 })).await), "FutureCursor");
    assert_eq!(reason(subscribe(&client, json!({ "cursor": 1 })).await), "OutdatedCursor");
    assert!(subscribe(&client, json!({ "cursor": 2 })).await.is_ok());
    assert!(subscribe(&client, json!({ "cursor": 4 })).await.is_ok());
}

#[tokio::test]
async fn a_pruned_block_ends_a_subscription_with_its_reason_and_cursor() {
    let server = Server::start().await;
    let mut socket = WebSocket::open(server.running.public).await;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"ledger_subscribeBlocks","params":[1]}"#;
    socket.send(request).await;
    assert!(socket.receive().await["result"].is_u64());
    server.ledger.prune(9);
    server.ledger.commit();
    let closing = socket.receive().await;
    assert_eq!(closing["method"], "ledger_blocks");
    let error = &closing["params"]["error"];
    assert_eq!(error["code"], 3011);
    assert_eq!(error["reason"], "OutdatedCursor");
    assert_eq!(error["cursor"], 1);
}

#[tokio::test]
async fn a_connection_has_so_many_subscriptions() {
    let mut config = config();
    config.limits.subscriptions_per_connection_max = 2;
    let server = Server::with(config).await;
    let client = server.ws().await;
    let _first = subscribe(&client, json!({})).await.expect("accepted");
    let second = subscribe(&client, json!({})).await.expect("accepted");
    let third = subscribe(&client, json!({})).await;
    assert!(matches!(third, Err(Error::Call(error)) if error.code() == -32006));
    second.unsubscribe().await.expect("unsubscribed");
    assert!(subscribe(&client, json!({})).await.is_ok());
}

#[tokio::test]
async fn http_has_no_subscriptions() {
    let server = Server::start().await;
    let error = server.call("ledger_subscribeBlocks", json!({})).await;
    assert!(error.is_err());
}
