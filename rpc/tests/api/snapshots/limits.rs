//! Records the answers to clients that send too many requests or have a foreign address.

use std::net::IpAddr;

use serde_json::json;

use super::book::{Asked, Book, get};
use super::world::World;
use crate::common::client::{Server, config};

/// A call whose answer does not depend on the clock.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"net_peers"}"#;

pub(super) async fn record() -> Book {
    let mut book = Book::new("limits");
    rates(&mut book).await;
    elsewhere(&mut book).await;
    busy(&mut book).await;
    book
}

/// Allows one call a second. The JSON-RPC message contains the milliseconds that remain to wait, so
/// it is masked.
async fn rates(book: &mut Book) {
    let mut config = config();
    config.limits.requests_per_second_per_address = 1;
    config.limits.request_burst_per_address = 1;
    let server = Server::with(config).await;
    let headers = [("content-type", "application/json")];
    let body = format!("[{CALL},{CALL}]");
    let post = Asked { method: "POST", headers: &headers, body: &body, ..get("/") };
    let answer = post.send(&server).await;
    let shown = json!({ "http": "POST /", "body": body });
    book.add("POST /: a batch over the rate".to_owned(), &shown, &answer, &["message"]);
    book.ask(&server, "over the rate", get("/livez")).await;
    let post = Asked { body: CALL, ..post };
    book.ask(&server, "over the rate", post).await;
}

/// Records that only clients that the operator has listed may read single status entries.
async fn elsewhere(book: &mut Book) {
    let world = World::new().await;
    let headers = [("content-type", "application/json"), ("x-forwarded-for", "192.0.2.1")];
    let list = world.id("revocation");
    for (method, params) in [
        ("status_check", json!({ "list": list, "entry": 1 })),
        ("status_checkMany", json!({ "list": list, "entries": [1] })),
        ("registry_decide", json!({})),
        ("status_getList", json!({ "list": list })),
    ] {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = call.to_string();
        let asked = Asked { method: "POST", headers: &headers, body: &body, ..get("/") };
        book.ask(&world.server, &format!("{method} from elsewhere"), asked).await;
    }
    let mut trusting = config();
    trusting.trusted_proxies = vec![IpAddr::from([127, 0, 0, 1])];
    trusting.status_check_from = vec!["192.0.2.0/24".parse().expect("a network")];
    let server = Server::over(world.server.ledger.clone(), trusting).await;
    for address in ["192.0.2.1", "198.51.100.1", "not an address"] {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        let params = json!({ "list": list, "entry": 1 });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "status_check", "params": params });
        let body = call.to_string();
        let asked = Asked { method: "POST", headers: &headers, body: &body, ..get("/") };
        book.ask(&server, &format!("through a proxy from {address}"), asked).await;
    }
}

/// Records a node that accepts no concurrent request.
async fn busy(book: &mut Book) {
    let mut config = config();
    config.limits.concurrent_requests_max = 0;
    let server = Server::with(config).await;
    book.ask(&server, "busy", get("/livez")).await;
    let headers = [("content-type", "application/json")];
    let post = Asked { method: "POST", headers: &headers, body: CALL, ..get("/") };
    book.ask(&server, "busy", post).await;
    let batch = format!("[{CALL},{CALL}]");
    let post = Asked { method: "POST", headers: &headers, body: &batch, ..get("/") };
    book.ask(&server, "busy with several", post).await;
}
