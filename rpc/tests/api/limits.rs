//! Tests of the limits on size, number, rate and origin of requests, and of the admin listener.

use std::net::IpAddr;

use crate::common::client::{Server, config};
use crate::common::people::{Person, create};
use http::{Method, Request};
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use registry_core::codec::base64url;
use rpc::service::{Check, Reader};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STATUS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ledger_status"}"#;

fn batch(entries: usize) -> String {
    format!("[{}]", vec![STATUS; entries].join(","))
}

#[tokio::test]
async fn bodies_and_batches_are_bounded() {
    let server = Server::start().await;
    let fits = format!("{STATUS}{}", " ".repeat(256 * 1024 - STATUS.len()));
    assert_eq!(server.post(&fits).await.status, 200);
    let answer = server.post(&format!("{fits} ")).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["code"], -32007);
    let path = "/1.0/identifiers/did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let answer = server.send(false, Request::post(path), &" ".repeat(256 * 1024 + 1)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(server.post(&batch(20)).await.json().as_array().map(Vec::len), Some(20));
    assert_eq!(server.post(&batch(21)).await.json()["error"]["code"], -32010);
    let text = Request::post("/").header("content-type", "text/plain");
    assert_eq!(server.send(false, text, STATUS).await.status, 415);
}

#[tokio::test]
async fn an_address_has_a_rate() {
    let mut config = config();
    config.limits.requests_per_second_per_address = 1;
    config.limits.request_burst_per_address = 3;
    let server = Server::with(config).await;
    let two = server.post(&batch(2)).await;
    assert_eq!(two.json().as_array().map(Vec::len), Some(2), "two of three are spent");
    let over = server.post(&batch(2)).await;
    assert_eq!(over.json()["error"]["code"], 3006, "the batch needs two, one is left");
    let answer = server.get("/livez").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("ratelimit-limit"), "1");
    assert_eq!(answer.header("ratelimit-remaining"), "0");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let exposed = answer.header("access-control-expose-headers").to_owned();
    for name in ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
        assert!(exposed.contains(name), "a page cannot read {name}, only {exposed}");
    }
    let metrics = server.send(true, Request::get("/metrics"), "").await.text();
    assert!(metrics.contains("rpc_rate_limited_total 2"), "{metrics}");
}

#[tokio::test]
async fn each_call_on_a_websocket_counts() {
    let mut config = config();
    config.limits.requests_per_second_per_address = 1;
    config.limits.request_burst_per_address = 2;
    let server = Server::with(config).await;
    let client = server.ws().await;
    let first: Result<Value, _> = client.request("ledger_status", rpc_params![]).await;
    assert!(first.is_ok());
    let second: Result<Value, _> = client.request("ledger_status", rpc_params![]).await;
    let Err(jsonrpsee::core::ClientError::Call(error)) = second else { panic!("{second:?}") };
    assert_eq!(error.code(), 3006);
}

#[tokio::test]
async fn only_a_trusted_proxy_speaks_for_others() {
    let mut limited = config();
    limited.limits.requests_per_second_per_address = 1;
    limited.limits.request_burst_per_address = 1;
    let direct = Server::with(limited.clone()).await;
    let forged = |n: u8| format!("10.0.0.{n}");
    let get = async |server: &Server, forwarded: &str| {
        let headers = [("x-forwarded-for", forwarded)];
        server.request(Method::GET, "/livez", &headers).await.status.as_u16()
    };
    assert_eq!(get(&direct, &forged(1)).await, 200);
    assert_eq!(get(&direct, &forged(2)).await, 429, "a client cannot name itself");
    limited.trusted_proxies = vec![IpAddr::from([127, 0, 0, 1])];
    let proxied = Server::with(limited).await;
    assert_eq!(get(&proxied, &forged(1)).await, 200);
    assert_eq!(get(&proxied, &forged(2)).await, 200);
    assert_eq!(get(&proxied, &forged(1)).await, 429);
    assert_eq!(get(&proxied, "10.0.0.9, 10.0.0.1").await, 429, "the last hop counts");
    assert_eq!(get(&proxied, "10.0.0.3, 127.0.0.1").await, 200, "behind another trusted proxy");
}

async fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.running.public).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[tokio::test]
async fn connections_are_bounded_and_a_websocket_keeps_its_place() {
    let mut config = config();
    config.limits.connections_per_address_max = 2;
    let server = Server::with(config).await;
    let websocket = server.ws().await;
    let mut held = TcpStream::connect(server.running.public).await.expect("connected");
    held.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let mut start = [0; 12];
    held.read_exact(&mut start).await.expect("answered");
    assert_eq!(&start, b"HTTP/1.1 200");
    let refused = raw(&server, "").await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after"), "{refused}");
    let metrics = server.send(true, Request::get("/metrics"), "").await.text();
    assert!(metrics.contains("rpc_connections 2"), "{metrics}");
    assert!(metrics.contains("rpc_connections_refused_total 1"), "{metrics}");
    drop(held);
    drop(websocket);
    // Places become free when the server notices that the connections ended. Each attempt is a new
    // connection.
    loop {
        let request = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        if raw(&server, request).await.starts_with("HTTP/1.1 200") {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_rebound_name_is_no_host_of_this_node() {
    let mut named = config();
    named.public_url = Some("https://idem.example".parse().expect("a URL"));
    let (plain, named) = (Server::start().await, Server::with(named).await);
    for (host, without, with) in [
        ("localhost:1", 200, 200),
        ("127.0.0.1", 200, 200),
        ("[::1]:7641", 200, 200),
        ("evil.example", 403, 403),
        ("idem.example", 403, 200),
        ("IDEM.example:443", 403, 200),
        ("", 403, 403),
    ] {
        for (server, status) in [(&plain, without), (&named, with)] {
            let request =
                format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            let answer = raw(server, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
        }
    }
}

#[tokio::test]
async fn work_at_once_is_bounded_but_waiting_is_not_work() {
    let mut config = config();
    config.limits.concurrent_requests_max = 1;
    let server = Server::with(config).await;
    server.ledger.hold();
    let envelope = base64url(&create(server.ledger.chain(), Person::new(1), 1).bytes());
    let submission = server.call("ledger_submitAndWait", json!({ "envelope": envelope }));
    let reading = async {
        let mut heights = server.ledger.heads().clone();
        let path = "/1.0/identifiers/did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?minHeight=1";
        let slow = server.get(path);
        let busy = async {
            // Once the slow read occupies the only place, the server refuses every other request.
            while server.get("/livez").await.status != 503 {
                tokio::task::yield_now().await;
            }
            let call = server.call("ledger_status", json!({})).await.expect_err("busy");
            assert_eq!(call.code(), 3007);
            while server.ledger.status().mempool_operations == 0 {
                tokio::task::yield_now().await;
            }
            server.ledger.commit();
        };
        let (slow, ()) = tokio::join!(slow, busy);
        assert_eq!(slow.status, 404);
        heights.wait_for(|head| head.height == 1).await.expect("open");
    };
    let (submitted, ()) = tokio::join!(submission, reading);
    assert_eq!(submitted.expect("waited apart from the bound")["height"], 1);
}

#[tokio::test]
async fn probes_tell_the_public_a_word_and_the_admin_the_reason() {
    let server = Server::start().await;
    let checks = |ok| vec![Check { name: "peers", ok, detail: "1 of 3".to_owned() }];
    server.ledger.set_checks(checks(true));
    assert_eq!(server.get("/livez").await.text(), "ok\n");
    let ready = server.get("/readyz?verbose").await;
    assert_eq!((ready.status.as_u16(), ready.text().as_str()), (200, "ready\n"));
    server.ledger.set_checks(checks(false));
    let ready = server.get("/readyz?verbose").await;
    assert_eq!((ready.status.as_u16(), ready.text().as_str()), (503, "not ready\n"));
    let verbose = server.send(true, Request::get("/readyz?verbose"), "").await;
    assert_eq!(verbose.status, 503);
    let text = verbose.text();
    assert!(text.contains("[!] peers: 1 of 3\n[+] clock: "), "{text}");
    assert_eq!(server.send(true, Request::get("/readyz"), "").await.text(), "not ready\n");
}

#[tokio::test]
async fn a_stopping_node_finishes_what_it_began() {
    let server = Server::start().await;
    server.ledger.hold();
    let envelope = base64url(&create(server.ledger.chain(), Person::new(1), 1).bytes());
    let submission = server.call("ledger_submitAndWait", json!({ "envelope": envelope }));
    let stopping = async {
        while server.ledger.status().mempool_operations == 0 {
            tokio::task::yield_now().await;
        }
        server.stop.cancel();
        server.ledger.commit();
    };
    let (submitted, ()) = tokio::join!(submission, stopping);
    assert_eq!(submitted.expect("answered")["height"], 1);
    let Server { running, .. } = server;
    let address = running.public;
    running.stopped().await;
    assert!(TcpStream::connect(address).await.is_err());
}
