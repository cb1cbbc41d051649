//! Records status lists and schemas over HTTP.

use super::book::{Asked, Book, get};
use super::world::{AUTHORITY, GONE, ISSUER, World};
use super::{story, sweep::NOBODY};
use crate::common::client::Server;

const WORDS: [&str; 5] = ["revocation", "suspension", "refresh", "message", "ended"];

const ACCEPTS: [&str; 11] = [
    "application/vc",
    "application/vc+jwt",
    "application/statuslist+jwt",
    "application/statuslist+cwt",
    "application/json",
    "application/ld+json",
    "application/vc+ld+json",
    "application/vc+jwt;q=0.9, application/vc;q=0.5",
    "application/*",
    "text/html",
    "",
];

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("http_status_lists");
    let server = &world.server;
    for route in ["status-lists", "token-status-lists"] {
        for word in WORDS {
            let path = format!("/{route}/{}", world.id(word));
            for accept in ACCEPTS {
                let headers = [("accept", accept)];
                let asked = Asked { headers: &headers, ..get(&path) };
                book.ask(server, &format!("{word} as {accept:?}"), asked).await;
            }
        }
        let path = format!("/{route}/{}", world.id("suspension"));
        variations(&mut book, server, &path).await;
        for list in ["b".repeat(32), "none".to_owned(), String::new()] {
            book.ask(server, "no list", get(&format!("/{route}/{list}"))).await;
        }
    }
    aggregations(&mut book, &world).await;
    schemas(&mut book, &world).await;
    server.ledger.set_view_key(None);
    let path = format!("/status-lists/{}?minHeight=2", world.id("message"));
    let answer = book.ask(server, "without a publishing key, kept", get(&path)).await;
    assert_eq!(answer.status, 200, "it was made before");
    let past = format!("/status-lists/{}?timestamp=2023-11-14T22:14:58Z", world.id("message"));
    book.ask(server, "without a publishing key", get(&past)).await;
    book
}

async fn variations(book: &mut Book, server: &Server, path: &str) {
    for query in [
        "?",
        "?view=ledger",
        "?view=issuer",
        "?minHeight=1",
        "?minHeight=x",
        "?minHeight=1&minHeight=1",
        "?other=1",
        "?view=%zz",
        "?timestamp=2023-11-14T22:15:00Z",
        "?timestamp=2023-11-14T22:14:48Z",
        "?timestamp=2023-11-14T22:13:20Z",
        "?timestamp=2100-01-01T00:00:00Z",
        "?timestamp=now",
        "?time=1700000100",
        "?time=1700000000",
        "?time=4102444800",
        "?time=now",
        "?time=99999999999999999999",
    ] {
        book.ask(server, "asked", get(&format!("{path}{query}"))).await;
    }
    for coding in ["gzip", "br", "gzip, br", "gzip;q=0", "deflate", "identity", "*"] {
        let headers = [("accept-encoding", coding)];
        let asked = Asked { headers: &headers, ..get(path) };
        book.ask(server, &format!("for {coding}"), asked).await;
    }
    let plain = get(path).send(server).await;
    let tag = plain.header("etag").to_owned();
    for if_none_match in [tag.as_str(), "*", "\"a\"", &format!("W/{tag}")] {
        let headers = [("if-none-match", if_none_match)];
        let asked = Asked { headers: &headers, ..get(path) };
        book.ask(server, &format!("if not {if_none_match}"), asked).await;
    }
    methods(book, server, path).await;
}

async fn methods(book: &mut Book, server: &Server, path: &str) {
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    for (what, method, headers) in [
        ("a head", "HEAD", &[][..]),
        ("options", "OPTIONS", &[]),
        ("a preflight", "OPTIONS", &preflight),
        ("a post", "POST", &[]),
        ("a file", "PUT", &[]),
        ("an end", "DELETE", &[]),
    ] {
        book.ask(server, what, Asked { method, headers, ..get(path) }).await;
    }
}

async fn aggregations(book: &mut Book, world: &World) {
    let path = |issuer: &str| format!("/token-status-lists/aggregation/{issuer}");
    let own = path(&world.dids[ISSUER]);
    for (what, path) in [
        ("of an issuer", own.clone()),
        ("of one without lists", path(&world.dids[AUTHORITY])),
        ("of one who is gone", path(&world.dids[GONE])),
        ("of nobody", path(NOBODY)),
        ("of another network", path(&world.dids[ISSUER].replace(":local:", ":other:"))),
        ("of no DID", path("Alice")),
        ("of the network", path(&world.network_did())),
        ("after one", format!("{own}?after={}", world.id("message"))),
        ("after none", format!("{own}?after=a")),
        ("with another parameter", format!("{own}?limit=1")),
        ("of nothing", path("")),
    ] {
        book.ask(&world.server, what, get(&path)).await;
    }
    methods(book, &world.server, &own).await;
}

async fn schemas(book: &mut Book, world: &World) {
    let own = format!("/schemas/{}", world.id("schema"));
    for (what, path) in [
        ("of a schema", own.clone()),
        ("of a newer one", format!("/schemas/{}", world.id("newer"))),
        ("of a withdrawn one", format!("/schemas/{}", world.id("withdrawn"))),
        ("of none", format!("/schemas/{}", "a".repeat(32))),
        ("of no id", "/schemas/degree".to_owned()),
        ("of nothing", "/schemas/".to_owned()),
        ("at a time", format!("{own}?at=2023")),
        ("with an empty query", format!("{own}?")),
    ] {
        let answer = book.ask(&world.server, what, get(&path)).await;
        if what == "of a schema" {
            assert_eq!(answer.text().len(), story::CONTENT.len() + ", \"title\": \"degree\"".len());
        }
    }
    let tag = format!("\"{}\"", world.id("schema"));
    for if_none_match in [tag.as_str(), "*", "\"a\""] {
        let headers = [("if-none-match", if_none_match)];
        let asked = Asked { headers: &headers, ..get(&own) };
        book.ask(&world.server, &format!("if not {if_none_match}"), asked).await;
    }
    methods(book, &world.server, &own).await;
}
