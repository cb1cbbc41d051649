//! Records `/1.0/identifiers`, the HTTP binding of W3C DID Resolution, and the listings beside it.

use serde_json::json;

use super::book::{Asked, Book, get};
use super::sweep::NOBODY;
use super::world::{GONE, MATURED, PRINCIPAL, RECOVERING, ROTATED, SHARED, World};

const ACCEPTS: [&str; 16] = [
    "*/*",
    "application/*",
    "application/json",
    "application/did",
    "application/did+json",
    "application/did+ld+json",
    "application/ld+json",
    "application/ld+json;profile=\"https://w3id.org/did-resolution\"",
    "application/ld+json;profile=https://w3id.org/did-url-dereferencing",
    "application/did-resolution",
    "application/did-url-dereferencing",
    "application/did;q=0.5, application/json;q=0.9",
    "application/did;q=0, */*;q=0.1",
    "text/uri-list",
    "text/html",
    "",
];

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("http_identifiers");
    paths(&mut book, &world).await;
    negotiations(&mut book, &world).await;
    posts(&mut book, &world).await;
    methods(&mut book, &world).await;
    book
}

async fn paths(book: &mut Book, world: &World) {
    let did = &world.dids[ROTATED];
    let encoded = did.replace(':', "%3A");
    for rest in [
        String::new(),
        "?versionId=1".to_owned(),
        "?versionId=9".to_owned(),
        "?versionId=x".to_owned(),
        "?versionTime=2023-11-14T22:13:23Z".to_owned(),
        "?versionTime=2100-01-01T00:00:00Z".to_owned(),
        "?noCache=true".to_owned(),
        "?other=1".to_owned(),
        "?versionId=%zz".to_owned(),
        "?accept=application/did".to_owned(),
        "?minHeight=1".to_owned(),
        "?service=files".to_owned(),
        "?service=files&relativeRef=a%2Fb".to_owned(),
        "?service=chat".to_owned(),
        "?service=none".to_owned(),
        "?verificationRelationship=authentication".to_owned(),
        "%23key-1".to_owned(),
        "%23files".to_owned(),
        "%23none".to_owned(),
        "%23key-1?verificationRelationship=keyAgreement".to_owned(),
        "/path".to_owned(),
    ] {
        for (what, did) in [("plain", did), ("encoded", &encoded)] {
            let path = format!("/1.0/identifiers/{did}{rest}");
            book.ask(&world.server, what, get(&path)).await;
        }
    }
    let network = world.network_did();
    for did in [
        world.dids[GONE].as_str(),
        &format!("{}?versionId=1", world.dids[GONE]),
        &world.dids[RECOVERING],
        &world.dids[MATURED],
        &world.dids[SHARED],
        &world.dids[PRINCIPAL],
        &network,
        &format!("{network}%23node-1"),
        NOBODY,
        &did.replace(":local:", ":other:"),
        "did:web:example.com",
        "did:idem:local:short",
        "did%3Aidem%3Alocal%3zz",
        "Alice",
    ] {
        book.ask(&world.server, "of", get(&format!("/1.0/identifiers/{did}"))).await;
    }
    for path in ["/1.0/identifiers", "/1.0/identifiers/", "/1.0/other", "/1.0"] {
        book.ask(&world.server, "nothing", get(path)).await;
    }
    for name in ["methods", "properties", "testIdentifiers", "traits"] {
        for (method, end) in [("GET", ""), ("GET", "/"), ("HEAD", ""), ("POST", "")] {
            let path = format!("/1.0/{name}{end}");
            let asked = Asked { method, ..get(&path) };
            book.ask(&world.server, "a listing", asked).await;
        }
    }
}

async fn negotiations(book: &mut Book, world: &World) {
    let did = &world.dids[ROTATED];
    let questions = [
        did.clone(),
        format!("{did}%23key-1"),
        format!("{did}?service=files"),
        world.dids[GONE].clone(),
        NOBODY.to_owned(),
    ];
    for question in &questions {
        let path = format!("/1.0/identifiers/{question}");
        for accept in ACCEPTS {
            let headers = [("accept", accept)];
            let asked = Asked { headers: &headers, ..get(&path) };
            let answer = book.ask(&world.server, &format!("as {accept:?}"), asked).await;
            let tag = answer.header("etag");
            if tag.is_empty() {
                continue;
            }
            for if_none_match in [tag.to_owned(), format!("W/{tag}, \"a\""), "*".to_owned()] {
                let headers = [("accept", accept), ("if-none-match", if_none_match.as_str())];
                let asked = Asked { headers: &headers, ..get(&path) };
                let what = format!("as {accept:?} if not {if_none_match}");
                book.ask(&world.server, &what, asked).await;
            }
        }
    }
    let path = format!("/1.0/identifiers/{did}");
    let other = [("if-none-match", "\"1-00000000-r\"")];
    book.ask(&world.server, "if changed", Asked { headers: &other, ..get(&path) }).await;
}

async fn posts(book: &mut Book, world: &World) {
    let did = &world.dids[ROTATED];
    let path = format!("/1.0/identifiers/{did}");
    let post = Asked { method: "POST", ..get(&path) };
    for body in [
        String::new(),
        "{}".to_owned(),
        json!({ "versionId": 1 }).to_string(),
        json!({ "accept": "application/did" }).to_string(),
        json!({ "service": "files" }).to_string(),
        json!({ "verificationRelationship": "authentication" }).to_string(),
        json!({ "other": 1 }).to_string(),
        json!({ "versionId": [] }).to_string(),
        "[]".to_owned(),
        "{".to_owned(),
    ] {
        let asked = Asked { body: &body, ..post };
        book.ask(&world.server, &format!("with {body:?}"), asked).await;
    }
    let large = " ".repeat(256 * 1024 + 1);
    book.ask(&world.server, "too large", Asked { body: &large, ..post }).await;
    let both = format!("{path}?versionId=1");
    let asked = Asked { method: "POST", body: r#"{"versionId":"1"}"#, ..get(&both) };
    book.ask(&world.server, "the version twice", asked).await;
    let nowhere = Asked { method: "POST", ..get("/1.0/identifiers") };
    book.ask(&world.server, "of nothing", nowhere).await;
}

async fn methods(book: &mut Book, world: &World) {
    let path = format!("/1.0/identifiers/{}", world.dids[ROTATED]);
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "accept"),
    ];
    let origin = [("origin", "https://app.example")];
    let evil = [("host", "evil.example")];
    for (what, method, headers) in [
        ("a head", "HEAD", &[][..]),
        ("options", "OPTIONS", &[]),
        ("a preflight", "OPTIONS", &preflight),
        ("from a page", "GET", &origin),
        ("to another host", "GET", &evil),
        ("a file", "PUT", &[]),
        ("an end", "DELETE", &[]),
        ("a patch", "PATCH", &[]),
    ] {
        book.ask(&world.server, what, Asked { method, headers, ..get(&path) }).await;
    }
}
