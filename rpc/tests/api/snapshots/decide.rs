//! Records decisions about a credential, with one fault at a time.

use serde_json::{Value, json};

use super::book::Book;
use super::sweep::sweep_read;
use super::world::{AGENT, AUTHORITY, GONE, ISSUER, PRINCIPAL, STRANGER, SUBAGENT, World};
use crate::common::client::with_members;

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("decide");
    let issuer = &world.dids[ISSUER];
    let good = json!({
        "issuer": issuer,
        "verificationMethod": format!("{issuer}#key-1"),
        "credentialType": "degrees/bachelor",
        "schema": world.id("schema"),
        "issuedAt": world.late,
        "status": [{ "list": world.id("revocation"), "entry": 5 }],
        "authority": world.dids[AUTHORITY],
        "minimumAssurance": "substantial",
    });
    sweep_read(&mut book, &world, "registry_decide", good.clone()).await;
    let of = |number: usize| {
        let did = &world.dids[number];
        json!({ "issuer": did, "verificationMethod": format!("{did}#key-1") })
    };
    let by = |number: usize| json!({ "agent": world.dids[number] });
    for (what, members) in [
        ("by its principal", of(PRINCIPAL)),
        ("by a stranger", of(STRANGER)),
        ("by one who is gone", of(GONE)),
        ("by an agent", with_members(of(PRINCIPAL), by(AGENT))),
        ("by an agent of another", by(AGENT)),
        ("by an agent of an agent", by(SUBAGENT)),
        ("by no agent", by(STRANGER)),
        ("by an idle key", json!({ "verificationMethod": format!("{issuer}#idle") })),
        ("by no key", json!({ "verificationMethod": "key-1" })),
        ("revoked", json!({ "status": [{ "list": world.id("revocation"), "entry": 3 }] })),
        ("suspended", json!({ "status": [{ "list": world.id("suspension"), "entry": 7 }] })),
        ("with an old list", json!({ "status": [{ "list": world.id("ended"), "entry": 7 }] })),
        (
            "beyond the list",
            json!({ "status": [{ "list": world.id("revocation"), "entry": 999 }] }),
        ),
        ("of no list", json!({ "status": [{ "list": "none", "entry": 1 }] })),
        ("of no entry", json!({ "status": [{ "list": world.id("revocation") }] })),
        ("of a withdrawn schema", json!({ "schema": world.id("withdrawn") })),
        ("of an old type", json!({ "credentialType": "degrees/old", "schema": null })),
        ("of a schema elsewhere", json!({ "schema": "https://schemas.example/1" })),
        ("of neither type nor schema", json!({ "credentialType": null, "schema": null })),
        ("of high assurance", json!({ "minimumAssurance": "high" })),
        ("issued before all", json!({ "issuedAt": "2023-11-14T22:13:20Z" })),
        ("issued in the future", json!({ "issuedAt": "2100-01-01T00:00:00Z" })),
        ("asked before it was issued", json!({ "at": "2023-11-14T22:13:25Z" })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, "registry_decide", params).await;
    }
    several(&mut book, &world, &good).await;
    book
}

/// Records decisions about a credential with several status entries.
async fn several(book: &mut Book, world: &World, good: &Value) {
    for (what, members) in [
        (
            "revoked and suspended",
            json!({ "status": [
                { "list": world.id("revocation"), "entry": 5 },
                { "list": world.id("suspension"), "entry": 7 },
            ] }),
        ),
        (
            "neither revoked nor suspended",
            json!({ "status": [
                { "list": world.id("suspension"), "entry": 5 },
                { "list": world.id("revocation"), "entry": 5 },
            ] }),
        ),
        (
            "of too many entries",
            json!({ "status": vec![json!({ "list": world.id("revocation"), "entry": 5 }); 9] }),
        ),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, "registry_decide", params).await;
    }
}
