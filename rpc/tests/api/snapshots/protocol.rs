//! Records JSON-RPC itself: invalid calls, and the HTTP requests that carry calls.

use serde_json::json;

use super::book::{Asked, Book};
use super::world::{AUTHORITY, World};
use crate::common::client::Server;

/// A call whose answer does not depend on the clock.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"net_peers"}"#;

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let (mut book, server) = (Book::new("protocol"), &world.server);
    for (name, body) in bodies() {
        book.post(server, name, &body).await;
    }
    let did = &world.dids[AUTHORITY];
    let resolve = json!({ "jsonrpc": "2.0", "id": "x", "method": "did_resolve", "params": [did] });
    book.post(server, "a batch of several", &format!("[{CALL},{resolve},7,{CALL}]")).await;
    book.post(server, "a batch of the most", &format!("[{}]", vec![CALL; 20].join(","))).await;
    book.post(server, "a batch of too many", &format!("[{}]", vec![CALL; 21].join(","))).await;
    let large = format!("{CALL}{}", " ".repeat(256 * 1024));
    book.post(server, "too large", &large).await;
    carriers(&mut book, server).await;
    book
}

fn bodies() -> Vec<(&'static str, String)> {
    let with = |members: &str| format!("{{{members}}}");
    [
        ("nothing", String::new()),
        ("spaces", "  ".to_owned()),
        ("no JSON", "{".to_owned()),
        ("a number", "7".to_owned()),
        ("a text", "\"a\"".to_owned()),
        ("null", "null".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("an empty batch", "[]".to_owned()),
        ("a batch of numbers", "[1,2]".to_owned()),
        ("a batch with a hole", format!("[{CALL},")),
        ("a batch of one", format!("[{CALL}]")),
        ("a call", CALL.to_owned()),
        ("a call and more", format!("{CALL} {CALL}")),
        ("a call with spaces around it", format!(" \n{CALL}\n ")),
        ("an unknown method", with(r#""jsonrpc":"2.0","id":1,"method":"did_fly""#)),
        ("a method of no name", with(r#""jsonrpc":"2.0","id":1,"method":"""#)),
        ("a method that is a number", with(r#""jsonrpc":"2.0","id":1,"method":7"#)),
        ("no method", with(r#""jsonrpc":"2.0","id":1"#)),
        ("no version", with(r#""id":1,"method":"net_peers""#)),
        ("another version", with(r#""jsonrpc":"1.0","id":1,"method":"net_peers""#)),
        ("a version that is a number", with(r#""jsonrpc":2.0,"id":1,"method":"net_peers""#)),
        ("a notification", with(r#""jsonrpc":"2.0","method":"net_peers""#)),
        ("an unknown notification", with(r#""jsonrpc":"2.0","method":"did_fly""#)),
        ("a batch of notifications", r#"[{"jsonrpc":"2.0","method":"net_peers"}]"#.to_owned()),
        ("an id of null", with(r#""jsonrpc":"2.0","id":null,"method":"net_peers""#)),
        ("an id of text", with(r#""jsonrpc":"2.0","id":"a b","method":"net_peers""#)),
        ("an id of a fraction", with(r#""jsonrpc":"2.0","id":1.5,"method":"net_peers""#)),
        ("an id below zero", with(r#""jsonrpc":"2.0","id":-1,"method":"net_peers""#)),
        ("an id of an object", with(r#""jsonrpc":"2.0","id":{},"method":"net_peers""#)),
        ("a large id", with(r#""jsonrpc":"2.0","id":18446744073709551615,"method":"net_peers""#)),
        ("an unknown member", with(r#""jsonrpc":"2.0","id":1,"method":"net_peers","more":1"#)),
        ("params of null", with(r#""jsonrpc":"2.0","id":1,"method":"net_peers","params":null"#)),
        ("params of text", with(r#""jsonrpc":"2.0","id":1,"method":"net_peers","params":"a""#)),
        ("params of a number", with(r#""jsonrpc":"2.0","id":1,"method":"net_peers","params":1"#)),
        (
            "a member twice",
            with(r#""jsonrpc":"2.0","id":1,"method":"did_resolve","params":{"did":"a","did":"b"}"#),
        ),
    ]
    .into()
}

/// Records other HTTP methods and headers on the path of JSON-RPC.
async fn carriers(book: &mut Book, server: &Server) {
    const JSON: (&str, &str) = ("content-type", "application/json");
    type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)], &'c str);
    let asked: [Case<'_>; 17] = [
        ("a page", "GET", &[], ""),
        ("a page as JSON", "GET", &[JSON], ""),
        ("a head", "HEAD", &[], ""),
        ("a file", "PUT", &[JSON], CALL),
        ("an end", "DELETE", &[], ""),
        ("options", "OPTIONS", &[], ""),
        (
            "a preflight",
            "OPTIONS",
            &[
                ("origin", "https://app.example"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "content-type"),
            ],
            "",
        ),
        ("from a page", "POST", &[JSON, ("origin", "https://app.example")], CALL),
        ("as no type", "POST", &[], CALL),
        ("as text", "POST", &[("content-type", "text/plain")], CALL),
        ("with a charset", "POST", &[("content-type", "application/json; charset=utf-8")], CALL),
        ("as another JSON", "POST", &[("content-type", "application/json-rpc")], CALL),
        ("to another host", "POST", &[JSON, ("host", "evil.example")], CALL),
        ("to this host", "POST", &[JSON, ("host", "node.example:443")], CALL),
        ("for gzip", "POST", &[JSON, ("accept-encoding", "gzip, br")], CALL),
        ("for text", "POST", &[JSON, ("accept", "text/html")], CALL),
        ("with a name", "POST", &[JSON, ("x-request-id", "abc")], CALL),
    ];
    for (name, method, headers, body) in asked {
        let asked = Asked { admin: false, method, path: "/", headers, body };
        book.ask(server, name, asked).await;
    }
}
