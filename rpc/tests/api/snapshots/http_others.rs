//! Records trust registry queries, probes, metrics, and paths that do not exist.

use rpc::service::Check;
use serde_json::{Value, json};

use super::book::{Asked, Book, get};
use super::sweep::NOBODY;
use super::world::{ACCREDITOR, AUTHORITY, GONE, ISSUER, STRANGER, World};
use crate::common::client::{Server, config, with_members};
use crate::common::rights::query_of;

const JSON: (&str, &str) = ("content-type", "application/json");

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("http_others");
    for (path, entity, resource) in
        [("/authorization", ISSUER, "degrees/bachelor"), ("/recognition", ACCREDITOR, "degrees/*")]
    {
        let good = query_of(&world.right(entity, resource));
        queries(&mut book, &world, path, &good).await;
        carriers(&mut book, &world, path, &good.to_string()).await;
    }
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        let asked = Asked { method, ..get("/.well-known/trqp") };
        book.ask(&world.server, "where they are", asked).await;
    }
    probes(&mut book, &world).await;
    for path in ["/nothing", "/metrics", "/status-lists", "/schemas", "//", "/readyz/"] {
        for method in ["GET", "POST"] {
            book.ask(&world.server, "nowhere", Asked { method, ..get(path) }).await;
        }
    }
    metrics(&mut book).await;
    book
}

async fn queries(book: &mut Book, world: &World, path: &str, good: &Value) {
    let at = |time: Value| json!({ "context": { "time": time } });
    for (what, members) in [
        ("good", json!({})),
        ("of a stranger", json!({ "entity_id": world.dids[STRANGER] })),
        ("suspended", json!({ "entity_id": world.dids[STRANGER], "resource": "licences/a" })),
        ("revoked", json!({ "entity_id": world.dids[STRANGER], "resource": "licences/b" })),
        ("expired", json!({ "entity_id": world.dids[STRANGER], "resource": "licences/old" })),
        ("to come", json!({ "entity_id": world.dids[STRANGER], "resource": "licences/new" })),
        ("of no name", json!({ "entity_id": "Alice", "action": "a b", "resource": "c*" })),
        ("under nobody", json!({ "authority_id": NOBODY })),
        ("under no DID", json!({ "authority_id": "Alice" })),
        ("under one who is gone", json!({ "authority_id": world.dids[GONE] })),
        (
            "under another network",
            json!({
            "authority_id": world.dids[AUTHORITY].replace(":local:", ":other:") }),
        ),
        ("early", at(json!(world.early))),
        ("before genesis", at(json!("2020-01-01T00:00:00Z"))),
        ("in the future", at(json!("2100-01-01T00:00:00Z"))),
        ("at a fine time", at(json!("2023-11-14T22:14:20.123456Z"))),
        ("at no time", at(json!("yesterday"))),
        ("at an empty time", at(json!(""))),
        ("at a number", at(json!(7))),
        ("with context", json!({ "context": { "purpose": "a", "number": 7, "list": [] } })),
        ("with a context of text", json!({ "context": "a" })),
        ("with more", json!({ "more": 1 })),
        ("of a number", json!({ "entity_id": 7 })),
        ("of null", json!({ "action": null })),
    ] {
        let body = with_members(good.clone(), members).to_string();
        let asked = Asked { method: "POST", headers: &[JSON], body: &body, ..get(path) };
        book.ask(&world.server, what, asked).await;
    }
    for name in ["authority_id", "entity_id", "action", "resource"] {
        let mut without = good.clone();
        without.as_object_mut().expect("an object").remove(name);
        let body = without.to_string();
        let asked = Asked { method: "POST", headers: &[JSON], body: &body, ..get(path) };
        book.ask(&world.server, &format!("without {name}"), asked).await;
    }
    for body in ["", "{", "[]", "7"] {
        let asked = Asked { method: "POST", headers: &[JSON], body, ..get(path) };
        book.ask(&world.server, &format!("with {body:?}"), asked).await;
    }
}

async fn carriers(book: &mut Book, world: &World, path: &str, good: &str) {
    let long = "x".repeat(129);
    let large = " ".repeat(256 * 1024 + 1);
    let named = [JSON, ("x-request-id", "abc")];
    let too_long = [JSON, ("x-request-id", long.as_str())];
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    for (what, method, headers, body) in [
        ("with a name", "POST", &named[..], good),
        ("with a long name", "POST", &too_long, good),
        ("with a name and nothing", "POST", &named, ""),
        ("as no type", "POST", &[], good),
        ("as text", "POST", &[("content-type", "text/plain")], good),
        ("for text", "POST", &[JSON, ("accept", "text/html")], good),
        ("too large", "POST", &[JSON], large.as_str()),
        ("a page", "GET", &[], ""),
        ("a head", "HEAD", &[], ""),
        ("options", "OPTIONS", &[], ""),
        ("a preflight", "OPTIONS", &preflight, ""),
        ("a file", "PUT", &[JSON], good),
    ] {
        let asked = Asked { method, headers, body, ..get(path) };
        book.ask(&world.server, what, asked).await;
    }
}

async fn probes(book: &mut Book, world: &World) {
    let ledger = &world.server.ledger;
    let peers = |ok| vec![Check { name: "peers", ok, detail: "1 of 3".to_owned() }];
    for (what, checks) in
        [("no checks", Vec::new()), ("a good check", peers(true)), ("a bad check", peers(false))]
    {
        ledger.set_checks(checks);
        for path in ["/livez", "/readyz", "/readyz?verbose", "/readyz?other"] {
            for admin in [false, true] {
                let whose = if admin { "the admin's" } else { "anyone's" };
                let asked = Asked { admin, ..get(path) };
                book.ask(&world.server, &format!("{whose}, {what}"), asked).await;
            }
        }
    }
    for (method, path) in
        [("HEAD", "/livez"), ("POST", "/livez"), ("HEAD", "/readyz"), ("OPTIONS", "/readyz")]
    {
        for admin in [false, true] {
            let whose = if admin { "the admin's" } else { "anyone's" };
            book.ask(&world.server, whose, Asked { admin, method, ..get(path) }).await;
        }
    }
    for (method, path) in [("GET", "/nothing"), ("GET", "/"), ("POST", "/"), ("POST", "/metrics")] {
        let asked = Asked { admin: true, method, ..get(path) };
        book.ask(&world.server, "the admin's", asked).await;
    }
}

/// Records the metrics of a server that has answered three requests. The order of a metric's lines
/// varies, so they are sorted. Times and the number of open connections are masked.
async fn metrics(book: &mut Book) {
    let server = Server::with(config()).await;
    for method in ["net_peers", "did_fly", "did_history"] {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
        server.post(&call.to_string()).await;
    }
    server.get("/nothing").await;
    let asked = Asked { admin: true, ..get("/metrics") };
    let mut answer = asked.send(&server).await;
    let text = answer.text();
    let mut lines: Vec<String> = Vec::new();
    for block in text.split_inclusive('\n') {
        let line = block.trim_end();
        let varies = ["_seconds_sum", "_seconds_bucket", "rpc_connections "];
        let masked = line.rsplit_once(' ').filter(|_| !line.starts_with('#'));
        let masked = masked.filter(|_| varies.iter().any(|name| line.contains(name)));
        lines.push(masked.map_or(line.to_owned(), |(name, _)| format!("{name} <number>")));
    }
    lines.sort();
    answer.body = lines.join("\n").into_bytes();
    answer.headers.remove("content-length");
    book.add(
        "GET /metrics: the admin's".to_owned(),
        &json!({ "http": "GET /metrics" }),
        &answer,
        &[],
    );
}
